//! The component or its position.

use madenet_rng::Stream;

use super::{between, sign};
use crate::smt::geometry::{Point, point};
use crate::smt::part::Damage;
use crate::smt::scene::Scene;

pub(in crate::smt) fn missing(scene: &mut Scene, _: &mut Stream) {
    scene.part = None;
}

pub(in crate::smt) fn shift(scene: &mut Scene, random: &mut Stream) {
    let Some(joint) = scene.joints.first() else { return };
    // Pads are wider than terminals; only what reaches beyond them is overhang.
    let (pad, terminal) = (joint.pad.half.y, joint.terminal.half.y);
    let overhang = between(0.25, 0.5, random) * 2.0 * terminal;
    let across = sign(random) * (pad - terminal + overhang);
    let along = between(-0.3, 0.3, random) * overhang;
    if let Some(part) = &mut scene.part {
        part.pose = part.pose.moved_to(point(part.pose.at().x + along, across));
    }
}

pub(in crate::smt) fn rotation(_scene: &mut Scene, _random: &mut Stream) {}

pub(in crate::smt) fn tombstone(_scene: &mut Scene, _random: &mut Stream) {}

pub(in crate::smt) fn billboard(_scene: &mut Scene, _random: &mut Stream) {}

pub(in crate::smt) fn upside_down(_scene: &mut Scene, _random: &mut Stream) {}

pub(in crate::smt) fn wrong_polarity(_scene: &mut Scene, _random: &mut Stream) {}

pub(in crate::smt) fn lifted_lead(_scene: &mut Scene, _random: &mut Stream) {}

pub(in crate::smt) fn body_damage(scene: &mut Scene, random: &mut Stream) {
    let Some(part) = &mut scene.part else { return };
    let half = part.package.half();
    // A place on one of the edges along x, short of the corners.
    let edge = |share: f32, side: f32| point(0.9 * half.x * share, half.y * side);
    let (share, side) = (between(-0.9, 0.9, random), sign(random));
    part.damage = Some(if random.below(3) > 0 {
        let radius = between(0.5, 0.8, random) * half.x.min(half.y);
        Damage::Chip { at: edge(share, side), radius, key: random.below(1 << 30) as u32 }
    } else {
        let from = edge(0.6 * share, side);
        let to = edge(0.6 * between(-0.9, 0.9, random), -side);
        let path = zigzag(from, to, 0.16 * half.y, random);
        Damage::Crack { path, radius: between(0.007, 0.011, random) }
    });
}

/// A broken line with sideways steps of up to `stray`.
fn zigzag(from: Point, to: Point, stray: f32, random: &mut Stream) -> Vec<Point> {
    const STEPS: usize = 7;
    let mut corner = |i: usize| {
        let inner = if i == 0 || i == STEPS { 0.0 } else { 1.0 };
        let aside = point(between(-stray, stray, random), between(-0.3 * stray, 0.3 * stray, random));
        from + (to - from) * (i as f32 / STEPS as f32) + aside * inner
    };
    (0..=STEPS).map(&mut corner).collect()
}
