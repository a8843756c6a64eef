//! What resistors and capacitors in chips have in common: two terminals on two pads.

use madenet_rng::Stream;

use super::amount;
use crate::smt::block::Block;
use crate::smt::geometry::{Bounds, Point, point};
use crate::smt::lots::{key, tolerance};
use crate::smt::materials::PLATED_TIN;
use crate::smt::skin::Skin;
use crate::smt::solder::Joint;

/// The two joints of a chip of half the size `half` whose terminals are `terminal` long.
pub(super) fn joints(half: Point, terminal: f32, climb: f32, random: &mut Stream) -> Vec<Joint> {
    let pad_half = point(0.125, half.y + 0.03);
    let mut joint = |side: f32| Joint {
        pad: Bounds::new(point(side * (half.x + 0.005), 0.0), pad_half),
        terminal: Bounds::new(point(side * (half.x - 0.5 * terminal), 0.0), point(0.5 * terminal, half.y)),
        amount: amount(random),
        climb,
        reach: 0.165,
        key: key(random),
    };
    vec![joint(-1.0), joint(1.0)]
}

/// The two metal caps.
pub(super) fn terminals(half: Point, terminal: f32, bevel: f32, random: &mut Stream) -> [Block; 2] {
    [-1.0, 1.0].map(|side| {
        // The edge of the plating wanders.
        let length = terminal * (1.0 + tolerance(0.06, random));
        Block {
            extent: Bounds::new(point(side * (half.x - 0.5 * length), 0.0), point(0.5 * length, half.y)),
            corner: 0.9 * bevel,
            bevel,
            rise: 0.45 * bevel,
            skin: Skin { material: PLATED_TIN, frequency: 85.0, tint: 0.03, relief: 0.08, key: key(random) },
        }
    })
}

/// Lines above and below the chip, open towards the sides as factories draw them.
pub(super) fn outline(half: Point) -> Vec<Vec<Point>> {
    let (x, y) = (half.x + 0.155, half.y + 0.085);
    let bracket = |side: f32| {
        let ends = [point(-x, 0.55 * y), point(-x, y), point(x, y), point(x, 0.55 * y)];
        ends.map(|p| point(p.x, side * p.y)).to_vec()
    };
    vec![bracket(-1.0), bracket(1.0)]
}

/// A block of a chip of half the size `half` as it is seen from the side, where the chip's thickness takes
/// the place of its width.
pub(super) fn on_side(block: Block, half: Point, thickness: f32) -> Block {
    let Bounds { centre, half: own } = block.extent;
    let narrower = own.y - half.y + 0.5 * thickness;
    Block { extent: Bounds::new(point(centre.x, 0.0), point(own.x, narrower)), ..block }
}
