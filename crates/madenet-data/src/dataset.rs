//! What a data set is, wherever its samples come from.

use madenet_image::{Mask, Raster};
use madenet_metrics::Label;

use crate::Result;

/// One photograph and what is known about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Unique within the data set and the same on every machine: for files, the path below the data set's
    /// folder with `/` between the parts.
    pub id: String,
    /// The kind of product, such as `transistor`: what a model is fitted to.
    pub category: String,
    /// The photograph, grey or RGB, at the depth in which it was taken;
    /// [`to_rgb`](Raster::to_rgb) makes what one draws on.
    pub image: Raster,
    /// Whether it shows a defect.
    pub label: Label,
    /// The kind of defect; none for normal samples and where it is not known.
    pub defect_type: Option<String>,
    /// Which pixels are anomalous, as large as the image; none for normal samples and where nobody has drawn
    /// one.
    pub mask: Option<Mask>,
}

/// A finite, indexed collection of samples. Object safe; one instance serves many threads.
pub trait Dataset: Send + Sync {
    /// The number of samples.
    fn len(&self) -> usize;

    /// Whether there are no samples.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sample `index`, from 0 to `len() - 1`; the same one every time.
    ///
    /// # Errors
    /// [`Error::NoSuchSample`](crate::Error::NoSuchSample) beyond the end, and whatever keeps the sample from
    /// being read.
    fn get(&self, index: usize) -> Result<Sample>;
}
