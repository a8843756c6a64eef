//! The AUPIMO: agreement with its definition, properties, and what bad input gives.

#![allow(clippy::unwrap_used)]

use madenet_metrics::{AUPIMO_FPR_BOUNDS, Aupimo, AupimoFigures, Error, Mean};
use proptest::prelude::*;

#[derive(Debug, Clone)]
struct Image {
    map: Vec<f32>,
    mask: Vec<bool>,
    height: usize,
    width: usize,
}

/// Small images of few or many levels; every other one normal.
fn images() -> impl Strategy<Value = Vec<Image>> {
    (prop_oneof![Just(8u16), Just(1000)]).prop_flat_map(|levels| {
        let image = (1usize..8, 1usize..8, any::<bool>()).prop_flat_map(move |(height, width, normal)| {
            let pixels = height * width;
            let density = if normal { 0.0 } else { 0.4 };
            let score = (0..levels).prop_map(move |k| f32::from(k) / f32::from(levels) - 0.5);
            let mask = prop::collection::vec(prop::bool::weighted(density), pixels);
            (prop::collection::vec(score, pixels), mask).prop_map(move |(map, mask)| Image {
                map,
                mask,
                height,
                width,
            })
        });
        prop::collection::vec(image, 1..8)
    })
}

/// Bounds that the largest images above can show: 7 of them have 343 pixels.
fn bounds() -> impl Strategy<Value = (f64, f64)> {
    (0.003f64..0.9, 0.01f64..=1.0).prop_map(|(lower, share)| (lower, lower + share * (1.0 - lower)))
}

fn collect(images: &[Image]) -> Aupimo {
    let mut aupimo = Aupimo::new();
    for image in images {
        aupimo.push(&image.map, &image.mask, image.height, image.width).unwrap();
    }
    aupimo
}

/// By thresholding all images anew at every distinct score, and adding up the lines between the points.
fn aupimo_by_thresholds(images: &[Image], image: &Image, (lower, upper): (f64, f64)) -> Option<f64> {
    let normal: Vec<&Image> = images.iter().filter(|image| !image.mask.contains(&true)).collect();
    if normal.is_empty() || !image.mask.contains(&true) {
        return None;
    }
    let mut thresholds: Vec<f32> = images.iter().flat_map(|image| image.map.iter().copied()).collect();
    thresholds.sort_by(|a, b| b.total_cmp(a));
    thresholds.dedup();
    let share = |scores: &[f32], threshold: f32| {
        scores.iter().filter(|&&score| score >= threshold).count() as f64 / scores.len() as f64
    };
    let defect: Vec<f32> = image.map.iter().zip(&image.mask).filter(|p| *p.1).map(|p| *p.0).collect();
    let mut curve = vec![(0.0, 0.0)];
    for threshold in thresholds {
        let rates = normal.iter().map(|image| share(&image.map, threshold));
        curve.push((rates.sum::<f64>() / normal.len() as f64, share(&defect, threshold)));
    }
    let mut area = 0.0;
    for line in curve.windows(2) {
        let ((x0, y0), (x1, y1)) = (line[0], line[1]);
        let (left, right) = (x0.max(lower), x1.min(upper));
        if left < right {
            let y = |x: f64| {
                if x0 == 0.0 { y0 } else { y0 + (y1 - y0) * (x.ln() - x0.ln()) / (x1.ln() - x0.ln()) }
            };
            area += (right.ln() - left.ln()) * (y(left) + y(right)) / 2.0;
        }
    }
    Some(area / (upper.ln() - lower.ln()))
}

fn near(a: Option<f64>, b: Option<f64>, tolerance: f64) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= tolerance,
        (a, b) => a == b,
    }
}

/// `None` where the normal images are too few for the bounds.
fn finish(aupimo: Aupimo, bounds: (f64, f64)) -> Option<AupimoFigures> {
    match aupimo.finish().between(bounds) {
        Err(Error::AupimoResolution { .. }) => None,
        figures => Some(figures.unwrap()),
    }
}

proptest! {
    #[test]
    fn aupimo_follows_its_definition(images in images(), bounds in bounds()) {
        let normal: Vec<_> = images.iter().filter(|image| !image.mask.contains(&true)).collect();
        let largest = normal.iter().map(|image| image.map.len()).max().unwrap_or(0);
        let finest = 1.0 / (normal.len() * largest) as f64;
        let scores = collect(&images).finish();
        prop_assert_eq!(scores.images(), images.len());
        prop_assert_eq!(scores.normal_images(), normal.len());
        prop_assert_eq!(scores.anomalous_images(), images.len() - normal.len());
        let Some(figures) = finish(collect(&images), bounds) else {
            prop_assert!(bounds.0 < finest && scores.anomalous_images() > 0);
            return Ok(());
        };
        prop_assert!(normal.is_empty() || scores.anomalous_images() == 0 || bounds.0 >= finest);
        // Logarithms of neighbouring rates lose digits where they are subtracted.
        let tolerance = 1e-12 / (bounds.1 / bounds.0).ln();
        let expected: Vec<_> = images.iter().map(|image| aupimo_by_thresholds(&images, image, bounds)).collect();
        for (&got, &expected) in figures.per_image.iter().zip(&expected) {
            prop_assert!(near(got, expected, tolerance), "got {got:?}, expected {expected:?}");
            prop_assert!(got.is_none_or(|area| (0.0..=1.0).contains(&area)));
        }
        let defined: Vec<f64> = expected.into_iter().flatten().collect();
        let mean = (!defined.is_empty()).then(|| defined.iter().sum::<f64>() / defined.len() as f64);
        prop_assert!(near(figures.mean.value, mean, tolerance));
        prop_assert_eq!(figures.mean.total, scores.anomalous_images());
    }

    #[test]
    fn merged_parts_are_the_whole(images in images(), cut in 0usize..8, bounds in bounds()) {
        let (first, second) = images.split_at(cut.min(images.len()));
        let mut merged = collect(first);
        merged.merge(collect(second));
        prop_assert_eq!(finish(merged, bounds), finish(collect(&images), bounds));
    }

    #[test]
    fn aupimo_depends_on_the_order_alone(images in images(), bounds in bounds()) {
        let mut moved = images.clone();
        for image in &mut moved {
            image.map.iter_mut().for_each(|score| *score = *score * 4.0 + 3.0);
        }
        prop_assert_eq!(finish(collect(&moved), bounds), finish(collect(&images), bounds));
    }
}

#[test]
fn normal_images_weigh_the_same_whatever_their_size() {
    let mut aupimo = Aupimo::new();
    // One false positive in 2 pixels is a rate of 1/4 over both images, one in 8 pixels of 1/16.
    aupimo.push(&[0.9, 0.0], &[false; 2], 1, 2).unwrap();
    aupimo.push(&[0.7, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], &[false; 8], 2, 4).unwrap();
    aupimo.push(&[0.8, 0.0], &[true, false], 1, 2).unwrap();
    let scores = aupimo.finish();
    // Nothing up to 1/4, all from there on: two of four octaves.
    assert!(near(scores.between((0.0625, 1.0)).unwrap().per_image[2], Some(0.5), 1e-15));
    assert_eq!((scores.normal_images(), scores.anomalous_images()), (2, 1));
    // The same pixels between other rates.
    assert_eq!(scores.between((0.25, 1.0)).unwrap().per_image[2], Some(1.0));
}

#[test]
fn equal_zeros_are_one_score() {
    let of = |normal: f32, anomalous: f32| {
        let mut aupimo = Aupimo::new();
        aupimo.push(&[normal, -1.0], &[false; 2], 1, 2).unwrap();
        aupimo.push(&[anomalous], &[true], 1, 1).unwrap();
        aupimo.finish().between((0.5, 1.0)).unwrap().mean
    };
    assert_eq!(of(0.0, -0.0), of(0.0, 0.0));
    assert_eq!(of(-0.0, 0.0), of(0.0, 0.0));
}

#[test]
fn the_usual_bounds_need_a_hundred_thousand_pixels() {
    let mut aupimo = Aupimo::new();
    let map: Vec<f32> = (0..50_000u32).map(|k| k as f32).collect();
    aupimo.push(&map, &[false; 50_000], 200, 250).unwrap();
    aupimo.push(&[60_000.0, 49_995.5], &[true; 2], 1, 2).unwrap();
    let error = aupimo.clone().finish().between(AUPIMO_FPR_BOUNDS).unwrap_err();
    assert_eq!(error, Error::AupimoResolution { lower: 1e-5, finest: 2e-5 });
    assert_eq!(
        error.to_string(),
        "there are too few normal pixels for the AUPIMO: \
         expected a lower bound of at least 0.00002, the smallest rate they can show, got 0.00001"
    );
    // A second image of the kind is enough. Half of the defect is found above 8 of 10^5 normal pixels.
    aupimo.push(&map, &[false; 50_000], 200, 250).unwrap();
    let figures = aupimo.finish().between(AUPIMO_FPR_BOUNDS).unwrap();
    assert!(near(figures.mean.value, Some(1.0 - 0.5 * 8f64.ln() / 10f64.ln()), 1e-12));
}

#[test]
fn undefined_figures_are_none() {
    let counts = |mean: Mean| (mean.value, mean.defined, mean.total);
    let empty = Aupimo::new().finish();
    let figures = empty.between(AUPIMO_FPR_BOUNDS).unwrap();
    assert_eq!((figures.per_image, counts(figures.mean), empty.normal_images()), (vec![], (None, 0, 0), 0));

    let mut aupimo = Aupimo::new();
    aupimo.push(&[0.1, 0.2], &[true, false], 1, 2).unwrap();
    let figures = aupimo.clone().finish().between(AUPIMO_FPR_BOUNDS).unwrap();
    assert_eq!((figures.per_image, counts(figures.mean)), (vec![None], (None, 0, 1)));
    // An image without pixels is not a normal one.
    aupimo.push(&[], &[], 0, 5).unwrap();
    let scores = aupimo.finish();
    assert_eq!((scores.images(), scores.normal_images()), (2, 0));
    assert_eq!(scores.between(AUPIMO_FPR_BOUNDS).unwrap().per_image, [None, None]);

    // Two normal pixels cannot show a rate of 1e-5, but nothing is asked of them.
    let mut aupimo = Aupimo::new();
    aupimo.push(&[0.1, 0.2], &[false; 2], 1, 2).unwrap();
    let scores = aupimo.finish();
    for bounds in [AUPIMO_FPR_BOUNDS, (0.5, 1.0)] {
        let figures = scores.between(bounds).unwrap();
        assert_eq!((figures.per_image, counts(figures.mean)), (vec![None], (None, 0, 0)));
    }
    assert_eq!(scores.normal_images(), 1);
}

#[test]
fn bad_input_is_named_and_not_added() {
    for (lower, upper) in [(0.0, 0.5), (0.5, 0.5), (0.5, 0.1), (0.5, 1.1), (-1.0, 0.5)] {
        assert_eq!(Aupimo::new().finish().between((lower, upper)), Err(Error::AupimoBounds { lower, upper }));
    }
    assert!(Aupimo::new().finish().between((f64::NAN, 0.5)).is_err());
    assert!(Aupimo::new().finish().between((0.5, f64::NAN)).is_err());

    let mut aupimo = Aupimo::new();
    aupimo.push(&[0.5; 6], &[false; 6], 2, 3).unwrap();
    let error = aupimo.push(&[0.0, 0.0, 0.0, f32::INFINITY], &[true; 4], 2, 2);
    assert_eq!(error, Err(Error::NonFinitePixel { image: 1, index: 3, x: 1, y: 1, value: f32::INFINITY }));
    let error = aupimo.push(&[0.0; 5], &[true; 5], 2, 3);
    assert_eq!(error, Err(Error::MapSize { image: 1, height: 2, width: 3, got: 5 }));
    let error = aupimo.push(&[0.0; 6], &[true; 5], 2, 3);
    assert_eq!(error, Err(Error::MaskSize { image: 1, height: 2, width: 3, got: 5 }));
    assert!(aupimo.push(&[], &[], usize::MAX, 2).is_err());
    assert_eq!(aupimo.finish().between((0.5, 1.0)).unwrap().per_image, [None]);
}
