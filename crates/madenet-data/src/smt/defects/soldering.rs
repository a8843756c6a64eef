//! The joints. Sizes and amounts were chosen to look right.

use madenet_rng::Stream;

use super::chosen;
use crate::smt::bead::Bead;
use crate::smt::colour::Rgb;
use crate::smt::fault::{Crater, Crust, Fault};
use crate::smt::footprint::Site;
use crate::smt::geometry::{Bounds, Point, point};
use crate::smt::light::Material;
use crate::smt::lots::{between, key, pick};
use crate::smt::materials::SOLDER;
use crate::smt::scene::{Remains, Scene};
use crate::smt::sdf::rounded_box;
use crate::smt::solder::Bridge;

pub(in crate::smt) fn insufficient_solder(scene: &mut Scene, random: &mut Stream) {
    let Some((starved, _)) = chosen(scene, random) else { return };
    if let Some(joint) = scene.joints.get_mut(starved) {
        joint.amount = between(0.05, 0.25, random);
    }
}

pub(in crate::smt) fn cold_joint(scene: &mut Scene, random: &mut Stream) {
    let Some((number, site)) = chosen(scene, random) else { return };
    let width = narrow(&site);
    // Lumps are a few to the joint, and on a large one no larger than paste makes them.
    let frequency = (between(2.2, 3.2, random) / width).clamp(18.0, 60.0);
    let grey = between(0.34, 0.46, random);
    let crust = Crust {
        lumps: between(0.16, 0.26, random) / frequency,
        frequency,
        material: Material {
            albedo: Rgb::grey(0.17),
            mirror: Rgb([grey, grey, 0.97 * grey]),
            roughness: between(0.32, 0.42, random),
        },
        key: key(random),
    };
    scene.faults.push((number, Fault::Cold(crust)));
}

pub(in crate::smt) fn excess_solder(scene: &mut Scene, random: &mut Stream) {
    let Some((number, site)) = chosen(scene, random) else { return };
    let swell = between(0.06, 0.16, random) * narrow(&site).min(0.14);
    // Over large tabs it does not flow far.
    let covered = between(0.5, 0.95, random) * (site.front - site.heel).clamp(0.02, 0.11);
    let extent = site.across(site.front - covered, site.end + swell, swell);
    let height = between(0.55, 0.75, random) * extent.half.x.min(extent.half.y);
    let bulge = Bead { extent, height, power: 3, ragged: 0.05, material: SOLDER, key: key(random) };
    scene.faults.push((number, Fault::Excess(bulge)));
}

pub(in crate::smt) fn bridge(scene: &mut Scene, random: &mut Stream) {
    let Some(&(a, b)) = scene.neighbours.get(random.below(scene.neighbours.len())) else { return };
    let (Some(site), Some(b)) = (scene.site(a), scene.joints.get(b)) else { return };
    let (length, width) = site.pad_half();
    // In front of the feet or between them, where the body hides nothing, from the same place on both, more
    // or less.
    let hidden = 1.0 - site.free / length;
    let near = (hidden + 0.1).max(0.1);
    let place = between(near, (near + 0.3).max(0.6), random);
    let from = site.pad.centre + site.out * (length * (place + between(-0.15, 0.15, random)));
    let to = b.pad.centre + site.out * (length * (place + between(-0.15, 0.15, random)));
    let end = between(0.75, 1.05, random) * width;
    let waist = between(0.6, 1.05, random) * width;
    scene.bridges.push(Bridge { from, to, end, waist, key: key(random) });
}

/// Balls lie along the edge of a body or of a pad, where the flux has washed them.
pub(in crate::smt) fn solder_ball(scene: &mut Scene, random: &mut Stream) {
    let count = 2 + random.below(5);
    let sites: Vec<Site> = (0..scene.joints.len()).filter_map(|number| scene.site(number)).collect();
    let body = scene.body_extent();
    let pad = chosen(scene, random).map(|(_, site)| site.pad);
    // Most of them in one place.
    let home = random.uniform();
    let mut balls: Vec<Bead> = Vec::new();
    for _ in 0..TRIES {
        let radius = between(0.013, 0.030, random);
        let around = match pad {
            Some(pad) if random.below(2) == 0 => pad,
            _ => body,
        };
        let share = if random.below(3) > 0 { home + between(-0.07, 0.07, random) } else { random.uniform() };
        let at = perimeter(around.grow(radius + between(0.001, 0.02, random)), share);
        let lies_free = at.x.abs().max(at.y.abs()) < 0.46
            && scene.body(at) > radius
            && sites.iter().all(|site| clear_of(site, at) > radius)
            && balls.iter().all(|ball| (ball.extent.centre - at).length() > ball.height + radius);
        if lies_free {
            let extent = Bounds::new(at, point(radius, radius));
            balls.push(Bead { extent, height: radius, power: 2, ragged: 0.0, material: BALL, key: 0 });
        }
        if balls.len() == count {
            break;
        }
    }
    scene.remains.extend(balls.into_iter().map(Remains::Ball));
}

/// Balls froze in air: a little oxide dulls them.
const BALL: Material =
    Material { albedo: Rgb([0.07, 0.07, 0.068]), mirror: Rgb([0.78, 0.77, 0.74]), roughness: 0.10 };
/// Enough to find room on every board that has any.
const TRIES: usize = 300;

pub(in crate::smt) fn void_pinhole(scene: &mut Scene, random: &mut Stream) {
    let Some((number, site)) = chosen(scene, random) else { return };
    // A small joint has no room for many that one could tell apart.
    let most = if narrow(&site) < 0.08 { 2 } else { 4 };
    let count = 1 + random.below(most);
    // Most of the fillet lies before the terminal.
    let before = site.across(site.front, site.end.max(site.front), 0.0);
    let mut size = between(0.8, 1.0, random);
    let mut craters: Vec<Crater> = Vec::new();
    for _ in 0..TRIES {
        let radius = size * between(0.018, 0.030, random);
        let place = if random.below(2) == 0 { site.pad } else { before };
        let off = point(between(-1.0, 1.0, random), between(-1.0, 1.0, random));
        let at = place.centre + point(off.x * place.half.x, off.y * place.half.y);
        let fits = rounded_box(at - site.pad.centre, site.pad.half, 0.018) < -0.9 * radius
            && scene.body(at) > 0.7 * radius
            && rounded_box(at - site.lead.centre, site.lead.half, 0.0) > 0.7 * radius
            && craters.iter().all(|crater| (crater.at - at).length() > crater.radius + 0.8 * radius);
        if fits {
            craters.push(Crater { at, radius });
        }
        if craters.len() == count {
            break;
        }
        // On small joints, small holes.
        size = (0.996 * size).max(0.5);
    }
    if craters.is_empty() {
        craters.push(Crater { at: before.centre, radius: 0.009 });
    }
    scene.faults.push((number, Fault::Voids(craters)));
}

pub(in crate::smt) fn non_wetting(scene: &mut Scene, random: &mut Stream) {
    let Some((number, site)) = chosen(scene, random) else { return };
    let open = site.seen();
    let width = open.half.x.min(open.half.y);
    let mut beads: Vec<Bead> = Vec::new();
    let wetted = between(0.25, 0.45, random) * 4.0 * open.half.x * open.half.y;
    let mut area = 0.0;
    for _ in 0..TRIES {
        let radius = between(0.3, 0.8, random) * width.min(0.07);
        let half = point(radius * between(0.8, 1.3, random), radius * between(0.8, 1.3, random));
        let off = point(between(-1.0, 1.0, random), between(-1.0, 1.0, random));
        let at = open.centre + point(off.x * (open.half.x - half.x), off.y * (open.half.y - half.y));
        let apart =
            |bead: &Bead| (bead.extent.centre - at).length() > 0.8 * bead.extent.half.x + 0.6 * radius;
        if beads.iter().all(apart) {
            area += std::f32::consts::PI * half.x * half.y;
            let height = between(0.4, 0.65, random) * radius;
            let extent = Bounds::new(at, half);
            beads.push(Bead { extent, height, power: 2, ragged: 0.09, material: SOLDER, key: key(random) });
        }
        if area > wetted {
            break;
        }
    }
    let tarnish = pick(&[0.0, 0.25, 0.6, 0.85], random);
    scene.faults.push((number, Fault::Beads { beads, tarnish }));
}

pub(in crate::smt) fn open_joint(scene: &mut Scene, random: &mut Stream) {
    let Some((number, site)) = chosen(scene, random) else { return };
    let room = (site.end - site.front).max(0.016);
    let gap = (between(0.14, 0.28, random) * room).clamp(0.007, 0.024);
    let extent = site.across(site.end - room + gap, site.end, between(-0.06, 0.0, random) * narrow(&site));
    let height = between(0.35, 0.55, random) * extent.half.x.min(extent.half.y);
    let dome = Bead { extent, height, power: 4, ragged: 0.04, material: SOLDER, key: key(random) };
    scene.faults.push((number, Fault::Open { dome, gap }));
}

/// The smaller side of what is seen of a pad.
fn narrow(site: &Site) -> f32 {
    (2.0 * site.pad_half().1).min(site.free)
}

/// How far a point is from a joint and its lead.
fn clear_of(site: &Site, p: Point) -> f32 {
    let pad = rounded_box(p - site.pad.centre, site.pad.half, 0.018);
    pad.min(rounded_box(p - site.lead.centre, site.lead.half, 0.0))
}

/// The point at a share of the way around a rectangle.
fn perimeter(around: Bounds, share: f32) -> Point {
    let (x, y) = (around.half.x, around.half.y);
    let way = share.rem_euclid(1.0) * 4.0 * (x + y);
    let off = if way < 2.0 * x {
        point(way - x, -y)
    } else if way < 2.0 * (x + y) {
        point(x, way - 2.0 * x - y)
    } else if way < 4.0 * x + 2.0 * y {
        point(3.0 * x + 2.0 * y - way, y)
    } else {
        point(-x, 4.0 * x + 3.0 * y - way)
    };
    around.centre + off
}
