//! Masks that are not as large as their images.
#![allow(clippy::unwrap_used)]

use std::io::Cursor;

use crate::common::{pictures, png, write};
use image::ImageFormat;
use madenet_data::{Dataset, Error, MaskPolicy, MvtecAd, Split};
use madenet_image::Mask;
use tempfile::TempDir;

/// A test part with a mask that fits, one of twice the size, and a damaged one.
fn masks() -> TempDir {
    let folder = pictures(&[
        "train/good/0.png",
        "test/good/0.png",
        "test/cut/0.png",
        "test/cut/1.png",
        "test/cut/2.png",
        "ground_truth/cut/0_mask.png",
    ]);
    // 8 x 6 pixels with one anomalous quarter, for an image of 4 x 3.
    let mask = image::GrayImage::from_fn(8, 6, |x, y| image::Luma([u8::from(x < 4 && y < 2)]));
    let mut bytes = Cursor::new(Vec::new());
    mask.write_to(&mut bytes, ImageFormat::Png).unwrap();
    write(folder.path(), "ground_truth/cut/1_mask.png", &bytes.into_inner());
    write(folder.path(), "ground_truth/cut/2_mask.png", b"text");
    folder
}

#[test]
fn a_mask_of_another_size_is_resized_where_the_policy_says_so() {
    let folder = masks();
    let strict = MvtecAd::open(folder.path(), Split::Test).unwrap();
    assert!(matches!(strict.get(1), Err(Error::MaskSize { image_size: (4, 3), mask_size: (8, 6), .. })));
    let resizing = strict.clone().with_mask_policy(MaskPolicy::Resize);
    let expected = Mask::from_ascii(
        "
        **..
        ....
        ....
        ",
    );
    assert_eq!(resizing.get(1).unwrap().mask, Some(expected.unwrap()));
    // One that fits stays, and a damaged one remains an error.
    assert_eq!(resizing.get(0).unwrap(), strict.get(0).unwrap());
    assert!(matches!(resizing.get(2), Err(Error::Image(_))));
    // Parts inherit the policy.
    assert!(resizing.anomalous().get(1).is_ok());
}

#[test]
fn a_turned_mask_is_refused_whatever_the_policy() {
    let folder = pictures(&["train/good/0.png", "test/cut/0.png"]);
    write(folder.path(), "ground_truth/cut/0_mask.png", &png(3, 4, 0));
    for policy in [MaskPolicy::Strict, MaskPolicy::Resize] {
        let records = MvtecAd::open(folder.path(), Split::Test).unwrap().with_mask_policy(policy);
        let error = records.get(0).unwrap_err();
        assert!(matches!(error, Error::MaskSize { image_size: (4, 3), mask_size: (3, 4), .. }), "{error}");
        assert_eq!(records.mask_mismatches(1).len(), 1);
    }
}

#[test]
fn masks_of_another_size_are_reported_whatever_the_policy() {
    let folder = masks();
    for policy in [MaskPolicy::Strict, MaskPolicy::Resize] {
        let records = MvtecAd::open(folder.path(), Split::Test).unwrap().with_mask_policy(policy);
        let mismatches = records.mask_mismatches(2);
        assert_eq!(mismatches.len(), 1);
        assert_eq!(
            mismatches[0].to_string(),
            format!(
                "test/cut/1.png: a mask must be as large as its image, or have its proportions where masks are \
                 resized: the image has 4 x 3 pixels, the mask 8 x 6: {} and {}",
                folder.path().join("test/cut/1.png").display(),
                folder.path().join("ground_truth/cut/1_mask.png").display()
            )
        );
        let quarantined = records.quarantine(2).unwrap().1;
        let ids: Vec<&str> = quarantined.iter().map(|q| q.entry.id.as_str()).collect();
        match policy {
            MaskPolicy::Strict => assert_eq!(ids, ["test/cut/1.png", "test/cut/2.png"]),
            MaskPolicy::Resize => assert_eq!(ids, ["test/cut/2.png"]),
        }
    }
}
