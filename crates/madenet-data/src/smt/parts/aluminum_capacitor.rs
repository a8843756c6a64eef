//! An electrolytic capacitor for surface mounting: an aluminium can with a printed top on a square base of
//! plastic, two narrow terminals.

use std::f32::consts::FRAC_PI_4;

use super::Assembly;
use super::code::code;
use super::flat_terminal::FlatTerminal;
use crate::smt::block::Block;
use crate::smt::canvas::Canvas;
use crate::smt::colour::Rgb;
use crate::smt::geometry::{Bounds, Point, Pose, point};
use crate::smt::light::{Light, Material, slope};
use crate::smt::lots::{Lots, key, tolerance};
use crate::smt::marks::{Ink, text};
use crate::smt::materials::STAMPED_TIN;
use crate::smt::noise::{fractal, value_noise};
use crate::smt::part::Package;
use crate::smt::sdf::{chamfered_box, round_off, smooth_step};
use crate::smt::shadow::darken;
use crate::smt::skin::Skin;

/// Half the base: 6.6 mm by 6.6 mm, typical of cans of 6.3 mm, at 0.09 units per millimetre, as all measures
/// here.
const HALF: Point = point(0.297, 0.297);
/// The corners at the positive terminal are cut by 1.2 mm.
const CUT: f32 = 0.108;
const RADIUS: f32 = 0.2835;
/// Over which the can's shadow on the base fades.
const SOFT: f32 = 0.022;
/// The can's upper edge is round, as deep-drawn metal is.
const SHOULDER: f32 = 0.048;
/// A terminal is 0.65 mm wide; they reach out to 7.5 mm apart. Pads are typical: 3.2 mm by 1.6 mm.
const TERMINAL: FlatTerminal = FlatTerminal {
    root: HALF.x - 0.03,
    tip: 0.338,
    foot: 0.188,
    half_width: 0.030,
    bevel: 0.010,
    rise: 0.007,
    pad: 0.228,
    pad_half: point(0.144, 0.072),
    climb: 0.024,
    reach: 0.060,
};
/// Ink covers the top on the negative side of this line.
const MOON: f32 = -0.125;
/// Radius of the print.
const PRINTED: f32 = 0.232;
const ALUMINIUM: Material = Material::metal(Rgb([0.80, 0.81, 0.82]), 0.15);
const PLASTIC: Material = Material::dull(Rgb([0.016, 0.016, 0.017]), 0.17);
/// Torn and crumpled sheet, and the base where it has broken.
const TORN: Material = Material::metal(Rgb([0.62, 0.62, 0.63]), 0.2);
const BROKEN: Material = Material::dull(Rgb([0.045, 0.045, 0.046]), 0.3);
const INK: Rgb = Rgb([0.016, 0.016, 0.019]);
/// Capacitances in microfarads, and voltages.
const VALUES: [&str; 6] = ["10", "22", "33", "47", "100", "220"];
const VOLTAGES: [&str; 5] = ["6V", "10V", "16V", "25V", "35V"];

struct AluminumCapacitor {
    terminals: [Block; 2],
    base: Skin,
    can: Can,
    mark: Ink,
}

struct Can {
    at: Point,
    /// The direction in which its sheet was rolled.
    rolled: Point,
    /// How well the moon covers.
    opacity: f32,
    key: u32,
}

pub(crate) fn aluminum_capacitor(lots: &mut Lots) -> Assembly {
    let Lots { design, board: random } = lots;
    let base = Skin { material: PLASTIC, frequency: 90.0, tint: 0.05, relief: 0.04, key: key(random) };
    let terminals = [-1.0, 1.0].map(|side| {
        let error = tolerance(0.003, random);
        let skin =
            Skin { material: STAMPED_TIN, frequency: 60.0, tint: 0.03, relief: 0.07, key: key(random) };
        TERMINAL.block(side, error, skin)
    });
    let mut stray = || tolerance(0.002, random);
    let at = point(stray(), stray());
    let can = Can {
        at,
        rolled: point(1.0, 0.0).rotate(std::f32::consts::PI * random.uniform()),
        opacity: 0.93 + 0.05 * random.uniform(),
        key: key(random),
    };
    let lines = [
        VALUES[design.below(VALUES.len())].to_owned(),
        VOLTAGES[design.below(VOLTAGES.len())].to_owned(),
        code("@#@", design),
    ];
    let offset = at + point(0.006 * random.normal(), 0.006 * random.normal());
    let rows = lines.iter().zip([-0.105, 0.0, 0.105]);
    let strokes: Vec<_> = rows.flat_map(|(line, y)| text(line, offset + point(0.045, y), 0.075)).collect();
    let mark = Ink {
        strokes,
        radius: 0.0075 + 0.001 * random.uniform(),
        colour: INK,
        opacity: 0.88 + 0.09 * random.uniform(),
        key: key(random),
    };
    Assembly {
        package: Box::new(AluminumCapacitor { terminals, base, can, mark }),
        joints: TERMINAL.joints(random),
        neighbours: Vec::new(),
        outline: outline(),
        prefix: "C",
    }
}

/// The outline of the base with gaps for the terminals, and a plus.
fn outline() -> Vec<Vec<Point>> {
    let (far, cut) = (HALF.x + 0.034, HALF.x - CUT + 0.018);
    let gap = TERMINAL.pad_half.y + 0.030;
    let half = |side: f32| {
        let ends = [point(-far, gap), point(-far, far), point(cut, far), point(far, cut), point(far, gap)];
        ends.map(|p| point(p.x, side * p.y)).to_vec()
    };
    let plus = point(0.395, -0.155);
    let arm = 0.028;
    vec![
        half(-1.0),
        half(1.0),
        vec![plus - point(arm, 0.0), plus + point(arm, 0.0)],
        vec![plus - point(0.0, arm), plus + point(0.0, arm)],
    ]
}

impl Can {
    fn distance(&self, q: Point) -> f32 {
        (q - self.at).length() - RADIUS
    }

    fn extent(&self) -> Bounds {
        Bounds::new(self.at, point(RADIUS, RADIUS))
    }

    fn draw(&self, canvas: &mut Canvas, pose: &Pose, light: &Light) {
        let step = 0.5 / canvas.scale();
        let height = |q: Point| {
            let d = self.distance(q);
            // A flat groove where the punch held the sheet.
            round_off(d, SHOULDER, SHOULDER) - 0.004 * smooth_step(-0.050, -0.066, d)
        };
        canvas.paint(
            self.extent().placed(pose),
            |p| self.distance(pose.local(p)),
            |p, _, _| {
                let q = pose.local(p);
                light.shade(&ALUMINIUM, pose.turn(slope(q, step, height) + self.brushed(q)))
            },
        );
        self.draw_moon(canvas, pose);
    }

    /// Slopes of the sheet: fine lines along the rolling direction, and dents that only sheen shows.
    fn brushed(&self, q: Point) -> Point {
        let across = point(-self.rolled.y, self.rolled.x);
        let (along, aside) = (q.dot(self.rolled), q.dot(across));
        let lines = value_noise(point(9.0 * along, 150.0 * aside), self.key)
            + value_noise(point(4.0 * along, 55.0 * aside), self.key ^ 1);
        let dents = point(value_noise(q * 5.0, self.key ^ 2), value_noise(q * 5.0, self.key ^ 3));
        across * (0.045 * lines) + dents * 0.05
    }

    fn draw_moon(&self, canvas: &mut Canvas, pose: &Pose) {
        let distance = |q: Point| {
            let from = q - self.at;
            let stray = 0.0012 * fractal(q, 55.0, 2, self.key ^ 4);
            (from.length() - PRINTED).max(from.x - MOON) + stray
        };
        let extent =
            Bounds::new(self.at - point(0.5 * (PRINTED - MOON), 0.0), point(0.5 * (PRINTED + MOON), PRINTED));
        canvas.paint(
            extent.grow(0.005).placed(pose),
            |p| distance(pose.local(p)),
            |p, _, below| {
                let worn = 1.0 - 0.06 * fractal(pose.local(p), 45.0, 2, self.key ^ 5).abs();
                below.mix(INK, self.opacity * worn)
            },
        );
    }
}

impl Package for AluminumCapacitor {
    fn half(&self) -> Point {
        HALF
    }

    fn silhouette(&self, local: Point, _: f32) -> f32 {
        chamfered_box(local, HALF, 0.012, CUT)
    }

    fn fracture(&self, local: Point) -> Material {
        if self.can.distance(local) < 0.0 { TORN } else { BROKEN }
    }

    /// That of the can: what strikes the component meets the can first.
    fn rim(&self, share: f32, side: f32) -> Point {
        self.can.at + point(0.0, side * RADIUS).rotate(FRAC_PI_4 * share)
    }

    fn draw(&self, canvas: &mut Canvas, pose: &Pose, light: &Light) {
        for terminal in &self.terminals {
            terminal.draw(canvas, pose, light);
        }
        let distance = |q: Point| self.silhouette(q, 0.0);
        let extent = Bounds::new(point(0.0, 0.0), HALF);
        self.base.draw(canvas, pose, light, extent, distance, |q| round_off(distance(q), 0.014, 0.012));
        // The can is almost as high as it is wide.
        let shadow = pose.moved_to(pose.at() + light.shadow(0.012));
        let around = self.can.extent().grow(4.0 * SOFT).placed(&shadow);
        darken(canvas, around, 0.65, SOFT, |p| self.can.distance(shadow.local(p)));
        self.can.draw(canvas, pose, light);
        self.mark.draw(canvas, pose);
    }
}
