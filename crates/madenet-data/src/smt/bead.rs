//! Solder that surface tension has drawn together: domes, beads and balls.

use super::canvas::Canvas;
use super::geometry::{Bounds, Point, point};
use super::light::{Light, Material, slope};
use super::noise::fractal;
use super::shadow::shadow;
use super::solder::RIPPLE;

/// A convex lump, in the board's coordinates.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bead {
    pub(crate) extent: Bounds,
    /// Height of its middle. With that of half its width, a round bead is a ball.
    pub(crate) height: f32,
    /// 2 for an ellipse; the greater, the closer its outline comes to a rectangle.
    pub(crate) power: i32,
    /// How far its outline strays, relative to its size.
    pub(crate) ragged: f32,
    pub(crate) material: Material,
    pub(crate) key: u32,
}

impl Bead {
    /// The lump on the ground around it, with the shadow at its foot.
    pub(crate) fn draw(&self, canvas: &mut Canvas, light: &Light) {
        let half = self.half_width();
        let soft = 0.13 * half.min(self.height) + 0.003;
        let offset = light.shadow(0.35 * self.height.min(half));
        let outline = self.bounds();
        canvas.shade(outline.grow(4.0 * soft + 0.35 * half), |p, below| {
            let (contact, cast) = (shadow(self.distance(p), soft), shadow(self.distance(p - offset), soft));
            below * (1.0 - 0.35 * contact - 0.3 * cast)
        });
        let step = 0.5 / canvas.scale();
        canvas.paint(
            outline,
            |p| self.distance(p),
            |p, _, _| {
                let ripple = |q| RIPPLE.min(0.03 * self.height) * fractal(q, 26.0, 2, self.key ^ 9);
                light.shade(&self.material, slope(p, step, |q| self.height(q) + ripple(q)))
            },
        );
    }

    /// What it may touch.
    pub(crate) fn bounds(&self) -> Bounds {
        Bounds { half: self.extent.half * (1.0 + 2.0 * self.ragged), ..self.extent }
    }

    /// Signed distance to its outline, exact to the first order.
    pub(crate) fn distance(&self, p: Point) -> f32 {
        let (share, x, y) = self.share(p);
        if share < 0.1 {
            return (share - 1.0) * self.half_width();
        }
        let gradient = |v: f32, half: f32| (v / share).powi(self.power - 1) / half;
        let steep = point(gradient(x, self.extent.half.x), gradient(y, self.extent.half.y)).length();
        (share * self.stray(p) - 1.0) / steep
    }

    /// Height of its surface; 0 beside it.
    pub(crate) fn height(&self, p: Point) -> f32 {
        let share = self.share(p).0 * self.stray(p);
        self.height * (1.0 - share * share).max(0.0).sqrt()
    }

    /// 0 in the middle and 1 on the outline, with the parts of x and y.
    fn share(&self, p: Point) -> (f32, f32, f32) {
        let off = p - self.extent.centre;
        let (x, y) = (off.x.abs() / self.extent.half.x, off.y.abs() / self.extent.half.y);
        let sum = x.powi(self.power) + y.powi(self.power);
        let root = if self.power == 2 { sum.sqrt() } else { sum.powf(1.0 / self.power as f32) };
        (root, x, y)
    }

    fn stray(&self, p: Point) -> f32 {
        if self.ragged == 0.0 {
            return 1.0;
        }
        1.0 + self.ragged * fractal(p, 1.3 / self.half_width(), 2, self.key)
    }

    fn half_width(&self) -> f32 {
        self.extent.half.x.min(self.extent.half.y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smt::materials::SOLDER;

    fn bead(half: Point, power: i32) -> Bead {
        let extent = Bounds::new(point(0.1, 0.0), half);
        Bead { extent, height: 0.2, power, ragged: 0.0, material: SOLDER, key: 0 }
    }

    #[test]
    fn a_round_bead_as_high_as_wide_is_a_ball() {
        let ball = bead(point(0.2, 0.2), 2);
        // 3, 4 and 5.
        assert!((ball.height(point(0.1, 0.12)) - 0.16).abs() < 1e-6);
        assert!((ball.distance(point(0.1, 0.12)) + 0.08).abs() < 1e-6);
        assert_eq!(ball.height(point(0.31, 0.0)), 0.0);
    }

    #[test]
    fn distances_hold_on_the_long_side_and_on_the_short_one() {
        for power in [2, 4] {
            let bead = bead(point(0.4, 0.2), power);
            for (p, expected) in
                [(point(0.51, 0.0), 0.01), (point(0.1, 0.21), 0.01), (point(0.1, -0.19), -0.01)]
            {
                assert!((bead.distance(p) - expected).abs() < 1e-4, "{power} {p:?} {}", bead.distance(p));
            }
        }
    }
}
