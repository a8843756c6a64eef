//! Data sets in files: listed at once, decoded one by one.

use std::path::PathBuf;

use madenet_image::{DecodeLimits, decode_mask_with, decode_with};

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

/// A data set in files, in the order of the ids.
///
/// The order is by bytes of the id, hence the same on every file system; `10.png` comes before `9.png`.
#[derive(Clone, Debug)]
pub struct Records {
    entries: Vec<Entry>,
    limits: DecodeLimits,
}

impl Records {
    /// A data set of the given files, for layouts that this crate does not know. Ids should be unique.
    #[must_use]
    pub fn new(mut entries: Vec<Entry>) -> Self {
        entries.sort_by(|a, b| a.id.cmp(&b.id));
        Records { entries, limits: DecodeLimits::default() }
    }

    /// The same files, decoded within other limits than the default ones.
    #[must_use]
    pub fn with_limits(self, limits: DecodeLimits) -> Self {
        Records { limits, ..self }
    }

    /// What is known about each sample, in the order of their indices.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The samples for which `keep` holds.
    #[must_use]
    pub fn filter(&self, keep: impl Fn(&Entry) -> bool) -> Records {
        let entries = self.entries.iter().filter(|entry| keep(entry)).cloned().collect();
        Records { entries, limits: self.limits }
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
            Records { entries: entries.map(|(entry, _)| entry.clone()).collect(), limits: self.limits }
        };
        Ok((part(false), part(true)))
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
        let mask = entry.mask.as_ref().map(|path| decode_mask_with(path, &self.limits)).transpose()?;
        if let (Some(mask), Some(path)) = (&mask, &entry.mask) {
            let (image_size, mask_size) = ((image.width(), image.height()), (mask.width(), mask.height()));
            if image_size != mask_size {
                let (image, mask) = (entry.image.clone(), path.clone());
                return Err(Error::MaskSize { image_size, mask_size, image, mask });
            }
        }
        let (id, category, defect_type) =
            (entry.id.clone(), entry.category.clone(), entry.defect_type.clone());
        Ok(Sample { id, category, image, label: entry.label, defect_type, mask })
    }
}
