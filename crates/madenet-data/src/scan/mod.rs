//! The folder of a data set, looked through before anything is decoded.

mod contents;
mod ignored;
mod report;
mod summary;
mod warning;

pub(crate) use contents::{CategoryFolder, Contents, Source};
pub use ignored::Ignored;
pub use report::{Group, Role, ScanReport, ScannedFile};
pub use warning::ScanWarning;

use crate::layout::Found;
use crate::{Layout, Records, Result, Split};

/// What lies in the folder of a data set: the samples of both parts, and a report on every file.
#[derive(Clone, Debug)]
pub struct Scan {
    contents: Contents,
    report: ScanReport,
}

impl Scan {
    pub(crate) fn new(
        layout: Layout,
        source: Source,
        categories: Vec<String>,
        mut found: Found,
        warnings: Vec<ScanWarning>,
    ) -> Self {
        found.note_masks();
        let Found { root, entries, files, .. } = found;
        let report = ScanReport::new(layout, &categories, &entries, files, warnings);
        Scan { contents: Contents::new(&root, source, categories, entries), report }
    }

    /// The names of the categories, in the order of bytes.
    #[must_use]
    pub fn categories(&self) -> &[String] {
        &self.contents.categories
    }

    /// What became of every file. Its `Display` is the summary for people.
    #[must_use]
    pub fn report(&self) -> &ScanReport {
        &self.report
    }

    /// One part of all categories.
    ///
    /// # Errors
    /// For the training part, if a category has no normal samples in it; for the test part, if no category has
    /// any samples in it: [`Error::MissingFolder`], [`Error::NoImages`], for flat folders
    /// [`Error::NoTestPart`] or, for tables, [`Error::NoRows`]. For tables with a row that cannot be used,
    /// [`Error::Table`] for the first of them.
    ///
    /// [`Error::MissingFolder`]: crate::Error::MissingFolder
    /// [`Error::NoImages`]: crate::Error::NoImages
    /// [`Error::NoTestPart`]: crate::Error::NoTestPart
    /// [`Error::NoRows`]: crate::Error::NoRows
    /// [`Error::Table`]: crate::Error::Table
    pub fn records(&self, split: Split) -> Result<Records> {
        self.contents.records(split)
    }

    /// One part of the category called `category`.
    ///
    /// # Errors
    /// [`Error::NoSuchCategory`](crate::Error::NoSuchCategory) and those of [`records`](Self::records).
    pub fn records_of(&self, category: &str, split: Split) -> Result<Records> {
        self.contents.records_of(category, split)
    }
}
