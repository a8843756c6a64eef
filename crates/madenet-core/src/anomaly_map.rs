use madenet_image::{Colormap, Image, ImageView, Mask};

use crate::Result;

/// How anomalous every pixel of an image is: calibrated values in `[0, 1]`, 0.5 at the pixel threshold.
///
/// The scale is the model's, not the image's, so that maps of different images compare, and a good image's map stays dark.
#[derive(Clone, PartialEq, Debug)]
pub struct AnomalyMap {
    height: usize,
    width: usize,
    values: Vec<f32>,
}

impl AnomalyMap {
    /// `values` are `height * width` and in `[0, 1]`; the calibration sees to both.
    pub(crate) fn new(height: usize, width: usize, values: Vec<f32>) -> Self {
        AnomalyMap { height, width, values }
    }

    /// Rows.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// Columns.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// The values, row by row.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The largest value.
    #[must_use]
    pub fn max(&self) -> f32 {
        self.values.iter().copied().fold(0.0, f32::max)
    }

    /// The predicted mask: pixels above `threshold`, which is 0.5 for the model's own pixel threshold.
    ///
    /// # Errors
    /// Only if the map has no pixels.
    pub fn mask(&self, threshold: f32) -> Result<Mask> {
        let above = self.values.iter().map(|&v| v > threshold).collect();
        Ok(Mask::new(self.width, self.height, above)?)
    }

    /// The map in colours, 0 at one end of `colormap` and 1 at the other.
    ///
    /// # Errors
    /// Only if the map has no pixels.
    pub fn heatmap(&self, colormap: Colormap) -> Result<Image> {
        let pixels = self.values.iter().flat_map(|&v| colormap.rgb(v)).collect();
        Ok(Image::new(self.width, self.height, pixels)?)
    }

    /// The [`heatmap`](Self::heatmap) over its image, with weight `alpha` in `[0, 1]`.
    ///
    /// # Errors
    /// If `image` has another size than the map.
    pub fn overlay(&self, image: &ImageView<'_>, colormap: Colormap, alpha: f32) -> Result<Image> {
        Ok(madenet_image::overlay(image, &self.heatmap(colormap)?, alpha)?)
    }
}
