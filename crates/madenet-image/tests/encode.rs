//! Writing PNG files: whole or not at all.
#![allow(clippy::unwrap_used)]
#![cfg(feature = "image")]

use std::fs;
use std::path::Path;

use madenet_image::{Channels, Error, Image, Mask, Values, decode, decode_mask, save_mask, save_png};

fn image(value: u8) -> Image {
    Image::new(5, 3, vec![value; 45]).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_saved_picture_is_read_back_and_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("heat.png");
    for value in [10, 20] {
        save_png(&image(value), &path).unwrap();
        assert_eq!(decode(&path).unwrap().to_rgb(), image(value));
    }
    assert_eq!(names(folder.path()), ["heat.png"]);
}

#[test]
fn a_saved_mask_is_grey_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mask.png");
    let mask = Mask::from_ascii("*..\n.**").unwrap();
    save_mask(&mask, &path).unwrap();
    let picture = decode(&path).unwrap();
    assert_eq!(picture.channels(), Channels::Gray);
    assert_eq!(picture.values(), Values::U8(&[255, 0, 0, 0, 255, 255]));
    assert_eq!(decode_mask(&path).unwrap(), mask);

    let missing = folder.path().join("missing").join("mask.png");
    assert!(matches!(save_mask(&mask, missing), Err(Error::Write { .. })));
}

#[test]
fn a_failed_save_names_the_path_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing").join("heat.png");
    let error = save_png(&image(1), &missing).unwrap_err();
    assert!(matches!(error, Error::Write { .. }));
    assert!(error.to_string().ends_with(&missing.display().to_string()), "{error}");

    // A folder in the way: the rename fails, the folder and its content stay.
    let folder_in_the_way = folder.path().join("heat.png");
    fs::create_dir(&folder_in_the_way).unwrap();
    fs::write(folder_in_the_way.join("kept"), "kept").unwrap();
    assert!(matches!(save_png(&image(1), &folder_in_the_way), Err(Error::Write { .. })));
    assert_eq!(names(folder.path()), ["heat.png"]);
    assert_eq!(names(&folder_in_the_way), ["kept"]);

    assert!(matches!(save_png(&image(1), folder.path().join("..")), Err(Error::Write { .. })));
}
