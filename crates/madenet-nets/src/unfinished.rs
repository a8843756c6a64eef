//! Files that come to be whole, or not at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

/// A file under a passing name, removed unless it becomes something.
pub(crate) struct Unfinished(PathBuf);

impl Unfinished {
    /// A name beside `path` that no one else has: a rename is whole only within one file system.
    pub(crate) fn beside(path: &Path) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(format!(".{}-{}.incomplete", process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
        Self(path.with_file_name(name))
    }

    /// The passing name.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Gives it its name, in place of what had it.
    pub(crate) fn becomes(self, path: &Path) -> io::Result<()> {
        fs::rename(&self.0, path)
    }
}

impl Drop for Unfinished {
    /// What was renamed is no longer there; nothing can be done about what cannot be removed.
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
