//! The drawn boards: the same every time, different from each other, and their masks exact.
#![cfg(feature = "smt")]

use std::collections::BTreeMap;
use std::thread;

use madenet_data::smt::{Component, Defect, DefectGroup, SmtBoards, SmtConfig};
use madenet_data::{Dataset, Error, Label, Result, Sample, Split};
use madenet_image::Image;

fn boards(
    component: Component,
    side: usize,
    normal: usize,
    anomalous: usize,
    seed: u64,
) -> Result<SmtBoards> {
    let config = SmtConfig {
        component,
        width: side,
        height: side,
        designs: 4,
        normal,
        anomalous,
        seed,
        ..SmtConfig::new(component)
    };
    SmtBoards::new(config, Split::Test)
}

fn all(boards: &SmtBoards) -> Result<Vec<Sample>> {
    (0..boards.len()).map(|index| boards.get(index)).collect()
}

/// The mean difference of two pictures, in codes.
fn distance(a: &Image, b: &Image) -> f64 {
    let sum: u64 = a.pixels().iter().zip(b.pixels()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / a.pixels().len() as f64
}

/// The share of the picture, in percent, that a mask of this defect may have.
fn share(component: Component, defect: Defect) -> (f64, f64) {
    match (component, defect) {
        (_, Defect::Missing) => (20.0, 52.0),
        (_, Defect::Shift) => (5.0, 60.0),
        (_, Defect::Rotation) => (15.0, 60.0),
        (_, Defect::Tombstone) => (25.0, 50.0),
        (_, Defect::Billboard) => (12.0, 40.0),
        (_, Defect::UpsideDown) => (8.0, 35.0),
        (_, Defect::WrongPolarity) => (4.0, 40.0),
        (Component::Qfp, Defect::LiftedLead) => (0.3, 2.5),
        (_, Defect::LiftedLead) => (1.0, 7.0),
        (_, Defect::BodyDamage) => (0.15, 9.0),
        (Component::Capacitor | Component::Resistor, Defect::InsufficientSolder) => (3.0, 9.0),
        (_, Defect::InsufficientSolder) => (0.15, 9.0),
        (_, Defect::Bridge) => (0.15, 2.0),
        (Component::Capacitor, Defect::ColdJoint) => (4.0, 9.0),
        (_, Defect::ColdJoint) => (0.3, 12.0),
        (_, Defect::ExcessSolder) => (0.7, 15.0),
        (_, Defect::SolderBall) => (0.2, 5.0),
        (_, Defect::VoidPinhole) => (0.05, 2.5),
        (_, Defect::NonWetting) => (0.4, 14.0),
        (_, Defect::OpenJoint) => (0.15, 9.0),
        (_, Defect::FluxResidue) => (1.0, 25.0),
        (_, Defect::Stain) => (1.0, 16.0),
        (_, Defect::Oxidation) => (0.2, 30.0),
        _ => (0.4, 8.0),
    }
}

#[test]
fn a_sample_is_the_same_in_any_order_and_on_any_thread() {
    let boards = boards(Component::Soic, 48, 3, 6, 11).unwrap();
    let forwards = all(&boards).unwrap();
    let threads: Vec<Sample> = thread::scope(|scope| {
        let started: Vec<_> = (0..9)
            .rev()
            .map(|i| {
                scope.spawn({
                    let boards = &boards;
                    move || boards.get(i).unwrap()
                })
            })
            .collect();
        started.into_iter().rev().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(forwards, threads);
}

#[test]
fn ids_are_unique_and_defects_balanced() {
    for &component in Component::ALL {
        let samples = all(&boards(component, 32, 3, 13, 0).unwrap()).unwrap();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for sample in samples.iter().filter(|sample| sample.label.is_anomalous()) {
            *counts.entry(sample.defect_type.as_deref().unwrap()).or_default() += 1;
        }
        assert_eq!(counts.len(), component.defects().len());
        assert!(counts.values().all(|&n| (1..=3).contains(&n)), "{counts:?}");
        for sample in &samples {
            let [category, part, class, _]: [&str; 4] =
                sample.id.split('/').collect::<Vec<_>>().try_into().unwrap();
            assert_eq!((category, part), (component.name(), "test"));
            assert_eq!(class, sample.defect_type.as_deref().unwrap_or("good"));
            assert_eq!(sample.mask.is_some(), sample.label == Label::Anomalous);
        }
        let mut ids: Vec<&str> = samples.iter().map(|sample| sample.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 16);
    }
}

#[test]
fn a_larger_set_holds_the_boards_of_a_smaller_one() {
    let small = all(&boards(Component::Resistor, 32, 2, 5, 4).unwrap()).unwrap();
    let large = all(&boards(Component::Resistor, 32, 7, 11, 4).unwrap()).unwrap();
    assert!(small.iter().all(|sample| large.contains(sample)));
}

#[test]
fn parts_seeds_and_numbers_have_boards_of_their_own() {
    let picture = |component, split, seed, index| {
        let config = SmtConfig { width: 64, height: 64, normal: 2, seed, ..SmtConfig::new(component) };
        SmtBoards::new(config, split).unwrap().good_twin(index).unwrap()
    };
    for &component in Component::ALL {
        let pictures = [
            picture(component, Split::Train, 0, 0),
            picture(component, Split::Test, 0, 0),
            picture(component, Split::Train, 1, 0),
            picture(component, Split::Train, 0, 1),
        ];
        for (i, a) in pictures.iter().enumerate() {
            for b in &pictures[..i] {
                // More than the noise of the sensor, which makes about 2.
                assert!(distance(a, b) > 4.0, "{component:?} {}", distance(a, b));
            }
        }
    }
}

#[test]
fn outside_of_the_mask_a_board_equals_its_good_twin() {
    for &component in Component::ALL {
        let boards = boards(component, 96, 1, component.defects().len(), 5).unwrap();
        assert_eq!(boards.good_twin(0).unwrap(), boards.get(0).unwrap().image.to_rgb());
        for index in 1..boards.len() {
            let (sample, twin) = (boards.get(index).unwrap(), boards.good_twin(index).unwrap());
            let mask = sample.mask.unwrap();
            let image = sample.image.to_rgb();
            let pixels = image.pixels().chunks_exact(3).zip(twin.pixels().chunks_exact(3));
            let mut unchanged = 0;
            for ((bad, good), &anomalous) in pixels.zip(mask.data()) {
                if anomalous {
                    unchanged += usize::from(bad == good);
                } else {
                    assert_eq!(bad, good, "{}", sample.id);
                }
            }
            // Noise can hide a faint difference, and any on highlights that the sensor clips.
            assert!(20 * unchanged <= mask.count(), "{}: {unchanged} of {}", sample.id, mask.count());
        }
    }
}

#[test]
fn every_defect_is_visible_and_small() {
    thread::scope(|scope| {
        for &component in Component::ALL {
            scope.spawn(move || {
                for seed in 0..20 {
                    assert_eq!(odd_masks(component, seed).unwrap(), [""; 0], "seed {seed}");
                }
            });
        }
    });
}

/// The boards, one per defect of a component, whose masks are not of their defect or not of a sensible size.
fn odd_masks(component: Component, seed: u64) -> Result<Vec<String>> {
    let defects = component.defects();
    let samples = all(&boards(component, 96, 0, defects.len(), seed)?)?;
    let odd = samples.into_iter().zip(defects).filter_map(|(sample, &defect)| {
        let percent = sample.mask.map_or(0.0, |mask| 100.0 * mask.count() as f64 / mask.data().len() as f64);
        let (least, most) = share(component, defect);
        let right = sample.defect_type.as_deref() == Some(defect.name()) && (least..=most).contains(&percent);
        (!right).then(|| format!("{}: {percent:.2} %", sample.id))
    });
    Ok(odd.collect())
}

/// Marks, dimples or bands must tell a turned component from a good one, not the grain of its body.
#[test]
fn a_component_that_can_be_turned_shows_it() {
    for &component in Component::ALL {
        let Some(index) = component.defects().iter().position(|&defect| defect == Defect::WrongPolarity)
        else {
            continue;
        };
        for seed in 0..6 {
            let boards = boards(component, 128, 0, index + 1, seed).unwrap();
            let sample = boards.get(index).unwrap();
            let (turned, good) = (sample.image.to_rgb(), boards.good_twin(index).unwrap());
            let pixels = turned.pixels().chunks_exact(3).zip(good.pixels().chunks_exact(3));
            let clear = pixels.filter(|(a, b)| a.iter().zip(*b).any(|(a, b)| a.abs_diff(*b) > 20)).count();
            let percent = 100.0 * clear as f64 / (128.0 * 128.0);
            assert!(percent > 0.2, "{} of seed {seed}: {percent:.2} %", sample.id);
        }
    }
}

#[test]
fn small_and_oblong_pictures_show_every_defect() {
    for &component in Component::ALL {
        for (width, height) in [(32, 32), (33, 57), (64, 33)] {
            for seed in 0..20 {
                let config = SmtConfig {
                    designs: 1,
                    component,
                    width,
                    height,
                    normal: 0,
                    anomalous: component.defects().len(),
                    seed,
                    ..SmtConfig::new(component)
                };
                for sample in all(&SmtBoards::new(config, Split::Train).unwrap()).unwrap() {
                    assert_eq!((sample.image.width(), sample.image.height()), (width, height));
                    let mask = sample.mask.unwrap();
                    assert_eq!((mask.width(), mask.height()), (width, height));
                    assert!(mask.count() > 0, "{} of seed {seed} at {width} x {height}", sample.id);
                }
            }
        }
    }
}

/// Else the difference to any good board would find every defect.
#[test]
fn good_boards_differ_more_from_each_other_than_from_their_small_defects() {
    for &component in Component::ALL {
        let defects = component.defects();
        let boards = boards(component, 128, 2, defects.len(), 2).unwrap();
        let between =
            distance(&boards.get(0).unwrap().image.to_rgb(), &boards.get(1).unwrap().image.to_rgb());
        for index in 2..boards.len() {
            let defect = defects[index - 2];
            let local = matches!(defect, Defect::LiftedLead | Defect::BodyDamage);
            if defect.group() == DefectGroup::Mounting && !local {
                continue;
            }
            let own = distance(&boards.get(index).unwrap().image.to_rgb(), &boards.good_twin(index).unwrap());
            assert!(between > 2.0 * own, "{component:?} {:?}: {between} {own}", defects[index - 2]);
        }
    }
}

#[test]
fn sizes_and_counts_out_of_range_are_refused() {
    let good = SmtConfig::new(Component::Capacitor);
    for (width, height) in [(31, 64), (64, 31), (4097, 64), (64, usize::MAX), (0, 0)] {
        let error = SmtBoards::new(SmtConfig { width, height, ..good }, Split::Test).unwrap_err();
        assert!(matches!(error, Error::SmtSize { .. }), "{width} x {height}");
    }
    let error = SmtConfig { normal: usize::MAX, anomalous: 1, ..good }.validate().unwrap_err();
    assert!(matches!(error, Error::SmtCount { .. }));
    assert!(SmtConfig { width: 32, height: 4096, ..good }.validate().is_ok());
}

#[test]
fn there_is_no_sample_beyond_the_end() {
    let boards = boards(Component::Soic, 32, 1, 1, 0).unwrap();
    let beyond = boards.get(2).unwrap_err();
    assert_eq!(beyond.to_string(), "there is no sample 2: the data set has 2");
    assert!(matches!(boards.good_twin(2), Err(Error::NoSuchSample { index: 2, len: 2 })));
}
