//! What bodies of moulded epoxy have in common.

use madenet_rng::Stream;

use super::key;
use crate::smt::block::{Block, Grain};
use crate::smt::colour::Rgb;
use crate::smt::geometry::{Bounds, Point};
use crate::smt::light::Material;
use crate::smt::marks::Ink;

/// Black epoxy, eroded matt by the mould.
const EPOXY: Material = Material::dull(Rgb([0.021, 0.021, 0.023]), 0.22);
/// Epoxy is filled with quartz, which shows pale where it breaks.
pub(super) const FRACTURE: Material = Material::dull(Rgb([0.17, 0.165, 0.16]), 0.3);
/// What a laser leaves of it: grey ash.
const LASER: Rgb = Rgb([0.115, 0.115, 0.11]);

/// A body whose upper edges fall over the width `bevel` by `rise`.
pub(super) fn body(extent: Bounds, bevel: f32, rise: f32, random: &mut Stream) -> Block {
    Block {
        extent,
        corner: 0.006,
        bevel,
        rise,
        material: EPOXY,
        grain: Grain { frequency: 128.0, tint: 0.035, relief: 0.02, key: key(random) },
    }
}

/// Writing by laser.
pub(super) fn laser(strokes: Vec<Vec<Point>>, radius: f32, random: &mut Stream) -> Ink {
    Ink { strokes, radius, colour: LASER, opacity: 0.55 + 0.3 * random.uniform(), key: key(random) }
}

/// A number of so many digits.
pub(super) fn number(digits: usize, random: &mut Stream) -> String {
    (0..digits).map(|_| char::from(b'0' + random.below(10) as u8)).collect()
}
