//! Average precision: the area under the precision-recall curve, by steps and by trapezoids.

use crate::error::Result;
use crate::ranked::{Found, Step, Sweep};
use crate::ranking::Ranking;

/// Average precision of image scores, in (0, 1].
///
/// `sum (R_n - R_{n-1}) P_n` over the distinct thresholds from the highest to the lowest, the step rule of
/// scikit-learn's `average_precision_score`. The trapezoid under the precision-recall curve
/// ([`Ranking::pr_auc_trapezoid`]), used by some published code, interpolates between thresholds and
/// is mostly larger; the two must not be compared.
///
/// `None` where only one class is present, which includes empty input.
///
/// # Errors
///
/// If the lengths differ, or a score is NaN or infinite.
///
/// ```
/// // Precision 1 at recall 1/2, then 2/3 at recall 1.
/// let ap = madenet_metrics::average_precision(&[0.9, 0.8, 0.7], &[true, false, true])?;
/// assert!((ap.unwrap() - 5.0 / 6.0).abs() < 1e-12);
/// # Ok::<(), madenet_metrics::Error>(())
/// ```
pub fn average_precision(scores: &[f32], labels: &[bool]) -> Result<Option<f64>> {
    Ok(Ranking::new(scores, labels)?.average_precision())
}

/// Average precision of scores in order.
pub(crate) fn of(scores: &impl Sweep) -> Option<f64> {
    mean_precision(scores, |before, step| {
        before.with(step.anomalous, step.tied).precision() * step.anomalous as f64
    })
}

/// How far the average precision of scores in bins can be from that of the scores themselves.
///
/// A bin has a anomalous and n normal scores, below T hits and F false alarms. Whatever their order, the
/// precision at the j-th of the anomalous ones is at most that with all of them, and before any of the normal
/// ones, `(T + a) / (T + a + F)`, and at least that after all of the normal ones, `(T + j) / (T + j + F + n)`.
pub(crate) fn error(scores: &impl Sweep) -> Option<f64> {
    let value = of(scores)?;
    let highest = mean_precision(scores, |before, step| {
        before.with(step.anomalous, 0).precision() * step.anomalous as f64
    })?;
    let lowest = mean_precision(scores, lowest_sum)?;
    Some(f64::max(highest - value, value - lowest))
}

/// At most the sum of `(T + j) / (T + j + F + n)` over j from 1 to a: the first terms, and for the rest the integral
/// from one less on, as the terms rise with j.
fn lowest_sum(before: &Found, step: &Step) -> f64 {
    /// Most bins have fewer anomalous scores than that; the others take no longer.
    const TERMS: u64 = 64;
    let others = (before.false_alarms + step.tied) as f64;
    let (first, last) = (before.hits + step.anomalous.min(TERMS), before.hits + step.anomalous);
    let terms = (before.hits + 1..=first).map(|hits| hits as f64 / (hits as f64 + others)).sum::<f64>();
    if first == last {
        return terms;
    }
    let rest = (last - first) as f64;
    terms + rest - others * (rest / (first as f64 + others)).ln_1p()
}

/// Area under the precision-recall curve of scores in order by trapezoids, from precision 1 at recall 0 on.
pub(crate) fn trapezoid_of(scores: &impl Sweep) -> Option<f64> {
    mean_precision(scores, |before, step| {
        let (left, right) = (before.precision(), before.with(step.anomalous, step.tied).precision());
        step.anomalous as f64 * (left + right) / 2.0
    })
}

/// How far the area by trapezoids of scores in bins can be from that of the scores themselves: the precision
/// never leaves the range between all normal scores of a bin first, and all anomalous ones first.
pub(crate) fn trapezoid_error(scores: &impl Sweep) -> Option<f64> {
    let value = trapezoid_of(scores)?;
    let bound = |highest: bool| {
        mean_precision(scores, |before, step| {
            let (hits, false_alarms) = if highest { (step.anomalous, 0) } else { (0, step.tied) };
            before.with(hits, false_alarms).precision() * step.anomalous as f64
        })
    };
    Some(f64::max(bound(true)? - value, value - bound(false)?))
}

/// Sums up a precision for every step, which is given with what is found before it, and divides by the number of
/// anomalous scores.
fn mean_precision(scores: &impl Sweep, term: impl Fn(&Found, &Step) -> f64) -> Option<f64> {
    if scores.is_one_sided() {
        return None;
    }
    let mut sum = 0.0;
    scores.sweep_found(|before, step| sum += term(before, step));
    Some(sum / scores.anomalous_count() as f64)
}
