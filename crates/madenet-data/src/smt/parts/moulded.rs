//! What bodies of moulded epoxy have in common.

use madenet_rng::Stream;

use crate::smt::block::Block;
use crate::smt::colour::Rgb;
use crate::smt::geometry::{Bounds, Point};
use crate::smt::light::Material;
use crate::smt::lots::key;
use crate::smt::marks::Ink;
use crate::smt::skin::Skin;

/// A body whose upper edges fall over the width `bevel` by `rise`.
pub(super) fn body(extent: Bounds, material: Material, bevel: f32, rise: f32, random: &mut Stream) -> Block {
    Block { extent, corner: 0.006, bevel, rise, skin: skin(material, random) }
}

/// The grain that the mould has left.
pub(super) fn skin(material: Material, random: &mut Stream) -> Skin {
    Skin { material, frequency: 128.0, tint: 0.035, relief: 0.02, key: key(random) }
}

/// Writing by laser in ash of a colour.
pub(super) fn laser(strokes: Vec<Vec<Point>>, radius: f32, colour: Rgb, random: &mut Stream) -> Ink {
    Ink { strokes, radius, colour, opacity: 0.55 + 0.3 * random.uniform(), key: key(random) }
}
