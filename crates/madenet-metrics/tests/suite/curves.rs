//! Properties of the curves.

#![allow(clippy::unwrap_used)]

use crate::common::{collect, images, labelled_scores};
use madenet_metrics::{Curve, PixelMetrics, Ranking};
use proptest::prelude::*;

const ROUNDING: f64 = 1e-12;

fn area(curve: &Curve) -> f64 {
    let trapezoid =
        |pair: &[madenet_metrics::CurvePoint]| (pair[1].x - pair[0].x) * (pair[0].y + pair[1].y) / 2.0;
    curve.points().windows(2).map(trapezoid).sum()
}

/// The range of a curve's y at one x, which may be on a vertical line.
fn range_at(curve: &Curve, x: f64) -> (f64, f64) {
    let mut range = (f64::INFINITY, f64::NEG_INFINITY);
    for pair in curve.points().windows(2).filter(|pair| pair[0].x <= x && x <= pair[1].x) {
        let (a, b) = (pair[0], pair[1]);
        let ends = if a.x == b.x { [a.y, b.y] } else { [a.y + (b.y - a.y) * (x - a.x) / (b.x - a.x); 2] };
        range = (range.0.min(ends[0]).min(ends[1]), range.1.max(ends[0]).max(ends[1]));
    }
    range
}

/// A thinned curve has points of the exact one only, and stays within its deviation.
fn assert_thins(exact: &Curve, thinned: &Curve, max_points: usize) {
    assert_eq!(exact.deviation(), 0.0);
    let (all, kept) = (exact.points(), thinned.points());
    assert!(kept.len() <= max_points, "{} points of {max_points}", kept.len());
    assert!(kept.iter().all(|point| all.contains(point)));
    assert_eq!((kept.first(), kept.last()), (all.first(), all.last()));
    for point in all {
        let (low, high) = range_at(thinned, point.x);
        let distance = (low - point.y).max(point.y - high).max(0.0);
        assert!(distance <= thinned.deviation() + ROUNDING, "{distance} above {}", thinned.deviation());
    }
}

proptest! {
    #[test]
    fn areas_of_whole_curves_are_the_metrics((scores, labels) in labelled_scores()) {
        let ranking = Ranking::new(&scores, &labels)?;
        let (Some(roc), Some(pr)) = (ranking.roc_curve(1000), ranking.precision_recall_curve(1000)) else {
            prop_assert_eq!(ranking.auroc(), None);
            return Ok(());
        };
        prop_assert!((area(&roc) - ranking.auroc().unwrap()).abs() <= ROUNDING);
        prop_assert!((area(&pr) - ranking.pr_auc_trapezoid().unwrap()).abs() <= ROUNDING);
    }

    #[test]
    fn the_area_of_the_overlap_curve_is_the_aupro(images in images()) {
        let scores = collect(&images).finish();
        let got = scores.pro_curve(1000).map(|curve| area(&curve));
        prop_assert_eq!(got.is_some(), scores.aupro(1.0)?.is_some());
        prop_assert!(got.is_none_or(|got| (got - scores.aupro(1.0).unwrap().unwrap()).abs() <= ROUNDING));
    }

    #[test]
    fn points_are_what_their_threshold_finds((scores, labels) in labelled_scores()) {
        let ranking = Ranking::new(&scores, &labels)?;
        for point in ranking.roc_curve(1000).iter().flat_map(Curve::points) {
            let counts = ranking.confusion(point.threshold);
            prop_assert_eq!((Some(point.x), Some(point.y)), (counts.false_positive_rate(), counts.recall()));
        }
        for point in ranking.precision_recall_curve(1000).iter().flat_map(Curve::points) {
            let counts = ranking.confusion(point.threshold);
            prop_assert_eq!((Some(point.x), point.y), (counts.recall(), counts.precision().unwrap_or(1.0)));
        }
    }

    #[test]
    fn thinned_curves_lie_on_the_exact_ones((scores, labels) in labelled_scores(), max_points in 2usize..40) {
        let ranking = Ranking::new(&scores, &labels)?;
        if let (Some(roc), Some(pr)) = (ranking.roc_curve(1000), ranking.precision_recall_curve(1000)) {
            let thinned = ranking.roc_curve(max_points).unwrap();
            assert_thins(&roc, &thinned, max_points);
            prop_assert!(max_points < 4 || thinned.deviation() <= 8.0 / max_points as f64);
            assert_thins(&pr, &ranking.precision_recall_curve(max_points).unwrap(), max_points);
        }
    }

    #[test]
    fn thinned_overlap_curves_lie_on_the_exact_ones(images in images(), max_points in 2usize..20) {
        let scores = collect(&images).finish();
        if let Some(exact) = scores.pro_curve(1000) {
            assert_thins(&exact, &scores.pro_curve(max_points).unwrap(), max_points);
        }
    }
}

#[test]
fn a_curve_of_a_million_thresholds_is_thinned() {
    // Scores 0, 1, 2, ..: the lower half mostly normal, the upper half mostly anomalous.
    let pixels = 1 << 20;
    let map: Vec<f32> = (0..pixels).map(|i| i as f32).collect();
    let mask: Vec<bool> = (0..pixels).map(|i| i % 3 == usize::from(i < pixels / 2)).collect();
    let mut metrics = PixelMetrics::new();
    metrics.push(&map, &mask, 1024, 1024).unwrap();
    let scores = metrics.finish();
    for curve in [scores.roc_curve(200), scores.precision_recall_curve(200), scores.pro_curve(200)] {
        let curve = curve.unwrap();
        assert!((50..=200).contains(&curve.points().len()), "{} points", curve.points().len());
        assert!(curve.deviation() <= 0.04, "{}", curve.deviation());
        assert!(curve.points().is_sorted_by(|a, b| a.threshold > b.threshold && a.x <= b.x));
    }
}
