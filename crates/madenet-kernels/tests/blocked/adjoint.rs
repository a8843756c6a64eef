//! Gradients of linear operations: `<dy, f(x)> = <f'(dy), x>` for the forward operation, whatever the borders, and what `add`
//! brings.

use madenet_kernels::blocked::{
    Blocked, BlockedMut, Conv2dWeightGradient, DepthwiseInputGradient, DepthwiseKernel,
    DepthwiseWeightGradient, channel_sums, concat_batch, concat_channels, copy_channels, copy_samples,
    interpolate, interpolate_gradient, multiply, multiply_sums, scale_samples,
};
use madenet_kernels::{Activation, Conv2d, Conv2dKernel, Interpolation, Isa, Padding, Result, Shape};
use proptest::prelude::*;

use crate::support::{assert_same_on_all_threads, random};
use crate::tensor::{BORDERS, Tensor};

fn product(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

/// The same where terms would not cancel: what rounding is relative to.
fn size(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from((a * b).abs())).sum::<f64>() + 1e-3
}

#[track_caller]
fn assert_adjoint(x: &[f32], y: &[f32], dy: &[f32], dx: &[f32]) {
    let (a, b) = (product(dy, y), product(dx, x));
    assert!((a - b).abs() <= 1e-5 * (size(dy, y) + size(dx, x)), "{a} and {b}");
}

type Forward<'a> = &'a dyn Fn(Isa, Blocked<'_>, BlockedMut<'_>) -> Result<()>;
type Backward<'a> = &'a dyn Fn(Isa, Blocked<'_>, Option<Blocked<'_>>, BlockedMut<'_>) -> Result<()>;

fn check(from: Shape, to: Shape, (batch, out): (usize, usize), forward: Forward<'_>, backward: Backward<'_>) {
    let (x, dy) = (random(batch * from.len(), 1), random(out * to.len(), 2));
    let add = random(x.len(), 3);
    for isa in Isa::available() {
        for (index, border) in BORDERS.into_iter().enumerate() {
            let other = BORDERS[(index + 1) % 3];
            let mut y = Tensor::untouched(to, other, out);
            forward(isa, Tensor::packed(from, border, &x).read(), y.write()).unwrap();
            let tensor = Tensor::packed(to, other, &dy);
            let mut dx = Tensor::untouched(from, border, batch);
            backward(isa, tensor.read(), None, dx.write()).unwrap();
            let alone = dx.planar();
            assert_adjoint(&x, &y.planar(), &dy, &alone);
            let mut dx = Tensor::untouched(from, border, batch);
            backward(isa, tensor.read(), Some(Tensor::packed(from, other, &add).read()), dx.write()).unwrap();
            for ((sum, alone), add) in dx.planar().iter().zip(&alone).zip(&add) {
                assert!((sum - alone - add).abs() <= 1e-5 * (1.0 + alone.abs()), "{sum} for {alone} + {add}");
            }
        }
    }
}

#[test]
fn resizing() {
    for mode in [
        Interpolation::Nearest,
        Interpolation::Bilinear { align_corners: false },
        Interpolation::Bilinear { align_corners: true },
    ] {
        for (from, to) in
            [((4, 5), (8, 10)), ((3, 3), (24, 24)), ((9, 7), (4, 5)), ((1, 1), (3, 2)), ((5, 4), (1, 1))]
        {
            let [from, to] = [from, to].map(|(h, w)| Shape::new(19, h, w));
            check(
                from,
                to,
                (2, 2),
                &|isa, x, y| interpolate(isa, mode, x, None, Activation::Identity, y),
                &|isa, dy, add, dx| interpolate_gradient(isa, mode, dy, add, dx),
            );
        }
    }
}

#[test]
fn joining() {
    let (from, part) = (Shape::new(18, 3, 4), Shape::new(7, 3, 4));
    let extra = Tensor::packed(part, Padding::default(), &vec![0.0; 2 * part.len()]);
    for first in [0, 7] {
        check(
            from,
            Shape { c: 25, ..from },
            (2, 2),
            &|isa, x, y| {
                let parts = if first == 0 { [x, extra.read()] } else { [extra.read(), x] };
                concat_channels(isa, &parts, y)
            },
            &|isa, dy, add, dx| copy_channels(isa, dy, first, add, dx),
        );
    }
    let extra = Tensor::packed(from, Padding::default(), &vec![0.0; 3 * from.len()]);
    check(from, from, (2, 5), &|_, x, y| concat_batch(&[extra.read(), x], y), &|isa, dy, add, dx| {
        copy_samples(isa, dy, 3, add, dx)
    });
    let mut out = Tensor::untouched(Shape::new(8, 3, 4), Padding::default(), 2);
    let x = Tensor::packed(from, Padding::default(), &vec![0.0; 2 * from.len()]);
    assert!(copy_channels(Isa::best(), x.read(), 11, None, out.write()).is_err());
    assert!(copy_channels(Isa::best(), x.read(), usize::MAX, None, out.write()).is_err());
    let mut out = Tensor::untouched(from, Padding::default(), 2);
    assert!(copy_samples(Isa::best(), x.read(), 1, None, out.write()).is_err());
}

#[test]
fn sums_and_factors() {
    let shape = Shape::new(19, 5, 7);
    let (a, b) = (random(3 * shape.len(), 1), random(3 * shape.len(), 2));
    let factors = random(3 * 19, 3);
    for isa in Isa::available() {
        for border in BORDERS {
            let (x, y) = (Tensor::packed(shape, border, &a), Tensor::packed(shape, Padding::default(), &b));
            // The gradient of a factor per channel.
            let per_channel = Shape::new(19, 1, 1);
            let mut sums = Tensor::untouched(per_channel, border, 3);
            multiply_sums(isa, x.read(), y.read(), sums.write()).unwrap();
            let mut scaled = Tensor::untouched(shape, border, 3);
            multiply(isa, x.read(), Tensor::packed(per_channel, border, &factors).read(), scaled.write())
                .unwrap();
            assert_adjoint(&factors, &scaled.planar(), &b, &sums.planar());
            // That of a bias, added to what there is.
            let mut bias = vec![1.0; 19];
            channel_sums(isa, x.read(), &mut bias).unwrap();
            for (c, got) in bias.iter().enumerate() {
                let of = |n: usize| &a[(n * 19 + c) * 35..][..35];
                let sum: f64 = 1.0 + (0..3).flat_map(of).map(|&v| f64::from(v)).sum::<f64>();
                assert!((f64::from(*got) - sum).abs() < 1e-5 * sum.abs().max(1.0), "{got} for {sum}");
            }
            let mut samples = Tensor::untouched(shape, border, 3);
            scale_samples(isa, x.read(), &[0.0, 2.0, 0.5], samples.write()).unwrap();
            for (i, (got, x)) in samples.planar().iter().zip(&a).enumerate() {
                assert_eq!(*got, x * [0.0, 2.0, 0.5][i / shape.len()]);
            }
            assert!(scale_samples(isa, x.read(), &[1.0; 2], samples.write()).is_err());
            assert!(channel_sums(isa, x.read(), &mut [0.0; 18]).is_err());
        }
    }
    let rows = Tensor::packed(Shape::new(40, 1, 1), Padding::default(), &random(40 * 5000, 1));
    assert_same_on_all_threads(|| {
        let mut sums = vec![0.0; 40];
        channel_sums(Isa::best(), rows.read(), &mut sums).unwrap();
        sums
    });
}

fn depthwise(geometry: Conv2d, input: Shape, batch: usize) {
    let taps = geometry.kernel.0 * geometry.kernel.1;
    let weight = random(input.c * taps, 7);
    let (h, w) = geometry.output((input.h, input.w)).unwrap();
    let output = Shape { h, w, ..input };
    let kernel =
        |isa| DepthwiseKernel::new(isa, geometry, input, &weight, None, Activation::Identity).unwrap();
    check(
        input,
        output,
        (batch, batch),
        &|isa, x, y| {
            let kernel = kernel(isa);
            let mut bordered = Tensor::untouched(input, kernel.border(), x.batch());
            madenet_kernels::blocked::activation(isa, Activation::Identity, x, bordered.write())?;
            kernel.run(bordered.read(), y)
        },
        &|isa, dy, add, dx| {
            let mut gradient = DepthwiseInputGradient::new(isa, geometry, input)?;
            gradient.set_weights(&weight)?;
            gradient.run(dy, add, dx)
        },
    );
    // In the weights too the convolution is linear.
    let (x, dy) = (random(batch * input.len(), 1), random(batch * output.len(), 2));
    for isa in Isa::available() {
        let kernel = kernel(isa);
        let tensor = Tensor::packed(input, kernel.border(), &x);
        let mut y = Tensor::untouched(output, BORDERS[1], batch);
        kernel.run(tensor.read(), y.write()).unwrap();
        let gradient = DepthwiseWeightGradient::new(isa, geometry, input).unwrap();
        let mut dw = vec![0.0; weight.len()];
        gradient.run(tensor.read(), Tensor::packed(output, BORDERS[2], &dy).read(), &mut dw).unwrap();
        assert_adjoint(&weight, &y.planar(), &dy, &dw);
        let once = dw.clone();
        gradient.run(tensor.read(), Tensor::packed(output, BORDERS[2], &dy).read(), &mut dw).unwrap();
        dw.iter()
            .zip(&once)
            .for_each(|(twice, once)| assert!((twice - 2.0 * once).abs() <= 1e-5 * once.abs()));
    }
}

#[test]
fn depthwise_convolution() {
    let same = Padding { bottom: 1, right: 1, ..Padding::default() };
    for geometry in [
        Conv2d::new(3, 1, 1),
        Conv2d::new(5, 2, 2),
        Conv2d { padding: same, ..Conv2d::new(3, 2, 0) },
        Conv2d { dilation: 2, ..Conv2d::new(3, 1, 2) },
        Conv2d::new(1, 3, 0),
        Conv2d::new(2, 1, 3),
    ] {
        for (input, batch) in [(Shape::new(19, 7, 9), 2), (Shape::new(3, 5, 5), 1)] {
            depthwise(geometry, input, batch);
        }
    }
}

/// The weight gradient of a dense convolution against its definition, by linearity: a convolution with one weight of 1 gives what that
/// weight multiplies.
fn weight_gradient(geometry: Conv2d, input: Shape, out: usize, batch: usize) {
    let (h, w) = geometry.output((input.h, input.w)).unwrap();
    let output = Shape::new(out, h, w);
    let taps = geometry.kernel.0 * geometry.kernel.1;
    let (x, dy) = (random(batch * input.len(), 1), random(batch * output.len(), 2));
    let weight = random(out * input.c * taps, 3);
    let kernel = Conv2dKernel::new(geometry, input, out, &weight, None, Activation::Identity).unwrap();
    let mut y = vec![0.0; dy.len()];
    kernel.run(&x, None, &mut y).unwrap();
    let mut exact = vec![0.0; weight.len()];
    madenet_kernels::conv2d_weight_gradient(&geometry, input, out, &x, &dy, &mut exact).unwrap();
    assert_adjoint(&weight, &y, &dy, &exact);
    for isa in Isa::available() {
        let gradient = Conv2dWeightGradient::new(isa, geometry, input, out).unwrap();
        for extra in [0, 1] {
            let border = gradient.border();
            let wide = Padding { top: border.top + extra, right: border.right + 2 * extra, ..border };
            let (x, dy) = (Tensor::packed(input, wide, &x), Tensor::packed(output, BORDERS[2 * extra], &dy));
            let mut dw = vec![1.0; weight.len()];
            let mut scratch =
                vec![madenet_kernels::blocked::Block([f32::NAN; 16]); gradient.scratch(batch, 2)];
            gradient.run(x.read(), dy.read(), &mut dw, &mut scratch).unwrap();
            let bound = 1e-6 * ((batch * h * w) as f32).sqrt().max(4.0) * 4.0;
            for (i, (got, expected)) in dw.iter().zip(&exact).enumerate() {
                assert!(
                    (got - 1.0 - expected).abs() <= bound,
                    "{isa:?} {geometry:?} {i}: {got} for 1 + {expected}"
                );
            }
            assert!(gradient.run(x.read(), dy.read(), &mut dw[1..], &mut scratch).is_err());
            assert!(gradient.run(x.read(), dy.read(), &mut dw, &mut []).is_err());
            assert!(gradient.run(dy.read(), x.read(), &mut dw, &mut scratch).is_err() || input == output);
        }
    }
}

#[test]
fn weights_of_convolutions() {
    let same = Padding { bottom: 1, right: 1, ..Padding::default() };
    for (geometry, input, out, batch) in [
        (Conv2d::new(3, 1, 1), Shape::new(32, 9, 8), 64, 2),
        (Conv2d::new(3, 1, 1), Shape::new(35, 5, 6), 70, 3),
        (Conv2d::new(1, 1, 0), Shape::new(40, 6, 5), 17, 2),
        (Conv2d::new(1, 2, 0), Shape::new(20, 7, 5), 33, 1),
        (Conv2d::new(1, 1, 0), Shape::new(20, 1, 1), 33, 700),
        (Conv2d::new(7, 2, 3), Shape::new(3, 20, 18), 64, 2),
        (Conv2d::new(4, 2, 1), Shape::new(6, 8, 10), 5, 2),
        (Conv2d { padding: same, ..Conv2d::new(3, 2, 0) }, Shape::new(17, 8, 8), 16, 1),
        (Conv2d { dilation: 3, ..Conv2d::new(3, 1, 2) }, Shape::new(18, 9, 9), 20, 1),
        (Conv2d::new(1, 1, 1), Shape::new(3, 2, 2), 3, 1),
        (Conv2d::new(3, 1, 1), Shape::new(16, 1, 700), 16, 1),
    ] {
        weight_gradient(geometry, input, out, batch);
    }
    let grouped = Conv2d { groups: 2, ..Conv2d::new(3, 1, 1) };
    assert!(Conv2dWeightGradient::new(Isa::best(), grouped, Shape::new(4, 5, 5), 4).is_err());
    assert!(Conv2dWeightGradient::new(Isa::best(), Conv2d::new(3, 1, 0), Shape::new(4, 2, 2), 4).is_err());
}

#[test]
fn weight_gradients_are_the_same_on_all_threads() {
    for (geometry, input, out, batch) in [
        (Conv2d::new(3, 1, 1), Shape::new(64, 16, 16), 96, 3),
        (Conv2d::new(3, 1, 1), Shape::new(16, 40, 40), 16, 2),
        (Conv2d::new(1, 1, 0), Shape::new(200, 1, 1), 130, 900),
    ] {
        let gradient = Conv2dWeightGradient::new(Isa::best(), geometry, input, out).unwrap();
        let (h, w) = geometry.output((input.h, input.w)).unwrap();
        let x = Tensor::packed(input, gradient.border(), &random(batch * input.len(), 1));
        let dy = Tensor::packed(Shape::new(out, h, w), Padding::default(), &random(batch * out * h * w, 2));
        let taps = geometry.kernel.0 * geometry.kernel.1;
        assert_same_on_all_threads(|| {
            let mut dw = vec![0.0; out * input.c * taps];
            let blocks = gradient.scratch(batch, rayon::current_num_threads());
            let mut scratch = vec![madenet_kernels::blocked::Block::ZERO; blocks];
            gradient.run(x.read(), dy.read(), &mut dw, &mut scratch).unwrap();
            dw
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(40) })]

    #[test]
    fn weights_of_any_convolution(
        (kh, kw, stride, dilation) in (1..=4_usize, 1..=4_usize, 1..=3_usize, 1..=2_usize),
        (top, left, bottom, right) in (0..=3_usize, 0..=3_usize, 0..=3_usize, 0..=3_usize),
        (c, h, w) in (1..=40_usize, 1..=9_usize, 1..=9_usize),
        (out, batch) in (1..=70_usize, 1..=3_usize),
    ) {
        let padding = Padding { top, left, bottom, right };
        let geometry = Conv2d { kernel: (kh, kw), stride, padding, dilation, groups: 1 };
        if geometry.output((h, w)).is_some() {
            weight_gradient(geometry, Shape::new(c, h, w), out, batch);
        }
    }
}
