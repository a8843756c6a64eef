//! Transposed convolution with a fused bias and activation.
//!
//! Every input pixel spreads its channels over a window of the output: for a tile of input pixels one matrix product gives
//! the values of all (output channel, tap) pairs, and these are added where they belong. Input pixels are read as they lie;
//! a unit of work owns its output channels, so adding needs no locks and its order is fixed.

use crate::tile::{self, KC, MR, NR, Packed, Panel};
use crate::units::{self, MIN_MACS};
use crate::{Activation, ConvTranspose2d, Error, Result, Shape, check};

/// Output channels of a unit of work at most; at least [`MR`], so that units begin at a tile of weight rows.
const CHANNELS: usize = 32;

/// A transposed convolution of fixed geometry, input size and weights (PyTorch's `ConvTranspose2d`):
/// `out = activation(conv_transpose(x) + bias)`.
///
/// ```
/// use madenet_kernels::{Activation, ConvTranspose2d, ConvTranspose2dKernel, Shape};
///
/// // A 2x2 kernel with stride 2 puts a scaled copy of itself where each pixel was.
/// let (geometry, input) = (ConvTranspose2d::new(2, 2, 0), Shape::new(1, 1, 2));
/// let kernel =
///     ConvTranspose2dKernel::new(geometry, input, 1, &[1.0, 2.0, 3.0, 4.0], None, Activation::Identity)?;
/// let mut out = [0.0; 8];
/// kernel.run(&[1.0, 10.0], &mut out)?;
/// assert_eq!(out, [1.0, 2.0, 10.0, 20.0, 3.0, 4.0, 30.0, 40.0]);
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ConvTranspose2dKernel {
    geometry: ConvTranspose2d,
    input: Shape,
    output: Shape,
    /// One value per output channel, zeros where the layer has none.
    bias: Vec<f32>,
    activation: Activation,
    /// Per group: rows (output channel, tap), depth the input channels.
    weights: Vec<Packed>,
}

impl ConvTranspose2dKernel {
    /// Prepares the transposed convolution of samples of shape `input` to `out_channels` channels.
    ///
    /// `weight` is `[input.c, out_channels / groups, kernel height, kernel width]`, `bias` one value per output channel.
    ///
    /// # Errors
    ///
    /// [`Error::Geometry`] if the input or the output is empty, the output padding reaches the stride and the dilation, or
    /// the channels do not split into the groups; [`Error::Length`] if `weight` or `bias` has another length.
    pub fn new(
        geometry: ConvTranspose2d,
        input: Shape,
        out_channels: usize,
        weight: &[f32],
        bias: Option<&[f32]>,
        activation: Activation,
    ) -> Result<Self> {
        const WEIGHT: &str = "conv_transpose2d: weight";
        let output = output_shape(&geometry, input, out_channels)?;
        let (kernel, depth) = (geometry.kernel, input.c / geometry.groups);
        let sizes = [input.c, out_channels / geometry.groups, kernel.0, kernel.1];
        check::length(WEIGHT, check::product(WEIGHT, &sizes)?, weight.len())?;
        if let Some(bias) = bias {
            check::length("conv_transpose2d: bias", out_channels, bias.len())?;
        }
        let rows = weight.len() / input.c;
        let weights = weight
            .chunks_exact(depth * rows)
            .map(|weight| Packed::new(rows, depth, |row, k| weight[k * rows + row]))
            .collect();
        let bias = bias.map_or_else(|| vec![0.0; out_channels], <[f32]>::to_vec);
        Ok(ConvTranspose2dKernel { geometry, input, output, bias, activation, weights })
    }

    /// The shape of an output sample.
    #[must_use]
    pub fn output(&self) -> Shape {
        self.output
    }

    /// `out = activation(conv_transpose(x) + bias)` for a batch of any size.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `x` is no whole number of samples, or `out` is not as many samples.
    pub fn run(&self, x: &[f32], out: &mut [f32]) -> Result<()> {
        let batch = check::batch("conv_transpose2d: x", self.input.len(), x.len())?;
        let expected = check::product("conv_transpose2d: out", &[batch, self.output.len()])?;
        check::length("conv_transpose2d: out", expected, out.len())?;
        if batch == 0 {
            return Ok(());
        }
        let (groups, plane) = (self.geometry.groups, self.output.plane());
        let (channels, inputs) = (self.output.c / groups, self.input.len() / groups);
        let taps = self.geometry.kernel.0 * self.geometry.kernel.1;
        let channel_macs = taps * inputs;
        let chunk = channels_per_unit(channels, batch * groups, channel_macs);
        units::for_each(
            out,
            channels * plane,
            units::items(MIN_MACS, channels * channel_macs),
            |index, out| {
                let (x, group) = (&x[index * inputs..][..inputs], index % groups);
                units::for_each(
                    out,
                    chunk * plane,
                    units::items(MIN_MACS, chunk * channel_macs),
                    |part, out| {
                        let first = group * channels + part * chunk;
                        for (out, &bias) in out.chunks_mut(plane).zip(&self.bias[first..]) {
                            out.fill(bias);
                        }
                        self.add_products(&self.weights[group], part * chunk * taps / MR, x, out);
                        self.activation.apply_to(out);
                    },
                );
            },
        );
        Ok(())
    }

    /// Adds the transposed convolution of the group's input planes `x` to the output planes whose weight rows begin with the
    /// tile `first_tile`.
    fn add_products(&self, weights: &Packed, first_tile: usize, x: &[f32], out: &mut [f32]) {
        let (plane, width) = (self.input.plane(), self.input.w);
        let rows = out.len() / self.output.plane() * self.geometry.kernel.0 * self.geometry.kernel.1;
        let mut panel: Panel = [[0.0; NR]; KC];
        // Tiles end with their row, so that a tap adds a tile to one row of the output.
        for (y, first) in (0..self.input.h).flat_map(|y| (0..width).step_by(NR).map(move |first| (y, first)))
        {
            let live = NR.min(width - first);
            for (block, x) in x.chunks(KC * plane).enumerate() {
                for (row, x) in panel.iter_mut().zip(x.chunks_exact(plane)) {
                    row[..live].copy_from_slice(&x[y * width + first..][..live]);
                }
                let depth = x.len() / plane;
                for tile in 0..rows.div_ceil(MR) {
                    let weights = &weights.block(first_tile + tile)[block * KC..][..depth];
                    let sums = tile::multiply(weights, &panel[..depth], live);
                    for (row, values) in (tile * MR..rows).zip(&sums) {
                        self.scatter(row, (y, first), &values[..live], out);
                    }
                }
            }
        }
    }

    /// Adds the values that the weight row (output channel, tap) gives for input pixels from (row, column) `at` on, where
    /// they lie on the output.
    fn scatter(&self, row: usize, at: (usize, usize), values: &[f32], out: &mut [f32]) {
        let ConvTranspose2d { kernel, stride, padding, dilation, .. } = self.geometry;
        let (channel, tap) = (row / (kernel.0 * kernel.1), row % (kernel.0 * kernel.1));
        // Above or left of the output wraps to a huge number, which is not below the size either.
        let y = (at.0 * stride + tap / kernel.1 * dilation).wrapping_sub(padding.top);
        if y >= self.output.h {
            return;
        }
        let out = &mut out[(channel * self.output.h + y) * self.output.w..][..self.output.w];
        let left = at.1 * stride + tap % kernel.1 * dilation;
        for (offset, value) in values.iter().enumerate() {
            if let Some(out) = out.get_mut((left + offset * stride).wrapping_sub(padding.left)) {
                *out += value;
            }
        }
    }
}

/// Large units share a gathered panel, small ones keep all threads busy. Always a multiple of [`MR`].
fn channels_per_unit(channels: usize, planes: usize, channel_macs: usize) -> usize {
    let units = 2 * rayon::current_num_threads();
    let mut chunk = channels.min(CHANNELS).next_multiple_of(MR);
    while chunk > MR && planes * channels.div_ceil(chunk) < units && chunk / 2 * channel_macs >= MIN_MACS {
        chunk = (chunk / 2).next_multiple_of(MR);
    }
    chunk
}

/// The shape of the output, once the geometry is checked.
pub(crate) fn output_shape(geometry: &ConvTranspose2d, input: Shape, out_channels: usize) -> Result<Shape> {
    const WHAT: &str = "conv_transpose2d";
    let ConvTranspose2d { kernel, stride, padding, output_padding, dilation, groups } = *geometry;
    check::shape(WHAT, input)?;
    check::sides(WHAT, &[kernel.0, kernel.1, stride, dilation, output_padding.0, output_padding.1])?;
    check::sides(WHAT, &[padding.top, padding.left, padding.bottom, padding.right])?;
    check::grouped(WHAT, "input", input.c, groups)?;
    check::grouped(WHAT, "output", out_channels, groups)?;
    let Some((h, w)) = geometry.output((input.h, input.w)) else {
        let reason = format!("there is no output: input {input}, {geometry:?}");
        return Err(Error::Geometry { what: WHAT, reason });
    };
    let output = Shape::new(out_channels, h, w);
    check::shape(WHAT, output)?;
    Ok(output)
}
