//! Resizing, with the sums that follow it in networks that join branches of several sizes.

mod gradient;

pub use self::gradient::interpolate_gradient;
use super::rows::{Stretch, each_stretch, load, store};
use super::{Block, Blocked, BlockedMut};
use crate::axis::{Axis, Tap};
use crate::simd::{Simd, Task, activate};
use crate::{Activation, Interpolation, Isa, Padding, Result, Shape};

/// Output columns whose positions are computed once for all rows of a unit.
const COLUMNS: usize = 128;

/// Pixels that are computed together, so that the choice of the activation is made once for all of them.
const GROUP: usize = 8;

/// `activation(resized x + other)`: every plane of `x` is resized to the size of `out`, with the positions of the planar
/// [`interpolate`](crate::interpolate()), and `other`, of the shape of `out`, is added. Borders may differ.
///
/// # Errors
/// [`Error::Geometry`](crate::Error::Geometry) if `out` has other channels or another batch than `x`, or `other` another shape or
/// batch than `out`.
///
/// ```
/// use madenet_kernels::blocked::{Block, Blocked, BlockedMut, Layout, interpolate};
/// use madenet_kernels::{Activation, Interpolation, Isa, Shape};
///
/// // One channel in lane 0, the row 1 2, becomes 1 1 2 2; the sum with 5 5 -5 -5 goes through a ReLU.
/// let pixel = |v: f32| Block(std::array::from_fn(|lane| if lane == 0 { v } else { 0.0 }));
/// let (small, large) = (Layout::new(Shape::new(1, 1, 2)), Layout::new(Shape::new(1, 1, 4)));
/// let (x, other) = ([1.0, 2.0].map(pixel), [5.0, 5.0, -5.0, -5.0].map(pixel));
/// let mut out = [Block::ZERO; 4];
/// interpolate(
///     Isa::best(),
///     Interpolation::Nearest,
///     Blocked::new(small, 1, &x)?,
///     Some(Blocked::new(large, 1, &other)?),
///     Activation::Relu,
///     BlockedMut::new(large, 1, &mut out)?,
/// )?;
/// assert_eq!(out.map(|pixel| pixel.0[0]), [6.0, 6.0, 0.0, 0.0]);
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
pub fn interpolate(
    isa: Isa,
    mode: Interpolation,
    x: Blocked<'_>,
    other: Option<Blocked<'_>>,
    activation: Activation,
    mut out: BlockedMut<'_>,
) -> Result<()> {
    let (input, output) = (x.layout().shape, out.layout().shape);
    out.expect("blocked interpolate: out", Shape { c: input.c, ..output }, x.batch())?;
    if let Some(other) = &other {
        other.expect("blocked interpolate: other", output, Padding::all(0), x.batch())?;
    }
    let rows = Axis { mode, input: input.h, output: output.h };
    let columns = Axis { mode, input: input.w, output: output.w };
    each_stretch(&mut out, |stretch| isa.run(Resize { x, other, activation, rows, columns, stretch }));
    Ok(())
}

struct Resize<'a> {
    x: Blocked<'a>,
    other: Option<Blocked<'a>>,
    activation: Activation,
    rows: Axis,
    columns: Axis,
    stretch: Stretch<'a>,
}

impl Task for Resize<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        match (self.columns.mode, self.columns.repeats()) {
            (Interpolation::Nearest, Some(1)) => self.repeat::<S, 1>(simd),
            (Interpolation::Nearest, Some(2)) => self.repeat::<S, 2>(simd),
            (Interpolation::Nearest, Some(4)) => self.repeat::<S, 4>(simd),
            (Interpolation::Nearest, Some(8)) => self.repeat::<S, 8>(simd),
            (Interpolation::Bilinear { align_corners: false }, Some(2)) => self.double(simd),
            _ => self.any(simd),
        }
    }
}

impl<'a> Resize<'a> {
    /// The source rows of an output row.
    #[inline(always)]
    fn source(&self, y: usize) -> Rows<'a> {
        let tap = self.rows.tap(y);
        let row = |y| self.x.row(self.stretch.block(), self.stretch.sample(), y);
        Rows { upper: row(tap.low), lower: row(tap.high), weight: tap.weight }
    }

    /// Nearest, every pixel `F` times.
    #[inline(always)]
    fn repeat<S: Simd, const F: usize>(&mut self, simd: S) {
        for y in self.stretch.rows() {
            let pixels = Repeated::<F>(self.source(y).upper);
            self.write(simd, y, 0, self.columns.output, &pixels);
        }
    }

    /// Bilinear, twice as wide.
    #[inline(always)]
    fn double<S: Simd>(&mut self, simd: S) {
        for y in self.stretch.rows() {
            let pixels = Doubled(self.source(y));
            self.write(simd, y, 0, self.columns.output, &pixels);
        }
    }

    /// Any positions, from tables of columns.
    #[inline(always)]
    fn any<S: Simd>(&mut self, simd: S) {
        for start in (0..self.columns.output).step_by(COLUMNS) {
            let len = COLUMNS.min(self.columns.output - start);
            let mut taps = [Tap::default(); COLUMNS];
            for (tap, column) in taps.iter_mut().zip(start..start + len) {
                *tap = self.columns.tap(column);
            }
            let taps = &taps[..len];
            for y in self.stretch.rows() {
                let rows = self.source(y);
                match self.columns.mode {
                    Interpolation::Nearest => {
                        self.write(simd, y, start, len, &Picked { row: rows.upper, taps })
                    }
                    Interpolation::Bilinear { .. } => {
                        self.write(simd, y, start, len, &Blended { rows, taps })
                    }
                }
            }
        }
    }

    /// Writes `len` pixels of an output row from its column `start` on.
    #[inline(always)]
    fn write<S: Simd>(&mut self, simd: S, y: usize, start: usize, len: usize, pixels: &impl Pixels) {
        let (activation, block, sample) = (self.activation, self.stretch.block(), self.stretch.sample());
        let other = self.other.map(|other| &other.row(block, sample, y)[start..start + len]);
        let out = &mut self.stretch.row(y)[start..start + len];
        let whole = len - len % GROUP;
        for at in (0..whole).step_by(GROUP) {
            let other = other.map(|other| &other[at..at + GROUP]);
            finish(simd, activation, pixels.group(simd, at), other, &mut out[at..at + GROUP]);
        }
        for at in whole..len {
            let other = other.map(|other| &other[at..at + 1]);
            finish(simd, activation, [pixels.one(simd, at)], other, &mut out[at..at + 1]);
        }
    }
}

/// Adds, activates and writes.
#[inline(always)]
fn finish<S: Simd, const N: usize>(
    simd: S,
    activation: Activation,
    mut values: [S::V; N],
    other: Option<&[Block]>,
    out: &mut [Block],
) {
    if let Some(other) = other {
        for (value, other) in values.iter_mut().zip(other) {
            *value = simd.add(*value, load(simd, &other.0));
        }
    }
    activate(simd, activation, &mut values);
    // By reference: moving an array of vectors copies it through memory in smaller pieces, which is twice as slow.
    for (out, value) in out.iter_mut().zip(&values) {
        store(simd, *value, &mut out.0);
    }
}

/// The pixels of an output row before the sum.
trait Pixels {
    fn one<S: Simd>(&self, simd: S, at: usize) -> S::V;

    /// The pixels from `at` on, a multiple of their number.
    #[inline(always)]
    fn group<S: Simd>(&self, simd: S, at: usize) -> [S::V; GROUP] {
        let mut values = [simd.splat(0.0); GROUP];
        for (i, value) in values.iter_mut().enumerate() {
            *value = self.one(simd, at + i);
        }
        values
    }
}

/// The two source rows of an output row, and how much the lower one weighs.
#[derive(Clone, Copy)]
struct Rows<'a> {
    upper: &'a [Block],
    lower: &'a [Block],
    weight: f32,
}

impl Rows<'_> {
    /// Between the rows, at a source column.
    #[inline(always)]
    fn at<S: Simd>(&self, simd: S, column: usize) -> S::V {
        let (upper, lower) = (load(simd, &self.upper[column].0), load(simd, &self.lower[column].0));
        between(simd, upper, lower, self.weight)
    }
}

/// `(1 - weight) a + weight b`.
#[inline(always)]
fn between<S: Simd>(simd: S, a: S::V, b: S::V, weight: f32) -> S::V {
    simd.mul_add(simd.splat(weight), b, simd.mul(simd.splat(1.0 - weight), a))
}

struct Repeated<'a, const F: usize>(&'a [Block]);

impl<const F: usize> Pixels for Repeated<'_, F> {
    #[inline(always)]
    fn one<S: Simd>(&self, simd: S, at: usize) -> S::V {
        load(simd, &self.0[at / F].0)
    }

    #[inline(always)]
    fn group<S: Simd>(&self, simd: S, at: usize) -> [S::V; GROUP] {
        let source = &self.0[at / F..][..GROUP / F];
        let mut values = [simd.splat(0.0); GROUP];
        for (i, value) in values.iter_mut().enumerate() {
            *value = load(simd, &source[i / F].0);
        }
        values
    }
}

struct Picked<'a> {
    row: &'a [Block],
    taps: &'a [Tap],
}

impl Pixels for Picked<'_> {
    #[inline(always)]
    fn one<S: Simd>(&self, simd: S, at: usize) -> S::V {
        load(simd, &self.row[self.taps[at].low].0)
    }
}

struct Blended<'a> {
    rows: Rows<'a>,
    taps: &'a [Tap],
}

impl Pixels for Blended<'_> {
    #[inline(always)]
    fn one<S: Simd>(&self, simd: S, at: usize) -> S::V {
        let Tap { low, high, weight } = self.taps[at];
        between(simd, self.rows.at(simd, low), self.rows.at(simd, high), weight)
    }
}

/// Half-pixel positions at twice the width: three quarters of the pixel that an output lies in and a quarter of the neighbour
/// that it is nearer to, the border repeated.
struct Doubled<'a>(Rows<'a>);

/// The neighbour's share.
const QUARTER: f32 = 0.25;

impl Pixels for Doubled<'_> {
    #[inline(always)]
    fn one<S: Simd>(&self, simd: S, at: usize) -> S::V {
        let (column, last) = (at / 2, self.0.upper.len() - 1);
        let neighbour = if at.is_multiple_of(2) { column.saturating_sub(1) } else { last.min(column + 1) };
        between(simd, self.0.at(simd, column), self.0.at(simd, neighbour), QUARTER)
    }

    /// Every source column of the group is blended once.
    #[inline(always)]
    fn group<S: Simd>(&self, simd: S, at: usize) -> [S::V; GROUP] {
        let (first, last) = (at / 2, self.0.upper.len() - 1);
        let mut columns = [simd.splat(0.0); GROUP / 2 + 2];
        columns[0] = self.0.at(simd, first.saturating_sub(1));
        for i in 0..GROUP / 2 {
            columns[i + 1] = self.0.at(simd, first + i);
        }
        columns[GROUP / 2 + 1] = self.0.at(simd, last.min(first + GROUP / 2));
        let mut values = [simd.splat(0.0); GROUP];
        for i in 0..GROUP / 2 {
            values[2 * i] = between(simd, columns[i + 1], columns[i], QUARTER);
            values[2 * i + 1] = between(simd, columns[i + 1], columns[i + 2], QUARTER);
        }
        values
    }
}
