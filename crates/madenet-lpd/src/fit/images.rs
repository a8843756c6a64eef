//! Training images at the model's size, decoded once where memory allows.

use std::sync::Arc;

use madenet_core::{Label, Preprocessing};
use madenet_data::{Dataset, Kept};
use madenet_image::Image;

use super::FitError;

/// Some images of a data set, all of one label. One serves many threads.
pub(super) struct Images<'a> {
    data: &'a dyn Dataset,
    /// Which of the data set.
    indices: Vec<usize>,
    label: Label,
    preprocessing: Preprocessing,
    kept: Kept<Image>,
}

impl<'a> Images<'a> {
    pub(super) fn new(
        data: &'a dyn Dataset,
        indices: Vec<usize>,
        label: Label,
        preprocessing: Preprocessing,
        bytes: usize,
    ) -> Self {
        let kept = Kept::new(indices.len(), bytes);
        Images { data, indices, label, preprocessing, kept }
    }

    pub(super) fn len(&self) -> usize {
        self.indices.len()
    }

    pub(super) fn get(&self, i: usize) -> Result<Arc<Image>, FitError> {
        self.kept.get(i, || {
            let sample = self.data.get(self.indices[i])?;
            if sample.label != self.label {
                return Err(FitError::Anomalous { id: sample.id });
            }
            let (raster, _) = self.preprocessing.resized(&sample.image.as_view())?;
            let image = raster.to_rgb();
            let bytes = image.pixels().len();
            Ok((image, bytes))
        })
    }
}
