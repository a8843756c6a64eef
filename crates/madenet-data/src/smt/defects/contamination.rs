//! What has come onto the board from outside. Sizes, amounts and colours were chosen to look right.

use std::f32::consts::TAU;

use madenet_rng::Stream;

use super::chosen;
use crate::smt::colour::Rgb;
use crate::smt::debris::{Debris, splinter};
use crate::smt::film::{Flux, Stain};
use crate::smt::geometry::{curve, point};
use crate::smt::light::Material;
use crate::smt::lots::{between, key, pick};
use crate::smt::scene::{Remains, Scene};
use crate::smt::tarnish::Tarnish;

pub(in crate::smt) fn foreign_object(scene: &mut Scene, random: &mut Stream) {
    let at = point(between(-0.3, 0.3, random), between(-0.3, 0.3, random));
    let angle = random.uniform() * TAU;
    let key = key(random);
    let debris = if random.below(2) == 0 {
        let reach = point(between(0.14, 0.24, random), 0.0).rotate(angle);
        let bend = at + point(0.0, between(-0.16, 0.16, random)).rotate(angle);
        let colours = [Rgb([0.55, 0.54, 0.52]), Rgb([0.02, 0.016, 0.013]), Rgb([0.07, 0.11, 0.30])];
        let material = Material::dull(pick(&colours, random), 0.12);
        Debris {
            path: curve(at - reach, bend, at + reach),
            radius: between(0.008, 0.013, random),
            ragged: 0.15,
            material,
            key,
        }
    } else {
        let radius = between(0.035, 0.065, random);
        let path = splinter(at, radius * between(0.2, 0.9, random), angle);
        // Plastic, rust, wood, and shavings of aluminium.
        let dull = [Rgb([0.50, 0.49, 0.46]), Rgb([0.17, 0.055, 0.02]), Rgb([0.30, 0.19, 0.09])];
        let material = match random.below(4) {
            0 => Material::metal(Rgb([0.75, 0.76, 0.78]), 0.2),
            _ => Material::dull(pick(&dull, random), 0.2),
        };
        Debris { path, radius, ragged: 0.45, material, key }
    };
    scene.remains.push(Remains::Debris(debris));
}

pub(in crate::smt) fn flux_residue(scene: &mut Scene, random: &mut Stream) {
    let Some((first, site)) = chosen(scene, random) else { return };
    let mut sites = vec![site];
    if random.below(2) == 0 {
        sites.extend(neighbour(scene, first).and_then(|second| scene.site(second)));
    }
    let run = between(0.032, 0.06, random);
    // On and around what is seen of the pads.
    let spot = |random: &mut Stream| {
        let seen = sites[random.below(sites.len())].seen().grow(0.6 * run);
        let off = point(between(-1.0, 1.0, random), between(-1.0, 1.0, random));
        seen.centre + point(off.x * seen.half.x, off.y * seen.half.y)
    };
    let lobes = (0..3 + random.below(3)).map(|_| (spot(random), between(0.5, 1.1, random) * run)).collect();
    let bubbles = (0..3 + random.below(6)).map(|_| (spot(random), between(0.005, 0.011, random))).collect();
    let pads = sites.iter().map(|site| site.pad).collect();
    let body = scene.part.as_ref().map(|part| (part.pose, scene.body_extent()));
    let depth = between(0.7, 1.3, random);
    let flux = Flux { pads, run, lobes, bubbles, depth, body, key: key(random) };
    scene.remains.push(Remains::Flux(flux));
}

/// A joint that is close enough to joint `number` for a bridge.
fn neighbour(scene: &Scene, number: usize) -> Option<usize> {
    let beside = |&&(a, b): &&(usize, usize)| a == number || b == number;
    scene.neighbours.iter().find(beside).map(|&(a, b)| if a == number { b } else { a })
}

pub(in crate::smt) fn stain(scene: &mut Scene, random: &mut Stream) {
    let mut at = point(between(-0.26, 0.26, random), between(-0.24, 0.24, random));
    let mut drops = vec![(at, between(0.075, 0.15, random))];
    for _ in 0..random.below(3) {
        // Touching the one before it.
        let radius = between(0.035, 0.09, random);
        let (_, before) = drops[drops.len() - 1];
        at = at + point(0.85 * (before + radius), 0.0).rotate(random.uniform() * TAU);
        drops.push((at, radius));
    }
    // Coffee, oil and washed-out flux.
    let (scatter, absorb) = pick(
        &[
            (Rgb([0.050, 0.030, 0.013]), Rgb([0.60, 0.85, 1.3])),
            (Rgb([0.022, 0.022, 0.020]), Rgb([0.90, 0.90, 0.95])),
            (Rgb([0.040, 0.030, 0.014]), Rgb([0.70, 0.90, 1.15])),
        ],
        random,
    );
    scene.remains.push(Remains::Stain(Stain {
        drops,
        depth: (between(0.4, 0.7, random), between(1.4, 2.4, random)),
        rim: between(0.006, 0.010, random),
        scatter,
        absorb,
        key: key(random),
    }));
}

pub(in crate::smt) fn oxidation(scene: &mut Scene, random: &mut Stream) {
    let Some((first, site)) = chosen(scene, random) else { return };
    // One joint, or all on its side: air and acids do not stop at one.
    let reach = if random.below(2) == 0 { 0.0 } else { between(0.2, 0.7, random) };
    let near = |number: &usize| {
        *number == first
            || scene
                .joints
                .get(*number)
                .is_some_and(|joint| (joint.pad.centre - site.pad.centre).length() < reach)
    };
    let places = scene
        .visible_joints()
        .into_iter()
        .filter(near)
        .filter_map(|number| scene.site(number))
        .flat_map(|site| [site.pad.grow(0.004), site.lead.grow(0.006)])
        .collect();
    let strength = between(0.65, 1.0, random);
    scene.tarnish = Some(Tarnish { places, strength, hue: random.uniform(), key: key(random) });
}
