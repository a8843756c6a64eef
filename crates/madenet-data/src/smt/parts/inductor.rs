//! A shielded power inductor: a drum of ferrite in a square ring of ferrite, held by drops of glue, a printed
//! value, two wide terminals.

use std::f32::consts::{FRAC_PI_2, FRAC_PI_4};

use madenet_rng::Stream;

use super::Assembly;
use super::flat_terminal::FlatTerminal;
use crate::smt::block::Block;
use crate::smt::canvas::Canvas;
use crate::smt::colour::Rgb;
use crate::smt::geometry::{Bounds, Point, Pose, point};
use crate::smt::light::{Light, Material};
use crate::smt::lots::{Lots, key, spread, tolerance};
use crate::smt::marks::{Ink, text};
use crate::smt::materials::STAMPED_TIN;
use crate::smt::noise::fractal;
use crate::smt::part::Package;
use crate::smt::sdf::{chamfered_box, round_off};
use crate::smt::skin::Skin;

/// Half the ring: 7.3 mm by 7.3 mm, typical, at 0.082 units per millimetre, as all measures here.
const HALF: Point = point(0.30, 0.30);
/// The cut corners, 1.3 mm.
const CUT: f32 = 0.107;
/// Radii of the opening of the ring, 5.8 mm wide, and of the drum, 5.3 mm.
const OPENING: f32 = 0.238;
const DRUM: f32 = 0.217;
/// A terminal is 3 mm wide and reaches 0.4 mm out. Pads are typical: 1.9 mm by 3.4 mm.
const TERMINAL: FlatTerminal = FlatTerminal {
    root: HALF.x - 0.03,
    tip: 0.333,
    foot: 0.333 - 0.25,
    half_width: 0.123,
    bevel: 0.012,
    rise: 0.009,
    pad: 0.310,
    pad_half: point(0.078, 0.139),
    climb: 0.028,
    reach: 0.060,
};
/// Values in use: microhenries with R as the point, or two digits and a power of ten.
const VALUES: [&str; 12] =
    ["1R0", "2R2", "3R3", "4R7", "6R8", "100", "150", "220", "330", "470", "680", "101"];
const FERRITE: Material = Material::dull(Rgb([0.038, 0.038, 0.040]), 0.19);
const TIN: Material = Material { roughness: 0.16, ..STAMPED_TIN };
/// Enamelled copper at the bottom of the gap.
const WINDING: Rgb = Rgb([0.016, 0.0065, 0.003]);
const PRINT: Rgb = Rgb([0.58, 0.58, 0.55]);

struct Inductor {
    terminals: [Block; 2],
    ring: Skin,
    drum: Skin,
    /// Where the drum stands in the ring.
    seat: Point,
    glue: Vec<Glue>,
    mark: Ink,
}

/// A drop that bridges the gap.
struct Glue {
    at: Point,
    radius: f32,
    skin: Skin,
}

pub(crate) fn inductor(lots: &mut Lots) -> Assembly {
    let Lots { design, board: random } = lots;
    let mut ferrite =
        || Skin { material: FERRITE, frequency: 105.0, tint: 0.085, relief: 0.055, key: key(random) };
    let (ring, drum) = (ferrite(), ferrite());
    let terminals = [-1.0, 1.0].map(|side| {
        let error = tolerance(0.003, random);
        let skin = Skin { material: TIN, frequency: 60.0, tint: 0.03, relief: 0.08, key: key(random) };
        TERMINAL.block(side, error, skin)
    });
    let seat = point(tolerance(0.0025, random), tolerance(0.0025, random));
    let glue = drops(design, random);
    let value = VALUES[design.below(VALUES.len())];
    // Drums are printed before they are set into their rings, so the value is a little askew.
    let askew = tolerance(0.05, random);
    let mut strokes = text(value, point(0.0, 0.0), 0.125);
    for p in strokes.iter_mut().flatten() {
        *p = p.rotate(askew) + seat;
    }
    let mark = Ink {
        strokes,
        radius: 0.0095 + 0.0015 * random.uniform(),
        colour: PRINT,
        opacity: 0.72 + 0.18 * random.uniform(),
        key: key(random),
    };
    Assembly {
        package: Box::new(Inductor { terminals, ring, drum, seat, glue, mark }),
        joints: TERMINAL.joints(random),
        neighbours: Vec::new(),
        outline: outline(),
        prefix: "L",
    }
}

/// Four drops near the corners, where the machine of the design puts them.
fn drops(design: &mut Stream, random: &mut Stream) -> Vec<Glue> {
    let colour = Rgb([0.24, 0.19, 0.11]).mix(Rgb([0.045, 0.038, 0.030]), design.uniform());
    let start = FRAC_PI_4 + spread(0.2, design);
    let mut drop = |i: usize| {
        let angle = start + FRAC_PI_2 * i as f32 + 0.06 * random.normal();
        Glue {
            at: point(0.5 * (DRUM + OPENING) + 0.003 * random.normal(), 0.0).rotate(angle),
            radius: 0.015 + 0.007 * random.uniform(),
            skin: Skin {
                material: Material::dull(colour, 0.06),
                frequency: 40.0,
                tint: 0.10,
                relief: 0.06,
                key: key(random),
            },
        }
    };
    (0..4).map(&mut drop).collect()
}

/// Lines above and below, bent towards the pads.
fn outline() -> Vec<Vec<Point>> {
    let (x, y) = (HALF.x + 0.025, HALF.y + 0.032);
    let bracket = |side: f32| {
        let ends = [point(-x, 0.175), point(-x, y), point(x, y), point(x, 0.175)];
        ends.map(|p| point(p.x, side * p.y)).to_vec()
    };
    vec![bracket(-1.0), bracket(1.0)]
}

impl Inductor {
    fn draw_ring(&self, canvas: &mut Canvas, pose: &Pose, light: &Light) {
        canvas.paint(
            Bounds::new(point(0.0, 0.0), point(OPENING, OPENING)).grow(0.01).placed(pose),
            |p| pose.local(p).length() - OPENING - 0.005,
            |p, _, _| WINDING * (1.0 + 0.5 * fractal(pose.local(p), 30.0, 2, self.ring.key)),
        );
        let distance = |q: Point| self.silhouette(q, 0.0).max(OPENING - q.length());
        let extent = Bounds::new(point(0.0, 0.0), HALF);
        self.ring.draw(canvas, pose, light, extent, distance, |q| round_off(distance(q), 0.018, 0.014));
    }

    fn draw_drum(&self, canvas: &mut Canvas, pose: &Pose, light: &Light) {
        let distance = |q: Point| (q - self.seat).length() - DRUM;
        let extent = Bounds::new(self.seat, point(DRUM, DRUM));
        self.drum.draw(canvas, pose, light, extent, distance, |q| round_off(distance(q), 0.014, 0.012));
    }
}

impl Glue {
    fn draw(&self, canvas: &mut Canvas, pose: &Pose, light: &Light) {
        let Glue { at, radius, .. } = *self;
        let outward = at * (1.0 / at.length());
        // It has crept along the gap, and wets the ferrite unevenly.
        let distance = |q: Point| {
            let from = q - at;
            let creep = 0.8 * radius;
            let along = (outward.x * from.y - outward.y * from.x).abs() - creep;
            let ragged = 0.30 * radius * fractal(q, 0.9 / radius, 3, self.skin.key);
            point(along.max(0.0), from.dot(outward)).length() - radius + ragged
        };
        let extent = Bounds::new(at, point(radius, radius)).grow(1.3 * radius);
        self.skin.draw(canvas, pose, light, extent, distance, |q| {
            round_off(distance(q), 1.1 * radius, 0.45 * radius)
        });
    }
}

impl Package for Inductor {
    fn half(&self) -> Point {
        HALF
    }

    fn silhouette(&self, local: Point, _: f32) -> f32 {
        chamfered_box(local, HALF, CUT, CUT)
    }

    /// Ferrite breaks with dark, shining faces.
    fn fracture(&self, _: Point) -> Material {
        Material::dull(Rgb([0.085, 0.085, 0.09]), 0.12)
    }

    fn draw(&self, canvas: &mut Canvas, pose: &Pose, light: &Light) {
        for terminal in &self.terminals {
            terminal.draw(canvas, pose, light);
        }
        self.draw_ring(canvas, pose, light);
        self.draw_drum(canvas, pose, light);
        for drop in &self.glue {
            drop.draw(canvas, pose, light);
        }
        self.mark.draw(canvas, pose);
    }
}
