//! A ball grid array: a laminate with a moulded cap, a gilded corner and a dimple at A1, a laser mark; its
//! joints are hidden.

use madenet_rng::Stream;

use super::code::code;
use super::{Assembly, amount, moulded};
use crate::smt::block::Block;
use crate::smt::canvas::Canvas;
use crate::smt::colour::Rgb;
use crate::smt::geometry::{Bounds, Point, Pose, point};
use crate::smt::light::{Light, Material};
use crate::smt::lots::{Lots, key};
use crate::smt::marks::{Ink, text};
use crate::smt::materials::{BROKEN_EPOXY, COMPONENT_GOLD, PALE_ASH};
use crate::smt::part::Package;
use crate::smt::sdf::{chamfered_box, smooth_step};
use crate::smt::shadow::darken;
use crate::smt::skin::Skin;
use crate::smt::solder::Joint;

/// Half the laminate: 7 mm by 7 mm, typical, at 0.086 units per millimetre, as all measures here.
const HALF: f32 = 0.301;
/// Balls in a row, and from one to the next, 0.8 mm.
const ROW: usize = 7;
const PITCH: f32 = 0.069;
/// Half a pad, 0.4 mm, and half a ball, 0.5 mm: typical.
const PAD: f32 = 0.018;
const BALL: f32 = 0.022;
/// Half the cap at its foot, its cut corners, and its slanted sides: 0.3 mm wide, 0.45 mm high.
const CAP: f32 = 0.262;
const CUT: f32 = 0.035;
const FLANK: f32 = 0.028;
const FLANK_RISE: f32 = 0.040;
/// Over which the cap's shadow on the laminate fades.
const SOFT: f32 = 0.010;
/// Length of the sides of the gilded corner.
const GATE: f32 = 0.082;
/// Black lacquer over glass fibre and copper.
const LAMINATE: Material = Material::dull(Rgb([0.012, 0.026, 0.015]), 0.16);
const CAP_EPOXY: Material = Material::dull(Rgb([0.021, 0.021, 0.0225]), 0.22);

struct Bga {
    laminate: Block,
    gate: Skin,
    cap: Skin,
    dimple: Point,
    mark: Ink,
}

pub(crate) fn bga(lots: &mut Lots) -> Assembly {
    let Lots { design, board: random } = lots;
    let laminate = Block {
        extent: Bounds::new(point(0.0, 0.0), point(HALF, HALF)),
        corner: 0.004,
        bevel: 0.006,
        rise: 0.006,
        skin: Skin { material: LAMINATE, frequency: 85.0, tint: 0.06, relief: 0.06, key: key(random) },
    };
    let gate = Skin { material: COMPONENT_GOLD, frequency: 80.0, tint: 0.04, relief: 0.10, key: key(random) };
    let cap = moulded::skin(CAP_EPOXY, random);
    let lines = [code("@@##@##", design), code("@#### @", design), code("####", design)];
    let offset = point(0.008 * random.normal(), 0.008 * random.normal());
    let rows = lines.iter().zip([-0.075, 0.010, 0.095]);
    let strokes: Vec<_> = rows.flat_map(|(line, y)| text(line, offset + point(0.01, y), 0.054)).collect();
    let mark = moulded::laser(strokes, 0.0052, PALE_ASH, random);
    let dimple = point(-0.182, -0.182);
    Assembly {
        package: Box::new(Bga { laminate, gate, cap, dimple, mark }),
        joints: (0..ROW * ROW).map(|i| joint(i, random)).collect(),
        neighbours: Vec::new(),
        outline: outline(),
        prefix: "U",
    }
}

/// Ball `i`, row by row.
fn joint(i: usize, random: &mut Stream) -> Joint {
    let place = |i: usize| (i as f32 - 0.5 * (ROW - 1) as f32) * PITCH;
    let at = point(place(i % ROW), place(i / ROW));
    Joint {
        pad: Bounds::new(at, point(PAD, PAD)),
        terminal: Bounds::new(at, point(BALL, BALL)),
        amount: amount(random),
        climb: 0.020,
        reach: 0.030,
        key: key(random),
    }
}

/// Brackets around the corners; cut off at A1.
fn outline() -> Vec<Vec<Point>> {
    let (far, near) = (HALF + 0.028, HALF - 0.075);
    let bracket = |x: f32, y: f32| {
        let corner = point(x * far, y * far);
        vec![point(x * near, corner.y), corner, point(corner.x, y * near)]
    };
    let cut = HALF - 0.02;
    let first = vec![point(-near, -far), point(-cut, -far), point(-far, -cut), point(-far, -near)];
    vec![first, bracket(1.0, -1.0), bracket(-1.0, 1.0), bracket(1.0, 1.0)]
}

impl Bga {
    fn draw_gate(&self, canvas: &mut Canvas, pose: &Pose, light: &Light) {
        let corner = point(-HALF + 0.008, -HALF + 0.008);
        let distance = |q: Point| {
            let from = q - corner;
            let slant = (from.x + from.y - GATE) * std::f32::consts::FRAC_1_SQRT_2;
            slant.max(-from.x).max(-from.y)
        };
        let half = 0.5 * GATE;
        let extent = Bounds::new(corner + point(half, half), point(half, half));
        self.gate.draw(canvas, pose, light, extent, distance, |q| -0.1 * distance(q).min(0.004));
    }

    fn draw_cap(&self, canvas: &mut Canvas, pose: &Pose, light: &Light) {
        let half = point(CAP, CAP);
        let distance = |q: Point| chamfered_box(q, half, CUT, CUT);
        let height = |q: Point| {
            let dimple = smooth_step(0.026, 0.014, (q - self.dimple).length());
            FLANK_RISE * smooth_step(0.2 * FLANK, -FLANK, distance(q)) - 0.012 * dimple
        };
        self.cap.draw(canvas, pose, light, Bounds::new(point(0.0, 0.0), half), distance, height);
    }
}

impl Package for Bga {
    fn half(&self) -> Point {
        point(HALF, HALF)
    }

    fn fracture(&self, _: Point) -> Material {
        BROKEN_EPOXY
    }

    fn draw(&self, canvas: &mut Canvas, pose: &Pose, light: &Light) {
        self.laminate.draw(canvas, pose, light);
        self.draw_gate(canvas, pose, light);
        let extent = Bounds::new(point(0.0, 0.0), point(CAP, CAP));
        darken(canvas, extent.grow(4.0 * SOFT).placed(pose), 0.35, SOFT, |p| {
            chamfered_box(pose.local(p), point(CAP, CAP), CUT, CUT)
        });
        self.draw_cap(canvas, pose, light);
        self.mark.draw(canvas, pose);
    }
}
