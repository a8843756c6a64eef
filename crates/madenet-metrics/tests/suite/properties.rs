//! Properties, and agreement with slow references written straight from the definitions.

#![allow(clippy::unwrap_used)]

use crate::common::{Image, collect, images, labelled_scores, limits};
use madenet_metrics::{Connectivity, auroc, average_precision, components, f1_max};
use proptest::prelude::*;

/// Sums of a few hundred terms near 1, taken in another order than the library's.
const REORDERED: f64 = 1e-12;

/// Mann-Whitney by counting every pair.
fn auroc_by_pairs(scores: &[f32], labels: &[bool]) -> Option<f64> {
    let of = |class: bool| scores.iter().zip(labels).filter(move |pair| *pair.1 == class).map(|pair| *pair.0);
    let pairs: Vec<f64> = of(true)
        .flat_map(|p| of(false).map(move |n| if p == n { 0.5 } else { f64::from(u8::from(p > n)) }))
        .collect();
    (!pairs.is_empty()).then(|| pairs.iter().sum::<f64>() / pairs.len() as f64)
}

/// Average precision by thresholding anew at every distinct score.
fn average_precision_by_thresholds(scores: &[f32], labels: &[bool]) -> Option<f64> {
    let positives = labels.iter().filter(|&&label| label).count();
    if positives == 0 || positives == labels.len() {
        return None;
    }
    let (mut sum, mut last_recall) = (0.0, 0.0);
    for threshold in descending_distinct(scores) {
        let predicted = scores.iter().filter(|&&score| score >= threshold).count();
        let hits = scores.iter().zip(labels).filter(|pair| *pair.0 >= threshold && *pair.1).count();
        let recall = hits as f64 / positives as f64;
        sum += (recall - last_recall) * hits as f64 / predicted as f64;
        last_recall = recall;
    }
    Some(sum)
}

/// The best F1, and the lowest threshold that reaches it, by thresholding anew at every distinct score.
fn f1_max_by_thresholds(scores: &[f32], labels: &[bool]) -> Option<(f64, f32)> {
    let positives = labels.iter().filter(|&&label| label).count();
    if positives == 0 || positives == labels.len() {
        return None;
    }
    let f1 = |threshold: f32| {
        let predicted = scores.iter().filter(|&&score| score >= threshold).count() as f64;
        let hits = scores.iter().zip(labels).filter(|pair| *pair.0 >= threshold && *pair.1).count() as f64;
        let (precision, recall) = (hits / predicted, hits / positives as f64);
        if hits == 0.0 { 0.0 } else { 2.0 * precision * recall / (precision + recall) }
    };
    let curve: Vec<(f64, f32)> = descending_distinct(scores).into_iter().map(|t| (f1(t), t)).collect();
    let best = curve.iter().map(|&(f1, _)| f1).fold(0.0, f64::max);
    // Fractions of at most 160 that differ do so by more than 1 / 160^2.
    curve.into_iter().rfind(|&(f1, _)| f1 >= best - REORDERED)
}

fn descending_distinct(scores: &[f32]) -> Vec<f32> {
    let mut thresholds = scores.to_vec();
    thresholds.sort_by(|a, b| b.total_cmp(a));
    thresholds.dedup();
    thresholds
}

/// Regions as lists of pixels, grown one after the other from their first pixel in raster order.
fn flood_fill(image: &Image, connectivity: Connectivity) -> Vec<Vec<usize>> {
    let (height, width) = (image.height as isize, image.width as isize);
    let mut open = image.mask.clone();
    let mut regions = Vec::new();
    for seed in 0..open.len() {
        if !std::mem::take(&mut open[seed]) {
            continue;
        }
        let mut region = vec![seed];
        let mut next = 0;
        while next < region.len() {
            let (y, x) = (region[next] as isize / width, region[next] as isize % width);
            next += 1;
            for (dy, dx) in (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (dy, dx))) {
                let reachable = connectivity == Connectivity::Eight || dy == 0 || dx == 0;
                if reachable && (0..height).contains(&(y + dy)) && (0..width).contains(&(x + dx)) {
                    let neighbour = ((y + dy) * width + x + dx) as usize;
                    if std::mem::take(&mut open[neighbour]) {
                        region.push(neighbour);
                    }
                }
            }
        }
        regions.push(region);
    }
    regions
}

/// The AUPRO by thresholding all images anew at every distinct score.
fn aupro_by_thresholds(images: &[Image], limit: f64) -> Option<f64> {
    let regions: Vec<(&Image, Vec<usize>)> = images
        .iter()
        .flat_map(|image| {
            flood_fill(image, Connectivity::Eight).into_iter().map(move |region| (image, region))
        })
        .collect();
    let normals: Vec<f32> = images
        .iter()
        .flat_map(|image| image.map.iter().zip(&image.mask).filter(|pair| !*pair.1).map(|pair| *pair.0))
        .collect();
    if regions.is_empty() || normals.is_empty() {
        return None;
    }
    let all: Vec<f32> = images.iter().flat_map(|image| image.map.iter().copied()).collect();
    let mut curve = vec![(0.0, 0.0)];
    for threshold in descending_distinct(&all) {
        let fpr = normals.iter().filter(|&&score| score >= threshold).count() as f64 / normals.len() as f64;
        let covered = |(image, region): &(&Image, Vec<usize>)| {
            region.iter().filter(|&&pixel| image.map[pixel] >= threshold).count() as f64 / region.len() as f64
        };
        curve.push((fpr, regions.iter().map(covered).sum::<f64>() / regions.len() as f64));
    }
    curve.push((1.0, 1.0));
    Some(area_up_to(&curve, limit) / limit)
}

fn area_up_to(curve: &[(f64, f64)], limit: f64) -> f64 {
    curve
        .windows(2)
        .map(|segment| {
            let ((x0, y0), (x1, y1)) = (segment[0], segment[1]);
            if x0 >= limit || x0 == x1 {
                return 0.0;
            }
            let end = x1.min(limit);
            let y_end = y0 + (y1 - y0) * (end - x0) / (x1 - x0);
            (end - x0) * (y0 + y_end) / 2.0
        })
        .sum()
}

fn near(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= REORDERED,
        (a, b) => a == b,
    }
}

/// Strictly increasing, and exact on the grids above.
fn increasing(score: f32) -> f32 {
    score * score * score + 0.5 * score - 3.0
}

proptest! {
    #[test]
    fn auroc_counts_pairs((scores, labels) in labelled_scores()) {
        let (got, expected) = (auroc(&scores, &labels)?, auroc_by_pairs(&scores, &labels));
        prop_assert!(near(got, expected), "got {got:?}, expected {expected:?}");
    }

    #[test]
    fn average_precision_follows_its_definition((scores, labels) in labelled_scores()) {
        let got = average_precision(&scores, &labels)?;
        let expected = average_precision_by_thresholds(&scores, &labels);
        prop_assert!(near(got, expected), "got {got:?}, expected {expected:?}");
        prop_assert!(got.is_none_or(|ap| 0.0 < ap && ap <= 1.0));
    }

    #[test]
    fn f1_max_follows_its_definition((scores, labels) in labelled_scores()) {
        let got = f1_max(&scores, &labels)?;
        let expected = f1_max_by_thresholds(&scores, &labels);
        prop_assert!(near(got.map(|best| best.f1), expected.map(|(f1, _)| f1)), "got {got:?}, expected {expected:?}");
        prop_assert_eq!(got.map(|best| best.threshold), expected.map(|(_, threshold)| threshold));
        if let Some(best) = got {
            let (p, r) = (best.precision, best.recall);
            prop_assert!((best.f1 - 2.0 * p * r / (p + r)).abs() <= REORDERED);
        }
    }

    #[test]
    fn flipped_labels_mirror_the_auroc((scores, labels) in labelled_scores()) {
        let flipped: Vec<bool> = labels.iter().map(|label| !label).collect();
        let expected = auroc(&scores, &labels)?.map(|area| 1.0 - area);
        prop_assert!(near(auroc(&scores, &flipped)?, expected));
    }

    #[test]
    fn image_metrics_depend_on_the_order_alone((scores, labels) in labelled_scores()) {
        let moved: Vec<f32> = scores.iter().copied().map(increasing).collect();
        prop_assert_eq!(auroc(&moved, &labels)?, auroc(&scores, &labels)?);
        prop_assert_eq!(average_precision(&moved, &labels)?, average_precision(&scores, &labels)?);
        let expected = f1_max(&scores, &labels)?.map(|mut best| {
            best.threshold = increasing(best.threshold);
            best
        });
        prop_assert_eq!(f1_max(&moved, &labels)?, expected);
    }

    #[test]
    fn pixel_metrics_depend_on_the_order_alone(images in images(), limit in 0.01f64..=1.0) {
        let mut moved = images.clone();
        for image in &mut moved {
            image.map.iter_mut().for_each(|score| *score = increasing(*score));
        }
        let (got, expected) = (collect(&moved).finish(), collect(&images).finish());
        prop_assert_eq!(got.auroc(), expected.auroc());
        prop_assert_eq!(got.average_precision(), expected.average_precision());
        prop_assert_eq!(got.aupro(limit)?, expected.aupro(limit)?);
    }

    #[test]
    fn pixel_metrics_are_the_image_metrics_of_all_pixels(images in images()) {
        let scores: Vec<f32> = images.iter().flat_map(|image| image.map.iter().copied()).collect();
        let labels: Vec<bool> = images.iter().flat_map(|image| image.mask.iter().copied()).collect();
        let pixels = collect(&images).finish();
        prop_assert_eq!(pixels.auroc(), auroc(&scores, &labels)?);
        prop_assert_eq!(pixels.average_precision(), average_precision(&scores, &labels)?);
        prop_assert_eq!(pixels.anomalous_pixels(), labels.iter().filter(|&&label| label).count() as u64);
        prop_assert_eq!(pixels.normal_pixels() + pixels.anomalous_pixels(), labels.len() as u64);
    }

    #[test]
    fn aupro_follows_its_definition(images in images(), limit in limits()) {
        let got = collect(&images).finish().aupro(limit)?;
        let expected = aupro_by_thresholds(&images, limit);
        prop_assert!(near(got, expected), "got {got:?}, expected {expected:?}");
        prop_assert!(got.is_none_or(|area| (0.0..=1.0).contains(&area)));
    }

    #[test]
    fn the_order_of_images_does_not_matter(images in images()) {
        let mut reversed = images.clone();
        reversed.reverse();
        let (got, expected) = (collect(&reversed).finish(), collect(&images).finish());
        prop_assert_eq!(got.auroc(), expected.auroc());
        prop_assert_eq!(got.average_precision(), expected.average_precision());
        prop_assert_eq!(got.aupro(0.3)?, expected.aupro(0.3)?);
    }

    #[test]
    fn components_are_those_of_a_flood_fill(images in images()) {
        let both = |image| [(image, Connectivity::Four), (image, Connectivity::Eight)];
        for (image, connectivity) in images.iter().flat_map(both) {
            let mut labels = vec![0; image.mask.len()];
            let regions = flood_fill(image, connectivity);
            for (number, region) in (1..).zip(&regions) {
                region.iter().for_each(|&pixel| labels[pixel] = number);
            }
            let got = components(&image.mask, image.height, image.width, connectivity)?;
            prop_assert_eq!(got.labels(), labels);
            prop_assert_eq!(got.areas(), regions.iter().map(Vec::len).collect::<Vec<_>>());
        }
    }
}
