//! The simplest data set: a folder of photographs of good products.

use std::path::Path;

use crate::found::{Found, Purpose};
use crate::listing::Place;
use crate::{Entry, Label, Layout, Records, Result, Scan, Split};

/// A flat folder of photographs of good products, all that one-class methods need to be fitted.
pub enum Folder {}

const EXPECTED: &str = "a folder of good images";

impl Folder {
    /// The pictures directly in `dir`, all [`Label::Normal`]; their ids are their names. Hidden files, other
    /// files and folders are passed over.
    ///
    /// # Errors
    /// [`Error::MissingFolder`](crate::Error::MissingFolder), [`Error::NotAFolder`](crate::Error::NotAFolder),
    /// [`Error::ReadFolder`](crate::Error::ReadFolder), [`Error::NoImages`](crate::Error::NoImages), or
    /// [`Error::NotUtf8`](crate::Error::NotUtf8), since nobody is told what is left out.
    pub fn open(dir: impl AsRef<Path>) -> Result<Records> {
        read(dir.as_ref(), Purpose::Open)?.records(Split::Train)
    }

    /// The same pictures, as the training part, and what became of every file in `dir` and below.
    ///
    /// # Errors
    /// Those of [`open`](Self::open), but for names that are no UTF-8, which the report mentions, and
    /// [`Error::NoImages`](crate::Error::NoImages), which [`Scan::records`] gives.
    pub fn scan(dir: impl AsRef<Path>) -> Result<Scan> {
        read(dir.as_ref(), Purpose::Scan)
    }
}

fn read(dir: &Path, purpose: Purpose) -> Result<Scan> {
    let place = Place::open(dir, EXPECTED)?;
    let mut found = Found::new(dir, purpose);
    let listing = found.list(&place, EXPECTED)?;
    listing.folders.iter().for_each(|folder| found.sweep(folder));
    for picture in listing.pictures {
        let entry = Entry {
            id: picture.name,
            category: place.name.clone(),
            label: Label::Normal,
            defect_type: None,
            image: picture.path,
            mask: None,
        };
        found.image(Split::Train, entry);
    }
    Ok(Scan::new(Layout::Flat, &place, vec![place.name.clone()], found, Vec::new()))
}
