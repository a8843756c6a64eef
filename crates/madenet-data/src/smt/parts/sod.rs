//! A small outline diode: moulded epoxy, two flat gull-wing leads, a white band at the cathode, two
//! characters.

use super::code::code;
use super::flat_terminal::FlatTerminal;
use super::{Assembly, moulded};
use crate::smt::block::Block;
use crate::smt::canvas::Canvas;
use crate::smt::colour::Rgb;
use crate::smt::geometry::{Bounds, Point, Pose, point};
use crate::smt::light::{Light, Material};
use crate::smt::lots::{Lots, key, tolerance};
use crate::smt::marks::{Ink, text};
use crate::smt::materials::{BROKEN_EPOXY, PRESSED_TIN};
use crate::smt::noise::fractal;
use crate::smt::part::Package;
use crate::smt::sdf::{rounded_box, smooth_step};
use crate::smt::skin::Skin;

/// Half the body of a SOD-123: nominal 2.7 mm by 1.6 mm at 0.19 units per millimetre, as all measures here.
const HALF: Point = point(0.256, 0.152);
/// Half of the span of the leads is 1.85 mm; a lead is 0.6 mm wide, its soldered foot 0.35 mm long. Pads are
/// typical: 0.95 mm by 1.2 mm.
const LEAD: FlatTerminal = FlatTerminal {
    root: HALF.x - 0.02,
    tip: 0.352,
    foot: 0.066,
    half_width: 0.057,
    bevel: 0.010,
    rise: 0.007,
    pad: 0.317,
    pad_half: point(0.09, 0.114),
    climb: 0.030,
    reach: 0.095,
};
/// The slanted sides of the moulding, and by how much they rise.
const DRAFT: f32 = 0.034;
const DRAFT_RISE: f32 = 0.036;
/// The band: its centre and half its width, 0.4 mm.
const BAND: f32 = -0.158;
const BAND_HALF: f32 = 0.038;
const LEAD_TIN: Material = Material { roughness: 0.15, ..PRESSED_TIN };
const GLOSSY_EPOXY: Material = Material::dull(Rgb([0.019, 0.019, 0.020]), 0.20);
const PRINT: Rgb = Rgb([0.56, 0.56, 0.54]);

struct Sod {
    body: Block,
    leads: [Block; 2],
    band: Band,
    mark: Ink,
}

/// White ink across the top.
struct Band {
    at: f32,
    half: Point,
    opacity: f32,
    key: u32,
}

pub(crate) fn sod(lots: &mut Lots) -> Assembly {
    let Lots { design, board: random } = lots;
    let body = moulded::body(Bounds::new(point(0.0, 0.0), HALF), GLOSSY_EPOXY, DRAFT, DRAFT_RISE, random);
    let skin = Skin { frequency: 110.0, tint: 0.04, relief: 0.03, ..body.skin };
    let body = Block { corner: 0.010, skin, ..body };
    let leads = [-1.0, 1.0].map(|side| {
        let error = 0.002 * random.normal();
        let skin = Skin { material: LEAD_TIN, frequency: 65.0, tint: 0.03, relief: 0.07, key: key(random) };
        LEAD.block(side, error, skin)
    });
    let band = Band {
        at: BAND + tolerance(0.004, random),
        half: point(BAND_HALF * (1.0 + tolerance(0.06, random)), HALF.y - 0.6 * DRAFT),
        opacity: 0.82 + 0.12 * random.uniform(),
        key: key(random),
    };
    let offset = point(0.006 * random.normal(), 0.005 * random.normal());
    let mark = Ink {
        strokes: text(&code("@#", design), offset + point(0.055, 0.0), 0.115),
        radius: 0.0085 + 0.0012 * random.uniform(),
        colour: PRINT,
        opacity: 0.70 + 0.2 * random.uniform(),
        key: key(random),
    };
    Assembly {
        package: Box::new(Sod { body, leads, band, mark }),
        joints: LEAD.joints(random),
        neighbours: Vec::new(),
        outline: outline(),
        prefix: "D",
    }
}

/// Along the long sides, closed at the cathode.
fn outline() -> Vec<Vec<Point>> {
    let (x, y) = (LEAD.pad + LEAD.pad_half.x + 0.035, HALF.y + 0.045);
    vec![vec![point(HALF.x, -y), point(-x, -y), point(-x, y), point(HALF.x, y)]]
}

impl Band {
    fn draw(&self, canvas: &mut Canvas, pose: &Pose) {
        let extent = Bounds::new(point(self.at, 0.0), self.half).grow(0.01);
        let frayed = |q: Point| {
            let stray = 0.002 * fractal(q, 60.0, 2, self.key);
            rounded_box(q - point(self.at, 0.0), self.half, 0.008) + stray
        };
        canvas.paint(
            extent.placed(pose),
            |p| frayed(pose.local(p)),
            |p, _, below| {
                let thin = 1.0 - 0.10 * fractal(pose.local(p), 28.0, 3, self.key ^ 1).abs();
                below.mix(PRINT, self.opacity * thin)
            },
        );
    }
}

impl Package for Sod {
    fn half(&self) -> Point {
        HALF
    }

    fn fracture(&self, _: Point) -> Material {
        BROKEN_EPOXY
    }

    fn draw(&self, canvas: &mut Canvas, pose: &Pose, light: &Light) {
        for lead in &self.leads {
            // Level shoulder, steep bend, level foot.
            lead.draw_relief(canvas, pose, light, |q| {
                -0.09 * smooth_step(HALF.x + 0.010, LEAD.tip - LEAD.foot + 0.012, q.x.abs())
            });
        }
        self.body.draw(canvas, pose, light);
        self.band.draw(canvas, pose);
        self.mark.draw(canvas, pose);
    }
}
