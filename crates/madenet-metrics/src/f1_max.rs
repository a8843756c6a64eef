//! The best F1 score over all thresholds.

use crate::error::Result;
use crate::ranking::Ranking;

/// The best F1 score and where it is reached.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct F1Max {
    /// `2 P R / (P + R)` at the threshold, in (0, 1].
    pub f1: f64,
    /// The score from which on images count as anomalous (`score >= threshold`): one of the given scores.
    pub threshold: f32,
    /// Share of anomalous images among those at or above the threshold, in (0, 1].
    pub precision: f64,
    /// Share of the anomalous images that are at or above the threshold, in (0, 1].
    pub recall: f64,
}

/// The largest F1 score of image scores over all thresholds.
///
/// `max_t 2 P R / (P + R)` over the distinct scores `t`, where `score >= t` is the prediction "anomalous" and
/// `0 / 0` is 0. Of several best thresholds the lowest one is given, the first in the order of scikit-learn's
/// `precision_recall_curve`. F1 scores are compared as exact fractions, so no rounding decides a tie.
///
/// The threshold is chosen with the labels at hand: it says how well a detector could do, and is not one to
/// deploy.
///
/// `None` where only one class is present, which includes empty input.
///
/// # Errors
///
/// If the lengths differ, or a score is NaN or infinite.
///
/// ```
/// // Anomalous images as #, normal ones as o:
/// //
/// //   score      0.1  0.35  0.4  0.8
/// //               o    #     o    #
/// //   precision  1/2  2/3   1/2   1
/// //   recall      1    1    1/2  1/2
/// //   F1         2/3  4/5   1/2  2/3
/// //                    ^ best
/// let best = madenet_metrics::f1_max(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true])?.unwrap();
/// assert_eq!((best.f1, best.threshold), (0.8, 0.35));
/// assert_eq!((best.precision, best.recall), (2.0 / 3.0, 1.0));
/// # Ok::<(), madenet_metrics::Error>(())
/// ```
pub fn f1_max(scores: &[f32], labels: &[bool]) -> Result<Option<F1Max>> {
    let ranking = Ranking::new(scores, labels)?;
    if ranking.is_one_sided() {
        return Ok(None);
    }
    let positives = ranking.anomalous_count();
    let mut best: Option<Counts> = None;
    let (mut hits, mut predicted) = (0, 0);
    for step in ranking.descending() {
        hits += step.anomalous();
        predicted += step.anomalous() + step.normal;
        let here = Counts { hits, predicted, positives, threshold: step.threshold };
        if best.as_ref().is_none_or(|best| here.is_as_good_as(best)) {
            best = Some(here);
        }
    }
    Ok(best.map(|best| best.figures()))
}

/// What one threshold finds.
struct Counts {
    hits: usize,
    predicted: usize,
    positives: usize,
    threshold: f32,
}

impl Counts {
    /// With `P = hits / predicted` and `R = hits / positives`, F1 is `2 hits / (predicted + positives)`, which is
    /// 0 without hits, too.
    fn is_as_good_as(&self, other: &Self) -> bool {
        let cross = |a: &Self, b: &Self| a.hits as u128 * (b.predicted as u128 + b.positives as u128);
        cross(self, other) >= cross(other, self)
    }

    fn figures(&self) -> F1Max {
        let hits = self.hits as f64;
        F1Max {
            f1: 2.0 * hits / (self.predicted as f64 + self.positives as f64),
            threshold: self.threshold,
            precision: hits / self.predicted as f64,
            recall: hits / self.positives as f64,
        }
    }
}
