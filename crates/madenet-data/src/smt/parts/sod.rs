//! A small outline diode: moulded epoxy, two flat gull-wing leads, a white band at the cathode, two characters.

use madenet_rng::Stream;

use super::code::code;
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
use crate::smt::sdf::{rounded_box, smooth_step};
use crate::smt::solder::Joint;

/// Half the body of a SOD-123: 2.7 mm by 1.6 mm at 0.19 units per millimetre, as all measures here.
const HALF: Point = point(0.256, 0.152);
/// Half of the span of the leads, 3.7 mm.
const SPAN: f32 = 0.352;
/// Half the width of a lead, 0.6 mm.
const LEAD: f32 = 0.057;
/// Length of the soldered foot, 0.35 mm.
const FOOT: f32 = 0.066;
/// Half a pad, 0.95 mm by 1.2 mm, and its centre: typical.
const PAD: Point = point(0.09, 0.114);
const PAD_AT: f32 = 0.317;
/// The slanted sides of the moulding, and by how much they rise.
const DRAFT: f32 = 0.034;
const DRAFT_RISE: f32 = 0.036;
/// The band: its centre and half its width, 0.4 mm.
const BAND: f32 = -0.158;
const BAND_HALF: f32 = 0.038;
const TIN: Material = Material::metal(Rgb([0.74, 0.73, 0.71]), 0.15);
const EPOXY: Material = Material::dull(Rgb([0.019, 0.019, 0.020]), 0.20);
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
    let body = Block {
        extent: Bounds::new(point(0.0, 0.0), HALF),
        corner: 0.010,
        bevel: DRAFT,
        rise: DRAFT_RISE,
        material: EPOXY,
        grain: Grain { frequency: 110.0, tint: 0.04, relief: 0.03, key: key(random) },
    };
    let leads = [-1.0, 1.0].map(|side| lead(side, random));
    let band = Band {
        at: BAND + 0.004 * random.normal().clamp(-2.0, 2.0),
        half: point(BAND_HALF * (1.0 + 0.06 * random.normal().clamp(-2.0, 2.0)), HALF.y - 0.6 * DRAFT),
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
        joints: [-1.0, 1.0].map(|side| joint(side, random)).to_vec(),
        neighbours: Vec::new(),
        outline: outline(),
        prefix: "D",
    }
}

fn lead(side: f32, random: &mut Stream) -> Block {
    let (inner, outer) = (HALF.x - 0.02, SPAN + 0.002 * random.normal());
    Block {
        extent: Bounds::new(point(side * 0.5 * (inner + outer), 0.0), point(0.5 * (outer - inner), LEAD)),
        corner: 0.006,
        bevel: 0.010,
        rise: 0.007,
        material: TIN,
        grain: Grain { frequency: 65.0, tint: 0.03, relief: 0.07, key: key(random) },
    }
}

fn joint(side: f32, random: &mut Stream) -> Joint {
    Joint {
        pad: Bounds::new(point(side * PAD_AT, 0.0), PAD),
        terminal: Bounds::new(point(side * (SPAN - 0.5 * FOOT), 0.0), point(0.5 * FOOT, LEAD)),
        amount: amount(random),
        climb: 0.030,
        reach: 0.095,
        key: key(random),
    }
}

/// Along the long sides, closed at the cathode.
fn outline() -> Vec<Vec<Point>> {
    let (x, y) = (PAD_AT + PAD.x + 0.035, HALF.y + 0.045);
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

    /// Epoxy is filled with quartz, which shows pale where it breaks.
    fn fracture(&self) -> Material {
        Material::dull(Rgb([0.17, 0.165, 0.16]), 0.3)
    }

    fn draw(&self, canvas: &mut Canvas, pose: &Pose, light: &Light) {
        for lead in &self.leads {
            // Level shoulder, steep bend, level foot.
            lead.draw_relief(canvas, pose, light, |q| {
                -0.09 * smooth_step(HALF.x + 0.010, SPAN - FOOT + 0.012, q.x.abs())
            });
        }
        self.body.draw(canvas, pose, light);
        self.band.draw(canvas, pose);
        self.mark.draw(canvas, pose);
    }
}
