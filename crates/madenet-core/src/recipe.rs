use madenet_image::Mask;
use madenet_kernels::{Interpolation, Shape, interpolate};
use madenet_metrics::Label;
use serde::{Deserialize, Serialize};

use crate::anomaly_map::AnomalyMap;
use crate::calibration::Calibration;
use crate::detector::RawScores;
use crate::prediction::{Prediction, Timings};
use crate::region::regions;
use crate::run_lengths;
use crate::{Error, Result};

/// An inspection recipe: what a line may change about a detector without training it again. Stored in the model file.
///
/// ```
/// use madenet_core::{Calibration, Recipe, Scale};
/// use madenet_image::{Mask, Rect};
///
/// let scale = Scale { median: 0.0, threshold: 1.0 };
/// let recipe = Recipe::new(Calibration { image: scale, pixel: scale })
///     .image_threshold(1.3)
///     // The fiducial mark in the corner is nobody's defect.
///     .ignore(&Mask::rectangle(640, 480, Rect::new(0, 0, 60, 40))?)?
///     .min_area(12);
/// assert_eq!(recipe.calibration.image.threshold, 1.3);
/// recipe.validate()?;
/// # Ok::<(), madenet_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// How raw scores read, and where the thresholds are.
    pub calibration: Calibration,
    /// The region of interest: only where it is true is inspected; everywhere where there is none. It is brought to each
    /// image's size (a pixel is inspected if any of it is), so that one drawn on a picture of another size serves as well.
    /// A network sees in cells (8 pixels of its input, with the usual backbones), and a cell counts if any of it is
    /// inspected: draw what is to be ignored a cell larger than it is.
    #[serde(with = "run_lengths")]
    pub inspected: Option<Mask>,
    /// Regions with fewer pixels of the original image are no defects. 0 takes all, and then the image score alone
    /// decides on the label.
    pub min_area: usize,
}

impl Recipe {
    /// Inspects everything.
    #[must_use]
    pub const fn new(calibration: Calibration) -> Self {
        Recipe { calibration, inspected: None, min_area: 0 }
    }

    /// With another raw score from which on images are anomalous.
    #[must_use]
    pub fn image_threshold(mut self, raw: f32) -> Self {
        self.calibration.image.threshold = raw;
        self
    }

    /// With another raw score from which on pixels are anomalous.
    #[must_use]
    pub fn pixel_threshold(mut self, raw: f32) -> Self {
        self.calibration.pixel.threshold = raw;
        self
    }

    /// Inspects only where `mask` is true, of what was inspected before.
    ///
    /// # Errors
    /// [`Error::Image`] if there is a region of interest of another size already.
    pub fn inspect(mut self, mask: &Mask) -> Result<Self> {
        self.inspected = Some(match &self.inspected {
            Some(before) => before.and(mask)?,
            None => mask.clone(),
        });
        Ok(self)
    }

    /// Does not inspect where `mask` is true.
    ///
    /// # Errors
    /// As [`inspect`](Self::inspect).
    pub fn ignore(self, mask: &Mask) -> Result<Self> {
        self.inspect(&mask.invert())
    }

    /// With another least area of a defect, in pixels of the original image.
    #[must_use]
    pub fn min_area(mut self, pixels: usize) -> Self {
        self.min_area = pixels;
        self
    }

    /// Checks what a file or a caller has put in.
    ///
    /// # Errors
    /// [`Error::Config`] if a number is not finite, nothing is inspected, or the region of interest has more than 2^26
    /// pixels, 8192 x 8192, which a file does not hold.
    pub fn validate(&self) -> Result<()> {
        self.calibration.validate()?;
        let pixels = self.inspected.as_ref().map_or(0, |mask| mask.data().len());
        if pixels > run_lengths::MAX_PIXELS {
            let (field, got) = ("recipe.inspected", format!("a mask of {pixels} pixels"));
            return Err(Error::Config { field, got, expected: "at most 67108864" });
        }
        if self.inspected.as_ref().is_some_and(|mask| mask.count() == 0) {
            let got = "no pixel at all".to_string();
            return Err(Error::Config { field: "recipe.inspected", got, expected: "at least one pixel" });
        }
        Ok(())
    }

    /// The verdict on raw scores of an image of `size` (width, height). The map is brought to that size (bilinear,
    /// half-pixel centres), calibrated, and 0 where nothing is inspected. `raw.score` must come from inspected places
    /// already: what an image's score is of, the submodel knows.
    ///
    /// # Errors
    /// [`Error::NonFiniteScore`] if a score is NaN or infinite, [`Error::MapSize`] if the map is not of its size,
    /// [`Error::Image`] if `size` has no pixels or more than memory, [`Error::Metrics`] if the map falls into more regions
    /// than 32 bits can number.
    pub fn prediction(&self, route: &str, raw: &RawScores, size: (usize, usize)) -> Result<Prediction> {
        raw.check(route)?;
        let (width, height) = size;
        let mut values = vec![0.0; plane_len(width, height)?];
        let bilinear = Interpolation::Bilinear { align_corners: false };
        let shape = Shape::new(1, raw.height, raw.width);
        interpolate(bilinear, shape, (height, width), &raw.map, &mut values)?;
        values.iter_mut().for_each(|v| *v = self.calibration.pixel.calibrate(*v));
        if let Some(inspected) = &self.inspected {
            let inspected = inspected.resize_any(width, height)?;
            values.iter_mut().zip(inspected.data()).filter(|(_, i)| !**i).for_each(|(v, _)| *v = 0.0);
        }
        let (regions, mask) = regions(&values, size, 0.5, self.min_area)?;
        let score = self.calibration.image.calibrate(raw.score);
        let large_enough = self.min_area == 0 || !regions.is_empty();
        Ok(Prediction {
            score,
            raw_score: raw.score,
            label: if score > 0.5 && large_enough { Label::Anomalous } else { Label::Normal },
            regions,
            map: AnomalyMap::new(width, height, values)?,
            mask,
            route: route.to_string(),
            timings: Timings::default(),
        })
    }
}

/// Number of pixels, if there are any and memory can hold their values.
fn plane_len(width: usize, height: usize) -> Result<usize> {
    if width == 0 || height == 0 {
        return Err(madenet_image::Error::NoPixels { width, height }.into());
    }
    let bytes = width.checked_mul(height).and_then(|n| n.checked_mul(size_of::<f32>()));
    match bytes.filter(|&bytes| bytes <= isize::MAX as usize) {
        Some(bytes) => Ok(bytes / size_of::<f32>()),
        None => Err(madenet_image::Error::SizeOverflow { width, height }.into()),
    }
}

#[cfg(test)]
mod tests {
    use madenet_image::Rect;

    use super::*;
    use crate::scale::Scale;

    fn recipe() -> Recipe {
        let scale = Scale { median: 0.0, threshold: 1.0 };
        Recipe::new(Calibration { image: scale, pixel: scale })
    }

    fn raw(score: f32) -> RawScores {
        RawScores { score, height: 1, width: 4, map: vec![2.0, 0.0, 2.0, 2.0] }
    }

    #[test]
    fn what_is_not_inspected_is_no_defect() -> Result<()> {
        let all = recipe().prediction("sfad", &raw(1.5), (4, 1))?;
        assert_eq!((all.regions.len(), all.mask.count()), (2, 3));
        let left = Mask::rectangle(8, 2, Rect::new(0, 0, 4, 2))?;
        let some = recipe().ignore(&left)?.prediction("sfad", &raw(1.5), (4, 1))?;
        assert_eq!(some.map.values()[..2], [0.0, 0.0]);
        assert_eq!(some.mask.data(), [false, false, true, true]);
        let nothing = recipe().inspect(&left)?.ignore(&left)?;
        assert!(matches!(nothing.validate(), Err(Error::Config { field: "recipe.inspected", .. })));
        assert!(matches!(
            nothing.inspect(&Mask::rectangle(1, 1, Rect::new(0, 0, 1, 1))?),
            Err(Error::Image(_))
        ));
        Ok(())
    }

    #[test]
    fn small_regions_do_not_make_an_image_anomalous() -> Result<()> {
        let label = |recipe: Recipe, score| recipe.prediction("sfad", &raw(score), (4, 1)).map(|p| p.label);
        assert_eq!(label(recipe(), 1.5)?, Label::Anomalous);
        assert_eq!(label(recipe(), 1.0)?, Label::Normal);
        assert_eq!(label(recipe().min_area(2), 1.5)?, Label::Anomalous);
        assert_eq!(label(recipe().min_area(3), 1.5)?, Label::Normal);
        assert_eq!(label(recipe().image_threshold(1.6), 1.5)?, Label::Normal);
        Ok(())
    }

    #[test]
    fn scores_that_are_not_finite_do_not_pass() {
        for bad in [raw(f32::INFINITY), RawScores { map: vec![f32::NAN; 4], ..raw(0.0) }] {
            let error = recipe().prediction("sfad", &bad, (4, 1));
            assert!(matches!(error, Err(Error::NonFiniteScore { .. })));
        }
        for size in [(0, 1), (usize::MAX, 2)] {
            assert!(matches!(recipe().prediction("sfad", &raw(0.0), size), Err(Error::Image(_))));
        }
        let short = RawScores { width: 5, ..raw(0.0) };
        assert!(matches!(recipe().prediction("sfad", &short, (4, 1)), Err(Error::MapSize { .. })));
    }

    #[test]
    fn predictions_serialise_without_their_map() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let json = serde_json::to_value(recipe().prediction("sfad", &raw(1.5), (4, 1))?)?;
        assert_eq!((json["label"].as_str(), json["route"].as_str()), (Some("anomalous"), Some("sfad")));
        assert_eq!(json["regions"][0]["bounds"], serde_json::json!([0, 0, 1, 1]));
        assert_eq!(json["timings"]["model_ms"], 0.0);
        assert!(json.get("map").is_none());
        Ok(())
    }
}
