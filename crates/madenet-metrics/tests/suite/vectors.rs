//! Known answers: small cases worked out by hand, and what bad input gives.

#![allow(clippy::unwrap_used)]

use madenet_metrics::{
    AUPRO_FPR_LIMIT, AUPRO_FPR_LIMIT_STRICT, ConfusionMatrix, Error, PixelMetrics, PixelScores, Ranking,
    auroc, average_precision, f1_max,
};

/// A few roundings of numbers near 1.
const ROUNDING: f64 = 1e-15;

fn assert_near(got: Option<f64>, expected: f64) {
    let got = got.unwrap();
    assert!((got - expected).abs() <= ROUNDING, "got {got}, expected {expected}");
}

fn labels(bits: &[u8]) -> Vec<bool> {
    bits.iter().map(|&bit| bit == 1).collect()
}

fn single(map: &[f32], mask: &[u8], height: usize, width: usize) -> PixelScores {
    let mut metrics = PixelMetrics::new();
    metrics.push(map, &labels(mask), height, width).unwrap();
    metrics.finish()
}

#[rustfmt::skip]
const MAP: [f32; 16] = [
    0.9, 0.1, 0.2, 0.1,
    0.3, 0.8, 0.1, 0.1,
    0.1, 0.1, 0.7, 0.2,
    0.1, 0.2, 0.1, 0.6,
];
#[rustfmt::skip]
const MASK: [u8; 16] = [
    1, 0, 0, 0,
    0, 1, 0, 0,
    0, 0, 0, 0,
    0, 0, 0, 1,
];

#[test]
fn image_metrics_with_ties() {
    let y = labels(&[0, 0, 1, 1, 0, 1, 0, 1]);
    let s = [0.1, 0.4, 0.35, 0.8, 0.4, 0.4, 0.2, 0.9];
    assert_eq!(auroc(&s, &y).unwrap(), Some(0.8125));
    assert_near(average_precision(&s, &y).unwrap(), 49.0 / 60.0);
    let best = f1_max(&s, &y).unwrap().unwrap();
    assert_eq!((best.f1, best.threshold, best.precision, best.recall), (0.8, 0.35, 4.0 / 6.0, 1.0));
}

#[test]
fn image_metrics_without_ties() {
    let y = labels(&[0, 0, 1, 1]);
    let s = [0.1, 0.4, 0.35, 0.8];
    assert_eq!(auroc(&s, &y).unwrap(), Some(0.75));
    assert_near(average_precision(&s, &y).unwrap(), 5.0 / 6.0);
    let best = f1_max(&s, &y).unwrap().unwrap();
    assert_eq!((best.f1, best.threshold, best.precision, best.recall), (0.8, 0.35, 2.0 / 3.0, 1.0));
}

#[test]
fn equal_scores_rank_nothing() {
    let y = labels(&[0, 1, 0, 1]);
    // The two zeros are equal, too.
    for s in [[0.3; 4], [0.0, -0.0, -0.0, 0.0]] {
        assert_eq!(auroc(&s, &y).unwrap(), Some(0.5));
        assert_eq!(average_precision(&s, &y).unwrap(), Some(0.5));
        let best = f1_max(&s, &y).unwrap().unwrap();
        assert_eq!((best.f1, best.threshold, best.precision, best.recall), (2.0 / 3.0, s[0], 0.5, 1.0));
    }
}

#[test]
fn the_lowest_of_the_best_thresholds_is_given() {
    // One of one at 0.9, then two of four at 0.1: F1 is 2 / 3 at both.
    let best = f1_max(&[0.9, 0.5, 0.5, 0.1], &labels(&[1, 0, 0, 1])).unwrap().unwrap();
    assert_eq!((best.f1, best.threshold), (2.0 / 3.0, 0.1));
    // Without a hit F1 is 0, so the worst ranking still has all images as its prediction.
    let best = f1_max(&[0.9, -0.5], &labels(&[0, 1])).unwrap().unwrap();
    assert_eq!((best.f1, best.threshold), (2.0 / 3.0, -0.5));
}

#[test]
fn extreme_scores_are_ranked() {
    let y = labels(&[0, 0, 1, 1]);
    let s = [f32::MIN, -f32::from_bits(1), f32::from_bits(1), f32::MAX];
    assert_eq!(auroc(&s, &y).unwrap(), Some(1.0));
    assert_eq!(average_precision(&s, &y).unwrap(), Some(1.0));
    let best = f1_max(&s, &y).unwrap().unwrap();
    assert_eq!((best.f1, best.threshold), (1.0, f32::from_bits(1)));
}

#[test]
fn pixel_metrics_of_two_regions() {
    let scores = single(&MAP, &MASK, 4, 4);
    assert_eq!(scores.regions(), 2);
    assert_eq!((scores.images(), scores.normal_pixels(), scores.anomalous_pixels()), (1, 13, 3));
    assert_near(scores.auroc(), 38.0 / 39.0);
    assert_near(scores.average_precision(), 11.0 / 12.0);
    assert_near(scores.aupro(AUPRO_FPR_LIMIT).unwrap(), 34.0 / 39.0);
    assert_near(scores.aupro(1.0).unwrap(), 25.0 / 26.0);
}

#[test]
fn a_perfect_map_has_aupro_one() {
    // Region areas 1, 3 and 7 have no exact shares in binary.
    let mask = [1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0];
    let map = mask.map(f32::from);
    for limit in [0.05, AUPRO_FPR_LIMIT, 1.0] {
        assert_eq!(single(&map, &mask, 1, 15).aupro(limit).unwrap(), Some(1.0));
    }
}

#[test]
fn a_constant_map_has_half_the_limit() {
    let scores = single(&[0.7; 16], &MASK, 4, 4);
    assert_near(scores.aupro(AUPRO_FPR_LIMIT).unwrap(), 0.15);
    assert_near(scores.aupro(1.0).unwrap(), 0.5);
    assert_eq!(scores.auroc(), Some(0.5));
    assert_near(scores.average_precision(), 3.0 / 16.0);
}

#[test]
fn an_inverted_map_has_aupro_zero() {
    let map = MASK.map(|bit| 1.0 - f32::from(bit));
    let scores = single(&map, &MASK, 4, 4);
    assert_eq!(scores.aupro(AUPRO_FPR_LIMIT).unwrap(), Some(0.0));
    assert_eq!(scores.auroc(), Some(0.0));
}

#[test]
fn normal_images_count_and_images_may_differ_in_size() {
    let mut metrics = PixelMetrics::new();
    metrics.push(&MAP, &labels(&MASK), 4, 4).unwrap();
    metrics.push(&[0.95, 0.0, 0.0], &[false; 3], 1, 3).unwrap();
    let scores = metrics.finish();
    assert_eq!((scores.images(), scores.regions(), scores.normal_pixels()), (2, 2, 16));
    // 13 normal pixels lost 1 of 39 pairs; the new ones lose 3 of 9.
    assert_near(scores.auroc(), (38.0 + 6.0) / 48.0);
}

#[test]
fn regions_of_different_images_never_join() {
    let mut metrics = PixelMetrics::new();
    metrics.push(&[0.9, 0.1], &[true, false], 1, 2).unwrap();
    metrics.push(&[0.2, 0.2, 0.2, 0.5], &[true, true, true, false], 1, 4).unwrap();
    let scores = metrics.finish();
    assert_eq!(scores.regions(), 2);
    // One of two regions is found before the false positive at 0.5, whatever its size; then both at 0.2.
    assert_near(scores.aupro(1.0).unwrap(), 0.75);
}

#[test]
fn one_class_leaves_metrics_undefined() {
    for label in [true, false] {
        assert_eq!(auroc(&[0.1, 0.2], &[label; 2]), Ok(None));
        assert_eq!(average_precision(&[0.1, 0.2], &[label; 2]), Ok(None));
        assert_eq!(f1_max(&[0.1, 0.2], &[label; 2]), Ok(None));
        let scores = single(&[0.1, 0.2], &[u8::from(label); 2], 2, 1);
        assert_eq!((scores.auroc(), scores.average_precision()), (None, None));
        assert_eq!(scores.aupro(AUPRO_FPR_LIMIT), Ok(None));
    }
    assert_eq!(auroc(&[], &[]), Ok(None));
    assert_eq!(average_precision(&[], &[]), Ok(None));
    assert_eq!(f1_max(&[], &[]), Ok(None));
    assert_eq!(PixelMetrics::new().finish().aupro(AUPRO_FPR_LIMIT), Ok(None));
    assert_eq!(single(&[], &[], 0, 9).auroc(), None);
}

#[test]
fn bad_scores_are_named() {
    assert_eq!(auroc(&[0.1], &[true, false]), Err(Error::LengthMismatch { scores: 1, labels: 2 }));
    assert_eq!(average_precision(&[0.1], &[]), Err(Error::LengthMismatch { scores: 1, labels: 0 }));
    assert_eq!(f1_max(&[], &[true]), Err(Error::LengthMismatch { scores: 0, labels: 1 }));
    for bad in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let scores = [0.1, 0.2, bad, bad];
        // One class does not excuse a score that is no number.
        let best = f1_max(&scores, &[true; 4]).map(|best| best.map(|best| best.f1));
        for error in [auroc(&scores, &[true; 4]), average_precision(&scores, &[true; 4]), best] {
            let Err(Error::NonFiniteScore { index: 2, value }) = error else { panic!("got {error:?}") };
            assert_eq!(value.to_bits(), bad.to_bits());
        }
    }
    let message = auroc(&[0.1, f32::NAN], &[true, false]).unwrap_err().to_string();
    assert_eq!(message, "score 1 cannot be ranked: expected a finite number, got NaN");
}

#[test]
fn a_bad_image_is_named_and_not_added() {
    let mut metrics = PixelMetrics::new();
    metrics.push(&MAP, &labels(&MASK), 4, 4).unwrap();

    let mut map = MAP;
    map[6] = f32::INFINITY;
    let error = metrics.push(&map, &labels(&MASK), 4, 4).unwrap_err();
    assert_eq!(error, Error::NonFinitePixel { image: 1, index: 6, x: 2, y: 1, value: f32::INFINITY });
    let error = metrics.push(&MAP, &labels(&MASK), 4, 3).unwrap_err();
    assert_eq!(error, Error::MapSize { image: 1, height: 4, width: 3, got: 16 });
    let error = metrics.push(&MAP, &[true; 15], 4, 4).unwrap_err();
    assert_eq!(error, Error::MaskSize { image: 1, height: 4, width: 4, got: 15 });
    assert!(metrics.push(&[], &[], usize::MAX, 2).is_err());

    let scores = metrics.finish();
    assert_eq!((scores.images(), scores.normal_pixels(), scores.regions()), (1, 13, 2));
    assert_near(scores.aupro(AUPRO_FPR_LIMIT).unwrap(), 34.0 / 39.0);
}

#[test]
fn the_aupro_limit_is_checked() {
    let scores = single(&MAP, &MASK, 4, 4);
    for limit in [0.0, -0.3, 1.000001, f64::INFINITY] {
        assert_eq!(scores.aupro(limit), Err(Error::FprLimit { limit }));
    }
    assert!(matches!(scores.aupro(f64::NAN), Err(Error::FprLimit { .. })));
    assert!(scores.aupro(f64::MIN_POSITIVE).unwrap().is_some());
}

#[test]
fn a_ranking_has_all_figures() {
    let y = labels(&[0, 0, 1, 1, 0, 1, 0, 1]);
    let s = [0.1, 0.4, 0.35, 0.8, 0.4, 0.4, 0.2, 0.9];
    let ranking = Ranking::new(&s, &y).unwrap();
    assert_eq!(ranking.auroc(), Some(0.8125));
    assert_near(ranking.average_precision(), 49.0 / 60.0);
    // scikit-learn's auc(recall, precision) is 0.8583333333333333.
    assert_near(ranking.pr_auc_trapezoid(), 103.0 / 120.0);
    assert_eq!(ranking.f1_max(), f1_max(&s, &y).unwrap());
    let expected =
        ConfusionMatrix { true_positives: 3, false_positives: 2, true_negatives: 2, false_negatives: 1 };
    assert_eq!(ranking.confusion(0.4), expected);
    assert_eq!(
        (expected.precision(), expected.recall(), expected.f1()),
        (Some(0.6), Some(0.75), Some(6.0 / 9.0))
    );
    assert_eq!((expected.accuracy(), expected.false_positive_rate()), (Some(0.625), Some(0.5)));
}

#[test]
fn thresholds_of_wanted_rates() {
    let ranking = Ranking::new(&[0.1, 0.2, 0.2, 0.3, 0.5, 0.9], &labels(&[0, 0, 0, 0, 1, 1])).unwrap();
    let at_rate = |rate| ranking.threshold_at_false_positive_rate(rate).unwrap();
    assert_eq!(at_rate(0.0), Some(0.3f32.next_up()));
    assert_eq!(at_rate(0.25), Some(0.2f32.next_up()));
    // The two normal scores at 0.2 come together.
    assert_eq!(at_rate(0.5), Some(0.2f32.next_up()));
    assert_eq!(at_rate(0.75), Some(0.1f32.next_up()));
    assert_eq!(at_rate(1.0), Some(0.1));
    let at_recall = |rate| ranking.threshold_at_recall(rate).unwrap();
    assert_eq!((at_recall(0.0), at_recall(0.5), at_recall(0.51)), (Some(0.9), Some(0.9), Some(0.5)));
    for rate in [-0.1, 1.1, f64::INFINITY] {
        assert_eq!(ranking.threshold_at_recall(rate), Err(Error::Rate { rate }));
        assert_eq!(ranking.threshold_at_false_positive_rate(rate), Err(Error::Rate { rate }));
    }
    assert!(matches!(ranking.threshold_at_recall(f64::NAN), Err(Error::Rate { .. })));
}

#[test]
fn extreme_thresholds_count_all_or_nothing() {
    let scores = single(&MAP, &MASK, 4, 4);
    let said = |threshold| {
        let counts = scores.confusion(threshold);
        counts.true_positives + counts.false_positives
    };
    assert_eq!([f32::NEG_INFINITY, f32::MIN, 0.1].map(said), [16; 3]);
    assert_eq!([f32::INFINITY, f32::NAN, -f32::NAN, 0.91].map(said), [0; 4]);
}

#[test]
fn the_overlap_curve_of_two_regions() {
    // 0.9 and 0.8 are one region of two pixels, 0.6 is one of one pixel; 0.7 is a false alarm above it. The point of
    // 0.9 is within a vertical line.
    let curve = single(&MAP, &MASK, 4, 4).pro_curve(100).unwrap();
    let points: Vec<_> = curve.points().iter().map(|at| (at.threshold, at.x, at.y)).collect();
    let expected = [
        (f32::INFINITY, 0.0, 0.0),
        (0.8, 0.0, 0.5),
        (0.7, 1.0 / 13.0, 0.5),
        (0.6, 1.0 / 13.0, 1.0),
        (0.1, 1.0, 1.0),
    ];
    assert_eq!(points, expected);
}

#[test]
fn the_aupro_limit_may_meet_a_jump_or_a_tie() {
    // Two regions of one pixel (#) and four normal pixels (o), from the highest score down: o#oo(o#)
    //
    //  overlap
    //    1                  ..x
    //                     ..      the tie of # and o
    //   1/2     x-------x.
    //           |
    //    0  x---x                 false positive rate
    //       0  1/4 1/2 3/4  1
    let map = [0.9, 0.8, 0.7, 0.6, 0.5, 0.5];
    let scores = single(&map, &[0, 1, 0, 0, 0, 1], 1, 6);
    assert_eq!(scores.regions(), 2);
    // At the jump there is nothing below the curve yet; beyond it the height is 1/2.
    assert_eq!(scores.aupro(0.25).unwrap(), Some(0.0));
    assert_near(scores.aupro(0.5).unwrap(), 0.25 * 0.5 / 0.5);
    // At 7/8, half of the tie: a trapezoid from 1/2 to 3/4 over 1/8.
    assert_near(scores.aupro(0.875).unwrap(), (0.5 * 0.5 + 0.125 * 0.625) / 0.875);
    assert_near(scores.aupro(1.0).unwrap(), 0.5 * 0.5 + 0.25 * 0.75);
}

#[test]
fn a_histogram_has_the_figures_of_scores_far_apart() {
    let mut metrics = PixelMetrics::with_exact_limit(0);
    metrics.push(&MAP, &labels(&MASK), 4, 4).unwrap();
    let scores = metrics.finish();
    assert!(!scores.is_exact());
    assert_near(scores.aupro(AUPRO_FPR_LIMIT).unwrap(), 34.0 / 39.0);
    assert_eq!(scores.aupro_error(AUPRO_FPR_LIMIT_STRICT), Ok(Some(0.0)));
    assert_eq!(scores.auroc_error(), Some(0.0));
    assert!(scores.average_precision_error().unwrap() <= ROUNDING);
    let constant = {
        let mut metrics = PixelMetrics::with_exact_limit(0);
        metrics.push(&[0.7; 16], &labels(&MASK), 4, 4).unwrap();
        metrics.finish()
    };
    // One bin knows nothing of the order.
    assert_eq!((constant.auroc(), constant.auroc_error()), (Some(0.5), Some(0.5)));
    assert_near(constant.aupro(AUPRO_FPR_LIMIT).unwrap(), 0.15);
    assert_near(constant.aupro_error(AUPRO_FPR_LIMIT).unwrap(), 0.85);
    assert_eq!(constant.defect_types(), [""; 0]);
}

#[test]
fn one_class_leaves_errors_and_curves_undefined() {
    for exact_limit in [0, 100] {
        let mut metrics = PixelMetrics::with_exact_limit(exact_limit);
        metrics.push(&[0.1, 0.2], &[false; 2], 1, 2).unwrap();
        let scores = metrics.finish();
        assert_eq!((scores.auroc_error(), scores.average_precision_error()), (None, None));
        assert_eq!((scores.aupro_error(0.3), scores.f1_max(), scores.f1_max_error()), (Ok(None), None, None));
        assert_eq!(
            (scores.roc_curve(9), scores.precision_recall_curve(9), scores.pro_curve(9)),
            (None, None, None)
        );
        assert_eq!(scores.threshold_at_recall(0.5), Ok(None));
        assert!(scores.threshold_at_false_positive_rate(0.0).unwrap().is_some());
    }
}
