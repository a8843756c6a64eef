//! Properties of the two modes of the pixel metrics, and of collections that are merged.

#![allow(clippy::unwrap_used)]

use crate::common::{Image, close_images, collect, images, labelled_scores, limits};
use madenet_metrics::{Curve, CurvePoint, PixelMetrics, PixelScores, Ranking};
use proptest::prelude::*;

/// What a few hundred roundings near 1 come to; errors are stated for exact arithmetic.
const ROUNDING: f64 = 1e-12;

const TYPES: [Option<&str>; 4] = [None, Some("scratch"), Some("dent"), Some("a very long name")];

/// Images with their defect types.
fn typed(
    images: impl Strategy<Value = Vec<Image>>,
) -> impl Strategy<Value = Vec<(Image, Option<&'static str>)>> {
    let typed =
        |images: Vec<Image>| images.into_iter().map(|image| (Just(image), prop::sample::select(&TYPES[..])));
    images.prop_flat_map(move |images| typed(images).collect::<Vec<_>>())
}

fn push(metrics: &mut PixelMetrics, image: &Image, defect_type: Option<&str>) {
    let Image { map, mask, height, width } = image;
    match defect_type {
        Some(name) => metrics.push_defect(map, mask, *height, *width, name).unwrap(),
        None => metrics.push(map, mask, *height, *width).unwrap(),
    }
}

/// Exact, always a histogram, or a histogram from some image on.
fn exact_limits() -> impl Strategy<Value = usize> {
    prop_oneof![Just(usize::MAX), Just(0), 0usize..200]
}

/// All figures, to the bit.
fn figures(scores: &PixelScores, limit: f64) -> Vec<(String, Vec<Option<u64>>)> {
    let of = |row: &PixelScores| {
        let aupro = [row.aupro(limit).unwrap(), row.aupro_error(limit).unwrap()];
        let best = row.f1_max();
        let all = [
            row.auroc(),
            row.auroc_error(),
            row.average_precision(),
            row.average_precision_error(),
            row.pr_auc_trapezoid(),
            row.pr_auc_trapezoid_error(),
            best.map(|best| best.f1),
            best.map(|best| best.threshold.into()),
            row.f1_max_error(),
        ];
        let counts =
            [row.images() as u64, row.regions(), row.normal_pixels(), row.anomalous_pixels()].map(Some);
        all.into_iter().chain(aupro).map(|figure| figure.map(f64::to_bits)).chain(counts).collect()
    };
    let rows =
        scores.defect_types().iter().map(|name| (name.clone(), of(&scores.of_defect_type(name).unwrap())));
    [(String::new(), of(scores))].into_iter().chain(rows).collect()
}

/// The lower edge of the bin of a score: 10 bits of the mantissa are dropped, away from zero below it.
fn lower_edge(score: f32) -> f32 {
    match score {
        f32::INFINITY => score,
        score if score < 0.0 => f32::from_bits(score.to_bits() | 0x3FF),
        score => f32::from_bits(score.to_bits() & !0x3FF),
    }
}

/// Every figure with its error.
fn figures_and_errors(scores: &PixelScores, limit: f64) -> [(&'static str, Option<f64>, Option<f64>); 5] {
    [
        ("auroc", scores.auroc(), scores.auroc_error()),
        ("ap", scores.average_precision(), scores.average_precision_error()),
        ("ap by trapezoids", scores.pr_auc_trapezoid(), scores.pr_auc_trapezoid_error()),
        ("aupro", scores.aupro(limit).unwrap(), scores.aupro_error(limit).unwrap()),
        ("f1", scores.f1_max().map(|best| best.f1), scores.f1_max_error()),
    ]
}

fn scores_and_labels(images: &[Image]) -> (Vec<f32>, Vec<bool>) {
    images.iter().flat_map(|image| image.map.iter().copied().zip(image.mask.iter().copied())).unzip()
}

proptest! {
    #[test]
    fn merged_shards_are_one_pass_to_the_bit(
        images in typed(prop_oneof![images(), close_images()]),
        shards in prop::collection::vec(0usize..3, 5),
        order in Just(vec![0, 1, 2]).prop_shuffle(),
        exact_limit in exact_limits(),
        limit in limits(),
    ) {
        let mut whole = PixelMetrics::with_exact_limit(exact_limit);
        let mut parts = vec![PixelMetrics::with_exact_limit(exact_limit); 3];
        for ((image, defect_type), shard) in images.iter().zip(shards) {
            push(&mut whole, image, *defect_type);
            push(&mut parts[shard], image, *defect_type);
        }
        let mut merged = parts[order[0]].clone();
        merged.merge(parts[order[1]].clone())?;
        merged.merge(parts[order[2]].clone())?;
        prop_assert_eq!(merged.is_exact(), whole.is_exact());
        prop_assert_eq!(figures(&merged.finish(), limit), figures(&whole.finish(), limit));
    }

    #[test]
    fn figures_of_bins_are_within_their_errors(
        images in typed(prop_oneof![images(), close_images()]),
        limit in limits(),
    ) {
        let (mut exact, mut bins) = (PixelMetrics::new(), PixelMetrics::with_exact_limit(0));
        for (image, defect_type) in &images {
            push(&mut exact, image, *defect_type);
            push(&mut bins, image, *defect_type);
        }
        let (exact, bins) = (exact.finish(), bins.finish());
        prop_assert!(exact.is_exact() && !bins.is_exact());
        let mut rows = vec![(exact.clone(), bins.clone())];
        for name in exact.defect_types() {
            rows.push((exact.of_defect_type(name).unwrap(), bins.of_defect_type(name).unwrap()));
        }
        for (exact, bins) in rows {
            for (exact, bins) in figures_and_errors(&exact, limit).iter().zip(figures_and_errors(&bins, limit)) {
                let ((name, exact, zero), (_, got, error)) = (exact, bins);
                prop_assert_eq!(exact.is_some(), got.is_some());
                prop_assert_eq!(exact.is_some(), error.is_some());
                prop_assert_eq!(*zero, exact.map(|_| 0.0), "{} is exact", name);
                if let (Some(exact), Some(got), Some(error)) = (exact, got, error) {
                    let apart = (exact - got).abs();
                    prop_assert!(apart <= error + ROUNDING, "{name}: {got} is not within {error} of {exact}");
                }
            }
        }
    }

    #[test]
    fn scores_in_bins_of_their_own_lose_nothing(images in typed(images()), limit in limits()) {
        let (mut exact, mut bins) = (PixelMetrics::new(), PixelMetrics::with_exact_limit(0));
        for (image, defect_type) in &images {
            push(&mut exact, image, *defect_type);
            push(&mut bins, image, *defect_type);
        }
        let (exact, bins) = (exact.finish(), bins.finish());
        prop_assert_eq!(bins.auroc(), exact.auroc());
        prop_assert_eq!(bins.average_precision(), exact.average_precision());
        prop_assert_eq!(bins.aupro(limit)?, exact.aupro(limit)?);
        prop_assert_eq!(bins.f1_max().map(|best| best.f1), exact.f1_max().map(|best| best.f1));
        prop_assert_eq!(bins.confusion(0.25), exact.confusion(0.25));
        for points in [4, 1000] {
            // Of the grid of scores each is the edge of its bin, but for negative ones, whose edges lie lower.
            let drawn = |curve: Option<Curve>, edge: fn(f32) -> f32| {
                curve.map(|curve| {
                    let point = |at: &CurvePoint| (edge(at.threshold), at.x, at.y);
                    curve.points().iter().map(point).collect::<Vec<_>>()
                })
            };
            let of_bins = |curve| drawn(curve, |threshold| threshold);
            let of_scores = |curve| drawn(curve, lower_edge);
            prop_assert_eq!(of_bins(bins.pro_curve(points)), of_scores(exact.pro_curve(points)));
            prop_assert_eq!(of_bins(bins.roc_curve(points)), of_scores(exact.roc_curve(points)));
            prop_assert_eq!(
                of_bins(bins.precision_recall_curve(points)),
                of_scores(exact.precision_recall_curve(points))
            );
        }
        prop_assert_eq!(bins.defect_types(), exact.defect_types());
    }

    #[test]
    fn a_row_has_its_regions_and_all_normal_pixels(images in typed(images()), exact_limit in exact_limits()) {
        let mut metrics = PixelMetrics::with_exact_limit(exact_limit);
        images.iter().for_each(|(image, defect_type)| push(&mut metrics, image, *defect_type));
        let scores = metrics.finish();
        let of = |name: &str| {
            let kept = |of: &Option<&str>, anomalous: bool| !anomalous || *of == Some(name);
            let pixels = images.iter().flat_map(|(image, of)| {
                image.map.iter().zip(&image.mask).filter(|pair| kept(of, *pair.1)).map(|(s, m)| (*s, *m))
            });
            pixels.unzip::<f32, bool, Vec<_>, Vec<_>>()
        };
        for name in TYPES.into_iter().flatten() {
            let (kept, labels) = of(name);
            let row = scores.of_defect_type(name);
            prop_assert_eq!(row.is_some(), labels.contains(&true), "{}", name);
            if let Some(row) = row {
                let ranking = Ranking::new(&kept, &labels)?;
                prop_assert_eq!(row.auroc(), ranking.auroc());
                prop_assert_eq!(row.average_precision(), ranking.average_precision());
                prop_assert_eq!(row.normal_pixels(), scores.normal_pixels());
                prop_assert_eq!(row.defect_types(), [name]);
                prop_assert!(row.regions() <= scores.regions());
            }
        }
    }

    #[test]
    fn counts_follow_their_definition((scores, labels) in labelled_scores(), threshold in -14i8..14) {
        let threshold = f32::from(threshold) / 8.0;
        let got = Ranking::new(&scores, &labels)?.confusion(threshold);
        let count = |said: bool, is: bool| {
            let agree = |pair: &(&f32, &bool)| (*pair.0 >= threshold) == said && *pair.1 == is;
            scores.iter().zip(&labels).filter(agree).count() as u64
        };
        prop_assert_eq!(got.true_positives, count(true, true));
        prop_assert_eq!(got.false_positives, count(true, false));
        prop_assert_eq!(got.true_negatives, count(false, false));
        prop_assert_eq!(got.false_negatives, count(false, true));
    }

    #[test]
    fn thresholds_keep_their_rates((scores, labels) in labelled_scores(), rate in 0.0f64..=1.0) {
        let ranking = Ranking::new(&scores, &labels)?;
        if let Some(threshold) = ranking.threshold_at_false_positive_rate(rate)? {
            prop_assert!(ranking.confusion(threshold).false_positive_rate().unwrap() <= rate);
            let lower = ranking.confusion(threshold.next_down());
            prop_assert!(lower.false_positive_rate().unwrap() > rate || lower.true_negatives == 0);
        }
        if let Some(threshold) = ranking.threshold_at_recall(rate)? {
            prop_assert!(ranking.confusion(threshold).recall().unwrap() >= rate);
            prop_assert!(ranking.confusion(threshold.next_up()).recall().unwrap() < rate.max(1e-9));
        }
    }

    #[test]
    fn thresholds_of_bins_keep_their_rates(images in close_images(), rate in 0.0f64..=1.0) {
        let mut metrics = PixelMetrics::with_exact_limit(0);
        images.iter().for_each(|image| push(&mut metrics, image, None));
        let bins = metrics.finish();
        let (scores, labels) = scores_and_labels(&images);
        let exact = Ranking::new(&scores, &labels)?;
        if let Some(threshold) = bins.threshold_at_false_positive_rate(rate)? {
            prop_assert!(exact.confusion(threshold).false_positive_rate().unwrap() <= rate);
            prop_assert_eq!(bins.confusion(threshold), exact.confusion(threshold));
        }
        if let Some(threshold) = bins.threshold_at_recall(rate)? {
            prop_assert!(exact.confusion(threshold).recall().unwrap() >= rate);
        }
        if let Some(best) = bins.f1_max() {
            prop_assert_eq!(exact.confusion(best.threshold).f1(), Some(best.f1));
        }
    }
}

#[test]
fn one_crowded_bin_is_bounded_too() {
    // More anomalous pixels in a bin than are looked at one by one; every third pixel, in rising order.
    let map: Vec<f32> = (0..900).map(|i| 0.5 + i as f32 * 6e-8).collect();
    let mask: Vec<bool> = (0..900usize).map(|i| i.is_multiple_of(3)).collect();
    let image = Image { map, mask, height: 30, width: 30 };
    let exact = collect(std::slice::from_ref(&image)).finish();
    let mut metrics = PixelMetrics::with_exact_limit(0);
    push(&mut metrics, &image, None);
    let bins = metrics.finish();
    let (got, error) = (bins.average_precision().unwrap(), bins.average_precision_error().unwrap());
    assert!((got - exact.average_precision().unwrap()).abs() <= error);
    assert!(error > 0.5, "all of the anomalous pixels may come first");
}
