//! The simplest data set: a folder of photographs of good products.

use std::path::Path;

use super::found::{Found, Purpose};
use super::listing::Place;
use crate::scan::{Contents, Source};
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
    /// [`Error::ReadFolder`](crate::Error::ReadFolder), [`Error::NoImages`](crate::Error::NoImages);
    /// [`Error::NotUtf8`](crate::Error::NotUtf8) and [`Error::BrokenLink`](crate::Error::BrokenLink), since
    /// nobody is told what is left out.
    pub fn open(dir: impl AsRef<Path>) -> Result<Records> {
        let (name, found) = read(dir.as_ref(), Purpose::Open)?;
        Contents::new(dir.as_ref(), Source::Flat, vec![name], found.entries).records(Split::Train)
    }

    /// The same pictures, as the training part, and what became of every file in `dir` and below.
    ///
    /// # Errors
    /// Those of [`open`](Self::open), but for pictures whose names are no UTF-8 and broken links, which the
    /// report mentions, and [`Error::NoImages`](crate::Error::NoImages), which [`Scan::records`] gives.
    pub fn scan(dir: impl AsRef<Path>) -> Result<Scan> {
        let (name, found) = read(dir.as_ref(), Purpose::Scan)?;
        Ok(Scan::new(Layout::Flat, Source::Flat, vec![name], found, Vec::new()))
    }
}

/// The category's name, and the pictures.
fn read(dir: &Path, purpose: Purpose) -> Result<(String, Found)> {
    let place = Place::open(dir, EXPECTED)?;
    let category = place.name()?;
    let mut found = Found::new(dir, purpose);
    let listing = found.list(&place, EXPECTED)?;
    listing.folders.iter().for_each(|folder| found.sweep(folder));
    for picture in listing.pictures {
        let entry = Entry {
            id: picture.name,
            category: category.clone(),
            label: Label::Normal,
            defect_type: None,
            image: picture.path,
            mask: None,
        };
        found.image(Split::Train, entry);
    }
    Ok((category, found))
}
