//! Area under the receiver operating characteristic.

use crate::error::Result;
use crate::ranking::Ranking;

/// Area under the ROC curve of image scores, in 0..=1.
///
/// The probability that an anomalous image scores higher than a normal one, ties counting one half, `P(s+ >
/// s-) + 0.5 P(s+ = s-)`: the Mann-Whitney U statistic with mid-ranks, divided by the number of pairs (Hanley
/// and McNeil, Radiology 143, 1982). Pairs are counted in integers, so the result is exact to rounding.
///
/// `None` where only one class is present, which includes empty input.
///
/// # Errors
///
/// If the lengths differ, or a score is NaN or infinite.
///
/// ```
/// let scores = [0.5, 0.5, 0.9];
/// let labels = [false, true, true];
/// assert_eq!(madenet_metrics::auroc(&scores, &labels)?, Some(0.75));
/// assert_eq!(madenet_metrics::auroc(&scores, &[true; 3])?, None);
/// # Ok::<(), madenet_metrics::Error>(())
/// ```
pub fn auroc(scores: &[f32], labels: &[bool]) -> Result<Option<f64>> {
    Ok(of(&Ranking::new(scores, labels)?))
}

/// AUROC of a sorted ranking.
pub(crate) fn of(ranking: &Ranking) -> Option<f64> {
    if ranking.is_one_sided() {
        return None;
    }
    // Twice the pairs won, so that a tie counts one. 2^32 pixels of each class already make 2^65.
    let mut twice_won: u128 = 0;
    let mut above: usize = 0;
    for step in ranking.descending() {
        twice_won += step.normal as u128 * (2 * above + step.anomalous()) as u128;
        above += step.anomalous();
    }
    let pairs = ranking.normal_count() as u128 * ranking.anomalous_count() as u128;
    Some(twice_won as f64 / (2 * pairs) as f64)
}
