//! Values and gradients of PyTorch: see `fixtures/generate.py`.

use std::path::Path;

use candle_core::Tensor;
use madenet_candle::Result;
use madenet_candle::losses::{
    CrossEntropyConfig, FocalConfig, FocalVariant, SsimConfig, bce_with_logits, cross_entropy, focal,
    focal_with_logits, margin, margin_by_mask, masked_mse, masked_ssim, mse, ssim, ssim_map,
};
use madenet_nets::Params;

use crate::common::{numbers, values};
use crate::{binary, tensor, unit, value_and_gradient};

fn fixture() -> Params {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    Params::read(fixtures.join("losses.safetensors")).unwrap()
}

/// Checks the loss of `numbers(0)` and its gradient, relative to the largest value of each.
fn check(name: &str, tolerance: f64, loss: impl Fn(&Tensor) -> Result<Tensor>) {
    let fixture = fixture();
    let y = fixture.get(&format!("{name}.y")).unwrap();
    let gradient = fixture.get(&format!("{name}.grad0")).unwrap();
    let factor = values(&numbers(99, &[1]))[0];
    let (got, slopes) = value_and_gradient(&numbers(0, gradient.shape()), factor, loss);
    for (what, got, expected) in [("value", got, y.values()), ("derivative", slopes, gradient.values())] {
        assert_eq!(got.len(), expected.len(), "{name}: {what}");
        let largest = expected.iter().fold(0.0, |m: f64, &v| m.max(f64::from(v).abs()));
        for (i, (g, &e)) in got.iter().zip(expected).enumerate() {
            assert!(
                (g - f64::from(e)).abs() <= tolerance * largest,
                "{name}: {what} {i} is {g}, expected {e}"
            );
        }
    }
}

const IMAGE: [usize; 4] = [2, 3, 13, 10];
const ONE: [usize; 4] = [2, 1, 13, 10];
/// A dozen roundings of `f32`.
const PLAIN: f64 = 1e-6;
/// As large as the sums under a window are against the variances taken from them.
const WINDOW: f64 = 2e-5;

#[test]
fn squared_errors() {
    check("mse", PLAIN, |x| mse(x, &numbers(1, &IMAGE)));
    check("masked_mse", PLAIN, |x| masked_mse(x, &numbers(1, &IMAGE), &unit(2, &ONE)));
    check("masked_mse_full", PLAIN, |x| masked_mse(x, &numbers(1, &IMAGE), &unit(2, &IMAGE)));
}

#[test]
fn similarity() {
    let (target, config) = (unit(1, &IMAGE), SsimConfig::default());
    check("ssim", WINDOW, |x| ssim(&x.affine(0.5, 0.5)?, &target, &config));
    check("masked_ssim", WINDOW, |x| masked_ssim(&x.affine(0.5, 0.5)?, &target, &binary(2, &ONE), &config));
    let map = ssim_map(&unit(0, &IMAGE), &target, &config).unwrap();
    for (got, &expected) in values(&map).iter().zip(fixture().get("ssim_map.y").unwrap().values()) {
        assert!((got - f64::from(expected)).abs() < WINDOW, "{got} for {expected}");
    }
}

#[test]
fn focal_losses() {
    let target = binary(1, &[2, 1, 7, 5]);
    let wide = |x: &Tensor| x.affine(8.0, 0.0);
    let draem = |gamma| FocalConfig { variant: FocalVariant::Draem, gamma };
    check("focal", PLAIN, |x| focal(&wide(x)?, &target, &draem(2.0)));
    check("focal_gamma", PLAIN, |x| focal(&wide(x)?, &target, &draem(1.5)));
    let retina = FocalConfig { variant: FocalVariant::Retina { alpha: Some(0.25) }, gamma: 2.0 };
    check("focal_retina", PLAIN, |x| focal(&wide(x)?, &target, &retina));
    let plain = FocalConfig { variant: FocalVariant::Retina { alpha: None }, gamma: 4.0 };
    let target = binary(1, &[3, 1, 4, 5]);
    check("focal_with_logits", PLAIN, |x| focal_with_logits(&wide(x)?, &target, &plain));
}

#[test]
fn cross_entropies() {
    let wide = |x: &Tensor| x.affine(8.0, 0.0);
    let (target, weight) = (unit(1, &[6, 5]), unit(2, &[6, 5]));
    check("bce", PLAIN, |x| bce_with_logits(&wide(x)?, &target, None));
    check("bce_weight", PLAIN, |x| bce_with_logits(&wide(x)?, &target, Some(&weight)));
    let labels = [4, 0, 2];
    check("cross_entropy", PLAIN, |x| cross_entropy(&wide(x)?, &labels, &CrossEntropyConfig::default()));
    let smooth = CrossEntropyConfig { label_smoothing: 0.05, temperature: 1.5 };
    let heads = |x: &Tensor| wide(x)?.reshape((3, 5, 1, 1));
    check("cross_entropy_smooth", PLAIN, |x| cross_entropy(&heads(x)?, &labels, &smooth));
}

#[test]
fn margins() {
    check("margin", PLAIN, |x| Ok(margin(x, 0.5)?.total));
    let labels = binary(1, &[4, 5, 1, 1]);
    check("margin_by_mask", PLAIN, |x| Ok(margin_by_mask(x, &labels, 0.5)?.total));
    let normal = tensor(&[0.0; 20], &[4, 5, 1, 1]);
    check("margin_normal", PLAIN, |x| Ok(margin_by_mask(x, &normal, 0.5)?.total));
}
