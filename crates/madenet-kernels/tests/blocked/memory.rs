//! What lies around tensors is neither used nor written, whatever the geometry. (Reads that no output depends on need the
//! address sanitizer: `.ci/sanitize`.)

use madenet_kernels::blocked::{
    Block, Blocked, BlockedMut, Conv2dKernel, ConvMethod, ConvTranspose2dKernel, DepthwiseKernel, Layout,
    PlanarConv2dKernel, Tuning, add, avg_pool2d, max_pool2d, pack,
};
use madenet_kernels::{Activation, Conv2d, ConvTranspose2d, Isa, Padding, Pool2d, Shape};

use crate::support::random;

/// Blocks of NaN on both sides of a tensor: more than any row here has.
const GUARD: usize = 256;

const NAN: Block = Block([f32::NAN; 16]);

/// A blocked tensor between guards.
pub(crate) struct Guarded {
    layout: Layout,
    batch: usize,
    blocks: Vec<Block>,
}

impl Guarded {
    pub(crate) fn empty(shape: Shape, border: Padding, batch: usize) -> Self {
        let layout = Layout { shape, border };
        Guarded { layout, batch, blocks: vec![NAN; layout.len(batch) + 2 * GUARD] }
    }

    pub(crate) fn random(shape: Shape, border: Padding, batch: usize) -> Self {
        let mut tensor = Self::empty(shape, border, batch);
        pack(Isa::best(), &random(batch * shape.len(), 1), tensor.write()).unwrap();
        tensor
    }

    fn inside(&self) -> std::ops::Range<usize> {
        GUARD..GUARD + self.layout.len(self.batch)
    }

    pub(crate) fn read(&self) -> Blocked<'_> {
        Blocked::new(self.layout, self.batch, &self.blocks[self.inside()]).unwrap()
    }

    pub(crate) fn write(&mut self) -> BlockedMut<'_> {
        let inside = self.inside();
        BlockedMut::new(self.layout, self.batch, &mut self.blocks[inside]).unwrap()
    }

    /// Runs what writes all of it.
    pub(crate) fn check(mut self, what: &str, run: impl FnOnce(BlockedMut<'_>)) {
        run(self.write());
        let inside = self.inside();
        for (index, block) in self.blocks.iter().enumerate() {
            let finite = block.0.iter().filter(|v| v.is_finite()).count();
            let expected = if inside.contains(&index) { 16 } else { 0 };
            assert_eq!(finite, expected, "{what}: block {index} of {inside:?}");
        }
    }
}

/// Memory for `run` between guards.
pub(crate) fn scratch(blocks: usize, run: impl FnOnce(&mut [Block])) {
    let mut memory = vec![NAN; blocks + 2 * GUARD];
    run(&mut memory[GUARD..GUARD + blocks]);
    let around = memory[..GUARD].iter().chain(&memory[GUARD + blocks..]);
    assert!(around.flat_map(|block| block.0).all(f32::is_nan), "scratch memory");
}

/// Geometries with their input sizes: outputs that see only padding, windows that leave inputs out, large distances.
pub(crate) fn geometries() -> Vec<(Conv2d, (usize, usize))> {
    let uneven = Padding { top: 4, left: 0, bottom: 1, right: 7 };
    vec![
        (Conv2d::new(3, 1, 1), (5, 7)),
        (Conv2d::new(3, 1, 0), (6, 3)),
        (Conv2d::new(3, 1, 9), (1, 1)),
        (Conv2d::new(1, 1, 0), (3, 5)),
        (Conv2d::new(1, 20, 10), (3, 3)),
        (Conv2d::new(4, 5, 0), (11, 13)),
        (Conv2d::new(7, 2, 3), (9, 8)),
        (Conv2d { dilation: 6, ..Conv2d::new(3, 1, 6) }, (4, 5)),
        (Conv2d { kernel: (2, 5), stride: 3, padding: uneven, dilation: 1, groups: 1 }, (3, 4)),
    ]
}

/// No border, and one that differs on every side.
pub(crate) const OUT_BORDERS: [Padding; 2] =
    [Padding { top: 0, left: 0, bottom: 0, right: 0 }, { Padding { top: 1, left: 0, bottom: 2, right: 3 } }];

#[test]
fn convolutions_stay_within_their_tensors() {
    for (geometry, (h, w)) in geometries() {
        for (inputs, outputs) in [(3, 5), (17, 33), (40, 70)] {
            let (input, taps) = (Shape::new(inputs, h, w), geometry.kernel.0 * geometry.kernel.1);
            let (weight, batch) = (random(outputs * inputs * taps, 2), 2);
            for isa in Isa::available() {
                let tuning = |method| Tuning { isa, method };
                for method in ConvMethod::ALL {
                    let tuning = tuning(Some(method));
                    let kernel =
                        Conv2dKernel::new(tuning, geometry, input, outputs, &weight, None, Activation::Silu)
                            .unwrap();
                    let x = Guarded::random(input, kernel.border(), batch);
                    for border in OUT_BORDERS {
                        let residual = Guarded::random(kernel.output(), border, batch);
                        let out = Guarded::empty(kernel.output(), border, batch);
                        out.check(&format!("{geometry:?} {isa:?} {method:?}"), |out| {
                            let threads = rayon::current_num_threads();
                            scratch(kernel.scratch(batch, threads), |scratch| {
                                kernel.run(x.read(), Some(residual.read()), out, scratch).unwrap();
                            });
                        });
                    }
                }
                let kernel = PlanarConv2dKernel::new(
                    tuning(None),
                    geometry,
                    input,
                    outputs,
                    &weight,
                    None,
                    Activation::Relu,
                )
                .unwrap();
                let out = Guarded::empty(kernel.output(), OUT_BORDERS[1], batch);
                out.check(&format!("planar {geometry:?} {isa:?}"), |out| {
                    let x = random(batch * input.len(), 3);
                    scratch(kernel.scratch(batch, rayon::current_num_threads()), |scratch| {
                        kernel.run(&x, out, scratch).unwrap();
                    });
                });
            }
        }
    }
}

#[test]
fn depthwise_convolutions_stay_within_their_tensors() {
    for (geometry, (h, w)) in geometries() {
        let (input, taps) = (Shape::new(35, h, w), geometry.kernel.0 * geometry.kernel.1);
        let weight = random(35 * taps, 2);
        for isa in Isa::available() {
            let kernel =
                DepthwiseKernel::new(isa, geometry, input, &weight, None, Activation::Sigmoid).unwrap();
            let x = Guarded::random(input, kernel.border(), 2);
            let what = format!("{geometry:?} {isa:?}");
            Guarded::empty(Shape::new(35, 1, 1), OUT_BORDERS[1], 2).check(&what, |means| {
                Guarded::empty(kernel.output(), OUT_BORDERS[1], 2).check(&what, |out| {
                    kernel.run_with_means(x.read(), out, means).unwrap();
                });
            });
        }
    }
}

#[test]
fn transposed_convolutions_stay_within_their_tensors() {
    let uneven = Padding { top: 3, left: 0, bottom: 1, right: 2 };
    for (geometry, (h, w)) in [
        (ConvTranspose2d::new(4, 2, 1), (5, 7)),
        (ConvTranspose2d::new(2, 3, 0), (4, 3)),
        (ConvTranspose2d::new(9, 1, 4), (1, 1)),
        (ConvTranspose2d { output_padding: (2, 1), ..ConvTranspose2d::new(3, 3, 0) }, (2, 5)),
        (ConvTranspose2d { padding: uneven, ..ConvTranspose2d::new(5, 2, 0) }, (3, 2)),
        (ConvTranspose2d { kernel: (1, 6), ..ConvTranspose2d::new(1, 4, 0) }, (2, 2)),
    ] {
        let input = Shape::new(19, h, w);
        let weight = random(19 * 70 * geometry.kernel.0 * geometry.kernel.1, 2);
        for isa in Isa::available() {
            let tuning = Tuning { isa, ..Tuning::default() };
            let kernel =
                ConvTranspose2dKernel::new(tuning, geometry, input, 70, &weight, None, Activation::Relu)
                    .unwrap();
            let x = Guarded::random(input, kernel.border(), 2);
            let out = Guarded::empty(kernel.output(), OUT_BORDERS[1], 2);
            out.check(&format!("{geometry:?} {isa:?}"), |out| kernel.run(x.read(), out).unwrap());
        }
    }
}

#[test]
fn pooling_and_sums_stay_within_their_tensors() {
    let uneven = Padding { top: 2, left: 0, bottom: 1, right: 3 };
    for (geometry, (h, w)) in [
        (Pool2d::new(3, 2, 1), (7, 10)),
        (Pool2d::new(2, 2, 0), (5, 5)),
        (Pool2d::new(3, 1, 2), (1, 1)),
        (Pool2d { kernel: (3, 9), stride: 4, padding: uneven }, (6, 7)),
    ] {
        let input = Shape::new(20, h, w);
        let (h, w) = geometry.output((h, w)).unwrap();
        for isa in Isa::available() {
            let (x, y) = (Guarded::random(input, Padding::all(0), 2), Guarded::random(input, uneven, 2));
            let out = || Guarded::empty(Shape::new(20, h, w), OUT_BORDERS[1], 2);
            let what = format!("{geometry:?} {isa:?}");
            out().check(&what, |out| max_pool2d(isa, geometry, x.read(), out).unwrap());
            out().check(&what, |out| avg_pool2d(isa, geometry, false, x.read(), out).unwrap());
            Guarded::empty(input, OUT_BORDERS[1], 2)
                .check(&what, |out| add(isa, x.read(), y.read(), Activation::Silu, out).unwrap());
        }
    }
}

#[test]
fn hostile_sizes_are_refused_or_computed_without_overflow() {
    // 2^30, the largest side: planes of 2^60 pixels, of which a distance in floats would overflow.
    let side = 1 << (usize::BITS / 2 - 2);
    let plane = Layout::new(Shape::new(1, side, side));
    for batch in [0, 1] {
        let refused = Blocked::new(plane, batch, &[]).unwrap_err().to_string();
        assert!(refused.contains("overflows") || refused.contains("expected"), "{refused}");
    }
    assert!(Blocked::new(Layout::new(Shape::new(1, 1, 1)), usize::MAX, &[]).is_err());

    // A window of 2^60 pixels of which one is on the plane.
    let (pixel, geometry) =
        (Shape::new(1, 1, 1), Pool2d { kernel: (side, side), ..Pool2d::new(2, side, side - 1) });
    let x = Guarded::random(pixel, Padding::all(0), 1);
    Guarded::empty(pixel, Padding::all(0), 1)
        .check("largest window", |out| max_pool2d(Isa::best(), geometry, x.read(), out).unwrap());

    for (geometry, input, outputs) in [
        (Conv2d::new(3, 1, usize::MAX), pixel, 1),
        (Conv2d::new(usize::MAX, 1, 1), pixel, 1),
        (Conv2d::new(3, 1, 1), Shape::new(1, usize::MAX, 1), 1),
        (Conv2d::new(3, 1, 1), Shape::new(usize::MAX / 16, 1, 1), 8),
        (Conv2d::new(3, 1, 1), Shape::new(1 << 30, 1, 1), usize::MAX / 2),
    ] {
        assert!(Conv2dKernel::costs(geometry, input, outputs).is_empty());
    }
    // A layer whose weights are larger than a cache, for nobody.
    let (shape, weight) = (Shape::new(256, 4, 4), vec![0.0; 256 * 256 * 9]);
    for method in ConvMethod::ALL {
        let tuning = Tuning { method: Some(method), ..Tuning::default() };
        let (geometry, relu) = (Conv2d::new(3, 1, 1), Activation::Relu);
        let kernel = Conv2dKernel::new(tuning, geometry, shape, 256, &weight, None, relu).unwrap();
        for (batch, threads) in [(0, 2), (2, 0), (0, 0)] {
            assert!(kernel.scratch(batch, threads) <= kernel.scratch(2, 2));
        }
    }
}
