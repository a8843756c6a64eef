//! What looks wrong in a data set that can be read.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use crate::plain::{Plain, slashed};
use crate::{Group, Label, Layout, Role, ScannedFile, Split, TableFault};

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
    /// A row of a table that cannot be used, for which [`Scan::records`](crate::Scan::records) gives none.
    TableRow {
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        fault: TableFault,
    },
    /// More such rows than are told one by one.
    MoreTableRows {
        /// How many more.
        count: usize,
    },
}

impl ScanWarning {
    pub(crate) fn of_groups(layout: Layout, categories: &[String], groups: &[Group]) -> Vec<ScanWarning> {
        let present: BTreeSet<(&str, Split, Label)> =
            groups.iter().map(|g| (g.class.category.as_str(), g.split, g.class.label)).collect();
        let mut warnings = Vec::new();
        for category in categories {
            let has = |split: Split, label: Label| present.contains(&(category.as_str(), split, label));
            let category = category.clone();
            if !has(Split::Train, Label::Normal) {
                warnings.push(ScanWarning::NoGoodTraining { category: category.clone() });
            }
            match (has(Split::Test, Label::Normal), has(Split::Test, Label::Anomalous)) {
                (true, true) => {}
                (true, false) => {
                    warnings.push(ScanWarning::OneSidedTest { category, lacking: Label::Anomalous });
                }
                (false, true) => {
                    warnings.push(ScanWarning::OneSidedTest { category, lacking: Label::Normal });
                }
                // A flat folder never has one.
                (false, false) if layout == Layout::Flat => {}
                (false, false) => warnings.push(ScanWarning::NoTest { category }),
            }
        }
        let lacks_masks = |g: &&Group| g.class.label.is_anomalous() && g.count.with_mask < g.count.samples;
        let without = groups.iter().filter(lacks_masks);
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
            ScanWarning::WithoutMask { group: Group { split, class, count } } => {
                write!(f, "{}, {split}", Plain(&class.category))?;
                if let Some(defect) = &class.defect_type {
                    write!(f, ", {}", Plain(defect))?;
                }
                let without = count.samples.saturating_sub(count.with_mask);
                write!(f, ": {without} of {} anomalous images have no mask", count.samples)
            }
            ScanWarning::SharedMask { mask, images } => {
                write!(f, "{}: one mask for {} images", Plain(&slashed(mask)), images.len())?;
                images.iter().try_for_each(|image| write!(f, ", {}", Plain(image)))
            }
            ScanWarning::TableRow { line, fault } => write!(f, "line {line} of the table: {fault}"),
            ScanWarning::MoreTableRows { count } => {
                write!(f, "{count} more rows of the table cannot be used")
            }
        }
    }
}
