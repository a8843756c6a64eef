//! The files and folders below a folder, in a fixed order.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// Endings of the names of pictures, in lower case; upper case counts, too. (What a file contains is decided
/// when it is decoded.)
pub const IMAGE_EXTENSIONS: [&str; 6] = ["png", "jpg", "jpeg", "bmp", "tif", "tiff"];

/// Something in a folder: its name and its path.
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

/// The folders directly below `dir`, without hidden ones.
pub(crate) fn folders(dir: &Path, expected: &'static str) -> Result<Vec<Named>> {
    list(dir, expected, |path| path.is_dir())
}

/// The pictures directly below `dir`, without hidden files.
pub(crate) fn pictures(dir: &Path, expected: &'static str) -> Result<Vec<Named>> {
    list(dir, expected, |path| has_image_extension(path) && path.is_file())
}

/// The name of the folder of a category.
pub(crate) fn category(dir: &Path) -> Result<String> {
    let whole = dir.canonicalize().map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => Error::MissingFolder { expected: "a category", path: dir.to_owned() },
        _ => Error::ReadFolder { path: dir.to_owned(), source },
    })?;
    match whole.file_name() {
        Some(name) => name.to_str().map(str::to_owned).ok_or(Error::NotUtf8 { path: whole.clone() }),
        None => Ok(String::new()),
    }
}

fn list(dir: &Path, expected: &'static str, keep: impl Fn(&Path) -> bool) -> Result<Vec<Named>> {
    let error = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => Error::MissingFolder { expected, path: dir.to_owned() },
        _ => Error::ReadFolder { path: dir.to_owned(), source },
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(error)? {
        let path = entry.map_err(error)?.path();
        let Some(name) = path.file_name() else { continue };
        if name.as_encoded_bytes().starts_with(b".") || !keep(&path) {
            continue;
        }
        let name = name.to_str().ok_or_else(|| Error::NotUtf8 { path: path.clone() })?.to_owned();
        found.push(Named { name, path });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn has_image_extension(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str);
    extension.is_some_and(|found| IMAGE_EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(found)))
}
