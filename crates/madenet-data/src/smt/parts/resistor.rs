//! A thick-film resistor: white ceramic, black glass with three digits, tinned ends.

use super::tipped::Tipped;
use super::{Assembly, chip};
use crate::smt::block::Block;
use crate::smt::canvas::Canvas;
use crate::smt::colour::Rgb;
use crate::smt::geometry::{Bounds, Point, Pose, point};
use crate::smt::light::{Light, Material};
use crate::smt::lots::{Lots, key};
use crate::smt::marks::{Ink, text};
use crate::smt::part::{Face, Package};
use crate::smt::skin::Skin;

/// Half the chip, in the proportions of the size 0603: nominal 1.6 mm by 0.8 mm.
const HALF: Point = point(0.30, 0.155);
const TERMINAL: f32 = 0.10;
/// 0.45 mm.
const THICKNESS: f32 = 0.17;
const CERAMIC: Material = Material::dull(Rgb([0.60, 0.59, 0.55]), 0.3);
const GLASS: Material = Material::dull(Rgb([0.010, 0.010, 0.011]), 0.16);
const PRINT: Rgb = Rgb([0.66, 0.66, 0.62]);

struct Resistor {
    ceramic: Block,
    glass: Block,
    terminals: [Block; 2],
    mark: Ink,
}

pub(crate) fn resistor(lots: &mut Lots) -> Assembly {
    let Lots { design, board: random } = lots;
    let ceramic = Block {
        extent: Bounds::new(point(0.0, 0.0), point(HALF.x - 0.01, HALF.y - 0.004)),
        corner: 0.01,
        bevel: 0.012,
        rise: 0.010,
        skin: Skin { material: CERAMIC, frequency: 80.0, tint: 0.05, relief: 0.05, key: key(random) },
    };
    let glass = Block {
        extent: Bounds::new(
            point(0.004 * random.normal(), 0.003 * random.normal()),
            point(HALF.x - TERMINAL + 0.008, HALF.y - 0.017),
        ),
        corner: 0.022,
        bevel: 0.03,
        rise: 0.010,
        skin: Skin { material: GLASS, frequency: 45.0, tint: 0.10, relief: 0.07, key: key(random) },
    };
    let value = format!("{}{}{}", 1 + design.below(9), design.below(10), design.below(6));
    let offset = point(0.008 * random.normal(), 0.006 * random.normal());
    let mark = Ink {
        strokes: text(&value, glass.extent.centre + offset, 0.125),
        radius: 0.0085 + 0.0015 * random.uniform(),
        colour: PRINT,
        opacity: 0.75 + 0.15 * random.uniform(),
        key: key(random),
    };
    let terminals = chip::terminals(HALF, TERMINAL, 0.018, random);
    Assembly {
        package: Box::new(Resistor { ceramic, glass, terminals, mark }),
        joints: chip::joints(HALF, TERMINAL, 0.052, random),
        neighbours: Vec::new(),
        outline: chip::outline(HALF),
        prefix: "R",
    }
}

impl Package for Resistor {
    fn half(&self) -> Point {
        HALF
    }

    fn fracture(&self, _: Point) -> Material {
        CERAMIC
    }

    fn draw(&self, canvas: &mut Canvas, pose: &Pose, light: &Light) {
        self.ceramic.draw(canvas, pose, light);
        for terminal in &self.terminals {
            terminal.draw(canvas, pose, light);
        }
        self.glass.draw(canvas, pose, light);
        self.mark.draw(canvas, pose);
    }

    fn lay(&self, face: Face) -> Option<Box<dyn Package>> {
        let [left, right] = self.terminals;
        Some(Box::new(match face {
            // Plain ceramic; the ends wrap around it.
            Face::Underside => Tipped::level(HALF, vec![self.ceramic, left, right], CERAMIC),
            Face::Side => {
                let half = point(HALF.x, 0.5 * THICKNESS);
                let [ceramic, left, right] =
                    [self.ceramic, left, right].map(|block| chip::on_side(block, HALF, THICKNESS));
                Tipped::level(half, vec![ceramic, self.glass_edge(), left, right], CERAMIC)
            }
            Face::End { risen } => {
                let top = vec![self.ceramic, left, right, self.glass];
                Tipped::standing(HALF, THICKNESS, risen, top, right, Some(self.mark.clone()), CERAMIC)
            }
        }))
    }
}

impl Resistor {
    /// The glass from its side: a thin dark line along one edge.
    fn glass_edge(&self) -> Block {
        let Point { x, .. } = self.glass.extent.half;
        Block {
            extent: Bounds::new(point(self.glass.extent.centre.x, 0.015 - 0.5 * THICKNESS), point(x, 0.009)),
            corner: 0.004,
            bevel: 0.006,
            rise: 0.003,
            ..self.glass
        }
    }
}
