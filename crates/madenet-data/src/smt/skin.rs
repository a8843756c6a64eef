//! What surfaces are made of.

use super::canvas::Canvas;
use super::colour::Rgb;
use super::geometry::{Bounds, Point, Pose, point};
use super::light::{Light, Material, slope};
use super::noise::value_noise;

/// A material and the fine structure of its surface.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Skin {
    pub(crate) material: Material,
    /// Bumps per unit.
    pub(crate) frequency: f32,
    /// Variation of the brightness, relative.
    pub(crate) tint: f32,
    /// Variation of the slope.
    pub(crate) relief: f32,
    pub(crate) key: u32,
}

impl Skin {
    /// Draws the part of the plane where `distance` is negative, lit as a relief of the given height. Both
    /// are functions of the frame's coordinates; nothing is drawn outside `extent`.
    pub(crate) fn draw(
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
            |p, _, _| self.seen(p, pose, light, step, &height),
        );
    }

    /// What it shows at a point of the board, with slopes of a height in the frame's coordinates, taken over
    /// twice `step`.
    pub(crate) fn seen(
        &self,
        p: Point,
        pose: &Pose,
        light: &Light,
        step: f32,
        height: impl Fn(Point) -> f32,
    ) -> Rgb {
        let q = pose.local(p);
        let bumps = self.bumps(q);
        let tilt = pose.turn(slope(q, step, height)) + bumps * self.relief;
        light.shade(&self.material, tilt) * (1.0 + self.tint * (bumps.x + bumps.y))
    }

    /// Two unrelated fields of noise.
    fn bumps(&self, q: Point) -> Point {
        let field = |key| 1.3 * value_noise(q * self.frequency, key);
        point(field(self.key), field(self.key ^ 0x5bd1))
    }
}
