//! The layout of MVTec AD (Bergmann et al., CVPR 2019), shared by most inspection data sets.
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

use crate::category::{self, EXPECTED, is_category};
use crate::found::{Found, Purpose};
use crate::listing::Place;
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
    /// leaves out; hence it does not pass over a picture or folder whose name is no UTF-8.
    ///
    /// # Errors
    /// [`Error::MissingFolder`], [`Error::NotAFolder`], [`Error::ReadFolder`], [`Error::NotUtf8`];
    /// [`Error::NoImages`] where the training part has no normal samples or the test part none at all.
    pub fn open(dir: impl AsRef<Path>, split: Split) -> Result<Records> {
        let place = Place::open(dir.as_ref(), EXPECTED)?;
        let mut found = Found::new(&place.path, Purpose::Open);
        category::read(&mut found, &place, "", &[split])?;
        Scan::new(Layout::Category, &place, vec![place.name.clone()], found, Vec::new()).records(split)
    }

    /// Everything in the folder `dir`: one category or, where it has neither `train` nor `test`, a folder for
    /// each of many. Then ids begin with the category: `bottle/train/good/000.png`.
    ///
    /// # Errors
    /// [`Error::MissingFolder`] without any category, [`Error::NotAFolder`], [`Error::ReadFolder`];
    /// [`Error::NotUtf8`] for the name of `dir` alone.
    pub fn scan(dir: impl AsRef<Path>) -> Result<Scan> {
        let place = Place::open(dir.as_ref(), EXPECTED)?;
        let mut found = Found::new(&place.path, Purpose::Scan);
        if is_category(&place) {
            category::read(&mut found, &place, "", &Split::BOTH)?;
            return Ok(Scan::new(Layout::Category, &place, vec![place.name.clone()], found, Vec::new()));
        }
        let top = found.list(&place, EXPECTED)?;
        found.ignore_all(top.pictures, Ignored::OutsideLayout);
        let (categories, others): (Vec<_>, Vec<_>) = top.folders.into_iter().partition(is_category);
        if categories.is_empty() {
            return Err(Error::MissingFolder { expected: EXPECTED, path: place.path.join("train") });
        }
        for folder in &categories {
            category::read(&mut found, folder, &format!("{}/", folder.name), &Split::BOTH)?;
        }
        others.iter().for_each(|folder| found.sweep(folder));
        let warnings = others.into_iter().map(|folder| ScanWarning::NotACategory { folder: folder.name });
        let names = categories.into_iter().map(|folder| folder.name).collect();
        Ok(Scan::new(Layout::Categories, &place, names, found, warnings.collect()))
    }

    /// Whether the category in `dir` has a test part. Sets of one's own often have none at first.
    #[must_use]
    pub fn has_test(dir: impl AsRef<Path>) -> bool {
        dir.as_ref().join(Split::Test.folder()).is_dir()
    }
}
