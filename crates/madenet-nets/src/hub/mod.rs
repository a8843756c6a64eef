//! Files of the Hugging Face hub, kept in the cache that its own libraries use.
//!
//! Transfer is by `ureq` and the checks are ours, not by the crate `hf-hub`: its release 1.0 brings 235 crates with an
//! asynchronous runtime, and the synchronous client of 0.5 (57 crates, 33 here) has no timeouts, takes the names of files to
//! write from the server's headers, panics on some of them, checks no sums, and cannot be told to ignore a proxy.

mod cache;
mod file;
mod transfer;

use std::ffi::OsString;
use std::path::PathBuf;

use crate::params::Params;
use crate::{Error, Result};
use cache::Repository;
pub use file::HubFile;

/// A step of a download, or the reason why it failed, for [`Error::Fetch`].
type Attempt<T> = std::result::Result<T, String>;

/// A hub and the folder in which its files are kept.
///
/// [`Hub::default`] is what the environment names, read as by Hugging Face's own libraries, with which the cache is shared:
///
/// | variable | meaning | without it |
/// |---|---|---|
/// | `HF_ENDPOINT` | the hub | `https://huggingface.co` |
/// | `HF_HUB_CACHE` | the cache | `hub` in the folder below |
/// | `HF_HOME` | the folder of these libraries | `huggingface` in `XDG_CACHE_HOME`, else `~/.cache/huggingface` |
/// | `HF_HUB_OFFLINE` | `1`, `true`, `yes` or `on`: never use the network | it is used |
///
/// Only public repositories can be read; no token is ever sent.
///
/// ```
/// use madenet_nets::{Hub, HubFile};
/// # let folder = tempfile::tempdir().unwrap();
/// # let cache = folder.path();
/// let mut hub = Hub::new("https://huggingface.co", cache);
/// hub.offline = true;
/// let error = hub.fetch(&HubFile::new("timm/resnet18.tv_in1k")).unwrap_err().to_string();
/// assert!(error.starts_with("cannot fetch model.safetensors of timm/resnet18.tv_in1k at revision main from "));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Hub {
    /// Address without the repository: `https://huggingface.co`, or a mirror of it.
    pub endpoint: String,
    /// Folder of the cache. It is made when it is needed.
    pub cache: PathBuf,
    /// Whether only the cache is used.
    pub offline: bool,
    /// Whether the proxies that `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` name are used.
    pub proxy: bool,
}

impl Default for Hub {
    fn default() -> Self {
        Self::from_variables(|name| std::env::var_os(name), std::env::home_dir())
    }
}

impl Hub {
    /// This hub and cache, with the network and the environment's proxies; no other variable is read.
    #[must_use]
    pub fn new(endpoint: impl Into<String>, cache: impl Into<PathBuf>) -> Self {
        Self { endpoint: endpoint.into(), cache: cache.into(), offline: false, proxy: true }
    }

    fn from_variables(variable: impl Fn(&str) -> Option<OsString>, home: Option<PathBuf>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let folder = |name: &str| set(name).map(PathBuf::from);
        let cache = folder("HF_HUB_CACHE").unwrap_or_else(|| {
            let home = || home.unwrap_or_default().join(".cache");
            let libraries = || folder("XDG_CACHE_HOME").unwrap_or_else(home).join("huggingface");
            folder("HF_HOME").unwrap_or_else(libraries).join("hub")
        });
        let endpoint = set("HF_ENDPOINT").map(|value| value.to_string_lossy().into_owned());
        let offline = set("HF_HUB_OFFLINE").map(|value| value.to_string_lossy().to_ascii_lowercase());
        Self {
            offline: offline.is_some_and(|value| ["1", "true", "yes", "on"].contains(&value.as_str())),
            ..Self::new(endpoint.unwrap_or_else(|| "https://huggingface.co".to_string()), cache)
        }
    }

    /// The file's place in the cache, downloaded first if it is not there.
    ///
    /// What the cache has for the revision is used without any network, so a branch stays where it was first seen. The
    /// content is checked every time, against the SHA-256 that the hub told and the one that `file` asks for; only what was
    /// put into the cache by hand, and the cache on systems without links, has none of the hub's. A download that breaks off,
    /// or has another content, leaves the cache as it was.
    ///
    /// # Errors
    /// [`Error::HubName`] before anything is asked for, [`Error::Checksum`] and [`Error::Read`] for a file in the cache,
    /// [`Error::Fetch`] if there is none and no sound one can be had: offline, no answer, a server that does not tell the
    /// content's SHA-256 or another one than `file` asks for, more than [`Params::MAX_FILE_BYTES`], no place to write.
    pub fn fetch(&self, file: &HubFile) -> Result<PathBuf> {
        file.check()?;
        let repository = Repository::of(file, &self.cache);
        if let Some(path) = repository.find() {
            repository.verify(&path)?;
            return Ok(path);
        }
        self.download(file, &repository).map_err(|reason| Error::Fetch {
            file: Box::new(file.clone()),
            endpoint: self.endpoint.clone(),
            reason,
            by_hand: repository.snapshot(&file.revision),
        })
    }

    fn download(&self, file: &HubFile, repository: &Repository<'_>) -> Attempt<PathBuf> {
        if self.offline {
            return Err("it is not in the cache, and the network is not to be used".to_string());
        }
        if !self.endpoint.starts_with("https://") && !self.endpoint.starts_with("http://") {
            return Err("expected an address that begins with https:// or http://".to_string());
        }
        let incoming = transfer::request(&self.endpoint, self.proxy, file)?;
        if let Some(expected) = file.expected_sum().filter(|expected| *expected != incoming.sum) {
            return Err(format!("the hub's file has SHA-256 {}, expected {expected}", incoming.sum));
        }
        let limit = Params::MAX_FILE_BYTES;
        if let Some(size) = incoming.body.content_length().filter(|&size| size > limit) {
            return Err(format!("the content has {size} bytes, expected at most {limit}"));
        }
        repository.keep(&mut incoming.body.into_reader(), limit, &incoming.sum, &incoming.commit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub(variables: &[(&str, &str)]) -> Hub {
        let find = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| value.into());
        Hub::from_variables(find, Some("/home/me".into()))
    }

    #[test]
    fn the_environment_is_read_as_by_the_hubs_own_libraries() {
        let plain = Hub::new("https://huggingface.co", "/home/me/.cache/huggingface/hub");
        assert_eq!(hub(&[]), plain);
        assert_eq!(hub(&[("HF_HOME", ""), ("HF_HUB_OFFLINE", "0"), ("HF_ENDPOINT", "")]), plain);
        assert_eq!(hub(&[("XDG_CACHE_HOME", "/x")]).cache, PathBuf::from("/x/huggingface/hub"));
        assert_eq!(hub(&[("XDG_CACHE_HOME", "/x"), ("HF_HOME", "/y")]).cache, PathBuf::from("/y/hub"));
        assert_eq!(hub(&[("HF_HOME", "/y"), ("HF_HUB_CACHE", "/z")]).cache, PathBuf::from("/z"));
        assert_eq!(hub(&[("HF_ENDPOINT", "http://mirror")]).endpoint, "http://mirror");
        assert!(hub(&[("HF_HUB_OFFLINE", "1")]).offline && hub(&[("HF_HUB_OFFLINE", "True")]).offline);
    }
}
