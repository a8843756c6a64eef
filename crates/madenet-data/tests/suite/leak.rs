//! Pictures that occur twice.
#![allow(clippy::unwrap_used)]

use std::io::Cursor;

use crate::common::{pictures, png, write};
use image::{DynamicImage, ImageFormat};
use madenet_data::{Content, Error, Leak, MvtecAd, Records, Split, duplicates, leaks};
use tempfile::TempDir;

fn parts(folder: &TempDir) -> (Records, Records) {
    let part = |split| MvtecAd::open(folder.path(), split).unwrap();
    (part(Split::Train), part(Split::Test))
}

/// A file of `picture`.
fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A picture of 8 bits that is not the same turned or mirrored.
fn ramp(start: u8) -> image::GrayImage {
    image::GrayImage::from_fn(5, 4, |x, y| image::Luma([start + (10 * x + y) as u8]))
}

fn colours() -> image::RgbImage {
    image::RgbImage::from_fn(5, 4, |x, y| image::Rgb([x as u8, y as u8, 7]))
}

/// Train and test with: the same bytes, the same colours as BMP, the same grey as BMP, and different ones of
/// equal size.
fn leaking() -> TempDir {
    let folder = pictures(&[]);
    let (grey, rgb) = (DynamicImage::from(ramp(0)), DynamicImage::from(colours()));
    for (name, bytes) in [
        ("train/good/0.png", png(4, 3, 100)),
        ("train/good/1.png", png(4, 3, 100)),
        ("train/good/2.png", encoded(&grey, ImageFormat::Png)),
        ("train/good/3.png", encoded(&rgb, ImageFormat::Png)),
        ("train/good/4.bmp", encoded(&ramp(1).into(), ImageFormat::Bmp)),
        ("test/good/0.png", png(4, 3, 101)),
        ("test/good/1.png", png(4, 3, 100)),
        ("test/good/2.bmp", encoded(&grey, ImageFormat::Bmp)),
        ("test/good/3.tif", encoded(&rgb, ImageFormat::Tiff)),
        ("test/cut/0.png", png(4, 3, 100)),
        ("test/cut/1.png", png(3, 4, 100)),
        ("test/cut/2.png", encoded(&DynamicImage::from(ramp(0)).into_luma16().into(), ImageFormat::Png)),
    ] {
        write(folder.path(), name, &bytes);
    }
    folder
}

fn pairs(leaks: &[Leak]) -> Vec<(&str, &str)> {
    leaks.iter().map(|leak| (leak.train.as_str(), leak.test.as_str())).collect()
}

#[test]
fn equal_bytes_in_both_parts_are_found() {
    let folder = leaking();
    let (train, test) = parts(&folder);
    for threads in [0, 1, 3] {
        let found = leaks(&train, &test, Content::Bytes, threads).unwrap();
        let expected = [("train/good/0.png", "test/cut/0.png"), ("train/good/0.png", "test/good/1.png")];
        assert_eq!(pairs(&found), expected);
    }
}

#[test]
fn a_leak_is_displayed_on_one_line_that_cannot_drive_a_terminal() {
    let leak = Leak { train: "a\n.png".to_owned(), test: "\u{1b}[2J.png".to_owned() };
    assert_eq!(
        leak.to_string(),
        r"the test sample \u{1b}[2J.png has the content of the training sample a\n.png"
    );
}

#[test]
fn equal_pixels_are_found_in_other_formats() {
    let folder = leaking();
    let (train, test) = parts(&folder);
    for threads in [0, 1, 3] {
        let found = leaks(&train, &test, Content::Pixels, threads).unwrap();
        let expected = [
            ("train/good/0.png", "test/cut/0.png"),
            ("train/good/0.png", "test/good/1.png"),
            ("train/good/2.png", "test/good/2.bmp"),
            ("train/good/3.png", "test/good/3.tif"),
        ];
        assert_eq!(pairs(&found), expected);
    }
}

#[test]
fn duplicates_are_grouped() {
    let folder = leaking();
    let (train, test) = parts(&folder);
    for by in [Content::Bytes, Content::Pixels] {
        assert_eq!(duplicates(&train, by, 2).unwrap(), [["train/good/0.png", "train/good/1.png"]]);
        assert_eq!(duplicates(&test, by, 2).unwrap(), [["test/cut/0.png", "test/good/1.png"]]);
    }
    let all = Records::new([train.entries(), test.entries()].concat());
    let groups = [
        vec!["test/cut/0.png", "test/good/1.png", "train/good/0.png", "train/good/1.png"],
        vec!["test/good/2.bmp", "train/good/2.png"],
        vec!["test/good/3.tif", "train/good/3.png"],
    ];
    assert_eq!(duplicates(&all, Content::Pixels, 2).unwrap(), groups);
    assert_eq!(duplicates(&all, Content::Bytes, 2).unwrap(), groups[..1]);
}

#[test]
fn deep_pictures_are_compared_at_their_depth() {
    let folder = pictures(&[]);
    let deep = |low: u16| image::ImageBuffer::<image::Luma<u16>, _>::from_raw(2, 1, vec![1000, low]).unwrap();
    for (name, low, format) in
        [("a.png", 1, ImageFormat::Png), ("b.tif", 1, ImageFormat::Tiff), ("c.png", 2, ImageFormat::Png)]
    {
        write(folder.path(), name, &encoded(&deep(low).into(), format));
    }
    let records = madenet_data::Folder::open(folder.path()).unwrap();
    assert_eq!(duplicates(&records, Content::Pixels, 2).unwrap(), [["a.png", "b.tif"]]);
}

#[test]
fn files_longer_than_a_block_are_compared_to_the_end() {
    let folder = pictures(&[]);
    let noise = |last: u8| {
        let mut bytes: Vec<u8> =
            (0..200_001u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        bytes.push(last);
        bytes
    };
    for (name, last) in [("a.png", 0), ("b.png", 1), ("c.png", 0)] {
        write(folder.path(), name, &noise(last));
    }
    let records = madenet_data::Folder::open(folder.path()).unwrap();
    assert_eq!(duplicates(&records, Content::Bytes, 2).unwrap(), [["a.png", "c.png"]]);

    // Three blocks of values and some, which differ in the last pixel.
    let deep = |last: u16| {
        let values = (0..3 * 401 * 100u32).map(|i| i as u16).chain([3, 2, last]).collect();
        image::ImageBuffer::<image::Rgb<u16>, Vec<u16>>::from_raw(40_101, 1, values).unwrap()
    };
    for (name, last) in [("a.png", 0), ("b.png", 1), ("c.png", 0)] {
        write(folder.path(), name, &encoded(&deep(last).into(), ImageFormat::Png));
    }
    assert_eq!(duplicates(&records, Content::Pixels, 2).unwrap(), [["a.png", "c.png"]]);
}

#[test]
fn masks_do_not_matter() {
    let folder = pictures(&["train/good/0.png", "test/cut/0.png"]);
    write(folder.path(), "ground_truth/cut/0_mask.png", b"text");
    let (train, test) = parts(&folder);
    assert_eq!(leaks(&train, &test, Content::Pixels, 1).unwrap().len(), 1);
}

#[test]
fn bad_files_are_errors_that_name_them() {
    let folder = pictures(&["train/good/0.png", "test/good/1.png"]);
    let path = write(folder.path(), "test/good/0.png", b"");
    let (train, test) = parts(&folder);
    let error = leaks(&train, &test, Content::Pixels, 2).unwrap_err();
    assert!(matches!(error, Error::Image(madenet_image::Error::EmptyFile { .. })), "{error}");
    // As bytes, an empty file is as good as any other.
    assert_eq!(leaks(&train, &test, Content::Bytes, 2).unwrap().len(), 1);

    std::fs::remove_file(&path).unwrap();
    for by in [Content::Bytes, Content::Pixels] {
        let error = leaks(&train, &test, by, 2).unwrap_err().to_string();
        assert_eq!(error, format!("cannot read a picture: there is no such file: {}", path.display()));
        assert_eq!(duplicates(&test, by, 2).unwrap_err().to_string(), error);
    }
}

#[test]
fn parts_without_samples_have_no_leaks() {
    let folder = leaking();
    let (train, test) = parts(&folder);
    let none = Records::new(vec![]);
    for by in [Content::Bytes, Content::Pixels] {
        assert!(leaks(&none, &test, by, 2).unwrap().is_empty());
        assert!(leaks(&train, &none, by, 2).unwrap().is_empty());
        assert!(duplicates(&none, by, 2).unwrap().is_empty());
    }
}
