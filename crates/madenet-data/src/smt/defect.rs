//! What can be wrong with a board.

use std::f32::consts::TAU;

use madenet_rng::Stream;

use super::colour::Rgb;
use super::debris::{Debris, curve, splinter};
use super::geometry::{Point, point};
use super::light::Material;
use super::part::Damage;
use super::scene::Scene;
use super::solder::Bridge;

/// A kind of defect, one type of the data set.
///
/// Names and groups are a stand-in taxonomy, made up from what inspection of soldered boards usually tells
/// apart. They are not the 21 types of ManuDefect-21, whose list is not public.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Defect {
    /// The component is not there; its paste has melted by itself.
    Missing,
    /// Terminals hang over the side of their pads by 25 to 50 % of their width: more than class 3 of IPC-A-610
    /// allows, up to the limit of class 2.
    Shift,
    /// A piece has broken off the body, or the body is cracked.
    BodyDamage,
    /// A pad got 5 to 25 % of its solder; most of it is not wetted.
    InsufficientSolder,
    /// Solder joins two neighbouring leads.
    Bridge,
    /// A fibre or a particle lies on the board.
    ForeignObject,
}

/// Where in the process a defect arises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DefectGroup {
    /// The component or its position.
    Mounting,
    /// The joints.
    Soldering,
    /// What has come onto the board from outside.
    Contamination,
}

impl Defect {
    /// All of them, group by group.
    pub const ALL: &'static [Defect] = &[
        Defect::Missing,
        Defect::Shift,
        Defect::BodyDamage,
        Defect::InsufficientSolder,
        Defect::Bridge,
        Defect::ForeignObject,
    ];

    /// The type's name, such as `insufficient_solder`.
    ///
    /// ```
    /// use madenet_data::smt::{Defect, DefectGroup};
    ///
    /// assert_eq!(Defect::InsufficientSolder.name(), "insufficient_solder");
    /// assert_eq!(Defect::from_name("bridge"), Some(Defect::Bridge));
    /// assert_eq!(Defect::Bridge.group(), DefectGroup::Soldering);
    /// ```
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Defect::Missing => "missing",
            Defect::Shift => "shift",
            Defect::BodyDamage => "body_damage",
            Defect::InsufficientSolder => "insufficient_solder",
            Defect::Bridge => "bridge",
            Defect::ForeignObject => "foreign_object",
        }
    }

    /// The defect of a [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Defect> {
        Defect::ALL.iter().copied().find(|defect| defect.name() == name)
    }

    /// The group it belongs to.
    #[must_use]
    pub fn group(self) -> DefectGroup {
        match self {
            Defect::Missing | Defect::Shift | Defect::BodyDamage => DefectGroup::Mounting,
            Defect::InsufficientSolder | Defect::Bridge => DefectGroup::Soldering,
            Defect::ForeignObject => DefectGroup::Contamination,
        }
    }

    /// Spoils a good board.
    pub(crate) fn apply(self, scene: &mut Scene, random: &mut Stream) {
        match self {
            Defect::Missing => missing(scene),
            Defect::Shift => shift(scene, random),
            Defect::BodyDamage => body_damage(scene, random),
            Defect::InsufficientSolder => insufficient_solder(scene, random),
            Defect::Bridge => bridge(scene, random),
            Defect::ForeignObject => foreign_object(scene, random),
        }
    }
}

fn missing(scene: &mut Scene) {
    scene.part = None;
}

fn shift(scene: &mut Scene, random: &mut Stream) {
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

fn body_damage(scene: &mut Scene, random: &mut Stream) {
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

fn insufficient_solder(scene: &mut Scene, random: &mut Stream) {
    let starved = random.below(scene.joints.len());
    if let Some(joint) = scene.joints.get_mut(starved) {
        joint.amount = between(0.05, 0.25, random);
    }
}

fn bridge(scene: &mut Scene, random: &mut Stream) {
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

fn foreign_object(scene: &mut Scene, random: &mut Stream) {
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

fn between(low: f32, high: f32, random: &mut Stream) -> f32 {
    low + (high - low) * random.uniform()
}

fn sign(random: &mut Stream) -> f32 {
    if random.below(2) == 0 { -1.0 } else { 1.0 }
}

fn pick<T: Copy, const N: usize>(items: &[T; N], random: &mut Stream) -> T {
    items[random.below(N)]
}
