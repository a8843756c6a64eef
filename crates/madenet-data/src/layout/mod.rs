//! The layouts of folders, and telling them apart.

mod category;
mod fault;
mod folder;
mod found;
mod listing;
mod masks;
mod mvtec;
mod table;
mod visa;

use std::fmt;
use std::path::Path;

use category::parts_in;
use listing::Place;

use crate::{Error, Result, Scan};

pub(crate) use category::{EXPECTED as EXPECTED_CATEGORY, GOOD};
pub use fault::TableFault;
pub use folder::Folder;
pub(crate) use found::Found;
pub use listing::IMAGE_EXTENSIONS;
pub use mvtec::MvtecAd;
pub use visa::VisA;

/// How the folder of a data set is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Layout {
    /// A flat folder of good images: [`Folder`].
    Flat,
    /// One category as in MVTec AD or ManuDefect-21: [`MvtecAd`].
    Category,
    /// A folder with many such categories: [`MvtecAd`].
    Categories,
    /// A folder with the table of images of VisA: [`VisA`].
    VisA,
}

impl Layout {
    /// The layout of the folder `dir`, by the first of these that holds: it has a table of images; it has a
    /// folder `train` or `test`; one of its folders has; there are images in it.
    ///
    /// # Errors
    /// [`Error::UnknownLayout`] if none of them does, [`Error::MissingFolder`], [`Error::NotAFolder`];
    /// [`Error::ReadFolder`] for any folder in it, too.
    pub fn detect(dir: impl AsRef<Path>) -> Result<Layout> {
        const EXPECTED: &str = "a data set";
        let place = Place::open(dir.as_ref(), EXPECTED)?;
        if visa::table_in(&place.path).is_some() {
            return Ok(Layout::VisA);
        }
        let listing = place.list(EXPECTED)?;
        if !parts_in(&listing).is_empty() {
            return Ok(Layout::Category);
        }
        for folder in &listing.folders {
            if !parts_in(&folder.place.list(EXPECTED)?).is_empty() {
                return Ok(Layout::Categories);
            }
        }
        if listing.pictures.is_empty() {
            return Err(Error::UnknownLayout { path: place.path });
        }
        Ok(Layout::Flat)
    }
}

/// What a report begins with: `a flat folder of good images`.
impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Layout::Flat => "a flat folder of good images",
            Layout::Category => "one category in the layout of MVTec AD",
            Layout::Categories => "categories in the layout of MVTec AD",
            Layout::VisA => "the table and the images of VisA",
        })
    }
}

/// Looks through the folder `dir`, whichever known layout it has, and decodes nothing.
///
/// # Errors
/// Those of [`Layout::detect`], and then those of [`Folder::scan`], [`MvtecAd::scan`] or [`VisA::scan`].
pub fn scan(dir: impl AsRef<Path>) -> Result<Scan> {
    let dir = dir.as_ref();
    match Layout::detect(dir)? {
        Layout::Flat => Folder::scan(dir),
        Layout::Category | Layout::Categories => MvtecAd::scan(dir),
        Layout::VisA => VisA::scan(dir),
    }
}
