//! What has come onto the board from outside.

use std::f32::consts::TAU;

use madenet_rng::Stream;

use super::{between, pick};
use crate::smt::colour::Rgb;
use crate::smt::debris::{Debris, curve, splinter};
use crate::smt::geometry::point;
use crate::smt::light::Material;
use crate::smt::scene::Scene;

pub(in crate::smt) fn foreign_object(scene: &mut Scene, random: &mut Stream) {
    let at = point(between(-0.3, 0.3, random), between(-0.3, 0.3, random));
    let angle = random.uniform() * TAU;
    let key = random.below(1 << 30) as u32;
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
    scene.debris.push(debris);
}

pub(in crate::smt) fn flux_residue(_scene: &mut Scene, _random: &mut Stream) {}

pub(in crate::smt) fn stain(_scene: &mut Scene, _random: &mut Stream) {}

pub(in crate::smt) fn oxidation(_scene: &mut Scene, _random: &mut Stream) {}
