//! What a reader gathers while it looks through a folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::listing::{IMAGE_EXTENSIONS, Listing, Named, Place, Subfolder, broken, has_extension};
use crate::{Entry, Error, Ignored, Result, Role, ScannedFile, Split};

/// Why a folder is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// For its samples alone: nothing else is looked at, and nobody will be told what was left out, so that a
    /// picture that cannot become a sample is an error.
    Open,
    /// For a report on every file.
    Scan,
}

/// The samples and, in a scan, what became of every file.
pub(crate) struct Found {
    pub(crate) root: PathBuf,
    purpose: Purpose,
    pub(crate) entries: Vec<(Split, Entry)>,
    pub(crate) files: Vec<ScannedFile>,
}

impl Found {
    pub(crate) fn new(root: &Path, purpose: Purpose) -> Self {
        Found { root: root.to_owned(), purpose, entries: Vec::new(), files: Vec::new() }
    }

    pub(crate) fn is_scan(&self) -> bool {
        self.purpose == Purpose::Scan
    }

    /// What lies in `place`, less what is ignored wherever it lies.
    pub(crate) fn list(&mut self, place: &Place, expected: &'static str) -> Result<Listing> {
        let listing = place.list(expected)?;
        self.heed(listing)
    }

    /// The listing less what is ignored wherever it lies.
    pub(crate) fn heed(&mut self, mut listing: Listing) -> Result<Listing> {
        for (path, reason) in std::mem::take(&mut listing.ignored) {
            if !self.is_scan() && reason == Ignored::NotUtf8 {
                return Err(Error::NotUtf8 { path });
            }
            self.ignore(path, reason);
        }
        for (path, source) in std::mem::take(&mut listing.broken) {
            if !self.is_scan() && has_extension(&path, &IMAGE_EXTENSIONS) {
                return Err(Error::BrokenLink { path, source });
            }
            self.ignore(path, broken(&source));
        }
        Ok(listing)
    }

    pub(crate) fn image(&mut self, split: Split, entry: Entry) {
        if self.is_scan() {
            self.note(&entry.image, Role::Image { split, class: (&entry).into() });
        }
        self.entries.push((split, entry));
    }

    pub(crate) fn ignore(&mut self, path: PathBuf, reason: Ignored) {
        self.note(&path, Role::Ignored(reason));
    }

    pub(crate) fn ignore_all(&mut self, files: Vec<Named>, reason: Ignored) {
        files.into_iter().for_each(|file| self.ignore(file.path, reason));
    }

    /// Takes stock of a folder that plays no part in the layout.
    pub(crate) fn sweep(&mut self, folder: &Subfolder) {
        if self.is_scan() {
            folder.place.sweep(Ignored::OutsideLayout, &mut |path, reason| self.ignore(path, reason));
        }
    }

    /// Notes the masks of the images, once all of them are known.
    pub(crate) fn note_masks(&mut self) {
        let mut images: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
        for (_, entry) in &self.entries {
            if let Some(mask) = &entry.mask {
                images.entry(mask.clone()).or_default().push(entry.id.clone());
            }
        }
        for (mask, mut images) in images {
            images.sort();
            self.note(&mask, Role::Mask { images });
        }
    }

    pub(crate) fn note(&mut self, path: &Path, role: Role) {
        if self.is_scan() {
            let path = path.strip_prefix(&self.root).unwrap_or(path).to_owned();
            self.files.push(ScannedFile { path, role });
        }
    }
}
