//! Convolution with a fused epilogue: bias, residual and activation.
//!
//! A kernel is built once per layer: it validates the geometry, chooses a method and packs the weights for it; a run only
//! computes. Methods are the variants of one private enum: a method for another instruction set or algorithm (Winograd) is
//! one more variant, chosen in [`Conv2dKernel::new`], and the tests run every method against the same naive reference.

mod depthwise;
mod gather;
mod tiled;

use crate::tile::MR;
use crate::{Activation, Conv2d, Error, Result, Shape, check};

/// A convolution of fixed geometry, input size and weights (PyTorch's `Conv2d`, zero padding):
/// `out = activation(conv(x) + bias + residual)`.
///
/// ```
/// use madenet_kernels::{Activation, Conv2d, Conv2dKernel, Shape};
///
/// // A 3x3 sum over a 3x3 picture of ones: the corner sees four pixels, the centre nine.
/// let input = Shape::new(1, 3, 3);
/// let kernel =
///     Conv2dKernel::new(Conv2d::new(3, 1, 1), input, 1, &[1.0; 9], Some(&[0.5]), Activation::Relu)?;
/// let mut out = [0.0; 9];
/// kernel.run(&[1.0; 9], None, &mut out)?;
/// assert_eq!(out, [4.5, 6.5, 4.5, 6.5, 9.5, 6.5, 4.5, 6.5, 4.5]);
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Conv2dKernel {
    layer: Layer,
    method: Method,
}

/// What every method needs to know.
#[derive(Clone, Debug)]
struct Layer {
    geometry: Conv2d,
    input: Shape,
    output: Shape,
    /// One value per output channel, zeros where the layer has none.
    bias: Vec<f32>,
    activation: Activation,
}

#[derive(Clone, Debug)]
enum Method {
    /// One input channel per group: there is nothing to share between the rows of a tile.
    Depthwise(depthwise::Depthwise),
    /// Everything else.
    Tiled(tiled::Tiled),
}

impl Layer {
    fn in_per_group(&self) -> usize {
        self.input.c / self.geometry.groups
    }

    fn out_per_group(&self) -> usize {
        self.output.c / self.geometry.groups
    }

    fn taps(&self) -> usize {
        self.geometry.kernel.0 * self.geometry.kernel.1
    }
}

impl Conv2dKernel {
    /// Prepares the convolution of samples of shape `input` to `out_channels` channels.
    ///
    /// `weight` is `[out_channels, input.c / groups, kernel height, kernel width]`, `bias` one value per output channel.
    ///
    /// # Errors
    ///
    /// [`Error::Geometry`] if the input is empty, no window fits on it, or the channels do not split into the groups;
    /// [`Error::Length`] if `weight` or `bias` has another length.
    pub fn new(
        geometry: Conv2d,
        input: Shape,
        out_channels: usize,
        weight: &[f32],
        bias: Option<&[f32]>,
        activation: Activation,
    ) -> Result<Self> {
        let output = output_shape(&geometry, input, out_channels, weight, bias)?;
        let bias = bias.map_or_else(|| vec![0.0; out_channels], <[f32]>::to_vec);
        let layer = Layer { geometry, input, output, bias, activation };
        let method = if layer.in_per_group() == 1 && layer.out_per_group() < MR {
            Method::Depthwise(depthwise::Depthwise::new(weight))
        } else {
            Method::Tiled(tiled::Tiled::new(&layer, weight))
        };
        Ok(Conv2dKernel { layer, method })
    }

    /// The shape of an output sample.
    #[must_use]
    pub fn output(&self) -> Shape {
        self.layer.output
    }

    /// `out = activation(conv(x) + bias + residual)` for a batch of any size; `residual` is as long as `out`.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `x` is no whole number of samples, or `residual` or `out` is not as many samples.
    pub fn run(&self, x: &[f32], residual: Option<&[f32]>, out: &mut [f32]) -> Result<()> {
        let batch = check::batch("conv2d: x", self.layer.input.len(), x.len())?;
        let expected = check::product("conv2d: out", &[batch, self.layer.output.len()])?;
        check::length("conv2d: out", expected, out.len())?;
        if let Some(residual) = residual {
            check::length("conv2d: residual", expected, residual.len())?;
        }
        if batch == 0 {
            return Ok(());
        }
        match &self.method {
            Method::Depthwise(depthwise) => depthwise.run(&self.layer, x, residual, out),
            Method::Tiled(tiled) => tiled.run(&self.layer, x, residual, out),
        }
        Ok(())
    }
}

/// The shape of the output, once geometry and weights are checked.
pub(crate) fn output_shape(
    geometry: &Conv2d,
    input: Shape,
    out_channels: usize,
    weight: &[f32],
    bias: Option<&[f32]>,
) -> Result<Shape> {
    let (output, weights) = sizes(geometry, input, out_channels)?;
    check::length("conv2d: weight", weights, weight.len())?;
    if let Some(bias) = bias {
        check::length("conv2d: bias", out_channels, bias.len())?;
    }
    Ok(output)
}

/// The shape of the output and the number of weights, once the geometry is checked.
pub(crate) fn sizes(geometry: &Conv2d, input: Shape, out_channels: usize) -> Result<(Shape, usize)> {
    const WHAT: &str = "conv2d";
    let Conv2d { kernel, stride, padding, dilation, groups } = *geometry;
    let pads = [padding.top, padding.left, padding.bottom, padding.right];
    check::shape(WHAT, input)?;
    check::sides(WHAT, &pads)?;
    check::sides(WHAT, &[kernel.0, kernel.1, stride, dilation])?;
    check::grouped(WHAT, "input", input.c, groups)?;
    check::grouped(WHAT, "output", out_channels, groups)?;
    let Some((h, w)) = geometry.output((input.h, input.w)) else {
        let reason = format!("no window fits: input {input}, {geometry:?}");
        return Err(Error::Geometry { what: WHAT, reason });
    };
    let output = Shape::new(out_channels, h, w);
    check::shape(WHAT, output)?;
    let weights = [out_channels, input.c / groups, kernel.0, kernel.1];
    Ok((output, check::product("conv2d: weight", &weights)?))
}
