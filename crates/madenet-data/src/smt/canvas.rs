//! The picture in the making: linear light, painted shape by shape.

use super::colour::Rgb;
use super::geometry::{Bounds, Point, Pose, point};

/// A grid of linear colours over a part of the plane.
#[derive(Clone, Debug)]
pub(crate) struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<Rgb>,
    /// Pixels per unit: the shorter side of the picture.
    scale: f32,
    /// How the scene lies before the camera.
    scene: Pose,
}

impl Canvas {
    /// A black picture of at least one pixel of a scene that lies at `scene`; the caller vouches that the
    /// number of pixels does not overflow.
    pub(crate) fn new(width: usize, height: usize, scene: Pose) -> Self {
        let pixels = vec![Rgb::grey(0.0); width * height];
        Canvas { width, height, pixels, scale: width.min(height) as f32, scene }
    }

    /// A black picture of the same size and place.
    pub(crate) fn blank(&self) -> Self {
        Canvas::new(self.width, self.height, self.scene)
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn height(&self) -> usize {
        self.height
    }

    pub(crate) fn pixels(&self) -> &[Rgb] {
        &self.pixels
    }

    pub(crate) fn pixels_mut(&mut self) -> &mut [Rgb] {
        &mut self.pixels
    }

    /// Pixels per unit.
    pub(crate) fn scale(&self) -> f32 {
        self.scale
    }

    /// Sets every pixel to the colour of the point under its centre.
    pub(crate) fn fill(&mut self, colour: impl Fn(Point) -> Rgb) {
        for y in 0..self.height {
            for x in 0..self.width {
                let p = self.point_of(x, y);
                self.pixels[y * self.width + x] = colour(p);
            }
        }
    }

    /// Paints a shape given by its signed distance; `colour` is told the point, its distance, and the colour
    /// that lies there already. A pixel on the rim is covered by the share `1/2 - distance in pixels`, exact
    /// for a straight edge along an axis. Nothing is drawn outside `bounds`.
    pub(crate) fn paint(
        &mut self,
        bounds: Bounds,
        distance: impl Fn(Point) -> f32,
        colour: impl Fn(Point, f32, Rgb) -> Rgb,
    ) {
        let (columns, rows) = self.window(bounds);
        for y in rows {
            for x in columns.clone() {
                let p = self.point_of(x, y);
                let d = distance(p);
                let cover = (0.5 - d * self.scale).clamp(0.0, 1.0);
                if cover > 0.0 {
                    let pixel = &mut self.pixels[y * self.width + x];
                    *pixel = pixel.mix(colour(p, d, *pixel), cover);
                }
            }
        }
    }

    /// Recolours everything within `bounds`: what shadows do.
    pub(crate) fn shade(&mut self, bounds: Bounds, colour: impl Fn(Point, Rgb) -> Rgb) {
        self.paint(bounds, |_| f32::NEG_INFINITY, |p, _, below| colour(p, below));
    }

    fn point_of(&self, x: usize, y: usize) -> Point {
        let centred = |i: usize, n: usize| (i as f32 + 0.5 - n as f32 * 0.5) / self.scale;
        self.scene.local(point(centred(x, self.width), centred(y, self.height)))
    }

    /// The columns and rows that `bounds` may touch, with a pixel to spare.
    fn window(&self, bounds: Bounds) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
        let seen = bounds.placed(&self.scene);
        let range = |centre: f32, half: f32, n: usize| {
            let middle = n as f32 * 0.5;
            let low = (middle + (centre - half) * self.scale - 1.0).floor().clamp(0.0, n as f32);
            let high = (middle + (centre + half) * self.scale + 1.0).ceil().clamp(0.0, n as f32);
            low as usize..high as usize
        };
        (range(seen.centre.x, seen.half.x, self.width), range(seen.centre.y, seen.half.y, self.height))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smt::sdf;

    fn straight(width: usize, height: usize) -> Canvas {
        Canvas::new(width, height, Pose::new(point(0.0, 0.0), 0.0))
    }

    #[test]
    fn the_rim_of_a_shape_is_covered_by_area() {
        // A square of 4.5 pixels to the side in a picture of 8: 2 whole pixels and a quarter on each side.
        let mut canvas = straight(8, 8);
        let half = point(2.25 / 8.0, 2.25 / 8.0);
        let bounds = Bounds::new(point(0.0, 0.0), half);
        canvas.paint(bounds, |p| sdf::rounded_box(p, half, 0.0), |_, _, _| Rgb::grey(1.0));
        let row: Vec<f32> = canvas.pixels()[3 * 8..4 * 8].iter().map(|pixel| pixel.0[0]).collect();
        assert_eq!(row, [0.0, 0.25, 1.0, 1.0, 1.0, 1.0, 0.25, 0.0]);
    }

    #[test]
    fn a_turned_scene_is_not_cut_by_the_bounds() {
        let disc = |canvas: &mut Canvas, bounds: Bounds| {
            let at = point(0.2, 0.1);
            canvas.paint(bounds, |p| (p - at).length() - 0.2, |_, _, _| Rgb::grey(1.0));
        };
        let pose = Pose::new(point(0.03, -0.02), 0.3);
        let (mut tight, mut loose) = (Canvas::new(33, 57, pose), Canvas::new(33, 57, pose));
        disc(&mut tight, Bounds::new(point(0.2, 0.1), point(0.2, 0.2)));
        disc(&mut loose, Bounds::new(point(0.0, 0.0), point(9.0, 9.0)));
        assert_eq!(tight.pixels(), loose.pixels());
        assert!(tight.pixels().iter().any(|pixel| pixel.0[0] == 1.0));
    }
}
