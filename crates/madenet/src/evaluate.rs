//! How well a detector does on a data set.

use std::collections::BTreeMap;

use madenet_core::{AnomalyDetector, Label, RawScores};
use madenet_data::{Dataset, Loader, Sample};
use madenet_image::Mask;
use madenet_metrics::{AUPRO_FPR_LIMIT, AUPRO_FPR_LIMIT_STRICT, PixelMetrics, PixelScores, Ranking};

use crate::report::{Figures, Report};

/// Images that go through the detector at once.
const CHUNK: usize = 8;

/// What can go wrong in an evaluation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// A sample could not be read.
    #[error(transparent)]
    Data(#[from] madenet_data::Error),
    /// The detector failed on an image, or gave scores that are none.
    #[error(transparent)]
    Detector(#[from] madenet_core::Error),
    /// A mask could not be resized.
    #[error("cannot bring the mask to the model's resolution: {id}")]
    Mask {
        /// The sample's id.
        id: String,
        /// Why.
        source: madenet_image::Error,
    },
    /// The scores could not be measured.
    #[error(transparent)]
    Metrics(#[from] madenet_metrics::Error),
}

/// Measures `detector` on `data`.
///
/// Samples are read ahead by a [`Loader`]. Beside them, the maps' pixels take the memory that [`PixelMetrics`] states.
///
/// # Errors
/// Where a sample cannot be read, or the detector fails on it or gives a score that is not finite; the error names it.
pub fn evaluate(detector: &dyn AnomalyDetector, data: &dyn Dataset) -> Result<Report, EvaluateError> {
    let mut measured = Measured { images: Vec::new(), pixels: PixelMetrics::new() };
    Loader::new(data).run(|samples| {
        loop {
            let chunk = samples.by_ref().take(CHUNK).map(|(_, sample)| sample);
            let chunk: Vec<Sample> = chunk.collect::<Result<_, _>>()?;
            if chunk.is_empty() {
                return Ok::<_, EvaluateError>(());
            }
            for (sample, raw) in score(detector, &chunk)? {
                measured.push(sample, &raw)?;
            }
        }
    })?;
    measured.report()
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
    for (sample, raw) in samples.iter().zip(&scored) {
        raw.check(&sample.id)?;
    }
    Ok(samples.iter().zip(scored))
}

/// What is kept of all images.
struct Measured {
    images: Vec<Scored>,
    pixels: PixelMetrics,
}

/// What is kept of an image besides its pixels.
struct Scored {
    score: f32,
    label: Label,
    defect_type: Option<String>,
    truth: Truth,
}

/// What is known of the pixels of an image.
#[derive(Clone, Copy, PartialEq)]
enum Truth {
    Known,
    WithoutMask,
    LostMask,
}

impl Measured {
    fn push(&mut self, sample: &Sample, raw: &RawScores) -> Result<(), EvaluateError> {
        let truth = match (sample.label, &sample.mask) {
            (Label::Normal, _) => {
                self.pixels.push(&raw.map, &vec![false; raw.map.len()], raw.height, raw.width)?;
                Truth::Known
            }
            (Label::Anomalous, Some(mask)) => self.push_defect(sample, mask, raw)?,
            (Label::Anomalous, None) => Truth::WithoutMask,
        };
        let (label, defect_type) = (sample.label, sample.defect_type.clone());
        self.images.push(Scored { score: raw.score, label, defect_type, truth });
        Ok(())
    }

    fn push_defect(&mut self, sample: &Sample, mask: &Mask, raw: &RawScores) -> Result<Truth, EvaluateError> {
        let resized = mask.resize_nearest(raw.width, raw.height);
        let resized = resized.map_err(|source| EvaluateError::Mask { id: sample.id.clone(), source })?;
        match &sample.defect_type {
            Some(name) => {
                self.pixels.push_defect(&raw.map, resized.data(), raw.height, raw.width, name)?;
            }
            None => self.pixels.push(&raw.map, resized.data(), raw.height, raw.width)?,
        }
        Ok(if mask.count() > 0 && resized.count() == 0 { Truth::LostMask } else { Truth::Known })
    }

    fn report(self) -> Result<Report, EvaluateError> {
        let Measured { images, pixels } = self;
        let pixels = pixels.finish();
        let mut defect_types = BTreeMap::new();
        for name in images.iter().filter_map(|image| image.defect_type.as_deref()) {
            if !defect_types.contains_key(name) {
                let row = figures(&images, Some(name), pixels.of_defect_type(name).as_ref())?;
                defect_types.insert(name.to_string(), row);
            }
        }
        Ok(Report { overall: figures(&images, None, Some(&pixels))?, defect_types })
    }
}

/// The figures of all images, or of the normal ones and those with one type of defect.
fn figures(
    images: &[Scored],
    defect_type: Option<&str>,
    pixels: Option<&PixelScores>,
) -> Result<Figures, EvaluateError> {
    let is_wanted = |image: &&Scored| {
        let is_of_type = || image.defect_type.as_deref() == defect_type;
        defect_type.is_none() || image.label == Label::Normal || is_of_type()
    };
    let images: Vec<&Scored> = images.iter().filter(is_wanted).collect();
    let scores: Vec<f32> = images.iter().map(|image| image.score).collect();
    let labels: Vec<bool> = images.iter().map(|image| image.label.is_anomalous()).collect();
    let ranking = Ranking::new(&scores, &labels)?;
    let count = |truth| images.iter().filter(|image| image.truth == truth).count();
    let anomalous = labels.iter().filter(|&&anomalous| anomalous).count();
    let aupro = |limit| pixels.map_or(Ok(None), |pixels| pixels.aupro(limit));
    Ok(Figures {
        normal: labels.len() - anomalous,
        anomalous,
        without_mask: count(Truth::WithoutMask),
        lost_masks: count(Truth::LostMask),
        image_auroc: ranking.auroc(),
        image_ap: ranking.average_precision(),
        image_f1_max: ranking.f1_max().map(|best| best.f1),
        pixel_auroc: pixels.and_then(PixelScores::auroc),
        pixel_ap: pixels.and_then(PixelScores::average_precision),
        aupro: aupro(AUPRO_FPR_LIMIT)?,
        aupro_strict: aupro(AUPRO_FPR_LIMIT_STRICT)?,
        exact: pixels.is_none_or(PixelScores::is_exact),
    })
}

#[cfg(test)]
mod tests {
    use madenet_core::Prediction;
    use madenet_image::{Image, ImageView};

    use super::*;

    /// Says of a picture what its first row says: the map is its levels, the score the highest of them.
    struct Levels;

    impl AnomalyDetector for Levels {
        fn name(&self) -> &str {
            "levels"
        }

        fn predict(&self, _images: &[ImageView<'_>]) -> madenet_core::Result<Vec<Prediction>> {
            Ok(Vec::new())
        }

        fn raw_scores(&self, images: &[ImageView<'_>]) -> madenet_core::Result<Vec<RawScores>> {
            let raw = |image: &ImageView<'_>| {
                let picture = image.to_rgb();
                let level = |pixel: &[u8]| if pixel[0] == 255 { f32::NAN } else { f32::from(pixel[0]) };
                let map: Vec<f32> = picture.pixels().chunks_exact(3).map(level).collect();
                let score = map.iter().copied().fold(f32::MIN, f32::max);
                Ok(RawScores { score, height: picture.height(), width: picture.width(), map })
            };
            images.iter().map(raw).collect()
        }
    }

    struct Samples(Vec<Sample>);

    impl Dataset for Samples {
        fn len(&self) -> usize {
            self.0.len()
        }

        fn get(&self, index: usize) -> madenet_data::Result<Sample> {
            Ok(self.0[index].clone())
        }
    }

    fn sample(levels: &[u8], defect: Option<(&str, Option<&[bool]>)>) -> Sample {
        let pixels = levels.iter().flat_map(|&level| [level; 3]).collect();
        let mask = defect.and_then(|(_, mask)| mask);
        Sample {
            id: format!("{levels:?}"),
            category: "part".to_string(),
            image: Image::new(levels.len(), 1, pixels).unwrap().into(),
            label: if defect.is_some() { Label::Anomalous } else { Label::Normal },
            defect_type: defect.map(|(name, _)| name.to_string()),
            mask: mask.map(|mask| Mask::new(mask.len(), 1, mask.to_vec()).unwrap()),
        }
    }

    #[test]
    fn every_defect_type_has_its_row() {
        let mut samples: Vec<Sample> = (0..9).map(|level| sample(&[level, 0, 0, 0], None)).collect();
        samples.push(sample(&[9, 0, 0, 0], Some(("dent", Some(&[true, false, false, false])))));
        samples.push(sample(&[0, 4, 0, 0], Some(("scratch", Some(&[false, true, false, false])))));
        samples.push(sample(&[0, 0, 0, 1], Some(("scratch", None))));
        // The resize to four pixels takes the second, fourth, .. of eight.
        samples.push(sample(
            &[0, 0, 0, 20],
            Some(("dent", Some(&[true, false, false, false, false, false, false, false]))),
        ));
        let report = evaluate(&Levels, &Samples(samples)).unwrap();
        let Report { overall, defect_types } = &report;
        assert_eq!((overall.normal, overall.anomalous), (9, 4));
        assert_eq!((overall.without_mask, overall.lost_masks, overall.exact), (1, 1, true));
        let (dent, scratch) = (&defect_types["dent"], &defect_types["scratch"]);
        assert_eq!((dent.anomalous, dent.without_mask, dent.lost_masks), (2, 0, 1));
        assert_eq!((scratch.anomalous, scratch.without_mask, scratch.lost_masks), (2, 1, 0));
        // Dents score above all nine normal images; of the pairs with scratches 4.5 and 1.5 are won.
        assert_eq!((dent.image_auroc, scratch.image_auroc), (Some(1.0), Some(6.0 / 18.0)));
        // One normal pixel, of the lost mask, is above the dent's.
        assert_eq!(dent.pixel_auroc, Some(45.0 / 46.0));
        let table = report.to_string();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(lines.iter().all(|line| line.chars().count() == lines[0].chars().count()), "{table}");
        assert!(lines[2].starts_with("dent     ") && lines[3].starts_with("scratch  "), "{table}");
    }

    #[test]
    fn a_score_that_is_no_number_is_an_error_that_names_the_sample() {
        let samples = Samples(vec![sample(&[1, 2], None), sample(&[3, 255], None)]);
        let error = evaluate(&Levels, &samples).unwrap_err().to_string();
        assert!(error.contains("[3, 255]"), "{error}");
    }

    #[test]
    fn nothing_has_no_figures() {
        let report = evaluate(&Levels, &Samples(Vec::new())).unwrap();
        assert_eq!((report.overall.image_auroc, report.overall.aupro), (None, None));
        assert!(report.overall.row().contains("n/a"));
    }
}
