//! Image scores of both classes, sorted once for all metrics.

use crate::confusion_matrix::{self, ConfusionMatrix};
use crate::curve::{self, Curve};
use crate::error::Result;
use crate::f1_max::{self, F1Max};
use crate::input::check_scores;
use crate::key::key;
use crate::sorted::{Regions, Sorted, pack};
use crate::{auroc, average_precision, threshold};

/// The scores of a set of images (or of anything else with one score and one label) in order. Each metric is one
/// sweep over them.
///
/// For one row per defect type, rank the scores of the normal images with those of the images of that type: the
/// false positive rate then means the same in all rows.
///
/// ```
/// use madenet_metrics::Ranking;
///
/// // Anomalous images as #, normal ones as o:
/// //
/// //   0.1  0.2  0.35  0.4  0.8  0.9
/// //    o    o    #    oo#   #    #
/// let scores = [0.1, 0.4, 0.35, 0.8, 0.4, 0.4, 0.2, 0.9];
/// let labels = [false, false, true, true, false, true, false, true];
/// let ranking = Ranking::new(&scores, &labels)?;
/// let near = |got: Option<f64>, expected: f64| (got.unwrap() - expected).abs() < 1e-12;
/// assert_eq!(ranking.auroc(), Some(0.8125));
/// assert!(near(ranking.average_precision(), 49.0 / 60.0));
/// assert!(near(ranking.pr_auc_trapezoid(), 103.0 / 120.0));
/// assert_eq!(ranking.f1_max().map(|best| (best.f1, best.threshold)), Some((0.8, 0.35)));
/// assert_eq!(ranking.confusion(0.8).recall(), Some(0.5));
/// assert_eq!(ranking.threshold_at_recall(1.0)?, Some(0.35));
/// # Ok::<(), madenet_metrics::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Ranking {
    scores: Sorted,
}

impl Ranking {
    /// Ranks scores, where higher is more anomalous; the label is true where the image is anomalous.
    ///
    /// # Errors
    ///
    /// If the lengths differ, or a score is NaN or infinite.
    pub fn new(scores: &[f32], labels: &[bool]) -> Result<Self> {
        check_scores(scores, labels)?;
        let of = |class: bool| {
            scores.iter().zip(labels).filter(move |pair| *pair.1 == class).map(|(&score, _)| key(score))
        };
        let anomalous = of(true).map(|key| pack(key, Regions::IMAGES)).collect();
        Ok(Self { scores: Sorted::new(of(false).collect(), anomalous, Regions::of_images()) })
    }

    /// Area under the ROC curve, 0..=1: see [`auroc`](crate::auroc()). `None` where a class is missing.
    #[must_use]
    pub fn auroc(&self) -> Option<f64> {
        auroc::of(&self.scores)
    }

    /// Average precision by steps, in (0, 1]: see [`average_precision`](crate::average_precision()). `None` where a
    /// class is missing.
    #[must_use]
    pub fn average_precision(&self) -> Option<f64> {
        average_precision::of(&self.scores)
    }

    /// Area under the precision-recall curve by trapezoids, 0..=1, from precision 1 at recall 0 on: scikit-learn's
    /// `auc(recall, precision)` of its `precision_recall_curve`, which SimpleNet's and spot-diff's code report.
    /// To compare with their figures only: lines between the points of this curve are too high (Davis and
    /// Goadrich, "The Relationship Between Precision-Recall and ROC Curves", ICML 2006). `None` where a class is
    /// missing.
    #[must_use]
    pub fn pr_auc_trapezoid(&self) -> Option<f64> {
        average_precision::trapezoid_of(&self.scores)
    }

    /// The best F1 score over all thresholds: see [`f1_max`](crate::f1_max()). `None` where a class is missing.
    #[must_use]
    pub fn f1_max(&self) -> Option<F1Max> {
        f1_max::of(&self.scores)
    }

    /// The counts at a threshold. Here `score >= threshold` is anomalous, so a score that equals the threshold is; a
    /// detector that asks for `score > threshold` differs there. At NaN nothing is anomalous.
    #[must_use]
    pub fn confusion(&self, threshold: f32) -> ConfusionMatrix {
        confusion_matrix::of(&self.scores, threshold)
    }

    /// The ROC curve from (0, 0) to (1, 1), x = false positive rate, y = recall, with at most `max_points` points
    /// (2 at least). `None` where a class is missing.
    #[must_use]
    pub fn roc_curve(&self, max_points: usize) -> Option<Curve> {
        curve::roc(&self.scores, max_points)
    }

    /// The precision-recall curve, x = recall, y = precision, from (0, 1) to recall 1 at the lowest score, with at
    /// most `max_points` points (2 at least). `None` where a class is missing.
    #[must_use]
    pub fn precision_recall_curve(&self, max_points: usize) -> Option<Curve> {
        curve::precision_recall(&self.scores, max_points)
    }

    /// The least threshold at which at most a share `rate` of the normal scores is at or above it: the next number
    /// after the highest normal score that has to stay below. If all may be above, the lowest normal score. It is
    /// infinite only where the threshold has to be above `f32::MAX`. `None` without a normal score.
    ///
    /// # Errors
    ///
    /// If the rate is not in 0..=1.
    pub fn threshold_at_false_positive_rate(&self, rate: f64) -> Result<Option<f32>> {
        threshold::at_false_positive_rate(&self.scores, rate)
    }

    /// The highest threshold at which at least a share `rate` of the anomalous scores is at or above it: one of
    /// these scores. `None` without an anomalous score.
    ///
    /// # Errors
    ///
    /// If the rate is not in 0..=1.
    pub fn threshold_at_recall(&self, rate: f64) -> Result<Option<f32>> {
        threshold::at_recall(&self.scores, rate)
    }
}
