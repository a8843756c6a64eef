//! Dense convolution of blocked tensors with a fused epilogue: bias, residual and activation.

mod direct;
mod filters;
mod input_gradient;
mod method;
mod phase;
mod planar;
mod tile;
mod transform;
mod transposed;
mod weight_gradient;
mod weights;
mod winograd;

use super::tensor::{Source, Target};
use super::{Block, Blocked, BlockedMut, LANES};
use crate::simd::Isa;
use crate::{Activation, Conv2d, Error, Padding, Result, Shape, check};
use direct::Direct;
pub use input_gradient::Conv2dInputGradient;
pub use method::{ConvMethod, MethodCost, Tuning, WeightSource};
pub use planar::PlanarConv2dKernel;
pub use transposed::ConvTranspose2dKernel;
pub use weight_gradient::Conv2dWeightGradient;
use weights::{Order, Weights};
use winograd::Winograd;

/// Multiply-adds in the time that streaming over one value takes, roughly: what [`units::share`](crate::units::share) weighs.
const MACS_PER_VALUE: usize = 32;

/// Weights whose packed bytes cannot overflow: 16 times as many where lanes stay empty, 4 times where they are transformed.
const MOST_WEIGHTS: usize = isize::MAX as usize / (4 * LANES * size_of::<f32>());

const WHAT: &str = "blocked conv2d";

/// A convolution of one group with fixed geometry, input size and weights (PyTorch's `Conv2d`, zero padding):
/// `out = activation(conv(x) + bias + residual)`.
///
/// ```
/// use madenet_kernels::blocked::{Block, Blocked, BlockedMut, Conv2dKernel, Layout, Tuning, pack, unpack};
/// use madenet_kernels::{Activation, Conv2d, Isa, Shape};
///
/// // A 3x3 sum over a 3x3 picture of ones: the corner sees four pixels, the centre nine.
/// let shape = Shape::new(1, 3, 3);
/// let kernel =
///     Conv2dKernel::new(Tuning::default(), Conv2d::new(3, 1, 1), shape, 1, &[1.0; 9], Some(&[0.5]), Activation::Relu)?;
/// // Windows reach one pixel over every edge, where the input has to have zeros.
/// let layout = Layout { shape, border: kernel.border() };
/// let mut x = vec![Block::ZERO; layout.len(1)];
/// pack(Isa::best(), &[1.0; 9], BlockedMut::new(layout, 1, &mut x)?)?;
///
/// let mut y = vec![Block::ZERO; Layout::new(shape).len(1)];
/// let out = BlockedMut::new(Layout::new(shape), 1, &mut y)?;
/// let mut scratch = vec![Block::ZERO; kernel.scratch(1, 1)];
/// kernel.run(Blocked::new(layout, 1, &x)?, None, out, &mut scratch)?;
/// let mut planar = [0.0; 9];
/// unpack(Isa::best(), Blocked::new(Layout::new(shape), 1, &y)?, &mut planar)?;
/// let expected = [4.5, 6.5, 4.5, 6.5, 9.5, 6.5, 4.5, 6.5, 4.5];
/// assert!(planar.iter().zip(expected).all(|(a, b): (&f32, f32)| (a - b).abs() < 1e-5));
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Conv2dKernel {
    isa: Isa,
    layer: Layer,
    method: Method,
}

/// What every method needs to know.
#[derive(Clone, Debug)]
struct Layer {
    geometry: Conv2d,
    input: Shape,
    output: Shape,
    bias: Vec<Block>,
    activation: Activation,
}

#[derive(Clone, Debug)]
enum Method {
    Direct(Direct),
    Winograd(Winograd),
}

/// The tensors of a run.
struct Operands<'a> {
    batch: usize,
    /// How many threads there is scratch memory for.
    threads: usize,
    x: Source,
    x_border: Padding,
    residual: Option<Source>,
    residual_border: Padding,
    out: Target<'a>,
}

impl Operands<'_> {
    /// Whether all pixels of a channel block are one run in all tensors.
    fn is_one_run(&self) -> bool {
        self.x_border.is_zero() && self.residual_border.is_zero() && self.out.layout().border.is_zero()
    }
}

impl Layer {
    fn taps(&self) -> usize {
        self.geometry.kernel.0 * self.geometry.kernel.1
    }

    /// Whether an output pixel sees the input pixel in its own place only.
    fn is_pointwise(&self) -> bool {
        self.taps() == 1 && self.geometry.stride == 1 && self.geometry.padding.is_zero()
    }

    /// Whether Winograd's transforms fit.
    fn is_3x3(&self) -> bool {
        let Conv2d { kernel, stride, dilation, .. } = self.geometry;
        kernel == (3, 3) && stride == 1 && dilation == 1
    }

    /// Weights and bias of this layer, once their lengths are checked.
    fn weights<'a>(&self, weight: &'a [f32], bias: Option<&[f32]>, order: Order) -> Result<Weights<'a>> {
        let (inputs, outputs, taps) = (self.input.c, self.output.c, self.taps());
        check::length("conv2d: weight", inputs * outputs * taps, weight.len())?;
        if let Some(bias) = bias {
            check::length("conv2d: bias", outputs, bias.len())?;
        }
        Ok(Weights { values: weight, outputs, inputs, taps, order })
    }

    /// The input of the first output pixel's first tap, in the border where there is padding.
    fn first_tap(&self, x: &Source) -> *const f32 {
        let Padding { top, left, .. } = self.geometry.padding;
        x.start.wrapping_sub(top * x.row + left * LANES)
    }
}

impl Conv2dKernel {
    /// Prepares the convolution of samples of shape `input` to `out_channels` channels.
    ///
    /// `weight` is `[out_channels, input.c, kernel height, kernel width]`, `bias` one value per output channel.
    ///
    /// # Errors
    /// [`Error::Geometry`](crate::Error::Geometry) if the input is empty, no window fits on it, or there is more than one group;
    /// [`Error::Length`](crate::Error::Length) if `weight` or `bias` has another length.
    pub fn new(
        tuning: Tuning,
        geometry: Conv2d,
        input: Shape,
        out_channels: usize,
        weight: &[f32],
        bias: Option<&[f32]>,
        activation: Activation,
    ) -> Result<Self> {
        if geometry.groups != 1 {
            return Err(check::geometry(WHAT, format!("one group is needed, there are {}", geometry.groups)));
        }
        // Before there is memory for them.
        crate::conv2d::output_shape(&geometry, input, out_channels, weight, bias)?;
        let mut kernel = Self::unset(tuning, geometry, input, out_channels, activation)?;
        kernel.set_weights(weight, bias)?;
        Ok(kernel)
    }

    /// As [`new`](Self::new), with weights that are all 0.
    fn unset(
        tuning: Tuning,
        geometry: Conv2d,
        input: Shape,
        out_channels: usize,
        activation: Activation,
    ) -> Result<Self> {
        let (output, weights) = crate::conv2d::sizes(&geometry, input, out_channels)?;
        if weights > MOST_WEIGHTS {
            return Err(check::geometry(WHAT, format!("{weights} weights are above {MOST_WEIGHTS}")));
        }
        let layer = Layer { geometry, input, output, bias: filters::no_bias(out_channels), activation };
        let method = match method::choose(&tuning, &layer) {
            ConvMethod::Direct => Method::Direct(Direct::new(tuning.isa, &layer)),
            winograd => Method::Winograd(Winograd::new(tuning.isa, &layer, winograd.outputs())),
        };
        Ok(Conv2dKernel { isa: tuning.isa, layer, method })
    }

    /// Takes other weights and bias, as [`new`](Self::new) does, without allocating: what a step of training does. Threads share
    /// the work.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length) if `weight` or `bias` has another length than before.
    pub fn set_weights(&mut self, weight: &[f32], bias: Option<&[f32]>) -> Result<()> {
        let weights = self.layer.weights(weight, bias, Order::OutputsFirst)?;
        self.set(&weights);
        filters::set_bias(&mut self.layer.bias, bias);
        Ok(())
    }

    fn set(&mut self, weights: &Weights<'_>) {
        match &mut self.method {
            Method::Direct(direct) => direct.set_weights(self.isa, weights),
            Method::Winograd(winograd) => winograd.set_weights(self.isa, weights),
        }
    }

    /// What the methods that fit a layer cost, the definition first; none where [`new`](Self::new) takes no weights.
    #[must_use]
    pub fn costs(geometry: Conv2d, input: Shape, out_channels: usize) -> Vec<MethodCost> {
        match crate::conv2d::sizes(&geometry, input, out_channels) {
            Ok((output, weights)) if geometry.groups == 1 && weights <= MOST_WEIGHTS => {
                let (bias, activation) = (Vec::new(), Activation::Identity);
                method::costs(&Layer { geometry, input, output, bias, activation })
            }
            _ => Vec::new(),
        }
    }

    /// The shape of an input sample.
    #[must_use]
    pub fn input(&self) -> Shape {
        self.layer.input
    }

    /// The shape of an output sample.
    #[must_use]
    pub fn output(&self) -> Shape {
        self.layer.output
    }

    /// The border of zeros that an input must store at least.
    #[must_use]
    pub fn border(&self) -> Padding {
        match &self.method {
            Method::Direct(_) => {
                super::window_border(&self.layer.geometry, self.layer.input, self.layer.output)
            }
            Method::Winograd(winograd) => winograd.border(&self.layer),
        }
    }

    /// Bytes of the packed weights.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match &self.method {
            Method::Direct(direct) => direct.bytes(),
            Method::Winograd(winograd) => winograd.bytes(),
        }
    }

    /// The method chosen.
    #[must_use]
    pub fn method(&self) -> ConvMethod {
        match &self.method {
            Method::Direct(_) => ConvMethod::Direct,
            Method::Winograd(winograd) => winograd.method(),
        }
    }

    /// Blocks of scratch memory for a run of `batch` samples on `threads` threads.
    #[must_use]
    pub fn scratch(&self, batch: usize, threads: usize) -> usize {
        match &self.method {
            Method::Direct(_) => 0,
            Method::Winograd(winograd) => winograd.scratch(&self.layer, batch, threads),
        }
    }

    /// `out = activation(conv(x) + bias + residual)` for a batch of any size, on as many threads of rayon's ambient pool as
    /// `scratch` serves.
    ///
    /// # Errors
    /// [`Error::Geometry`](crate::Error::Geometry) if a tensor has another shape or batch, or `x` less of a border than
    /// [`border`](Self::border); [`Error::Length`](crate::Error::Length) if `scratch` does not serve one thread.
    pub fn run(
        &self,
        x: Blocked<'_>,
        residual: Option<Blocked<'_>>,
        mut out: BlockedMut<'_>,
        scratch: &mut [Block],
    ) -> Result<()> {
        let batch = x.batch();
        x.expect("blocked conv2d: x", self.layer.input, self.border(), batch)?;
        out.expect("blocked conv2d: out", self.layer.output, batch)?;
        if let Some(residual) = residual {
            residual.expect("blocked conv2d: residual", self.layer.output, Padding::default(), batch)?;
        }
        if batch == 0 {
            return Ok(());
        }
        let threads =
            (1..=rayon::current_num_threads()).rev().find(|&n| self.scratch(batch, n) <= scratch.len());
        let Some(threads) = threads else {
            let expected = self.scratch(batch, 1);
            return Err(Error::Length { what: "blocked conv2d: scratch", expected, got: scratch.len() });
        };
        let operands = Operands {
            batch,
            threads,
            x: x.source(),
            x_border: x.layout().border,
            residual: residual.map(|residual| residual.source()),
            residual_border: residual.map_or(Padding::default(), |residual| residual.layout().border),
            out: out.target(),
        };
        match &self.method {
            Method::Direct(direct) => direct.run(self.isa, &self.layer, &operands),
            Method::Winograd(winograd) => winograd.run(self.isa, &self.layer, &operands, scratch),
        }
        Ok(())
    }
}
