//! The component or its position.

use std::f32::consts::{FRAC_PI_2, PI};

use madenet_rng::Stream;

use super::{between, sign};
use crate::smt::geometry::{Bounds, Point, Pose, point};
use crate::smt::part::{Damage, Face, Part};
use crate::smt::parts::Bend;
use crate::smt::scene::Scene;
use crate::smt::solder::Joint;

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

pub(in crate::smt) fn rotation(scene: &mut Scene, random: &mut Stream) {
    // Close rows of leads would be on each other's pads soon.
    let most = if scene.neighbours.is_empty() { 25.0f32 } else { 12.0 };
    let angle = sign(random) * between(6.0, most, random).to_radians();
    let Some(part) = &mut scene.part else { return };
    part.pose = part.pose.turned_about(point(0.0, 0.0), angle);
    part.open = apart(&scene.joints, &part.pose);
}

/// The joints whose terminals are beside their pads.
fn apart(joints: &[Joint], pose: &Pose) -> Vec<usize> {
    let beside = |joint: &Joint| {
        let off = pose.place(joint.terminal.centre) - joint.pad.centre;
        let reach = joint.pad.half + joint.terminal.half;
        off.x.abs() > reach.x || off.y.abs() > reach.y
    };
    (0..joints.len()).filter(|&i| beside(&joints[i])).collect()
}

pub(in crate::smt) fn tombstone(scene: &mut Scene, random: &mut Stream) {
    let stands = random.below(2);
    let risen = between(66.0, 86.0, random).to_radians();
    let askew = between(-0.12, 0.12, random);
    let Scene { part: Some(part), joints, .. } = scene else { return };
    let (Some(package), Some(joint)) = (part.package.lay(Face::End { risen }), joints.get_mut(stands)) else {
        return;
    };
    // The other end was above the other pad: that is where it leans.
    let facing = if joint.pad.centre.x > 0.0 { PI } else { 0.0 };
    let Point { x, y } = joint.pad.half;
    let at = joint.pad.centre + point(between(-0.3, 0.1, random) * x, between(-0.08, 0.08, random) * y);
    *part = Part { open: vec![1 - stands], height: STANDING, ..Part::new(package, Pose::new(at, facing + askew)) };
    let Point { x, y } = part.package.half();
    joint.terminal = Bounds::new(point(0.0, 0.0), point(x.min(y), y));
}

/// The height of a chip on its end, for its shadow: much of the light comes over it.
const STANDING: f32 = 0.3;

pub(in crate::smt) fn billboard(scene: &mut Scene, random: &mut Stream) {
    let (aside, askew) = (between(-0.7, 0.7, random), between(-0.06, 0.06, random));
    let turned = if random.below(2) == 0 { 0.0 } else { PI };
    let Scene { part: Some(part), joints, .. } = scene else { return };
    let Some(package) = part.package.lay(Face::Side) else { return };
    let (wide, thick) = (part.package.half().y, package.half().y);
    let at = part.pose.at() + point(0.0, aside * (wide - thick));
    *part = Part { height: 0.15, ..Part::new(package, Pose::new(at, turned + askew)) };
    for joint in joints {
        joint.terminal.half.y = thick;
        if turned > 0.0 {
            joint.terminal.centre.x = -joint.terminal.centre.x;
        }
    }
}

pub(in crate::smt) fn upside_down(scene: &mut Scene, _: &mut Stream) {
    let Scene { part: Some(part), joints, .. } = scene else { return };
    let Some(package) = part.package.lay(Face::Underside) else { return };
    part.package = package;
    // Feet are in the air; the ends of chips are the same on all sides.
    if !part.package.leads_mut().is_empty() {
        part.open = (0..joints.len()).collect();
    }
}

pub(in crate::smt) fn wrong_polarity(scene: &mut Scene, random: &mut Stream) {
    let quarters = if meets_pads(&scene.joints, FRAC_PI_2) { 1 + random.below(3) } else { 2 };
    let angle = quarters as f32 * FRAC_PI_2;
    let Some(part) = &mut scene.part else { return };
    part.pose = part.pose.turned_about(point(0.0, 0.0), angle);
    // Another terminal has come to each pad.
    let back = Pose::new(point(0.0, 0.0), -angle);
    for joint in &mut scene.joints {
        joint.terminal = joint.terminal.placed(&back);
    }
}

/// Whether the pads lie the same after a turn about the origin.
fn meets_pads(joints: &[Joint], angle: f32) -> bool {
    let turn = Pose::new(point(0.0, 0.0), angle);
    joints.iter().all(|joint| {
        let turned = joint.pad.placed(&turn);
        let differs = |other: &Bounds| {
            (turned.centre - other.centre).length() + (turned.half - other.half).length() > 0.01
        };
        joints.iter().any(|other| !differs(&other.pad))
    })
}

pub(in crate::smt) fn lifted_lead(scene: &mut Scene, random: &mut Stream) {
    let Scene { part: Some(part), neighbours, .. } = scene else { return };
    let leads = part.package.leads_mut();
    let first = random.below(leads.len().max(1));
    // What has struck one lead has often struck the next.
    let next = neighbours.iter().find(|pair| pair.0 == first).map(|pair| pair.1);
    let next = next.filter(|_| random.below(3) == 0);
    let lift = between(0.45, 0.8, random);
    let askew = if random.below(2) == 0 { between(0.08, 0.22, random) * sign(random) } else { 0.0 };
    for i in [Some(first), next].into_iter().flatten() {
        let Some(lead) = leads.get_mut(i) else { continue };
        let tilt = between(0.35, 0.9, random);
        lead.bend(Bend { lift: lift * between(0.8, 1.0, random), tilt, askew });
        part.open.push(i);
    }
}

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
