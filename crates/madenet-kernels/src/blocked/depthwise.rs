//! Depthwise convolution: every channel has a window of its own.

mod band;

use super::tensor::Target;
use super::{Block, Blocked, BlockedMut, LANES};
use crate::{Activation, Conv2d, Isa, Padding, Result, Shape, check, units};

/// A depthwise convolution of fixed geometry, input size and weights (PyTorch's `Conv2d` with as many groups as input and output
/// channels): `out = activation(conv(x) + bias)`.
///
/// ```
/// use madenet_kernels::{Activation, Conv2d, Isa, Shape};
/// use madenet_kernels::blocked::{Block, Blocked, BlockedMut, DepthwiseKernel, Layout, pack};
///
/// // A 3x3 sum over a 3x3 picture of ones: the corner sees four pixels, the centre nine.
/// let (geometry, input) = (Conv2d::new(3, 1, 1), Shape::new(1, 3, 3));
/// let kernel = DepthwiseKernel::new(Isa::best(), geometry, input, &[1.0; 9], Some(&[0.5]), Activation::Relu)?;
/// let layout = Layout { shape: input, border: kernel.border() };
/// let mut x = vec![Block::ZERO; layout.len(1)];
/// pack(Isa::best(), &[1.0; 9], BlockedMut::new(layout, 1, &mut x)?)?;
///
/// let (mut out, mut means) = ([Block::ZERO; 9], [Block::ZERO; 1]);
/// kernel.run_with_means(
///     Blocked::new(layout, 1, &x)?,
///     BlockedMut::new(Layout::new(kernel.output()), 1, &mut out)?,
///     BlockedMut::new(Layout::new(Shape::new(1, 1, 1)), 1, &mut means)?,
/// )?;
/// assert_eq!(out.map(|pixel| pixel.0[0]), [4.5, 6.5, 4.5, 6.5, 9.5, 6.5, 4.5, 6.5, 4.5]);
/// assert!((means[0].0[0] - 53.5 / 9.0).abs() < 1e-6);
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct DepthwiseKernel {
    isa: Isa,
    geometry: Conv2d,
    input: Shape,
    output: Shape,
    border: Padding,
    /// Of every block of channels, its taps.
    weights: Vec<Block>,
    /// Of every block of channels.
    bias: Vec<Block>,
    activation: Activation,
}

/// Refuses weights and bias of other lengths than the channels', and gives the taps of a channel.
fn check_lengths(geometry: &Conv2d, channels: usize, weight: &[f32], bias: Option<&[f32]>) -> Result<usize> {
    const WHAT: &str = "depthwise: weight";
    let taps = check::product(WHAT, &[geometry.kernel.0, geometry.kernel.1])?;
    check::length(WHAT, check::product(WHAT, &[channels, taps])?, weight.len())?;
    if let Some(bias) = bias {
        check::length("depthwise: bias", channels, bias.len())?;
    }
    Ok(taps)
}

impl DepthwiseKernel {
    /// Prepares the convolution of samples of shape `input`. The number of groups in `geometry` does not matter: it is the number
    /// of channels.
    ///
    /// `weight` is `[input.c, 1, kernel height, kernel width]`, `bias` one value per channel.
    ///
    /// # Errors
    ///
    /// [`Error::Geometry`](crate::Error::Geometry) if the input is empty or no window fits on it;
    /// [`Error::Length`](crate::Error::Length) if `weight` or `bias` has another length.
    pub fn new(
        isa: Isa,
        geometry: Conv2d,
        input: Shape,
        weight: &[f32],
        bias: Option<&[f32]>,
        activation: Activation,
    ) -> Result<Self> {
        let output = output_shape(&geometry, input)?;
        check_lengths(&geometry, input.c, weight, bias)?;
        // Spare lanes stay 0.
        let blocks = input.c.div_ceil(LANES);
        let weights = vec![Block::ZERO; blocks * geometry.kernel.0 * geometry.kernel.1];
        let (border, packed_bias) = (border(&geometry, input, output), vec![Block::ZERO; blocks]);
        let mut kernel =
            DepthwiseKernel { isa, geometry, input, output, border, weights, bias: packed_bias, activation };
        kernel.set_weights(weight, bias)?;
        Ok(kernel)
    }

    /// Takes other weights and bias, as [`new`](Self::new) does, without allocating.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length) if `weight` or `bias` has another length than before.
    pub fn set_weights(&mut self, weight: &[f32], bias: Option<&[f32]>) -> Result<()> {
        let taps = check_lengths(&self.geometry, self.input.c, weight, bias)?;
        for (channel, window) in weight.chunks_exact(taps).enumerate() {
            let blocks = &mut self.weights[channel / LANES * taps..];
            blocks.iter_mut().zip(window).for_each(|(block, weight)| block.0[channel % LANES] = *weight);
        }
        self.bias.fill(Block::ZERO);
        for (block, bias) in self.bias.iter_mut().zip(bias.unwrap_or_default().chunks(LANES)) {
            block.0[..bias.len()].copy_from_slice(bias);
        }
        Ok(())
    }

    /// The shape of an output sample.
    #[must_use]
    pub fn output(&self) -> Shape {
        self.output
    }

    /// The border of zeros that the input must store: what windows read outside of the planes.
    #[must_use]
    pub fn border(&self) -> Padding {
        self.border
    }

    /// `out = activation(conv(x) + bias)`.
    ///
    /// # Errors
    ///
    /// [`Error::Geometry`](crate::Error::Geometry) if `x` or `out` has another shape, `out` another batch than `x`, or `x` stores
    /// less of a border than [`border`](Self::border).
    pub fn run(&self, x: Blocked<'_>, mut out: BlockedMut<'_>) -> Result<()> {
        self.check(&x, &out)?;
        self.planes(x, out.target(), false, |_, _, _| {});
        Ok(())
    }

    /// As [`run`](Self::run), and writes the mean of every output channel to `means`, of one pixel for each channel: what
    /// squeeze-and-excitation asks for, without another pass over the map.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run), also for `means`.
    pub fn run_with_means(
        &self,
        x: Blocked<'_>,
        mut out: BlockedMut<'_>,
        mut means: BlockedMut<'_>,
    ) -> Result<()> {
        self.check(&x, &out)?;
        means.expect("depthwise: means", Shape::new(self.output.c, 1, 1), x.batch())?;
        let means = means.target();
        let share = 1.0 / self.output.plane() as f32;
        self.planes(x, out.target(), true, |block, sample, sum| {
            // SAFETY: the pixel of this block and sample, which no other plane writes.
            unsafe {
                means.clear_border(block, sample, 0..1);
                means.row(block, sample, 0).cast::<Block>().write(Block(sum.0.map(|sum| sum * share)));
            }
        });
        Ok(())
    }

    fn check(&self, x: &Blocked<'_>, out: &BlockedMut<'_>) -> Result<()> {
        x.expect("depthwise: x", self.input, self.border, x.batch())?;
        out.expect("depthwise: out", self.output, x.batch())
    }

    /// Computes all planes and calls `f(block, sample, sum)` for each, the sum only if it is `wanted`.
    fn planes(
        &self,
        x: Blocked<'_>,
        target: Target<'_>,
        wanted: bool,
        f: impl Fn(usize, usize, Block) + Sync,
    ) {
        let (batch, source) = (x.batch(), x.source());
        let planes = self.bias.len() * batch;
        let threads = rayon::current_num_threads();
        let split = threads > 1 && planes < 4 * threads;
        let cost = self.output.plane() * LANES * self.geometry.kernel.0 * self.geometry.kernel.1;
        units::share(planes, cost, |plane| {
            let part = band::Plane {
                kernel: self,
                source,
                target,
                block: plane / batch,
                sample: plane % batch,
                wanted,
            };
            f(part.block, part.sample, part.band(0..self.output.h, split));
        });
    }
}

/// What windows read outside of the planes.
fn border(geometry: &Conv2d, input: Shape, output: Shape) -> Padding {
    let Conv2d { kernel, stride, padding, dilation, .. } = *geometry;
    let after = |outputs: usize, taps: usize, before: usize, inputs: usize| {
        ((outputs - 1) * stride + (taps - 1) * dilation + 1).saturating_sub(before + inputs)
    };
    Padding {
        bottom: after(output.h, kernel.0, padding.top, input.h),
        right: after(output.w, kernel.1, padding.left, input.w),
        ..padding
    }
}

fn output_shape(geometry: &Conv2d, input: Shape) -> Result<Shape> {
    const WHAT: &str = "depthwise";
    let Conv2d { kernel, stride, padding, dilation, .. } = *geometry;
    check::shape(WHAT, input)?;
    check::sides(WHAT, &[padding.top, padding.left, padding.bottom, padding.right])?;
    check::sides(WHAT, &[kernel.0, kernel.1, stride, dilation])?;
    let Some((h, w)) = geometry.output((input.h, input.w)) else {
        return Err(check::geometry(WHAT, format!("no window fits: input {input}, {geometry:?}")));
    };
    let output = Shape { h, w, ..input };
    check::shape(WHAT, output)?;
    Ok(output)
}
