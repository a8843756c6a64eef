use madenet_kernels::blocked::{Layout, pack, unpack};
use madenet_kernels::{Error, Isa, Padding, Shape};
use proptest::prelude::*;

use crate::support::{assert_same_on_all_threads, random};
use crate::tensor::{BORDERS, Tensor};

/// Packs, compares every pixel by its place, unpacks and compares again.
fn there_and_back(isa: Isa, shape: Shape, border: Padding, batch: usize) {
    let x = random(batch * shape.len(), 1);
    let mut packed = Tensor::untouched(shape, border, batch);
    pack(isa, &x, packed.write()).unwrap();
    let layout = packed.layout;
    for (index, pixel) in packed.blocks.iter().enumerate() {
        let (block, sample) = (index / layout.plane() / batch, index / layout.plane() % batch);
        let (column, row) = (index % layout.row(), index % layout.plane() / layout.row());
        for (lane, value) in pixel.0.iter().enumerate() {
            let (channel, y, x_at) =
                (block * 16 + lane, row.checked_sub(border.top), column.checked_sub(border.left));
            let expected = match (y.filter(|&y| y < shape.h), x_at.filter(|&x| x < shape.w)) {
                (Some(y), Some(x_at)) if channel < shape.c => {
                    x[((sample * shape.c + channel) * shape.h + y) * shape.w + x_at]
                }
                _ => 0.0,
            };
            assert_eq!(*value, expected, "{isa:?} {shape} {border:?}: block {index}, lane {lane}");
        }
    }
    let mut planar = vec![f32::NAN; x.len()];
    unpack(isa, packed.read(), &mut planar).unwrap();
    assert!(planar == x, "{isa:?} {shape} {border:?}: unpacked values differ");
}

#[test]
fn packing_and_unpacking_gives_the_samples_back() {
    for shape in [Shape::new(1, 1, 1), Shape::new(16, 7, 13), Shape::new(35, 5, 4), Shape::new(3, 255, 257)] {
        for border in BORDERS {
            for isa in Isa::available() {
                there_and_back(isa, shape, border, 1);
                there_and_back(isa, shape, border, 3);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    #[test]
    fn any_shape_comes_back(
        c in 1..40_usize, h in 1..20_usize, w in 1..70_usize, batch in 0..4_usize, border in 0..3_usize,
    ) {
        for isa in Isa::available() {
            there_and_back(isa, Shape::new(c, h, w), BORDERS[border], batch);
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let (shape, x) = (Shape::new(35, 100, 90), random(2 * 35 * 100 * 90, 6));
    for isa in Isa::available() {
        assert_same_on_all_threads(|| {
            let mut packed = Tensor::untouched(shape, Padding::all(1), 2);
            pack(isa, &x, packed.write()).unwrap();
            let mut all: Vec<f32> = packed.blocks.iter().flat_map(|block| block.0).collect();
            let start = all.len();
            all.resize(start + x.len(), f32::NAN);
            unpack(isa, packed.read(), &mut all[start..]).unwrap();
            all
        });
    }
}

#[test]
fn other_lengths_are_refused() {
    let layout = Layout::new(Shape::new(2, 3, 4));
    let mut tensor = Tensor::untouched(layout.shape, layout.border, 2);
    let length = |what, got| Err(Error::Length { what, expected: 48, got });
    assert_eq!(pack(Isa::best(), &[0.0; 24], tensor.write()), length("pack: x", 24));
    assert_eq!(unpack(Isa::best(), tensor.read(), &mut [0.0; 49]), length("unpack: out", 49));
}
