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
            MaskPolicy::Resize => Ok(mask.resize_nearest(image_size.0, image_size.1)?),
            MaskPolicy::Strict => {
                let (image, mask) = (entry.image.clone(), path.to_owned());
                Err(Error::MaskSize { image_size, mask_size, image, mask })
            }
        }
    }
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
