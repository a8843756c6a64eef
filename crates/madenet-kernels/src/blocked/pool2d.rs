//! Pooling of planes: maximum, average, and the average of a whole plane. No border of the input is read.

mod fold;
mod gradient;

use std::ops::Range;

use self::fold::{Fold, Folding, Max, Mean};
pub use self::gradient::{avg_pool2d_gradient, global_avg_pool_gradient, max_pool2d_gradient};
use super::columns::{Any, Columns, Fixed, Tile, tiles};
use super::sum::sum_row;
use super::tensor::{Source, Target};
use super::{Blocked, BlockedMut, LANES};
use crate::simd::{Simd, Task};
use crate::window::inside;
use crate::{Isa, Pool2d, Result, Shape, check, units};

/// Pixels of the output that a thread computes before it looks for more.
const BAND: usize = 2048;

/// The largest value under each window (PyTorch's `MaxPool2d`); a NaN under the window wins.
///
/// # Errors
///
/// [`Error::Geometry`](crate::Error::Geometry) if no window fits, or `out` is not of the channels and batch of `x` and the size
/// that [`Pool2d::output`] gives.
///
/// ```
/// use madenet_kernels::{Isa, Pool2d, Shape};
/// use madenet_kernels::blocked::{Block, Blocked, BlockedMut, Layout, max_pool2d, pack};
///
/// let (input, output) = (Layout::new(Shape::new(1, 2, 4)), Layout::new(Shape::new(1, 1, 2)));
/// let (mut x, mut out) = ([Block::ZERO; 8], [Block::ZERO; 2]);
/// pack(Isa::best(), &[1.0, 5.0, 2.0, 0.0, 3.0, 4.0, -1.0, 1.0], BlockedMut::new(input, 1, &mut x)?)?;
/// let x = Blocked::new(input, 1, &x)?;
/// max_pool2d(Isa::best(), Pool2d::new(2, 2, 0), x, BlockedMut::new(output, 1, &mut out)?)?;
/// assert_eq!(out.map(|pixel| pixel.0[0]), [5.0, 2.0]);
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
pub fn max_pool2d(isa: Isa, geometry: Pool2d, x: Blocked<'_>, mut out: BlockedMut<'_>) -> Result<()> {
    check("max_pool2d", &geometry, &x, &out)?;
    pool(isa, geometry, Max, x, out.target());
    Ok(())
}

/// The mean under each window (PyTorch's `AvgPool2d`): with `count_include_pad` (PyTorch's default) the divisor is the size of
/// the window, otherwise the number of its taps on the plane.
///
/// # Errors
///
/// As [`max_pool2d`].
pub fn avg_pool2d(
    isa: Isa,
    geometry: Pool2d,
    count_include_pad: bool,
    x: Blocked<'_>,
    mut out: BlockedMut<'_>,
) -> Result<()> {
    check("avg_pool2d", &geometry, &x, &out)?;
    let all = count_include_pad.then_some(geometry.kernel.0 * geometry.kernel.1);
    pool(isa, geometry, Mean { all }, x, out.target());
    Ok(())
}

/// The mean of every plane, `out` of one pixel for each channel (PyTorch's `AdaptiveAvgPool2d(1)`).
///
/// # Errors
///
/// [`Error::Geometry`](crate::Error::Geometry) if `out` is not of the channels and batch of `x` and of one pixel.
pub fn global_avg_pool(isa: Isa, x: Blocked<'_>, mut out: BlockedMut<'_>) -> Result<()> {
    let (shape, batch, source) = (x.layout().shape, x.batch(), x.source());
    out.expect("global_avg_pool: out", Shape::new(shape.c, 1, 1), batch)?;
    let target = out.target();
    units::share(x.layout().blocks() * batch, shape.plane() * LANES, |unit| {
        isa.run(PlaneMean { source, target, shape, block: unit / batch, sample: unit % batch });
    });
    Ok(())
}

fn check(what: &'static str, geometry: &Pool2d, x: &Blocked<'_>, out: &BlockedMut<'_>) -> Result<()> {
    out.expect(what, output_shape(what, geometry, x.layout().shape)?, x.batch())
}

fn output_shape(what: &'static str, geometry: &Pool2d, input: Shape) -> Result<Shape> {
    let Pool2d { kernel, stride, padding } = *geometry;
    check::sides(what, &[kernel.0, kernel.1, stride])?;
    check::sides(what, &[padding.top, padding.left, padding.bottom, padding.right])?;
    match geometry.output((input.h, input.w)) {
        Some((h, w)) => Ok(Shape { h, w, ..input }),
        None => Err(check::geometry(what, format!("no window fits: input {input}, {geometry:?}"))),
    }
}

fn pool<F: Fold>(isa: Isa, geometry: Pool2d, fold: F, x: Blocked<'_>, target: Target<'_>) {
    let (batch, input, output) = (x.batch(), x.layout().shape, target.layout().shape);
    let band = BAND.div_ceil(output.w).min(output.h);
    let bands = output.h.div_ceil(band);
    let cost = (band * output.w * LANES).saturating_mul(geometry.kernel.0 * geometry.kernel.1);
    let source = x.source();
    units::share(target.layout().blocks() * batch * bands, cost, |unit| {
        let (plane, first) = (unit / bands, unit % bands * band);
        let rows = first..output.h.min(first + band);
        isa.run(Band {
            geometry,
            fold,
            source,
            target,
            input,
            block: plane / batch,
            sample: plane % batch,
            rows,
        });
    });
}

/// Rows of a plane of the output.
struct Band<'a, F> {
    geometry: Pool2d,
    fold: F,
    source: Source,
    target: Target<'a>,
    input: Shape,
    block: usize,
    sample: usize,
    rows: Range<usize>,
}

impl<F: Fold> Task for Band<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Pool2d { kernel: (_, columns), stride, .. } = self.geometry;
        match (columns, stride) {
            (2, 2) => self.compute(simd, Fixed::<2, 2>),
            (3, 1) => self.compute(simd, Fixed::<3, 1>),
            (3, 2) => self.compute(simd, Fixed::<3, 2>),
            _ => self.compute(simd, Any { columns, stride, dilation: 1 }),
        }
    }
}

impl<F: Fold> Band<'_, F> {
    #[inline(always)]
    fn compute<S: Simd, C: Columns>(self, simd: S, columns: C) {
        let Band { geometry: Pool2d { kernel, stride, padding }, fold, source, target, input, .. } = self;
        let width = target.layout().shape.w;
        // Windows with all of their columns on the plane.
        let first = inside(width, input.w, stride, 0, padding.left).start;
        let end = inside(width, input.w, stride, kernel.1 - 1, padding.left).end.max(first);
        let plane = source.start.wrapping_add(self.block * source.block + self.sample * source.sample);
        // SAFETY: the band's rows are this call's.
        unsafe { target.clear_border(self.block, self.sample, self.rows.clone()) };
        for y in self.rows {
            let rows = on_plane(y, kernel.0, stride, padding.top, input.h);
            let start = plane.wrapping_add(rows.start * source.row);
            // SAFETY: a row of the band.
            let out = unsafe { target.row(self.block, self.sample, y) };
            let edge = |x: usize| {
                let taps = on_plane(x, kernel.1, stride, padding.left, input.w);
                let columns = Any { columns: taps.len(), stride: 1, dilation: 1 };
                let start = start.wrapping_add(taps.start * LANES);
                let scale = fold.scale(rows.len() * taps.len());
                Windows {
                    fold,
                    columns,
                    start,
                    down: source.row,
                    rows: rows.len(),
                    scale,
                    out: out.wrapping_add(x * LANES),
                }
            };
            let start = start.wrapping_sub(padding.left * LANES);
            let scale = fold.scale(rows.len() * kernel.1);
            let inner = Windows { fold, columns, start, down: source.row, rows: rows.len(), scale, out };
            // SAFETY: the windows are of the row, and all of their taps that are left on the plane.
            unsafe {
                for x in 0..first {
                    edge(x).tile::<1>(simd, 0);
                }
                tiles(simd, inner, first, end);
                for x in end..width {
                    edge(x).tile::<1>(simd, 0);
                }
            }
        }
    }
}

/// The pixels under window `at` of an axis of `inputs` pixels.
#[inline(always)]
fn on_plane(at: usize, kernel: usize, stride: usize, before: usize, inputs: usize) -> Range<usize> {
    let start = at * stride;
    start.saturating_sub(before)..(start + kernel).saturating_sub(before).min(inputs)
}

/// The windows of one row of the output.
#[derive(Clone, Copy)]
struct Windows<F, C> {
    fold: F,
    columns: C,
    /// The first pixel of the first window.
    start: *const f32,
    /// From a row of taps to the next.
    down: usize,
    rows: usize,
    scale: Option<f32>,
    out: *mut f32,
}

impl<S: Simd, F: Fold, C: Columns> Tile<S> for Windows<F, C> {
    const WIDEST: usize = C::WIDEST;

    #[inline(always)]
    unsafe fn tile<const P: usize>(self, simd: S, at: usize) {
        let mut values = [self.fold.start(simd); P];
        let start = self.start.wrapping_add(at * self.columns.stride() * LANES);
        for row in 0..self.rows {
            // SAFETY: windows `at..at + P` exist, and their rows are `down` apart.
            unsafe { self.columns.row(simd, Folding(self.fold), start.add(row * self.down), &mut values) };
        }
        if let Some(scale) = self.scale {
            for value in &mut values {
                *value = simd.mul(*value, simd.splat(scale));
            }
        }
        for (index, value) in values.iter().enumerate() {
            // SAFETY: as above.
            unsafe { simd.store(*value, self.out.add((at + index) * LANES)) };
        }
    }
}

struct PlaneMean<'a> {
    source: Source,
    target: Target<'a>,
    shape: Shape,
    block: usize,
    sample: usize,
}

impl Task for PlaneMean<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let PlaneMean { source, target, shape, block, sample } = self;
        let plane = source.start.wrapping_add(block * source.block + sample * source.sample);
        let mut sum = simd.splat(0.0);
        for y in 0..shape.h {
            // SAFETY: a row of the plane.
            sum = simd.add(sum, unsafe { sum_row(simd, plane.wrapping_add(y * source.row), shape.w) });
        }
        let mean = simd.mul(sum, simd.splat(1.0 / shape.plane() as f32));
        // SAFETY: the pixel of this block and sample, which no other plane writes.
        unsafe {
            target.clear_border(block, sample, 0..1);
            simd.store(mean, target.row(block, sample, 0));
        }
    }
}
