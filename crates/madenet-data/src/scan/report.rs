//! What a scan found: a dry run that a person reads before a long training.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::{Class, ClassCounts, Count, Entry, Ignored, Layout, ScanWarning, Split};

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

/// A file, or a folder that was passed over as a whole, and what it was taken for. Displayed on one line:
/// `test/crack/0.png: image, test, anomalous, crack`.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let dir = folder.path();
/// # for name in ["train/good/0.png", "test/crack/0.png", "ground_truth/crack/0_mask.png", "readme.txt"] {
/// #     std::fs::create_dir_all(dir.join(name).parent().unwrap())?;
/// #     std::fs::write(dir.join(name), [])?;
/// # }
/// let scan = madenet_data::scan(dir)?;
/// let lines: Vec<String> = scan.report().files().iter().map(ToString::to_string).collect();
/// assert_eq!(lines, [
///     "ground_truth/crack/0_mask.png: mask of test/crack/0.png",
///     "readme.txt: ignored, not an image",
///     "test/crack/0.png: image, test, anomalous, crack",
///     "train/good/0.png: image, train, normal",
/// ]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
        /// What it shows.
        class: Class,
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

/// The samples that share part and class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The part they belong to.
    pub split: Split,
    /// What they show.
    pub class: Class,
    /// How many there are, at least 1, and how many of them have a mask.
    pub count: Count,
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

/// The groups by category, part, label and type of defect.
fn group(entries: &[(Split, Entry)]) -> Vec<Group> {
    let of = |split: Split| entries.iter().filter(move |(of, _)| *of == split).map(|(_, entry)| entry);
    let mut groups = Vec::new();
    for split in Split::BOTH {
        let counts = ClassCounts::count(of(split));
        groups.extend(counts.iter().map(|(class, count)| Group { split, class: class.clone(), count }));
    }
    // The order of parts and classes stays within a category.
    groups.sort_by(|a, b| a.class.category.cmp(&b.class.category));
    groups
}
