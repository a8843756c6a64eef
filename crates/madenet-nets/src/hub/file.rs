//! The name of a file on the hub.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Result};

/// A file of a model repository on the Hugging Face hub.
///
/// ```
/// use madenet_nets::HubFile;
/// let file = HubFile::new("timm/resnet18.tv_in1k");
/// assert_eq!((file.file.as_str(), file.revision.as_str()), ("model.safetensors", "main"));
///
/// let file = file.revision("v1").file("sub/weights.safetensors");
/// assert_eq!(file.to_string(), "timm/resnet18.tv_in1k@v1?file=sub/weights.safetensors");
/// assert_eq!(file.to_string().parse::<HubFile>()?, file);
/// # Ok::<(), madenet_nets::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub struct HubFile {
    /// `owner/name`; some old repositories have a name alone.
    pub repo: String,
    /// Path in the repository, `model.safetensors` if nothing else was said.
    pub file: String,
    /// Branch, tag or commit, `main` if nothing else was said. Only a commit names the same bytes for ever.
    pub revision: String,
    /// What the content must be: 64 hexadecimal digits.
    pub sha256: Option<String>,
}

const FILE: &str = "model.safetensors";
const REVISION: &str = "main";

impl HubFile {
    /// `model.safetensors` of the branch `main` of `repo`. Names are checked when they are used.
    #[must_use]
    pub fn new(repo: impl Into<String>) -> Self {
        Self { repo: repo.into(), file: FILE.to_string(), revision: REVISION.to_string(), sha256: None }
    }

    /// Another file of the repository.
    #[must_use]
    pub fn file(self, file: impl Into<String>) -> Self {
        Self { file: file.into(), ..self }
    }

    /// Another branch, tag or commit.
    #[must_use]
    pub fn revision(self, revision: impl Into<String>) -> Self {
        Self { revision: revision.into(), ..self }
    }

    /// What the SHA-256 of the content must be, in hexadecimal. The hub itself names one; this protects against a hub, or a
    /// cache, that is not to be trusted, and against a branch that moves.
    #[must_use]
    pub fn sha256(self, sha256: impl Into<String>) -> Self {
        Self { sha256: Some(sha256.into()), ..self }
    }

    /// Checks that the parts can stand in addresses and paths without meaning anything else there.
    pub(super) fn check(&self) -> Result<()> {
        let bad = |what, got: &str, expected| Err(Error::HubName { what, got: got.to_string(), expected });
        // The cache writes a slash as two hyphens.
        if !is_path(&self.repo, 2) || self.repo.contains("--") {
            return bad("repository", &self.repo, "owner/name of letters, digits, '-', '_' and '.'");
        }
        if !is_path(&self.revision, MAX_DEPTH) {
            return bad(
                "revision",
                &self.revision,
                "a branch, tag or commit of letters, digits, '-', '_', '.' and '/'",
            );
        }
        if !is_path(&self.file, MAX_DEPTH) {
            return bad("file", &self.file, "a relative path of letters, digits, '-', '_', '.' and '/'");
        }
        match &self.sha256 {
            Some(sum) if !is_sha256(&sum.to_ascii_lowercase()) => {
                bad("SHA-256", sum, "64 hexadecimal digits")
            }
            _ => Ok(()),
        }
    }

    /// The sum asked for, in lower case.
    pub(super) fn expected_sum(&self) -> Option<String> {
        self.sha256.as_ref().map(|sum| sum.to_ascii_lowercase())
    }
}

/// The hub's limit for each half of a repository's name, in characters; plenty for the others.
const MAX_NAME: usize = 96;
/// Folders in the path of a file: plenty.
const MAX_DEPTH: usize = 8;

/// One to `depth` plain names with slashes between them.
fn is_path(text: &str, depth: usize) -> bool {
    text.split('/').count() <= depth && text.split('/').all(is_name)
}

fn is_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len())
        && !name.starts_with(['.', '-'])
        && !name.ends_with('.')
        && !name.contains("..")
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

/// 64 hexadecimal digits in lower case.
pub(super) fn is_sha256(text: &str) -> bool {
    is_hex(text, 64)
}

/// `len` hexadecimal digits in lower case.
pub(super) fn is_hex(text: &str, len: usize) -> bool {
    text.len() == len && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

impl fmt::Display for HubFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repo)?;
        if self.revision != REVISION {
            write!(f, "@{}", self.revision)?;
        }
        let file = (self.file != FILE).then_some(("file", &self.file));
        let options = file.into_iter().chain(self.sha256.as_ref().map(|sum| ("sha256", sum)));
        for ((key, value), mark) in options.zip(['?', '&']) {
            write!(f, "{mark}{key}={value}")?;
        }
        Ok(())
    }
}

impl FromStr for HubFile {
    type Err = Error;

    /// Reads `owner/name`, `owner/name@revision`, and either with `?file=PATH`, `?sha256=DIGITS` or both with `&` between.
    fn from_str(text: &str) -> Result<Self> {
        let (name, options) = text.split_once('?').map_or((text, None), |(name, rest)| (name, Some(rest)));
        let mut file = match name.split_once('@') {
            Some((repo, revision)) => HubFile::new(repo).revision(revision),
            None => HubFile::new(name),
        };
        for option in options.into_iter().flat_map(|options| options.split('&')) {
            file = match option.split_once('=') {
                Some(("file", value)) => file.file(value),
                Some(("sha256", value)) => file.sha256(value),
                _ => {
                    let expected = "file=PATH or sha256=DIGITS";
                    return Err(Error::HubName { what: "option", got: option.to_string(), expected });
                }
            };
        }
        file.check()?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back() -> Result<()> {
        let sum = "0123456789abcdef".repeat(4);
        let texts = [
            "timm/resnet18.tv_in1k",
            "old-name@refs/pr/1",
            "a/b?file=x.safetensors",
            &format!("a/b?sha256={sum}"),
            &format!("a/b@v1.0?file=c/d.safetensors&sha256={sum}"),
        ];
        for text in texts {
            assert_eq!(text.parse::<HubFile>()?.to_string(), text);
        }
        Ok(())
    }

    #[test]
    fn names_that_mean_something_else_are_refused() {
        for text in [
            "", "/", "a/", "/a", "a/b/c", "../..", "a/..", "a/.b", "a b/c", "a/b\n", "a\\b", "a/b%2f",
            "a--b/c", "a/ä",
        ] {
            let error = HubFile::new(text).check().unwrap_err();
            assert!(matches!(error, Error::HubName { what: "repository", .. }), "{text:?} gave {error}");
        }
        for text in ["", "..", "a/../b", "/etc/passwd", "-x", "C:", "a//b", "a#b", "a@b", "a\0b", "x."] {
            assert!(HubFile::new("a/b").file(text).check().is_err(), "{text:?}");
            assert!(HubFile::new("a/b").revision(text).check().is_err(), "{text:?}");
        }
        assert!(HubFile::new("a".repeat(97)).check().is_err());
        assert!(HubFile::new("a/b").sha256("abc").check().is_err());
        for text in ["a/b@", "a/b?", "a/b?x=1", "a/b?file=", "a@b@c"] {
            assert!(text.parse::<HubFile>().is_err(), "{text:?}");
        }
    }
}
