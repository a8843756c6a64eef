//! Pixel-level metrics of the images collected.

use crate::confusion_matrix::{self, ConfusionMatrix};
use crate::curve::{self, Curve};
use crate::defect_types::DefectTypes;
use crate::error::{Error, Result};
use crate::f1_max::{self, F1Max};
use crate::ranked::{Ranked, Sweep};
use crate::scores::Scores;
use crate::{aupro, auroc, average_precision, threshold};

/// The sorted pixels of a test set. Each metric is one sweep over the anomalous ones.
///
/// `None` always says that a metric is not defined: there is no anomalous or no normal pixel.
///
/// # Exact or in bins
///
/// If there were more pixels than [`PixelMetrics`](crate::PixelMetrics) keeps, pixels in the same bin of its
/// histogram count as ties. Every figure `x` then has an `x_error`: the exact value is within `x() - x_error()` and
/// `x() + x_error()`, whatever the order of the scores in each bin. Where all scores are kept, that is 0.
///
/// All this holds but for rounding. The AUROC and the F1 score are quotients of integers, right to some 2^-52. The
/// others add up one term of an `f64` for each of the `n` distinct anomalous scores, or bins with one, which takes
/// less than `(n + 64) * 2^-50`: 1e-9 for a million of them.
#[derive(Debug, Clone)]
pub struct PixelScores {
    scores: Scores,
    images: usize,
    /// In alphabetical order.
    defect_types: Vec<String>,
    /// The number of every defect type.
    type_numbers: Vec<u32>,
}

impl PixelScores {
    pub(crate) fn new(scores: Scores, images: usize, defect_types: &DefectTypes) -> Self {
        let (defect_types, type_numbers) = defect_types.sorted();
        Self { scores, images, defect_types, type_numbers }
    }

    /// Whether all scores were kept, so that all figures are exact and all errors 0.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        matches!(self.scores, Scores::Exact(_))
    }

    /// Pixel AUROC, in 0..=1: [`auroc`](crate::auroc()) over all pixels of all images, normal images
    /// included. `None` without an anomalous or without a normal pixel.
    #[must_use]
    pub fn auroc(&self) -> Option<f64> {
        auroc::of(&self.scores)
    }

    /// How far [`auroc`](Self::auroc) can be from the exact value: half of the pairs that share a bin.
    #[must_use]
    pub fn auroc_error(&self) -> Option<f64> {
        self.error(auroc::error)
    }

    /// Pixel AP, in (0, 1]: [`average_precision`](crate::average_precision()) over all pixels of all images.
    /// `None` without an anomalous or without a normal pixel.
    #[must_use]
    pub fn average_precision(&self) -> Option<f64> {
        average_precision::of(&self.scores)
    }

    /// How far [`average_precision`](Self::average_precision) can be from the exact value, between the best and the
    /// worst order within the bins.
    #[must_use]
    pub fn average_precision_error(&self) -> Option<f64> {
        self.error(average_precision::error)
    }

    /// Area under the precision-recall curve by trapezoids, 0..=1: see
    /// [`Ranking::pr_auc_trapezoid`](crate::Ranking::pr_auc_trapezoid).
    #[must_use]
    pub fn pr_auc_trapezoid(&self) -> Option<f64> {
        average_precision::trapezoid_of(&self.scores)
    }

    /// How far [`pr_auc_trapezoid`](Self::pr_auc_trapezoid) can be from the exact value.
    #[must_use]
    pub fn pr_auc_trapezoid_error(&self) -> Option<f64> {
        self.error(average_precision::trapezoid_error)
    }

    /// Area under the per-region overlap curve up to a false positive rate, divided by that rate; in 0..=1.
    ///
    /// At a threshold, the overlap is the mean over all regions of all images of the covered fraction of the
    /// region, and the false positive rate is the covered fraction of all normal pixels, those of normal
    /// images included. Regions are 8-connected. The curve joins the points of all distinct thresholds by
    /// straight lines, from (0, 0) to (1, 1), and is cut at `fpr_limit` by linear interpolation (Bergmann et
    /// al., CVPR 2020, and the evaluation code of MVTec AD). A perfect map has 1, a constant one `fpr_limit /
    /// 2`.
    ///
    /// The usual limit is [`AUPRO_FPR_LIMIT`](crate::AUPRO_FPR_LIMIT), 0.3; newer work also uses
    /// [`AUPRO_FPR_LIMIT_STRICT`](crate::AUPRO_FPR_LIMIT_STRICT), 0.05. `None` without a region or without a normal
    /// pixel.
    ///
    /// # Errors
    ///
    /// If the limit is not in (0, 1].
    pub fn aupro(&self, fpr_limit: f64) -> Result<Option<f64>> {
        check_limit(fpr_limit)?;
        Ok(aupro::of(&self.scores, fpr_limit))
    }

    /// How far [`aupro`](Self::aupro) can be from the exact value, between the best and the worst order within the
    /// bins.
    ///
    /// # Errors
    ///
    /// If the limit is not in (0, 1].
    pub fn aupro_error(&self, fpr_limit: f64) -> Result<Option<f64>> {
        check_limit(fpr_limit)?;
        Ok(self.error(|scores| aupro::error(scores, fpr_limit)))
    }

    /// The best F1 score over all thresholds: see [`f1_max`](crate::f1_max()). In bins, the best over the lower edges
    /// of the bins, and exact for the threshold given.
    #[must_use]
    pub fn f1_max(&self) -> Option<F1Max> {
        f1_max::of(&self.scores)
    }

    /// How far the F1 score of [`f1_max`](Self::f1_max) can be below the exact one.
    #[must_use]
    pub fn f1_max_error(&self) -> Option<f64> {
        self.error(f1_max::error)
    }

    /// The counts of pixels at a threshold: here `score >= threshold` is anomalous. In bins the threshold is rounded
    /// down to the edge of its bin; see [`PixelMetrics`](crate::PixelMetrics) for their width. At NaN nothing is
    /// anomalous.
    #[must_use]
    pub fn confusion(&self, threshold: f32) -> ConfusionMatrix {
        confusion_matrix::of(&self.scores, threshold)
    }

    /// The ROC curve of all pixels, x = false positive rate, y = recall: see
    /// [`Ranking::roc_curve`](crate::Ranking::roc_curve). In bins the points are exact, and thresholds are edges of
    /// bins.
    #[must_use]
    pub fn roc_curve(&self, max_points: usize) -> Option<Curve> {
        curve::roc(&self.scores, max_points)
    }

    /// The precision-recall curve of all pixels, x = recall, y = precision: see
    /// [`Ranking::precision_recall_curve`](crate::Ranking::precision_recall_curve). In bins the points are exact, and
    /// thresholds are edges of bins.
    #[must_use]
    pub fn precision_recall_curve(&self, max_points: usize) -> Option<Curve> {
        curve::precision_recall(&self.scores, max_points)
    }

    /// The curve whose area the [AUPRO](Self::aupro) is, from (0, 0) to (1, 1): x = false positive rate, y = mean
    /// overlap of the regions; at most `max_points` points (2 at least). In bins the points are exact, and thresholds
    /// are edges of bins.
    #[must_use]
    pub fn pro_curve(&self, max_points: usize) -> Option<Curve> {
        curve::pro(&self.scores, max_points)
    }

    /// The least threshold at which at most a share `rate` of the normal pixels is at or above it: see
    /// [`Ranking::threshold_at_false_positive_rate`](crate::Ranking::threshold_at_false_positive_rate). In bins, the
    /// least edge of a bin. `None` without a normal pixel.
    ///
    /// # Errors
    ///
    /// If the rate is not in 0..=1.
    pub fn threshold_at_false_positive_rate(&self, rate: f64) -> Result<Option<f32>> {
        threshold::at_false_positive_rate(&self.scores, rate)
    }

    /// The highest threshold at which at least a share `rate` of the anomalous pixels is at or above it. In bins, the
    /// highest edge of a bin. `None` without an anomalous pixel.
    ///
    /// # Errors
    ///
    /// If the rate is not in 0..=1.
    pub fn threshold_at_recall(&self, rate: f64) -> Result<Option<f32>> {
        threshold::at_recall(&self.scores, rate)
    }

    /// The defect types that regions are filed under, in alphabetical order.
    #[must_use]
    pub fn defect_types(&self) -> &[String] {
        &self.defect_types
    }

    /// The same metrics for one defect type; `None` if no region is filed under it.
    ///
    /// Anomalous are the pixels in regions of that type alone, and those of other regions are left out. Normal are
    /// the normal pixels of all images, whatever their type, so that a false positive rate means the same threshold
    /// in all rows, and rows can be compared. They are shared, not copied.
    ///
    /// ```
    /// use madenet_metrics::PixelMetrics;
    ///
    /// let mut metrics = PixelMetrics::new();
    /// metrics.push_defect(&[0.9, 0.2, 0.1], &[true, false, false], 1, 3, "scratch")?;
    /// metrics.push_defect(&[0.1, 0.3, 0.4], &[true, false, false], 1, 3, "dent")?;
    /// let scores = metrics.finish();
    /// assert_eq!(scores.defect_types(), ["dent", "scratch"]);
    /// assert_eq!(scores.of_defect_type("scratch").and_then(|row| row.auroc()), Some(1.0));
    /// // One tie with four normal pixels: half a pair of four is won.
    /// assert_eq!(scores.of_defect_type("dent").and_then(|row| row.auroc()), Some(0.125));
    /// assert!(scores.of_defect_type("stain").is_none());
    /// # Ok::<(), madenet_metrics::Error>(())
    /// ```
    #[must_use]
    pub fn of_defect_type(&self, name: &str) -> Option<Self> {
        let index = self.defect_types.iter().position(|known| known == name)?;
        let number = *self.type_numbers.get(index)?;
        let scores = match &self.scores {
            Scores::Exact(sorted) => Scores::Exact(sorted.of_defect_type(number)),
            Scores::Histogram(binned) => Scores::Histogram(binned.of_defect_type(number)),
        };
        Some(Self {
            scores,
            images: self.images,
            defect_types: vec![name.to_owned()],
            type_numbers: vec![number],
        })
    }

    /// Number of images, those without the defect type included.
    #[must_use]
    pub fn images(&self) -> usize {
        self.images
    }

    /// Number of 8-connected regions in all masks.
    #[must_use]
    pub fn regions(&self) -> u64 {
        self.scores.region_count()
    }

    /// Number of pixels outside all masks.
    #[must_use]
    pub fn normal_pixels(&self) -> u64 {
        self.scores.normal_count()
    }

    /// Number of pixels inside a mask.
    #[must_use]
    pub fn anomalous_pixels(&self) -> u64 {
        self.scores.anomalous_count()
    }

    /// 0 where the scores are exact and the figure is defined.
    fn error(&self, of: impl Fn(&Scores) -> Option<f64>) -> Option<f64> {
        match &self.scores {
            Scores::Exact(_) if self.scores.is_one_sided() => None,
            Scores::Exact(_) => Some(0.0),
            Scores::Histogram(_) => of(&self.scores),
        }
    }
}

fn check_limit(limit: f64) -> Result<()> {
    if limit > 0.0 && limit <= 1.0 { Ok(()) } else { Err(Error::FprLimit { limit }) }
}
