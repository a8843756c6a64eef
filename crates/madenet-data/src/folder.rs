//! The simplest data set: a folder of photographs of good products.

use std::path::Path;

use crate::{Entry, Error, Label, Records, Result, listing};

/// A flat folder of photographs of good products, all that one-class methods need to be fitted.
pub enum Folder {}

impl Folder {
    /// The pictures directly in `dir`, all [`Label::Normal`]; their ids are their names. Hidden files, other
    /// files and folders are passed over.
    ///
    /// # Errors
    /// [`Error::MissingFolder`], [`Error::ReadFolder`], [`Error::NoImages`] or [`Error::NotUtf8`].
    pub fn open(dir: impl AsRef<Path>) -> Result<Records> {
        let dir = dir.as_ref();
        let pictures = listing::pictures(dir, "a folder of good images")?;
        if pictures.is_empty() {
            return Err(Error::NoImages { path: dir.to_owned() });
        }
        let category = listing::category(dir)?;
        let entry = |picture: listing::Named| Entry {
            id: picture.name,
            category: category.clone(),
            label: Label::Normal,
            defect_type: None,
            image: picture.path,
            mask: None,
        };
        Ok(Records::new(pictures.into_iter().map(entry).collect()))
    }
}
