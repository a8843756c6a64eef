//! Cross-entropy of classes.

use candle_core::Tensor;

use super::check::{Check, Values};
use super::known;
use crate::Result;

/// Settings of [`cross_entropy`].
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct CrossEntropyConfig {
    /// Share of the target that is spread evenly over all classes, the right one included, within 0 and 1. PyTorch's default
    /// is 0; the router's is 0.05 (methods section 5).
    pub label_smoothing: f32,
    /// Logits are divided by it. Above 0; 1 leaves them.
    pub temperature: f32,
}

impl Default for CrossEntropyConfig {
    fn default() -> Self {
        CrossEntropyConfig { label_smoothing: 0.0, temperature: 1.0 }
    }
}

/// The mean cross-entropy of the softmax of `logits`, `[n, k]` or `[n, k, 1, 1]`, and one label below k for each of the n rows.
///
/// With label smoothing e it is `(1 - e) (lse - z_y) + e mean_j (lse - z_j)`, where `lse` is the logarithm of the sum of the
/// exponentials, taken relative to the largest logit: finite for every finite logit.
///
/// # Errors
/// [`Error::Loss`](crate::Error::Loss) if the labels do not fit, or a setting is out of range, and as in [`losses`](super).
///
/// ```
/// use candle_core::{Device, Tensor};
/// use madenet_candle::losses::{CrossEntropyConfig, cross_entropy};
///
/// let logits = Tensor::new(&[[0_f32, 3_f32.ln()], [1e4, 0.0]], &Device::Cpu)?;
/// let loss = cross_entropy(&logits, &[0, 0], &CrossEntropyConfig::default())?.to_scalar::<f32>()?;
/// assert!((loss - 2_f32.ln()).abs() < 1e-6);
/// # Ok::<(), madenet_candle::Error>(())
/// ```
pub fn cross_entropy(logits: &Tensor, labels: &[u32], config: &CrossEntropyConfig) -> Result<Tensor> {
    let check = Check("cross_entropy");
    let CrossEntropyConfig { label_smoothing, temperature } = *config;
    let smoothing_fits = (0.0..=1.0).contains(&label_smoothing);
    check.setting("the label smoothing", label_smoothing, "within 0 and 1", smoothing_fits)?;
    let temperature_fits = temperature > 0.0 && temperature.is_finite();
    check.setting("the temperature", temperature, "finite and above 0", temperature_fits)?;
    let (n, k) = match *logits.dims() {
        [n, k] | [n, k, 1, 1] => (n, k),
        _ => return Err(check.error("the logits", "[n, k] or [n, k, 1, 1]", format!("{:?}", logits.dims()))),
    };
    if labels.len() != n {
        return Err(check.error("the number of labels", n.to_string(), labels.len().to_string()));
    }
    if let Some(label) = labels.iter().find(|&&label| label as usize >= k) {
        return Err(check.error("a label", format!("below {k}"), label.to_string()));
    }
    let host = check.host("the logits", logits)?;
    let values = Values::of(&host);
    let mut gradient = known::room(logits);
    let mut slopes = vec![0.0; k];
    let mut sum = 0.0;
    // Rows of classes are few and short: not worth another thread.
    for (row, (z, &label)) in values.chunks_exact(k).zip(labels).enumerate() {
        sum += row_loss(z, label as usize, config, &mut slopes);
        if let Some(gradient) = &mut gradient {
            let scale = 1.0 / (n as f64 * f64::from(temperature));
            for (out, slope) in gradient[row * k..][..k].iter_mut().zip(&slopes) {
                *out = (scale * slope) as f32;
            }
        }
    }
    drop(values);
    known::scalar(check, logits, sum / n as f64, gradient)
}

/// The loss of a row; `slopes` becomes its gradient in the logits over the temperature.
fn row_loss(z: &[f32], label: usize, config: &CrossEntropyConfig, slopes: &mut [f64]) -> f64 {
    let (smoothing, classes) = (f64::from(config.label_smoothing), z.len() as f64);
    let scaled = |z: f32| f64::from(z) / f64::from(config.temperature);
    let largest = z.iter().fold(f64::NEG_INFINITY, |largest, &z| largest.max(scaled(z)));
    let (mut total, mut below) = (0.0, 0.0);
    for (slope, &z) in slopes.iter_mut().zip(z) {
        *slope = (scaled(z) - largest).exp();
        total += *slope;
        below += largest - scaled(z);
    }
    for slope in slopes.iter_mut() {
        *slope = *slope / total - smoothing / classes;
    }
    slopes[label] -= 1.0 - smoothing;
    total.ln() + (1.0 - smoothing) * (largest - scaled(z[label])) + smoothing * below / classes
}
