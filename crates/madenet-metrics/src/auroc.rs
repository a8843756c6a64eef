//! Area under the receiver operating characteristic.

use crate::error::Result;
use crate::ranked::Sweep;
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
    Ok(Ranking::new(scores, labels)?.auroc())
}

/// AUROC of scores in order.
pub(crate) fn of(scores: &impl Sweep) -> Option<f64> {
    let normal = scores.normal_count();
    // Twice the pairs won, so that a tie counts one.
    let mut twice_won = 0;
    scores.sweep_found(|before, step| {
        // An anomalous score wins against the normal ones below it.
        let below = normal - before.false_alarms - step.tied;
        twice_won += product(step.anomalous, 2 * below + step.tied);
    });
    ratio(twice_won, 2 * product(normal, scores.anomalous_count()))
}

/// How far the AUROC of scores in bins can be from that of the scores themselves: half of the pairs that share a
/// bin, each of which counts one half and may be won or lost.
pub(crate) fn error(scores: &impl Sweep) -> Option<f64> {
    let mut tied = 0;
    scores.sweep(|step| tied += product(step.anomalous, step.tied));
    ratio(tied, 2 * product(scores.normal_count(), scores.anomalous_count()))
}

/// 2^32 pixels of each class already make 2^64 pairs.
fn product(a: u64, b: u64) -> u128 {
    u128::from(a) * u128::from(b)
}

fn ratio(part: u128, whole: u128) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
