//! How well a detector does on a data set.

use std::fmt;

use madenet_core::{AnomalyDetector, Label};
use madenet_data::Dataset;
use madenet_image::Mask;
use madenet_metrics::{AUPRO_FPR_LIMIT, PixelMetrics, auroc, average_precision};

/// Images that go through the detector at once.
const CHUNK: usize = 8;

/// What can go wrong in an evaluation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// A sample could not be read.
    #[error(transparent)]
    Data(#[from] madenet_data::Error),
    /// The detector failed on an image.
    #[error(transparent)]
    Detector(#[from] madenet_core::Error),
    /// A mask could not be resized.
    #[error(transparent)]
    Mask(#[from] madenet_image::Error),
    /// The scores could not be measured.
    #[error(transparent)]
    Metrics(#[from] madenet_metrics::Error),
}

/// The usual metrics of anomaly detection; `None` where the data set cannot define one.
///
/// Pixel metrics are taken at the model's own resolution, with masks brought to it by the nearest pixel, over all images
/// but anomalous ones without a mask.
#[derive(Clone, PartialEq, Debug)]
pub struct Report {
    /// Normal images.
    pub normal: usize,
    /// Anomalous images.
    pub anomalous: usize,
    /// Anomalous images without a mask, which pixel metrics leave out.
    pub without_mask: usize,
    /// Area under the ROC curve of image scores.
    pub image_auroc: Option<f64>,
    /// Average precision of image scores.
    pub image_ap: Option<f64>,
    /// Area under the ROC curve of all pixels.
    pub pixel_auroc: Option<f64>,
    /// Average precision of all pixels.
    pub pixel_ap: Option<f64>,
    /// Area under the per-region-overlap curve up to a false positive rate of 0.3, divided by 0.3.
    pub aupro: Option<f64>,
}

/// Measures `detector` on `data`.
///
/// Memory: 4 to 8 bytes a pixel of all maps.
///
/// # Errors
/// Where a sample cannot be read, or the detector fails on it.
pub fn evaluate(detector: &dyn AnomalyDetector, data: &dyn Dataset) -> Result<Report, EvaluateError> {
    let (mut scores, mut labels) = (Vec::new(), Vec::new());
    let mut pixels = PixelMetrics::new();
    let mut without_mask = 0;
    let all: Vec<usize> = (0..data.len()).collect();
    for chunk in all.chunks(CHUNK) {
        let samples = chunk.iter().map(|&i| data.get(i)).collect::<Result<Vec<_>, _>>()?;
        let views: Vec<_> = samples.iter().map(|s| s.image.as_view()).collect();
        let scored = detector.raw_scores(&views)?;
        if scored.len() != samples.len() {
            let (name, expected, got) = (detector.name().to_string(), samples.len(), scored.len());
            return Err(madenet_core::Error::Detector { name, expected, got }.into());
        }
        for (sample, raw) in samples.iter().zip(scored) {
            scores.push(raw.score);
            labels.push(sample.label.is_anomalous());
            let mask = match (sample.label, &sample.mask) {
                (Label::Normal, _) => Mask::new(raw.width, raw.height, vec![false; raw.map.len()])?,
                (Label::Anomalous, Some(mask)) => mask.resize_nearest(raw.width, raw.height)?,
                (Label::Anomalous, None) => {
                    without_mask += 1;
                    continue;
                }
            };
            pixels.push(&raw.map, mask.data(), raw.height, raw.width)?;
        }
    }
    let pixels = pixels.finish();
    let anomalous = labels.iter().filter(|&&l| l).count();
    Ok(Report {
        normal: labels.len() - anomalous,
        anomalous,
        without_mask,
        image_auroc: auroc(&scores, &labels)?,
        image_ap: average_precision(&scores, &labels)?,
        pixel_auroc: pixels.auroc(),
        pixel_ap: pixels.average_precision(),
        aupro: pixels.aupro(AUPRO_FPR_LIMIT)?,
    })
}

impl Report {
    /// The head of a table whose lines are [`row`](Self::row)s.
    pub const HEADER: &str = "normal  anomalous  image AUROC  image AP  pixel AUROC  pixel AP  AUPRO(0.3)";

    /// The figures under [`HEADER`](Self::HEADER), `n/a` where one is undefined.
    #[must_use]
    pub fn row(&self) -> String {
        let figure = |value: Option<f64>| value.map_or("n/a".to_string(), |v| format!("{v:.4}"));
        format!(
            "{:>6}  {:>9}  {:>11}  {:>8}  {:>11}  {:>8}  {:>10}",
            self.normal,
            self.anomalous,
            figure(self.image_auroc),
            figure(self.image_ap),
            figure(self.pixel_auroc),
            figure(self.pixel_ap),
            figure(self.aupro),
        )
    }
}

/// A table of two lines.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", Self::HEADER, self.row())
    }
}
