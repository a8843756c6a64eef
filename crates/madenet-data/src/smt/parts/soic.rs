//! A small outline package with eight gull-wing leads: moulded epoxy, a dimple at pin 1, a laser mark.

use madenet_rng::Stream;

use super::{Assembly, amount, key};
use crate::smt::block::{Block, Grain};
use crate::smt::canvas::Canvas;
use crate::smt::colour::Rgb;
use crate::smt::geometry::{Bounds, Point, Pose, point};
use crate::smt::light::{Light, Material};
use crate::smt::lots::Lots;
use crate::smt::marks::{Ink, text};
use crate::smt::part::Package;
use crate::smt::sdf::smooth_step;
use crate::smt::solder::Joint;

/// Half the body: 3.9 mm by 4.9 mm (JEDEC MS-012) at 0.11 units per millimetre, as all measures here.
const HALF: Point = point(0.215, 0.27);
/// Half of the span of the leads, 6.0 mm.
const SPAN: f32 = 0.33;
/// From lead to lead, 1.27 mm.
const PITCH: f32 = 0.14;
/// Half the width of a lead, 0.42 mm.
const LEAD: f32 = 0.023;
/// Length of the soldered foot.
const FOOT: f32 = 0.06;
const TIN: Material = Material::metal(Rgb([0.74, 0.73, 0.71]), 0.14);
const EPOXY: Material = Material::dull(Rgb([0.021, 0.021, 0.023]), 0.22);
const LASER: Rgb = Rgb([0.115, 0.115, 0.11]);

struct Soic {
    body: Block,
    leads: Vec<Block>,
    dimple: Point,
    mark: Ink,
}

pub(crate) fn soic(lots: &mut Lots) -> Assembly {
    let Lots { design, board: random } = lots;
    let body = Block {
        extent: Bounds::new(point(0.0, 0.0), HALF),
        corner: 0.006,
        bevel: 0.030,
        rise: 0.017,
        material: EPOXY,
        grain: Grain { frequency: 128.0, tint: 0.035, relief: 0.02, key: key(random) },
    };
    // Pins 1 to 4 on the left from the top, 5 to 8 on the right; the two lists run from the top.
    let places =
        || [-1.0, 1.0].into_iter().flat_map(|side| (0..4).map(move |i| (side, (i as f32 - 1.5) * PITCH)));
    let leads = places().map(|(side, y)| lead(side, y, random)).collect();
    let joints = places().map(|(side, y)| joint(side, y, random)).collect();
    let lines = [number(4, design), number(5, design)];
    let offset = point(0.01 * random.normal(), 0.01 * random.normal());
    let strokes = [
        text(&lines[0], offset + point(0.02, -0.03), 0.062),
        text(&lines[1], offset + point(0.02, 0.07), 0.062),
    ];
    let mark = Ink {
        strokes: strokes.concat(),
        radius: 0.0055,
        colour: LASER,
        opacity: 0.55 + 0.3 * random.uniform(),
        key: key(random),
    };
    let dimple = point(-HALF.x + 0.062, -HALF.y + 0.062);
    Assembly {
        package: Box::new(Soic { body, leads, dimple, mark }),
        joints,
        neighbours: [0, 1, 2, 4, 5, 6].map(|i| (i, i + 1)).to_vec(),
        outline: outline(),
        prefix: "U",
    }
}

fn number(digits: usize, random: &mut Stream) -> String {
    (0..digits).map(|_| char::from(b'0' + random.below(10) as u8)).collect()
}

fn lead(side: f32, y: f32, random: &mut Stream) -> Block {
    let (inner, outer) = (HALF.x - 0.01, SPAN + 0.002 * random.normal());
    Block {
        extent: Bounds::new(point(side * 0.5 * (inner + outer), y), point(0.5 * (outer - inner), LEAD)),
        corner: 0.006,
        bevel: 0.009,
        rise: 0.006,
        material: TIN,
        grain: Grain { frequency: 70.0, tint: 0.03, relief: 0.07, key: key(random) },
    }
}

fn joint(side: f32, y: f32, random: &mut Stream) -> Joint {
    Joint {
        pad: Bounds::new(point(side * (SPAN - 0.02), y), point(0.072, 0.036)),
        terminal: Bounds::new(point(side * (SPAN - 0.5 * FOOT), y), point(0.5 * FOOT, LEAD)),
        amount: amount(random),
        climb: 0.020,
        reach: 0.075,
        key: key(random),
    }
}

/// Above and below the body, with a longer stroke at pin 1.
fn outline() -> Vec<Vec<Point>> {
    let y = HALF.y + 0.04;
    vec![vec![point(-SPAN - 0.04, -y), point(HALF.x, -y)], vec![point(-HALF.x, y), point(HALF.x, y)]]
}

impl Package for Soic {
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
                -0.085 * smooth_step(HALF.x + 0.012, SPAN - FOOT + 0.008, q.x.abs())
            });
        }
        self.body.draw_relief(canvas, pose, light, |q| {
            let d = (q - self.dimple).length();
            -0.013 * smooth_step(0.036, 0.012, d)
        });
        self.mark.draw(canvas, pose);
    }
}
