use madenet_image::ImageView;

use crate::prediction::Prediction;
use crate::{Error, Result};

/// Finds defects in images. Object safe, and one instance serves many threads.
pub trait AnomalyDetector: Send + Sync {
    /// The submodel's name: `"sfad"`.
    fn name(&self) -> &str;

    /// Raw scores and maps at the model's own resolution, one an image: what metrics are computed on and calibrations
    /// made from. The recipe plays no part: whole images are scored.
    ///
    /// # Errors
    /// Where an image cannot be prepared, or a score is not finite.
    fn raw_scores(&self, images: &[ImageView<'_>]) -> Result<Vec<RawScores>>;

    /// Verdicts with calibrated scores and maps at the images' own sizes, one an image, of any size and pixel format, by
    /// the detector's [`Recipe`](crate::Recipe).
    ///
    /// # Errors
    /// As [`raw_scores`](Self::raw_scores).
    fn predict(&self, images: &[ImageView<'_>]) -> Result<Vec<Prediction>>;

    /// The verdict on one image.
    ///
    /// # Errors
    /// As [`raw_scores`](Self::raw_scores).
    fn predict_one(&self, image: &ImageView<'_>) -> Result<Prediction> {
        self.predict(std::slice::from_ref(image))?.pop().ok_or_else(|| Error::Detector {
            name: self.name().to_string(),
            expected: 1,
            got: 0,
        })
    }
}

/// What a network says of one image, before calibration. Higher is more anomalous.
#[derive(Clone, PartialEq, Debug)]
pub struct RawScores {
    /// Of the whole image, unbounded.
    pub score: f32,
    /// Rows of the map.
    pub height: usize,
    /// Columns of the map.
    pub width: usize,
    /// Of every place, row by row, unbounded. The map covers the image exactly, whatever the preprocessing added to it.
    pub map: Vec<f32>,
}

impl RawScores {
    /// Checks that the map has as many values as it says, and that all scores are finite; `what` has been scored.
    ///
    /// # Errors
    /// [`Error::MapSize`], [`Error::NonFiniteScore`].
    pub fn check(&self, what: &str) -> Result<()> {
        self.check_size()?;
        match std::iter::once(self.score).chain(self.map.iter().copied()).find(|s| !s.is_finite()) {
            Some(value) => Err(Error::NonFiniteScore { what: what.to_string(), value }),
            None => Ok(()),
        }
    }

    pub(crate) fn check_size(&self) -> Result<()> {
        if self.height.checked_mul(self.width) == Some(self.map.len()) && !self.map.is_empty() {
            return Ok(());
        }
        Err(Error::MapSize { height: self.height, width: self.width, got: self.map.len() })
    }
}
