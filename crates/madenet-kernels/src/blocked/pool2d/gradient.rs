//! Gradients of pooling: every pixel gets its part of the gradients of the windows that it lies under.
//!
//! A unit of work has some rows of a plane of the result and goes through the windows that reach them, in order. Windows at its
//! ends are gone through by the neighbouring unit too, so that no sum is shared. No border of an input is read.

use std::ops::Range;

use super::{on_plane, output_shape};
use crate::blocked::rows::{Stretch, each_stretch, load, store};
use crate::blocked::{Block, Blocked, BlockedMut};
use crate::simd::{Simd, Task};
use crate::window::inside;
use crate::{Isa, Padding, Pool2d, Result, Shape};

/// The gradient of [`max_pool2d`](super::max_pool2d) with respect to its input: `dx = add` (0 without it) plus, at the first
/// largest value of each window in the order of rows, then columns, the window's `dy` (PyTorch's rule).
///
/// `x` is the input of the forward pass, `y` its output: the largest value is found again by comparing, so that no indices need
/// be kept. `add` is what other readers of `x` gave. A window with a NaN passes nothing on.
///
/// # Errors
///
/// [`Error::Geometry`](crate::Error::Geometry) if no window fits on `x`, `y` or `dy` is not of the output's shape and batch, or
/// `add` or `dx` not of those of `x`.
///
/// ```
/// use madenet_kernels::{Isa, Pool2d, Shape};
/// use madenet_kernels::blocked::{Block, Blocked, BlockedMut, Layout, max_pool2d_gradient};
///
/// // Of two equal values the first counts.
/// let (input, output) = (Layout::new(Shape::new(16, 1, 4)), Layout::new(Shape::new(16, 1, 2)));
/// let pixels = |values: &[f32]| values.iter().map(|&value| Block([value; 16])).collect::<Vec<_>>();
/// let (x, y, dy) = (pixels(&[1.0, 5.0, 3.0, 3.0]), pixels(&[5.0, 3.0]), pixels(&[0.5, 2.0]));
/// let mut dx = [Block::ZERO; 4];
/// max_pool2d_gradient(
///     Isa::best(),
///     Pool2d { kernel: (1, 2), ..Pool2d::new(2, 2, 0) },
///     Blocked::new(input, 1, &x)?,
///     Blocked::new(output, 1, &y)?,
///     Blocked::new(output, 1, &dy)?,
///     None,
///     BlockedMut::new(input, 1, &mut dx)?,
/// )?;
/// assert_eq!(dx.map(|pixel| pixel.0[0]), [0.0, 0.5, 2.0, 0.0]);
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
pub fn max_pool2d_gradient(
    isa: Isa,
    geometry: Pool2d,
    x: Blocked<'_>,
    y: Blocked<'_>,
    dy: Blocked<'_>,
    add: Option<Blocked<'_>>,
    mut dx: BlockedMut<'_>,
) -> Result<()> {
    let (input, batch) = (x.layout().shape, x.batch());
    dx.expect("max_pool2d_gradient: dx", input, batch)?;
    let output = output_shape("max_pool2d_gradient", &geometry, input)?;
    y.expect("max_pool2d_gradient: y", output, Padding::all(0), batch)?;
    dy.expect("max_pool2d_gradient: dy", output, Padding::all(0), batch)?;
    dx.expect_add("max_pool2d_gradient: add", add)?;
    each_stretch(&mut dx, |stretch| {
        isa.run(Spread { geometry, input, output, rule: First { x, y }, dy, add, stretch });
    });
    Ok(())
}

/// The gradient of [`avg_pool2d`](super::avg_pool2d) with respect to its input: `dx = add` (0 without it) plus an equal part of
/// `dy` for every window that a pixel lies under.
///
/// # Errors
///
/// [`Error::Geometry`](crate::Error::Geometry) if no window fits on `dx`, `dy` is not of the output's shape, or `dy` or `add` is
/// of another batch, or `add` of another shape, than `dx`.
///
/// ```
/// use madenet_kernels::{Isa, Pool2d, Shape};
/// use madenet_kernels::blocked::{Block, Blocked, BlockedMut, Layout, avg_pool2d_gradient};
///
/// let (input, output) = (Layout::new(Shape::new(16, 2, 2)), Layout::new(Shape::new(16, 1, 1)));
/// let (dy, mut dx) = ([Block([2.0; 16])], [Block::ZERO; 4]);
/// let (pool, dy) = (Pool2d::new(2, 2, 0), Blocked::new(output, 1, &dy)?);
/// avg_pool2d_gradient(Isa::best(), pool, true, dy, None, BlockedMut::new(input, 1, &mut dx)?)?;
/// assert_eq!(dx, [Block([0.5; 16]); 4]);
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
pub fn avg_pool2d_gradient(
    isa: Isa,
    geometry: Pool2d,
    count_include_pad: bool,
    dy: Blocked<'_>,
    add: Option<Blocked<'_>>,
    mut dx: BlockedMut<'_>,
) -> Result<()> {
    let input = dx.layout().shape;
    let output = output_shape("avg_pool2d_gradient", &geometry, input)?;
    dy.expect("avg_pool2d_gradient: dy", output, Padding::all(0), dx.batch())?;
    dx.expect_add("avg_pool2d_gradient: add", add)?;
    let all = count_include_pad.then_some(geometry.kernel.0 * geometry.kernel.1);
    each_stretch(&mut dx, |stretch| {
        isa.run(Spread { geometry, input, output, rule: Equal { all }, dy, add, stretch });
    });
    Ok(())
}

/// The gradient of [`global_avg_pool`](super::global_avg_pool) with respect to its input: `dx = add` (0 without it) plus `dy` of
/// the channel divided by the number of pixels.
///
/// # Errors
///
/// [`Error::Geometry`](crate::Error::Geometry) if `dy` is not of one pixel for each channel of `dx`, or `dy` or `add` is of
/// another batch, or `add` of another shape, than `dx`.
pub fn global_avg_pool_gradient(
    isa: Isa,
    dy: Blocked<'_>,
    add: Option<Blocked<'_>>,
    mut dx: BlockedMut<'_>,
) -> Result<()> {
    let shape = dx.layout().shape;
    dy.expect("global_avg_pool_gradient: dy", Shape::new(shape.c, 1, 1), Padding::all(0), dx.batch())?;
    dx.expect_add("global_avg_pool_gradient: add", add)?;
    let share = 1.0 / shape.plane() as f32;
    each_stretch(&mut dx, |stretch| isa.run(Constant { dy, share, add, stretch }));
    Ok(())
}

/// How the gradient of a window goes to its taps.
trait Rule: Copy + Sync {
    /// What a row of windows is compared with.
    type Row<'r>: Copy
    where
        Self: 'r;

    /// What a window with `taps` taps on the plane passes on of its gradient, if not all.
    fn scale(&self, taps: usize) -> Option<f32>;

    /// The plane's output row `at`, of `(block, sample, row)`.
    fn row(&self, at: (usize, usize, usize)) -> Self::Row<'_>;

    /// The plane's input pixels `columns` of `(block, sample, row)`.
    fn taps(&self, at: (usize, usize, usize), columns: Range<usize>) -> &[Block];

    /// What the tap `index` of `taps` gets of what is `left` for the window `at` of `row`.
    fn take<S: Simd>(
        simd: S,
        left: &mut S::V,
        row: Self::Row<'_>,
        at: usize,
        taps: &[Block],
        index: usize,
    ) -> S::V;
}

/// All goes to the first tap that equals the window's output.
#[derive(Clone, Copy)]
struct First<'a> {
    x: Blocked<'a>,
    y: Blocked<'a>,
}

impl Rule for First<'_> {
    type Row<'r>
        = &'r [Block]
    where
        Self: 'r;

    #[inline(always)]
    fn scale(&self, _: usize) -> Option<f32> {
        None
    }

    #[inline(always)]
    fn row(&self, (block, sample, y): (usize, usize, usize)) -> &[Block] {
        self.y.row(block, sample, y)
    }

    #[inline(always)]
    fn taps(&self, (block, sample, y): (usize, usize, usize), columns: Range<usize>) -> &[Block] {
        &self.x.row(block, sample, y)[columns]
    }

    #[inline(always)]
    fn take<S: Simd>(
        simd: S,
        left: &mut S::V,
        row: &[Block],
        at: usize,
        taps: &[Block],
        index: usize,
    ) -> S::V {
        let (x, y, zero) = (load(simd, &taps[index].0), load(simd, &row[at].0), simd.splat(0.0));
        let taken = simd.select_equal(x, y, *left, zero);
        *left = simd.select_equal(x, y, zero, *left);
        taken
    }
}

/// Every tap gets the same.
#[derive(Clone, Copy)]
struct Equal {
    /// The taps to divide by, where that is not the number on the plane.
    all: Option<usize>,
}

impl Rule for Equal {
    type Row<'r> = ();

    #[inline(always)]
    fn scale(&self, taps: usize) -> Option<f32> {
        Some(1.0 / self.all.unwrap_or(taps) as f32)
    }

    #[inline(always)]
    fn row(&self, _: (usize, usize, usize)) {}

    #[inline(always)]
    fn taps(&self, _: (usize, usize, usize), _: Range<usize>) -> &[Block] {
        &[]
    }

    #[inline(always)]
    fn take<S: Simd>(_: S, left: &mut S::V, (): (), _: usize, _: &[Block], _: usize) -> S::V {
        *left
    }
}

/// Some rows of a plane of the result.
struct Spread<'a, R> {
    geometry: Pool2d,
    input: Shape,
    output: Shape,
    rule: R,
    dy: Blocked<'a>,
    add: Option<Blocked<'a>>,
    stretch: Stretch<'a>,
}

impl<R: Rule> Task for Spread<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        self.stretch.begin(simd, self.add);
        match self.geometry.kernel.1 {
            2 => self.windows::<S, 2>(simd),
            3 => self.windows::<S, 3>(simd),
            _ => self.windows::<S, 0>(simd),
        }
    }
}

impl<R: Rule> Spread<'_, R> {
    /// All windows that reach the rows. Those with all of their `K` columns on the plane are unrolled, none if `K` is 0.
    #[inline(always)]
    fn windows<S: Simd, const K: usize>(&mut self, simd: S) {
        let Pool2d { kernel, stride, padding } = self.geometry;
        let (Range { start, end }, width, input) = (self.stretch.rows(), self.output.w, self.input);
        let first = inside(width, input.w, stride, 0, padding.left).start;
        let last = inside(width, input.w, stride, kernel.1 - 1, padding.left).end.max(first);
        let inner = if K == 0 { width..width } else { first..last };
        let reach = (start + padding.top + 1).saturating_sub(kernel.0).div_ceil(stride);
        for y in reach..(end + padding.top).div_ceil(stride).min(self.output.h) {
            let rows = on_plane(y, kernel.0, stride, padding.top, input.h);
            let edge = |x| on_plane(x, kernel.1, stride, padding.left, input.w);
            for x in 0..inner.start {
                self.window(simd, (y, x), rows.clone(), edge(x));
            }
            for x in inner.clone() {
                let left = x * stride - padding.left;
                self.window(simd, (y, x), rows.clone(), left..left + K);
            }
            for x in inner.end..width {
                self.window(simd, (y, x), rows.clone(), edge(x));
            }
        }
    }

    /// Adds the gradient of the window `at` = (row, column) to its taps.
    #[inline(always)]
    fn window<S: Simd>(&mut self, simd: S, at: (usize, usize), rows: Range<usize>, columns: Range<usize>) {
        let (block, sample, own) = (self.stretch.block(), self.stretch.sample(), self.stretch.rows());
        let mut left = load(simd, &self.dy.row(block, sample, at.0)[at.1].0);
        if let Some(scale) = self.rule.scale(rows.len() * columns.len()) {
            left = simd.mul(left, simd.splat(scale));
        }
        let window = self.rule.row((block, sample, at.0));
        for y in rows {
            let taps = self.rule.taps((block, sample, y), columns.clone());
            if own.contains(&y) {
                let dx = &mut self.stretch.row(y)[columns.clone()];
                for (index, dx) in dx.iter_mut().enumerate() {
                    let taken = R::take(simd, &mut left, window, at.1, taps, index);
                    let sum = simd.add(load(simd, &dx.0), taken);
                    store(simd, sum, &mut dx.0);
                }
            } else {
                for index in 0..columns.len() {
                    R::take(simd, &mut left, window, at.1, taps, index);
                }
            }
        }
    }
}

/// Some rows of a plane, all of whose pixels get the same.
struct Constant<'a> {
    dy: Blocked<'a>,
    share: f32,
    add: Option<Blocked<'a>>,
    stretch: Stretch<'a>,
}

impl Task for Constant<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let (block, sample) = (self.stretch.block(), self.stretch.sample());
        let dy = load(simd, &self.dy.row(block, sample, 0)[0].0);
        let value = simd.mul(dy, simd.splat(self.share));
        for y in self.stretch.rows() {
            let row = self.stretch.row(y);
            match self.add.map(|add| add.row(block, sample, y)) {
                Some(add) => {
                    for (pixel, add) in row.iter_mut().zip(add) {
                        store(simd, simd.add(value, load(simd, &add.0)), &mut pixel.0);
                    }
                }
                None => row.iter_mut().for_each(|pixel| store(simd, value, &mut pixel.0)),
            }
        }
    }
}
