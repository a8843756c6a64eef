//! Small data sets in temporary folders.

use std::fs;
use std::path::{Path, PathBuf};

use madenet_image::{Image, encode_png};
use tempfile::TempDir;

/// A folder with the given files, each a grey picture of 4 x 3 pixels.
pub(crate) fn pictures(names: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        write(folder.path(), name, &png(4, 3, 100));
    }
    folder
}

/// Writes a file and the folders above it.
pub(crate) fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    path
}

pub(crate) fn png(width: usize, height: usize, value: u8) -> Vec<u8> {
    encode_png(&Image::new(width, height, vec![value; width * height * 3]).unwrap()).unwrap()
}
