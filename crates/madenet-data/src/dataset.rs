//! What a data set is, wherever its samples come from.

use madenet_image::{Mask, Raster, Values};
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

impl Sample {
    /// The bytes of the photograph and the mask.
    pub(crate) fn bytes(&self) -> usize {
        let image = match self.image.values() {
            Values::U8(values) => size_of_val(values),
            Values::U16(values) => size_of_val(values),
            Values::F32(values) => size_of_val(values),
        };
        image + self.mask.as_ref().map_or(0, |mask| size_of_val(mask.data()))
    }
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

/// A borrowed data set, for instance as a part of a [`Chain`](crate::Chain).
impl<D: Dataset + ?Sized> Dataset for &D {
    fn len(&self) -> usize {
        (**self).len()
    }

    fn is_empty(&self) -> bool {
        (**self).is_empty()
    }

    fn get(&self, index: usize) -> Result<Sample> {
        (**self).get(index)
    }
}

/// A data set of a kind that is chosen while the program runs.
impl<D: Dataset + ?Sized> Dataset for Box<D> {
    fn len(&self) -> usize {
        (**self).len()
    }

    fn is_empty(&self) -> bool {
        (**self).is_empty()
    }

    fn get(&self, index: usize) -> Result<Sample> {
        (**self).get(index)
    }
}

#[cfg(test)]
mod tests {
    use madenet_image::{Channels, Image};

    use super::*;

    fn sample(image: Raster, mask: Option<Mask>) -> Sample {
        let (id, category, label) = (String::new(), String::new(), Label::Normal);
        Sample { id, category, image, label, defect_type: None, mask }
    }

    #[test]
    fn the_bytes_are_those_of_all_values() {
        let rgb = Image::new(5, 4, vec![0; 60]).unwrap().into();
        assert_eq!(sample(rgb, None).bytes(), 60);
        let deep = Raster::new(5, 4, Channels::Gray, vec![0u16; 20]).unwrap();
        let mask = Mask::new(5, 4, vec![false; 20]).unwrap();
        assert_eq!(sample(deep, Some(mask)).bytes(), 2 * 20 + 20);
    }
}
