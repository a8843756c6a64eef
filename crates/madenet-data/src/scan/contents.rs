//! The samples that a reader found, by category and part.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::layout::{EXPECTED_CATEGORY, GOOD};
use crate::{Entry, Error, Records, Result, Split, TableFault};

/// The samples of both parts, or of the one that was read.
#[derive(Clone, Debug)]
pub(crate) struct Contents {
    dir: PathBuf,
    source: Source,
    pub(crate) categories: Vec<String>,
    pub(crate) entries: Vec<(Split, Entry)>,
    /// The categories' parts that have what they need: for training good images, for testing any.
    usable: BTreeSet<(String, Split)>,
}

/// What told the samples, to say what is missing.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// The folder alone.
    Flat,
    /// Folders in the layout of MVTec AD, by category.
    Folders(BTreeMap<String, CategoryFolder>),
    /// A table, and its first fault with the line.
    Table { path: PathBuf, fault: Option<(u64, TableFault)> },
}

#[derive(Clone, Debug)]
pub(crate) struct CategoryFolder {
    pub(crate) path: PathBuf,
    /// The parts that have a folder.
    pub(crate) parts: BTreeSet<Split>,
}

impl Contents {
    pub(crate) fn new(
        dir: &Path,
        source: Source,
        categories: Vec<String>,
        entries: Vec<(Split, Entry)>,
    ) -> Self {
        let needed = |(split, entry): &&(Split, Entry)| *split == Split::Test || !entry.label.is_anomalous();
        let key = |(split, entry): &(Split, Entry)| (entry.category.clone(), *split);
        let usable = entries.iter().filter(needed).map(key).collect();
        Contents { dir: dir.to_owned(), source, categories, entries, usable }
    }

    /// One part of all categories.
    pub(crate) fn records(&self, split: Split) -> Result<Records> {
        self.check_table()?;
        let has = |name: &&String| self.usable.contains(&((*name).clone(), split));
        let has_any = self.categories.iter().any(|name| has(&name));
        match self.categories.iter().find(|name| !has(name)) {
            Some(name) if split == Split::Train || !has_any => Err(self.absent(name, split)),
            _ => Ok(self.select(|of, _| of == split)),
        }
    }

    /// One part of the category called `category`.
    pub(crate) fn records_of(&self, category: &str, split: Split) -> Result<Records> {
        self.check_table()?;
        if !self.categories.iter().any(|known| known == category) {
            let known = self.categories.clone();
            return Err(Error::NoSuchCategory { category: category.to_owned(), known });
        }
        if !self.usable.contains(&(category.to_owned(), split)) {
            return Err(self.absent(category, split));
        }
        Ok(self.select(|of, entry| of == split && entry.category == category))
    }

    /// A table with a fault is the sign of a damaged data set, in which the rest cannot be trusted.
    fn check_table(&self) -> Result<()> {
        match &self.source {
            Source::Table { path, fault: Some((line, fault)) } => {
                Err(Error::Table { line: *line, fault: fault.clone(), path: path.clone() })
            }
            _ => Ok(()),
        }
    }

    fn select(&self, keep: impl Fn(Split, &Entry) -> bool) -> Records {
        let kept = self.entries.iter().filter(|(split, entry)| keep(*split, entry));
        Records::new(kept.map(|(_, entry)| entry.clone()).collect())
    }

    /// What a part lacks, by what was seen when the folder was read.
    fn absent(&self, category: &str, split: Split) -> Error {
        match &self.source {
            Source::Table { path, .. } => {
                Error::NoRows { category: category.to_owned(), split, path: path.clone() }
            }
            Source::Flat if split == Split::Train => Error::NoImages { path: self.dir.clone() },
            Source::Flat => Error::NoTestPart { path: self.dir.clone() },
            Source::Folders(folders) => {
                let folder = folders.get(category);
                let path = folder.map_or(&self.dir, |folder| &folder.path).join(split.folder());
                match split {
                    _ if !folder.is_some_and(|folder| folder.parts.contains(&split)) => {
                        Error::MissingFolder { expected: EXPECTED_CATEGORY, path }
                    }
                    Split::Train => Error::NoImages { path: path.join(GOOD) },
                    Split::Test => Error::NoImages { path },
                }
            }
        }
    }
}
