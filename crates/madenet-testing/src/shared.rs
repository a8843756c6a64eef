//! The shared data that the repository does not hold: public weights and data sets.
//!
//! A test that needs such a file is skipped where it is absent, and says so: silent passes would hide a lost folder.

use std::io::Write;
use std::path::{Path, PathBuf};

/// The file or folder `relative` of the shared data, none if it is not there; then a line on standard error says that the
/// test is skipped.
///
/// The shared data lie in the folder that the environment variable `MADENET_SHARED` names, by default in `shared` beside
/// the repository.
#[must_use]
pub fn shared(relative: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let found = find(&std::env::var_os("MADENET_SHARED").map_or_else(beside, PathBuf::from), relative);
    if found.is_none() {
        say_skipped(relative);
    }
    found
}

fn find(folder: &Path, relative: &str) -> Option<PathBuf> {
    Some(folder.join(relative)).filter(|path| path.exists())
}

fn say_skipped(relative: &str) {
    // Written past the test harness, which holds back what passing tests print. A closed stderr is no reason to fail.
    let line = format!("SKIPPED: {relative} is not there; set MADENET_SHARED to the folder that holds it\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_found() {
        let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert_eq!(find(crate_folder, "src/shared.rs"), Some(crate_folder.join("src/shared.rs")));
        assert_eq!(find(crate_folder, "src/nothing.rs"), None);
    }
}
