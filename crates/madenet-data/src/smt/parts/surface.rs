//! Surfaces whose outline is no box: cans, rings, bodies with cut corners.

use crate::smt::block::Grain;
use crate::smt::canvas::Canvas;
use crate::smt::geometry::{Bounds, Point, Pose};
use crate::smt::light::{Light, Material, slope};

/// What a surface is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Surface {
    pub(super) material: Material,
    pub(super) grain: Grain,
}

impl Surface {
    /// Draws the part of the plane where `distance` is negative, lit as a relief of the given height. Both are
    /// functions of the frame's coordinates; nothing is drawn outside `extent`.
    pub(super) fn draw(
        &self,
        canvas: &mut Canvas,
        pose: &Pose,
        light: &Light,
        extent: Bounds,
        distance: impl Fn(Point) -> f32,
        height: impl Fn(Point) -> f32,
    ) {
        let step = 0.5 / canvas.scale();
        canvas.paint(
            extent.placed(pose),
            |p| distance(pose.local(p)),
            |p, _, _| {
                let q = pose.local(p);
                let bumps = self.grain.at(q);
                let tilt = pose.turn(slope(q, step, &height)) + bumps * self.grain.relief;
                light.shade(&self.material, tilt) * (1.0 + self.grain.tint * (bumps.x + bumps.y))
            },
        );
    }
}

/// Height of an edge that is rounded over `width` and rises by `rise`, at a signed distance from it.
pub(super) fn round_off(distance: f32, width: f32, rise: f32) -> f32 {
    let outside = 1.0 - (-distance / width).clamp(0.0, 1.0);
    rise * (1.0 - outside * outside).sqrt()
}

/// Darkens what lies around something tall, whose signed distance is given: occlusion that fades over `soft`.
pub(super) fn occlude(
    canvas: &mut Canvas,
    pose: &Pose,
    bounds: Bounds,
    depth: f32,
    soft: f32,
    distance: impl Fn(Point) -> f32,
) {
    canvas.shade(bounds.grow(4.0 * soft).placed(pose), |p, below| {
        below * (1.0 - depth * (-distance(pose.local(p)).max(0.0) / soft).exp())
    });
}
