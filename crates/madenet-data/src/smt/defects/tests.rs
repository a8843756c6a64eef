//! Soldering and contamination on components of every make, whether or not they can have them.

use madenet_rng::Stream;

use crate::smt::camera;
use crate::smt::geometry::{Bounds, point};
use crate::smt::scene::Scene;
use crate::smt::{Component, Defect};

/// The share of the picture, in percent, that `defect` changes visibly.
fn percent(mut scene: Scene, defect: Defect, side: usize, seed: u64) -> f64 {
    let bare = scene.draw_board(side, side);
    let good = scene.expose(scene.draw_on(bare.clone()));
    defect.apply(&mut scene, &mut Stream::new(seed, defect.name(), 0, 0));
    let bad = scene.expose(scene.draw_on(bare));
    let changed = good.pixels().iter().zip(bad.pixels()).filter(|(a, b)| camera::visible(**a, **b)).count();
    100.0 * changed as f64 / (side * side) as f64
}

/// The shares, in percent, that a defect may have on a chip, whose joints are large, and on leads.
const SHARES: [(Defect, [(f64, f64); 2]); 11] = [
    (Defect::InsufficientSolder, [(4.0, 8.0), (0.3, 2.0)]),
    (Defect::ColdJoint, [(4.0, 8.0), (0.4, 2.0)]),
    (Defect::ExcessSolder, [(6.0, 15.0), (0.7, 2.5)]),
    (Defect::SolderBall, [(0.3, 4.0), (0.3, 4.0)]),
    (Defect::VoidPinhole, [(0.15, 2.0), (0.05, 1.2)]),
    (Defect::NonWetting, [(4.0, 9.0), (0.5, 2.0)]),
    (Defect::OpenJoint, [(4.0, 9.0), (0.5, 2.0)]),
    (Defect::ForeignObject, [(0.4, 8.0), (0.4, 8.0)]),
    (Defect::FluxResidue, [(5.0, 25.0), (2.0, 14.0)]),
    (Defect::Stain, [(1.0, 16.0), (1.0, 16.0)]),
    (Defect::Oxidation, [(4.0, 20.0), (0.4, 12.0)]),
];

#[test]
fn every_defect_of_the_solder_shows_on_every_make() {
    for component in [Component::Resistor, Component::Capacitor, Component::Soic] {
        for (defect, shares) in SHARES {
            let (least, most) = shares[usize::from(component == Component::Soic)];
            for seed in 0..6 {
                let share = percent(Scene::example(component, seed), defect, 96, seed);
                assert!((least..=most).contains(&share), "{component:?} {defect:?} {seed}: {share:.2} %");
                let small = percent(Scene::example(component, seed), defect, 32, seed);
                assert!(small > 0.0, "{component:?} {defect:?} {seed} at 32 pixels");
            }
        }
    }
}

/// As below a ball grid array.
#[test]
fn joints_that_the_body_hides_have_balls_beside_it_and_no_other_defect() {
    for seed in 0..6 {
        let hidden = || {
            let mut scene = Scene::example(Component::Soic, seed);
            for joint in &mut scene.joints {
                joint.pad = Bounds::new(joint.pad.centre * 0.4, point(0.02, 0.02));
                joint.terminal = joint.pad;
            }
            scene
        };
        assert!(percent(hidden(), Defect::SolderBall, 64, seed) > 0.2, "{seed}");
        for defect in [Defect::ColdJoint, Defect::OpenJoint, Defect::FluxResidue, Defect::Oxidation] {
            assert_eq!(percent(hidden(), defect, 64, seed), 0.0, "{defect:?}");
        }
    }
}
