//! What a job computes: a kernel with its weights.

use std::fmt;

use madenet_kernels::blocked::{
    self, Block, Blocked, BlockedMut, DepthwiseKernel, LANES, PlanarConv2dKernel, ScaleShiftKernel, Tuning,
};
use madenet_kernels::{
    self as kernels, Activation, Conv2dKernel, ConvTranspose2dKernel, Interpolation, Isa, Padding, Pool2d,
    Shape,
};

use super::few::with_few;
use super::fuse::Fused;
use super::lower::{Form, input_shape, is_depthwise};
use super::weights::Weights;
use crate::net::{BatchNorm, Net, Op};

/// Channels up to which a convolution reads planar input: with more, blocks waste few lanes.
const MOST_PLANAR: usize = LANES - 1;

/// A kernel; those that have a choice of layout say so in their name.
#[derive(Clone, Debug)]
pub(super) enum Kernel {
    Pack(Isa),
    Unpack(Isa),
    Conv2d {
        kernel: blocked::Conv2dKernel,
        residual: bool,
    },
    /// Planar to blocked.
    Stem(PlanarConv2dKernel),
    Depthwise(DepthwiseKernel),
    ConvTranspose2d(blocked::ConvTranspose2dKernel),
    PlanarConv2d(Conv2dKernel),
    PlanarConvTranspose2d(ConvTranspose2dKernel),
    ScaleShift(ScaleShiftKernel),
    Activation(Isa, Activation),
    Add(Isa, Activation),
    Multiply(Isa),
    ConcatChannels(Isa),
    ConcatBatch,
    MaxPool2d(Isa, Pool2d),
    AvgPool2d {
        isa: Isa,
        geometry: Pool2d,
        count_include_pad: bool,
    },
    GlobalAvgPool(Isa),
    Interpolate {
        isa: Isa,
        mode: Interpolation,
        residual: bool,
        activation: Activation,
    },
    PlanarUnfold {
        kernel: usize,
        input: Shape,
    },
    PlanarPoolChannels {
        input: Shape,
        channels: usize,
    },
}

/// What a job reads.
#[derive(Clone, Copy)]
pub(super) enum Arg<'a> {
    Planar(&'a [f32]),
    Blocked(Blocked<'a>),
}

/// What a job writes.
pub(super) enum Out<'a> {
    Planar(&'a mut [f32]),
    Blocked(BlockedMut<'a>),
}

impl Kernel {
    /// The kernel of a fused step; `reads_planar` says that its first argument has no blocked form yet.
    pub(super) fn new(
        net: &Net,
        weights: &mut Weights<'_>,
        tuning: Tuning,
        fused: &Fused,
        reads_planar: bool,
    ) -> kernels::Result<Self> {
        let node = &net.nodes()[fused.head];
        let input = input_shape(net, fused.head);
        let (isa, activation) = (tuning.isa, fused.activation);
        Ok(match node.op {
            Op::Conv2d { geometry, weight, bias } => {
                let (scale, shift) = fold(fused, node.shape.c, weights, bias);
                let mut weight = weights.take(weight).into_owned();
                let filter = weight.len() / node.shape.c;
                for (filter, scale) in weight.chunks_exact_mut(filter).zip(scale) {
                    filter.iter_mut().for_each(|w| *w *= scale);
                }
                let (out, bias) = (node.shape.c, Some(&shift[..]));
                if is_depthwise(net, fused.head) {
                    Kernel::Depthwise(DepthwiseKernel::new(isa, geometry, input, &weight, bias, activation)?)
                } else if geometry.groups > 1 {
                    Kernel::PlanarConv2d(Conv2dKernel::new(geometry, input, out, &weight, bias, activation)?)
                } else if reads_planar && input.c <= MOST_PLANAR && !fused.residual {
                    let kernel =
                        PlanarConv2dKernel::new(tuning, geometry, input, out, &weight, bias, activation)?;
                    Kernel::Stem(kernel)
                } else {
                    let kernel =
                        blocked::Conv2dKernel::new(tuning, geometry, input, out, &weight, bias, activation)?;
                    Kernel::Conv2d { kernel, residual: fused.residual }
                }
            }
            Op::ConvTranspose2d { geometry, weight, bias } => {
                let (scale, shift) = fold(fused, node.shape.c, weights, bias);
                let mut weight = weights.take(weight).into_owned();
                // [in, out / groups, kh, kw]: the filters of input channel i belong to the outputs of i's group.
                let (in_group, out_group) = (input.c / geometry.groups, node.shape.c / geometry.groups);
                let taps = geometry.kernel.0 * geometry.kernel.1;
                for (i, filter) in weight.chunks_exact_mut(taps).enumerate() {
                    let group = i / out_group / in_group;
                    let scale = scale[group * out_group + i % out_group];
                    filter.iter_mut().for_each(|w| *w *= scale);
                }
                let (out, bias) = (node.shape.c, Some(&shift[..]));
                if geometry.groups > 1 || geometry.dilation > 1 {
                    let kernel = ConvTranspose2dKernel::new(geometry, input, out, &weight, bias, activation)?;
                    Kernel::PlanarConvTranspose2d(kernel)
                } else {
                    Kernel::ConvTranspose2d(blocked::ConvTranspose2dKernel::new(
                        tuning, geometry, input, out, &weight, bias, activation,
                    )?)
                }
            }
            Op::BatchNorm(norm) => {
                let (scale, shift) = scale_shift(&norm, weights);
                Kernel::ScaleShift(ScaleShiftKernel::new(isa, &scale, &shift, activation)?)
            }
            Op::Activation(function) => Kernel::Activation(isa, function),
            Op::Add => Kernel::Add(isa, activation),
            Op::Multiply => Kernel::Multiply(isa),
            Op::ConcatChannels => Kernel::ConcatChannels(isa),
            Op::ConcatBatch => Kernel::ConcatBatch,
            Op::MaxPool2d(geometry) => Kernel::MaxPool2d(isa, geometry),
            Op::AvgPool2d { geometry, count_include_pad } => {
                Kernel::AvgPool2d { isa, geometry, count_include_pad }
            }
            Op::GlobalAvgPool => Kernel::GlobalAvgPool(isa),
            Op::Interpolate(mode) => Kernel::Interpolate { isa, mode, residual: fused.residual, activation },
            Op::Unfold { kernel } => Kernel::PlanarUnfold { kernel, input },
            Op::PoolChannels => Kernel::PlanarPoolChannels { input, channels: node.shape.c },
            // These pass their argument on and never head a step.
            Op::Input | Op::Dropout { .. } | Op::DropPath { .. } | Op::Detach => {
                Kernel::Activation(isa, Activation::Identity)
            }
        })
    }

    /// The form of its arguments.
    pub(super) fn reads(&self) -> Form {
        match self {
            Kernel::Pack(_)
            | Kernel::Stem(_)
            | Kernel::PlanarConv2d(_)
            | Kernel::PlanarConvTranspose2d(_)
            | Kernel::PlanarUnfold { .. }
            | Kernel::PlanarPoolChannels { .. } => Form::Planar,
            _ => Form::Blocked,
        }
    }

    /// The form of its result.
    pub(super) fn writes(&self) -> Form {
        match self {
            Kernel::Unpack(_)
            | Kernel::PlanarConv2d(_)
            | Kernel::PlanarConvTranspose2d(_)
            | Kernel::PlanarUnfold { .. }
            | Kernel::PlanarPoolChannels { .. } => Form::Planar,
            _ => Form::Blocked,
        }
    }

    /// The border that its first argument must store.
    pub(super) fn border(&self) -> Padding {
        match self {
            Kernel::Conv2d { kernel, .. } => kernel.border(),
            Kernel::Depthwise(kernel) => kernel.border(),
            Kernel::ConvTranspose2d(kernel) => kernel.border(),
            _ => Padding::default(),
        }
    }

    /// Bytes of packed weights.
    pub(super) fn weight_bytes(&self) -> usize {
        match self {
            Kernel::Conv2d { kernel, .. } => kernel.bytes(),
            Kernel::Stem(kernel) => kernel.bytes(),
            Kernel::ConvTranspose2d(kernel) => kernel.bytes(),
            _ => 0,
        }
    }

    /// Blocks of scratch memory for `batch` samples on `threads` threads.
    pub(super) fn scratch(&self, batch: usize, threads: usize) -> usize {
        match self {
            Kernel::Conv2d { kernel, .. } => kernel.scratch(batch, threads),
            Kernel::Stem(kernel) => kernel.scratch(batch, threads),
            _ => 0,
        }
    }

    /// Runs it.
    pub(super) fn run(&self, args: &[Arg<'_>], out: Out<'_>, scratch: &mut [Block]) -> kernels::Result<()> {
        match (self, args, out) {
            (Kernel::Pack(isa), &[Arg::Planar(x)], Out::Blocked(out)) => blocked::pack(*isa, x, out),
            (Kernel::Unpack(isa), &[Arg::Blocked(x)], Out::Planar(out)) => blocked::unpack(*isa, x, out),
            (Kernel::Conv2d { kernel, residual: false }, &[Arg::Blocked(x)], Out::Blocked(out)) => {
                kernel.run(x, None, out, scratch)
            }
            (
                Kernel::Conv2d { kernel, residual: true },
                &[Arg::Blocked(x), Arg::Blocked(residual)],
                Out::Blocked(out),
            ) => kernel.run(x, Some(residual), out, scratch),
            (Kernel::Stem(kernel), &[Arg::Planar(x)], Out::Blocked(out)) => kernel.run(x, out, scratch),
            (Kernel::Depthwise(kernel), &[Arg::Blocked(x)], Out::Blocked(out)) => kernel.run(x, out),
            (Kernel::ConvTranspose2d(kernel), &[Arg::Blocked(x)], Out::Blocked(out)) => kernel.run(x, out),
            (Kernel::PlanarConv2d(kernel), &[Arg::Planar(x)], Out::Planar(out)) => kernel.run(x, None, out),
            (Kernel::PlanarConvTranspose2d(kernel), &[Arg::Planar(x)], Out::Planar(out)) => {
                kernel.run(x, out)
            }
            (Kernel::ScaleShift(kernel), &[Arg::Blocked(x)], Out::Blocked(out)) => kernel.run(x, out),
            (Kernel::Activation(isa, function), &[Arg::Blocked(x)], Out::Blocked(out)) => {
                blocked::activation(*isa, *function, x, out)
            }
            (Kernel::Add(isa, activation), &[Arg::Blocked(a), Arg::Blocked(b)], Out::Blocked(out)) => {
                blocked::add(*isa, a, b, *activation, out)
            }
            (Kernel::Multiply(isa), &[Arg::Blocked(a), Arg::Blocked(b)], Out::Blocked(out)) => {
                blocked::multiply(*isa, a, b, out)
            }
            (Kernel::ConcatChannels(isa), parts, Out::Blocked(out)) => {
                with_few(parts.iter().map(blocked_arg), |parts| blocked::concat_channels(*isa, parts, out))
            }
            (Kernel::ConcatBatch, parts, Out::Blocked(out)) => {
                with_few(parts.iter().map(blocked_arg), |parts| blocked::concat_batch(parts, out))
            }
            (Kernel::MaxPool2d(isa, geometry), &[Arg::Blocked(x)], Out::Blocked(out)) => {
                blocked::max_pool2d(*isa, *geometry, x, out)
            }
            (
                Kernel::AvgPool2d { isa, geometry, count_include_pad },
                &[Arg::Blocked(x)],
                Out::Blocked(out),
            ) => blocked::avg_pool2d(*isa, *geometry, *count_include_pad, x, out),
            (Kernel::GlobalAvgPool(isa), &[Arg::Blocked(x)], Out::Blocked(out)) => {
                blocked::global_avg_pool(*isa, x, out)
            }
            (Kernel::Interpolate { isa, mode, activation, .. }, &[Arg::Blocked(x)], Out::Blocked(out)) => {
                blocked::interpolate(*isa, *mode, x, None, *activation, out)
            }
            (
                Kernel::Interpolate { isa, mode, activation, residual: true },
                &[Arg::Blocked(x), Arg::Blocked(other)],
                Out::Blocked(out),
            ) => blocked::interpolate(*isa, *mode, x, Some(other), *activation, out),
            (Kernel::PlanarUnfold { kernel, input }, &[Arg::Planar(x)], Out::Planar(out)) => {
                kernels::unfold(*kernel, *input, x, out)
            }
            (Kernel::PlanarPoolChannels { input, channels }, &[Arg::Planar(x)], Out::Planar(out)) => {
                kernels::pool_channels(*input, *channels, x, out)
            }
            // Lowering gives every kernel the arguments that it reads.
            (kernel, args, _) => {
                let reason = format!("{kernel:?} cannot run on {} arguments of these forms", args.len());
                Err(kernels::Error::Geometry { what: "plan", reason })
            }
        }
    }
}

/// What runs, for profiles: the kind of kernel, and for dense convolutions the method and what it makes of what.
impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Kernel::Pack(_) => "pack",
            Kernel::Unpack(_) => "unpack",
            Kernel::Conv2d { kernel, .. } => {
                return write!(f, "conv2d {:?} {} to {}", kernel.method(), kernel.input(), kernel.output());
            }
            Kernel::Stem(_) => "conv2d of planar input",
            Kernel::Depthwise(_) => "depthwise conv2d",
            Kernel::ConvTranspose2d(_) => "conv_transpose2d",
            Kernel::PlanarConv2d(_) => "planar conv2d",
            Kernel::PlanarConvTranspose2d(_) => "planar conv_transpose2d",
            Kernel::ScaleShift(_) => "scale_shift",
            Kernel::Activation(..) => "activation",
            Kernel::Add(..) => "add",
            Kernel::Multiply(_) => "multiply",
            Kernel::ConcatChannels(_) => "concat_channels",
            Kernel::ConcatBatch => "concat_batch",
            Kernel::MaxPool2d(..) => "max_pool2d",
            Kernel::AvgPool2d { .. } => "avg_pool2d",
            Kernel::GlobalAvgPool(_) => "global_avg_pool",
            Kernel::Interpolate { .. } => "interpolate",
            Kernel::PlanarUnfold { .. } => "planar unfold",
            Kernel::PlanarPoolChannels { .. } => "planar pool_channels",
        };
        f.write_str(name)
    }
}

fn blocked_arg<'a>(arg: &Arg<'a>) -> kernels::Result<Blocked<'a>> {
    match *arg {
        Arg::Blocked(x) => Ok(x),
        Arg::Planar(_) => {
            let reason = "a planar value cannot be joined with blocked ones".to_string();
            Err(kernels::Error::Geometry { what: "plan", reason })
        }
    }
}

/// Factor and offset per output channel of the BatchNorm that follows a convolution, the bias included.
fn fold(
    fused: &Fused,
    channels: usize,
    weights: &mut Weights<'_>,
    bias: Option<usize>,
) -> (Vec<f32>, Vec<f32>) {
    let (scale, mut shift) = match fused.norm {
        Some(norm) => scale_shift(&norm, weights),
        None => (vec![1.0; channels], vec![0.0; channels]),
    };
    if let Some(bias) = bias {
        for ((shift, scale), bias) in shift.iter_mut().zip(&scale).zip(&*weights.take(bias)) {
            *shift += scale * bias;
        }
    }
    (scale, shift)
}

/// The factor and offset per channel that a BatchNorm in evaluation is, computed in `f64`.
fn scale_shift(norm: &BatchNorm, weights: &mut Weights<'_>) -> (Vec<f32>, Vec<f32>) {
    let [scale, shift, mean, var] = [norm.scale, norm.shift, norm.mean, norm.var].map(|id| weights.take(id));
    let channel = |values: &[f32], c: usize| f64::from(values[c]);
    (0..scale.len())
        .map(|c| {
            let scale = channel(&scale, c) / (channel(&var, c) + f64::from(norm.eps)).sqrt();
            (scale as f32, (channel(&shift, c) - channel(&mean, c) * scale) as f32)
        })
        .unzip()
}
