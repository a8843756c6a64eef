//! What a scan found: a dry run that a person reads before a long training.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::{Entry, Ignored, Label, Layout, ScanWarning, Split};

/// What became of every file below a folder, how many samples there are, and what looks wrong.
///
/// `Display` writes a summary: a table of the samples, what was ignored with up to three examples of each
/// reason, and the warnings. Control characters in names are escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanReport {
    layout: Layout,
    files: Vec<ScannedFile>,
    groups: Vec<Group>,
    warnings: Vec<ScanWarning>,
}

/// A file, or a folder that was passed over as a whole, and what it was taken for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScannedFile {
    /// Its path below the folder of the data set.
    pub path: PathBuf,
    /// What it was taken for.
    pub role: Role,
}

/// What a file was taken for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Role {
    /// The photograph of a sample, whose id is the file's path with `/` between the parts.
    Image {
        /// The part it belongs to.
        split: Split,
        /// The kind of product.
        category: String,
        /// Whether it shows a defect.
        label: Label,
        /// The kind of defect, if known.
        defect_type: Option<String>,
    },
    /// The mask of the images with these ids: of one, unless two differ in their endings alone.
    Mask {
        /// The ids, in the order of bytes.
        images: Vec<String>,
    },
    /// The table that says which images there are.
    Table,
    /// Nothing.
    Ignored(Ignored),
}

/// The samples that share category, part, label and type of defect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The kind of product.
    pub category: String,
    /// The part they belong to.
    pub split: Split,
    /// Whether they show a defect.
    pub label: Label,
    /// The kind of defect, if known.
    pub defect_type: Option<String>,
    /// How many images there are; at least 1.
    pub images: usize,
    /// How many of them have a mask.
    pub masks: usize,
}

impl ScanReport {
    pub(crate) fn new(
        layout: Layout,
        categories: &[String],
        entries: &[(Split, Entry)],
        mut files: Vec<ScannedFile>,
        mut warnings: Vec<ScanWarning>,
    ) -> Self {
        files.sort();
        let groups = group(entries);
        warnings.extend(ScanWarning::of_groups(layout, categories, &groups));
        warnings.extend(ScanWarning::of_masks(&files));
        ScanReport { layout, files, groups, warnings }
    }

    /// How the folder is laid out.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Every file, by path.
    #[must_use]
    pub fn files(&self) -> &[ScannedFile] {
        &self.files
    }

    /// The rows of the table, by category, part, label and type of defect.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// What keeps the data from being used to the full.
    #[must_use]
    pub fn warnings(&self) -> &[ScanWarning] {
        &self.warnings
    }

    /// The files that became nothing, by reason and path.
    #[must_use]
    pub fn ignored(&self) -> BTreeMap<Ignored, Vec<&ScannedFile>> {
        let mut by_reason: BTreeMap<Ignored, Vec<&ScannedFile>> = BTreeMap::new();
        for file in &self.files {
            if let Role::Ignored(reason) = file.role {
                by_reason.entry(reason).or_default().push(file);
            }
        }
        by_reason
    }
}

type Key<'a> = (&'a str, Split, Label, Option<&'a str>);

fn group(entries: &[(Split, Entry)]) -> Vec<Group> {
    let mut counts: BTreeMap<Key<'_>, (usize, usize)> = BTreeMap::new();
    for (split, entry) in entries {
        let key = (entry.category.as_str(), *split, entry.label, entry.defect_type.as_deref());
        let (images, masks) = counts.entry(key).or_default();
        *images += 1;
        *masks += usize::from(entry.mask.is_some());
    }
    let group = |((category, split, label, defect_type), (images, masks))| Group {
        category: String::from(category),
        split,
        label,
        defect_type: Option::map(defect_type, str::to_owned),
        images,
        masks,
    };
    counts.into_iter().map(group).collect()
}
