//! Luminance, colour jitter and rotation against Pillow, torchvision and scipy (see
//! `fixtures/generate_operations.py`); gradients, thresholds, morphology and contours against `imageproc`.
#![allow(clippy::unwrap_used)]

use imageproc::contrast::otsu_level;
use imageproc::distance_transform::Norm;
use imageproc::gradients::{horizontal_sobel, vertical_sobel};
use imageproc::image::{GrayImage, Luma};
use imageproc::morphology;
use imageproc::region_labelling::{Connectivity, connected_components};
use madenet_image::{ColorJitter, Image, Mask, Plane, otsu, rotate, sobel};
use proptest::prelude::*;

fn cases(kind: &str) -> Vec<Vec<&'static str>> {
    let lines = include_str!("fixtures/operations.txt").lines();
    let cases: Vec<Vec<_>> = lines.map(|line| line.split(' ').collect()).collect();
    cases.into_iter().filter(|words: &Vec<&str>| words[0] == kind).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}

/// The same picture as `source` of generate.py.
fn source(words: &[&str]) -> Image {
    let (width, height): (usize, usize) = (words[1].parse().unwrap(), words[2].parse().unwrap());
    let mut pixels = Vec::new();
    for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
        for c in 0..3 {
            let chess = (x / 3 + y / 2 + c) % 2 * 128;
            pixels.push(((7 * x * x + 13 * y + x * y * (c + 3) + 85 * c + chess) % 256) as u8);
        }
    }
    Image::new(width, height, pixels).unwrap()
}

fn worst(got: &[u8], expected: &[u8]) -> u8 {
    assert_eq!(got.len(), expected.len());
    got.iter().zip(expected).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

#[test]
fn luma_rounded_is_pillows() {
    let cases = cases("luma");
    for words in &cases {
        let luma = Plane::luma(&source(words).as_view());
        let levels: Vec<u8> = luma.values().iter().map(|value| (value * 255.0).round() as u8).collect();
        assert_eq!(levels, bytes(words[3]));
    }
    assert_eq!(cases.len(), 3);
}

#[test]
fn one_step_of_jitter_is_torchvisions_within_one_level_and_four_within_three() {
    let cases = cases("jitter");
    for words in &cases {
        let [brightness, contrast, saturation, hue] = [3, 4, 5, 6].map(|i| words[i].parse().unwrap());
        let jitter = ColorJitter { brightness, contrast, saturation, hue };
        let changed = jitter.apply(&source(words).as_view()).unwrap();
        let worst = worst(changed.pixels(), &bytes(words[7]));
        let same = ColorJitter::default();
        let steps = [
            brightness != same.brightness,
            contrast != same.contrast,
            saturation != same.saturation,
            hue != same.hue,
        ];
        // torchvision cuts off the fraction after each step.
        let limit = if steps.iter().filter(|&&step| step).count() == 1 { 1 } else { 3 };
        assert!(worst <= limit, "{jitter:?}: {worst}");
    }
    assert_eq!(cases.len(), 30);
}

#[test]
fn rotation_is_scipys_within_rounding() {
    let cases = cases("rotate");
    for words in &cases {
        let rotated = rotate(&source(words).as_view(), words[3].parse().unwrap()).unwrap();
        let size = (rotated.image.width().to_string(), rotated.image.height().to_string());
        assert_eq!((&*size.0, &*size.1), (words[4], words[5]), "{words:?}");
        let alpha: Vec<u8> =
            rotated.alpha.values().iter().map(|value| (value * 255.0).round() as u8).collect();
        // Ties may round to either side.
        assert!(worst(rotated.image.pixels(), &bytes(words[6])) <= 1, "{words:?}");
        assert!(worst(&alpha, &bytes(words[7])) <= 1, "{words:?}");
    }
    assert_eq!(cases.len(), 9);
}

/// Grey pictures of 1 x 1 to 12 x 12 pixels, of few or of many levels.
fn pictures() -> impl Strategy<Value = GrayImage> {
    let size = (1..=12u32, 1..=12u32, 0..=255u8);
    size.prop_flat_map(|(width, height, brightest)| {
        proptest::collection::vec(0..=brightest, (width * height) as usize)
            .prop_map(move |pixels| GrayImage::from_raw(width, height, pixels).unwrap())
    })
}

fn plane(picture: &GrayImage) -> Plane {
    let values = picture.as_raw().iter().map(|&value| f32::from(value)).collect();
    Plane::new(picture.width() as usize, picture.height() as usize, values).unwrap()
}

/// The pixels that are not 0.
fn mask(picture: &GrayImage) -> Mask {
    plane(picture).above(0.0)
}

/// Variance between the classes up to `level` and above it, exactly, up to a common factor.
fn variance(pixels: &[u8], level: u8) -> (i128, i128) {
    let sum = |pixels: &mut dyn Iterator<Item = &u8>| pixels.map(|&v| i128::from(v)).sum::<i128>();
    let (total, count) = (sum(&mut pixels.iter()), pixels.len() as i128);
    let lower = pixels.iter().filter(|&&v| v <= level);
    let (below, lower_sum) = (lower.clone().count() as i128, sum(&mut lower.clone()));
    ((lower_sum * count - total * below).pow(2), below * (count - below))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn gradients_inside_the_border_are_imageprocs(picture in pictures()) {
        let gradient = sobel(&plane(&picture));
        let (dx, dy) = (horizontal_sobel(&picture), vertical_sobel(&picture));
        for y in 1..picture.height().saturating_sub(1) {
            for x in 1..picture.width().saturating_sub(1) {
                let at = |plane: &Plane| plane.get(x as usize, y as usize).unwrap();
                prop_assert_eq!(at(gradient.dx()), f32::from(dx.get_pixel(x, y).0[0]));
                prop_assert_eq!(at(gradient.dy()), f32::from(dy.get_pixel(x, y).0[0]));
            }
        }
    }

    #[test]
    fn otsus_level_is_imageprocs(picture in pictures()) {
        let (level, other) = (otsu(&plane(&picture)), otsu_level(&picture));
        // For a constant picture, which has no level, imageproc returns 0.
        if picture.as_raw().iter().any(|&value| value != picture.as_raw()[0]) {
            // imageproc's rounding errors may choose the higher one of equal splits.
            let (num, den) = variance(picture.as_raw(), other);
            let (our_num, our_den) = variance(picture.as_raw(), level as u8);
            prop_assert_eq!(our_num * den, num * our_den);
            prop_assert!(level <= f32::from(other));
        }
    }

    #[test]
    fn squares_grow_and_shrink_as_imageprocs(picture in pictures(), percent in 0..100u8, radius in 0..5u8) {
        let binary = GrayImage::from_fn(picture.width(), picture.height(), |x, y| {
            Luma([if picture.get_pixel(x, y).0[0] % 100 < percent { 255 } else { 0 }])
        });
        let (mask_of, r) = (mask(&binary), usize::from(radius));
        // On pictures of one level the distances that imageproc compares with the radius are not defined.
        if (1..mask_of.data().len()).contains(&mask_of.count()) {
            let dilated = morphology::dilate(&binary, Norm::LInf, radius);
            prop_assert_eq!(mask_of.dilate(r).to_string(), mask(&dilated).to_string());
            let eroded = morphology::erode(&binary, Norm::LInf, radius);
            prop_assert_eq!(mask_of.erode(r).to_string(), mask(&eroded).to_string());
        }
    }

    #[test]
    fn every_region_and_every_hole_has_one_contour(picture in pictures(), percent in 0..100u8) {
        // A frame of background makes all background at the border one region.
        let (width, height) = (picture.width() + 2, picture.height() + 2);
        let binary = GrayImage::from_fn(width, height, |x, y| {
            let inside = (1..width - 1).contains(&x) && (1..height - 1).contains(&y);
            Luma([if inside && picture.get_pixel(x - 1, y - 1).0[0] % 100 < percent { 255 } else { 0 }])
        });
        let count = |connectivity, background| {
            let labels = connected_components(&binary, connectivity, Luma([background]));
            labels.pixels().map(|label| label.0[0]).max().unwrap() as usize
        };
        let contours = mask(&binary).contours();
        let holes = contours.iter().filter(|contour| contour.is_hole()).count();
        prop_assert_eq!(contours.len() - holes, count(Connectivity::Eight, 0));
        prop_assert_eq!(holes, count(Connectivity::Four, 255) - 1);
    }
}
