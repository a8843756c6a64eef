//! The files and folders in a folder, in a fixed order, and never in a circle.
//!
//! Symbolic links are followed wherever they lead, but for folders that play no part. A folder that lies on
//! the way to itself is not entered again, and nothing is looked at more than [`MAX_DEPTH`] folders below the
//! first.

use std::ffi::OsStr;
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};

use crate::{Error, Ignored, Result};

/// Endings of the names of pictures, in lower case; upper case counts, too. (What a file contains is decided
/// when it is decoded.)
pub const IMAGE_EXTENSIONS: [&str; 6] = ["png", "jpg", "jpeg", "bmp", "tif", "tiff"];

/// The layouts that this crate knows use 5 at most; the rest is for sets in which a folder plays no part.
const MAX_DEPTH: usize = 16;

/// What systems answer to a link that leads in a circle (ELOOP): Linux (but for MIPS), Windows, and macOS with
/// the BSDs. Where the number is another one, the link counts as any that cannot be followed.
const LINK_LOOP: i32 = if cfg!(any(target_os = "linux", target_os = "android")) {
    40
} else if cfg!(windows) {
    1921
} else {
    62
};

/// A file: its name and its path.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

/// A folder in a folder.
#[derive(Clone, Debug)]
pub(crate) struct Subfolder {
    pub(crate) name: String,
    pub(crate) place: Place,
}

/// A folder that can be listed.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    /// The paths without links of the folders on the way here and of this one.
    trail: Vec<PathBuf>,
    /// Whether it was reached by a link.
    link: bool,
}

/// What lies directly in a folder, by name.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) pictures: Vec<Named>,
    pub(crate) folders: Vec<Subfolder>,
    pub(crate) ignored: Vec<(PathBuf, Ignored)>,
    /// Links that cannot be followed, with the system's answer.
    pub(crate) broken: Vec<(PathBuf, io::Error)>,
}

enum Item {
    Picture(Named),
    Folder(Subfolder),
    Ignored(Ignored),
    Broken(io::Error),
}

impl Place {
    /// The folder `dir`.
    pub(crate) fn open(dir: &Path, expected: &'static str) -> Result<Self> {
        let real = dir.canonicalize().map_err(|source| error(dir, expected, source))?;
        if !real.is_dir() {
            return Err(Error::NotAFolder { expected, path: dir.to_owned() });
        }
        Ok(Place { path: dir.to_owned(), trail: vec![real], link: false })
    }

    /// The name of this folder: a link's own, as in the listing of the folder above, and for `.` and `..` the
    /// one without links.
    pub(crate) fn name(&self) -> Result<String> {
        let name = self.path.file_name().or_else(|| self.real().file_name()).unwrap_or_default();
        let not_utf8 = || Error::NotUtf8 { path: self.path.clone() };
        name.to_str().map(str::to_owned).ok_or_else(not_utf8)
    }

    /// The path of this folder without links.
    pub(crate) fn real(&self) -> &Path {
        self.trail.last().unwrap_or(&self.path)
    }

    pub(crate) fn list(&self, expected: &'static str) -> Result<Listing> {
        let error = |source| error(&self.path, expected, source);
        let mut listing = Listing::default();
        for entry in fs::read_dir(&self.path).map_err(error)? {
            let entry = entry.map_err(error)?;
            match self.item(&entry).map_err(error)? {
                Item::Picture(picture) => listing.pictures.push(picture),
                Item::Folder(folder) => listing.folders.push(folder),
                Item::Ignored(reason) => listing.ignored.push((entry.path(), reason)),
                Item::Broken(answer) => listing.broken.push((entry.path(), answer)),
            }
        }
        listing.pictures.sort_by(|a, b| a.name.cmp(&b.name));
        listing.folders.sort_by(|a, b| a.name.cmp(&b.name));
        // So that the first error is the same on every file system.
        listing.ignored.sort();
        listing.broken.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(listing)
    }

    /// Every file below, none of which is wanted: pictures for `reason`, the others for their own. Linked
    /// folders are left alone: with a few links in each, folders can be reached in more ways than can be
    /// walked.
    pub(crate) fn sweep(&self, reason: Ignored, note: &mut impl FnMut(PathBuf, Ignored)) {
        if self.link {
            return note(self.path.clone(), Ignored::LinkedFolder);
        }
        let Ok(listing) = self.list("") else {
            return note(self.path.clone(), Ignored::Unreadable);
        };
        listing.pictures.into_iter().for_each(|picture| note(picture.path, reason));
        listing.ignored.into_iter().for_each(|(path, own)| note(path, own));
        listing.broken.into_iter().for_each(|(path, answer)| note(path, broken(&answer)));
        listing.folders.iter().for_each(|folder| folder.place.sweep(reason, note));
    }

    fn item(&self, entry: &DirEntry) -> io::Result<Item> {
        let (name, path) = (entry.file_name(), entry.path());
        if name.as_encoded_bytes().starts_with(b".") {
            return Ok(Item::Ignored(Ignored::Hidden));
        }
        let mut kind = entry.file_type()?;
        let link = kind.is_symlink();
        if link {
            match fs::metadata(&path) {
                Ok(target) => kind = target.file_type(),
                Err(answer) => return Ok(Item::Broken(answer)),
            }
        }
        Ok(match (kind.is_file(), kind.is_dir(), name.into_string()) {
            (true, _, _) if !has_extension(&path, &IMAGE_EXTENSIONS) => Item::Ignored(Ignored::NotAnImage),
            (false, false, _) => Item::Ignored(Ignored::NotAFile),
            (_, _, Err(_)) => Item::Ignored(Ignored::NotUtf8),
            (true, _, Ok(name)) => Item::Picture(Named { name, path }),
            (false, true, Ok(name)) => self.folder(name, path, link)?,
        })
    }

    fn folder(&self, name: String, path: PathBuf, link: bool) -> io::Result<Item> {
        let real = if link { path.canonicalize()? } else { self.real().join(&name) };
        if self.trail.contains(&real) {
            return Ok(Item::Ignored(Ignored::LinkLoop));
        }
        if self.trail.len() > MAX_DEPTH {
            return Ok(Item::Ignored(Ignored::TooDeep));
        }
        let mut trail = self.trail.clone();
        trail.push(real);
        Ok(Item::Folder(Subfolder { name, place: Place { path, trail, link } }))
    }
}

/// What a link is called that the system cannot follow.
pub(crate) fn broken(answer: &io::Error) -> Ignored {
    if answer.raw_os_error() == Some(LINK_LOOP) { Ignored::LinkLoop } else { Ignored::BrokenLink }
}

fn error(path: &Path, expected: &'static str, source: io::Error) -> Error {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound => Error::MissingFolder { expected, path },
        io::ErrorKind::NotADirectory => Error::NotAFolder { expected, path },
        _ => Error::ReadFolder { path, source },
    }
}

/// Whether the name of `path` has one of the `known` endings, in lower or upper case.
pub(crate) fn has_extension(path: &Path, known: &[&str]) -> bool {
    let extension = path.extension().and_then(OsStr::to_str);
    extension.is_some_and(|found| known.iter().any(|known| known.eq_ignore_ascii_case(found)))
}
