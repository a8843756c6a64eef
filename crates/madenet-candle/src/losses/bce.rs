//! Binary cross-entropy.

use candle_core::Tensor;

use super::check::{Check, Values};
use super::{known, sums};
use crate::Result;

/// The mean binary cross-entropy of logits `z` and targets `y` in [0, 1], of the same shape.
///
/// It is taken as `max(z, 0) - z y + ln(1 + exp(-|z|))` (methods P7), which is finite for every finite logit. `weight`, of the
/// same shape, finite and not negative, multiplies every term; the mean stays one over the number of terms, as in PyTorch.
///
/// # Errors
/// [`Error::Loss`](crate::Error::Loss): see [`losses`](super).
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// let logit = Tensor::new(&[0_f32, 1e4, -1e4, 1e4], &Device::Cpu)?;
/// let target = Tensor::new(&[1_f32, 1.0, 0.0, 0.0], &Device::Cpu)?;
/// let loss = madenet_candle::losses::bce_with_logits(&logit, &target, None)?.to_scalar::<f32>()?;
/// assert!((loss - (2_f32.ln() + 1e4) / 4.0).abs() < 1e-3);
/// # Ok::<(), madenet_candle::Error>(())
/// ```
pub fn bce_with_logits(logit: &Tensor, target: &Tensor, weight: Option<&Tensor>) -> Result<Tensor> {
    let check = Check("bce_with_logits");
    let host = check.host("the logit", logit)?;
    let target = check.host_like("the target", target, logit.dims())?;
    let weight = weight.map(|w| check.host_like("the weight", w, logit.dims())).transpose()?;
    let (z, y) = (Values::of(&host), Values::of(&target));
    check.all("the target", &y, "within 0 and 1", |y| (0.0..=1.0).contains(&y))?;
    let count = z.len() as f64;
    let mut gradient = known::room(logit);
    let sum = match &weight {
        None => sums::pointwise([&*z, &*y], gradient.as_deref_mut(), |[z, y]| {
            let (term, slope) = point(z, y);
            (term, (slope / count) as f32)
        }),
        Some(weight) => {
            let w = Values::of(weight);
            check.all("the weight", &w, "finite and not negative", |w| (0.0..f32::INFINITY).contains(&w))?;
            sums::pointwise([&*z, &*y, &*w], gradient.as_deref_mut(), |[z, y, w]| {
                let ((term, slope), w) = (point(z, y), f64::from(w));
                (w * term, (w * slope / count) as f32)
            })
        }
    };
    drop((z, y));
    known::scalar(check, logit, sum / count, gradient)
}

/// The cross-entropy and its derivative.
fn point(z: f32, y: f32) -> (f64, f64) {
    let (z, y) = (f64::from(z), f64::from(y));
    let small = (-z.abs()).exp();
    let sigmoid = if z < 0.0 { small / (1.0 + small) } else { 1.0 / (1.0 + small) };
    (z.max(0.0) - z * y + small.ln_1p(), sigmoid - y)
}
