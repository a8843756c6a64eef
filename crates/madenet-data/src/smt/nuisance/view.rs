//! The picture as a plane of its own: what stands between board and camera does not move with the board.

use crate::smt::geometry::{Point, point};

/// A picture in units of its shorter side, its centre at the origin.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    width: usize,
    height: usize,
}

impl View {
    /// A picture of at least one pixel.
    pub(super) fn new(width: usize, height: usize) -> Self {
        View { width, height }
    }

    fn scale(&self) -> f32 {
        self.width.min(self.height) as f32
    }

    /// From the centre to the lower right corner.
    pub(super) fn half(&self) -> Point {
        point(self.width as f32, self.height as f32) * (0.5 / self.scale())
    }

    /// The centre of pixel `index`, counted row by row.
    pub(super) fn point_of(&self, index: usize) -> Point {
        let pixel = point((index % self.width) as f32 + 0.5, (index / self.width) as f32 + 0.5);
        pixel * (1.0 / self.scale()) - self.half()
    }

    /// All pixels' centres, row by row.
    pub(super) fn points(self) -> impl Iterator<Item = Point> {
        (0..self.width * self.height).map(move |index| self.point_of(index))
    }

    /// A grid of 64 by 64 points over the picture, whatever its size.
    pub(super) fn grid(self) -> impl Iterator<Item = Point> {
        const CELLS: usize = 64;
        let across = |i: usize| (2.0 * i as f32 + 1.0) / CELLS as f32 - 1.0;
        let half = self.half();
        (0..CELLS * CELLS).map(move |i| point(across(i % CELLS) * half.x, across(i / CELLS) * half.y))
    }
}
