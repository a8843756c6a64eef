//! A shielded power inductor: a drum of ferrite in a square ring of ferrite, held by drops of glue, a printed value, two
//! wide terminals.

use std::f32::consts::{FRAC_PI_2, FRAC_PI_4};

use madenet_rng::Stream;

use super::surface::{Surface, round_off};
use super::{Assembly, amount, key};
use crate::smt::block::{Block, Grain};
use crate::smt::canvas::Canvas;
use crate::smt::colour::Rgb;
use crate::smt::geometry::{Bounds, Point, Pose, point};
use crate::smt::light::{Light, Material};
use crate::smt::lots::Lots;
use crate::smt::marks::{Ink, text};
use crate::smt::noise::fractal;
use crate::smt::part::Package;
use crate::smt::sdf::chamfered_box;
use crate::smt::solder::Joint;

/// Half the ring: 7.3 mm by 7.3 mm, typical, at 0.082 units per millimetre, as all measures here.
const HALF: Point = point(0.30, 0.30);
/// The cut corners, 1.3 mm.
const CUT: f32 = 0.107;
/// Radii of the opening of the ring, 5.8 mm wide, and of the drum, 5.3 mm.
const OPENING: f32 = 0.238;
const DRUM: f32 = 0.217;
/// Half a terminal, and how far it reaches out: 3 mm wide, 0.4 mm.
const TERMINAL: f32 = 0.123;
const SPAN: f32 = 0.333;
/// Half a pad, 1.9 mm by 3.4 mm, and its centre: typical.
const PAD: Point = point(0.078, 0.139);
const PAD_AT: f32 = 0.310;
/// Values in use: microhenries with R as the point, or two digits and a power of ten.
const VALUES: [&str; 12] =
    ["1R0", "2R2", "3R3", "4R7", "6R8", "100", "150", "220", "330", "470", "680", "101"];
const FERRITE: Material = Material::dull(Rgb([0.038, 0.038, 0.040]), 0.19);
const TIN: Material = Material::metal(Rgb([0.75, 0.74, 0.71]), 0.16);
/// Enamelled copper at the bottom of the gap.
const WINDING: Rgb = Rgb([0.016, 0.0065, 0.003]);
const PRINT: Rgb = Rgb([0.58, 0.58, 0.55]);

struct Inductor {
    terminals: [Block; 2],
    ring: Surface,
    drum: Surface,
    /// Where the drum stands in the ring.
    seat: Point,
    glue: Vec<Glue>,
    mark: Ink,
}

/// A drop that bridges the gap.
struct Glue {
    at: Point,
    radius: f32,
    surface: Surface,
}

pub(crate) fn inductor(lots: &mut Lots) -> Assembly {
    let Lots { design, board: random } = lots;
    let mut ferrite = || Surface {
        material: FERRITE,
        grain: Grain { frequency: 105.0, tint: 0.085, relief: 0.055, key: key(random) },
    };
    let (ring, drum) = (ferrite(), ferrite());
    let terminals = [-1.0, 1.0].map(|side| terminal(side, random));
    let seat = point(0.0025 * random.normal().clamp(-2.0, 2.0), 0.0025 * random.normal().clamp(-2.0, 2.0));
    let glue = drops(design, random);
    let value = VALUES[design.below(VALUES.len())];
    // Drums are printed before they are set into their rings, so the value is a little askew.
    let askew = 0.05 * random.normal().clamp(-2.0, 2.0);
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
        joints: [-1.0, 1.0].map(|side| joint(side, random)).to_vec(),
        neighbours: Vec::new(),
        outline: outline(),
        prefix: "L",
    }
}

fn terminal(side: f32, random: &mut Stream) -> Block {
    let (inner, outer) = (HALF.x - 0.03, SPAN + 0.003 * random.normal().clamp(-2.0, 2.0));
    Block {
        extent: Bounds::new(point(side * 0.5 * (inner + outer), 0.0), point(0.5 * (outer - inner), TERMINAL)),
        corner: 0.006,
        bevel: 0.012,
        rise: 0.009,
        material: TIN,
        grain: Grain { frequency: 60.0, tint: 0.03, relief: 0.08, key: key(random) },
    }
}

/// Four drops near the corners, where the machine of the design puts them.
fn drops(design: &mut Stream, random: &mut Stream) -> Vec<Glue> {
    let colour = Rgb([0.24, 0.19, 0.11]).mix(Rgb([0.045, 0.038, 0.030]), design.uniform());
    let start = FRAC_PI_4 + 0.2 * (2.0 * design.uniform() - 1.0);
    let mut drop = |i: usize| {
        let angle = start + FRAC_PI_2 * i as f32 + 0.06 * random.normal();
        Glue {
            at: point(0.5 * (DRUM + OPENING) + 0.003 * random.normal(), 0.0).rotate(angle),
            radius: 0.015 + 0.007 * random.uniform(),
            surface: Surface {
                material: Material::dull(colour, 0.06),
                grain: Grain { frequency: 40.0, tint: 0.10, relief: 0.06, key: key(random) },
            },
        }
    };
    (0..4).map(&mut drop).collect()
}

fn joint(side: f32, random: &mut Stream) -> Joint {
    Joint {
        pad: Bounds::new(point(side * PAD_AT, 0.0), PAD),
        terminal: Bounds::new(point(side * 0.5 * (SPAN + 0.25), 0.0), point(0.5 * (SPAN - 0.25), TERMINAL)),
        amount: amount(random),
        climb: 0.028,
        reach: 0.060,
        key: key(random),
    }
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
            |p, _, _| WINDING * (1.0 + 0.5 * fractal(pose.local(p), 30.0, 2, self.ring.grain.key)),
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
            let ragged = 0.30 * radius * fractal(q, 0.9 / radius, 3, self.surface.grain.key);
            point(along.max(0.0), from.dot(outward)).length() - radius + ragged
        };
        let extent = Bounds::new(at, point(radius, radius)).grow(1.3 * radius);
        self.surface.draw(canvas, pose, light, extent, distance, |q| {
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
    fn fracture(&self) -> Material {
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
