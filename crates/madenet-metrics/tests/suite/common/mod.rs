//! Random scores and images for the property tests.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "each test binary uses a part")]

use madenet_metrics::PixelMetrics;
use proptest::prelude::*;

/// Scores on a coarse grid, so that ties are common, with labels.
pub fn labelled_scores() -> impl Strategy<Value = (Vec<f32>, Vec<bool>)> {
    prop::collection::vec(((-12i8..12).prop_map(|k| f32::from(k) / 8.0), any::<bool>()), 0..80)
        .prop_map(|pairs| pairs.into_iter().unzip())
}

#[derive(Debug, Clone)]
pub struct Image {
    pub map: Vec<f32>,
    pub mask: Vec<bool>,
    pub height: usize,
    pub width: usize,
}

/// Small images with few levels; a third of them normal.
pub fn images() -> impl Strategy<Value = Vec<Image>> {
    let image = (1usize..8, 1usize..8, 0usize..3).prop_flat_map(|(height, width, kind)| {
        let pixels = height * width;
        let density = if kind == 0 { 0.0 } else { 0.45 };
        let map = prop::collection::vec((0u8..12).prop_map(|k| f32::from(k) / 4.0 - 1.0), pixels);
        let mask = prop::collection::vec(prop::bool::weighted(density), pixels);
        (map, mask).prop_map(move |(map, mask)| Image { map, mask, height, width })
    });
    prop::collection::vec(image, 1..5)
}

pub fn limits() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.05), Just(0.3), Just(1.0), 0.001f64..1.0]
}

pub fn collect(images: &[Image]) -> PixelMetrics {
    let mut metrics = PixelMetrics::new();
    for image in images {
        metrics.push(&image.map, &image.mask, image.height, image.width).unwrap();
    }
    metrics
}

/// As [`images`], but the scores differ by much less than a bin is wide: hundreds of them share each of a few bins, so
/// the histogram knows little of their order.
pub fn close_images() -> impl Strategy<Value = Vec<Image>> {
    images().prop_flat_map(|images| {
        let pixels: usize = images.iter().map(|image| image.map.len()).sum();
        let scores = prop::collection::vec((0u16..400).prop_map(|k| 0.5 + f32::from(k) * 1e-6), pixels);
        (Just(images), scores).prop_map(|(mut images, scores)| {
            let all = images.iter_mut().flat_map(|image| &mut image.map);
            all.zip(scores).for_each(|(score, close)| *score = close);
            images
        })
    })
}
