//! Batch normalisation in training: statistics of a batch, normalisation by them, and the gradients, in as few passes over
//! memory as there can be: two forward ([`moments`], [`normalize`]) and two backward ([`normalize_gradient`],
//! [`normalize_input_gradient`]). In evaluation, [`ScaleShiftKernel`](super::ScaleShiftKernel) does.

mod gradient;
mod lines;
mod moments;

pub use gradient::normalize_gradient;
pub use lines::{GradientLines, normalize_input_gradient, normalize_input_gradient_in_place};
pub use moments::moments;

use super::passes::{Pass, load_tile, pass};
use super::rows::{load, store};
use super::{Block, Blocked, BlockedMut, LANES};
use crate::simd::{Simd, activate};
use crate::{Activation, Isa, Padding, Result, check};

/// What a channel's values are normalised with: `(x - mean) / sqrt(var + eps) * scale + shift`.
///
/// Values are centred before they are scaled, so that a mean far above the deviation does not cost the small differences their
/// digits.
#[derive(Clone, Debug)]
pub struct Normalization {
    channels: usize,
    /// Of every block of channels.
    blocks: Vec<Constants>,
    /// Per channel: the mean, and `1 / sqrt(var + eps)`.
    exact: Vec<[f64; 2]>,
}

/// `(x - centre) * factor + shift`: the centre is the mean as an f32, and the shift makes up for its rounding.
#[derive(Clone, Debug)]
struct Constants {
    centre: Block,
    factor: Block,
    shift: Block,
}

impl Normalization {
    /// Memory for the constants of `channels` channels, which give 0 for any value until they are [set](Self::set).
    #[must_use]
    pub fn new(channels: usize) -> Self {
        let zero = Constants { centre: Block::ZERO, factor: Block::ZERO, shift: Block::ZERO };
        Normalization {
            channels,
            blocks: vec![zero; channels.div_ceil(LANES)],
            exact: vec![[0.0; 2]; channels],
        }
    }

    /// Takes over statistics and parameters: per channel the mean, the variance (above `-eps`), the scale (PyTorch's `weight`) and
    /// the shift (its `bias`). PyTorch's default of `eps` is 1e-5.
    ///
    /// # Errors
    ///
    /// [`Error::Length`](crate::Error::Length) if a slice does not have one value for each channel.
    pub fn set(
        &mut self,
        mean: &[f64],
        var: &[f64],
        eps: f64,
        scale: &[f32],
        shift: &[f32],
    ) -> Result<()> {
        check::length("normalization: mean", self.channels, mean.len())?;
        check::length("normalization: var", self.channels, var.len())?;
        check::length("normalization: scale", self.channels, scale.len())?;
        check::length("normalization: shift", self.channels, shift.len())?;
        for (channel, exact) in self.exact.iter_mut().enumerate() {
            let (mean, inverse) = (mean[channel], 1.0 / (var[channel] + eps).sqrt());
            let (centre, factor) = (mean as f32, f64::from(scale[channel]) * inverse);
            let constants = &mut self.blocks[channel / LANES];
            constants.centre.0[channel % LANES] = centre;
            constants.factor.0[channel % LANES] = factor as f32;
            let rounding = (f64::from(centre) - mean) * factor;
            constants.shift.0[channel % LANES] = (f64::from(shift[channel]) + rounding) as f32;
            *exact = [mean, inverse];
        }
        Ok(())
    }

    /// Number of channels.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// A channel's centre and factor.
    fn of_channel(&self, channel: usize) -> [f64; 2] {
        let Constants { centre, factor, .. } = &self.blocks[channel / LANES];
        [centre, factor].map(|block| f64::from(block.0[channel % LANES]))
    }

    /// Centre, factor and shift of a block of channels.
    #[inline(always)]
    fn constants<S: Simd>(&self, simd: S, block: usize) -> [S::V; 3] {
        let Constants { centre, factor, shift } = &self.blocks[block];
        [load(simd, &centre.0), load(simd, &factor.0), load(simd, &shift.0)]
    }

    fn expect(&self, what: &'static str, x: &Blocked<'_>) -> Result<()> {
        let shape = x.layout().shape;
        if shape.c == self.channels {
            return Ok(());
        }
        Err(check::geometry(what, format!("{} channels are normalised, {shape} given", self.channels)))
    }
}

/// `out = activation((x - mean) / sqrt(var + eps) * scale + shift + add)`, with the constants per channel.
///
/// # Errors
///
/// [`Error::Geometry`](crate::Error::Geometry) if `x` has another number of channels than `normalization`, or `add` or `out` is
/// not of the shape and batch of `x`.
///
/// ```
/// use madenet_kernels::{Activation, Isa, Shape};
/// use madenet_kernels::blocked::{Block, Blocked, BlockedMut, Layout, Normalization, moments, normalize};
///
/// let (layout, x, mut out) = (Layout::new(Shape::new(1, 1, 2)), [[3.0; 16], [5.0; 16]].map(Block), [Block::ZERO; 2]);
/// let (x, mut mean, mut var) = (Blocked::new(layout, 1, &x)?, [0.0], [0.0]);
/// moments(Isa::best(), x, &mut mean, &mut var)?;
/// assert_eq!((mean, var), ([4.0], [1.0]));
/// let mut normalization = Normalization::new(1);
/// normalization.set(&mean, &var, 0.0, &[2.0], &[0.5])?;
/// let to = BlockedMut::new(layout, 1, &mut out)?;
/// normalize(Isa::best(), &normalization, x, None, Activation::Relu, to)?;
/// assert_eq!(out.map(|pixel| pixel.0[0]), [0.0, 2.5]);
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
pub fn normalize(
    isa: Isa,
    normalization: &Normalization,
    x: Blocked<'_>,
    add: Option<Blocked<'_>>,
    activation: Activation,
    out: BlockedMut<'_>,
) -> Result<()> {
    let (shape, batch) = (x.layout().shape, x.batch());
    normalization.expect("normalize: x", &x)?;
    out.expect("normalize: out", shape, batch)?;
    match add {
        None => pass(isa, Normalize { normalization, activation }, [x], out),
        Some(add) => {
            add.expect("normalize: add", shape, Padding::all(0), batch)?;
            pass(isa, Normalize { normalization, activation }, [x, add], out);
        }
    }
    Ok(())
}

/// With one input alone, with a second one added.
#[derive(Clone, Copy)]
struct Normalize<'a> {
    normalization: &'a Normalization,
    activation: Activation,
}

impl Pass<1> for Normalize<'_> {
    type Constants<S: Simd> = [S::V; 3];

    #[inline(always)]
    fn constants<S: Simd>(self, simd: S, block: usize, _: usize) -> [S::V; 3] {
        self.normalization.constants(simd, block)
    }

    #[inline(always)]
    fn tile<S: Simd, const P: usize>(
        self,
        simd: S,
        [centre, factor, shift]: [S::V; 3],
        out: &mut [Block; P],
        [x]: [&[Block; P]; 1],
    ) {
        let mut values = load_tile(simd, x);
        for value in &mut values {
            *value = simd.mul_add(simd.sub(*value, centre), factor, shift);
        }
        finish(simd, self.activation, values, out);
    }
}

impl Pass<2> for Normalize<'_> {
    type Constants<S: Simd> = [S::V; 3];

    #[inline(always)]
    fn constants<S: Simd>(self, simd: S, block: usize, _: usize) -> [S::V; 3] {
        self.normalization.constants(simd, block)
    }

    #[inline(always)]
    fn tile<S: Simd, const P: usize>(
        self,
        simd: S,
        [centre, factor, shift]: [S::V; 3],
        out: &mut [Block; P],
        [x, add]: [&[Block; P]; 2],
    ) {
        let mut values = load_tile(simd, x);
        for (value, add) in values.iter_mut().zip(add) {
            let normalized = simd.mul_add(simd.sub(*value, centre), factor, shift);
            *value = simd.add(normalized, load(simd, &add.0));
        }
        finish(simd, self.activation, values, out);
    }
}

#[inline(always)]
fn finish<S: Simd, const P: usize>(
    simd: S,
    activation: Activation,
    mut values: [S::V; P],
    out: &mut [Block; P],
) {
    activate(simd, activation, &mut values);
    for (out, value) in out.iter_mut().zip(values) {
        store(simd, value, &mut out.0);
    }
}
