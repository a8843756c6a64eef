//! Gradients of operations on single values, and of joining: one pass over memory each.

use std::ops::Range;
use std::sync::OnceLock;

use super::batch_norm::times_slope;
use super::rows::{Groups, Stretch, each_stretch, load, store};
use super::sum::sum_row;
use super::{Block, Blocked, BlockedMut, LANES};
use crate::simd::{Simd, Task};
use crate::{Activation, Isa, Padding, Result, Shape, check, units};

/// `dx = dy * activation'(x) + add`: `x` is what the activation got. For a ReLU, or a leaky one with a slope above 0, its result
/// serves as well.
///
/// # Errors
/// [`Error::Geometry`](crate::Error::Geometry) if a tensor has another shape or batch than `x`.
///
/// ```
/// use madenet_kernels::blocked::{Block, Blocked, BlockedMut, Layout, activation_gradient};
/// use madenet_kernels::{Activation, Isa, Shape};
///
/// let (layout, mut dx) = (Layout::new(Shape::new(16, 1, 2)), [Block::ZERO; 2]);
/// let (x, dy) = ([[-1.0; 16], [2.0; 16]].map(Block), [[3.0; 16], [4.0; 16]].map(Block));
/// let (x, dy) = (Blocked::new(layout, 1, &x)?, Blocked::new(layout, 1, &dy)?);
/// let out = BlockedMut::new(layout, 1, &mut dx)?;
/// activation_gradient(Isa::best(), Activation::Relu, x, dy, None, out)?;
/// assert_eq!(dx, [[0.0; 16], [4.0; 16]].map(Block));
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
pub fn activation_gradient(
    isa: Isa,
    activation: Activation,
    x: Blocked<'_>,
    dy: Blocked<'_>,
    add: Option<Blocked<'_>>,
    mut dx: BlockedMut<'_>,
) -> Result<()> {
    let (shape, batch) = (x.layout().shape, x.batch());
    dy.expect("activation_gradient: dy", shape, Padding::all(0), batch)?;
    dx.expect("activation_gradient: dx", shape, batch)?;
    dx.expect_add("activation_gradient: add", add)?;
    each_stretch(&mut dx, |stretch| isa.run(ActivationGradient { activation, x, dy, add, stretch }));
    Ok(())
}

struct ActivationGradient<'a> {
    activation: Activation,
    x: Blocked<'a>,
    dy: Blocked<'a>,
    add: Option<Blocked<'a>>,
    stretch: Stretch<'a>,
}

impl Task for ActivationGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let (block, sample) = (self.stretch.block(), self.stretch.sample());
        for y in self.stretch.rows() {
            let (x, dy) = (self.x.row(block, sample, y), self.dy.row(block, sample, y));
            let add = self.add.map(|add| add.row(block, sample, y));
            let activation = self.activation;
            for (i, out) in self.stretch.row(y).iter_mut().enumerate() {
                let mut value = times_slope(simd, activation, load(simd, &x[i].0), load(simd, &dy[i].0));
                if let Some(add) = add {
                    value = simd.add(value, load(simd, &add[i].0));
                }
                store(simd, value, &mut out.0);
            }
        }
    }
}

/// Adds the sum of every channel over batch and plane to `sums`: the gradient of a bias.
///
/// # Errors
/// [`Error::Length`](crate::Error::Length) if there is not one sum per channel.
pub fn channel_sums(isa: Isa, x: Blocked<'_>, sums: &mut [f32]) -> Result<()> {
    let (layout, batch) = (x.layout(), x.batch());
    check::length("channel_sums: sums", layout.shape.c, sums.len())?;
    let groups = Groups::new(&layout, batch);
    let parts: Vec<OnceLock<Block>> = (0..groups.count()).map(|_| OnceLock::new()).collect();
    units::share(groups.count(), x.blocks().len().div_ceil(groups.count().max(1)) * LANES, |group| {
        let (block, samples) = groups.place(group);
        let _ = parts[group].set(isa.run(PartSum { x, block, samples }));
    });
    for (channel, sum) in sums.iter_mut().enumerate() {
        let of_block = groups.of_block(channel / LANES).filter_map(|group| parts[group].get());
        let total: f64 = of_block.map(|part| f64::from(part.0[channel % LANES])).sum();
        *sum = (f64::from(*sum) + total) as f32;
    }
    Ok(())
}

struct PartSum<'a> {
    x: Blocked<'a>,
    block: usize,
    samples: Range<usize>,
}

impl Task for PartSum<'_> {
    type Output = Block;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Block {
        let mut sum = simd.splat(0.0);
        let h = self.x.layout().shape.h;
        for row in self.samples.start * h..self.samples.end * h {
            let row = self.x.row(self.block, row / h, row % h);
            // SAFETY: the row has as many pixels.
            sum = simd.add(sum, unsafe { sum_row(simd, row.as_ptr().cast(), row.len()) });
        }
        let mut block = Block::ZERO;
        store(simd, sum, &mut block.0);
        block
    }
}

/// `out = sum over the plane of a * b`, one pixel per channel: the gradient of a factor per channel.
///
/// # Errors
/// [`Error::Geometry`](crate::Error::Geometry) if `b` has another shape or batch than `a`, or `out` is not of one pixel for each of its
/// channels.
pub fn multiply_sums(isa: Isa, a: Blocked<'_>, b: Blocked<'_>, mut out: BlockedMut<'_>) -> Result<()> {
    let (shape, batch) = (a.layout().shape, a.batch());
    b.expect("multiply_sums: b", shape, Padding::all(0), batch)?;
    out.expect("multiply_sums: out", Shape::new(shape.c, 1, 1), batch)?;
    each_stretch(&mut out, |stretch| isa.run(ProductSum { a, b, stretch }));
    Ok(())
}

struct ProductSum<'a> {
    a: Blocked<'a>,
    b: Blocked<'a>,
    stretch: Stretch<'a>,
}

impl Task for ProductSum<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let (block, sample) = (self.stretch.block(), self.stretch.sample());
        let mut sum = simd.splat(0.0);
        for y in 0..self.a.layout().shape.h {
            let mut row = [simd.splat(0.0); 2];
            let pixels = self.a.row(block, sample, y).iter().zip(self.b.row(block, sample, y));
            for (i, (a, b)) in pixels.enumerate() {
                row[i % 2] = simd.mul_add(load(simd, &a.0), load(simd, &b.0), row[i % 2]);
            }
            sum = simd.add(sum, simd.add(row[0], row[1]));
        }
        store(simd, sum, &mut self.stretch.row(0)[0].0);
    }
}

/// `out = x * factors[sample]`.
///
/// # Errors
/// [`Error::Length`](crate::Error::Length) if there is not one factor per sample, [`Error::Geometry`](crate::Error::Geometry) if
/// `out` has another shape or batch than `x`.
pub fn scale_samples(isa: Isa, x: Blocked<'_>, factors: &[f32], mut out: BlockedMut<'_>) -> Result<()> {
    check::length("scale_samples: factors", x.batch(), factors.len())?;
    out.expect("scale_samples: out", x.layout().shape, x.batch())?;
    each_stretch(&mut out, |stretch| isa.run(ScaleSamples { x, factors, stretch }));
    Ok(())
}

struct ScaleSamples<'a> {
    x: Blocked<'a>,
    factors: &'a [f32],
    stretch: Stretch<'a>,
}

impl Task for ScaleSamples<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let (block, sample) = (self.stretch.block(), self.stretch.sample());
        let factor = simd.splat(self.factors[sample]);
        for y in self.stretch.rows() {
            for (out, x) in self.stretch.row(y).iter_mut().zip(self.x.row(block, sample, y)) {
                store(simd, simd.mul(load(simd, &x.0), factor), &mut out.0);
            }
        }
    }
}

/// Channels `first ..` of `x`, as many as `out` has, plus `add`: the gradient of one of several joined values.
///
/// # Errors
/// [`Error::Geometry`](crate::Error::Geometry) if `x` has not these channels, or the tensors differ in height, width or batch.
pub fn copy_channels(
    isa: Isa,
    x: Blocked<'_>,
    first: usize,
    add: Option<Blocked<'_>>,
    mut out: BlockedMut<'_>,
) -> Result<()> {
    let (from, to) = (x.layout().shape, out.layout().shape);
    out.expect("copy_channels: out", Shape { c: to.c, ..from }, x.batch())?;
    out.expect_add("copy_channels: add", add)?;
    if first.checked_add(to.c).is_none_or(|end| end > from.c) {
        let reason = format!("channels {first} to {first} + {} of {} channels", to.c, from.c);
        return Err(check::geometry("copy_channels", reason));
    }
    each_stretch(&mut out, |stretch| {
        let place = (first / LANES + stretch.block(), stretch.sample());
        isa.run(CopyPlane { x, place, shift: first % LANES, add, stretch });
    });
    Ok(())
}

/// Samples `first ..` of `x`, as many as `out` has, plus `add`: the gradient of one of several batches that were joined.
///
/// # Errors
/// [`Error::Geometry`](crate::Error::Geometry) if `x` has not these samples, or the tensors differ in shape.
pub fn copy_samples(
    isa: Isa,
    x: Blocked<'_>,
    first: usize,
    add: Option<Blocked<'_>>,
    mut out: BlockedMut<'_>,
) -> Result<()> {
    let shape = x.layout().shape;
    out.expect("copy_samples: out", shape, out.batch())?;
    out.expect_add("copy_samples: add", add)?;
    if first.checked_add(out.batch()).is_none_or(|end| end > x.batch()) {
        let reason = format!("samples {first} to {first} + {} of {} samples", out.batch(), x.batch());
        return Err(check::geometry("copy_samples", reason));
    }
    each_stretch(&mut out, |stretch| {
        let place = (stretch.block(), first + stretch.sample());
        isa.run(CopyPlane { x, place, shift: 0, add, stretch });
    });
    Ok(())
}

/// Copies lanes from lane `shift` of a plane on, the rest from the plane of the next block.
struct CopyPlane<'a> {
    x: Blocked<'a>,
    /// Block of channels and sample.
    place: (usize, usize),
    shift: usize,
    add: Option<Blocked<'a>>,
    stretch: Stretch<'a>,
}

impl Task for CopyPlane<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let (block, sample) = self.place;
        let own = (self.stretch.block(), self.stretch.sample());
        let has_next = self.shift > 0 && block + 1 < self.x.layout().blocks();
        for y in self.stretch.rows() {
            let x = self.x.row(block, sample, y);
            let next = has_next.then(|| self.x.row(block + 1, sample, y));
            let add = self.add.map(|add| add.row(own.0, own.1, y));
            let shift = self.shift;
            for (i, out) in self.stretch.row(y).iter_mut().enumerate() {
                let mut lanes = x[i];
                if shift > 0 {
                    let tail = next.map_or(Block::ZERO, |next| next[i]);
                    lanes.0.copy_within(shift.., 0);
                    lanes.0[LANES - shift..].copy_from_slice(&tail.0[..shift]);
                }
                let mut value = load(simd, &lanes.0);
                if let Some(add) = add {
                    value = simd.add(value, load(simd, &add[i].0));
                }
                store(simd, value, &mut out.0);
            }
        }
    }
}
