//! How well a detector does on a data set.

use std::collections::BTreeMap;
use std::fmt;

use madenet_core::{AnomalyDetector, Label, RawScores};
use madenet_data::{Dataset, Loader, Sample};
use madenet_metrics::{AUPRO_FPR_LIMIT, AUPRO_FPR_LIMIT_STRICT, PixelMetrics, PixelScores, Ranking};

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
    /// All images.
    pub overall: Figures,
    /// The same for each type of defect, by name: images of this type against all normal images, pixels of its regions
    /// against all normal pixels of the set, so that false positive rates are the same in every row. Empty where the
    /// data set names no types.
    pub defect_types: BTreeMap<String, Figures>,
}

/// One row of a [`Report`].
#[derive(Clone, PartialEq, Debug)]
pub struct Figures {
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
}

/// Measures `detector` on `data`.
///
/// Samples are read ahead by a [`Loader`]. Memory: 4 to 8 bytes a pixel of all maps, twice that while they are sorted, up to 10^8 pixels; 32 MB beyond, where pixel
/// metrics have a small error ([`PixelMetrics`]).
///
/// # Errors
/// Where a sample cannot be read, or the detector fails on it.
pub fn evaluate(detector: &dyn AnomalyDetector, data: &dyn Dataset) -> Result<Report, EvaluateError> {
    let mut images = Vec::new();
    let mut pixels = PixelMetrics::new();
    Loader::new(data).run(|samples| {
        loop {
            let chunk: Vec<Sample> =
                samples.by_ref().take(CHUNK).map(|(_, sample)| sample).collect::<Result<_, _>>()?;
            if chunk.is_empty() {
                return Ok::<_, EvaluateError>(());
            }
            for (sample, raw) in score(detector, &chunk)? {
                push(&mut pixels, sample, &raw)?;
                images.push(Scored {
                    score: raw.score,
                    label: sample.label,
                    defect_type: sample.defect_type.clone(),
                    masked: sample.label == Label::Normal || sample.mask.is_some(),
                });
            }
        }
    })?;
    let pixels = pixels.finish();
    let mut defect_types = BTreeMap::new();
    for name in images.iter().filter_map(|image| image.defect_type.as_ref()) {
        if !defect_types.contains_key(name) {
            let row = Figures::of(&images, Some(name), pixels.of_defect_type(name).as_ref())?;
            defect_types.insert(name.clone(), row);
        }
    }
    Ok(Report { overall: Figures::of(&images, None, Some(&pixels))?, defect_types })
}

/// What is kept of an image.
struct Scored {
    score: f32,
    label: Label,
    defect_type: Option<String>,
    masked: bool,
}

/// The samples with what the detector says of them.
fn score<'a>(
    detector: &dyn AnomalyDetector,
    samples: &'a [Sample],
) -> Result<impl Iterator<Item = (&'a Sample, RawScores)>, EvaluateError> {
    let views: Vec<_> = samples.iter().map(|sample| sample.image.as_view()).collect();
    let scored = detector.raw_scores(&views)?;
    if scored.len() != samples.len() {
        let (name, expected, got) = (detector.name().to_string(), samples.len(), scored.len());
        return Err(madenet_core::Error::Detector { name, expected, got }.into());
    }
    Ok(samples.iter().zip(scored))
}

fn push(pixels: &mut PixelMetrics, sample: &Sample, raw: &RawScores) -> Result<(), EvaluateError> {
    let (map, height, width) = (&raw.map, raw.height, raw.width);
    match (sample.label, &sample.mask, &sample.defect_type) {
        (Label::Normal, _, _) => pixels.push(map, &vec![false; map.len()], height, width)?,
        (Label::Anomalous, Some(mask), None) => {
            pixels.push(map, mask.resize_nearest(width, height)?.data(), height, width)?;
        }
        (Label::Anomalous, Some(mask), Some(name)) => {
            pixels.push_defect(map, mask.resize_nearest(width, height)?.data(), height, width, name)?;
        }
        (Label::Anomalous, None, _) => {}
    }
    Ok(())
}

impl Figures {
    /// Of all images, or of normal ones and those with one type of defect.
    fn of(
        images: &[Scored],
        defect_type: Option<&String>,
        pixels: Option<&PixelScores>,
    ) -> Result<Self, EvaluateError> {
        let wanted = |image: &&Scored| {
            image.label == Label::Normal
                || defect_type.is_none_or(|name| image.defect_type.as_ref() == Some(name))
        };
        let images = || images.iter().filter(wanted);
        let scores: Vec<f32> = images().map(|image| image.score).collect();
        let labels: Vec<bool> = images().map(|image| image.label.is_anomalous()).collect();
        let ranking = Ranking::new(&scores, &labels)?;
        let anomalous = labels.iter().filter(|&&anomalous| anomalous).count();
        let aupro = |limit| pixels.map_or(Ok(None), |pixels| pixels.aupro(limit));
        Ok(Figures {
            normal: labels.len() - anomalous,
            anomalous,
            without_mask: images().filter(|image| !image.masked).count(),
            image_auroc: ranking.auroc(),
            image_ap: ranking.average_precision(),
            image_f1_max: ranking.f1_max().map(|best| best.f1),
            pixel_auroc: pixels.and_then(PixelScores::auroc),
            pixel_ap: pixels.and_then(PixelScores::average_precision),
            aupro: aupro(AUPRO_FPR_LIMIT)?,
            aupro_strict: aupro(AUPRO_FPR_LIMIT_STRICT)?,
        })
    }

    /// The head of a table whose lines are [`row`](Self::row)s.
    pub const HEADER: &str =
        "normal  anomalous  image AUROC  image AP  F1-max  pixel AUROC  pixel AP  AUPRO(0.3)  AUPRO(0.05)";

    /// The figures under [`HEADER`](Self::HEADER), `n/a` where one is undefined.
    #[must_use]
    pub fn row(&self) -> String {
        let figure = |value: Option<f64>| value.map_or("n/a".to_string(), |v| format!("{v:.4}"));
        format!(
            "{:>6}  {:>9}  {:>11}  {:>8}  {:>6}  {:>11}  {:>8}  {:>10}  {:>11}",
            self.normal,
            self.anomalous,
            figure(self.image_auroc),
            figure(self.image_ap),
            figure(self.image_f1_max),
            figure(self.pixel_auroc),
            figure(self.pixel_ap),
            figure(self.aupro),
            figure(self.aupro_strict),
        )
    }
}

/// A table: all images, then one line for each type of defect.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.defect_types.keys().map(|name| name.chars().count()).max().unwrap_or(0).max(3);
        write!(f, "{:<width$}  {}\n{:<width$}  {}", "", Figures::HEADER, "all", self.overall.row())?;
        for (name, row) in &self.defect_types {
            write!(f, "\n{name:<width$}  {}", row.row())?;
        }
        Ok(())
    }
}
