use madenet_image::ImageView;

use crate::prediction::Prediction;
use crate::{Error, Result};

/// Finds defects in images. Object safe, and one instance serves many threads.
pub trait AnomalyDetector: Send + Sync {
    /// The submodel's name: `"sfad"`.
    fn name(&self) -> &str;

    /// Raw scores and maps at the model's own resolution, one an image: what metrics are computed on.
    ///
    /// # Errors
    /// Where an image cannot be prepared, or a score is not finite.
    fn raw_scores(&self, images: &[ImageView<'_>]) -> Result<Vec<RawScores>>;

    /// Verdicts with calibrated scores and maps at the images' own sizes, one an image, of any size and pixel format.
    ///
    /// # Errors
    /// As [`raw_scores`](Self::raw_scores).
    fn predict(&self, images: &[ImageView<'_>]) -> Result<Vec<Prediction>>;

    /// The verdict on one image.
    ///
    /// # Errors
    /// As [`raw_scores`](Self::raw_scores).
    fn predict_one(&self, image: &ImageView<'_>) -> Result<Prediction> {
        self.predict(std::slice::from_ref(image))?
            .pop()
            .ok_or_else(|| Error::NoScores { what: "the image given" })
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
    /// Of every place, row by row, unbounded.
    pub map: Vec<f32>,
}
