//! A flat folder of good images.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::Cursor;

use crate::common::{pictures, png, write};
use madenet_data::{Dataset, Error, Folder, Ignored, Label, Layout, Split};
use madenet_image::{Channels, DecodeLimits, Values};

#[test]
fn every_picture_is_a_normal_sample_in_the_order_of_names() {
    let folder = pictures(&["b.png", "A.PNG", "c.jpeg", "10.tif", "9.bmp"]);
    for other in ["notes.txt", ".hidden.png", "Thumbs.db", "png", "nested/d.png"] {
        write(folder.path(), other, b"not an image");
    }
    let records = Folder::open(folder.path()).unwrap();
    let ids: Vec<&str> = records.entries().iter().map(|entry| entry.id.as_str()).collect();
    assert_eq!(ids, ["10.tif", "9.bmp", "A.PNG", "b.png", "c.jpeg"]);

    let dataset: &dyn Dataset = &records;
    assert_eq!((dataset.len(), dataset.is_empty()), (5, false));
    let sample = dataset.get(3).unwrap();
    assert_eq!((sample.id.as_str(), sample.label), ("b.png", Label::Normal));
    assert_eq!((sample.defect_type, sample.mask), (None, None));
    assert_eq!(sample.image.values(), Values::U8(&[100; 36]));

    let error = dataset.get(5).unwrap_err();
    assert_eq!(error.to_string(), "there is no sample 5: the data set has 5");
}

#[test]
fn photographs_keep_their_depth_and_grey_stays_grey() {
    let folder = pictures(&[]);
    let deep = image::ImageBuffer::<image::Luma<u16>, _>::from_raw(2, 1, vec![1, 4095]).unwrap();
    let mut bytes = Cursor::new(Vec::new());
    deep.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    write(folder.path(), "deep.png", &bytes.into_inner());
    let sample = Folder::open(folder.path()).unwrap().get(0).unwrap();
    assert_eq!((sample.image.channels(), sample.image.bit_depth()), (Channels::Gray, 16));
    assert_eq!(sample.image.values(), Values::U16(&[1, 4095]));
}

#[test]
fn a_missing_folder_is_an_error() {
    let folder = pictures(&[]);
    let missing = folder.path().join("missing");
    let error = Folder::open(&missing).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("there is no such folder, expected a folder of good images: {}", missing.display())
    );
    let file = write(folder.path(), "file", b"");
    let error = Folder::open(&file).unwrap_err();
    assert!(matches!(error, Error::NotAFolder { .. }));
    assert_eq!(
        error.to_string(),
        format!("this is not a folder, expected a folder of good images: {}", file.display())
    );
}

#[test]
fn a_folder_without_pictures_is_an_error_that_says_what_is_expected() {
    let folder = pictures(&[]);
    write(folder.path(), "readme.md", b"pictures follow");
    let error = Folder::open(folder.path()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "no images in the folder, expected files named *.png, *.jpg, *.jpeg, *.bmp, *.tif, *.tiff: {}",
            folder.path().display()
        )
    );
}

#[test]
fn damaged_pictures_are_errors_that_name_the_file_and_spare_the_others() {
    let folder = pictures(&["good.png"]);
    write(folder.path(), "empty.png", b"");
    write(folder.path(), "half.png", &png(40, 30, 7)[..60]);
    let jpeg = jpeg();
    write(folder.path(), "half.jpg", &jpeg[..jpeg.len() / 2]);

    let records = Folder::open(folder.path()).unwrap();
    let error = |index: usize| records.get(index).unwrap_err();
    assert!(matches!(error(0), Error::Image(madenet_image::Error::EmptyFile { .. })));
    assert!(error(0).to_string().ends_with("empty.png"));
    assert_eq!(records.get(1).unwrap().id, "good.png");
    for (index, name) in [(2, "half.jpg"), (3, "half.png")] {
        assert!(matches!(error(index), Error::Image(madenet_image::Error::Corrupt { .. })), "{name}");
        assert!(error(index).to_string().ends_with(name));
    }

    fs::remove_file(folder.path().join("good.png")).unwrap();
    assert!(matches!(error(1), Error::Image(madenet_image::Error::NotFound { .. })));
}

fn jpeg() -> Vec<u8> {
    let ramp = image::GrayImage::from_fn(64, 64, |x, y| image::Luma([(3 * x + y) as u8]));
    let mut bytes = Cursor::new(Vec::new());
    ramp.write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

#[test]
fn limits_can_be_changed() {
    let folder = pictures(&["a.png"]);
    let limits = DecodeLimits { max_pixels: 11, ..DecodeLimits::default() };
    let records = Folder::open(folder.path()).unwrap().with_limits(limits);
    assert!(matches!(records.get(0), Err(Error::Image(madenet_image::Error::TooLarge { .. }))));
    assert!(records.normal().get(0).is_err());
}

#[cfg(unix)]
#[test]
fn a_name_that_is_no_text_is_an_error_and_a_scan_reports_it() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let folder = pictures(&["a.png"]);
    if fs::write(folder.path().join(OsStr::from_bytes(b"\xFF.png")), b"").is_ok() {
        assert!(matches!(Folder::open(folder.path()), Err(Error::NotUtf8 { .. })));
        let scan = Folder::scan(folder.path()).unwrap();
        assert_eq!(scan.records(Split::Train).unwrap().len(), 1);
        assert_eq!(scan.report().ignored()[&Ignored::NotUtf8].len(), 1);
    }
}

#[test]
fn a_scan_finds_the_same_pictures_and_says_what_it_passes_over() {
    let folder = pictures(&["a.png", "b.jpg", "nested/c.png"]);
    write(folder.path(), "notes.txt", b"");
    let scan = madenet_data::scan(folder.path()).unwrap();
    assert_eq!(scan.report().layout(), Layout::Flat);
    let (scanned, opened) = (scan.records(Split::Train).unwrap(), Folder::open(folder.path()).unwrap());
    assert_eq!(scanned.entries(), opened.entries());
    let ignored = scan.report().ignored();
    assert_eq!(ignored[&Ignored::OutsideLayout][0].path.to_str(), Some("nested/c.png"));
    assert_eq!(ignored[&Ignored::NotAnImage][0].path.to_str(), Some("notes.txt"));
    assert_eq!(scan.report().warnings(), []);
    let expected = "no test images: a flat folder of good images has a training part only: ";
    assert_eq!(
        scan.records(Split::Test).unwrap_err().to_string(),
        format!("{expected}{}", folder.path().display())
    );
}

#[test]
fn a_scan_without_pictures_gives_a_report_but_no_records() {
    let folder = pictures(&["nested/c.png"]);
    let scan = Folder::scan(folder.path()).unwrap();
    assert_eq!(scan.report().files().len(), 1);
    assert!(matches!(scan.records(Split::Train), Err(Error::NoImages { .. })));
}
