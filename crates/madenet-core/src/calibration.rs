//! From raw scores to `[0, 1]`: scales of images and pixels, and how they are found.

use madenet_image::Mask;
use madenet_metrics::Label;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::detector::RawScores;
use crate::scale::{Scale, ThresholdRule};

/// Pixels that a calibration looks at, at most (16 MiB of scores).
const MAX_PIXELS: usize = 1 << 22;

/// How raw scores read: one [`Scale`] for images and one for pixels, from images that were held out from training.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Of image scores.
    pub image: Scale,
    /// Of the map's pixels.
    pub pixel: Scale,
}

/// How the two thresholds of a [`Calibration`] are found.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThresholdRules {
    /// For images.
    pub image: ThresholdRule,
    /// For pixels.
    pub pixel: ThresholdRule,
}

impl Default for ThresholdRules {
    /// The 99.5 % quantile of normal images and the 99.9 % quantile of normal pixels: no anomalies are needed. MADE-Net's
    /// text names no thresholds; these are this library's choice.
    fn default() -> Self {
        ThresholdRules { image: ThresholdRule::Quantile(0.995), pixel: ThresholdRule::Quantile(0.999) }
    }
}

impl ThresholdRules {
    /// F1-max for both, where anomalous images and their masks are at hand.
    #[must_use]
    pub const fn f1_max() -> Self {
        ThresholdRules { image: ThresholdRule::F1Max, pixel: ThresholdRule::F1Max }
    }

    /// Checks both.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config).
    pub fn validate(&self) -> Result<()> {
        self.image.validate()?;
        self.pixel.validate()
    }
}

impl Calibration {
    /// From raw scores of normal images, and of their maps' pixels, with the default [`ThresholdRules`].
    ///
    /// # Errors
    /// [`Error::NoScores`](crate::Error::NoScores), [`Error::NonFiniteScore`](crate::Error::NonFiniteScore).
    pub fn from_normals(images: &[f32], pixels: &[f32]) -> Result<Self> {
        let rules = ThresholdRules::default();
        Ok(Calibration {
            image: Scale::from_scores("images", images, &vec![false; images.len()], rules.image)?,
            pixel: Scale::from_scores("pixels", pixels, &vec![false; pixels.len()], rules.pixel)?,
        })
    }

    /// Checks what a file or a caller has put in.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) if a number is not finite.
    pub fn validate(&self) -> Result<()> {
        self.image.validate(["calibration.image.median", "calibration.image.threshold"])?;
        self.pixel.validate(["calibration.pixel.median", "calibration.pixel.threshold"])
    }
}

/// Gathers the raw scores of held-out images for a [`Calibration`], in bounded memory: of more than 4 Mi pixels every
/// second, fourth, ... counts.
///
/// ```
/// use madenet_core::{Calibrator, Label, RawScores, ThresholdRules};
///
/// let mut calibrator = Calibrator::new();
/// for i in 0..10 {
///     let map = vec![0.1, 0.2, 0.1, 0.1 * i as f32];
///     calibrator.push(&RawScores { score: 0.1 * i as f32, height: 2, width: 2, map }, Label::Normal, None)?;
/// }
/// let calibration = calibrator.finish(&ThresholdRules::default())?;
/// assert!((calibration.image.median - 0.45).abs() < 1e-6);
/// # Ok::<(), madenet_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Calibrator {
    images: Scored,
    pixels: Scored,
    /// Every how manieth pixel counts.
    stride: usize,
    /// Pixels seen.
    seen: usize,
    max_pixels: usize,
}

#[derive(Clone, Debug, Default)]
struct Scored {
    scores: Vec<f32>,
    labels: Vec<bool>,
}

impl Scored {
    fn push(&mut self, score: f32, anomalous: bool) {
        self.scores.push(score);
        self.labels.push(anomalous);
    }

    fn keep_every_second(&mut self) {
        self.scores = self.scores.iter().copied().step_by(2).collect();
        self.labels = self.labels.iter().copied().step_by(2).collect();
    }
}

impl Default for Calibrator {
    fn default() -> Self {
        Self::new()
    }
}

impl Calibrator {
    /// Nothing gathered.
    #[must_use]
    pub fn new() -> Self {
        let (images, pixels) = (Scored::default(), Scored::default());
        Calibrator { images, pixels, stride: 1, seen: 0, max_pixels: MAX_PIXELS }
    }

    /// Takes one image's scores. The pixels of an anomalous image count where it has a `mask`, which is brought to the
    /// map's size by the nearest pixel.
    ///
    /// # Errors
    /// [`Error::MapSize`](crate::Error::MapSize) if the map has not as many values as it says, [`Error::Image`](crate::Error::Image) if it has none.
    pub fn push(&mut self, raw: &RawScores, label: Label, mask: Option<&Mask>) -> Result<()> {
        raw.check_size()?;
        self.images.push(raw.score, label.is_anomalous());
        let mask = match (label, mask) {
            (Label::Normal, _) => None,
            (Label::Anomalous, Some(mask)) => Some(mask.resize_nearest(raw.width, raw.height)?),
            (Label::Anomalous, None) => return Ok(()),
        };
        for (i, &score) in raw.map.iter().enumerate() {
            if self.seen.is_multiple_of(self.stride) {
                self.pixels.push(score, mask.as_ref().is_some_and(|m| m.data()[i]));
            }
            self.seen += 1;
        }
        while self.pixels.scores.len() > self.max_pixels {
            self.pixels.keep_every_second();
            self.stride *= 2;
        }
        Ok(())
    }

    /// The calibration by these rules.
    ///
    /// # Errors
    /// As [`Scale::from_scores`].
    pub fn finish(&self, rules: &ThresholdRules) -> Result<Calibration> {
        let scale =
            |what, scored: &Scored, rule| Scale::from_scores(what, &scored.scores, &scored.labels, rule);
        Ok(Calibration {
            image: scale("images", &self.images, rules.image)?,
            pixel: scale("pixels", &self.pixels, rules.pixel)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    fn raw(score: f32, map: &[f32]) -> RawScores {
        RawScores { score, height: 1, width: map.len(), map: map.to_vec() }
    }

    #[test]
    fn default_rules_are_quantiles_of_normals() -> Result<()> {
        let scores: Vec<f32> = (0..=1000).rev().map(|i| i as f32).collect();
        let calibration = Calibration::from_normals(&scores, &scores)?;
        assert_eq!(calibration.image, Scale { median: 500.0, threshold: 995.0 });
        assert_eq!(calibration.pixel, Scale { median: 500.0, threshold: 999.0 });
        let nan = Scale { median: f32::NAN, threshold: 1.0 };
        let broken = Calibration { pixel: nan, ..calibration };
        assert!(matches!(broken.validate(), Err(Error::Config { field: "calibration.pixel.median", .. })));
        Ok(())
    }

    #[test]
    fn anomalous_pixels_count_where_a_mask_says_so() -> Result<()> {
        let mut calibrator = Calibrator::new();
        calibrator.push(&raw(0.2, &[0.1, 0.2]), Label::Normal, None)?;
        let mask = Mask::new(4, 1, vec![false, false, true, true])?;
        calibrator.push(&raw(0.8, &[0.3, 0.9]), Label::Anomalous, Some(&mask))?;
        calibrator.push(&raw(0.9, &[7.0, 7.0]), Label::Anomalous, None)?;
        let calibration = calibrator.finish(&ThresholdRules::f1_max())?;
        assert_eq!(calibration.image, Scale { median: 0.2, threshold: 0.5 });
        assert_eq!(calibration.pixel, Scale { median: 0.2, threshold: 0.6 });
        let wrong = RawScores { height: 2, ..raw(0.0, &[0.0]) };
        assert!(matches!(calibrator.push(&wrong, Label::Normal, None), Err(Error::MapSize { .. })));
        Ok(())
    }

    #[test]
    fn memory_stays_bounded_and_the_sample_even() -> Result<()> {
        let mut calibrator = Calibrator { max_pixels: 64, ..Calibrator::new() };
        let values: Vec<f32> = (0..100).map(|i| i as f32).collect();
        for _ in 0..5 {
            calibrator.push(&raw(0.0, &values), Label::Normal, None)?;
        }
        let kept = &calibrator.pixels.scores;
        assert!(kept.len() <= 64 && kept.len() > 16, "{}", kept.len());
        let every: Vec<f32> = (0..500).step_by(calibrator.stride).map(|i| (i % 100) as f32).collect();
        assert_eq!(*kept, every);
        Ok(())
    }
}
