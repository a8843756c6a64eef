use madenet_kernels::blocked::{concat_batch, concat_channels};
use madenet_kernels::{Error, Isa, Padding, Shape};
use proptest::prelude::*;

use crate::support::{assert_same_on_all_threads, random};
use crate::tensor::{BORDERS, Tensor};

/// Planar samples of parts with these channels, and the parts with changing borders.
fn parts(channels: &[usize], (h, w): (usize, usize), batch: usize) -> (Vec<Vec<f32>>, Vec<Tensor>) {
    let planar: Vec<Vec<f32>> =
        channels.iter().zip(0..).map(|(c, seed)| random(batch * c * h * w, seed)).collect();
    let tensors = channels.iter().zip(&planar).enumerate().map(|(index, (&c, x))| {
        let mut tensor = Tensor::packed(Shape::new(c, h, w), BORDERS[index % BORDERS.len()], x);
        // What spare lanes hold must not matter.
        spoil(&mut tensor);
        tensor
    });
    let tensors = tensors.collect();
    (planar, tensors)
}

fn spoil(tensor: &mut Tensor) {
    let planes = tensor.batch * tensor.layout.plane();
    for (index, pixel) in tensor.blocks.iter_mut().enumerate() {
        let channels = tensor.layout.shape.c - index / planes * 16;
        pixel.0[channels.min(16)..].fill(1e30);
    }
}

fn joined(isa: Isa, channels: &[usize], hw: (usize, usize), batch: usize, border: Padding) -> Vec<f32> {
    let (planar, tensors) = parts(channels, hw, batch);
    let shape = Shape::new(channels.iter().sum(), hw.0, hw.1);
    let mut out = Tensor::untouched(shape, border, batch);
    let read: Vec<_> = tensors.iter().map(Tensor::read).collect();
    concat_channels(isa, &read, out.write()).unwrap();
    let mut expected = vec![f32::NAN; batch * shape.len()];
    let planar = channels.iter().copied().zip(planar.iter().map(|x| &x[..]));
    madenet_kernels::concat_channels(planar, shape.plane(), &mut expected).unwrap();
    let got = out.planar();
    assert!(got == expected, "{isa:?} {channels:?} of {hw:?}, batch {batch}, {border:?}");
    got
}

#[test]
fn channels_stand_one_after_the_other() {
    let cases: [&[usize]; 7] =
        [&[32, 64], &[16], &[24, 40], &[3, 3], &[8, 20], &[1, 1, 17, 5, 30], &[16, 5, 16]];
    for channels in cases {
        for hw in [(1, 1), (7, 13), (40, 70)] {
            for border in BORDERS {
                for isa in Isa::available() {
                    joined(isa, channels, hw, 1, border);
                    joined(isa, channels, hw, 3, border);
                }
            }
        }
    }
    for isa in Isa::available() {
        joined(isa, &[3, 14], (255, 257), 1, BORDERS[2]);
    }
}

fn joined_batches(batches: &[usize], shape: Shape, border: Padding) -> Vec<f32> {
    let planar: Vec<Vec<f32>> =
        batches.iter().zip(0..).map(|(n, seed)| random(n * shape.len(), seed)).collect();
    let tensors: Vec<Tensor> = planar.iter().zip(BORDERS).map(|(x, b)| Tensor::packed(shape, b, x)).collect();
    let mut out = Tensor::untouched(shape, border, batches.iter().sum());
    concat_batch(&tensors.iter().map(Tensor::read).collect::<Vec<_>>(), out.write()).unwrap();
    let got = out.planar();
    assert!(got == planar.concat(), "batches {batches:?} of {shape}, {border:?}");
    got
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    #[test]
    fn any_channels_stand_one_after_the_other(
        channels in prop::collection::vec(1..40_usize, 1..6),
        hw in (1..12_usize, 1..12_usize),
        batch in 0..4_usize,
        border in 0..3_usize,
    ) {
        for isa in Isa::available() {
            joined(isa, &channels, hw, batch, BORDERS[border]);
        }
    }

    #[test]
    fn any_batches_stand_one_after_the_other(
        batches in prop::collection::vec(0..4_usize, 1..4),
        (c, h, w) in (1..40_usize, 1..12_usize, 1..12_usize),
        border in 0..3_usize,
    ) {
        joined_batches(&batches, Shape::new(c, h, w), BORDERS[border]);
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    for isa in Isa::available() {
        assert_same_on_all_threads(|| joined(isa, &[24, 40, 16], (60, 70), 2, BORDERS[1]));
    }
    assert_same_on_all_threads(|| joined_batches(&[1, 3], Shape::new(40, 60, 70), BORDERS[1]));
}

#[test]
fn what_does_not_fit_is_refused() {
    let tensor = |c: usize, h: usize, batch: usize| Tensor::untouched(Shape::new(c, h, 3), BORDERS[0], batch);
    let (a, b) = (tensor(4, 2, 2), tensor(5, 2, 2));
    let channels = |parts: &[&Tensor], mut out: Tensor| {
        let parts: Vec<_> = parts.iter().map(|part| part.read()).collect();
        concat_channels(Isa::best(), &parts, out.write())
    };
    let batches = |parts: &[&Tensor], mut out: Tensor| {
        concat_batch(&parts.iter().map(|part| part.read()).collect::<Vec<_>>(), out.write())
    };
    assert_eq!(channels(&[&a, &b], tensor(9, 2, 2)), Ok(()));
    assert_eq!(batches(&[&a, &a], tensor(4, 2, 4)), Ok(()));
    for refused in [
        channels(&[], tensor(9, 2, 2)),
        channels(&[&a, &b], tensor(10, 2, 2)),
        channels(&[&a, &b], tensor(9, 3, 2)),
        channels(&[&a, &b], tensor(9, 2, 1)),
        channels(&[&a, &tensor(5, 2, 1)], tensor(9, 2, 2)),
        batches(&[&a, &b], tensor(4, 2, 4)),
        batches(&[&a, &a], tensor(4, 2, 3)),
        batches(&[], tensor(4, 2, 1)),
        batches(&[&a, &tensor(4, 1, 1)], tensor(4, 2, 3)),
    ] {
        assert!(matches!(refused, Err(Error::Geometry { .. })), "{refused:?}");
    }
}
