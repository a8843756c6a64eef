//! Cases in which candle 0.11.1's own operations have a wrong gradient, or none.
#![allow(clippy::unwrap_used)]

mod common;

use candle_core::{DType, Device, Result, Tensor, Var};
use common::{gradients, numbers, values};
use madenet_candle::ops;
use madenet_nets::{Conv2d, ConvTranspose2d, Interpolation, Padding, Pool2d};

fn gradient(x: &Tensor, f: impl Fn(&Tensor) -> Result<Tensor>) -> Vec<f64> {
    let x = Var::from_tensor(x).unwrap();
    let store = f(&x).unwrap().sum_all().unwrap().backward().unwrap();
    values(store.get(&x).unwrap())
}

fn row(values: &[f32]) -> Tensor {
    Tensor::from_slice(values, (1, 1, 1, values.len()), &Device::Cpu).unwrap()
}

/// 4 from the doubled image and 10 from the sum; candle's upsampling gives 4 or 14, as the order of the operands has it.
#[test]
fn upsampling_adds_to_the_gradient_that_is_there() {
    let x = Tensor::ones((1, 1, 2, 2), DType::F32, &Device::Cpu).unwrap();
    let up = |x: &Tensor| ops::interpolate(x, (4, 4), Interpolation::Nearest)?.sum_all();
    let ten = |x: &Tensor| x.affine(10.0, 0.0)?.sum_all();
    assert_eq!(gradient(&x, |x| up(x)? + ten(x)?), [14.0; 4]);
    assert_eq!(gradient(&x, |x| ten(x)? + up(x)?), [14.0; 4]);
}

/// candle divides the gradient of a 2 x 2 window by 4.
#[test]
fn a_maximum_takes_the_whole_gradient() {
    let x = row(&[1.0, 3.0, 2.0, 0.0]).reshape((1, 1, 2, 2)).unwrap();
    assert_eq!(gradient(&x, |x| ops::max_pool2d(x, &Pool2d::new(2, 2, 0))), [0.0, 1.0, 0.0, 0.0]);
}

/// Behind a ReLU whole windows are 0: the first value takes all of it.
#[test]
fn the_first_of_equal_maxima_takes_the_whole_gradient() {
    let x = row(&[0.0; 16]).reshape((1, 1, 4, 4)).unwrap();
    let expected = [1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    assert_eq!(gradient(&x, |x| ops::max_pool2d(x, &Pool2d::new(2, 2, 0))), expected);
    // In the order of rows, (0, 1) comes before (1, 0).
    let x = row(&[1.0, 2.0, 2.0, 0.0]).reshape((1, 1, 2, 2)).unwrap();
    assert_eq!(gradient(&x, |x| ops::max_pool2d(x, &Pool2d::new(2, 2, 0))), [0.0, 1.0, 0.0, 0.0]);
    // Padding never wins, even against the lowest of numbers.
    let x = row(&[f32::MIN; 4]).reshape((1, 1, 2, 2)).unwrap();
    let y = ops::max_pool2d(&x, &Pool2d::new(3, 2, 1)).unwrap();
    assert_eq!(values(&y), [f64::from(f32::MIN)]);
}

/// Height and width leave different remainders.
#[test]
fn strided_convolutions_have_a_gradient_whatever_the_remainders() {
    for (h, w) in [(8, 7), (9, 8)] {
        for p in [0, 1] {
            let (x, weight) = (numbers(0, &[1, 1, h, w]), numbers(1, &[1, 1, 3, 3]));
            let found = gradients(|a| ops::conv2d(&a[0], &a[1], None, &Conv2d::new(3, 2, p)), &[x, weight]);
            assert_eq!(found.unwrap()[0].dims(), [1, 1, h, w]);
        }
    }
}

/// Padding of a transposed convolution cuts rows and columns off its own side; output padding adds at the far ends.
#[test]
fn transposed_convolutions_are_cut_side_by_side() {
    let (x, weight) = (numbers(0, &[1, 2, 3, 4]), numbers(1, &[2, 1, 3, 3]));
    let transposed = |geometry| ops::conv_transpose2d(&x, &weight, None, &geometry).unwrap();
    let full = ConvTranspose2d::new(3, 2, 0);
    let padding = Padding { top: 2, left: 0, bottom: 1, right: 3 };
    let cut = transposed(ConvTranspose2d { padding, output_padding: (1, 0), ..full });
    let whole = transposed(full);
    assert_eq!((whole.dims(), cut.dims()), (&[1, 1, 7, 9][..], &[1, 1, 5, 6][..]));
    assert_eq!(values(&cut), values(&whole.narrow(2, 2, 5).unwrap().narrow(3, 0, 6).unwrap()));
    let longer = transposed(ConvTranspose2d { output_padding: (0, 1), ..full });
    assert_eq!(values(&longer.narrow(3, 0, 9).unwrap()), values(&whole));
    assert_eq!(values(&longer.narrow(3, 9, 1).unwrap()), [0.0; 7]);
}

/// PyTorch's choice at the kink; candle's `relu` has the gradient 1 at 0.
#[test]
fn kinks_have_pytorchs_gradients() {
    let x = row(&[-1.0, -0.0, 0.0, 2.0]);
    assert_eq!(gradient(&x, ops::relu), [0.0, 0.0, 0.0, 1.0]);
    let slope = f64::from(0.2_f32);
    assert_eq!(gradient(&x, |x| ops::leaky_relu(x, 0.2)), [slope, slope, slope, 1.0]);
}

/// The plain forms of sigmoid and SiLU give NaN where `exp(-x)` overflows.
#[test]
fn large_values_have_finite_gradients() {
    let x = row(&[-1000.0, -100.0, 0.0, 100.0, 1000.0]);
    assert_eq!(values(&ops::sigmoid(&x).unwrap()), [0.0, 0.0, 0.5, 1.0, 1.0]);
    assert_eq!(gradient(&x, ops::sigmoid), [0.0, 0.0, 0.25, 0.0, 0.0]);
    assert_eq!(values(&ops::silu(&x).unwrap()), [0.0, 0.0, 0.0, 100.0, 1000.0]);
    assert_eq!(gradient(&x, ops::silu), [0.0, 0.0, 0.5, 1.0, 1.0]);
}

/// A product that hides NaN would hide that a training has failed.
#[test]
fn nan_stays_nan() {
    let x = row(&[f32::NAN]);
    for y in [ops::relu(&x), ops::leaky_relu(&x, 0.2), ops::sigmoid(&x), ops::silu(&x)] {
        assert!(values(&y.unwrap())[0].is_nan());
    }
}

/// A channel of one value everywhere has no variance but a gradient, and a mean far from 0 does not harm the variance.
#[test]
fn constant_and_shifted_channels_are_normalised() {
    let one = Tensor::ones(1, DType::F32, &Device::Cpu).unwrap();
    let x = row(&[5.0; 6]);
    let (y, batch) = ops::batch_norm_train(&x, &one, &one, 1e-5).unwrap();
    assert!(values(&y).iter().all(|y| (y - 1.0).abs() < 1e-3));
    assert_eq!(values(&batch.var), [0.0]);
    assert!(
        gradient(&x, |x| Ok(ops::batch_norm_train(x, &one, &one, 1e-5)?.0)).iter().all(|g| g.is_finite())
    );
    let x = row(&[4096.0, 4097.0, 4098.0, 4099.0]);
    let (y, batch) = ops::batch_norm_train(&x, &one, &one, 1e-5).unwrap();
    assert!((values(&batch.var)[0] - 5.0 / 3.0).abs() < 1e-6, "{:?}", batch.var);
    // E[x^2] - E[x]^2 would be off by about 1 here; what is left is the rounding of 4096 times the factor.
    for (y, centred) in values(&y).iter().zip([-1.5, -0.5, 0.5, 1.5]) {
        assert!((y - 1.0 - centred / (1.25_f64 + 1e-5).sqrt()).abs() < 5e-4, "{y}");
    }
}

/// Arguments that do not fit are errors, whoever calls.
#[test]
fn misfits_are_errors() {
    let x = numbers(0, &[1, 4, 5, 5]);
    let weight = |shape: &[usize]| numbers(1, shape);
    let conv = |w: &[usize], geometry: Conv2d| ops::conv2d(&x, &weight(w), None, &geometry);
    assert!(conv(&[4, 4, 3, 3], Conv2d::new(5, 1, 0)).is_err());
    assert!(conv(&[4, 4, 7, 7], Conv2d::new(7, 1, 0)).is_err());
    assert!(conv(&[4, 4, 3, 3], Conv2d { groups: 0, ..Conv2d::new(3, 1, 0) }).is_err());
    assert!(conv(&[5, 2, 3, 3], Conv2d { groups: 2, ..Conv2d::new(3, 1, 0) }).is_err());
    assert!(conv(&[4, 3, 3, 3], Conv2d::new(3, 1, 0)).is_err());
    assert!(conv(&[4, 3, 1, 1], Conv2d::new(1, 1, 0)).is_err());
    assert!(conv(&[4, 4, 3, 3], Conv2d::new(3, 0, 0)).is_err());
    let transposed = ConvTranspose2d::new(3, 2, 1);
    assert!(ops::conv_transpose2d(&x, &weight(&[3, 4, 3, 3]), None, &transposed).is_err());
    assert!(ops::conv_transpose2d(&x, &weight(&[4, 4, 2, 2]), None, &transposed).is_err());
    assert!(ops::max_pool2d(&x, &Pool2d::new(2, 2, 2)).is_err());
    assert!(ops::avg_pool2d(&x, &Pool2d::new(9, 1, 1), true).is_err());
    assert!(ops::interpolate(&x, (0, 3), Interpolation::Nearest).is_err());
    assert!(ops::unfold(&x, 2).is_err());
    assert!(ops::pool_channels(&x, 0).is_err());
    assert!(ops::global_avg_pool(&weight(&[3, 3])).is_err());
    let c = weight(&[4]);
    assert!(ops::batch_norm_train(&weight(&[1, 4, 1, 1]), &c, &c, 1e-5).is_err());
}
