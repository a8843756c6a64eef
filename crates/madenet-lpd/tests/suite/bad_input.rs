use madenet_image::{Mask, Rect};
use madenet_lpd::{DistortionConfig, Perceptibility};

use crate::common::{distorter, mask, noise};

#[test]
fn messages_say_what_was_expected() {
    let distorter = distorter(DistortionConfig::default());
    let image = noise(32, 32, 0);
    let place = Rect::new(4, 4, 8, 8);
    let patch = mask(32, 32, place);
    let none = Mask::new(32, 32, vec![false; 32 * 32]).unwrap();
    let box_of = |got: &str| {
        format!("the box of a patch must have pixels and lie within its picture of 32 x 32, got {got}")
    };
    let cases = [
        (
            distorter.distort(&noise(15, 40, 0), 0, 0, 0).unwrap_err(),
            "patches need a picture of at least 16 x 16 pixels, got 15 x 40".to_owned(),
        ),
        (
            distorter.recompose(&noise(40, 1, 0), 0, 0, 0).unwrap_err(),
            "patches need a picture of at least 16 x 16 pixels, got 40 x 1".to_owned(),
        ),
        (
            Perceptibility::measure(&image, &noise(32, 31, 0), &patch, place).unwrap_err(),
            "the changed picture must be as large as the picture: expected 32 x 32, got 32 x 31".to_owned(),
        ),
        (
            Perceptibility::measure(&image, &image, &mask(16, 32, place), place).unwrap_err(),
            "the mask must be as large as the picture: expected 32 x 32, got 16 x 32".to_owned(),
        ),
        (
            Perceptibility::measure(&image, &image, &patch, Rect::new(30, 4, 8, 8)).unwrap_err(),
            box_of("8 x 8 at (30, 4)"),
        ),
        (
            Perceptibility::measure(&image, &image, &patch, Rect::new(3, 4, 0, 8)).unwrap_err(),
            box_of("0 x 8 at (3, 4)"),
        ),
        (
            Perceptibility::measure(&image, &image, &patch, Rect::new(3, usize::MAX, 8, 8)).unwrap_err(),
            box_of(&format!("8 x 8 at (3, {})", usize::MAX)),
        ),
        (
            Perceptibility::measure(&image, &image, &none, place).unwrap_err(),
            "the mask of a patch must have at least one pixel within its box, got none".to_owned(),
        ),
    ];
    for (error, message) in cases {
        assert_eq!(error.to_string(), message);
    }
}

/// Every pixel of the picture may be the patch: there is nothing around it.
#[test]
fn a_patch_without_surroundings_does_not_differ_from_them() {
    let all = Rect::new(0, 0, 20, 20);
    let (before, after) = (noise(20, 20, 0), noise(20, 20, 1));
    let figures = Perceptibility::measure(&before, &after, &mask(20, 20, all), all).unwrap();
    assert_eq!((figures.area, figures.color, figures.texture, figures.edge), (1.0, 0.0, 0.0, 0.0));
    assert_eq!(figures.structure, None);
}
