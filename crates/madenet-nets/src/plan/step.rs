//! One step of a plan: a kernel with its weights, what it reads and what it writes.

use madenet_kernels::{
    self as kernels, Activation, Conv2dKernel, ConvTranspose2dKernel, Interpolation, Pool2d, Shape,
};

use super::arena::{Slot, split, split_writing};
use super::fuse::Fused;
use crate::net::{BatchNorm, Net, Op};
use crate::{Error, Result};

#[derive(Clone, Debug)]
pub(super) struct Step {
    kernel: Kernel,
    args: Vec<Slot>,
    out: Slot,
    path: String,
}

/// What a step computes. `input` is the shape of one sample of the first argument.
#[derive(Clone, Debug)]
enum Kernel {
    Conv2d { kernel: Conv2dKernel, residual: bool },
    ConvTranspose2d(ConvTranspose2dKernel),
    ScaleShift { input: Shape, scale: Vec<f32>, shift: Vec<f32>, activation: Activation },
    Activation(Activation),
    Add(Activation),
    Multiply { input: Shape },
    ConcatChannels { channels: Vec<usize>, plane: usize },
    ConcatBatch,
    MaxPool2d { geometry: Pool2d, input: Shape },
    AvgPool2d { geometry: Pool2d, count_include_pad: bool, input: Shape },
    GlobalAvgPool { input: Shape },
    Interpolate { mode: Interpolation, input: Shape, output: (usize, usize) },
    Unfold { kernel: usize, input: Shape },
    PoolChannels { input: Shape, channels: usize },
}

impl Step {
    /// The step of `fused`, with the values of all of the network's parameters.
    pub(super) fn new(
        net: &Net,
        values: &[&[f32]],
        fused: &Fused,
        args: Vec<Slot>,
        out: Slot,
    ) -> Result<Self> {
        let path = net.nodes()[fused.head].path.clone();
        match Kernel::new(net, values, fused) {
            Ok(kernel) => Ok(Step { kernel, args, out, path }),
            Err(source) => Err(Error::Kernel { at: path, source }),
        }
    }

    /// Runs it on `batch` samples.
    pub(super) fn run(&self, arena: &mut [f32], batch: usize) -> Result<()> {
        let read = |i: usize| self.args[i].range(batch);
        let write = self.out.range(batch);
        let unary = |arena| {
            let ([x], out) = split(arena, [read(0)], write.clone());
            (x, out)
        };
        let result = match &self.kernel {
            Kernel::Conv2d { kernel, residual: true } => {
                let ([x, residual], out) = split(arena, [read(0), read(1)], write.clone());
                kernel.run(x, Some(residual), out)
            }
            Kernel::Conv2d { kernel, residual: false } => {
                let (x, out) = unary(arena);
                kernel.run(x, None, out)
            }
            Kernel::ConvTranspose2d(kernel) => {
                let (x, out) = unary(arena);
                kernel.run(x, out)
            }
            Kernel::ScaleShift { input, scale, shift, activation } => {
                let (x, out) = unary(arena);
                kernels::scale_shift(*input, scale, shift, *activation, x, out)
            }
            Kernel::Activation(activation) => {
                let (x, out) = unary(arena);
                kernels::activation(*activation, x, out)
            }
            Kernel::Add(activation) => {
                let ([a, b], out) = split(arena, [read(0), read(1)], write.clone());
                kernels::add(a, b, *activation, out)
            }
            Kernel::Multiply { input } => {
                let ([a, b], out) = split(arena, [read(0), read(1)], write.clone());
                kernels::multiply(*input, a, b, out)
            }
            Kernel::ConcatChannels { channels, plane } => {
                let (values, out) = split_writing(arena, write.clone());
                let parts = channels.iter().enumerate().map(|(i, &c)| (c, values(read(i))));
                kernels::concat_channels(parts, *plane, out)
            }
            Kernel::ConcatBatch => {
                let (values, mut out) = split_writing(arena, write.clone());
                for i in 0..self.args.len() {
                    let part = values(read(i));
                    let (head, rest) = out.split_at_mut(part.len());
                    head.copy_from_slice(part);
                    out = rest;
                }
                Ok(())
            }
            Kernel::MaxPool2d { geometry, input } => {
                let (x, out) = unary(arena);
                kernels::max_pool2d(*geometry, *input, x, out)
            }
            Kernel::AvgPool2d { geometry, count_include_pad, input } => {
                let (x, out) = unary(arena);
                kernels::avg_pool2d(*geometry, *count_include_pad, *input, x, out)
            }
            Kernel::GlobalAvgPool { input } => {
                let (x, out) = unary(arena);
                kernels::global_avg_pool(*input, x, out)
            }
            Kernel::Interpolate { mode, input, output } => {
                let (x, out) = unary(arena);
                kernels::interpolate(*mode, *input, *output, x, out)
            }
            Kernel::Unfold { kernel, input } => {
                let (x, out) = unary(arena);
                kernels::unfold(*kernel, *input, x, out)
            }
            Kernel::PoolChannels { input, channels } => {
                let (x, out) = unary(arena);
                kernels::pool_channels(*input, *channels, x, out)
            }
        };
        result.map_err(|source| Error::Kernel { at: self.path.clone(), source })
    }
}

impl Kernel {
    fn new(net: &Net, values: &[&[f32]], fused: &Fused) -> kernels::Result<Self> {
        let node = &net.nodes()[fused.head];
        let input = node.args.first().map_or(node.shape, |&arg| net.nodes()[arg].shape);
        let activation = fused.activation;
        let fold = |channels: usize, bias: Option<usize>| {
            let (scale, mut shift) = match fused.norm {
                Some(norm) => scale_shift(&norm, values),
                None => (vec![1.0; channels], vec![0.0; channels]),
            };
            if let Some(bias) = bias {
                for ((shift, scale), bias) in shift.iter_mut().zip(&scale).zip(values[bias]) {
                    *shift += scale * bias;
                }
            }
            (scale, shift)
        };
        Ok(match node.op {
            Op::Conv2d { geometry, weight, bias } => {
                let (scale, shift) = fold(node.shape.c, bias);
                let mut weight = values[weight].to_vec();
                let filter = weight.len() / node.shape.c;
                for (filter, scale) in weight.chunks_exact_mut(filter).zip(scale) {
                    filter.iter_mut().for_each(|w| *w *= scale);
                }
                Kernel::Conv2d {
                    kernel: Conv2dKernel::new(
                        geometry,
                        input,
                        node.shape.c,
                        &weight,
                        Some(&shift),
                        activation,
                    )?,
                    residual: fused.residual,
                }
            }
            Op::ConvTranspose2d { geometry, weight, bias } => {
                let (scale, shift) = fold(node.shape.c, bias);
                let mut weight = values[weight].to_vec();
                // [in, out / groups, kh, kw]: the filters of input channel i belong to the outputs of i's group.
                let (in_group, out_group) = (input.c / geometry.groups, node.shape.c / geometry.groups);
                let taps = geometry.kernel.0 * geometry.kernel.1;
                for (i, filter) in weight.chunks_exact_mut(taps).enumerate() {
                    let group = i / out_group / in_group;
                    let scale = scale[group * out_group + i % out_group];
                    filter.iter_mut().for_each(|w| *w *= scale);
                }
                Kernel::ConvTranspose2d(ConvTranspose2dKernel::new(
                    geometry,
                    input,
                    node.shape.c,
                    &weight,
                    Some(&shift),
                    activation,
                )?)
            }
            Op::BatchNorm(norm) => {
                let (scale, shift) = scale_shift(&norm, values);
                Kernel::ScaleShift { input, scale, shift, activation }
            }
            Op::Activation(function) => Kernel::Activation(function),
            Op::Add => Kernel::Add(activation),
            Op::Multiply => Kernel::Multiply { input },
            Op::ConcatChannels => Kernel::ConcatChannels {
                channels: node.args.iter().map(|&arg| net.nodes()[arg].shape.c).collect(),
                plane: node.shape.plane(),
            },
            Op::ConcatBatch => Kernel::ConcatBatch,
            Op::MaxPool2d(geometry) => Kernel::MaxPool2d { geometry, input },
            Op::AvgPool2d { geometry, count_include_pad } => {
                Kernel::AvgPool2d { geometry, count_include_pad, input }
            }
            Op::GlobalAvgPool => Kernel::GlobalAvgPool { input },
            Op::Interpolate(mode) => {
                Kernel::Interpolate { mode, input, output: (node.shape.h, node.shape.w) }
            }
            Op::Unfold { kernel } => Kernel::Unfold { kernel, input },
            Op::PoolChannels => Kernel::PoolChannels { input, channels: node.shape.c },
            // These pass their argument on and never head a step.
            Op::Input | Op::Dropout { .. } | Op::DropPath { .. } | Op::Detach => {
                Kernel::Activation(Activation::Identity)
            }
        })
    }
}

/// The factor and offset per channel that a BatchNorm in evaluation is, computed in `f64`.
fn scale_shift(norm: &BatchNorm, values: &[&[f32]]) -> (Vec<f32>, Vec<f32>) {
    let channel = |id: usize, c: usize| f64::from(values[id][c]);
    (0..values[norm.scale].len())
        .map(|c| {
            let scale = channel(norm.scale, c) / (channel(norm.var, c) + f64::from(norm.eps)).sqrt();
            (scale as f32, (channel(norm.shift, c) - channel(norm.mean, c) * scale) as f32)
        })
        .unzip()
}
