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
//! masks of the two parts apart: `ground_truth/train/<defect>` and `ground_truth/test/<defect>`. Which of the
//! two layouts of masks a category has is told by the presence of such a folder.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::listing::{self, Named};
use crate::{Entry, Error, Label, Records, Result};

/// The part of a data set that its authors meant for fitting or for testing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Split {
    /// `train`.
    Train,
    /// `test`.
    Test,
}

impl Split {
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Test => "test",
        }
    }
}

/// Categories in the layout of MVTec AD or ManuDefect-21: folders with `train/good` and, where there is a
/// test part, `test/good`, `test/<defect>` and `ground_truth`.
pub enum MvtecAd {}

const GOOD: &str = "good";
const MASKS: &str = "ground_truth";
const EXPECTED: &str =
    "one category in the layout of MVTec AD with train/good, test/<defect> and ground_truth";

impl MvtecAd {
    /// One part of the category in the folder `dir`. Ids begin with the part: `train/good/000.png`.
    ///
    /// The subfolder `good` holds the normal samples; every other one is a type of defect. Masks are
    /// optional, image by image: `NAME_mask.png` belongs to `NAME` with any ending. Hidden files and files
    /// that are no pictures are passed over.
    ///
    /// # Errors
    /// [`Error::MissingFolder`], [`Error::ReadFolder`], [`Error::NotUtf8`]; [`Error::NoImages`] where the
    /// training part has no normal samples or the test part none at all.
    pub fn open(dir: impl AsRef<Path>, split: Split) -> Result<Records> {
        let dir = dir.as_ref();
        let category = listing::category(dir)?;
        let part = dir.join(split.folder());
        let mut entries = Vec::new();
        for class in listing::folders(&part, EXPECTED)? {
            let masks = if class.name == GOOD { None } else { Some(Masks::of(dir, split, &class.name)?) };
            for picture in listing::pictures(&class.path, EXPECTED)? {
                entries.push(entry(&category, split, &class.name, picture, masks.as_ref()));
            }
        }
        let required = match split {
            Split::Train => part.join(GOOD),
            Split::Test => part,
        };
        if !entries.iter().any(|entry| entry.image.starts_with(&required)) {
            return Err(Error::NoImages { path: required });
        }
        Ok(Records::new(entries))
    }

    /// Whether the category in `dir` has a test part. Sets of one's own often have none at first.
    #[must_use]
    pub fn has_test(dir: impl AsRef<Path>) -> bool {
        dir.as_ref().join(Split::Test.folder()).is_dir()
    }
}

fn entry(category: &str, split: Split, class: &str, picture: Named, masks: Option<&Masks>) -> Entry {
    Entry {
        category: category.to_owned(),
        id: format!("{}/{class}/{}", split.folder(), picture.name),
        label: if masks.is_some() { Label::Anomalous } else { Label::Normal },
        defect_type: masks.map(|_| class.to_owned()),
        mask: masks.and_then(|masks| masks.find(&picture.path)),
        image: picture.path,
    }
}

/// Where the masks of one type of defect lie.
struct Masks {
    folder: PathBuf,
    /// Names without ending whose masks belong to the other part.
    taken: BTreeSet<PathBuf>,
}

impl Masks {
    fn of(dir: &Path, split: Split, defect: &str) -> Result<Self> {
        let masks = dir.join(MASKS);
        if [Split::Train, Split::Test].iter().any(|split| masks.join(split.folder()).is_dir()) {
            return Ok(Masks { folder: masks.join(split.folder()).join(defect), taken: BTreeSet::new() });
        }
        // Masks in common were drawn for the test part: of two images of the same name, they show that one's
        // defect.
        let test = dir.join(Split::Test.folder()).join(defect);
        let taken = match split {
            Split::Train if test.is_dir() => {
                listing::pictures(&test, EXPECTED)?.iter().filter_map(|picture| stem(&picture.path)).collect()
            }
            _ => BTreeSet::new(),
        };
        Ok(Masks { folder: masks.join(defect), taken })
    }

    fn find(&self, image: &Path) -> Option<PathBuf> {
        let stem = stem(image).filter(|stem| !self.taken.contains(stem))?;
        let mut name = stem.into_os_string();
        name.push("_mask.png");
        Some(self.folder.join(name)).filter(|mask| mask.is_file())
    }
}

fn stem(image: &Path) -> Option<PathBuf> {
    image.file_stem().map(PathBuf::from)
}
