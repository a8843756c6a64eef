//! Training images at the model's size, decoded once where memory allows.

use std::sync::Arc;

use madenet_core::{Canvas, Label, Preprocessing};
use madenet_data::{Dataset, Kept};
use madenet_image::{Image, Mask};
use madenet_nets::Shape;
use madenet_synth::Foreground;

use super::FitError;

/// An image at the model's size.
pub(super) struct Prepared {
    pub(super) image: Image,
    /// A normal image's foreground, or the mask of a real defect.
    pub(super) mask: Option<Mask>,
}

/// What the masks of a bank's images are.
pub(super) enum Kind<'a> {
    /// Where anomalies may be put on normal images.
    Normal(&'a Foreground),
    /// Where the defects of anomalous images are.
    Anomalous,
}

/// Some images of a data set. One serves many threads.
pub(super) struct Images<'a> {
    data: &'a dyn Dataset,
    /// Which of the data set.
    indices: Vec<usize>,
    kind: Kind<'a>,
    preprocessing: Preprocessing,
    kept: Kept<Prepared>,
}

impl<'a> Images<'a> {
    pub(super) fn new(
        data: &'a dyn Dataset,
        indices: Vec<usize>,
        kind: Kind<'a>,
        preprocessing: Preprocessing,
        bytes: usize,
    ) -> Self {
        let kept = Kept::new(indices.len(), bytes);
        Images { data, indices, kind, preprocessing, kept }
    }

    pub(super) fn len(&self) -> usize {
        self.indices.len()
    }

    pub(super) fn get(&self, i: usize) -> Result<Arc<Prepared>, FitError> {
        self.kept.get(i, || {
            let prepared = self.prepare(self.indices[i])?;
            // An image and a mask.
            let bytes = prepared.image.pixels().len() / 3 * 4;
            Ok((prepared, bytes))
        })
    }

    fn prepare(&self, index: usize) -> Result<Prepared, FitError> {
        let sample = self.data.get(index)?;
        let (raster, content) = self.preprocessing.resized(&sample.image.as_view())?;
        let image = raster.to_rgb();
        let Preprocessing { height, width, .. } = self.preprocessing;
        let canvas = Canvas { grid: Shape::new(1, height, width), size: (height, width), content };
        let mask = match self.kind {
            Kind::Normal(_) if sample.label == Label::Anomalous => {
                return Err(FitError::Anomalous { id: sample.id });
            }
            Kind::Normal(foreground) => {
                let mask = foreground.mask(&image, &sample.id)?;
                // No anomalies on the bars of a letterbox.
                match canvas.inspected(None)? {
                    Some(inside) => Some(match mask {
                        Some(mask) => mask.and(inside.pixels())?,
                        None => inside.pixels().clone(),
                    }),
                    None => mask,
                }
            }
            Kind::Anomalous => {
                let Some(mask) = &sample.mask else { return Err(FitError::NoMask { id: sample.id }) };
                canvas.inspected(Some(mask))?.map(|inspected| inspected.pixels().clone())
            }
        };
        Ok(Prepared { image, mask })
    }
}
