//! Operations on single values: activation, sum, product, and scale with shift per channel. Tensors may have different borders;
//! where none has one, rows need not be told apart.

use super::tensor::Source;
use super::{Block, Blocked, BlockedMut, LANES};
use crate::simd::{Simd, Task, activate};
use crate::{Activation, Isa, Padding, Result, Shape, check, units};

/// Pixels of a unit of work: 256 KiB of every tensor.
const BAND: usize = 4096;

/// Vectors that are in flight at once.
const WIDE: usize = 4;

/// `out = activation(x)`.
///
/// # Errors
///
/// [`Error::Geometry`](crate::Error::Geometry) if `out` is not of the shape and batch of `x`.
///
/// ```
/// use madenet_kernels::{Activation, Isa, Shape};
/// use madenet_kernels::blocked::{Block, Blocked, BlockedMut, Layout, activation};
///
/// let (layout, x, mut out) = (Layout::new(Shape::new(16, 1, 2)), [[-1.0; 16], [2.0; 16]].map(Block), [Block::ZERO; 2]);
/// let x = Blocked::new(layout, 1, &x)?;
/// activation(Isa::best(), Activation::Relu, x, BlockedMut::new(layout, 1, &mut out)?)?;
/// assert_eq!(out, [[0.0; 16], [2.0; 16]].map(Block));
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
pub fn activation(isa: Isa, a: Activation, x: Blocked<'_>, out: BlockedMut<'_>) -> Result<()> {
    out.expect("activation: out", x.layout().shape, x.batch())?;
    pointwise(isa, Identity, a, x, x, out);
    Ok(())
}

/// `out = activation(a + b)`.
///
/// # Errors
///
/// [`Error::Geometry`](crate::Error::Geometry) if `b` or `out` is not of the shape and batch of `a`.
pub fn add(
    isa: Isa,
    a: Blocked<'_>,
    b: Blocked<'_>,
    activation: Activation,
    out: BlockedMut<'_>,
) -> Result<()> {
    b.expect("add: b", a.layout().shape, Padding::all(0), a.batch())?;
    out.expect("add: out", a.layout().shape, a.batch())?;
    pointwise(isa, Sum, activation, a, b, out);
    Ok(())
}

/// `out = a * b`, with `b` of the shape of `a` or of one pixel for each channel, which multiplies its plane
/// (squeeze-and-excitation).
///
/// # Errors
///
/// [`Error::Geometry`](crate::Error::Geometry) if `out` is not of the shape and batch of `a`, or `b` is neither.
pub fn multiply(isa: Isa, a: Blocked<'_>, b: Blocked<'_>, out: BlockedMut<'_>) -> Result<()> {
    let shape = a.layout().shape;
    out.expect("multiply: out", shape, a.batch())?;
    let per_channel = Shape::new(shape.c, 1, 1);
    if b.layout().shape == per_channel && shape != per_channel {
        b.expect("multiply: b", per_channel, Padding::all(0), a.batch())?;
        pointwise(isa, Scale(b.source()), Activation::Identity, a, a, out);
    } else {
        b.expect("multiply: b", shape, Padding::all(0), a.batch())?;
        pointwise(isa, Product, Activation::Identity, a, b, out);
    }
    Ok(())
}

/// `out = activation(x * scale[c] + shift[c])`: a BatchNorm in evaluation that has no convolution before it to be folded into.
///
/// ```
/// use madenet_kernels::{Activation, Isa, Shape};
/// use madenet_kernels::blocked::{Block, Blocked, BlockedMut, Layout, ScaleShiftKernel};
///
/// let kernel = ScaleShiftKernel::new(Isa::best(), &[2.0; 16], &[-5.0; 16], Activation::Relu)?;
/// let (layout, x, mut out) = (Layout::new(Shape::new(16, 1, 2)), [[1.0; 16], [3.0; 16]].map(Block), [Block::ZERO; 2]);
/// kernel.run(Blocked::new(layout, 1, &x)?, BlockedMut::new(layout, 1, &mut out)?)?;
/// assert_eq!(out, [[0.0; 16], [1.0; 16]].map(Block));
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ScaleShiftKernel {
    isa: Isa,
    channels: usize,
    /// Scale and shift of every block of channels.
    affine: Vec<[Block; 2]>,
    activation: Activation,
}

impl ScaleShiftKernel {
    /// `scale` and `shift` have one value per channel.
    ///
    /// # Errors
    ///
    /// [`Error::Length`](crate::Error::Length) if they are not equally long.
    pub fn new(isa: Isa, scale: &[f32], shift: &[f32], activation: Activation) -> Result<Self> {
        check::length("scale_shift: shift", scale.len(), shift.len())?;
        let blocks = |values: &[f32]| {
            let block = |lanes: &[f32]| Block(std::array::from_fn(|i| lanes.get(i).copied().unwrap_or(0.0)));
            values.chunks(LANES).map(block).collect::<Vec<_>>()
        };
        let affine =
            blocks(scale).into_iter().zip(blocks(shift)).map(|(scale, shift)| [scale, shift]).collect();
        Ok(ScaleShiftKernel { isa, channels: scale.len(), affine, activation })
    }

    /// Scales and shifts tensors of any size.
    ///
    /// # Errors
    ///
    /// [`Error::Geometry`](crate::Error::Geometry) if `x` has another number of channels, or `out` is not of its shape and batch.
    pub fn run(&self, x: Blocked<'_>, out: BlockedMut<'_>) -> Result<()> {
        let shape = x.layout().shape;
        x.expect("scale_shift: x", Shape { c: self.channels, ..shape }, Padding::all(0), x.batch())?;
        out.expect("scale_shift: out", shape, x.batch())?;
        pointwise(
            self.isa,
            ScaleShift { affine: &self.affine, batch: x.batch() },
            self.activation,
            x,
            x,
            out,
        );
        Ok(())
    }
}

/// An operation on two values (or the first of them).
trait Operation: Copy + Sync {
    /// Whether it is the same for all planes.
    const UNIFORM: bool = true;

    /// What it needs to know of a plane, counted in the order of the planes.
    #[inline(always)]
    fn constants<S: Simd>(self, simd: S, _plane: usize) -> [S::V; 2] {
        [simd.splat(0.0); 2]
    }

    fn value<S: Simd>(self, simd: S, constants: [S::V; 2], a: S::V, b: S::V) -> S::V;
}

#[derive(Clone, Copy)]
struct Identity;

impl Operation for Identity {
    #[inline(always)]
    fn value<S: Simd>(self, _: S, _: [S::V; 2], a: S::V, _: S::V) -> S::V {
        a
    }
}

#[derive(Clone, Copy)]
struct Sum;

impl Operation for Sum {
    #[inline(always)]
    fn value<S: Simd>(self, simd: S, _: [S::V; 2], a: S::V, b: S::V) -> S::V {
        simd.add(a, b)
    }
}

#[derive(Clone, Copy)]
struct Product;

impl Operation for Product {
    #[inline(always)]
    fn value<S: Simd>(self, simd: S, _: [S::V; 2], a: S::V, b: S::V) -> S::V {
        simd.mul(a, b)
    }
}

/// By one pixel of a tensor with as many planes.
#[derive(Clone, Copy)]
struct Scale(Source);

impl Operation for Scale {
    const UNIFORM: bool = false;

    #[inline(always)]
    fn constants<S: Simd>(self, simd: S, plane: usize) -> [S::V; 2] {
        // SAFETY: the tensor has this plane, of one pixel.
        [unsafe { simd.load(self.0.start.wrapping_add(plane * self.0.sample)) }; 2]
    }

    #[inline(always)]
    fn value<S: Simd>(self, simd: S, constants: [S::V; 2], a: S::V, _: S::V) -> S::V {
        simd.mul(a, constants[0])
    }
}

#[derive(Clone, Copy)]
struct ScaleShift<'a> {
    affine: &'a [[Block; 2]],
    batch: usize,
}

impl Operation for ScaleShift<'_> {
    const UNIFORM: bool = false;

    #[inline(always)]
    fn constants<S: Simd>(self, simd: S, plane: usize) -> [S::V; 2] {
        let [scale, shift] = &self.affine[plane / self.batch];
        // SAFETY: a block is sixteen floats.
        unsafe { [simd.load(scale.0.as_ptr()), simd.load(shift.0.as_ptr())] }
    }

    #[inline(always)]
    fn value<S: Simd>(self, simd: S, [scale, shift]: [S::V; 2], a: S::V, _: S::V) -> S::V {
        simd.mul_add(a, scale, shift)
    }
}

/// Tensors of equal shape and batch.
fn pointwise<O: Operation>(
    isa: Isa,
    operation: O,
    activation: Activation,
    a: Blocked<'_>,
    b: Blocked<'_>,
    mut out: BlockedMut<'_>,
) {
    let (layout, batch) = (out.layout(), out.batch());
    let Shape { h, w, .. } = layout.shape;
    let planes = layout.blocks() * batch;
    let bare = [a.layout(), b.layout(), layout].iter().all(|layout| layout.border.is_zero());
    // Planes, rows of each, pixels of each row.
    let (planes, rows, width) = match bare {
        true if O::UNIFORM => (1, 1, planes * h * w),
        true => (planes, 1, h * w),
        false => (planes, h, w),
    };
    let (a, b, target) = (a.source(), b.source(), out.target());
    // A unit is some rows, or without borders a part of one.
    let (band, part) = if bare { (1, BAND.min(width)) } else { (BAND.div_ceil(width).min(rows), width) };
    let (bands, parts) = (rows.div_ceil(band), width.div_ceil(part.max(1)));
    units::share(planes * bands * parts, band * part * LANES, |unit| {
        let (plane, band_at, from) = (unit / parts / bands, unit / parts % bands, unit % parts * part);
        let rows = band_at * band..rows.min((band_at + 1) * band);
        let (block, sample, pixels) = (plane / batch, plane % batch, part.min(width - from));
        // SAFETY: the rows are the unit's; without borders there is nothing to clear.
        let start = unsafe {
            target.clear_border(block, sample, rows.clone());
            target.row(block, sample, rows.start)
        };
        let at = |source: Source| {
            let start =
                source.start.wrapping_add(plane * source.sample + rows.start * source.row + from * LANES);
            (start, source.row)
        };
        let out = (start.wrapping_add(from * LANES), layout.row() * LANES);
        isa.run(Run { operation, activation, plane, a: at(a), b: at(b), out, rows: rows.len(), pixels });
    });
}

/// Pixels of some rows: where each tensor's first row begins, and from one row to the next.
struct Run<O> {
    operation: O,
    activation: Activation,
    plane: usize,
    a: (*const f32, usize),
    b: (*const f32, usize),
    out: (*mut f32, usize),
    rows: usize,
    pixels: usize,
}

impl<O: Operation> Task for Run<O> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let constants = self.operation.constants(simd, self.plane);
        let wide = self.pixels - self.pixels % WIDE;
        for row in 0..self.rows {
            for at in (0..wide).step_by(WIDE) {
                self.tile::<S, WIDE>(simd, constants, row, at);
            }
            for at in wide..self.pixels {
                self.tile::<S, 1>(simd, constants, row, at);
            }
        }
    }
}

impl<O: Operation> Run<O> {
    /// Pixels `at .. at + N` of a row, which must be of the run.
    #[inline(always)]
    fn tile<S: Simd, const N: usize>(&self, simd: S, constants: [S::V; 2], row: usize, at: usize) {
        let mut values = [simd.splat(0.0); N];
        for (index, value) in values.iter_mut().enumerate() {
            let pixel = (at + index) * LANES;
            // SAFETY: `pixels` pixels of every row of both inputs can be read.
            let (a, b) = unsafe {
                let a = simd.load(self.a.0.add(row * self.a.1 + pixel));
                (a, simd.load(self.b.0.add(row * self.b.1 + pixel)))
            };
            *value = self.operation.value(simd, constants, a, b);
        }
        activate(simd, self.activation, &mut values);
        for (index, value) in values.iter().enumerate() {
            // SAFETY: and of the output written.
            unsafe { simd.store(*value, self.out.0.add(row * self.out.1 + (at + index) * LANES)) };
        }
    }
}
