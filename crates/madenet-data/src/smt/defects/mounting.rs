//! The component or its position. Where no other source is given, ranges were chosen to look right.

use std::f32::consts::{FRAC_PI_2, PI};

use madenet_rng::Stream;

use crate::smt::geometry::{Bounds, Point, Pose, point};
use crate::smt::lots::{between, key, sign};
use crate::smt::part::{Damage, Face, Part};
use crate::smt::parts::Bend;
use crate::smt::scene::Scene;
use crate::smt::solder::Joint;

pub(in crate::smt) fn missing(scene: &mut Scene, _: &mut Stream) {
    scene.part = None;
}

/// How far components on narrow pads are shifted: well above what placement errors reach (0.012), up to about
/// the pitch of fine leads.
const FINE_SHIFT: (f32, f32) = (0.03, 0.06);
/// By which parts of a terminal's width it hangs over its pad on others.
const OVERHANG: (f32, f32) = (0.25, 0.5);
/// Half the shorter side of a body from which on its damage grows no more.
const LARGE_BODY: f32 = 0.215;

pub(in crate::smt) fn shift(scene: &mut Scene, random: &mut Stream) {
    let Some(joint) = scene.joints.first() else { return };
    // Pads are wider than terminals; only what reaches beyond them is overhang.
    let (pad, terminal) = (joint.pad.half.y, joint.terminal.half.y);
    let least = pad - terminal + OVERHANG.0 * 2.0 * terminal;
    let drawn = random.uniform();
    let within = |(low, high): (f32, f32)| low + (high - low) * drawn;
    let overhang = within(OVERHANG) * 2.0 * terminal;
    let size = if least < FINE_SHIFT.0 { within(FINE_SHIFT) } else { pad - terminal + overhang };
    let across = sign(random) * size;
    let along = between(-0.3, 0.3, random) * overhang;
    let Some(part) = &mut scene.part else { return };
    part.pose = part.pose.moved_to(point(part.pose.at().x + along, across));
    part.open = apart(&scene.joints, &part.pose);
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
    joints.iter().enumerate().filter(|(_, joint)| beside(joint)).map(|(i, _)| i).collect()
}

pub(in crate::smt) fn tombstone(scene: &mut Scene, random: &mut Stream) {
    let stands = random.below(2);
    let risen = between(66.0, 86.0, random).to_radians();
    let askew = between(-0.12, 0.12, random);
    let Scene { part: Some(part), joints, .. } = scene else { return };
    let (Some(standing), Some(side)) = (part.package.lay(Face::End { risen }), part.package.lay(Face::Side))
    else {
        return;
    };
    let Some(joint) = joints.get_mut(stands) else { return };
    // The other end was above the other pad: that is where it leans.
    let (inward, facing) = if joint.pad.centre.x > 0.0 { (-1.0, PI) } else { (1.0, 0.0) };
    let Point { x, y } = joint.pad.half;
    let off = point(inward * between(-0.1, 0.35, random) * x, between(-0.08, 0.08, random) * y);
    let foot = Bounds::new(point(0.0, 0.0), point(side.half().y, part.package.half().y));
    joint.terminal = foot;
    let pose = Pose::new(joint.pad.centre + off, facing + askew);
    *part = Part { open: vec![1 - stands], height: STANDING, ..Part::new(standing, pose) };
}

/// The heights, for shadows, of a chip on its end and on its side. Less than they are: light comes over it
/// from all around.
const STANDING: f32 = 0.2;
const LYING: f32 = 0.15;

pub(in crate::smt) fn billboard(scene: &mut Scene, random: &mut Stream) {
    let (aside, askew) = (between(-0.7, 0.7, random), between(-0.06, 0.06, random));
    let turned = if random.below(2) == 0 { 0.0 } else { PI };
    let Scene { part: Some(part), joints, .. } = scene else { return };
    let Some(package) = part.package.lay(Face::Side) else { return };
    let (wide, thick) = (part.package.half().y, package.half().y);
    let at = part.pose.at() + point(0.0, aside * (wide - thick));
    *part = Part { height: LYING, ..Part::new(package, Pose::new(at, turned + askew)) };
    for joint in joints {
        joint.terminal.half.y = thick;
        if turned > 0.0 {
            joint.terminal.centre.x = -joint.terminal.centre.x;
        }
    }
}

pub(in crate::smt) fn upside_down(scene: &mut Scene, random: &mut Stream) {
    let Scene { part: Some(part), joints, .. } = scene else { return };
    let Some(package) = part.package.lay(Face::Underside) else { return };
    part.package = package;
    // Feet are in the air, and no solder holds them straight; the ends of chips are the same on all sides.
    if !part.package.leads_mut().is_empty() {
        part.open = (0..joints.len()).collect();
        let askew = sign(random) * between(0.02, 0.07, random);
        part.pose = part.pose.turned_about(point(0.0, 0.0), askew);
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
    let lift = between(0.6, 1.1, random);
    let askew = if random.below(3) > 0 { between(0.1, 0.3, random) * sign(random) } else { 0.0 };
    for i in [Some(first), next].into_iter().flatten() {
        let Some(lead) = leads.get_mut(i) else { continue };
        let tilt = between(0.4, 1.2, random);
        lead.bend(Bend { lift: lift * between(0.85, 1.0, random), tilt, askew });
        part.open.push(i);
    }
}

pub(in crate::smt) fn body_damage(scene: &mut Scene, random: &mut Stream) {
    let Some(part) = &mut scene.part else { return };
    let half = part.package.half();
    let edge = |share: f32, side: f32| part.package.rim(share, side);
    let (share, side) = (between(-0.9, 0.9, random), sign(random));
    part.damage = Some(if random.below(3) > 0 {
        let radius = between(0.5, 0.8, random) * half.x.min(half.y).min(LARGE_BODY);
        Damage::Chip { at: edge(share, side), radius, key: key(random) }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smt::{Component, Defect};

    /// A component without and with a defect, and the joints of the second board.
    fn parts(component: Component, defect: Defect, seed: u64) -> (Part, Part, Vec<Joint>) {
        let bad = Scene::spoiled(component, defect, seed);
        (Scene::example(component, seed).part.unwrap(), bad.part.unwrap(), bad.joints)
    }

    #[test]
    fn shifts_are_beyond_tolerance_and_of_many_sizes() {
        for &component in
            Component::ALL.iter().filter(|component| component.defects().contains(&Defect::Shift))
        {
            let sizes = (0..20).map(|seed| {
                let (good, bad, _) = parts(component, Defect::Shift, seed);
                assert!((bad.pose.turn(point(1.0, 0.0)) - good.pose.turn(point(1.0, 0.0))).length() < 1e-6);
                bad.pose.at().y.abs()
            });
            let (least, most) = sizes.fold((f32::INFINITY, 0f32), |(a, b), size| (a.min(size), b.max(size)));
            assert!(least >= 0.03 && most > least + 0.015, "{component:?} {least} {most}");
            let fine = [Component::Bga, Component::Dpak, Component::Qfn, Component::Qfp, Component::Soic];
            assert_eq!(most < 0.06, fine.contains(&component), "{component:?} {most}");
        }
    }

    #[test]
    fn damage_begins_on_the_rim() {
        for component in
            [Component::AluminumCapacitor, Component::Inductor, Component::Resistor, Component::Soic]
        {
            for seed in 0..20 {
                let (_, part, _) = parts(component, Defect::BodyDamage, seed);
                let places = match part.damage.unwrap() {
                    Damage::Chip { at, .. } => vec![at],
                    Damage::Crack { path, .. } => vec![path[0], path[path.len() - 1]],
                };
                for at in places {
                    let off = part.package.silhouette(at, 0.0);
                    // The can stands on a base that is a little larger.
                    let inside = if component == Component::AluminumCapacitor { 0.1 } else { 1e-4 };
                    assert!((-inside..1e-4).contains(&off), "{component:?} {at:?} {off}");
                }
            }
        }
    }

    #[test]
    fn a_tombstone_touches_one_pad_and_leans_to_the_other() {
        for seed in 0..20 {
            let (_, part, joints) = parts(Component::Resistor, Defect::Tombstone, seed);
            let [open] = part.open[..] else { panic!("{:?}", part.open) };
            let (foot, free) = (joints[1 - open].pad.centre, joints[open].pad.centre);
            let top = part.pose.place(part.package.centre());
            assert!((part.pose.at() - foot).length() < 0.1);
            assert!((top - part.pose.at()).dot(free - foot) > 0.0);
        }
    }

    #[test]
    fn a_turned_component_has_a_terminal_at_every_pad() {
        for component in [Component::Soic, Component::Qfp] {
            let mut quarters = 0;
            for seed in 0..20 {
                let (good, bad, joints) = parts(component, Defect::WrongPolarity, seed);
                let (before, after) = (good.pose, bad.pose);
                for joint in &joints {
                    let off = after.place(joint.terminal.centre) - joint.pad.centre;
                    assert!(off.length() < 0.05, "{component:?} {off:?}");
                }
                let x = point(1.0, 0.0);
                let turn = before.turn(x).dot(after.turn(x));
                assert!(turn < 0.1, "{turn}");
                quarters += usize::from(turn > -0.1);
            }
            // Rows on two sides have no pads for a quarter turn.
            assert_eq!(quarters > 0, component == Component::Qfp);
        }
    }

    #[test]
    fn a_rotation_is_beyond_tolerance_either_way() {
        let mut sides = [0, 0];
        for seed in 0..20 {
            let (good, bad, _) = parts(Component::Capacitor, Defect::Rotation, seed);
            let (before, after) = (good.pose, bad.pose);
            let turned = before.local(before.at() + after.turn(point(1.0, 0.0)));
            let degrees = turned.y.atan2(turned.x).to_degrees();
            assert!((5.99..=25.01).contains(&degrees.abs()), "{degrees}");
            sides[usize::from(degrees > 0.0)] += 1;
        }
        assert!(sides[0] > 2 && sides[1] > 2, "{sides:?}");
    }

    #[test]
    fn lifted_leads_leave_their_own_pads_open() {
        let mut pairs = 0;
        for seed in 0..20 {
            let bad = Scene::spoiled(Component::Qfp, Defect::LiftedLead, seed);
            let open = bad.part.unwrap().open;
            assert!(matches!(open[..], [_] | [_, _]), "{open:?}");
            if let [a, b] = open[..] {
                assert!(bad.neighbours.contains(&(a, b)));
                pairs += 1;
            }
        }
        assert!(pairs > 1, "{pairs}");
    }

    #[test]
    fn components_on_their_back_touch_the_solder_only_with_terminals_all_around() {
        let open = |component| parts(component, Defect::UpsideDown, 0).1.open;
        assert!(open(Component::Resistor).is_empty());
        assert_eq!(open(Component::Sot), [0, 1, 2]);
    }
}
