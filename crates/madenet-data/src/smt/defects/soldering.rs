//! The joints.

use madenet_rng::Stream;

use super::between;
use crate::smt::geometry::point;
use crate::smt::scene::Scene;
use crate::smt::solder::Bridge;

pub(in crate::smt) fn insufficient_solder(scene: &mut Scene, random: &mut Stream) {
    let starved = random.below(scene.joints.len());
    if let Some(joint) = scene.joints.get_mut(starved) {
        joint.amount = between(0.05, 0.25, random);
    }
}

pub(in crate::smt) fn cold_joint(_scene: &mut Scene, _random: &mut Stream) {}

pub(in crate::smt) fn excess_solder(_scene: &mut Scene, _random: &mut Stream) {}

pub(in crate::smt) fn bridge(scene: &mut Scene, random: &mut Stream) {
    let Some(&(a, b)) = scene.neighbours.get(random.below(scene.neighbours.len())) else { return };
    let (Some(a), Some(b)) = (scene.joints.get(a), scene.joints.get(b)) else { return };
    // In front of the feet or between them, from the same place on both, more or less.
    let sign = a.pad.centre.x.signum();
    let along = |random: &mut Stream, centre: f32| centre + between(-0.15, 0.15, random) * a.pad.half.x;
    let place = sign * between(0.1, 0.6, random) * a.pad.half.x;
    let from = a.pad.centre + point(along(random, place), 0.0);
    let to = b.pad.centre + point(along(random, place), 0.0);
    let end = between(0.75, 1.05, random) * a.pad.half.y;
    let waist = between(0.6, 1.05, random) * a.pad.half.y;
    scene.bridges.push(Bridge { from, to, end, waist, key: random.below(1 << 30) as u32 });
}

pub(in crate::smt) fn solder_ball(_scene: &mut Scene, _random: &mut Stream) {}

pub(in crate::smt) fn void_pinhole(_scene: &mut Scene, _random: &mut Stream) {}

pub(in crate::smt) fn non_wetting(_scene: &mut Scene, _random: &mut Stream) {}

pub(in crate::smt) fn open_joint(_scene: &mut Scene, _random: &mut Stream) {}
