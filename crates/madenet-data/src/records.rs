//! Data sets in files: listed at once, decoded one by one.

use std::path::{Path, PathBuf};

use madenet_image::{DecodeLimits, Mask, decode_mask_with, decode_with};

use crate::{Dataset, Error, Label, Result, Sample, hold_out};

/// What is known about a sample without decoding it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// See [`Sample::id`].
    pub id: String,
    /// See [`Sample::category`].
    pub category: String,
    /// Whether it shows a defect.
    pub label: Label,
    /// The kind of defect; none for normal samples and where it is not known.
    pub defect_type: Option<String>,
    /// The file of the photograph.
    pub image: PathBuf,
    /// The file of the mask, if there is one.
    pub mask: Option<PathBuf>,
}

/// What to do with a mask that is not as large as its image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MaskPolicy {
    /// An error, [`Error::MaskSize`]: another size often means another picture.
    #[default]
    Strict,
    /// The mask takes the image's size by the nearest pixel ([`Mask::resize_nearest`]), for data sets whose
    /// masks were drawn at another resolution. [`Records::mask_mismatches`] lists what is resized.
    ///
    /// Other proportions are still [`Error::MaskSize`], as of a mask for the picture turned by 90 degrees: one
    /// scale must lead from the larger of the two to the smaller, whose sides may be rounded up or down.
    Resize,
}

/// A data set in files, in the order of the ids.
///
/// The order is by bytes of the id, hence the same on every file system; `10.png` comes before `9.png`.
#[derive(Clone, Debug)]
pub struct Records {
    entries: Vec<Entry>,
    limits: DecodeLimits,
    masks: MaskPolicy,
}

impl Records {
    /// A data set of the given files, for layouts that this crate does not know. Ids should be unique.
    #[must_use]
    pub fn new(mut entries: Vec<Entry>) -> Self {
        entries.sort_by(|a, b| a.id.cmp(&b.id));
        Records { entries, limits: DecodeLimits::default(), masks: MaskPolicy::default() }
    }

    /// The same files, decoded within other limits than the default ones.
    #[must_use]
    pub fn with_limits(self, limits: DecodeLimits) -> Self {
        Records { limits, ..self }
    }

    /// The same files, with another way to treat masks that are not as large as their images.
    #[must_use]
    pub fn with_mask_policy(self, masks: MaskPolicy) -> Self {
        Records { masks, ..self }
    }

    /// The same data set of other entries, which must be in order.
    pub(crate) fn with_entries(&self, entries: Vec<Entry>) -> Self {
        Records { entries, ..*self }
    }

    /// What is known about each sample, in the order of their indices.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The samples for which `keep` holds.
    #[must_use]
    pub fn filter(&self, keep: impl Fn(&Entry) -> bool) -> Records {
        self.with_entries(self.entries.iter().filter(|entry| keep(entry)).cloned().collect())
    }

    /// The samples without a defect.
    #[must_use]
    pub fn normal(&self) -> Records {
        self.filter(|entry| !entry.label.is_anomalous())
    }

    /// The samples with a defect.
    #[must_use]
    pub fn anomalous(&self) -> Records {
        self.filter(|entry| entry.label.is_anomalous())
    }

    /// Two parts: the rest, and what [`hold_out`] sets aside.
    ///
    /// # Errors
    /// [`Error::Share`].
    pub fn hold_out(&self, share: f64, seed: u64) -> Result<(Records, Records)> {
        let held_out = hold_out(&self.entries, share, seed)?;
        let part = |wanted: bool| {
            let entries = self.entries.iter().zip(&held_out).filter(|&(_, &held_out)| held_out == wanted);
            self.with_entries(entries.map(|(entry, _)| entry.clone()).collect())
        };
        Ok((part(false), part(true)))
    }

    /// The mask at `path`, as large as the image of `entry`.
    fn mask(&self, entry: &Entry, path: &Path, image_size: (usize, usize)) -> Result<Mask> {
        let mask = decode_mask_with(path, &self.limits)?;
        let mask_size = (mask.width(), mask.height());
        match self.masks {
            _ if mask_size == image_size => Ok(mask),
            MaskPolicy::Resize if are_alike(image_size, mask_size) => {
                Ok(mask.resize_nearest(image_size.0, image_size.1)?)
            }
            MaskPolicy::Resize | MaskPolicy::Strict => {
                let (image, mask) = (entry.image.clone(), path.to_owned());
                Err(Error::MaskSize { image_size, mask_size, image, mask })
            }
        }
    }
}

/// Whether two sizes have equal proportions, up to the rounding of the smaller one's sides.
///
/// Let `(w, h) = (s * W + a, s * H + b)` for a scale `s`, where `a` and `b` come from rounding up (0 to 1), down
/// (-1 to 0) or to the nearest (-1/2 to 1/2). Then `W * h - w * H = W * b - H * a`, which in all three cases lies
/// within the longer of `W` and `H`.
fn are_alike((width, height): (usize, usize), (other_width, other_height): (usize, usize)) -> bool {
    let product = |a: usize, b: usize| a as u128 * b as u128;
    let difference = product(width, other_height).abs_diff(product(other_width, height));
    difference <= width.max(height).max(other_width).max(other_height) as u128
}

impl Dataset for Records {
    fn len(&self) -> usize {
        self.entries.len()
    }

    fn get(&self, index: usize) -> Result<Sample> {
        let no_such_sample = || Error::NoSuchSample { index, len: self.entries.len() };
        let entry = self.entries.get(index).ok_or_else(no_such_sample)?;
        let image = decode_with(&entry.image, &self.limits)?;
        let size = (image.width(), image.height());
        let mask = entry.mask.as_ref().map(|path| self.mask(entry, path, size)).transpose()?;
        let (id, category, defect_type) =
            (entry.id.clone(), entry.category.clone(), entry.defect_type.clone());
        Ok(Sample { id, category, image, label: entry.label, defect_type, mask })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_one_scale_are_alike_however_they_are_rounded() {
        let (width, height) = (1000, 667);
        for scale in [0.001, 0.1, 0.3, 0.512, 0.9, 2.0, 3.3] {
            for round in [f64::floor, f64::round, f64::ceil] {
                let side = |side: usize| (round(scale * side as f64) as usize).max(1);
                let other = (side(width), side(height));
                assert!(are_alike((width, height), other), "{other:?}");
                assert!(are_alike(other, (width, height)), "{other:?}");
            }
        }
    }

    #[test]
    fn turned_and_stretched_sizes_are_not_alike() {
        for (size, other) in [
            ((4, 3), (3, 4)),
            ((1000, 999), (999, 1000)),
            ((1000, 750), (750, 1000)),
            ((1000, 750), (500, 500)),
            ((1000, 750), (1000, 748)),
            ((usize::MAX, 1), (1, usize::MAX)),
        ] {
            assert!(!are_alike(size, other), "{size:?} {other:?}");
        }
        assert!(are_alike((usize::MAX, usize::MAX), (1, 1)));
    }
}
