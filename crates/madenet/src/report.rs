//! What an evaluation prints.

use std::collections::BTreeMap;
use std::fmt;

/// The usual metrics of anomaly detection; `None` where the data set cannot define one.
///
/// Pixel metrics are taken at the model's own resolution, with masks brought to it by the nearest pixel, over all images
/// but anomalous ones without a mask.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// All images.
    pub overall: Figures,
    /// The same for each type of defect, by name: images of this type against all normal images, pixels of its regions
    /// against all normal pixels of the set, so that false positive rates are the same in every row. Empty where the
    /// data set names no types.
    pub defect_types: BTreeMap<String, Figures>,
}

/// One row of a [`Report`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Figures {
    /// Normal images.
    pub normal: usize,
    /// Anomalous images.
    pub anomalous: usize,
    /// Anomalous images without a mask, which pixel metrics leave out.
    pub without_mask: usize,
    /// Anomalous images whose defect is so small that no pixel of its mask is left at the model's resolution: pixel
    /// metrics take them as normal.
    pub lost_masks: usize,
    /// Area under the ROC curve of image scores.
    pub image_auroc: Option<f64>,
    /// Average precision of image scores.
    pub image_ap: Option<f64>,
    /// The best F1 score of image scores over all thresholds.
    pub image_f1_max: Option<f64>,
    /// Area under the ROC curve of all pixels.
    pub pixel_auroc: Option<f64>,
    /// Average precision of all pixels.
    pub pixel_ap: Option<f64>,
    /// Area under the per-region-overlap curve up to a false positive rate of 0.3, divided by 0.3.
    pub aupro: Option<f64>,
    /// The same up to 0.05.
    pub aupro_strict: Option<f64>,
    /// Whether the pixel figures are exact: they are up to [`EXACT_PIXELS`](madenet_metrics::EXACT_PIXELS) pixels.
    pub exact: bool,
}

impl Figures {
    /// The head of a table whose lines are [`row`](Self::row)s.
    pub const HEADER: &str =
        "normal  anomalous  image AUROC  image AP  F1-max  pixel AUROC  pixel AP  AUPRO(0.3)  AUPRO(0.05)";

    /// The figures under [`HEADER`](Self::HEADER), `n/a` where one is undefined, and `~` before one that is not exact.
    #[must_use]
    pub fn row(&self) -> String {
        let image = |value: Option<f64>| value.map_or("n/a".to_string(), |value| format!("{value:.4}"));
        let pixel = |value: Option<f64>| match value {
            Some(value) if !self.exact => format!("~{value:.4}"),
            value => image(value),
        };
        format!(
            "{:>6}  {:>9}  {:>11}  {:>8}  {:>6}  {:>11}  {:>8}  {:>10}  {:>11}",
            self.normal,
            self.anomalous,
            image(self.image_auroc),
            image(self.image_ap),
            image(self.image_f1_max),
            pixel(self.pixel_auroc),
            pixel(self.pixel_ap),
            pixel(self.aupro),
            pixel(self.aupro_strict),
        )
    }
}

/// A table: all images, then one line for each type of defect.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.defect_types.keys().map(|name| name.chars().count());
        let width = names.max().unwrap_or(0).max("all".len());
        write!(f, "{:width$}  {}\n{:width$}  {}", "", Figures::HEADER, "all", self.overall.row())?;
        for (name, row) in &self.defect_types {
            write!(f, "\n{name:width$}  {}", row.row())?;
        }
        Ok(())
    }
}
