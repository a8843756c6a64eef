//! As `memory`, of gradients: what lies around tensors is neither used nor written.

use madenet_kernels::blocked::{
    Conv2dInputGradient, Conv2dWeightGradient, DepthwiseInputGradient, DepthwiseWeightGradient,
    avg_pool2d_gradient, global_avg_pool_gradient, interpolate_gradient, max_pool2d, max_pool2d_gradient,
};
use madenet_kernels::{Conv2d, Interpolation, Isa, Padding, Pool2d, Shape};

use crate::memory::{Guarded, OUT_BORDERS, geometries, scratch};
use crate::support::random;

const BATCH: usize = 2;
const NO_BORDER: Padding = OUT_BORDERS[0];

/// A gradient of weights between guards.
fn weights(what: &str, len: usize, run: impl FnOnce(&mut [f32])) {
    const GUARD: usize = 4096;
    let mut memory = vec![f32::NAN; len + 2 * GUARD];
    memory[GUARD..GUARD + len].fill(0.0);
    run(&mut memory[GUARD..GUARD + len]);
    for (index, value) in memory.iter().enumerate() {
        let is_inside = (GUARD..GUARD + len).contains(&index);
        assert_eq!(value.is_finite(), is_inside, "{what}: weight {index} of {len}");
    }
}

fn output(geometry: &Conv2d, input: Shape, channels: usize) -> Shape {
    let (h, w) = geometry.output((input.h, input.w)).unwrap();
    Shape::new(channels, h, w)
}

#[test]
fn gradients_of_convolutions_stay_within_their_tensors() {
    for (geometry, (h, w)) in geometries() {
        for (inputs, outputs) in [(3, 5), (17, 33), (40, 70)] {
            let (input, taps) = (Shape::new(inputs, h, w), geometry.kernel.0 * geometry.kernel.1);
            let count = outputs * inputs * taps;
            for isa in Isa::available() {
                let what = format!("{geometry:?} {inputs} to {outputs} {isa:?}");
                let kernel = Conv2dWeightGradient::new(isa, geometry, input, outputs).unwrap();
                let x = Guarded::random(input, kernel.border(), BATCH);
                for border in OUT_BORDERS {
                    let dy = Guarded::random(kernel.output(), border, BATCH);
                    weights(&what, count, |dw| {
                        scratch(kernel.scratch(BATCH, rayon::current_num_threads()), |scratch| {
                            kernel.run(x.read(), dy.read(), dw, scratch).unwrap();
                        });
                    });
                }
                // Some dilated ones have no such kernel.
                let Ok(mut kernel) = Conv2dInputGradient::new(isa, geometry, input, outputs, BATCH) else {
                    continue;
                };
                kernel.set_weights(&random(count, 2)).unwrap();
                let dy = Guarded::random(kernel.output(), kernel.border(), BATCH);
                for border in OUT_BORDERS {
                    let add = Guarded::random(input, border, BATCH);
                    Guarded::empty(input, border, BATCH).check(&what, |dx| {
                        scratch(kernel.scratch(BATCH, rayon::current_num_threads()), |scratch| {
                            kernel.run(dy.read(), Some(add.read()), dx, scratch).unwrap();
                        });
                    });
                }
            }
        }
    }
}

#[test]
fn gradients_of_depthwise_convolutions_stay_within_their_tensors() {
    for (geometry, (h, w)) in geometries() {
        let (input, taps) = (Shape::new(35, h, w), geometry.kernel.0 * geometry.kernel.1);
        for isa in Isa::available() {
            let what = format!("{geometry:?} {isa:?}");
            for border in OUT_BORDERS {
                let x = Guarded::random(input, border, BATCH);
                let dy = Guarded::random(output(&geometry, input, 35), border, BATCH);
                let kernel = DepthwiseWeightGradient::new(isa, geometry, input).unwrap();
                weights(&what, 35 * taps, |dw| kernel.run(x.read(), dy.read(), dw).unwrap());
                let mut kernel = DepthwiseInputGradient::new(isa, geometry, input).unwrap();
                kernel.set_weights(&random(35 * taps, 2)).unwrap();
                Guarded::empty(input, border, BATCH)
                    .check(&what, |dx| kernel.run(dy.read(), Some(x.read()), dx).unwrap());
            }
        }
    }
}

#[test]
fn gradients_of_pools_and_resizes_stay_within_their_tensors() {
    let uneven = Padding { top: 2, left: 0, bottom: 1, right: 3 };
    for (geometry, (h, w)) in [
        (Pool2d::new(3, 2, 1), (7, 10)),
        (Pool2d::new(2, 2, 0), (5, 5)),
        (Pool2d::new(3, 1, 2), (1, 1)),
        (Pool2d { kernel: (3, 9), stride: 4, padding: uneven }, (6, 7)),
    ] {
        let input = Shape::new(20, h, w);
        let (h, w) = geometry.output((h, w)).unwrap();
        let output = Shape { h, w, ..input };
        for (isa, border) in Isa::available().into_iter().flat_map(|isa| OUT_BORDERS.map(|b| (isa, b))) {
            let what = format!("{geometry:?} {isa:?}");
            let (x, dy) = (Guarded::random(input, border, BATCH), Guarded::random(output, border, BATCH));
            let dx = || Guarded::empty(input, border, BATCH);
            let mut y = Guarded::empty(output, NO_BORDER, BATCH);
            max_pool2d(isa, geometry, x.read(), y.write()).unwrap();
            let (x_read, y_read, dy_read) = (x.read(), y.read(), dy.read());
            dx().check(&what, |dx| {
                max_pool2d_gradient(isa, geometry, x_read, y_read, dy_read, Some(x_read), dx).unwrap();
            });
            dx().check(&what, |dx| {
                avg_pool2d_gradient(isa, geometry, false, dy_read, Some(x_read), dx).unwrap();
            });
            let mean = Guarded::random(Shape::new(20, 1, 1), border, BATCH);
            dx().check(&what, |dx| {
                global_avg_pool_gradient(isa, mean.read(), Some(x_read), dx).unwrap();
            });
            for mode in [
                Interpolation::Nearest,
                Interpolation::Bilinear { align_corners: false },
                Interpolation::Bilinear { align_corners: true },
            ] {
                for (h, w) in [(1, 1), (3, 40), (2 * input.h, 2 * input.w)] {
                    let dy = Guarded::random(Shape { h, w, ..input }, border, BATCH);
                    dx().check(&format!("{mode:?} {input:?} to {h} x {w} {isa:?}"), |dx| {
                        interpolate_gradient(isa, mode, dy.read(), Some(x_read), dx).unwrap();
                    });
                }
            }
        }
    }
}
