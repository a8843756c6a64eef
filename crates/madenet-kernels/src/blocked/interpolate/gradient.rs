//! The gradient of resizing: every output pixel gives its gradient back to the pixels it was made of, by their weights.
//!
//! A unit of work has some rows of a plane of the result and goes through the output rows that read them, in order. Along a row
//! the sums of two neighbouring columns stay in registers until no further output reads the first of them.

use std::ops::Range;

use super::COLUMNS;
use crate::axis::{Axis, Tap};
use crate::blocked::rows::{Stretch, each_stretch, load, store};
use crate::blocked::{Block, Blocked, BlockedMut};
use crate::simd::{Simd, Task};
use crate::{Interpolation, Isa, Padding, Result, Shape};

/// The gradient of [`interpolate`](super::interpolate()) with respect to `x`, for the identity as activation: `dx = add` (0
/// without it) plus the transpose of the resizing from the size of `dx` to that of `dy`, applied to `dy`. `add` is what other
/// readers of `x` gave.
///
/// # Errors
///
/// [`Error::Geometry`](crate::Error::Geometry) if `dy` has other channels or another batch than `dx`, or `add` another shape or
/// batch.
///
/// ```
/// use madenet_kernels::blocked::{Block, Blocked, BlockedMut, Layout, interpolate_gradient};
/// use madenet_kernels::{Interpolation, Isa, Shape};
///
/// // The forward pass repeats two pixels twice each.
/// let (small, large) = (Layout::new(Shape::new(16, 1, 2)), Layout::new(Shape::new(16, 1, 4)));
/// let (dy, mut dx) = ([1.0, 2.0, 3.0, 5.0].map(|v| Block([v; 16])), [Block::ZERO; 2]);
/// let dy = Blocked::new(large, 1, &dy)?;
/// let dx_tensor = BlockedMut::new(small, 1, &mut dx)?;
/// interpolate_gradient(Isa::best(), Interpolation::Nearest, dy, None, dx_tensor)?;
/// assert_eq!(dx.map(|pixel| pixel.0[0]), [3.0, 8.0]);
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
pub fn interpolate_gradient(
    isa: Isa,
    mode: Interpolation,
    dy: Blocked<'_>,
    add: Option<Blocked<'_>>,
    mut dx: BlockedMut<'_>,
) -> Result<()> {
    let (input, output) = (dx.layout().shape, dy.layout().shape);
    let resized = Shape { c: input.c, ..output };
    dy.expect("interpolate_gradient: dy", resized, Padding::all(0), dx.batch())?;
    dx.expect_add("interpolate_gradient: add", add)?;
    let rows = Axis { mode, input: input.h, output: output.h };
    let columns = Axis { mode, input: input.w, output: output.w };
    each_stretch(&mut dx, |stretch| isa.run(Transpose { dy, add, rows, columns, stretch }));
    Ok(())
}

/// Some rows of a plane of the result.
struct Transpose<'a> {
    dy: Blocked<'a>,
    add: Option<Blocked<'a>>,
    rows: Axis,
    columns: Axis,
    stretch: Stretch<'a>,
}

impl Task for Transpose<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        self.stretch.begin(simd, self.add);
        match (self.columns.mode, self.columns.repeats()) {
            (Interpolation::Nearest, Some(2)) => self.repeated::<S, 2>(simd),
            (Interpolation::Nearest, Some(4)) => self.repeated::<S, 4>(simd),
            (Interpolation::Nearest, Some(8)) => self.repeated::<S, 8>(simd),
            (Interpolation::Bilinear { align_corners: false }, Some(2)) => self.doubled(simd),
            _ => self.any(simd),
        }
    }
}

impl Transpose<'_> {
    /// The output rows that read rows of the stretch.
    #[inline(always)]
    fn readers(&self) -> Range<usize> {
        let own = self.stretch.rows();
        let first = (0..self.rows.output).find(|&y| self.rows.tap(y).high >= own.start);
        let start = first.unwrap_or(self.rows.output);
        let end = (start..self.rows.output).find(|&y| self.rows.tap(y).low >= own.end);
        start..end.unwrap_or(self.rows.output)
    }

    /// Nearest, every pixel `F` times.
    #[inline(always)]
    fn repeated<S: Simd, const F: usize>(&mut self, simd: S) {
        for y in self.readers() {
            let dy = self.dy.row(self.stretch.block(), self.stretch.sample(), y);
            let mut rows = self.rows(y);
            let (pixels, _) = dy.as_chunks::<F>();
            for (column, pixels) in pixels.iter().enumerate() {
                let mut sum = load(simd, &pixels[0].0);
                for pixel in &pixels[1..] {
                    sum = simd.add(sum, load(simd, &pixel.0));
                }
                rows.add(simd, column, sum);
            }
        }
    }

    /// Bilinear, twice as wide, half-pixel positions: a pixel's two own outputs weigh three quarters, their neighbours one. At
    /// the ends, where the border is repeated, an output is all its pixel's.
    #[inline(always)]
    fn doubled<S: Simd>(&mut self, simd: S) {
        let (near, far) = (simd.splat(0.75), simd.splat(0.25));
        for y in self.readers() {
            let dy = self.dy.row(self.stretch.block(), self.stretch.sample(), y);
            let last = dy.len() - 1;
            let mut rows = self.rows(y);
            let end = |simd: S, inner: [S::V; 2], outer: S::V| {
                simd.add(outer, simd.mul_add(near, inner[0], simd.mul(far, inner[1])))
            };
            let at = |x: usize| load(simd, &dy[x].0);
            if last == 1 {
                rows.add(simd, 0, simd.add(at(0), at(1)));
                continue;
            }
            rows.add(simd, 0, end(simd, [at(1), at(2)], at(0)));
            for (index, pixels) in dy[1..].windows(4).step_by(2).enumerate() {
                let [a, b, c, d] = [0, 1, 2, 3].map(|i| load(simd, &pixels[i].0));
                let sum = simd.mul_add(near, simd.add(b, c), simd.mul(far, simd.add(a, d)));
                rows.add(simd, index + 1, sum);
            }
            rows.add(simd, last / 2, end(simd, [at(last - 1), at(last - 2)], at(last)));
        }
    }

    /// Any positions, from tables of columns.
    #[inline(always)]
    fn any<S: Simd>(&mut self, simd: S) {
        let zero = simd.splat(0.0);
        for start in (0..self.columns.output).step_by(COLUMNS) {
            let len = COLUMNS.min(self.columns.output - start);
            let mut taps = [Tap::default(); COLUMNS];
            for (tap, column) in taps.iter_mut().zip(start..start + len) {
                *tap = self.columns.tap(column);
            }
            for y in self.readers() {
                let dy = &self.dy.row(self.stretch.block(), self.stretch.sample(), y)[start..start + len];
                let mut rows = self.rows(y);
                // What the columns `low` and `low + 1` have been given.
                let (mut low, mut sums) = (taps[0].low, [zero; 2]);
                for (pixel, tap) in dy.iter().zip(&taps) {
                    if tap.low != low {
                        rows.add(simd, low, sums[0]);
                        if tap.low == low + 1 {
                            sums = [sums[1], zero];
                        } else {
                            rows.add_inside(simd, low + 1, sums[1]);
                            sums = [zero; 2];
                        }
                        low = tap.low;
                    }
                    let pixel = load(simd, &pixel.0);
                    // Beyond the last column there is none: all is the last one's.
                    let weight = if tap.high == tap.low { 0.0 } else { tap.weight };
                    sums[0] = simd.mul_add(simd.splat(1.0 - weight), pixel, sums[0]);
                    sums[1] = simd.mul_add(simd.splat(weight), pixel, sums[1]);
                }
                rows.add(simd, low, sums[0]);
                rows.add_inside(simd, low + 1, sums[1]);
            }
        }
    }

    /// The rows that the output row `y` reads, as far as they are of the stretch.
    #[inline(always)]
    fn rows(&mut self, y: usize) -> Rows<'_> {
        let (Tap { low, high, weight }, own) = (self.rows.tap(y), self.stretch.rows());
        // The last row is both.
        let weight = if high == low { 0.0 } else { weight };
        let [upper, lower] = self.stretch.two_rows([
            own.contains(&low).then_some(low),
            (own.contains(&high) && weight != 0.0).then_some(high),
        ]);
        Rows { upper, lower, weight }
    }
}

/// Two rows of the result, either of which may be another unit's.
struct Rows<'a> {
    upper: Option<&'a mut [Block]>,
    lower: Option<&'a mut [Block]>,
    weight: f32,
}

impl Rows<'_> {
    /// Gives `sum` to a column, which both rows have.
    #[inline(always)]
    fn add<S: Simd>(&mut self, simd: S, column: usize, sum: S::V) {
        for (row, weight) in [(&mut self.upper, 1.0 - self.weight), (&mut self.lower, self.weight)] {
            if let Some(row) = row {
                let pixel = &mut row[column].0;
                let value = simd.mul_add(simd.splat(weight), sum, load(simd, pixel));
                store(simd, value, pixel);
            }
        }
    }

    /// Gives `sum` to a column, if there is one.
    #[inline(always)]
    fn add_inside<S: Simd>(&mut self, simd: S, column: usize, sum: S::V) {
        let width = self.upper.as_ref().or(self.lower.as_ref()).map_or(0, |row| row.len());
        if column < width {
            self.add(simd, column, sum);
        }
    }
}
