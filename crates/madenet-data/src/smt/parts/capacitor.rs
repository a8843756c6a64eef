//! A ceramic capacitor: a beige to brown body without a mark, thick tinned ends.

use super::tipped::Tipped;
use super::{Assembly, chip};
use crate::smt::block::Block;
use crate::smt::canvas::Canvas;
use crate::smt::colour::Rgb;
use crate::smt::geometry::{Bounds, Point, Pose, point};
use crate::smt::light::{Light, Material};
use crate::smt::lots::{Lots, key};
use crate::smt::part::{Face, Package};
use crate::smt::skin::Skin;

/// Half the chip: a little shorter than the resistor, and rounder; between the proportions of the sizes 0603
/// and 0805.
const HALF: Point = point(0.275, 0.160);
const TERMINAL: f32 = 0.115;
/// Small values come thinner than wide: nominal 0.85 mm to a length of 2.0 mm, as in the size 0805.
const THICKNESS: f32 = 0.234;
/// The ends stand a little proud of the ceramic.
const PROUD: f32 = 0.006;
/// Fired ceramic is paler inside than its weathered skin.
const BROKEN: Material = Material::dull(Rgb([0.50, 0.42, 0.32]), 0.3);
const LIGHT_BODY: Rgb = Rgb([0.33, 0.215, 0.125]);
const DARK_BODY: Rgb = Rgb([0.235, 0.145, 0.085]);

struct Capacitor {
    body: Block,
    terminals: [Block; 2],
}

pub(crate) fn capacitor(lots: &mut Lots) -> Assembly {
    let Lots { design, board: random } = lots;
    let colour = LIGHT_BODY.mix(DARK_BODY, design.uniform());
    let body = Block {
        extent: Bounds::new(point(0.0, 0.0), point(HALF.x - 0.02, HALF.y - PROUD)),
        corner: 0.03,
        bevel: 0.085,
        rise: 0.045,
        skin: Skin {
            material: Material::dull(colour, 0.14),
            frequency: 75.0,
            tint: 0.06,
            relief: 0.05,
            key: key(random),
        },
    };
    let terminals = chip::terminals(HALF, TERMINAL, 0.034, random);
    Assembly {
        package: Box::new(Capacitor { body, terminals }),
        joints: chip::joints(HALF, TERMINAL, 0.064, random),
        neighbours: Vec::new(),
        outline: chip::outline(HALF),
        prefix: "C",
    }
}

impl Package for Capacitor {
    fn half(&self) -> Point {
        HALF
    }

    fn fracture(&self, _: Point) -> Material {
        BROKEN
    }

    fn draw(&self, canvas: &mut Canvas, pose: &Pose, light: &Light) {
        self.body.draw(canvas, pose, light);
        for terminal in &self.terminals {
            terminal.draw(canvas, pose, light);
        }
    }

    fn lay(&self, face: Face) -> Option<Box<dyn Package>> {
        let [left, right] = self.terminals;
        match face {
            Face::Underside => None,
            Face::Side => {
                let half = point(HALF.x, 0.5 * THICKNESS);
                let blocks = [self.body, left, right].map(|block| chip::on_side(block, HALF, THICKNESS));
                Some(Box::new(Tipped::level(half, blocks.to_vec(), BROKEN)))
            }
            Face::End { risen } => {
                let top = vec![self.body, left, right];
                Some(Box::new(Tipped::standing(HALF, THICKNESS, risen, top, right, None, BROKEN)))
            }
        }
    }
}
