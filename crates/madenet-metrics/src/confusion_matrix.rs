//! What one threshold gets right and wrong.

use crate::key::key;
use crate::ranked::Ranked;

/// The four counts of a threshold, where `score >= threshold` is the prediction "anomalous", and the anomalous
/// class is the positive one.
///
/// ```
/// use madenet_metrics::ConfusionMatrix;
///
/// //                    predicted
/// //                 anomalous  normal
/// //   anomalous         3        1
/// //   normal            2       94
/// let counts = ConfusionMatrix {
///     true_positives: 3,
///     false_negatives: 1,
///     false_positives: 2,
///     true_negatives: 94,
/// };
/// assert_eq!(counts.precision(), Some(0.6));
/// assert_eq!(counts.recall(), Some(0.75));
/// assert_eq!(counts.f1(), Some(6.0 / 9.0));
/// assert_eq!(counts.accuracy(), Some(0.97));
/// assert_eq!(counts.false_positive_rate(), Some(2.0 / 96.0));
/// assert_eq!(ConfusionMatrix::default().accuracy(), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ConfusionMatrix {
    /// Anomalous, and said so.
    pub true_positives: u64,
    /// Normal, but said to be anomalous: false alarms.
    pub false_positives: u64,
    /// Normal, and said so.
    pub true_negatives: u64,
    /// Anomalous, but said to be normal: missed.
    pub false_negatives: u64,
}

impl ConfusionMatrix {
    /// Share of the anomalous ones among those said to be, 0..=1. `None` if none is said to be.
    #[must_use]
    pub fn precision(&self) -> Option<f64> {
        ratio(self.true_positives, self.true_positives as f64 + self.false_positives as f64)
    }

    /// Share of the anomalous ones that are found, 0..=1. `None` if there are none.
    #[must_use]
    pub fn recall(&self) -> Option<f64> {
        ratio(self.true_positives, self.true_positives as f64 + self.false_negatives as f64)
    }

    /// `2 TP / (2 TP + FP + FN)`, the harmonic mean of precision and recall, 0..=1. `None` if nothing is
    /// anomalous and nothing is said to be.
    #[must_use]
    pub fn f1(&self) -> Option<f64> {
        let hits = 2.0 * self.true_positives as f64;
        let whole = hits + self.false_positives as f64 + self.false_negatives as f64;
        (whole > 0.0).then(|| hits / whole)
    }

    /// Share of right answers, 0..=1. `None` if all four counts are 0. Of little use where one class is rare:
    /// calling every pixel normal is right for most of them.
    #[must_use]
    pub fn accuracy(&self) -> Option<f64> {
        let right = self.true_positives as f64 + self.true_negatives as f64;
        let whole = right + self.false_positives as f64 + self.false_negatives as f64;
        (whole > 0.0).then(|| right / whole)
    }

    /// `FP / (FP + TN)`, share of the normal ones that raise an alarm, 0..=1: in inspection, the false alarm rate.
    /// `None` if nothing is normal.
    #[must_use]
    pub fn false_positive_rate(&self) -> Option<f64> {
        ratio(self.false_positives, self.false_positives as f64 + self.true_negatives as f64)
    }
}

/// The counts at a threshold of scores in order. A NaN as the threshold finds nothing, as every comparison with it
/// is false.
pub(crate) fn of(scores: &impl Ranked, threshold: f32) -> ConfusionMatrix {
    let (false_positives, true_positives) =
        if threshold.is_nan() { (0, 0) } else { scores.counts_from(key(threshold)) };
    ConfusionMatrix {
        true_positives,
        false_positives,
        true_negatives: scores.normal_count() - false_positives,
        false_negatives: scores.anomalous_count() - true_positives,
    }
}

fn ratio(part: u64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part as f64 / whole)
}
