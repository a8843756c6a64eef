//! The margin loss of a normality score.

use candle_core::Tensor;

use super::check::{Check, Values};
use super::{known, sums};
use crate::Result;

/// The margin loss, and how many scores are beyond their margin.
#[derive(Clone, Debug)]
pub struct MarginLoss {
    /// The loss, a scalar.
    pub total: Tensor,
    /// Share of the normal scores that are at least the margin; 1 if there is none.
    pub p_true: f32,
    /// Share of the anomalous scores that are below the negative margin; 1 if there is none.
    pub p_fake: f32,
}

/// The margin loss of a batch whose first half is normal and whose second half is anomalous (methods F7, F8):
/// `mean max(0, margin - D) + mean max(0, margin + D)`, where `D` is the normality of the first and of the second half.
///
/// `normality` has any shape with an even first dimension. SimpleNet's margin is 0.5.
///
/// # Errors
/// [`Error::Loss`](crate::Error::Loss) if the first dimension is odd, and as in [`losses`](super). See there for an example.
pub fn margin(normality: &Tensor, margin: f32) -> Result<MarginLoss> {
    let check = Check("margin");
    let batch = normality.dims().first().copied().unwrap_or(1);
    if batch % 2 != 0 {
        let got = format!("{:?}", normality.dims());
        return Err(check.error("the normality", "an even number of rows, half of them normal", got));
    }
    let host = check.host("the normality", normality)?;
    let values = Values::of(&host);
    let mut gradient = known::room(normality);
    let (normal, anomalous) = values.split_at(values.len() / 2);
    let mut halves = gradient.as_deref_mut().map(|gradient| gradient.split_at_mut(normal.len()));
    let (first, second) = match &mut halves {
        Some((first, second)) => (Some(&mut **first), Some(&mut **second)),
        None => (None, None),
    };
    let count = normal.len() as f64;
    let slope = (1.0 / count) as f32;
    let sum = sums::pointwise([normal], first, |[d]| hinge(margin, -d, -slope))
        + sums::pointwise([anomalous], second, |[d]| hinge(margin, d, slope));
    let p_true = share(normal, count, |d| d >= margin);
    let p_fake = share(anomalous, count, |d| d < -margin);
    drop(values);
    Ok(MarginLoss { total: known::scalar(check, normality, sum / count, gradient)?, p_true, p_fake })
}

/// The margin loss of scores of which `anomalous` says which are normal (0) and which anomalous (1), of the same shape
/// (methods T2): `mean max(0, margin - D)` over the normal ones plus `mean max(0, margin + D)` over the others.
///
/// A side that is empty adds 0.
///
/// # Errors
/// [`Error::Loss`](crate::Error::Loss) if a label is neither 0 nor 1, and as in [`losses`](super).
///
/// ```
/// use candle_core::{Device, Tensor};
/// use madenet_candle::losses::margin_by_mask;
///
/// let normality = Tensor::new(&[0.25_f32, -1.0, 1.0, 0.0], &Device::Cpu)?;
/// let anomalous = Tensor::new(&[0_f32, 1.0, 0.0, 1.0], &Device::Cpu)?;
/// assert_eq!(margin_by_mask(&normality, &anomalous, 0.5)?.total.to_scalar::<f32>()?, 0.375);
/// # Ok::<(), madenet_candle::Error>(())
/// ```
pub fn margin_by_mask(normality: &Tensor, anomalous: &Tensor, margin: f32) -> Result<MarginLoss> {
    let check = Check("margin_by_mask");
    let host = check.host("the normality", normality)?;
    let labels = check.host_like("the labels", anomalous, normality.dims())?;
    let (values, labels) = (Values::of(&host), Values::of(&labels));
    check.all("the labels", &labels, "0 or 1", |y| y == 0.0 || y == 1.0)?;
    let sum_of = |f: &(dyn Fn(f32, bool) -> f64 + Sync)| {
        sums::pointwise([&*values, &*labels], None, |[d, y]| (f(d, y == 1.0), 0.0))
    };
    let anomalous = sum_of(&|_, anomalous| f64::from(u8::from(anomalous)));
    let normal = values.len() as f64 - anomalous;
    let weight_of = |count: f64| if count == 0.0 { 0.0 } else { 1.0 / count };
    let (normal_weight, anomalous_weight) = (weight_of(normal), weight_of(anomalous));
    let mut gradient = known::room(normality);
    let sum = sums::pointwise([&*values, &*labels], gradient.as_deref_mut(), |[d, y]| {
        let (d, weight, sign) = if y == 1.0 { (d, anomalous_weight, 1.0) } else { (-d, normal_weight, -1.0) };
        let (term, slope) = hinge(margin, d, (sign * weight) as f32);
        (weight * term, slope)
    });
    let met = |count: f64, met: f64| if count == 0.0 { 1.0 } else { (met / count) as f32 };
    let p_true = met(normal, sum_of(&|d, anomalous| f64::from(u8::from(!anomalous && d >= margin))));
    let p_fake = met(anomalous, sum_of(&|d, anomalous| f64::from(u8::from(anomalous && d < -margin))));
    drop((values, labels));
    Ok(MarginLoss { total: known::scalar(check, normality, sum, gradient)?, p_true, p_fake })
}

/// `max(0, margin + d)` and `slope` where it is above 0. NaN stays NaN.
fn hinge(margin: f32, d: f32, slope: f32) -> (f64, f32) {
    let distance = margin + d;
    if distance <= 0.0 { (0.0, 0.0) } else { (f64::from(distance), slope) }
}

fn share(values: &[f32], count: f64, is_met: impl Fn(f32) -> bool + Sync) -> f32 {
    (sums::pointwise([values], None, |[d]| (f64::from(u8::from(is_met(d))), 0.0)) / count) as f32
}
