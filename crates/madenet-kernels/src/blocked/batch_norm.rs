//! Batch normalisation in training: statistics, the normalisation with what follows it, and its gradient.
//!
//! Every function is one pass over memory. Sums are taken per plane in `f32`, around a value of the plane, so that a mean much
//! larger than the deviation costs no digits, and put together in `f64` in a fixed order.

use std::ops::Range;
use std::sync::OnceLock;

use super::rows::{Groups, Planes, Stretch, each_group, each_stretch, load, store};
use super::{Block, Blocked, BlockedMut, LANES};
use crate::simd::{Simd, Task, activate, sigmoid};
use crate::{Activation, Isa, Padding, Result, Shape, check, units};

/// Pixels that are computed together.
const WIDE: usize = 4;

/// Mean and variance (divisor `n`) of every channel over batch and plane.
///
/// # Errors
/// [`Error::Length`](crate::Error::Length) if `mean` or `var` has not one value per channel.
///
/// ```
/// use madenet_kernels::{Isa, Shape, blocked::{Block, Blocked, BlockedMut, Layout, moments, pack}};
///
/// let (layout, mut x) = (Layout::new(Shape::new(1, 1, 4)), [Block::ZERO; 4]);
/// pack(Isa::best(), &[1.0, 3.0, 5.0, 7.0], BlockedMut::new(layout, 1, &mut x)?)?;
/// let (mut mean, mut var) = ([0.0], [0.0]);
/// moments(Isa::best(), Blocked::new(layout, 1, &x)?, &mut mean, &mut var)?;
/// assert_eq!((mean[0], var[0]), (4.0, 5.0));
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
pub fn moments(isa: Isa, x: Blocked<'_>, mean: &mut [f64], var: &mut [f64]) -> Result<()> {
    let (layout, batch) = (x.layout(), x.batch());
    let (c, plane) = (layout.shape.c, layout.shape.plane());
    check::length("moments: mean", c, mean.len())?;
    check::length("moments: var", c, var.len())?;
    let groups = Groups::new(&layout, batch);
    let parts: Vec<OnceLock<[Block; 3]>> = (0..groups.count()).map(|_| OnceLock::new()).collect();
    units::share(groups.count(), x.blocks().len().div_ceil(groups.count().max(1)) * LANES, |group| {
        let (block, samples) = groups.place(group);
        let _ = parts[group].set(isa.run(PartMoments { x, block, samples }));
    });
    for (channel, (mean, var)) in mean.iter_mut().zip(var).enumerate() {
        // Chan, Golub and LeVeque 1979: counts, means and sums of squares of two parts give those of the whole.
        let (mut n, mut centre, mut squares) = (0.0, 0.0, 0.0);
        let lane = channel % LANES;
        for group in groups.of_block(channel / LANES) {
            let Some([start, sum, square]) = parts[group].get() else { continue };
            let count = (groups.place(group).1.len() * plane) as f64;
            let sum = f64::from(sum.0[lane]);
            let own = f64::from(start.0[lane]) + sum / count;
            let between = own - centre;
            squares +=
                f64::from(square.0[lane]) - sum * sum / count + between * between * n * count / (n + count);
            n += count;
            centre += between * count / n;
        }
        (*mean, *var) = (centre, if n > 0.0 { (squares / n).max(0.0) } else { 0.0 });
    }
    Ok(())
}

/// The first pixel of some planes, and the sums of the differences from it and of their squares.
struct PartMoments<'a> {
    x: Blocked<'a>,
    block: usize,
    samples: Range<usize>,
}

impl Task for PartMoments<'_> {
    type Output = [Block; 3];

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> [Block; 3] {
        let start = load(simd, &self.x.row(self.block, self.samples.start, 0)[0].0);
        let (mut sum, mut square) = (simd.splat(0.0), simd.splat(0.0));
        let h = self.x.layout().shape.h;
        for row in self.samples.start * h..self.samples.end * h {
            let (mut sums, mut squares) = ([simd.splat(0.0); WIDE], [simd.splat(0.0); WIDE]);
            let (wide, rest) = self.x.row(self.block, row / h, row % h).as_chunks::<WIDE>();
            for pixels in wide {
                for i in 0..WIDE {
                    let d = simd.sub(load(simd, &pixels[i].0), start);
                    sums[i] = simd.add(sums[i], d);
                    squares[i] = simd.mul_add(d, d, squares[i]);
                }
            }
            for pixel in rest {
                let d = simd.sub(load(simd, &pixel.0), start);
                sums[0] = simd.add(sums[0], d);
                squares[0] = simd.mul_add(d, d, squares[0]);
            }
            sum = simd.add(sum, total(simd, sums));
            square = simd.add(square, total(simd, squares));
        }
        [start, sum, square].map(|v| {
            let mut block = Block::ZERO;
            store(simd, v, &mut block.0);
            block
        })
    }
}

#[inline(always)]
fn total<S: Simd>(simd: S, v: [S::V; WIDE]) -> S::V {
    simd.add(simd.add(v[0], v[1]), simd.add(v[2], v[3]))
}

/// What a batch normalisation does to every channel: `(x - centre) * factor + shift`.
#[derive(Clone, Debug)]
pub struct Normalization {
    channels: usize,
    /// Centre, factor and shift of every block of channels.
    lines: Vec<[Block; 3]>,
}

impl Normalization {
    /// The identity of `channels` channels, until [`set`](Self::set).
    #[must_use]
    pub fn new(channels: usize) -> Self {
        let identity = [Block::ZERO, Block([1.0; LANES]), Block::ZERO];
        Normalization { channels, lines: vec![identity; channels.div_ceil(LANES)] }
    }

    /// Centres on `mean`, divides by `sqrt(var + eps)`, then scales and shifts; all of one value per channel. Computed in `f64`.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length) if a slice has another length.
    pub fn set(&mut self, mean: &[f64], var: &[f64], eps: f32, scale: &[f32], shift: &[f32]) -> Result<()> {
        check::length("normalization: mean", self.channels, mean.len())?;
        check::length("normalization: var", self.channels, var.len())?;
        check::length("normalization: scale", self.channels, scale.len())?;
        check::length("normalization: shift", self.channels, shift.len())?;
        for c in 0..self.channels {
            let centre = mean[c] as f32;
            let factor = f64::from(scale[c]) / (var[c] + f64::from(eps)).sqrt();
            // The centre is subtracted as it is rounded, and the rest of the mean is part of the shift.
            let shift = f64::from(shift[c]) - (mean[c] - f64::from(centre)) * factor;
            let line = &mut self.lines[c / LANES];
            for (block, value) in line.iter_mut().zip([centre, factor as f32, shift as f32]) {
                block.0[c % LANES] = value;
            }
        }
        Ok(())
    }

    /// The gradient with respect to the input from the sums that [`normalize_gradient`] has found over `count` values per channel:
    /// of a normalisation by the statistics of the batch, whose mean and variance depend on the input (Ioffe and Szegedy 2015).
    ///
    /// `var` and `eps` are those of [`set`](Self::set).
    #[must_use]
    pub fn gradient(&self, var: &[f64], eps: f32, sums: &[[f64; 2]], count: usize) -> NormalizationGradient {
        let mut gradient = self.fixed_gradient();
        gradient.reads_input = true;
        let count = count as f64;
        for (c, (var, [sum, product])) in var.iter().zip(sums).take(self.channels).enumerate() {
            let [_, _, push, pull] = &mut gradient.lines[c / LANES];
            push.0[c % LANES] = (sum / count) as f32;
            pull.0[c % LANES] = (product / ((var + f64::from(eps)) * count)) as f32;
        }
        gradient
    }

    /// The gradient with respect to the input where the statistics are fixed.
    #[must_use]
    pub fn fixed_gradient(&self) -> NormalizationGradient {
        let line = |[centre, factor, _]: &[Block; 3]| [*centre, *factor, Block::ZERO, Block::ZERO];
        NormalizationGradient {
            channels: self.channels,
            lines: self.lines.iter().map(line).collect(),
            reads_input: false,
        }
    }

    fn of(&self, what: &'static str, shape: Shape) -> Result<()> {
        if shape.c == self.channels {
            return Ok(());
        }
        Err(check::geometry(what, format!("{} channels are needed, there are {}", self.channels, shape.c)))
    }
}

/// `dx = factor * (dz - push - (x - centre) * pull)` for every channel.
#[derive(Clone, Debug)]
pub struct NormalizationGradient {
    channels: usize,
    /// Centre, factor, push and pull of every block of channels.
    lines: Vec<[Block; 4]>,
    reads_input: bool,
}

/// `out = activation((x - centre) * factor + shift + add)`.
///
/// # Errors
/// [`Error::Geometry`](crate::Error::Geometry) if a tensor has other channels than `normalization`, or `add` or `out` another shape
/// or batch than `x`.
pub fn normalize(
    isa: Isa,
    normalization: &Normalization,
    x: Blocked<'_>,
    add: Option<Blocked<'_>>,
    activation: Activation,
    mut out: BlockedMut<'_>,
) -> Result<()> {
    let shape = x.layout().shape;
    normalization.of("normalize: x", shape)?;
    out.expect("normalize: out", shape, x.batch())?;
    if let Some(add) = &add {
        add.expect("normalize: add", shape, Padding::all(0), x.batch())?;
    }
    each_stretch(&mut out, |stretch| {
        isa.run(Normalize { lines: &normalization.lines, x, add, activation, stretch });
    });
    Ok(())
}

struct Normalize<'a> {
    lines: &'a [[Block; 3]],
    x: Blocked<'a>,
    add: Option<Blocked<'a>>,
    activation: Activation,
    stretch: Stretch<'a>,
}

impl Task for Normalize<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let (block, sample) = (self.stretch.block(), self.stretch.sample());
        let line = line(simd, &self.lines[block]);
        for y in self.stretch.rows() {
            let x = self.x.row(block, sample, y);
            let add = self.add.map(|add| add.row(block, sample, y));
            let activation = self.activation;
            let out = self.stretch.row(y);
            let wide = out.len() - out.len() % WIDE;
            for at in (0..wide).step_by(WIDE) {
                normalize_pixels::<S, WIDE>(
                    simd,
                    line,
                    &x[at..],
                    add.map(|a| &a[at..]),
                    activation,
                    &mut out[at..],
                );
            }
            for at in wide..out.len() {
                normalize_pixels::<S, 1>(
                    simd,
                    line,
                    &x[at..],
                    add.map(|a| &a[at..]),
                    activation,
                    &mut out[at..],
                );
            }
        }
    }
}

#[inline(always)]
fn normalize_pixels<S: Simd, const N: usize>(
    simd: S,
    [centre, factor, shift]: [S::V; 3],
    x: &[Block],
    add: Option<&[Block]>,
    activation: Activation,
    out: &mut [Block],
) {
    let mut values = [simd.splat(0.0); N];
    for (i, value) in values.iter_mut().enumerate() {
        *value = simd.mul_add(simd.sub(load(simd, &x[i].0), centre), factor, shift);
        if let Some(add) = add {
            *value = simd.add(*value, load(simd, &add[i].0));
        }
    }
    activate(simd, activation, &mut values);
    for (value, out) in values.iter().zip(out) {
        store(simd, *value, &mut out.0);
    }
}

#[inline(always)]
fn line<S: Simd, const N: usize>(simd: S, blocks: &[Block; N]) -> [S::V; N] {
    let mut line = [simd.splat(0.0); N];
    for (v, block) in line.iter_mut().zip(blocks) {
        *v = load(simd, &block.0);
    }
    line
}

/// The gradient in front of the activation of [`normalize`], `dz = dy * activation'(z)`, in place of `dy`, and for every channel
/// the sums of `dz` and of `dz * (x - centre)`. From these follow the gradients of shift and scale, and that of the
/// input ([`Normalization::gradient`]).
///
/// `y` is what `normalize` gave: where something was added, it alone tells on which side of its kink a ReLU or leaky ReLU (with a
/// slope above 0) was; otherwise `z` is computed anew from `x`.
///
/// # Errors
/// [`Error::Geometry`](crate::Error::Geometry) as for `normalize`, [`Error::Length`](crate::Error::Length) if there is not one entry of
/// `sums` per channel.
pub fn normalize_gradient(
    isa: Isa,
    normalization: &Normalization,
    x: Blocked<'_>,
    activation: Activation,
    y: Option<Blocked<'_>>,
    mut dz: BlockedMut<'_>,
    sums: &mut [[f64; 2]],
) -> Result<()> {
    let (shape, batch) = (x.layout().shape, x.batch());
    normalization.of("normalize_gradient: x", shape)?;
    dz.expect("normalize_gradient: dz", shape, batch)?;
    check::length("normalize_gradient: sums", shape.c, sums.len())?;
    if let Some(y) = &y {
        y.expect("normalize_gradient: y", shape, Padding::all(0), batch)?;
        if matches!(activation, Activation::Silu | Activation::Sigmoid) {
            let reason = format!("{activation:?} cannot be told by its result");
            return Err(check::geometry("normalize_gradient", reason));
        }
    }
    let groups = Groups::new(&x.layout(), batch);
    let parts: Vec<OnceLock<[Block; 2]>> = (0..groups.count()).map(|_| OnceLock::new()).collect();
    each_group(&mut dz, groups, |group, planes| {
        let lines = &normalization.lines;
        let _ = parts[group].set(isa.run(NormalizeGradient { lines, x, y, activation, planes }));
    });
    for (channel, sums) in sums.iter_mut().enumerate() {
        let of_block = groups.of_block(channel / LANES).filter_map(|group| parts[group].get());
        *sums = of_block.fold([0.0; 2], |[sum, product], part| {
            let [a, b] = [part[0].0[channel % LANES], part[1].0[channel % LANES]];
            [sum + f64::from(a), product + f64::from(b)]
        });
    }
    Ok(())
}

struct NormalizeGradient<'a> {
    lines: &'a [[Block; 3]],
    x: Blocked<'a>,
    y: Option<Blocked<'a>>,
    activation: Activation,
    planes: Planes<'a>,
}

impl Task for NormalizeGradient<'_> {
    type Output = [Block; 2];

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) -> [Block; 2] {
        let mut sums = [simd.splat(0.0); 2];
        while let Some(mut plane) = self.planes.next_plane() {
            self.plane(simd, &mut plane, &mut sums);
        }
        sums.map(|v| {
            let mut block = Block::ZERO;
            store(simd, v, &mut block.0);
            block
        })
    }
}

impl NormalizeGradient<'_> {
    #[inline(always)]
    fn plane<S: Simd>(&self, simd: S, plane: &mut Stretch<'_>, sums: &mut [S::V; 2]) {
        let (block, sample) = (plane.block(), plane.sample());
        let line = line(simd, &self.lines[block]);
        for y in plane.rows() {
            let x = self.x.row(block, sample, y);
            let told = self.y.map(|told| told.row(block, sample, y));
            let activation = self.activation;
            let dz = plane.row(y);
            let mut row = [[simd.splat(0.0); WIDE]; 2];
            let wide = dz.len() - dz.len() % WIDE;
            for at in (0..wide).step_by(WIDE) {
                gradient_pixels::<S, WIDE>(
                    simd,
                    line,
                    &x[at..at + WIDE],
                    told.map(|t| &t[at..at + WIDE]),
                    activation,
                    &mut dz[at..at + WIDE],
                    &mut row,
                );
            }
            for at in wide..dz.len() {
                let told = told.map(|t| &t[at..=at]);
                gradient_pixels::<S, 1>(
                    simd,
                    line,
                    &x[at..=at],
                    told,
                    activation,
                    &mut dz[at..=at],
                    &mut row,
                );
            }
            for (sum, row) in sums.iter_mut().zip(row) {
                *sum = simd.add(*sum, total(simd, row));
            }
        }
    }
}

#[inline(always)]
fn gradient_pixels<S: Simd, const N: usize>(
    simd: S,
    [centre, factor, shift]: [S::V; 3],
    x: &[Block],
    told: Option<&[Block]>,
    activation: Activation,
    dz: &mut [Block],
    sums: &mut [[S::V; WIDE]; 2],
) {
    for i in 0..N {
        let d = simd.sub(load(simd, &x[i].0), centre);
        let mut value = load(simd, &dz[i].0);
        if activation != Activation::Identity {
            let z = match told {
                Some(told) => load(simd, &told[i].0),
                None => simd.mul_add(d, factor, shift),
            };
            value = times_slope(simd, activation, z, value);
            store(simd, value, &mut dz[i].0);
        }
        sums[0][i] = simd.add(sums[0][i], value);
        sums[1][i] = simd.mul_add(value, d, sums[1][i]);
    }
}

/// `dy * activation'(z)`, PyTorch's values at kinks: 0 for a ReLU at 0, the slope for a leaky one.
#[inline(always)]
pub(super) fn times_slope<S: Simd>(simd: S, activation: Activation, z: S::V, dy: S::V) -> S::V {
    let zero = simd.splat(0.0);
    match activation {
        Activation::Identity => dy,
        Activation::Relu | Activation::LeakyRelu(0.0) => simd.select_negative(simd.sub(zero, z), dy, zero),
        Activation::LeakyRelu(slope) => {
            simd.select_negative(simd.sub(zero, z), dy, simd.mul(simd.splat(slope), dy))
        }
        Activation::Sigmoid => {
            let y = sigmoid(simd, z);
            simd.mul(dy, simd.mul(y, simd.sub(simd.splat(1.0), y)))
        }
        Activation::Silu => {
            // s (1 + z (1 - s)), with z limited where s is 0 anyway.
            let (one, s) = (simd.splat(1.0), sigmoid(simd, z));
            let z = simd.max(simd.splat(f32::MIN), z);
            simd.mul(dy, simd.mul(s, simd.mul_add(z, simd.sub(one, s), one)))
        }
    }
}

/// The gradient with respect to the input of a normalisation, in place of the gradient `dz` behind it.
///
/// # Errors
/// [`Error::Geometry`](crate::Error::Geometry) if `x` has other channels than `gradient`, or `dz` another shape or batch than `x`.
pub fn normalize_input_gradient(
    isa: Isa,
    gradient: &NormalizationGradient,
    x: Blocked<'_>,
    mut dz: BlockedMut<'_>,
) -> Result<()> {
    let shape = x.layout().shape;
    if shape.c != gradient.channels {
        let reason = format!("{} channels are needed, there are {}", gradient.channels, shape.c);
        return Err(check::geometry("normalize_input_gradient: x", reason));
    }
    dz.expect("normalize_input_gradient: dz", shape, x.batch())?;
    each_stretch(&mut dz, |stretch| isa.run(InputGradient { gradient, x, stretch }));
    Ok(())
}

struct InputGradient<'a> {
    gradient: &'a NormalizationGradient,
    x: Blocked<'a>,
    stretch: Stretch<'a>,
}

impl Task for InputGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let (block, sample) = (self.stretch.block(), self.stretch.sample());
        let [centre, factor, push, pull] = line(simd, &self.gradient.lines[block]);
        for y in self.stretch.rows() {
            let x = self.x.row(block, sample, y);
            let out = self.stretch.row(y);
            if self.gradient.reads_input {
                for (out, x) in out.iter_mut().zip(x) {
                    let d = simd.sub(load(simd, &x.0), centre);
                    let rest = simd.neg_mul_add(d, pull, simd.sub(load(simd, &out.0), push));
                    store(simd, simd.mul(factor, rest), &mut out.0);
                }
            } else {
                for out in out {
                    store(simd, simd.mul(factor, load(simd, &out.0)), &mut out.0);
                }
            }
        }
    }
}
