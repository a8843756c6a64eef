//! The best F1 score over all thresholds.

use crate::error::Result;
use crate::key::score;
use crate::ranked::Sweep;
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
    Ok(Ranking::new(scores, labels)?.f1_max())
}

/// Best F1 of scores in order. Only anomalous scores can be best thresholds: going down, a normal one adds a
/// false alarm and no hit.
pub(crate) fn of(scores: &impl Sweep) -> Option<F1Max> {
    best(scores, |tied| tied).map(|best| best.figures())
}

/// How far the best F1 of scores in bins can be below that of the scores themselves: at most what finding the
/// anomalous scores of a bin before the normal ones would bring.
pub(crate) fn error(scores: &impl Sweep) -> Option<f64> {
    let (value, highest) = (best(scores, |tied| tied)?, best(scores, |_| 0)?);
    Some(f64::max(highest.f1() - value.f1(), 0.0))
}

/// The best of all steps, where `tied` says how many of the normal scores of a step are found with it.
fn best(scores: &impl Sweep, tied: impl Fn(u64) -> u64) -> Option<Counts> {
    if scores.is_one_sided() {
        return None;
    }
    let positives = scores.anomalous_count();
    let mut best: Option<Counts> = None;
    scores.sweep_found(|before, step| {
        let found = before.with(step.anomalous, tied(step.tied));
        let here = Counts { hits: found.hits, predicted: found.count(), positives, key: step.key };
        if best.as_ref().is_none_or(|best| here.is_as_good_as(best)) {
            best = Some(here);
        }
    });
    best
}

/// What one threshold finds.
struct Counts {
    hits: u64,
    predicted: u64,
    positives: u64,
    key: u32,
}

impl Counts {
    /// With `P = hits / predicted` and `R = hits / positives`, F1 is `2 hits / (predicted + positives)`, which is
    /// 0 without hits, too.
    fn is_as_good_as(&self, other: &Self) -> bool {
        let cross =
            |a: &Self, b: &Self| u128::from(a.hits) * (u128::from(b.predicted) + u128::from(b.positives));
        cross(self, other) >= cross(other, self)
    }

    fn f1(&self) -> f64 {
        2.0 * self.hits as f64 / (self.predicted as f64 + self.positives as f64)
    }

    fn figures(&self) -> F1Max {
        F1Max {
            f1: self.f1(),
            threshold: score(self.key),
            precision: self.hits as f64 / self.predicted as f64,
            recall: self.hits as f64 / self.positives as f64,
        }
    }
}
