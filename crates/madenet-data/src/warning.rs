//! What looks wrong in a data set that can be read.

use std::fmt;
use std::path::PathBuf;

use crate::summary::{Plain, slashed};
use crate::{Group, Label, Layout, Role, ScannedFile, Split};

/// What keeps a data set from being used to the full.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScanWarning {
    /// Beside categories, a folder with neither `train` nor `test`.
    NotACategory {
        /// Its name.
        folder: String,
    },
    /// A category cannot be trained on.
    NoGoodTraining {
        /// The category.
        category: String,
    },
    /// A category has no test images.
    NoTest {
        /// The category.
        category: String,
    },
    /// The test images of a category are all normal or all anomalous, so that nothing can be ranked.
    OneSidedTest {
        /// The category.
        category: String,
        /// What there is none of.
        lacking: Label,
    },
    /// Anomalous images without a mask, which count for images but not for pixels.
    WithoutMask {
        /// The samples, of which some have a mask or none has.
        group: Group,
    },
    /// Images that differ in their endings alone and so have the same mask.
    SharedMask {
        /// The mask below the folder of the data set.
        mask: PathBuf,
        /// The ids of the images.
        images: Vec<String>,
    },
}

impl ScanWarning {
    pub(crate) fn of_groups(layout: Layout, categories: &[String], groups: &[Group]) -> Vec<ScanWarning> {
        let mut warnings = Vec::new();
        for category in categories {
            let has = |split: Split, label: Label| {
                groups.iter().any(|g| g.category == *category && g.split == split && g.label == label)
            };
            let category = category.clone();
            if !has(Split::Train, Label::Normal) {
                warnings.push(ScanWarning::NoGoodTraining { category: category.clone() });
            }
            let lacks = |label: &Label| !has(Split::Test, *label);
            let lacking: Vec<Label> = [Label::Normal, Label::Anomalous].into_iter().filter(lacks).collect();
            match *lacking {
                [] => {}
                [lacking] => warnings.push(ScanWarning::OneSidedTest { category, lacking }),
                // A flat folder never has one.
                _ if layout == Layout::Flat => {}
                _ => warnings.push(ScanWarning::NoTest { category }),
            }
        }
        let without = groups.iter().filter(|group| group.label.is_anomalous() && group.masks < group.images);
        warnings.extend(without.map(|group| ScanWarning::WithoutMask { group: group.clone() }));
        warnings
    }

    pub(crate) fn of_masks(files: &[ScannedFile]) -> Vec<ScanWarning> {
        let shared = |file: &ScannedFile| match &file.role {
            Role::Mask { images } if images.len() > 1 => {
                Some(ScanWarning::SharedMask { mask: file.path.clone(), images: images.clone() })
            }
            _ => None,
        };
        files.iter().filter_map(shared).collect()
    }
}

impl fmt::Display for ScanWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ScanWarning::NotACategory { folder } => {
                write!(f, "{}: not a category, it has neither train nor test", Plain(folder))
            }
            ScanWarning::NoGoodTraining { category } => {
                write!(f, "{}: no good images to train on", Plain(category))
            }
            ScanWarning::NoTest { category } => write!(f, "{}: no test images", Plain(category)),
            ScanWarning::OneSidedTest { category, lacking } => {
                write!(f, "{}: no {lacking} test images, so that no ranking can be measured", Plain(category))
            }
            ScanWarning::WithoutMask { group: Group { category, split, defect_type, images, masks, .. } } => {
                let without = images.saturating_sub(*masks);
                write!(f, "{}, {}", Plain(category), split.folder())?;
                if let Some(defect) = defect_type {
                    write!(f, ", {}", Plain(defect))?;
                }
                write!(f, ": {without} of {images} anomalous images have no mask")
            }
            ScanWarning::SharedMask { mask, images } => {
                write!(f, "{}: one mask for {} images", Plain(&slashed(mask)), images.len())?;
                images.iter().try_for_each(|image| write!(f, ", {}", Plain(image)))
            }
        }
    }
}
