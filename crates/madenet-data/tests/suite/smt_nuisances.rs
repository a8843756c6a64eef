//! Boards that are hard to see: the same on both twins, over a part of the picture, and never over all of a defect.
#![cfg(feature = "smt")]
#![allow(clippy::unwrap_used)]

use madenet_data::smt::{Component, Defect, DefectSet, Nuisances, SmtBoards, SmtConfig};
use madenet_data::{Dataset, Error, Sample, Split};
use madenet_image::Image;

const OFF: Nuisances = Nuisances { contrast: 0.0, occlusion: 0.0, reflection: 0.0 };
const ALL: Nuisances = Nuisances { contrast: 1.0, occlusion: 1.0, reflection: 1.0 };
const EACH: [Nuisances; 4] = [
    Nuisances { contrast: 1.0, ..OFF },
    Nuisances { occlusion: 1.0, ..OFF },
    Nuisances { reflection: 1.0, ..OFF },
    ALL,
];
/// A large, a thin and a small one.
const DEFECTS: [Defect; 3] = [Defect::Missing, Defect::BodyDamage, Defect::InsufficientSolder];

fn boards(
    component: Component,
    nuisances: Nuisances,
    normal: usize,
    anomalous: usize,
    seed: u64,
) -> SmtBoards {
    let config = SmtConfig {
        width: 96,
        height: 96,
        designs: 4,
        normal,
        anomalous,
        defects: DEFECTS.into(),
        nuisances,
        seed,
        ..SmtConfig::new(component)
    };
    SmtBoards::new(config, Split::Test).unwrap()
}

/// The share of pixels of which some channel differs by more than noise.
fn changed(a: &Image, b: &Image) -> f64 {
    let pixels = a.pixels().chunks_exact(3).zip(b.pixels().chunks_exact(3));
    let differ = pixels.filter(|(a, b)| a.iter().zip(*b).any(|(a, b)| a.abs_diff(*b) > 12)).count();
    3.0 * differ as f64 / a.pixels().len() as f64
}

#[test]
fn probabilities_of_0_leave_every_board_as_it_is() {
    let plain = boards(Component::Soic, OFF, 2, 3, 1);
    let default = SmtConfig { nuisances: Nuisances::default(), ..*plain.config() };
    let default = SmtBoards::new(default, Split::Test).unwrap();
    for index in 0..plain.len() {
        assert_eq!(plain.get(index).unwrap(), default.get(index).unwrap());
    }
}

#[test]
fn normal_boards_are_hit_as_often_as_defective_ones() {
    let half = Nuisances { contrast: 0.0, occlusion: 0.5, reflection: 0.0 };
    let (plain, hit) =
        (boards(Component::Resistor, OFF, 60, 60, 2), boards(Component::Resistor, half, 60, 60, 2));
    let hits = |range: std::ops::Range<usize>| {
        range.filter(|&i| hit.good_twin(i).unwrap() != plain.good_twin(i).unwrap()).count()
    };
    // Binomial with a standard deviation of 3.9.
    let (normal, defective) = (hits(0..60), hits(60..120));
    assert!((20..=40).contains(&normal) && (20..=40).contains(&defective), "{normal} {defective}");
}

#[test]
fn each_nuisance_changes_good_boards_and_things_in_the_way_a_part_of_them() {
    let plain = boards(Component::Resistor, OFF, 12, 0, 3);
    for (kind, nuisances) in EACH.into_iter().enumerate() {
        let hard = boards(Component::Resistor, nuisances, 12, 0, 3);
        for index in 0..12 {
            let share = changed(&plain.good_twin(index).unwrap(), &hard.good_twin(index).unwrap());
            // A thing covers up to 20 % and casts a shadow.
            let (least, most) = [(0.2, 1.0), (0.03, 0.45), (0.005, 0.7), (0.2, 1.0)][kind];
            assert!((least..=most).contains(&share), "{nuisances:?} on board {index}: {share}");
        }
    }
}

#[test]
fn outside_of_the_mask_disturbed_twins_are_equal() {
    for component in [Component::Resistor, Component::Soic] {
        for nuisances in EACH {
            let boards = boards(component, nuisances, 1, 6, 4);
            assert_eq!(boards.good_twin(0).unwrap(), boards.get(0).unwrap().image.to_rgb());
            for index in 1..boards.len() {
                let Sample { id, image, mask, .. } = boards.get(index).unwrap();
                let (image, twin, mask) = (image.to_rgb(), boards.good_twin(index).unwrap(), mask.unwrap());
                assert!(mask.count() > 0, "{id}");
                let pixels = image.pixels().chunks_exact(3).zip(twin.pixels().chunks_exact(3));
                for ((bad, good), _) in pixels.zip(mask.data()).filter(|(_, anomalous)| !**anomalous) {
                    assert_eq!(bad, good, "{id}");
                }
            }
        }
    }
}

#[test]
fn a_quarter_of_every_defect_stays_visible() {
    for component in [Component::Resistor, Component::Soic] {
        for nuisances in EACH {
            let (plain, hard) = (boards(component, OFF, 0, 30, 5), boards(component, nuisances, 0, 30, 5));
            for index in 0..30 {
                let count = |boards: &SmtBoards| boards.get(index).unwrap().mask.unwrap().count();
                let (all, seen) = (count(&plain), count(&hard));
                assert!(
                    0 < seen && 5 * seen >= all,
                    "{nuisances:?} on {component:?} {index}: {seen} of {all}"
                );
            }
        }
    }
}

#[test]
fn more_nuisances_hit_the_same_boards_and_others() {
    let at = |contrast| boards(Component::Soic, Nuisances { contrast, ..OFF }, 20, 0, 6);
    let (never, seldom, often) = (at(0.0), at(0.3), at(0.7));
    let mut hit = [0; 2];
    for index in 0..20 {
        let [never, seldom, often] = [&never, &seldom, &often].map(|boards| boards.good_twin(index).unwrap());
        if seldom != never {
            assert_eq!(seldom, often, "board {index}");
        }
        hit = [hit[0] + usize::from(seldom != never), hit[1] + usize::from(often != never)];
    }
    assert!(0 < hit[0] && hit[0] < hit[1], "{hit:?}");
}

#[test]
fn chosen_defects_are_cycled_through_and_keep_their_boards() {
    let all = SmtConfig { width: 32, height: 32, normal: 0, anomalous: 9, ..SmtConfig::new(Component::Soic) };
    let two = SmtConfig { anomalous: 3, defects: [Defect::Bridge, Defect::Missing].into(), ..all };
    let [all, two] = [all, two].map(|config| SmtBoards::new(config, Split::Test).unwrap());
    let ids: Vec<String> = (0..3).map(|i| two.id(i).unwrap()).collect();
    assert_eq!(ids, ["SOIC/test/missing/0000", "SOIC/test/bridge/0000", "SOIC/test/missing/0001"]);
    let bridge = Component::Soic.defects().iter().position(|&defect| defect == Defect::Bridge).unwrap();
    assert_eq!(two.get(1).unwrap(), all.get(bridge).unwrap());
}

#[test]
fn choices_that_make_no_sense_are_refused() {
    let good = SmtConfig::new(Component::Bga);
    let error = |config: SmtConfig| config.validate().unwrap_err();
    assert!(matches!(
        error(SmtConfig { defects: DefectSet::EMPTY, ..good }),
        Error::SmtNoDefects { component: Component::Bga }
    ));
    assert!(matches!(
        error(SmtConfig { component: Component::Sot, ..good }),
        Error::SmtDefect { component: Component::Sot, defect: Defect::Shift }
    ));
    for probability in [-0.1, 1.1, f32::NAN] {
        let nuisances = Nuisances { reflection: probability, ..OFF };
        assert!(matches!(
            error(SmtConfig { nuisances, ..good }),
            Error::SmtNuisance { name: "reflection", .. }
        ));
    }
}
