//! The hub's protocol: `GET /REPO/resolve/REVISION/FILE`, which tells the commit and the content's SHA-256 in its headers
//! and often redirects to a storage server.

use std::time::Duration;

use ureq::http::{HeaderMap, Response, StatusCode};
use ureq::{Agent, Body};

use super::Attempt;
use super::file::{HubFile, is_hex, is_sha256};

/// A server that cannot be reached in this time will not be.
const CONNECT: Duration = Duration::from_secs(20);
/// A server that has said nothing for this long will not go on.
const SILENCE: Duration = Duration::from_secs(60);
/// The hub redirects twice at most: a renamed repository, and its storage.
const MAX_REDIRECTS: usize = 5;

/// A file that is about to be received.
pub(super) struct Incoming {
    /// The commit that the revision is at, 40 hexadecimal digits.
    pub(super) commit: String,
    /// SHA-256 of the content as the hub tells it.
    pub(super) sum: String,
    /// The content.
    pub(super) body: Body,
}

/// Asks `endpoint` for `file`, whose names have been checked. On failure the reason is told.
pub(super) fn request(endpoint: &str, proxy: bool, file: &HubFile) -> Attempt<Incoming> {
    let agent = agent(proxy);
    let revision = file.revision.replace('/', "%2F");
    let mut url =
        format!("{}/{}/resolve/{revision}/{}", endpoint.trim_end_matches('/'), file.repo, file.file);
    let mut named = Named::default();
    for _ in 0..=MAX_REDIRECTS {
        let response = agent
            .get(&url)
            // Sizes and sums are those of the plain content.
            .header("Accept-Encoding", "identity")
            .call()
            .map_err(|e| format!("{} did not answer: {e}", shown(&url)))?;
        named.read(response.headers());
        match response.status() {
            StatusCode::OK => return named.incoming(response),
            status if status.is_redirection() => {
                let location = text(response.headers(), "location").unwrap_or_default();
                url = redirected(&url, &location)
                    .ok_or_else(|| format!("{} redirects to {:?}", shown(&url), shown(&location)))?;
            }
            status => return Err(refusal(&url, status)),
        }
    }
    Err(format!("it redirects more than {MAX_REDIRECTS} times"))
}

fn agent(proxy: bool) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_connect(Some(CONNECT))
        .timeout_recv_response(Some(SILENCE))
        .timeout_per_read(Some(SILENCE))
        .user_agent(concat!("madenet/", env!("CARGO_PKG_VERSION")));
    if proxy { config.build() } else { config.proxy(None).build() }.into()
}

/// What the headers on the way told; the first word counts, as storage servers have ETags of their own.
#[derive(Default)]
struct Named {
    commit: Option<String>,
    linked_etag: Option<String>,
    etag: Option<String>,
}

impl Named {
    fn read(&mut self, headers: &HeaderMap) {
        for (name, slot) in [
            ("x-repo-commit", &mut self.commit),
            ("x-linked-etag", &mut self.linked_etag),
            ("etag", &mut self.etag),
        ] {
            *slot = slot.take().or_else(|| text(headers, name));
        }
    }

    fn incoming(self, response: Response<Body>) -> Attempt<Incoming> {
        let commit = self.commit.unwrap_or_default();
        if !is_hex(&commit, 40) {
            return Err(format!(
                "it does not speak as a hub: expected a commit in X-Repo-Commit, got {commit:?}"
            ));
        }
        // Large files are named by the sum of their content, others by git's.
        let etag = self.linked_etag.or(self.etag).unwrap_or_default();
        let sum = etag.trim_start_matches("W/").trim_matches('"').to_string();
        if !is_sha256(&sum) {
            return Err(format!("it tells no SHA-256 of the content: expected one as ETag, got {etag:?}"));
        }
        Ok(Incoming { commit, sum, body: response.into_body() })
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_string)
}

/// The address that `location` means at `url`; none if it is none, or would leave encryption.
fn redirected(url: &str, location: &str) -> Option<String> {
    if location.starts_with("https://") || (location.starts_with("http://") && url.starts_with("http://")) {
        return Some(location.to_string());
    }
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split('/').next()?;
    let is_path = location.starts_with('/') && !location.starts_with("//");
    is_path.then(|| format!("{scheme}://{host}{location}"))
}

/// An address without its query, which may hold a signature.
fn shown(url: &str) -> &str {
    url.split('?').next().unwrap_or(url)
}

fn refusal(url: &str, status: StatusCode) -> String {
    let meaning = match status {
        // The hub does not tell private repositories from missing ones.
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => " (no such repository, or not a public one)",
        StatusCode::NOT_FOUND => " (no such repository, revision or file)",
        _ => "",
    };
    format!("{} answered {}{meaning}", shown(url), status.as_u16())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_stay_encrypted() {
        let at = |location| redirected("https://hub/a?b", location);
        assert_eq!(at("/c").as_deref(), Some("https://hub/c"));
        assert_eq!(at("https://cdn/c?d").as_deref(), Some("https://cdn/c?d"));
        for location in ["http://hub/c", "//cdn/c", "", "c", "file:///etc/passwd"] {
            assert_eq!(at(location), None, "{location}");
        }
        assert_eq!(redirected("http://a:1/x", "http://b:2/y").as_deref(), Some("http://b:2/y"));
        assert_eq!(shown("https://cdn/c?signature=1"), "https://cdn/c");
    }
}
