//! Gradients of depthwise convolution. No border of a tensor is read: taps outside of the plane are left out.

use std::sync::OnceLock;

use super::depthwise::output_shape;
use super::rows::{Stretch, each_plane, load, store};
use super::{Block, Blocked, BlockedMut, LANES};
use crate::simd::{Simd, Task};
use crate::window::inside;
use crate::{Conv2d, Isa, Padding, Result, Shape, check, units};

/// The gradient with respect to the input of a depthwise convolution of fixed geometry and input size.
#[derive(Clone, Debug)]
pub struct DepthwiseInputGradient {
    isa: Isa,
    geometry: Conv2d,
    input: Shape,
    output: Shape,
    /// Of every block of channels, its taps.
    weights: Vec<Block>,
}

impl DepthwiseInputGradient {
    /// For samples of shape `input`; weights are 0 until [`set_weights`](Self::set_weights).
    ///
    /// # Errors
    /// [`Error::Geometry`](crate::Error::Geometry) if the input is empty or no window fits on it.
    pub fn new(isa: Isa, geometry: Conv2d, input: Shape) -> Result<Self> {
        let output = output_shape(&geometry, input)?;
        let taps = geometry.kernel.0 * geometry.kernel.1;
        let weights = vec![Block::ZERO; input.c.div_ceil(LANES) * taps];
        Ok(DepthwiseInputGradient { isa, geometry, input, output, weights })
    }

    /// Takes the convolution's weights, `[input.c, 1, kernel height, kernel width]`.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length) if there are more or fewer.
    pub fn set_weights(&mut self, weight: &[f32]) -> Result<()> {
        let taps = self.geometry.kernel.0 * self.geometry.kernel.1;
        check::length("depthwise input gradient: weight", self.input.c * taps, weight.len())?;
        super::depthwise::pack(weight, taps, &mut self.weights);
        Ok(())
    }

    /// The border of zeros that the output's gradient must store: none.
    #[must_use]
    pub fn border(&self) -> Padding {
        Padding::default()
    }

    /// `dx = add` (0 without it) plus the gradient.
    ///
    /// # Errors
    /// [`Error::Geometry`](crate::Error::Geometry) if a tensor has another shape or batch.
    pub fn run(&self, dy: Blocked<'_>, add: Option<Blocked<'_>>, mut dx: BlockedMut<'_>) -> Result<()> {
        dy.expect("depthwise input gradient: dy", self.output, Padding::default(), dy.batch())?;
        dx.expect("depthwise input gradient: dx", self.input, dy.batch())?;
        dx.expect_add("depthwise input gradient: add", add)?;
        each_plane(&mut dx, |stretch| self.isa.run(Scatter { kernel: self, dy, add, stretch }));
        Ok(())
    }
}

/// One plane of the result.
struct Scatter<'a> {
    kernel: &'a DepthwiseInputGradient,
    dy: Blocked<'a>,
    add: Option<Blocked<'a>>,
    stretch: Stretch<'a>,
}

impl Task for Scatter<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        self.stretch.begin(simd, self.add);
        let (block, sample) = (self.stretch.block(), self.stretch.sample());
        let DepthwiseInputGradient { geometry, input, output, weights, .. } = self.kernel;
        let Conv2d { kernel: (rows, columns), stride, padding, dilation, .. } = *geometry;
        let weights = &weights[block * rows * columns..];
        for y in 0..output.h {
            let dy = self.dy.row(block, sample, y);
            for ky in 0..rows {
                let Some(at) =
                    (y * stride + ky * dilation).checked_sub(padding.top).filter(|&at| at < input.h)
                else {
                    continue;
                };
                let row = self.stretch.row(at);
                for kx in 0..columns {
                    let weight = load(simd, &weights[ky * columns + kx].0);
                    let xs = inside(output.w, input.w, stride, kx * dilation, padding.left);
                    let first = xs.start * stride + kx * dilation;
                    let taps = row.get_mut(first.saturating_sub(padding.left)..).unwrap_or_default();
                    for (pixel, dy) in taps.iter_mut().step_by(stride).zip(&dy[xs]) {
                        let sum = simd.mul_add(load(simd, &dy.0), weight, load(simd, &pixel.0));
                        store(simd, sum, &mut pixel.0);
                    }
                }
            }
        }
    }
}

/// The gradient with respect to the weights of a depthwise convolution of fixed geometry and input size.
#[derive(Clone, Debug)]
pub struct DepthwiseWeightGradient {
    isa: Isa,
    geometry: Conv2d,
    input: Shape,
    output: Shape,
}

impl DepthwiseWeightGradient {
    /// For samples of shape `input`.
    ///
    /// # Errors
    /// [`Error::Geometry`](crate::Error::Geometry) if the input is empty or no window fits on it.
    pub fn new(isa: Isa, geometry: Conv2d, input: Shape) -> Result<Self> {
        let output = output_shape(&geometry, input)?;
        Ok(DepthwiseWeightGradient { isa, geometry, input, output })
    }

    /// The border of zeros that the input must store: none.
    #[must_use]
    pub fn border(&self) -> Padding {
        Padding::default()
    }

    /// Adds the gradient to `dw`, `[input.c, 1, kernel height, kernel width]`, from the convolution's input and the gradient of its
    /// output.
    ///
    /// # Errors
    /// [`Error::Geometry`](crate::Error::Geometry) if a tensor has another shape or batch, [`Error::Length`](crate::Error::Length) if
    /// `dw` has another length.
    pub fn run(&self, x: Blocked<'_>, dy: Blocked<'_>, dw: &mut [f32]) -> Result<()> {
        let taps = self.geometry.kernel.0 * self.geometry.kernel.1;
        x.expect("depthwise weight gradient: x", self.input, Padding::default(), x.batch())?;
        dy.expect("depthwise weight gradient: dy", self.output, Padding::default(), x.batch())?;
        check::length("depthwise weight gradient: dw", self.input.c * taps, dw.len())?;
        let sums: Vec<OnceLock<Vec<Block>>> =
            (0..self.input.c.div_ceil(LANES)).map(|_| OnceLock::new()).collect();
        let cost = x.batch() * self.output.plane() * taps * LANES / 8;
        units::share(sums.len(), cost, |block| {
            let _ = sums[block].set(self.isa.run(Products { kernel: self, x, dy, block }));
        });
        for (channel, dw) in dw.chunks_exact_mut(taps).enumerate() {
            let sums = sums[channel / LANES].get().map(Vec::as_slice).unwrap_or_default();
            dw.iter_mut().zip(sums).for_each(|(dw, sum)| *dw += sum.0[channel % LANES]);
        }
        Ok(())
    }
}

/// The sums of all taps of a block of channels.
struct Products<'a> {
    kernel: &'a DepthwiseWeightGradient,
    x: Blocked<'a>,
    dy: Blocked<'a>,
    block: usize,
}

impl Task for Products<'_> {
    type Output = Vec<Block>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Vec<Block> {
        let DepthwiseWeightGradient { geometry, input, output, .. } = self.kernel;
        let Conv2d { kernel: (rows, columns), stride, padding, dilation, .. } = *geometry;
        let mut sums = vec![Block::ZERO; rows * columns];
        for sample in 0..self.x.batch() {
            for y in 0..output.h {
                let dy = self.dy.row(self.block, sample, y);
                for ky in 0..rows {
                    let at = (y * stride + ky * dilation).checked_sub(padding.top);
                    let Some(at) = at.filter(|&at| at < input.h) else { continue };
                    let x = self.x.row(self.block, sample, at);
                    for kx in 0..columns {
                        let xs = inside(output.w, input.w, stride, kx * dilation, padding.left);
                        let first = (xs.start * stride + kx * dilation).saturating_sub(padding.left);
                        let taps = x.get(first..).unwrap_or_default();
                        let mut sum = [simd.splat(0.0); 2];
                        for (i, (x, dy)) in taps.iter().step_by(stride).zip(&dy[xs]).enumerate() {
                            sum[i % 2] = simd.mul_add(load(simd, &x.0), load(simd, &dy.0), sum[i % 2]);
                        }
                        let total = &mut sums[ky * columns + kx];
                        let all = simd.add(load(simd, &total.0), simd.add(sum[0], sum[1]));
                        store(simd, all, &mut total.0);
                    }
                }
            }
        }
        sums
    }
}
