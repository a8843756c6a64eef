//! Gradients of every operation against central differences, in every argument, over shapes that break candle's own.
#![allow(clippy::unwrap_used)]

mod common;

use candle_core::Tensor;
use common::{check_gradients, distinct};
use madenet_candle::ops;
use madenet_nets::{Activation, Conv2d, ConvTranspose2d, Interpolation, Padding, Pool2d};

fn arguments(shapes: &[&[usize]]) -> Vec<Tensor> {
    shapes.iter().enumerate().map(|(i, shape)| distinct(i as u64, shape)).collect()
}

fn check_conv2d(x: [usize; 4], out: usize, geometry: Conv2d) {
    let (kh, kw) = geometry.kernel;
    let arguments = arguments(&[&x, &[out, x[1] / geometry.groups, kh, kw], &[out]]);
    check_gradients(&format!("{x:?} {geometry:?}"), &arguments, |a| {
        ops::conv2d(&a[0], &a[1], Some(&a[2]), &geometry)
    });
}

#[test]
fn conv2d() {
    let base = Conv2d::new(3, 2, 1);
    let same = Padding { top: 0, left: 0, bottom: 1, right: 1 };
    let uneven = Padding { top: 2, left: 0, bottom: 1, right: 3 };
    for (x, out, geometry) in [
        ([2, 2, 8, 7], 3, base),
        ([1, 2, 9, 8], 2, Conv2d::new(3, 2, 0)),
        ([1, 2, 8, 7], 2, Conv2d { padding: same, ..base }),
        ([1, 1, 6, 5], 2, Conv2d { padding: uneven, stride: 3, ..base }),
        ([1, 2, 7, 6], 2, Conv2d { dilation: 2, padding: Padding::all(2), ..base }),
        ([1, 2, 9, 7], 1, Conv2d { dilation: 3, stride: 1, ..base }),
        ([2, 4, 6, 7], 6, Conv2d { groups: 2, ..base }),
        ([1, 2, 6, 7], 2, Conv2d { kernel: (1, 5), stride: 1, padding: Padding::all(2), ..base }),
        ([1, 2, 7, 5], 2, Conv2d { kernel: (4, 2), stride: 3, ..base }),
        ([1, 1, 4, 4], 2, Conv2d { kernel: (4, 4), stride: 4, padding: Padding::all(0), ..base }),
    ] {
        check_conv2d(x, out, geometry);
    }
}

#[test]
fn conv2d_depthwise() {
    for (x, geometry) in [
        ([2, 3, 5, 4], Conv2d::new(3, 1, 1)),
        ([2, 3, 8, 7], Conv2d::new(3, 2, 1)),
        ([1, 2, 7, 6], Conv2d { kernel: (5, 3), dilation: 2, ..Conv2d::new(5, 2, 4) }),
        ([2, 3, 4, 3], Conv2d::new(1, 2, 0)),
        ([1, 2, 1, 1], Conv2d::new(3, 1, 1)),
    ] {
        check_conv2d(x, x[1], Conv2d { groups: x[1], ..geometry });
    }
    // A multiplier of 2 is no plain depthwise convolution.
    check_conv2d([1, 3, 5, 4], 6, Conv2d { groups: 3, ..Conv2d::new(3, 2, 1) });
}

#[test]
fn conv2d_pointwise() {
    for (x, geometry) in [
        ([5, 3, 1, 1], Conv2d::new(1, 1, 0)),
        ([3, 4, 2, 3], Conv2d::new(1, 1, 0)),
        ([1, 4, 2, 3], Conv2d::new(1, 1, 0)),
        ([2, 3, 5, 4], Conv2d::new(1, 2, 0)),
        ([2, 3, 3, 2], Conv2d::new(1, 2, 1)),
        ([2, 4, 3, 2], Conv2d { groups: 2, ..Conv2d::new(1, 1, 0) }),
        // One window over the whole input, and padding that makes an image of a row.
        ([3, 2, 2, 2], Conv2d::new(2, 1, 0)),
        ([3, 2, 1, 1], Conv2d::new(3, 1, 1)),
    ] {
        check_conv2d(x, 2, geometry);
    }
}

#[test]
fn conv_transpose2d() {
    let base = ConvTranspose2d::new(3, 2, 1);
    let uneven = Padding { top: 0, left: 2, bottom: 1, right: 0 };
    for (x, out, geometry) in [
        ([2, 3, 3, 4], 2, ConvTranspose2d::new(4, 2, 1)),
        ([1, 2, 4, 3], 3, ConvTranspose2d::new(2, 2, 0)),
        ([1, 2, 3, 2], 2, base),
        ([1, 2, 3, 2], 2, ConvTranspose2d { output_padding: (1, 0), ..base }),
        ([1, 2, 3, 2], 2, ConvTranspose2d { output_padding: (1, 2), padding: uneven, stride: 3, ..base }),
        ([1, 2, 3, 2], 2, ConvTranspose2d { output_padding: (1, 1), padding: Padding::all(0), ..base }),
        ([1, 2, 3, 4], 1, ConvTranspose2d { dilation: 2, ..base }),
        ([2, 4, 2, 3], 6, ConvTranspose2d { groups: 2, ..base }),
        ([1, 3, 3, 3], 3, ConvTranspose2d { groups: 3, ..base }),
        ([1, 2, 3, 2], 2, ConvTranspose2d { kernel: (1, 4), stride: 1, ..base }),
        ([2, 3, 1, 1], 2, ConvTranspose2d::new(2, 2, 0)),
        // A stride larger than the kernel leaves gaps.
        ([1, 2, 3, 2], 2, ConvTranspose2d { stride: 5, padding: Padding::all(0), ..base }),
    ] {
        let (kh, kw) = geometry.kernel;
        let arguments = arguments(&[&x, &[x[1], out / geometry.groups, kh, kw], &[out]]);
        check_gradients(&format!("{x:?} {geometry:?}"), &arguments, |a| {
            ops::conv_transpose2d(&a[0], &a[1], Some(&a[2]), &geometry)
        });
    }
}

#[test]
fn pools() {
    let uneven = Padding { top: 1, left: 0, bottom: 2, right: 1 };
    for (x, geometry) in [
        ([2, 2, 8, 7], Pool2d::new(3, 2, 1)),
        ([1, 2, 8, 6], Pool2d::new(2, 2, 0)),
        ([1, 2, 5, 7], Pool2d::new(3, 1, 1)),
        ([1, 1, 9, 8], Pool2d { kernel: (4, 3), stride: 3, padding: uneven }),
        ([1, 2, 5, 5], Pool2d::new(1, 2, 0)),
        ([1, 2, 3, 4], Pool2d { kernel: (3, 4), stride: 1, padding: Padding::all(0) }),
    ] {
        let arguments = arguments(&[&x]);
        check_gradients(&format!("max {x:?} {geometry:?}"), &arguments, |a| {
            ops::max_pool2d(&a[0], &geometry)
        });
        for count_include_pad in [true, false] {
            check_gradients(&format!("mean {x:?} {geometry:?} {count_include_pad}"), &arguments, |a| {
                ops::avg_pool2d(&a[0], &geometry, count_include_pad)
            });
        }
    }
    check_gradients("global", &arguments(&[&[2, 3, 4, 5]]), |a| ops::global_avg_pool(&a[0]));
    for (x, channels) in
        [([2, 7, 2, 3], 4), ([2, 6, 2, 3], 3), ([3, 4, 1, 1], 3), ([1, 3, 2, 2], 5), ([1, 3, 2, 2], 3)]
    {
        check_gradients(&format!("channels {x:?} to {channels}"), &arguments(&[&x]), |a| {
            ops::pool_channels(&a[0], channels)
        });
    }
}

#[test]
fn interpolate() {
    let modes = [
        Interpolation::Nearest,
        Interpolation::Bilinear { align_corners: false },
        Interpolation::Bilinear { align_corners: true },
    ];
    for (x, size) in [
        ([2, 2, 3, 4], (6, 8)),
        ([1, 2, 3, 4], (7, 9)),
        ([1, 2, 7, 5], (3, 2)),
        ([1, 2, 4, 5], (9, 3)),
        ([1, 2, 3, 4], (3, 4)),
        ([1, 2, 3, 4], (3, 7)),
        ([2, 1, 1, 1], (3, 2)),
        ([2, 1, 5, 4], (1, 1)),
    ] {
        for mode in modes {
            check_gradients(&format!("{x:?} to {size:?} {mode:?}"), &arguments(&[&x]), |a| {
                ops::interpolate(&a[0], size, mode)
            });
        }
    }
}

#[test]
fn unfold() {
    for (x, kernel) in [([2, 2, 4, 3], 3), ([1, 1, 2, 5], 5), ([1, 2, 3, 3], 1), ([2, 2, 1, 1], 3)] {
        check_gradients(&format!("{x:?} {kernel}"), &arguments(&[&x]), |a| ops::unfold(&a[0], kernel));
    }
}

#[test]
fn activations() {
    for activation in [
        Activation::Identity,
        Activation::Relu,
        Activation::LeakyRelu(0.2),
        Activation::Silu,
        Activation::Sigmoid,
    ] {
        check_gradients(&format!("{activation:?}"), &arguments(&[&[2, 3, 4, 5]]), |a| {
            ops::activation(&a[0].affine(3.0, 0.0)?, activation)
        });
    }
}

#[test]
fn batch_norm() {
    for x in [[6, 3, 1, 1], [2, 3, 1, 1], [3, 2, 3, 4], [1, 3, 4, 3], [1, 2, 1, 2]] {
        let c = [x[1]];
        check_gradients(&format!("training {x:?}"), &arguments(&[&x, &c, &c]), |a| {
            // An eps of the size of the variance keeps a variance of two values smooth on the scale of a step.
            Ok(ops::batch_norm_train(&a[0], &a[1], &a[2], 0.1)?.0)
        });
        let statistics = ops::BatchStatistics { mean: distinct(7, &c), var: distinct(8, &c).sqr().unwrap() };
        check_gradients(&format!("evaluation {x:?}"), &arguments(&[&x, &c, &c]), |a| {
            let to = |t: &Tensor| t.to_dtype(a[0].dtype());
            let statistics = ops::BatchStatistics { mean: to(&statistics.mean)?, var: to(&statistics.var)? };
            ops::batch_norm_eval(&a[0], &statistics, &a[1], &a[2], 0.1)
        });
    }
}

#[test]
fn dropout() {
    use madenet_rng::Stream;
    check_gradients("dropout", &arguments(&[&[2, 3, 4, 5]]), |a| {
        ops::dropout(&a[0], 0.4, &mut Stream::new(1, "dropout", 2, 0))
    });
    check_gradients("drop_path", &arguments(&[&[6, 2, 3, 1]]), |a| {
        ops::drop_path(&a[0], 0.4, &mut Stream::new(1, "drop_path", 2, 0))
    });
}

/// A value used twice must collect both gradients: candle's own upsampling overwrites what is there.
#[test]
fn gradients_add_up() {
    let up = |x: &Tensor| ops::interpolate(x, (6, 8), Interpolation::Nearest);
    check_gradients("skip", &arguments(&[&[1, 2, 3, 4]]), |a| {
        let x = a[0].affine(10.0, 0.0)?.mean_all()?;
        up(&a[0])?.broadcast_add(&x)?.broadcast_mul(&up(&a[0])?)
    });
}
