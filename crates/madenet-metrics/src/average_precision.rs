//! Average precision.

use crate::error::Result;
use crate::ranking::Ranking;

/// Average precision of image scores, in (0, 1].
///
/// `sum (R_n - R_{n-1}) P_n` over the distinct thresholds from the highest to the lowest, the step rule of
/// scikit-learn's `average_precision_score`. The trapezoid under the precision-recall curve, used by some
/// published code, interpolates between thresholds and is larger; the two must not be compared.
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
    Ok(of(&Ranking::new(scores, labels)?))
}

/// Average precision of a sorted ranking.
pub(crate) fn of(ranking: &Ranking) -> Option<f64> {
    if ranking.is_one_sided() {
        return None;
    }
    let mut sum = 0.0;
    let mut true_positives = 0;
    let mut predicted = 0;
    for step in ranking.descending() {
        true_positives += step.anomalous();
        predicted += step.anomalous() + step.normal;
        sum += step.anomalous() as f64 * (true_positives as f64 / predicted as f64);
    }
    Some(sum / ranking.anomalous_count() as f64)
}
