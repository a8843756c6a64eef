//! Gradients against central differences of the definitions in `f64`.

use candle_core::{DType, Tensor};
use madenet_candle::Result;
use madenet_candle::losses::{
    CrossEntropyConfig, FocalConfig, FocalVariant, SsimConfig, bce_with_logits, cross_entropy, focal,
    focal_with_logits, margin_by_mask, masked_mse, masked_ssim, mse, ssim,
};

use crate::common::{distinct, values};
use crate::{binary, unit, value_and_gradient};

/// Rounding is 1e-16 / STEP, truncation STEP^2 times the third derivative.
const STEP: f64 = 1e-5;

/// Checks value and gradient of `loss` at `x` against those of `definition`, relative to the largest derivative.
fn check(
    what: &str,
    x: &Tensor,
    tolerance: f64,
    loss: impl Fn(&Tensor) -> Result<Tensor>,
    definition: impl Fn(&[f64]) -> f64,
) {
    let x = x.to_dtype(DType::F32).unwrap();
    let (value, gradient) = value_and_gradient(&x, -0.7, loss);
    let at = values(&x);
    let expected = definition(&at);
    assert!(
        (value[0] - expected).abs() <= tolerance * expected.abs().max(0.1),
        "{what}: {value:?} {expected}"
    );
    let moved = |i: usize, step: f64| {
        let mut moved = at.clone();
        moved[i] += step;
        definition(&moved)
    };
    let numeric: Vec<f64> =
        (0..at.len()).map(|i| -0.7 * (moved(i, STEP) - moved(i, -STEP)) / (2.0 * STEP)).collect();
    let largest = numeric.iter().fold(0.0, |m: f64, g| m.max(g.abs()));
    for (i, (g, e)) in gradient.iter().zip(&numeric).enumerate() {
        assert!((g - e).abs() <= tolerance * largest, "{what}: derivative {i} is {g}, expected {e}");
    }
}

fn mean(terms: impl ExactSizeIterator<Item = f64>) -> f64 {
    let len = terms.len() as f64;
    terms.sum::<f64>() / len
}

const IMAGE: [usize; 4] = [2, 2, 7, 6];
const PLANE: usize = 42;

/// Weight of a value of `IMAGE` by the weight of its pixel.
fn spread(weights: &[f64]) -> Vec<f64> {
    weights.chunks(PLANE).flat_map(|plane| plane.repeat(2)).collect()
}

#[test]
fn squared_errors() {
    let (x, target) = (distinct(0, &IMAGE), unit(1, &IMAGE));
    let y = values(&target);
    check("mse", &x, 1e-6, |x| mse(x, &target), |x| mean(x.iter().zip(&y).map(|(x, y)| (x - y).powi(2))));
    let weight = unit(2, &[2, 1, 7, 6]);
    let w = spread(&values(&weight));
    let definition = |x: &[f64]| {
        let sum: f64 = x.iter().zip(&y).zip(&w).map(|((x, y), w)| w * (x - y).powi(2)).sum();
        sum / w.iter().sum::<f64>()
    };
    check("masked_mse", &x, 1e-6, |x| masked_mse(x, &target, &weight), definition);
}

/// The similarity of every pixel of two images of `IMAGE`'s size, by the definition.
fn similarities(x: &[f64], y: &[f64]) -> Vec<f64> {
    let (h, w, radius) = (7_i32, 6_i32, 5_i32);
    let tap = |d: i32| (-f64::from(d * d) / (2.0 * 1.5 * 1.5)).exp();
    let total: f64 = (-radius..=radius).map(tap).sum();
    let mut map = Vec::new();
    for (x, y) in x.chunks(PLANE).zip(y.chunks(PLANE)) {
        for (row, column) in (0..h).flat_map(|row| (0..w).map(move |column| (row, column))) {
            let mut sums = [0.0; 5];
            for r in (row - radius).max(0)..(row + radius + 1).min(h) {
                for c in (column - radius).max(0)..(column + radius + 1).min(w) {
                    let weight = tap(r - row) * tap(c - column) / (total * total);
                    let (x, y) = (x[(r * w + c) as usize], y[(r * w + c) as usize]);
                    for (sum, value) in sums.iter_mut().zip([x, y, x * x, y * y, x * y]) {
                        *sum += weight * value;
                    }
                }
            }
            let [mx, my, xx, yy, xy] = sums;
            let (c1, c2) = (1e-4, 9e-4);
            let luminance = (2.0 * mx * my + c1) / (mx * mx + my * my + c1);
            let structure = (2.0 * (xy - mx * my) + c2) / (xx - mx * mx + yy - my * my + c2);
            map.push(luminance * structure);
        }
    }
    map
}

#[test]
fn similarity() {
    let (x, target) = (distinct(0, &IMAGE).affine(0.5, 0.5).unwrap(), unit(1, &IMAGE));
    let y = values(&target);
    let config = SsimConfig::default();
    let definition = |x: &[f64]| mean(similarities(x, &y).into_iter());
    check("ssim", &x, 2e-5, |x| ssim(x, &target, &config), definition);
    let weight = unit(2, &[2, 1, 7, 6]);
    let w = spread(&values(&weight));
    let definition = |x: &[f64]| {
        similarities(x, &y).iter().zip(&w).map(|(s, w)| s * w).sum::<f64>() / w.iter().sum::<f64>()
    };
    check("masked_ssim", &x, 2e-5, |x| masked_ssim(x, &target, &weight, &config), definition);
    // Little contrast: the variances are as small as C2, so that the rounding of the sums they come from shows.
    let x = distinct(3, &IMAGE).affine(0.02, 0.6).unwrap();
    let target = distinct(4, &IMAGE).affine(0.02, 0.61).unwrap().to_dtype(DType::F32).unwrap();
    let y = values(&target);
    let definition = |x: &[f64]| mean(similarities(x, &y).into_iter());
    check("faint ssim", &x, 2e-3, |x| ssim(x, &target, &config), definition);
}

fn focal_term(p: f64, positive: bool, config: &FocalConfig) -> f64 {
    let gamma = f64::from(config.gamma);
    let p = if positive { p } else { 1.0 - p };
    match config.variant {
        FocalVariant::Draem => {
            let p = (1.0 - 1e-5) * p + 1e-5 * (1.0 - p) + 1e-5;
            -(1.0 - p).powf(gamma) * p.ln()
        }
        FocalVariant::Retina { alpha } => {
            let alpha = alpha.map_or(1.0, |a| f64::from(if positive { a } else { 1.0 - a }));
            -alpha * (1.0 - p).powf(gamma) * p.ln()
        }
    }
}

#[test]
fn focal_losses() {
    let target = binary(1, &[2, 1, 7, 6]);
    let t: Vec<bool> = values(&target).iter().map(|&t| t == 1.0).collect();
    let sigmoid = |z: f64| 1.0 / (1.0 + (-z).exp());
    let variants = [
        FocalVariant::Draem,
        FocalVariant::Retina { alpha: None },
        FocalVariant::Retina { alpha: Some(0.25) },
    ];
    for (variant, gamma) in variants.into_iter().flat_map(|v| [0.0, 0.5, 1.0, 2.0, 2.5, 4.0].map(|g| (v, g)))
    {
        let config = FocalConfig { variant, gamma };
        let name = format!("{config:?}");
        let x = distinct(0, &IMAGE).affine(4.0, 0.0).unwrap();
        let definition = |x: &[f64]| {
            let pixel = |i: usize| {
                let first = i / PLANE * 2 * PLANE + i % PLANE;
                focal_term(sigmoid(x[first + PLANE] - x[first]), t[i], &config)
            };
            mean((0..t.len()).map(pixel))
        };
        check(&name, &x, 2e-6, |x| focal(x, &target, &config), definition);
        let x = distinct(3, &[2, 1, 7, 6]).affine(6.0, 0.0).unwrap();
        let definition = |x: &[f64]| mean((0..t.len()).map(|i| focal_term(sigmoid(x[i]), t[i], &config)));
        check(&name, &x, 2e-6, |x| focal_with_logits(x, &target, &config), definition);
    }
}

#[test]
fn cross_entropies() {
    let x = distinct(0, &[9, 5]).affine(6.0, 0.0).unwrap();
    let (target, weight) = (unit(1, &[9, 5]), unit(2, &[9, 5]));
    let (y, w) = (values(&target), values(&weight));
    let term = |z: f64, y: f64| (1.0 + z.exp()).ln() - z * y;
    let definition = |x: &[f64]| mean(x.iter().zip(&y).map(|(&z, &y)| term(z, y)));
    check("bce", &x, 1e-6, |x| bce_with_logits(x, &target, None), definition);
    let definition = |x: &[f64]| mean(x.iter().zip(&y).zip(&w).map(|((&z, &y), w)| w * term(z, y)));
    check("weighted bce", &x, 1e-6, |x| bce_with_logits(x, &target, Some(&weight)), definition);

    let labels = [0_u32, 4, 2, 1, 3, 3, 0, 1, 4];
    for (label_smoothing, temperature) in [(0.0, 1.0), (0.05, 1.0), (1.0, 2.5)] {
        let config = CrossEntropyConfig { label_smoothing, temperature };
        let definition = |x: &[f64]| {
            mean(x.chunks(5).zip(labels).map(|(z, label)| {
                let z: Vec<f64> = z.iter().map(|z| z / f64::from(temperature)).collect();
                let lse = z.iter().map(|z| z.exp()).sum::<f64>().ln();
                let e = f64::from(label_smoothing);
                (1.0 - e) * (lse - z[label as usize]) + e * mean(z.iter().map(|z| lse - z))
            }))
        };
        check(&format!("{config:?}"), &x, 1e-6, |x| cross_entropy(x, &labels, &config), definition);
    }
}

#[test]
fn margins() {
    let (x, labels) = (distinct(0, &[4, 1, 5, 3]), binary(1, &[4, 1, 5, 3]));
    let y = values(&labels);
    let definition = |x: &[f64]| {
        let side = |label: f64, sign: f64| {
            let side = x.iter().zip(&y).filter(|&(_, &y)| y == label);
            mean(side.map(|(d, _)| (0.5 + sign * d).max(0.0)).collect::<Vec<_>>().into_iter())
        };
        side(0.0, -1.0) + side(1.0, 1.0)
    };
    check("margin_by_mask", &x, 1e-6, |x| Ok(margin_by_mask(x, &labels, 0.5)?.total), definition);
}
