//! Fetching from a hub that these tests play themselves, on 127.0.0.1.

#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use madenet_nets::{BackboneSource, Error, Hub, HubFile, Params, ResNet};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const REPO: &str = "timm/resnet18.tv_in1k";
const PATH: &str = "/timm/resnet18.tv_in1k/resolve/main/model.safetensors";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const CONTENT: &[u8] = b"weights, as far as the cache cares";

fn sum(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the server says to one request.
#[derive(Clone, Default)]
struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Reply {
    fn status(status: u16) -> Self {
        Reply { status, ..Reply::default() }
    }

    /// The hub's own words about a file with this content.
    fn file(content: &[u8]) -> Self {
        Reply { body: content.to_vec(), ..Reply::status(200) }
            .header("ETag", format!("\"{}\"", sum(content)))
            .header("X-Repo-Commit", COMMIT)
    }

    /// Adds a header, or replaces it.
    fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(n, _)| *n != name);
        self.headers.push((name, value.into()));
        self
    }

    /// The same headers with this body.
    fn body(self, body: &[u8]) -> Self {
        Reply { body: body.to_vec(), ..self }
    }

    fn send(&self, stream: &mut TcpStream) -> std::io::Result<()> {
        write!(stream, "HTTP/1.1 {} X\r\nConnection: close\r\n", self.status)?;
        if !self.headers.iter().any(|(name, _)| *name == "Content-Length") {
            write!(stream, "Content-Length: {}\r\n", self.body.len())?;
        }
        for (name, value) in &self.headers {
            write!(stream, "{name}: {value}\r\n")?;
        }
        write!(stream, "\r\n")?;
        stream.write_all(&self.body)
    }
}

/// A server that gives each path its reply and remembers what it was asked for.
struct Server {
    address: SocketAddr,
    replies: Arc<Mutex<Vec<(String, Reply)>>>,
    asked: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (replies, asked, stop) = (Arc::default(), Arc::default(), Arc::<AtomicBool>::default());
        let thread = std::thread::spawn({
            let (replies, asked, stop) = (Arc::clone(&replies), Arc::clone(&asked), Arc::clone(&stop));
            move || {
                for stream in listener.incoming().flatten() {
                    if stop.load(Ordering::SeqCst) {
                        return;
                    }
                    // A client that hangs up is part of the tests.
                    let _ = answer(stream, &replies, &asked);
                }
            }
        });
        Server { address, replies, asked, stop, thread: Some(thread) }
    }

    fn with(path: &str, reply: Reply) -> Self {
        let server = Self::start();
        server.set(path, reply);
        server
    }

    fn set(&self, path: &str, reply: Reply) {
        let mut replies = self.replies.lock().unwrap();
        replies.retain(|(p, _)| p != path);
        replies.push((path.to_string(), reply));
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn answer(
    mut stream: TcpStream,
    replies: &Mutex<Vec<(String, Reply)>>,
    asked: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
    let path = first.split(' ').nth(1).unwrap_or_default().to_string();
    asked.lock().unwrap().push(path.clone());
    let found = replies.lock().unwrap().iter().find(|(p, _)| *p == path).map(|(_, reply)| reply.clone());
    found.unwrap_or_else(|| Reply::status(404)).send(&mut stream)
}

/// A hub at `endpoint` with an empty cache, deaf to the environment's proxies.
fn hub(endpoint: impl Into<String>) -> (Hub, TempDir) {
    let cache = tempfile::tempdir().unwrap();
    let mut hub = Hub::new(endpoint, cache.path());
    hub.proxy = false;
    (hub, cache)
}

fn offline(hub: &Hub) -> Hub {
    let mut hub = hub.clone();
    hub.offline = true;
    hub
}

/// The files under a folder, relative to it, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(inner) = folders.pop() {
        for entry in std::fs::read_dir(inner).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(folder).unwrap().to_path_buf());
            }
        }
    }
    found.sort();
    found
}

/// That this server's word is refused for this reason, and leaves nothing behind.
fn assert_refused(reply: Reply, file: &HubFile, reason: &str) {
    let server = Server::with(PATH, reply);
    let (hub, cache) = hub(server.url());
    let error = hub.fetch(file).unwrap_err();
    assert!(matches!(error, Error::Fetch { .. }), "{error}");
    assert!(error.to_string().contains(reason), "expected {reason:?} in: {error}");
    assert!(files(cache.path()).is_empty());
    assert!(matches!(offline(&hub).fetch(file), Err(Error::Fetch { .. })));
}

#[test]
fn a_file_is_downloaded_once() {
    let server = Server::with(PATH, Reply::file(CONTENT));
    let (hub, cache) = hub(server.url());
    let file = HubFile::new(REPO);
    let path = hub.fetch(&file).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), CONTENT);
    assert_eq!(server.asked(), [PATH]);

    assert_eq!(hub.fetch(&file).unwrap(), path);
    assert_eq!(hub.fetch(&file.clone().sha256(sum(CONTENT).to_uppercase())).unwrap(), path);
    assert_eq!(server.asked().len(), 1, "the second time needs no request");
    drop(server);
    assert_eq!(hub.fetch(&file).unwrap(), path);
    assert_eq!(offline(&hub).fetch(&file).unwrap(), path);

    let repository = Path::new("models--timm--resnet18.tv_in1k");
    let snapshot = repository.join("snapshots").join(COMMIT).join("model.safetensors");
    assert_eq!(path, cache.path().join(&snapshot));
    #[cfg(unix)]
    assert_eq!(
        files(cache.path()),
        [repository.join("blobs").join(sum(CONTENT)), repository.join("refs/main"), snapshot]
    );
    assert_eq!(std::fs::read_to_string(cache.path().join(repository).join("refs/main")).unwrap(), COMMIT);
}

#[test]
fn files_in_folders_and_other_revisions_have_their_own_place() {
    let server = Server::with("/a/b/resolve/refs%2Fpr%2F1/c/d.safetensors", Reply::file(b"one"));
    server.set(
        "/a/b/resolve/main/c/d.safetensors",
        Reply::file(b"two").header("X-Repo-Commit", "f".repeat(40)),
    );
    server.set(&format!("/a/b/resolve/{COMMIT}/e.safetensors"), Reply::file(b"three"));
    let (hub, _cache) = hub(server.url());
    let file = HubFile::new("a/b").file("c/d.safetensors");
    let request = file.clone().revision("refs/pr/1");
    let pinned = HubFile::new("a/b").file("e.safetensors").revision(COMMIT);
    for hub in [&hub, &offline(&hub)] {
        for (file, content) in [(&request, &b"one"[..]), (&file, b"two"), (&pinned, b"three")] {
            assert_eq!(std::fs::read(hub.fetch(file).unwrap()).unwrap(), content);
        }
    }
    assert_eq!(server.asked().len(), 3);
}

#[test]
fn a_storage_server_may_have_the_content() {
    let storage =
        Server::with("/blob?signature=1", Reply::status(200).body(CONTENT).header("ETag", "\"its own\""));
    let hub_server = Server::with(PATH, Reply::status(307).header("Location", "/new/name"));
    let linked = Reply::status(302)
        .header("ETag", "\"of the page\"")
        .header("X-Linked-Etag", format!("\"{}\"", sum(CONTENT)))
        .header("X-Repo-Commit", COMMIT)
        .header("Location", format!("{}/blob?signature=1", storage.url()));
    hub_server.set("/new/name", linked);
    let (hub, _cache) = hub(format!("{}/", hub_server.url()));
    assert_eq!(std::fs::read(hub.fetch(&HubFile::new(REPO)).unwrap()).unwrap(), CONTENT);
    assert_eq!((hub_server.asked().len(), storage.asked().len()), (2, 1));

    storage.set("/blob?signature=1", Reply::status(403));
    let error = hub.fetch(&HubFile::new(REPO).revision("other")).unwrap_err().to_string();
    assert!(error.contains("answered 404"), "{error}");
    let path = PATH.replace("main", "other");
    hub_server
        .set(&path, Reply::status(302).header("Location", format!("{}/blob?signature=1", storage.url())));
    let error = hub.fetch(&HubFile::new(REPO).revision("other")).unwrap_err().to_string();
    assert!(error.contains("answered 403") && !error.contains("signature"), "{error}");
}

#[test]
fn redirects_that_lead_nowhere_are_refused() {
    let file = HubFile::new(REPO);
    assert_refused(Reply::status(302).header("Location", PATH), &file, "redirects more than 5 times");
    assert_refused(Reply::status(302), &file, "redirects to \"\"");
    assert_refused(Reply::status(302).header("Location", "file:///etc/passwd"), &file, "redirects to");
}

#[test]
fn content_that_is_not_what_was_told_is_refused() {
    let (file, reply) = (HubFile::new(REPO), Reply::file(CONTENT));
    let reason = format!("the content has SHA-256 {}, expected {}", sum(b"other"), sum(CONTENT));
    assert_refused(reply.clone().body(b"other"), &file, &reason);
    let whole = CONTENT.len().to_string();
    assert_refused(reply.clone().body(&CONTENT[..9]).header("Content-Length", whole), &file, "broke off");
    assert_refused(reply.clone().body(&CONTENT[..9]), &file, "the content has SHA-256");
    let large = (Params::MAX_FILE_BYTES + 1).to_string();
    assert_refused(
        reply.header("Content-Length", large),
        &file,
        "4294967297 bytes, expected at most 4294967296",
    );
}

#[test]
fn content_that_the_caller_does_not_expect_is_refused() {
    let file = HubFile::new(REPO).sha256(sum(b"other"));
    let reason = format!("the hub's file has SHA-256 {}, expected {}", sum(CONTENT), sum(b"other"));
    assert_refused(Reply::file(CONTENT), &file, &reason);

    let server = Server::with(PATH, Reply::file(CONTENT));
    let (hub, _cache) = hub(server.url());
    let path = hub.fetch(&HubFile::new(REPO)).unwrap();
    let error = hub.fetch(&file).unwrap_err();
    assert!(matches!(&error, Error::Checksum { got, .. } if *got == sum(CONTENT)), "{error}");
    assert_eq!(std::fs::read(path).unwrap(), CONTENT, "what is good stays");
}

#[test]
fn headers_cannot_name_places() {
    let file = HubFile::new(REPO);
    for etag in ["", "\"../../../../evil\"", "/tmp/evil", "\"0123456789abcdef0123456789abcdef01234567\""] {
        assert_refused(Reply::file(CONTENT).header("ETag", etag), &file, "tells no SHA-256");
    }
    for commit in ["", "../../evil", "/tmp/evil", "main"] {
        assert_refused(Reply::file(CONTENT).header("X-Repo-Commit", commit), &file, "expected a commit");
    }
}

#[test]
fn a_damaged_file_in_the_cache_is_an_error_until_it_is_deleted() {
    let server = Server::with(PATH, Reply::file(CONTENT));
    let (hub, _cache) = hub(server.url());
    let file = HubFile::new(REPO).sha256(sum(CONTENT));
    let path = hub.fetch(&file).unwrap();
    std::fs::write(&path, b"damaged").unwrap();
    let error = hub.fetch(&file).unwrap_err().to_string();
    for part in [&sum(CONTENT), &sum(b"damaged"), "delete it", &path.display().to_string()] {
        assert!(error.contains(part), "expected {part:?} in: {error}");
    }
    #[cfg(unix)]
    assert!(hub.fetch(&HubFile::new(REPO)).is_err(), "the sum that the hub told is kept");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(std::fs::read(hub.fetch(&file).unwrap()).unwrap(), CONTENT);
}

#[test]
fn a_failed_download_leaves_what_was_there() {
    let server = Server::with(PATH, Reply::file(CONTENT));
    let (hub, cache) = hub(server.url());
    let path = hub.fetch(&HubFile::new(REPO)).unwrap();
    let before = files(cache.path());
    let next = HubFile::new(REPO).revision("next");
    // The same sum, hence the same place, but other content.
    server.set(&PATH.replace("main", "next"), Reply::file(CONTENT).body(b"other"));
    assert!(matches!(hub.fetch(&next), Err(Error::Fetch { .. })));
    assert_eq!(files(cache.path()), before);
    assert_eq!(std::fs::read(path).unwrap(), CONTENT);
}

#[test]
fn what_a_killed_download_left_is_not_taken_for_the_file() {
    let server = Server::with(PATH, Reply::file(CONTENT));
    let (hub, cache) = hub(server.url());
    let blobs = cache.path().join("models--timm--resnet18.tv_in1k/blobs");
    std::fs::create_dir_all(&blobs).unwrap();
    std::fs::write(blobs.join(format!("{}.1-0.incomplete", sum(CONTENT))), &CONTENT[..9]).unwrap();
    // Even the content's own place, by another program.
    std::fs::write(blobs.join(sum(CONTENT)), &CONTENT[..9]).unwrap();
    assert!(offline(&hub).fetch(&HubFile::new(REPO)).is_err());
    assert_eq!(std::fs::read(hub.fetch(&HubFile::new(REPO)).unwrap()).unwrap(), CONTENT);
}

#[test]
fn several_may_fetch_one_file_at_once() {
    let server = Server::with(PATH, Reply::file(CONTENT));
    let (hub, _cache) = hub(server.url());
    let fetch = || std::fs::read(hub.fetch(&HubFile::new(REPO)).unwrap()).unwrap();
    let contents = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(fetch)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(contents.iter().all(|content| content == CONTENT));
}

#[test]
fn failures_say_what_was_tried_and_what_helps() {
    let missing = Server::start();
    let refused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let cases = [
        (missing.url(), "answered 404 (no such repository, revision or file)"),
        (format!("http://{refused}"), "did not answer"),
        ("ftp://hub".to_string(), "begins with https://"),
        ("http://".to_string(), "did not answer"),
        // A server that does not speak TLS.
        (missing.url().replace("http", "https"), "did not answer"),
    ];
    for (endpoint, reason) in cases {
        let (hub, cache) = hub(endpoint.clone());
        let error = hub.fetch(&HubFile::new(REPO).revision("v1").file("x.safetensors")).unwrap_err();
        let by_hand = cache.path().join("models--timm--resnet18.tv_in1k/snapshots/v1/x.safetensors");
        let asked = format!("cannot fetch x.safetensors of {REPO} at revision v1 from {endpoint}: ");
        for part in [&asked, reason, "name a weight file instead", &by_hand.display().to_string()] {
            assert!(error.to_string().contains(part), "expected {part:?} in: {error}");
        }
    }
}

#[test]
fn offline_nothing_is_asked_and_files_put_there_by_hand_are_found() {
    let server = Server::with(PATH, Reply::file(CONTENT));
    let (hub, _cache) = hub(server.url());
    let file = HubFile::new(REPO);
    let Error::Fetch { by_hand, reason, .. } = offline(&hub).fetch(&file).unwrap_err() else {
        panic!("another error")
    };
    assert!(reason.contains("the network is not to be used"), "{reason}");
    std::fs::create_dir_all(by_hand.parent().unwrap()).unwrap();
    std::fs::write(&by_hand, b"by hand").unwrap();
    assert_eq!(offline(&hub).fetch(&file).unwrap(), by_hand);
    assert_eq!(hub.fetch(&file).unwrap(), by_hand);
    assert!(matches!(hub.fetch(&file.sha256(sum(CONTENT))), Err(Error::Checksum { .. })));
    assert_eq!(server.asked(), [""; 0]);
}

#[test]
fn hostile_names_are_refused_before_anything_is_asked() {
    let server = Server::start();
    let (hub, cache) = hub(server.url());
    let refused = |file: HubFile| {
        let error = hub.fetch(&file).unwrap_err();
        assert!(matches!(error, Error::HubName { .. }), "{file:?} gave {error}");
    };
    for name in
        ["", "../..", "..", "/etc", "a b/c", "a/../b", "a/b?x=1", "a/b#c", "a\\b", "a\r\nHost: evil/b"]
    {
        refused(HubFile::new(name));
        refused(HubFile::new(REPO).file(name));
        refused(HubFile::new(REPO).revision(name));
    }
    refused(HubFile::new("a/b/c"));
    refused(HubFile::new("a--b/c"));
    refused(HubFile::new(REPO).sha256("xyz"));
    assert_eq!(server.asked(), [""; 0]);
    assert!(files(cache.path()).is_empty());
}

#[test]
fn a_backbone_comes_from_the_hub() {
    let mut params = Params::new();
    params.insert("layer1.0.conv1.weight", vec![64, 64, 1, 1], vec![0.5; 4096]).unwrap();
    params.insert("fc.bias", vec![10], vec![0.0; 10]).unwrap();
    let server = Server::with(PATH, Reply::file(&params.to_safetensors(None).unwrap()));
    let (hub, _cache) = hub(server.url());

    let source: BackboneSource = format!("hub:{REPO}").parse().unwrap();
    assert_eq!(source, BackboneSource::Hub(HubFile::new(REPO)));
    assert_eq!(source.to_string(), format!("hub:{REPO}"));
    assert_eq!(source.load_with(&hub).unwrap(), (ResNet::ResNet50, params));

    let pth: BackboneSource = format!("hub:{REPO}?file=model.pth").parse().unwrap();
    assert!(matches!(pth.load_with(&hub), Err(Error::PthFile { .. })));
    assert_eq!(server.asked(), [PATH]);
    assert!("hub:../..".parse::<BackboneSource>().is_err());
}
