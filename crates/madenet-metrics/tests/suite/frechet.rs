//! The Fréchet distance: agreement with scipy, properties, and what bad input gives.

#![cfg(feature = "frechet")]
#![allow(clippy::unwrap_used)]

use madenet_metrics::{Error, GaussianStats, MAX_FEATURE_DIM, frechet_distance};
use madenet_rng::Stream;

const SCIPY: &str = include_str!("../fixtures/frechet.txt");

fn stats(dim: usize, features: &[f32]) -> GaussianStats {
    let mut stats = GaussianStats::new(dim).unwrap();
    features.chunks(dim).for_each(|vector| stats.push(vector).unwrap());
    stats
}

fn random(seed: u64, count: usize) -> Vec<f32> {
    let mut stream = Stream::new(seed, "test/frechet", 0, 0);
    (0..count).map(|_| stream.normal()).collect()
}

fn assert_near(got: f64, expected: f64, tolerance: f64) {
    assert!((got - expected).abs() <= tolerance * expected.max(1.0), "got {got}, expected {expected}");
}

#[test]
fn distances_agree_with_scipy() {
    let cases: Vec<_> = SCIPY.split("\ncase ").skip(1).collect();
    assert_eq!(cases.len(), 3);
    for case in cases {
        let values = |key: &str| -> Vec<f64> {
            let line = case.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')).unwrap();
            line.split(' ').map(|value| value.parse().unwrap()).collect()
        };
        let dim = values("dim")[0] as usize;
        let [a, b] =
            ["a", "b"].map(|key| stats(dim, &values(key).iter().map(|&x| x as f32).collect::<Vec<_>>()));
        assert_near(frechet_distance(&a, &b).unwrap(), values("distance")[0], 1e-10);
        assert_near(frechet_distance(&b, &a).unwrap(), values("distance")[0], 1e-10);
    }
}

#[test]
fn the_order_of_merging_does_not_matter_but_for_rounding() {
    let (dim, features) = (7, random(1, 7 * 150));
    let reference = stats(dim, &random(2, 7 * 50));
    let whole = stats(dim, &features);
    let expected = frechet_distance(&whole, &reference).unwrap();
    for parts in [vec![0, 1, 150], vec![0, 33, 33, 100, 150], vec![0, 64, 96, 150]] {
        let mut merged = GaussianStats::new(dim).unwrap();
        for part in parts.windows(2) {
            merged.merge(stats(dim, &features[part[0] * dim..part[1] * dim])).unwrap();
        }
        assert_eq!((merged.count(), merged.dim()), (150, dim));
        assert_near(frechet_distance(&merged, &reference).unwrap(), expected, 1e-12);
        assert_near(frechet_distance(&merged, &whole).unwrap(), 0.0, 1e-12);
    }
}

#[test]
fn features_far_from_zero_keep_their_variance() {
    let near = random(3, 4 * 60).into_iter().map(|x| (x * 16.0).round() / 16.0).collect::<Vec<_>>();
    let far: Vec<f32> = near.iter().map(|x| x + 65536.0).collect();
    let moved = frechet_distance(&stats(4, &near), &stats(4, &far)).unwrap();
    assert_near(moved, 4.0 * 65536.0 * 65536.0, 1e-14);
    let other = stats(4, &random(4, 4 * 60).iter().map(|x| x + 65536.0).collect::<Vec<_>>());
    let expected = frechet_distance(&stats(4, &near), &stats(4, &random(4, 4 * 60))).unwrap();
    // Adding 2^16 leaves 7 bits behind the point of the second set.
    assert_near(frechet_distance(&stats(4, &far), &other).unwrap(), expected, 1e-2);
}

#[test]
fn a_shift_alone_is_its_squared_length_also_without_full_rank() {
    // 6 vectors of 12 dimensions.
    let features = random(5, 12 * 6);
    let moved: Vec<f32> = features.iter().map(|x| (x + 4.0) - 4.0 + 2.0).collect();
    let base: Vec<f32> = features.iter().map(|x| (x + 4.0) - 4.0).collect();
    let (a, b) = (stats(12, &base), stats(12, &moved));
    assert_near(frechet_distance(&a, &b).unwrap(), 48.0, 1e-6);
    assert_near(frechet_distance(&a, &a).unwrap(), 0.0, 1e-6);
    // No variance at all: distance of two points.
    let (a, b) = (stats(2, &[1.0, 1.0, 1.0, 1.0]), stats(2, &[4.0, 5.0, 4.0, 5.0]));
    assert_eq!(frechet_distance(&a, &b), Ok(25.0));
}

#[test]
fn extreme_features_have_a_distance() {
    let (a, b) = (stats(1, &[f32::MAX, f32::MIN]), stats(1, &[f32::MIN_POSITIVE, -f32::MIN_POSITIVE]));
    let variance = 2.0 * f64::from(f32::MAX) * f64::from(f32::MAX);
    assert_near(frechet_distance(&a, &b).unwrap(), variance, 1e-12);
}

#[test]
fn bad_features_are_named_and_not_added() {
    for dim in [0, MAX_FEATURE_DIM + 1, usize::MAX] {
        let error = GaussianStats::new(dim).unwrap_err();
        assert_eq!(error, Error::FeatureDimension { dim, max: MAX_FEATURE_DIM });
    }
    let mut a = stats(2, &[0.0, 1.0]);
    assert_eq!(a.push(&[1.0]), Err(Error::FeatureLength { expected: 2, got: 1 }));
    let bad = Error::NonFiniteFeature { vector: 1, index: 1, value: f32::INFINITY };
    assert_eq!(a.push(&[1.0, f32::INFINITY]), Err(bad));
    assert!(a.push(&[f32::NAN, 0.0]).is_err());
    let b = stats(3, &[0.0; 6]);
    assert_eq!(a.merge(b.clone()), Err(Error::FeatureLength { expected: 2, got: 3 }));
    assert_eq!(a.count(), 1);
    assert_eq!(frechet_distance(&a, &b), Err(Error::FeatureLength { expected: 2, got: 3 }));
    assert_eq!(frechet_distance(&a, &a), Err(Error::TooFewVectors { got: 1 }));
}
