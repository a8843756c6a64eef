//! Flat terminals: one on each side of a body, reaching out from below it along x.

use madenet_rng::Stream;

use super::amount;
use super::gull_wing::extent;
use crate::smt::block::Block;
use crate::smt::geometry::{Bounds, Point, point};
use crate::smt::lots::key;
use crate::smt::skin::Skin;
use crate::smt::solder::Joint;

/// The measures that the two terminals of one component share, along x and across.
#[derive(Clone, Copy, Debug)]
pub(super) struct FlatTerminal {
    /// Where what is seen of it begins, below the body.
    pub(super) root: f32,
    /// How far it reaches out.
    pub(super) tip: f32,
    /// Length of the soldered part.
    pub(super) foot: f32,
    pub(super) half_width: f32,
    /// See [`Block`].
    pub(super) bevel: f32,
    pub(super) rise: f32,
    /// The middle of a pad, and half its size.
    pub(super) pad: f32,
    pub(super) pad_half: Point,
    /// See [`Joint`].
    pub(super) climb: f32,
    pub(super) reach: f32,
}

impl FlatTerminal {
    /// The terminal at `side`, 1 or -1, that is longer by `error` than it should be.
    pub(super) fn block(&self, side: f32, error: f32, skin: Skin) -> Block {
        Block {
            extent: extent(point(side, 0.0), 0.0, self.root, self.tip + error, self.half_width),
            corner: 0.006,
            bevel: self.bevel,
            rise: self.rise,
            skin,
        }
    }

    /// The two joints, that at -x first.
    pub(super) fn joints(&self, random: &mut Stream) -> Vec<Joint> {
        let mut joint = |side: f32| Joint {
            pad: Bounds::new(point(side * self.pad, 0.0), self.pad_half),
            terminal: Bounds::new(
                point(side * (self.tip - 0.5 * self.foot), 0.0),
                point(0.5 * self.foot, self.half_width),
            ),
            amount: amount(random),
            climb: self.climb,
            reach: self.reach,
            key: key(random),
        };
        vec![joint(-1.0), joint(1.0)]
    }
}
