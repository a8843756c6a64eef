//! Things that do not belong on a board.

use super::canvas::Canvas;
use super::geometry::{Bounds, Point, point};
use super::light::{Light, Material, slope};
use super::noise::fractal;
use super::sdf::{polyline, round_off};
use super::shadow::darken;

/// A particle or a fibre, in the board's coordinates.
#[derive(Clone, Debug)]
pub(crate) struct Debris {
    /// Its centre line; a particle's is short.
    pub(crate) path: Vec<Point>,
    /// Half its thickness.
    pub(crate) radius: f32,
    /// How far its outline strays, relative to the radius.
    pub(crate) ragged: f32,
    pub(crate) material: Material,
    pub(crate) key: u32,
}

impl Debris {
    pub(crate) fn draw(&self, canvas: &mut Canvas, light: &Light) {
        let step = 0.5 / canvas.scale();
        let distance = |p: Point| {
            let stray = self.ragged * self.radius * fractal(p, 0.9 / self.radius, 3, self.key);
            polyline(p, &self.path, self.radius) + stray
        };
        let height = |p: Point| {
            let facets = 0.35 * self.ragged * self.radius * fractal(p, 1.4 / self.radius, 3, self.key ^ 1);
            round_off(distance(p), self.radius, 0.9 * self.radius) + facets
        };
        let bounds = Bounds::around(&self.path).grow(self.radius * (1.0 + 2.0 * self.ragged));
        let soft = 0.3 * self.radius;
        let offset = light.shadow(0.5 * self.radius);
        darken(canvas, bounds.grow(4.0 * soft), 0.5, soft, |p| distance(p - offset));
        canvas.paint(bounds, distance, |p, _, _| {
            let mottle = 1.0 + 0.2 * fractal(p, 1.5 / self.radius, 2, self.key ^ 2);
            light.shade(&self.material, slope(p, step, height)) * mottle
        });
    }
}

/// A straight crumb of half the length `reach`, turned by `angle`.
pub(crate) fn splinter(at: Point, reach: f32, angle: f32) -> Vec<Point> {
    let half = point(reach, 0.0).rotate(angle);
    vec![at - half, at + half]
}
