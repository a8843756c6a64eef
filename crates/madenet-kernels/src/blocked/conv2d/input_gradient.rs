//! The gradient of a convolution with respect to its input: a convolution with the same weights that reads its output's gradient.
//!
//! At stride 1 it is an ordinary one, with the filter turned around, its channels exchanged and what is missing of full
//! padding, so that every method of the forward pass serves it. At larger strides it is a transposed convolution. Both pack the
//! forward pass's weights as they lie in memory, without a copy of them in another order.

use super::weights::{Order, Weights};
use super::{Conv2dKernel, ConvMethod, ConvTranspose2dKernel, Tuning};
use crate::blocked::{Block, Blocked, BlockedMut};
use crate::simd::Isa;
use crate::{Activation, Conv2d, ConvTranspose2d, Padding, Result, Shape, check};

const WHAT: &str = "conv2d input gradient";

/// The gradient of a [`Conv2dKernel`]'s convolution with respect to its input: `dx = conv^T(dy) + add`.
///
/// ```
/// use madenet_kernels::blocked::{Block, Blocked, BlockedMut, Conv2dInputGradient, Layout, pack};
/// use madenet_kernels::{Conv2d, Isa, Shape};
///
/// // out[i] = 2 x[i - 1] + 3 x[i] + 5 x[i + 1] has the gradient dx[i] = 5 dy[i - 1] + 3 dy[i] + 2 dy[i + 1].
/// let shape = Shape::new(1, 1, 3);
/// let geometry = Conv2d { kernel: (1, 3), ..Conv2d::new(1, 1, 0) };
/// let geometry = Conv2d { padding: madenet_kernels::Padding { left: 1, right: 1, ..Default::default() }, ..geometry };
/// let mut gradient = Conv2dInputGradient::new(Isa::best(), geometry, shape, 1, 1)?;
/// gradient.set_weights(&[2.0, 3.0, 5.0])?;
///
/// let layout = Layout { shape, border: gradient.border() };
/// let mut dy = vec![Block::ZERO; layout.len(1)];
/// pack(Isa::best(), &[1.0, 10.0, 100.0], BlockedMut::new(layout, 1, &mut dy)?)?;
/// let mut dx = [Block::ZERO; 3];
/// let mut scratch = vec![Block::ZERO; gradient.scratch(1, 1)];
/// let out = BlockedMut::new(Layout::new(shape), 1, &mut dx)?;
/// gradient.run(Blocked::new(layout, 1, &dy)?, None, out, &mut scratch)?;
/// assert_eq!(dx.map(|pixel| pixel.0[0]), [23.0, 235.0, 350.0]);
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Conv2dInputGradient {
    input: Shape,
    output: Shape,
    taps: usize,
    method: Method,
}

#[derive(Clone, Debug)]
enum Method {
    Convolution(Conv2dKernel),
    Transposed(ConvTranspose2dKernel),
}

impl Conv2dInputGradient {
    /// Prepares the gradient of a convolution of samples of shape `input` to `out_channels` channels, with weights of 0 until
    /// [`set_weights`](Self::set_weights). `batch` guides the choice of a method only.
    ///
    /// # Errors
    /// [`Error::Geometry`](crate::Error::Geometry) if the input is empty, no window fits on it, there is more than one group, or
    /// there is dilation together with a stride or with padding by more than the kernel reaches.
    pub fn new(isa: Isa, geometry: Conv2d, input: Shape, out_channels: usize, batch: usize) -> Result<Self> {
        if geometry.groups != 1 {
            return Err(check::geometry(WHAT, format!("one group is needed, there are {}", geometry.groups)));
        }
        let (output, _) = crate::conv2d::sizes(&geometry, input, out_channels)?;
        let method = match (full_padding(&geometry), geometry.dilation) {
            (Some(geometry), _) => {
                let method = Some(ConvMethod::for_training(geometry, output, input.c, batch));
                let tuning = Tuning { isa, method };
                Method::Convolution(Conv2dKernel::unset(
                    tuning,
                    geometry,
                    output,
                    input.c,
                    Activation::Identity,
                )?)
            }
            (None, 1) => {
                let geometry = transposed(&geometry, input, output);
                Method::Transposed(ConvTranspose2dKernel::unset(
                    isa,
                    geometry,
                    output,
                    input.c,
                    Activation::Identity,
                )?)
            }
            _ => {
                let reason =
                    format!("dilation with a stride or with padding beyond the kernel: {geometry:?}");
                return Err(check::geometry(WHAT, reason));
            }
        };
        let (kh, kw) = geometry.kernel;
        Ok(Conv2dInputGradient { input, output, taps: kh * kw, method })
    }

    /// Takes the convolution's weights, `[out_channels, input.c, kernel height, kernel width]`, without allocating.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length) if there are other numbers of them.
    pub fn set_weights(&mut self, weight: &[f32]) -> Result<()> {
        let (inputs, outputs, taps) = (self.output.c, self.input.c, self.taps);
        check::length("conv2d input gradient: weight", inputs * outputs * taps, weight.len())?;
        let weights = |order| Weights { values: weight, outputs, inputs, taps, order };
        match &mut self.method {
            Method::Convolution(kernel) => kernel.set(&weights(Order::Flipped)),
            Method::Transposed(kernel) => kernel.set(&weights(Order::InputsFirst)),
        }
        Ok(())
    }

    /// The shape of a sample of `dx`: the convolution's input.
    #[must_use]
    pub fn input(&self) -> Shape {
        self.input
    }

    /// The shape of a sample of `dy`: the convolution's output.
    #[must_use]
    pub fn output(&self) -> Shape {
        self.output
    }

    /// The border of zeros that `dy` must store at least.
    #[must_use]
    pub fn border(&self) -> Padding {
        match &self.method {
            Method::Convolution(kernel) => kernel.border(),
            Method::Transposed(kernel) => kernel.border(),
        }
    }

    /// Bytes of the packed weights.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match &self.method {
            Method::Convolution(kernel) => kernel.bytes(),
            Method::Transposed(kernel) => kernel.bytes(),
        }
    }

    /// Blocks of scratch memory for a run of `batch` samples on `threads` threads.
    #[must_use]
    pub fn scratch(&self, batch: usize, threads: usize) -> usize {
        match &self.method {
            Method::Convolution(kernel) => kernel.scratch(batch, threads),
            Method::Transposed(_) => 0,
        }
    }

    /// `dx = conv^T(dy) + add` for a batch of any size; `add` is what other readers of the input have given already. Pixels
    /// that no window reaches get only that.
    ///
    /// # Errors
    /// [`Error::Geometry`](crate::Error::Geometry) if a tensor has another shape or batch, or `dy` less of a border than
    /// [`border`](Self::border); [`Error::Length`](crate::Error::Length) if `scratch` does not serve one thread.
    pub fn run(
        &self,
        dy: Blocked<'_>,
        add: Option<Blocked<'_>>,
        dx: BlockedMut<'_>,
        scratch: &mut [Block],
    ) -> Result<()> {
        match &self.method {
            Method::Convolution(kernel) => kernel.run(dy, add, dx, scratch),
            Method::Transposed(kernel) => kernel.run_with_residual(dy, add, dx),
        }
    }
}

/// The convolution that takes `dy` to `dx` where the stride is 1 and padding is at most what the kernel reaches.
fn full_padding(geometry: &Conv2d) -> Option<Conv2d> {
    let Conv2d { kernel: (kh, kw), stride, padding, dilation, .. } = *geometry;
    let (rows, columns) = ((kh - 1) * dilation, (kw - 1) * dilation);
    (stride == 1).then_some(())?;
    let padding = Padding {
        top: rows.checked_sub(padding.top)?,
        left: columns.checked_sub(padding.left)?,
        bottom: rows.checked_sub(padding.bottom)?,
        right: columns.checked_sub(padding.right)?,
    };
    Some(Conv2d { padding, ..*geometry })
}

/// The transposed convolution that takes `dy` to `dx`.
fn transposed(geometry: &Conv2d, input: Shape, output: Shape) -> ConvTranspose2d {
    let Conv2d { kernel, stride, padding, dilation, groups } = *geometry;
    // What the last window leaves out of the padded input.
    let rest = |inputs: usize, pads: usize, kernel: usize, outputs: usize| {
        inputs + pads - (outputs - 1) * stride - kernel
    };
    let output_padding = (
        rest(input.h, padding.top + padding.bottom, kernel.0, output.h),
        rest(input.w, padding.left + padding.right, kernel.1, output.w),
    );
    ConvTranspose2d { kernel, stride, padding, output_padding, dilation, groups }
}
