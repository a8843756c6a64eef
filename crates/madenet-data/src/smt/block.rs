//! Boxes with rounded edges: bodies, terminals and leads.

use super::canvas::Canvas;
use super::colour::Rgb;
use super::geometry::{Bounds, Point, Pose, point};
use super::light::Light;
use super::sdf;
use super::skin::Skin;

/// A box seen from above, in the frame of its component.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    pub(crate) extent: Bounds,
    /// Radius of the corners.
    pub(crate) corner: f32,
    /// Width of the rounding of the upper edges.
    pub(crate) bevel: f32,
    /// Height of the rounding.
    pub(crate) rise: f32,
    pub(crate) skin: Skin,
}

impl Block {
    pub(crate) fn distance(&self, local: Point) -> f32 {
        sdf::rounded_box(local - self.extent.centre, self.extent.half, self.corner)
    }

    pub(crate) fn draw(&self, canvas: &mut Canvas, pose: &Pose, light: &Light) {
        self.draw_relief(canvas, pose, light, |_| 0.0);
    }

    /// With `relief` added to the height, a function of the frame's coordinates.
    pub(crate) fn draw_relief(
        &self,
        canvas: &mut Canvas,
        pose: &Pose,
        light: &Light,
        relief: impl Fn(Point) -> f32,
    ) {
        self.draw_sampled(canvas, pose, light, &[point(0.0, 0.0)], relief);
    }

    /// The same with four samples a pixel, for edges that are bright, narrow and aslant.
    pub(crate) fn draw_relief_finely(
        &self,
        canvas: &mut Canvas,
        pose: &Pose,
        light: &Light,
        relief: impl Fn(Point) -> f32,
    ) {
        let quarter = 0.25 / canvas.scale();
        let samples = [(-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0)];
        self.draw_sampled(canvas, pose, light, &samples.map(|(x, y)| point(x, y) * quarter), relief);
    }

    /// The mean of what is seen at `samples` around the middle of each pixel.
    fn draw_sampled(
        &self,
        canvas: &mut Canvas,
        pose: &Pose,
        light: &Light,
        samples: &[Point],
        relief: impl Fn(Point) -> f32,
    ) {
        let step = 0.5 / canvas.scale();
        let height = |q: Point| sdf::round_off(self.distance(q), self.bevel, self.rise) + relief(q);
        let seen = |p: Point| self.skin.seen(p, pose, light, step, height);
        let share = 1.0 / samples.len() as f32;
        canvas.paint(
            self.extent.placed(pose),
            |p| self.distance(pose.local(p)),
            |p, _, _| samples.iter().map(|&off| seen(p + off)).fold(Rgb::grey(0.0), |a, b| a + b) * share,
        );
    }
}
