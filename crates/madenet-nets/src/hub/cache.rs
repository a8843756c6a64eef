//! The folder in which files of the hub are kept, laid out as Hugging Face's own libraries do:
//!
//! ```text
//! models--timm--resnet18.tv_in1k/
//!   refs/main                            the commit that the branch was at
//!   snapshots/COMMIT/model.safetensors   a link to ...
//!   blobs/SHA256                         ... the content, named by its sum
//! ```
//!
//! Everything is written under another name first and renamed when it is whole.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::Attempt;
use super::file::{HubFile, is_hex, is_sha256};
use crate::unfinished::Unfinished;
use crate::{Error, Result};

/// Digits of a git commit.
const COMMIT_DIGITS: usize = 40;

/// The place of one repository in the cache.
pub(super) struct Repository<'a> {
    folder: PathBuf,
    file: &'a HubFile,
}

impl<'a> Repository<'a> {
    /// The repository of `file`, whose names have been checked.
    pub(super) fn of(file: &'a HubFile, cache: &Path) -> Self {
        Self { folder: cache.join(format!("models--{}", file.repo.replace('/', "--"))), file }
    }

    /// Where the file stands for a commit. The revision itself in place of one is where people put files by hand.
    pub(super) fn snapshot(&self, commit: &str) -> PathBuf {
        self.folder.join("snapshots").join(commit).join(&self.file.file)
    }

    fn reference(&self) -> PathBuf {
        self.folder.join("refs").join(&self.file.revision)
    }

    /// The file at the revision, if it is there.
    pub(super) fn find(&self) -> Option<PathBuf> {
        let commit = fs::read_to_string(self.reference()).unwrap_or_default();
        let commit = Some(commit.trim()).filter(|commit| is_hex(commit, COMMIT_DIGITS));
        let places = commit.into_iter().chain([self.file.revision.as_str()]);
        places.map(|commit| self.snapshot(commit)).find(|path| path.is_file())
    }

    /// Checks a file of the cache against the sum that it is kept under and the one asked for. A file put there by hand has
    /// no sum to be kept under.
    pub(super) fn verify(&self, path: &Path) -> Result<()> {
        let failed = |source| Error::Read { path: path.to_path_buf(), source };
        let blob = path.canonicalize().map_err(failed)?;
        let kept_under = blob.file_name().and_then(|name| name.to_str()).filter(|name| is_sha256(name));
        let expected: Vec<String> =
            self.file.expected_sum().into_iter().chain(kept_under.map(str::to_string)).collect();
        if expected.is_empty() {
            return Ok(());
        }
        let mut sum = Sum::new();
        io::copy(&mut File::open(&blob).map_err(failed)?, &mut sum).map_err(failed)?;
        let got = sum.finish();
        match expected.into_iter().find(|expected| *expected != got) {
            Some(expected) => Err(Error::Checksum { path: path.to_path_buf(), expected, got }),
            None => Ok(()),
        }
    }

    /// Keeps `content` if it has at most `limit` bytes and the SHA-256 `sum`, as the file at `commit`. On failure the reason
    /// is told and nothing is left behind.
    pub(super) fn keep(
        &self,
        content: &mut dyn Read,
        limit: u64,
        sum: &str,
        commit: &str,
    ) -> Attempt<PathBuf> {
        let blob = self.folder.join("blobs").join(sum);
        let unfinished = empty_beside(&blob)?;
        let got = fill(&unfinished, content, limit)?;
        if got != sum {
            return Err(format!("the content has SHA-256 {got}, expected {sum}"));
        }
        let snapshot = self.snapshot(commit);
        place(unfinished, &blob, &snapshot, self.file)?;
        if self.file.revision != commit {
            let reference = empty_beside(&self.reference())?;
            fill(&reference, &mut commit.as_bytes(), COMMIT_DIGITS as u64)?;
            becomes(reference, &self.reference())?;
        }
        Ok(snapshot)
    }
}

/// Makes `unfinished` the blob and links the snapshot to it.
#[cfg(unix)]
fn place(unfinished: Unfinished, blob: &Path, snapshot: &Path, file: &HubFile) -> Attempt<()> {
    let sum = blob.file_name().unwrap_or_default();
    make_folder(snapshot)?;
    let link = Unfinished::beside(snapshot);
    // From snapshots/COMMIT/a/b.safetensors three folders up.
    let up = "../".repeat(1 + file.file.split('/').count());
    std::os::unix::fs::symlink(Path::new(&up).join("blobs").join(sum), link.path())
        .map_err(|e| unwritable(link.path(), &e))?;
    becomes(unfinished, blob)?;
    becomes(link, snapshot)
}

/// Links need privileges on Windows: the snapshot is the content.
#[cfg(not(unix))]
fn place(unfinished: Unfinished, _blob: &Path, snapshot: &Path, _file: &HubFile) -> Attempt<()> {
    make_folder(snapshot)?;
    becomes(unfinished, snapshot)
}

fn unwritable(path: &Path, error: &io::Error) -> String {
    format!("cannot write {}: {error}", path.display())
}

fn becomes(unfinished: Unfinished, path: &Path) -> Attempt<()> {
    unfinished.becomes(path).map_err(|e| unwritable(path, &e))
}

/// The folder in which `path` will be.
fn make_folder(path: &Path) -> Attempt<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(|e| unwritable(folder, &e))
}

/// An empty file beside `path`, in a folder that exists.
fn empty_beside(path: &Path) -> Attempt<Unfinished> {
    make_folder(path)?;
    let unfinished = Unfinished::beside(path);
    File::create(unfinished.path()).map_err(|e| unwritable(unfinished.path(), &e))?;
    Ok(unfinished)
}

/// Writes `content` and gives its SHA-256.
fn fill(unfinished: &Unfinished, content: &mut dyn Read, limit: u64) -> Attempt<String> {
    let failed = |e| unwritable(unfinished.path(), &e);
    let mut file = File::create(unfinished.path()).map_err(failed)?;
    let (mut sum, mut size) = (Sum::new(), 0);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let len = match content.read(&mut buffer) {
            Ok(0) => break,
            Ok(len) => len,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(format!("the content broke off after {size} bytes: {e}")),
        };
        size += len as u64;
        if size > limit {
            return Err(format!("the content has more than {limit} bytes"));
        }
        let part = buffer.get(..len).unwrap_or_default();
        sum.0.update(part);
        file.write_all(part).map_err(failed)?;
    }
    file.sync_all().map_err(failed)?;
    Ok(sum.finish())
}

/// A SHA-256 in the making.
struct Sum(Sha256);

impl Sum {
    fn new() -> Self {
        Self(Sha256::new())
    }

    fn finish(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Write for Sum {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
