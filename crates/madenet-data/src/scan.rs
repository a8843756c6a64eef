//! The folder of a data set, looked through before anything is decoded.

use std::path::PathBuf;

use crate::category::{self, GOOD};
use crate::found::Found;
use crate::listing::Place;
use crate::{Entry, Error, Layout, Records, Result, ScanReport, ScanWarning, Split, visa};

/// What lies in the folder of a data set: the samples of both parts, and a report on every file.
#[derive(Clone, Debug)]
pub struct Scan {
    dir: PathBuf,
    categories: Vec<String>,
    entries: Vec<(Split, Entry)>,
    report: ScanReport,
}

impl Scan {
    pub(crate) fn new(
        layout: Layout,
        place: &Place,
        categories: Vec<String>,
        mut found: Found,
        warnings: Vec<ScanWarning>,
    ) -> Self {
        found.note_masks();
        let report = ScanReport::new(layout, &categories, &found.entries, found.files, warnings);
        Scan { dir: place.path.clone(), categories, entries: found.entries, report }
    }

    /// The names of the categories, in the order of bytes.
    #[must_use]
    pub fn categories(&self) -> &[String] {
        &self.categories
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
    /// any samples in it: [`Error::MissingFolder`], [`Error::NoImages`] or, for tables, [`Error::NoRows`].
    pub fn records(&self, split: Split) -> Result<Records> {
        let mut lacking = self.categories.iter().filter(|name| !self.has(name, split));
        let has_any = || self.categories.iter().any(|name| self.has(name, split));
        match lacking.next() {
            Some(name) if split == Split::Train || !has_any() => Err(self.absent(name, split)),
            _ => Ok(self.select(|of, _| of == split)),
        }
    }

    /// One part of the category called `category`.
    ///
    /// # Errors
    /// [`Error::NoSuchCategory`] and those of [`records`](Self::records).
    pub fn records_of(&self, category: &str, split: Split) -> Result<Records> {
        if !self.categories.iter().any(|known| known == category) {
            return Err(Error::NoSuchCategory {
                category: category.to_owned(),
                known: self.categories.clone(),
            });
        }
        if !self.has(category, split) {
            return Err(self.absent(category, split));
        }
        Ok(self.select(|of, entry| of == split && entry.category == category))
    }

    fn select(&self, keep: impl Fn(Split, &Entry) -> bool) -> Records {
        let kept = self.entries.iter().filter(|(split, entry)| keep(*split, entry));
        Records::new(kept.map(|(_, entry)| entry.clone()).collect())
    }

    /// Whether a category has what a part needs.
    fn has(&self, category: &str, split: Split) -> bool {
        let needs = |entry: &Entry| split == Split::Test || !entry.label.is_anomalous();
        self.entries.iter().any(|(of, entry)| *of == split && entry.category == category && needs(entry))
    }

    fn absent(&self, category: &str, split: Split) -> Error {
        let part = match self.report.layout() {
            Layout::VisA => {
                let path = visa::table_in(&self.dir).unwrap_or_else(|| self.dir.clone());
                return Error::NoRows { category: category.to_owned(), split: split.folder(), path };
            }
            Layout::Flat if split == Split::Train => return Error::NoImages { path: self.dir.clone() },
            Layout::Flat | Layout::Category => self.dir.join(split.folder()),
            Layout::Categories => self.dir.join(category).join(split.folder()),
        };
        match split {
            _ if !part.is_dir() => Error::MissingFolder { expected: category::EXPECTED, path: part },
            Split::Train => Error::NoImages { path: part.join(GOOD) },
            Split::Test => Error::NoImages { path: part },
        }
    }
}
