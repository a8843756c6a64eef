//! The layout of MVTec AD (Bergmann et al., CVPR 2019), shared by most inspection data sets, and that of
//! ManuDefect-21.
//!
//! ```text
//! category/train/good/000.png
//! category/test/good/000.png
//! category/test/crack/000.png
//! category/ground_truth/crack/000_mask.png
//! ```
//!
//! Sets with anomalies for training, as in the style of ManuDefect-21, add `train/<defect>` and keep the
//! masks of the two parts apart: `ground_truth/train/<defect>` and `ground_truth/test/<defect>`.

use std::path::Path;

use super::category::{self, EXPECTED, parts_in};
use super::found::{Found, Purpose};
use super::listing::{Listing, Place};
use crate::scan::{CategoryFolder, Contents, Source};
use crate::{Error, Ignored, Layout, Records, Result, Scan, ScanWarning, Split};

/// Categories in the layout of MVTec AD or ManuDefect-21: folders with `train/good` and, where there is a
/// test part, `test/good`, `test/<defect>` and `ground_truth`.
///
/// The subfolder `good` holds the normal samples; every other one is a type of defect. Masks are optional,
/// image by image: `NAME_mask.png` belongs to `NAME` with any ending, or else `NAME.png`, as the reorganised
/// VisA has it; the endings of BMP and TIFF do, too. They lie in `ground_truth/<defect>` or, where there is
/// such a folder, in `ground_truth/{train,test}/<defect>`. A mask in common belongs to the test image of its
/// name and only without one to the training image.
pub enum MvtecAd {}

impl MvtecAd {
    /// One part of the category in the folder `dir`. Ids begin with the part: `train/good/000.png`.
    ///
    /// A short cut past [`scan`](Self::scan) that reads no more folders than it needs and tells nobody what it
    /// leaves out; hence it does not pass over a picture or folder whose name is no UTF-8, a picture that is
    /// a broken link, or a mask that is a JPEG file.
    ///
    /// # Errors
    /// [`Error::MissingFolder`], [`Error::NotAFolder`], [`Error::ReadFolder`], [`Error::NotUtf8`],
    /// [`Error::BrokenLink`], [`Error::MaskFormat`]; [`Error::NoImages`] where the training part has no normal
    /// samples or the test part none at all.
    pub fn open(dir: impl AsRef<Path>, split: Split) -> Result<Records> {
        let place = Place::open(dir.as_ref(), EXPECTED)?;
        let (name, top) = (place.name()?, place.list(EXPECTED)?);
        let mut found = Found::new(&place.path, Purpose::Open);
        let source = source([(name.as_str(), &place, &top)]);
        category::read(&mut found, top, &name, "", &[split])?;
        Contents::new(&place.path, source, vec![name], found.entries).records(split)
    }

    /// Everything in the folder `dir`: one category or, where it has neither `train` nor `test`, a folder for
    /// each of many. Then ids begin with the category: `bottle/train/good/000.png`.
    ///
    /// # Errors
    /// [`Error::MissingFolder`] without any category, [`Error::NotAFolder`], [`Error::ReadFolder`], for any
    /// folder in `dir`, too; [`Error::NotUtf8`] for the name of `dir` alone, where it is a category.
    pub fn scan(dir: impl AsRef<Path>) -> Result<Scan> {
        let place = Place::open(dir.as_ref(), EXPECTED)?;
        let mut found = Found::new(&place.path, Purpose::Scan);
        let top = place.list(EXPECTED)?;
        if parts_in(&top).is_empty() {
            return scan_many(found, &place, top);
        }
        let name = place.name()?;
        let source = source([(name.as_str(), &place, &top)]);
        category::read(&mut found, top, &name, "", &Split::BOTH)?;
        Ok(Scan::new(Layout::Category, source, vec![name], found, Vec::new()))
    }

    /// Whether the category in `dir` has a test part, a folder `test`. Sets of one's own often have none at
    /// first. A folder that cannot be listed has none.
    #[must_use]
    pub fn has_test(dir: impl AsRef<Path>) -> bool {
        let listing = Place::open(dir.as_ref(), EXPECTED).and_then(|place| place.list(EXPECTED));
        listing.is_ok_and(|listing| parts_in(&listing).contains(&Split::Test))
    }
}

fn scan_many(mut found: Found, place: &Place, top: Listing) -> Result<Scan> {
    let top = found.heed(top)?;
    found.ignore_all(top.pictures, Ignored::OutsideLayout);
    let (mut categories, mut others) = (Vec::new(), Vec::new());
    for folder in top.folders {
        let listing = folder.place.list(EXPECTED)?;
        if parts_in(&listing).is_empty() {
            others.push(folder);
        } else {
            categories.push((folder, listing));
        }
    }
    if categories.is_empty() {
        return Err(Error::MissingFolder { expected: EXPECTED, path: place.path.join("train") });
    }
    let source = source(categories.iter().map(|(folder, top)| (folder.name.as_str(), &folder.place, top)));
    let mut names = Vec::with_capacity(categories.len());
    for (folder, top) in categories {
        category::read(&mut found, top, &folder.name, &format!("{}/", folder.name), &Split::BOTH)?;
        names.push(folder.name);
    }
    others.iter().for_each(|folder| found.sweep(folder));
    let warnings = others.into_iter().map(|folder| ScanWarning::NotACategory { folder: folder.name });
    Ok(Scan::new(Layout::Categories, source, names, found, warnings.collect()))
}

/// Which parts have a folder, by the categories' names.
fn source<'a>(categories: impl IntoIterator<Item = (&'a str, &'a Place, &'a Listing)>) -> Source {
    let folder = |(name, place, top): (&str, &Place, &Listing)| {
        (name.to_owned(), CategoryFolder { path: place.path.clone(), parts: parts_in(top) })
    };
    Source::Folders(categories.into_iter().map(folder).collect())
}
