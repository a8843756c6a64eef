//! Files that are not what their names say, as they come from real lines: each is a clear error or is read.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use crate::common::{pictures, png, write};
use image::ImageFormat;
use madenet_data::{Dataset, Entry, Error, Folder, Label, Loader, Quarantined, Records};
use madenet_image::DecodeLimits;
use tempfile::TempDir;

/// A gradient, which no encoder makes small.
fn gradient(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let ramp = image::GrayImage::from_fn(width, height, |x, y| image::Luma([(3 * x + 7 * y) as u8]));
    let mut bytes = Cursor::new(Vec::new());
    ramp.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// The first half of a file.
fn half(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.len() / 2);
    bytes
}

/// A PNG whose header announces RGB of `side` x `side` pixels, and whose data is empty.
fn announcing(side: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bytes.extend(side.to_be_bytes());
    bytes.extend(side.to_be_bytes());
    bytes.extend([8, 2, 0, 0, 0]);
    bytes.extend(crc32fast::hash(&bytes[12..]).to_be_bytes());
    bytes.extend(b"\0\0\0\0IDAT");
    bytes.extend(crc32fast::hash(b"IDAT").to_be_bytes());
    bytes
}

/// A small JPEG whose frame header announces `side` x `side` pixels.
fn announcing_jpeg(side: u16) -> Vec<u8> {
    let mut bytes = gradient(16, 16, ImageFormat::Jpeg);
    // The marker of a baseline frame, two bytes of length, one of precision, then height and width.
    let frame = bytes.windows(2).position(|marker| marker == [0xFF, 0xC0]).unwrap();
    for at in [frame + 5, frame + 7] {
        bytes[at..at + 2].copy_from_slice(&side.to_be_bytes());
    }
    bytes
}

/// Name, content, and what the error says before the path: nothing for a file that is read.
fn cases() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    const DAMAGED_PNG: &str = "cannot decode a PNG picture: the file is damaged or cut off: ";
    const DAMAGED_JPEG: &str = "cannot decode a JPEG picture: the file is damaged or cut off: ";
    const NO_IMAGE: &str = "cannot decode a picture: expected the content of a PNG, JPEG, BMP or TIFF file, got no known image format: ";
    let mut text_after_header = png(9, 9, 5);
    text_after_header.truncate(33);
    text_after_header.extend(b"and then a text");
    vec![
        ("empty.png", vec![], "cannot decode a picture: the file is empty (0 bytes): "),
        ("half.jpg", half(gradient(64, 64, ImageFormat::Jpeg)), DAMAGED_JPEG),
        ("half.png", half(gradient(64, 64, ImageFormat::Png)), DAMAGED_PNG),
        ("header.png", text_after_header, DAMAGED_PNG),
        ("text.png", b"# Notes on the line\n".to_vec(), NO_IMAGE),
        ("zeros.png", vec![0; 4096], NO_IMAGE),
        (
            "bomb.png",
            announcing(60_000),
            "cannot decode a picture: too large: 3600000000 pixels, and the limit is 67108864: ",
        ),
        (
            "huge.png",
            announcing(1 << 30),
            "cannot decode a PNG picture: the decoder needs more than 1073741824 bytes: ",
        ),
        (
            "bomb.jpg",
            announcing_jpeg(65_000),
            "cannot decode a picture: too large: 4225000000 pixels, and the limit is 67108864: ",
        ),
        ("one.png", png(1, 1, 9), ""),
        ("wide.png", gradient(20_000, 8, ImageFormat::Png), ""),
        ("thin.png", gradient(20_000, 1, ImageFormat::Png), ""),
        ("tall.png", gradient(1, 20_000, ImageFormat::Png), ""),
        ("jpeg.png", gradient(8, 8, ImageFormat::Jpeg), ""),
    ]
}

fn hostile_folder() -> (TempDir, Records) {
    let folder = pictures(&[]);
    for (name, bytes, _) in cases() {
        write(folder.path(), name, &bytes);
    }
    let records = Folder::open(folder.path()).unwrap();
    (folder, records)
}

/// What is said about each file, in the order of the names.
fn expected(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut expected: Vec<_> = cases()
        .into_iter()
        .map(|(name, _, message)| match folder.join(name) {
            path if message.is_empty() => (path, String::new()),
            path => (path.clone(), format!("{message}{}", path.display())),
        })
        .collect();
    expected.sort();
    expected
}

#[test]
fn every_hostile_file_is_read_or_refused_with_a_clear_message() {
    let (folder, records) = hostile_folder();
    for threads in [0, 2] {
        let said: Vec<(PathBuf, String)> = Loader::new(&records).threads(threads).run(|samples| {
            let message = |(index, sample): (usize, madenet_data::Result<_>)| {
                let path = records.entries()[index].image.clone();
                (path, sample.err().map_or_else(String::new, |error| error.to_string()))
            };
            samples.map(message).collect()
        });
        assert_eq!(said, expected(folder.path()));
    }
}

#[test]
fn the_quarantine_holds_the_bad_files_and_the_rest_is_sound() {
    let (folder, records) = hostile_folder();
    let (bad, good): (Vec<_>, Vec<_>) =
        expected(folder.path()).into_iter().partition(|(_, message)| !message.is_empty());
    for threads in [0, 1, 3] {
        let (sound, quarantined) = records.quarantine(threads).unwrap();
        let said: Vec<_> =
            quarantined.iter().map(|q| (q.entry.image.clone(), q.reason.to_string())).collect();
        assert_eq!(said, bad);
        let kept: Vec<_> = sound.entries().iter().map(|entry| (entry.image.clone(), String::new())).collect();
        assert_eq!(kept, good);
        assert!(sound.quarantine(threads).unwrap().1.is_empty());
        let category = folder.path().file_name().unwrap().to_str().unwrap();
        assert!(quarantined.iter().all(|q| q.entry.category == category && q.entry.label == Label::Normal));
    }
}

#[test]
fn the_quarantine_is_displayed_line_by_line_with_the_causes() {
    let (folder, records) = hostile_folder();
    let (_, quarantined) = records.quarantine(2).unwrap();
    let lines: Vec<String> = quarantined.iter().map(ToString::to_string).collect();
    assert!(lines.iter().all(|line| line.lines().count() == 1 && line.trim() == line));
    let half = lines.iter().find(|line| line.starts_with("half.png")).unwrap();
    let path = folder.path().join("half.png");
    let start = format!(
        "half.png: cannot decode a PNG picture: the file is damaged or cut off: {}: ",
        path.display()
    );
    assert!(half.starts_with(&start) && half.len() > start.len(), "{half}");
}

#[test]
fn a_run_that_tolerates_bad_files_reports_them_like_the_check_before_it() {
    let (_folder, records) = hostile_folder();
    // Two epochs.
    let order: Vec<usize> = (0..records.len()).rev().chain(0..records.len()).collect();
    let mut bad = Vec::new();
    let read = Loader::new(&records).order(order).run(|samples| samples.lenient(&mut bad).count());
    let (sound, quarantined) = records.quarantine(2).unwrap();
    assert_eq!(read, 2 * sound.len());
    let lines = |list: &[Quarantined]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(lines(&records.quarantined(bad).unwrap()), lines(&quarantined));
}

#[test]
fn bad_files_only_are_an_error_instead_of_an_empty_data_set() {
    let folder = pictures(&[]);
    write(folder.path(), "a.png", b"");
    write(folder.path(), "b.png", b"text");
    let error = Folder::open(folder.path()).unwrap().quarantine(2).unwrap_err();
    assert_eq!(error.to_string(), "none of the 2 samples can be read, for instance a.png");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.starts_with("cannot decode a picture: the file is empty (0 bytes): "), "{cause}");
    // No samples at all are nobody's fault.
    assert_eq!(Records::new(vec![]).quarantine(2).unwrap().0.len(), 0);
}

#[test]
fn an_index_beyond_the_end_is_no_bad_file() {
    let folder = pictures(&["a.png"]);
    let records = Folder::open(folder.path()).unwrap();
    let mut bad = Vec::new();
    Loader::new(&records).order(vec![0, 1]).run(|samples| samples.lenient(&mut bad).for_each(drop));
    assert!(matches!(records.quarantined(bad), Err(Error::NoSuchSample { index: 1, len: 1 })));
}

#[test]
fn bombs_are_refused_by_their_header() {
    let folder = pictures(&[]);
    for i in 0..50 {
        write(folder.path(), &format!("{i}.png"), &announcing(60_000));
    }
    let records = Folder::open(folder.path()).unwrap();
    let mut bad = Vec::new();
    assert_eq!(Loader::new(&records).threads(2).run(|samples| samples.lenient(&mut bad).count()), 0);
    // A decoder that made room for the 10 GB of one would find their data damaged.
    let is_too_large = |error: &Error| error.to_string().contains(": too large: 3600000000 pixels");
    assert!(bad.len() == 50 && bad.iter().all(|(_, error)| is_too_large(error)));
    assert!(matches!(records.quarantined(bad), Err(Error::NothingReadable { count: 50, .. })));
}

#[test]
fn wide_pictures_are_refused_where_the_limits_say_so() {
    let folder = pictures(&[]);
    let path = write(folder.path(), "wide.png", &gradient(20_000, 8, ImageFormat::Png));
    let records = Folder::open(folder.path()).unwrap();
    let image = records.get(0).unwrap().image;
    assert_eq!((image.width(), image.height()), (20_000, 8));
    let limits = DecodeLimits { max_pixels: 100_000, ..DecodeLimits::default() };
    assert_eq!(
        records.with_limits(limits).get(0).unwrap_err().to_string(),
        format!(
            "cannot decode a picture: too large: 160000 pixels, and the limit is 100000: {}",
            path.display()
        )
    );
}

fn single(image: PathBuf, mask: Option<PathBuf>) -> Records {
    let (id, category, label) = ("0".to_owned(), "part".to_owned(), Label::Anomalous);
    Records::new(vec![Entry { id, category, label, defect_type: None, image, mask }])
}

#[test]
fn a_file_deleted_after_listing_is_named() {
    let folder = pictures(&["a.png", "b.png"]);
    let records = Folder::open(folder.path()).unwrap();
    let path = folder.path().join("a.png");
    fs::remove_file(&path).unwrap();
    let (sound, quarantined) = records.quarantine(2).unwrap();
    assert_eq!(sound.len(), 1);
    assert_eq!(
        quarantined[0].to_string(),
        format!("a.png: cannot read a picture: there is no such file: {}", path.display())
    );
}

#[test]
fn a_folder_instead_of_a_file_is_named() {
    let folder = pictures(&["a.png"]);
    let error = single(folder.path().to_owned(), None).get(0).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot read a picture: {}", folder.path().display()));
    assert!(std::error::Error::source(&error).is_some());
    // A folder with the name of a picture is not listed at all.
    fs::create_dir(folder.path().join("b.png")).unwrap();
    assert_eq!(Folder::open(folder.path()).unwrap().len(), 1);
    let mask = single(folder.path().join("a.png"), Some(folder.path().to_owned()));
    assert!(mask.get(0).unwrap_err().to_string().ends_with(&folder.path().display().to_string()));
}

#[cfg(unix)]
#[test]
fn an_unreadable_file_is_named() {
    use std::os::unix::fs::PermissionsExt;

    let folder = pictures(&["a.png"]);
    let path = folder.path().join("a.png");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o0)).unwrap();
    // The superuser may read everything.
    if fs::File::open(&path).is_err() {
        let error = Folder::open(folder.path()).unwrap().get(0).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot read a picture: {}", path.display()));
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_listed_is_named_and_the_cause_said_once() {
    use std::error::Error as _;
    use std::os::unix::fs::PermissionsExt;

    let parent = pictures(&["line/a.png"]);
    let refused = |folder: PathBuf| {
        let error = Folder::open(&folder).unwrap_err();
        assert!(matches!(error, Error::ReadFolder { .. }), "{error:?}");
        assert_eq!(error.to_string(), format!("cannot list a folder: {}", folder.display()));
        assert!(error.source().is_some());
    };
    refused(parent.path().join("a".repeat(5000)));
    let line = parent.path().join("line");
    fs::set_permissions(&line, fs::Permissions::from_mode(0o0)).unwrap();
    // The superuser may read everything.
    if fs::read_dir(&line).is_err() {
        refused(line.clone());
    }
    fs::set_permissions(&line, fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn names_cannot_drive_a_terminal() {
    let (path, id) = (PathBuf::from("no/such/\u{1b}[2J.png"), "\u{1b}[2J\n.png".to_owned());
    let (category, label) = ("part".to_owned(), Label::Normal);
    let entry = Entry { id, category, label, defect_type: None, image: path, mask: None };
    let reason = Records::new(vec![entry.clone()]).get(0).unwrap_err();
    assert_eq!(
        Quarantined { entry, reason }.to_string(),
        r"\u{1b}[2J\n.png: cannot read a picture: there is no such file: no/such/\u{1b}[2J.png"
    );
}
