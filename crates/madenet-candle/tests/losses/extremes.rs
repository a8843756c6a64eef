//! Logits far from 0, weights that are 0, images out of range, views.

use candle_core::{DType, Device, Tensor};
use madenet_candle::losses::{
    CrossEntropyConfig, FocalConfig, FocalVariant, SsimConfig, bce_with_logits, cross_entropy, focal,
    focal_with_logits, masked_mse, masked_ssim, ssim,
};

use crate::common::{numbers, values};
use crate::{scalar, tensor, unit, value_and_gradient};

fn finite(values: &[f64]) -> bool {
    values.iter().all(|v| v.is_finite())
}

/// Check 10: for |z| < 20 the softplus form is the logarithms', and at 1e4 it is finite.
#[test]
fn binary_cross_entropy() {
    for z in -19_i8..20 {
        let z = f32::from(z);
        for (y, sign) in [(1.0, -1.0), (0.0, 1.0)] {
            // -ln of the probability of the target, whose complement is not subtracted from 1.
            let expected = -(1.0 / (1.0 + (sign * f64::from(z)).exp())).ln();
            let loss = f64::from(scalar(bce_with_logits(&tensor(&[z], &[1]), &tensor(&[y], &[1]), None)));
            assert!((loss - expected).abs() <= 1e-6 * expected + 1e-15, "{z} {y}: {loss} for {expected}");
        }
    }
    let target = tensor(&[1.0, 0.0, 1.0, 0.0], &[4]);
    let far = tensor(&[1e4, 1e4, -1e4, -1e4], &[4]);
    let (value, gradient) = value_and_gradient(&far, 1.0, |z| bce_with_logits(z, &target, None));
    assert_eq!((value, gradient), (vec![5e3], vec![0.0, 0.25, -0.25, 0.0]));
    // The logits at which sigmoid, then logarithm, gives NaN.
    let right = tensor(&[100.0, -100.0], &[2]);
    assert!(scalar(bce_with_logits(&right, &tensor(&[1.0, 0.0], &[2]), None)) < 1e-40);
}

#[test]
fn focal_losses() {
    let far = [1e4, 1e4, -1e4, -1e4, 0.0, 0.0, 1e30, -1e30];
    let target = tensor(&[1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0], &[2, 1, 2, 2]);
    let one = tensor(&far, &[2, 1, 2, 2]);
    let both = Tensor::cat(&[&one.neg().unwrap(), &one], 1).unwrap();
    for gamma in [0.0, 0.3, 2.0, 4.0] {
        for variant in [FocalVariant::Draem, FocalVariant::Retina { alpha: None }] {
            let config = FocalConfig { variant, gamma };
            for (value, gradient) in [
                value_and_gradient(&one, 1.0, |z| focal_with_logits(z, &target, &config)),
                value_and_gradient(&both, 1.0, |z| focal(z, &target, &config)),
            ] {
                assert!(finite(&value) && finite(&gradient), "{config:?}: {value:?} {gradient:?}");
            }
        }
    }
    // A pixel that is wholly wrong costs -ln 2e-5: DRAEM's form.
    let wrong = tensor(&[-200.0], &[1, 1, 1, 1]);
    let loss = scalar(focal_with_logits(&wrong, &tensor(&[1.0], &[1, 1, 1, 1]), &FocalConfig::default()));
    assert!((loss + 2e-5_f32.ln()).abs() < 1e-3, "{loss}");
}

#[test]
fn classes() {
    let logits = tensor(&[1e4, -1e4, 0.0, 1e30, -1e30, 0.0], &[2, 3]);
    for label_smoothing in [0.0, 0.1] {
        let config = CrossEntropyConfig { label_smoothing, temperature: 1.0 };
        let (value, gradient) = value_and_gradient(&logits, 1.0, |z| cross_entropy(z, &[1, 0], &config));
        assert!(finite(&value) && finite(&gradient), "{value:?} {gradient:?}");
    }
    // All classes alike: the logarithm of their number, whatever the smoothing.
    let even = Tensor::zeros((2, 11), DType::F32, &Device::Cpu).unwrap();
    let config = CrossEntropyConfig { label_smoothing: 0.05, temperature: 3.0 };
    assert!((scalar(cross_entropy(&even, &[0, 10], &config)) - 11_f32.ln()).abs() < 1e-6);
}

#[test]
fn a_weight_of_zero_is_no_error_and_moves_nothing() {
    let (x, target) = (unit(0, &[1, 2, 5, 4]), unit(1, &[1, 2, 5, 4]));
    let nothing = Tensor::zeros((1, 1, 5, 4), DType::F32, &Device::Cpu).unwrap();
    let (value, gradient) = value_and_gradient(&x, 1.0, |x| masked_mse(x, &target, &nothing));
    assert_eq!((value, gradient), (vec![0.0], vec![0.0; 40]));
    let config = SsimConfig::default();
    let (value, gradient) = value_and_gradient(&x, 1.0, |x| masked_ssim(x, &target, &nothing, &config));
    assert_eq!((value, gradient), (vec![1.0], vec![0.0; 40]));
}

/// Rounding makes variances negative there, which the bounds keep from the quotient.
#[test]
fn images_far_out_of_range_stay_bounded() {
    let target = unit(1, &[1, 1, 16, 16]);
    for (scale, offset) in [(1e3, 0.0), (1e-3, 1e4), (0.0, 1e6)] {
        let x = numbers(0, &[1, 1, 16, 16]).affine(scale, offset).unwrap();
        for target in [&target, &x.affine(1.0, 1.0).unwrap()] {
            let (value, gradient) = value_and_gradient(&x, 1.0, |x| ssim(x, target, &SsimConfig::default()));
            assert!(value[0].abs() <= 1.0 && finite(&gradient), "{scale} {offset}: {value:?}");
        }
    }
}

#[test]
fn views_and_constants_give_the_same() {
    let x = unit(0, &[4, 3, 6, 5]);
    let view = |x: &Tensor| x.transpose(2, 3)?.narrow(0, 1, 2);
    let (target, config) = (unit(1, &[2, 3, 5, 6]), SsimConfig::default());
    // Of a constant there is no gradient to compute.
    let constant = scalar(ssim(&view(&x).unwrap(), &target, &config));
    let (value, gradient) = value_and_gradient(&x, 1.0, |x| ssim(&view(x)?, &target, &config));
    assert_eq!(value[0], f64::from(constant));
    let copy = view(&x).unwrap().contiguous().unwrap();
    let (_, copied) = value_and_gradient(&copy, 1.0, |x| ssim(x, &target, &config));
    let copied = Tensor::from_vec(copied, (2, 3, 5, 6), &Device::Cpu).unwrap().transpose(2, 3).unwrap();
    assert_eq!(gradient[90..270], values(&copied)[..]);
    assert!(gradient[..90].iter().chain(&gradient[270..]).all(|&g| g == 0.0));
}
