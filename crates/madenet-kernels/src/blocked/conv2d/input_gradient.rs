//! The gradient of a dense convolution with respect to its input: itself a convolution of the output's gradient.

use super::weights::{Order, Weights};
use super::{Conv2dKernel, ConvTranspose2dKernel, Tuning};
use crate::blocked::{Block, Blocked, BlockedMut};
use crate::simd::Isa;
use crate::{Activation, Conv2d, ConvTranspose2d, Padding, Result, Shape, check};

const WHAT: &str = "conv2d input gradient";

/// The gradient with respect to the input of a convolution of one group (PyTorch's `Conv2d`) with fixed geometry and input size.
///
/// With a stride of 1 it is a convolution with the flipped filters, by the fast methods of those; with a larger one, a transposed
/// convolution.
///
/// ```
/// use madenet_kernels::blocked::{Block, Blocked, BlockedMut, Conv2dInputGradient, Layout, pack};
/// use madenet_kernels::{Conv2d, Isa, Shape};
///
/// // A weight of 3 multiplied the pixels: their gradients are three times those of the outputs.
/// let layout = Layout::new(Shape::new(1, 1, 2));
/// let mut kernel = Conv2dInputGradient::new(Isa::best(), Conv2d::new(1, 1, 0), layout.shape, 1, 1)?;
/// kernel.set_weights(&[3.0])?;
/// let (mut dy, mut dx) = ([Block::ZERO; 2], [Block::ZERO; 2]);
/// pack(Isa::best(), &[1.0, 10.0], BlockedMut::new(layout, 1, &mut dy)?)?;
/// kernel.run(Blocked::new(layout, 1, &dy)?, None, BlockedMut::new(layout, 1, &mut dx)?, &mut [])?;
/// assert_eq!(dx.map(|pixel| pixel.0[0]), [3.0, 30.0]);
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Conv2dInputGradient {
    input: Shape,
    output: Shape,
    method: Method,
}

#[derive(Clone, Debug)]
enum Method {
    Conv2d(Conv2dKernel),
    ConvTranspose2d(ConvTranspose2dKernel),
}

impl Conv2dInputGradient {
    /// For samples of shape `input` that are convolved to `out_channels` channels; weights are 0 until
    /// [`set_weights`](Self::set_weights). The method is the fastest for batches of `batch` samples with new weights for each.
    ///
    /// # Errors
    /// [`Error::Geometry`](crate::Error::Geometry) if the input is empty, no window fits on it, there is more than one group, stride and
    /// dilation are both above 1, or, with a stride of 1, the padding is larger than a window less one pixel.
    pub fn new(isa: Isa, geometry: Conv2d, input: Shape, out_channels: usize, batch: usize) -> Result<Self> {
        let Conv2d { kernel, stride, padding, dilation, groups } = geometry;
        if groups != 1 {
            return Err(check::geometry(WHAT, format!("one group is needed, there are {groups}")));
        }
        let (output, _) = crate::conv2d::sizes(&geometry, input, out_channels)?;
        let method = if stride == 1 {
            let turned = turned(&geometry).ok_or_else(|| {
                check::geometry(WHAT, format!("the padding is larger than the window: {geometry:?}"))
            })?;
            let tuning = Tuning::training(isa, turned, output, input.c, batch);
            Method::Conv2d(Conv2dKernel::unset(tuning, turned, output, input.c, Activation::Identity)?)
        } else {
            // What the last window does not reach is at the end.
            let rest = |inputs: usize, before: usize, after: usize, kernel: usize, outputs: usize| {
                (inputs + before + after).saturating_sub((outputs - 1) * stride + (kernel - 1) * dilation + 1)
            };
            let output_padding = (
                rest(input.h, padding.top, padding.bottom, kernel.0, output.h),
                rest(input.w, padding.left, padding.right, kernel.1, output.w),
            );
            let geometry = ConvTranspose2d { kernel, stride, padding, output_padding, dilation, groups };
            let identity = Activation::Identity;
            Method::ConvTranspose2d(ConvTranspose2dKernel::unset(isa, geometry, output, input.c, identity)?)
        };
        Ok(Conv2dInputGradient { input, output, method })
    }

    /// Takes the convolution's weights, `[out, in, kernel height, kernel width]`.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length) if there are more or fewer.
    pub fn set_weights(&mut self, weight: &[f32]) -> Result<()> {
        match &mut self.method {
            Method::Conv2d(kernel) => {
                let weights: Weights<'_> = kernel.layer.weights(weight, None, Order::Flipped)?;
                kernel.set(&weights);
                Ok(())
            }
            Method::ConvTranspose2d(kernel) => kernel.set_weights(weight, None),
        }
    }

    /// The shape of an input sample of the convolution, and so of its gradient.
    #[must_use]
    pub fn input(&self) -> Shape {
        self.input
    }

    /// The shape of an output sample of the convolution.
    #[must_use]
    pub fn output(&self) -> Shape {
        self.output
    }

    /// The border of zeros that the output's gradient must store at least.
    #[must_use]
    pub fn border(&self) -> Padding {
        match &self.method {
            Method::Conv2d(kernel) => kernel.border(),
            Method::ConvTranspose2d(kernel) => kernel.border(),
        }
    }

    /// Bytes of the packed weights.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match &self.method {
            Method::Conv2d(kernel) => kernel.bytes(),
            Method::ConvTranspose2d(kernel) => kernel.bytes(),
        }
    }

    /// Blocks of scratch memory for a run of `batch` samples on `threads` threads.
    #[must_use]
    pub fn scratch(&self, batch: usize, threads: usize) -> usize {
        match &self.method {
            Method::Conv2d(kernel) => kernel.scratch(batch, threads),
            Method::ConvTranspose2d(_) => 0,
        }
    }

    /// `dx = add` (0 without it: what other readers of the input gave) plus the gradient.
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
            Method::Conv2d(kernel) => kernel.run(dy, add, dx, scratch),
            Method::ConvTranspose2d(kernel) => kernel.run_with_residual(dy, add, dx),
        }
    }
}

/// The convolution with stride 1 that goes back: windows begin where the last ones that a pixel lies under end.
fn turned(geometry: &Conv2d) -> Option<Conv2d> {
    let Padding { top, left, bottom, right } = geometry.padding;
    let reach = |kernel: usize| (kernel - 1) * geometry.dilation;
    let (rows, columns) = (reach(geometry.kernel.0), reach(geometry.kernel.1));
    let padding = Padding {
        top: rows.checked_sub(top)?,
        left: columns.checked_sub(left)?,
        bottom: rows.checked_sub(bottom)?,
        right: columns.checked_sub(right)?,
    };
    Some(Conv2d { padding, ..*geometry })
}
