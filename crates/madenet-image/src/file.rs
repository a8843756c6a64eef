//! Writing a file so that nothing is lost when it fails: pictures here, models in `madenet-core`.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

/// Writes `bytes` beside `path`, syncs and renames: at every moment `path` holds the old content or the new
/// one, whole.
///
/// # Errors
/// The system's, with `path` as it was.
pub fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = beside(path)?;
    let written = write_new(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The first error is the one to report; a leftover is harmless.
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Removes what [`replace_file`] left beside `path` in processes that were killed. A process that writes there now loses
/// its file: for a path that has one writer.
///
/// # Errors
/// The system's.
pub fn remove_unfinished(path: &Path) -> io::Result<()> {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return Ok(()) };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    for entry in fs::read_dir(folder.unwrap_or(Path::new(".")))? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(|file| is_unfinished(file, name)) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Whether `file` is a name that [`beside`] gives for `name`.
fn is_unfinished(file: &str, name: &str) -> bool {
    let numbers = file.strip_prefix('.').and_then(|file| file.strip_prefix(name));
    let numbers = numbers.and_then(|rest| rest.strip_prefix('.')?.strip_suffix(".tmp")?.split_once('-'));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    numbers.is_some_and(|(process, count)| is_number(process) && is_number(count))
}

/// A hidden name in the same folder, since only a rename within one file system is atomic; unique among the
/// threads of this process and among processes.
fn beside(path: &Path) -> io::Result<PathBuf> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no file name"))?;
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}-{}.tmp", process::id(), COUNTER.fetch_add(1, Ordering::Relaxed)));
    Ok(path.with_file_name(temporary))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftovers_of_one_file_are_removed_and_nothing_else() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("a.bin");
        let kept = ["a.bin", ".a.bin.tmp", ".a.bin.7-x.tmp", ".aa.bin.7-0.tmp", ".a.bin.7-0.tmp.old"];
        for name in kept.iter().chain(&[".a.bin.7-0.tmp", ".a.bin.123-45.tmp"]) {
            fs::write(folder.path().join(name), "x")?;
        }
        remove_unfinished(&path)?;
        let left = fs::read_dir(folder.path())?.map(|entry| Ok(entry?.file_name()));
        let mut left = left.collect::<io::Result<Vec<_>>>()?;
        left.sort();
        let mut kept: Vec<OsString> = kept.iter().map(OsString::from).collect();
        kept.sort();
        assert_eq!(left, kept);
        Ok(())
    }
}
