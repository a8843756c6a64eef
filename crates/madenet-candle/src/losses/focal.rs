//! The focal loss of two classes.

use candle_core::Tensor;
use rayon::prelude::*;

use super::check::{Check, Values};
use super::known;
use super::sums::{self, BLOCK};
use crate::Result;

/// What DRAEM's code clamps its one-hot targets by and adds to the probability.
const SMOOTH: f64 = 1e-5;

/// Settings of [`focal`] and [`focal_with_logits`].
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct FocalConfig {
    /// How a probability becomes a loss.
    pub variant: FocalVariant,
    /// Exponent of the factor that plays down what is classified well; 0 or more, 2 in DRAEM and RetinaNet, 4 in
    /// SuperSimpleNet. 0 leaves the cross-entropy.
    pub gamma: f32,
}

impl Default for FocalConfig {
    /// DRAEM's: its variant, and gamma 2 (methods L4).
    fn default() -> Self {
        FocalConfig { variant: FocalVariant::Draem, gamma: 2.0 }
    }
}

/// The two forms of the focal loss (methods L4).
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum FocalVariant {
    /// DRAEM's: the one-hot target is clamped to `[1e-5, 1 - 1e-5]`, and 1e-5 is added to the probability, so that a term is at
    /// most `-ln 2e-5`, 10.8.
    Draem,
    /// RetinaNet's, by the logarithm of the softmax: a term grows as the logit does.
    Retina {
        /// Weight of the positive class, 1 - alpha being that of the other; RetinaNet's is 0.25. `None` weighs both 1.
        alpha: Option<f32>,
    },
}

/// The mean over all pixels of the focal loss `-a (1 - p)^gamma ln p`, where `p` is the probability that the softmax of `logits`,
/// `[n, 2, h, w]`, gives the class in `target`, `[n, 1, h, w]`, 0 or 1.
///
/// # Errors
/// [`Error::Loss`](crate::Error::Loss) if a target is neither 0 nor 1, or a setting is out of range, and as in
/// [`losses`](super).
///
/// ```
/// use candle_core::{Device, Tensor};
/// use madenet_candle::losses::{FocalConfig, focal};
///
/// // Probability 0.9 of the right class.
/// let logits = Tensor::from_slice(&[0_f32, 9_f32.ln()], (1, 2, 1, 1), &Device::Cpu)?;
/// let target = Tensor::from_slice(&[1_f32], (1, 1, 1, 1), &Device::Cpu)?;
/// let loss = focal(&logits, &target, &FocalConfig::default())?.to_scalar::<f32>()?;
/// assert!((loss - 0.001_053_54).abs() < 1e-8);
/// # Ok::<(), madenet_candle::Error>(())
/// ```
pub fn focal(logits: &Tensor, target: &Tensor, config: &FocalConfig) -> Result<Tensor> {
    let check = Check("focal");
    let point = Point::new(check, config)?;
    let [n, classes, h, w] = check.image("the logits", logits)?;
    if classes != 2 {
        return Err(check.error("the logits", "[n, 2, h, w]", format!("{:?}", logits.dims())));
    }
    let host = check.host("the logits", logits)?;
    let target = check.host_like("the target", target, &[n, 1, h, w])?;
    let (z, t) = (Values::of(&host), Values::of(&target));
    check_labels(check, &t)?;
    let (plane, count) = (h * w, t.len() as f64);
    let mut gradient = known::room(logits);
    let mut sum = 0.0;
    for (sample, (z, t)) in z.chunks_exact(2 * plane).zip(t.chunks_exact(plane)).enumerate() {
        let (negative, positive) = z.split_at(plane);
        let point = |[negative, positive, t]: [f32; 3]| point.at(positive - negative, t == 1.0, count);
        let inputs = [negative, positive, t];
        sum += match &mut gradient {
            None => sums::pointwise(inputs, None, point),
            Some(gradient) => {
                let (first, second) = gradient[sample * 2 * plane..][..2 * plane].split_at_mut(plane);
                let sum = sums::pointwise(inputs, Some(second), point);
                negate(second, first);
                sum
            }
        };
    }
    drop((z, t));
    known::scalar(check, logits, sum / count, gradient)
}

/// The mean focal loss of logits of one class against none, and of targets 0 or 1 of the same shape: [`focal`] of the sigmoid.
///
/// # Errors
/// As for [`focal`].
///
/// ```
/// use candle_core::{Device, Tensor};
/// use madenet_candle::losses::{FocalConfig, FocalVariant, focal_with_logits};
///
/// let config = FocalConfig { variant: FocalVariant::Retina { alpha: None }, gamma: 4.0 };
/// let logits = Tensor::new(&[0_f32, -1e4], &Device::Cpu)?;
/// let target = Tensor::new(&[1_f32, 0.0], &Device::Cpu)?;
/// let loss = focal_with_logits(&logits, &target, &config)?.to_scalar::<f32>()?;
/// assert!((loss - 2_f32.ln() / 32.0).abs() < 1e-7);
/// # Ok::<(), madenet_candle::Error>(())
/// ```
pub fn focal_with_logits(logits: &Tensor, target: &Tensor, config: &FocalConfig) -> Result<Tensor> {
    let check = Check("focal_with_logits");
    let point = Point::new(check, config)?;
    let host = check.host("the logits", logits)?;
    let target = check.host_like("the target", target, logits.dims())?;
    let (z, t) = (Values::of(&host), Values::of(&target));
    check_labels(check, &t)?;
    let count = t.len() as f64;
    let mut gradient = known::room(logits);
    let sum = sums::pointwise([&*z, &*t], gradient.as_deref_mut(), |[z, t]| point.at(z, t == 1.0, count));
    drop((z, t));
    known::scalar(check, logits, sum / count, gradient)
}

fn check_labels(check: Check, target: &[f32]) -> Result<()> {
    check.all("the target", target, "0 or 1", |t| t == 0.0 || t == 1.0)
}

fn negate(values: &[f32], out: &mut [f32]) {
    out.par_chunks_mut(BLOCK).zip(values.par_chunks(BLOCK)).for_each(|(out, values)| {
        out.iter_mut().zip(values).for_each(|(out, value)| *out = -value);
    });
}

/// The loss of a pixel.
struct Point {
    gamma: f64,
    /// Of the classes 0 and 1.
    alpha: [f64; 2],
    smooth: f64,
}

impl Point {
    fn new(check: Check, config: &FocalConfig) -> Result<Self> {
        let gamma = config.gamma;
        check.setting("gamma", gamma, "finite and not negative", (0.0..f32::INFINITY).contains(&gamma))?;
        let (smooth, alpha) = match config.variant {
            FocalVariant::Draem => (SMOOTH, None),
            FocalVariant::Retina { alpha } => (0.0, alpha),
        };
        let fits = alpha.is_none_or(|alpha| (0.0..=1.0).contains(&alpha));
        check.setting("alpha", alpha.unwrap_or_default(), "within 0 and 1", fits)?;
        let alpha = alpha.map_or([1.0; 2], |alpha| [1.0 - f64::from(alpha), f64::from(alpha)]);
        Ok(Point { gamma: f64::from(gamma), alpha, smooth })
    }

    /// The loss, and over `count` its derivative in `z`, the logit of class 1 less that of class 0.
    ///
    /// Be `p` the probability of the target, `s` the smoothing and `P = (1 - 2 s) p + 2 s` what the logarithm is taken of. Then
    /// `u = 1 - P = (1 - 2 s) (1 - p)` needs no subtraction from 1, and the derivative `p u^gamma (gamma ln P - u / P)` of
    /// `-u^gamma ln P` in the logit of the target, with `p / P = 1` if `s = 0`, divides by nothing that could be 0.
    fn at(&self, z: f32, positive: bool, count: f64) -> (f64, f32) {
        let z = f64::from(if positive { z } else { -z });
        let small = (-z.abs()).exp();
        let (likely, unlikely) = (1.0 / (1.0 + small), small / (1.0 + small));
        let (p, rest) = if z < 0.0 { (unlikely, likely) } else { (likely, unlikely) };
        let u = (1.0 - 2.0 * self.smooth) * rest;
        let (log, ratio) = if self.smooth == 0.0 {
            (z.min(0.0) - small.ln_1p(), 1.0)
        } else {
            // Near 1 from the small difference, which the sum would round.
            let smoothed = p + 2.0 * self.smooth * rest;
            (if u < 0.5 { (-u).ln_1p() } else { smoothed.ln() }, p / smoothed)
        };
        let factor = self.alpha[usize::from(positive)] * self.power(u);
        let slope = factor * (self.gamma * p * log - u * ratio) / count;
        (-factor * log, if positive { slope as f32 } else { -slope as f32 })
    }

    fn power(&self, u: f64) -> f64 {
        // The usual exponents, without the cost of the general power.
        match self.gamma {
            0.0 => 1.0,
            1.0 => u,
            2.0 => u * u,
            4.0 => (u * u) * (u * u),
            gamma => u.powf(gamma),
        }
    }
}
