//! The paired bootstrap: properties, agreement of the fast paths with the slow ones, coverage, bad input.

#![allow(clippy::unwrap_used)]

use madenet_metrics::{Bootstrap, Error, Ranking, Resample};
use madenet_rng::Stream;
use proptest::prelude::*;

const FEW: Bootstrap = Bootstrap { resamples: 60, confidence: 0.9, seed: 3 };

/// Two detectors on the same images, with ties, and labels.
fn detectors() -> impl Strategy<Value = (Vec<f32>, Vec<f32>, Vec<bool>)> {
    let score = || (-6i8..6).prop_map(|k| f32::from(k) / 4.0);
    prop::collection::vec(((score(), score()), any::<bool>()), 0..40).prop_map(|images| {
        let (scores, labels): (Vec<_>, Vec<_>) = images.into_iter().unzip();
        let (a, b) = scores.into_iter().unzip();
        (a, b, labels)
    })
}

fn pick<T: Copy>(values: &[T], images: &[usize]) -> Vec<T> {
    images.iter().map(|&image| values[image]).collect()
}

/// Scores of normal images from N(0, 1), of anomalous ones from N(1, 1).
fn gaussian_set(set: u64, images: usize) -> (Vec<f32>, Vec<bool>) {
    let mut stream = Stream::new(17, "test/bootstrap", set, 0);
    let labels: Vec<bool> = (0..images).map(|image| image % 2 == 1).collect();
    (labels.iter().map(|&label| stream.normal() + f32::from(u8::from(label))).collect(), labels)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn fast_paths_are_the_metrics_of_the_resamples((a, b, labels) in detectors()) {
        let metrics: [fn(&Ranking) -> Option<f64>; 4] = [
            Ranking::auroc,
            Ranking::average_precision,
            Ranking::pr_auc_trapezoid,
            |ranking| Some(ranking.f1_max()?.f1),
        ];
        let resampled: [fn(&Resample) -> Option<f64>; 4] = [
            Resample::auroc,
            Resample::average_precision,
            Resample::pr_auc_trapezoid,
            |resample| Some(resample.f1_max()?.f1),
        ];
        for (metric, resampled) in metrics.into_iter().zip(resampled) {
            let of = |scores: &[f32], images: &[usize]| {
                metric(&Ranking::new(&pick(scores, images), &pick(&labels, images)).unwrap())
            };
            let slow = FEW.interval(&labels, |images| of(&a, images))?;
            prop_assert_eq!(FEW.ranking_interval(&a, &labels, resampled)?, slow);
            let slow = FEW.paired(&labels, |images| of(&a, images), |images| of(&b, images))?;
            prop_assert_eq!(FEW.ranking_difference(&a, &b, &labels, resampled)?, slow);
        }
    }

    #[test]
    fn bounds_are_in_order_and_equal_detectors_do_not_differ((a, _, labels) in detectors()) {
        let one_sided = labels.iter().all(|&label| label) || !labels.contains(&true);
        let interval = FEW.ranking_interval(&a, &labels, Resample::auroc)?;
        prop_assert_eq!(interval.is_none(), one_sided);
        if let Some(interval) = interval {
            prop_assert!((0.0..=1.0).contains(&interval.low) && interval.low <= interval.high);
            prop_assert_eq!((interval.resamples, interval.undefined, interval.confidence), (60, 0, 0.9));
            let same = FEW.ranking_difference(&a, &a, &labels, Resample::auroc)?.unwrap();
            prop_assert_eq!((same.interval.low, same.interval.estimate, same.interval.high), (0.0, 0.0, 0.0));
            prop_assert_eq!(same.above_zero, 0.0);
        }
    }

    #[test]
    fn places_keep_their_label((_, _, labels) in detectors()) {
        FEW.interval(&labels, |images| {
            assert_eq!(pick(&labels, images), labels);
            Some(0.0)
        })?;
    }
}

#[test]
fn equal_seeds_give_equal_intervals() {
    let (scores, labels) = gaussian_set(0, 60);
    let of = |seed| {
        Bootstrap { seed, ..Bootstrap::default() }
            .ranking_interval(&scores, &labels, Resample::auroc)
            .unwrap()
            .unwrap()
    };
    assert_eq!(of(5), of(5));
    assert_ne!(of(5), of(6));
    let interval = of(5);
    assert!(interval.low < interval.estimate && interval.estimate < interval.high);
    // A wider confidence has wider bounds on the same resamples.
    let wide = Bootstrap { confidence: 0.99, seed: 5, ..Bootstrap::default() };
    let wide = wide.ranking_interval(&scores, &labels, Resample::auroc).unwrap().unwrap();
    assert!(wide.low < interval.low && interval.high < wide.high);
}

#[test]
fn the_better_detector_is_better_in_most_resamples() {
    let (a, labels) = gaussian_set(1, 200);
    let noise = gaussian_set(2, 200).0;
    let b: Vec<f32> = a.iter().zip(noise).map(|(a, noise)| a + 2.0 * noise).collect();
    let b: Vec<f32> = b.iter().zip(&labels).map(|(b, &label)| b - if label { 2.5 } else { 0.0 }).collect();
    let gain = Bootstrap::default().ranking_difference(&a, &b, &labels, Resample::auroc).unwrap().unwrap();
    assert!(gain.interval.low > 0.0 && gain.above_zero > 0.975);
    let loss = Bootstrap::default().ranking_difference(&b, &a, &labels, Resample::auroc).unwrap().unwrap();
    assert!((loss.interval.low + gain.interval.high).abs() < 1e-12);
    assert!((loss.interval.high + gain.interval.low).abs() < 1e-12);
    assert_eq!(loss.above_zero, 0.0);
}

#[test]
fn ninety_of_a_hundred_intervals_hold_the_truth() {
    // P(N(1, 1) > N(0, 1)) = Phi(1 / sqrt 2).
    let truth = 0.760_249_938_906_523;
    let bootstrap = Bootstrap { resamples: 300, confidence: 0.9, seed: 1 };
    let sets = 400;
    let held = (0..sets)
        .filter(|&set| {
            let (scores, labels) = gaussian_set(100 + set, 80);
            let interval = bootstrap.ranking_interval(&scores, &labels, Resample::auroc).unwrap().unwrap();
            (interval.low..=interval.high).contains(&truth)
        })
        .count();
    // The standard error of the share is 0.015; percentiles of small sets hold somewhat less than they say.
    let share = held as f64 / sets as f64;
    assert!((0.85..=0.94).contains(&share), "got {share}");
}

#[test]
fn undefined_resamples_are_counted() {
    let labels = [false, true, true, true];
    // Defined where the resample has the image 1.
    let statistic = |images: &[usize]| images.contains(&1).then_some(images[1] as f64);
    let interval = Bootstrap::default().interval(&labels, statistic).unwrap().unwrap();
    assert_eq!((interval.estimate, interval.resamples), (1.0, 2000));
    // (2 / 3)^3 of 2000 are 593, with a standard deviation of 20.
    assert!((500..690).contains(&interval.undefined), "got {}", interval.undefined);

    assert_eq!(FEW.interval(&labels, |_| None), Ok(None));
    let mut calls = 0;
    let once = FEW.interval(&labels, |_| {
        calls += 1;
        (calls == 1).then_some(0.5)
    });
    assert_eq!(once, Ok(None));
}

#[test]
fn bad_input_is_named() {
    let none = Bootstrap { resamples: 0, ..FEW };
    assert_eq!(none.ranking_interval(&[0.1], &[true], Resample::auroc), Err(Error::NoResamples));
    for confidence in [0.0, 1.0, -0.5, f64::INFINITY] {
        let error = Bootstrap { confidence, ..FEW }.interval(&[], |_| None);
        assert_eq!(error, Err(Error::Confidence { confidence }));
    }
    assert!(Bootstrap { confidence: f64::NAN, ..FEW }.interval(&[], |_| None).is_err());
    assert_eq!(
        FEW.interval(&[true], |_| Some(f64::INFINITY)),
        Err(Error::NonFiniteStatistic { value: f64::INFINITY })
    );
    assert_eq!(
        FEW.ranking_difference(&[0.1, 0.2], &[0.1], &[true, false], Resample::auroc),
        Err(Error::LengthMismatch { scores: 1, labels: 2 })
    );
    let error = FEW.ranking_interval(&[0.1, f32::INFINITY], &[true, false], Resample::average_precision);
    assert_eq!(error, Err(Error::NonFiniteScore { index: 1, value: f32::INFINITY }));
    assert_eq!(FEW.ranking_interval(&[], &[], Resample::auroc), Ok(None));
}
