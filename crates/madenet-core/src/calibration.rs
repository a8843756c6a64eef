//! From raw scores to verdicts.

use madenet_kernels::{Interpolation, Shape, interpolate};
use madenet_metrics::Label;
use serde::{Deserialize, Serialize};

use crate::anomaly_map::AnomalyMap;
use crate::detector::RawScores;
use crate::prediction::{Prediction, Timings};
use crate::{Error, Result};

/// Quantile of normal images' scores that is the threshold when no anomalies are at hand (methods.md I7).
const IMAGE_QUANTILE: f64 = 0.995;
/// Quantile of normal pixels' scores that is the pixel threshold (the upper one of methods.md A7).
const PIXEL_QUANTILE: f64 = 0.999;
/// Least distance of threshold and median (methods.md I6): keeps constant scores from dividing by zero.
const LEAST_SPREAD: f64 = 1e-6;
/// Steepness of the squashing: the median of normals scores 0.1, the threshold 0.5, as far again above it 0.9.
const STEEPNESS: f64 = 4.0;

/// How raw scores read: one [`Scale`] for images and one for pixels, from images known to be normal and held out from
/// training.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Of image scores.
    pub image: Scale,
    /// Of the map's pixels.
    pub pixel: Scale,
}

/// Where normal ends among raw scores.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// Median of normals.
    pub median: f32,
    /// Raw scores above it are anomalous. Change it as the line needs.
    pub threshold: f32,
}

impl Scale {
    /// The scale with the median and the `quantile` of `scores` of normals, which is the threshold.
    ///
    /// # Errors
    /// [`Error::NoScores`] if there are none, [`Error::NonFiniteScore`] if one is not finite.
    pub fn from_normals(what: &'static str, scores: &[f32], quantile: f64) -> Result<Self> {
        if scores.is_empty() {
            return Err(Error::NoScores { what });
        }
        if let Some(&value) = scores.iter().find(|s| !s.is_finite()) {
            return Err(Error::NonFiniteScore { what: what.to_string(), value });
        }
        let mut sorted = scores.to_vec();
        sorted.sort_unstable_by(f32::total_cmp);
        let median = quantile_of(&sorted, 0.5);
        Ok(Scale { median, threshold: quantile_of(&sorted, quantile).max(median + LEAST_SPREAD as f32) })
    }

    /// The calibrated score of a raw one: in `[0, 1]`, strictly rising, 0.5 at the threshold, 0.1 at the median.
    ///
    /// `(1 + z / (1 + |z|)) / 2` with `z = 4 (raw - threshold) / (threshold - median)`. Unlike a logistic function it does
    /// not reach 1 in `f32` where defects are strong, so that their order is kept.
    #[must_use]
    pub fn calibrate(&self, raw: f32) -> f32 {
        // In f64, where no finite f32 overflows.
        let [raw, threshold, median] = [raw, self.threshold, self.median].map(f64::from);
        let z = STEEPNESS * (raw - threshold) / (threshold - median).abs().max(LEAST_SPREAD);
        (0.5 + 0.5 * z / (1.0 + z.abs())) as f32
    }

    fn validate(&self, field: &'static str) -> Result<()> {
        if self.median.is_finite() && self.threshold.is_finite() {
            return Ok(());
        }
        Err(Error::Config { field, got: format!("{self:?}"), expected: "finite numbers" })
    }
}

/// The `q`-quantile of sorted values, linear between neighbours (NumPy's default).
fn quantile_of(sorted: &[f32], q: f64) -> f32 {
    let place = q * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    (f64::from(low) + (f64::from(high) - f64::from(low)) * place.fract()) as f32
}

impl Calibration {
    /// From the scores of normal images held out from training, and of their maps' pixels: the thresholds are the 99.5 %
    /// and the 99.9 % quantile.
    ///
    /// # Errors
    /// [`Error::NoScores`], [`Error::NonFiniteScore`].
    pub fn from_normals(images: &[f32], pixels: &[f32]) -> Result<Self> {
        Ok(Calibration {
            image: Scale::from_normals("normal images", images, IMAGE_QUANTILE)?,
            pixel: Scale::from_normals("normal images' pixels", pixels, PIXEL_QUANTILE)?,
        })
    }

    /// Checks what a file or a caller has put in.
    ///
    /// # Errors
    /// [`Error::Config`] if a number is not finite.
    pub fn validate(&self) -> Result<()> {
        self.image.validate("calibration.image")?;
        self.pixel.validate("calibration.pixel")
    }

    /// The verdict on raw scores of an image of `size` (height, width): the map is calibrated and brought to that size
    /// (bilinear, half-pixel centres).
    ///
    /// # Errors
    /// [`Error::NonFiniteScore`] if a score is NaN or infinite.
    pub fn prediction(&self, route: &str, raw: &RawScores, size: (usize, usize)) -> Result<Prediction> {
        let bad = std::iter::once(raw.score).chain(raw.map.iter().copied()).find(|s| !s.is_finite());
        if let Some(value) = bad {
            return Err(Error::NonFiniteScore { what: route.to_string(), value });
        }
        let mut values = vec![0.0; size.0 * size.1];
        let bilinear = Interpolation::Bilinear { align_corners: false };
        interpolate(bilinear, Shape::new(1, raw.height, raw.width), size, &raw.map, &mut values)?;
        values.iter_mut().for_each(|v| *v = self.pixel.calibrate(*v));
        let score = self.image.calibrate(raw.score);
        Ok(Prediction {
            score,
            raw_score: raw.score,
            label: if score > 0.5 { Label::Anomalous } else { Label::Normal },
            map: AnomalyMap::new(size.0, size.1, values),
            route: route.to_string(),
            timings: Timings::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calibrated_scores_rise_and_cross_half_at_the_threshold() {
        let scale = Scale { median: -0.5, threshold: 0.25 };
        assert_eq!(scale.calibrate(0.25), 0.5);
        assert!((scale.calibrate(-0.5) - 0.1).abs() < 1e-6 && (scale.calibrate(1.0) - 0.9).abs() < 1e-6);
        let calibrated: Vec<f32> = (-4000..4000).map(|i| scale.calibrate(i as f32 / 100.0)).collect();
        assert!(calibrated.is_sorted_by(|a, b| a < b));
        assert!(calibrated.iter().all(|s| (0.0..=1.0).contains(s)));
        assert!(scale.calibrate(f32::MAX).is_finite() && scale.calibrate(f32::MIN) >= 0.0);
    }

    #[test]
    fn thresholds_are_quantiles_of_normals() -> Result<()> {
        let scores: Vec<f32> = (0..=1000).rev().map(|i| i as f32).collect();
        let calibration = Calibration::from_normals(&scores, &scores)?;
        assert_eq!(calibration.image, Scale { median: 500.0, threshold: 995.0 });
        assert_eq!(calibration.pixel, Scale { median: 500.0, threshold: 999.0 });
        let constant = Calibration::from_normals(&[0.3; 5], &[0.0; 5])?;
        assert!(constant.image.calibrate(0.3) < 0.5 && constant.image.calibrate(0.31) > 0.5);
        Ok(())
    }

    #[test]
    fn scores_that_are_not_finite_do_not_pass() {
        assert!(matches!(Calibration::from_normals(&[], &[0.0]), Err(Error::NoScores { .. })));
        assert!(matches!(Calibration::from_normals(&[0.0], &[f32::NAN]), Err(Error::NonFiniteScore { .. })));
        let scale = Scale { median: 0.0, threshold: 1.0 };
        let calibration = Calibration { image: scale, pixel: scale };
        let raw = |score, value| RawScores { score, height: 1, width: 1, map: vec![value] };
        for bad in [raw(f32::INFINITY, 0.0), raw(0.0, f32::NAN)] {
            assert!(matches!(
                calibration.prediction("sfad", &bad, (2, 2)),
                Err(Error::NonFiniteScore { .. })
            ));
        }
        let nan = Scale { median: f32::NAN, threshold: 1.0 };
        assert!(matches!(Calibration { image: scale, pixel: nan }.validate(), Err(Error::Config { .. })));
    }
}
