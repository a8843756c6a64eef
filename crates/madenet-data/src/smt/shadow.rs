//! Shadows.
//!
//! The ring lights from all sides, so shadows are soft, short and mostly occlusion: they fade exponentially
//! with the distance.

use super::canvas::Canvas;
use super::geometry::{Bounds, Point};

/// How much of its shadow a thing casts on what is at a signed distance from it: all below it, and beside it
/// less over the width `soft`.
pub(crate) fn shadow(distance: f32, soft: f32) -> f32 {
    (-distance.max(0.0) / soft).exp()
}

/// Darkens what lies within `bounds` around a thing, by the share `depth` below it. `distance` is the signed
/// distance to the thing in the board's coordinates.
pub(crate) fn darken(
    canvas: &mut Canvas,
    bounds: Bounds,
    depth: f32,
    soft: f32,
    distance: impl Fn(Point) -> f32,
) {
    canvas.shade(bounds, |p, below| below * (1.0 - depth * shadow(distance(p), soft)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shadow_is_whole_below_a_thing_and_fades_beside_it() {
        assert_eq!([-0.1, 0.0].map(|d| shadow(d, 0.02)), [1.0, 1.0]);
        assert!((shadow(0.02, 0.02) - (-1f32).exp()).abs() < 1e-6);
    }
}
