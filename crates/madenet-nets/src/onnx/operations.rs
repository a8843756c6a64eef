//! Every operation of a network in ONNX's words.

use madenet_kernels::{Activation, Conv2d, ConvTranspose2d, Interpolation, Padding, Pool2d, Shape};

use super::graph::Graph;
use super::proto::Attribute::{self, Float, Integer, Integers, Text};
use crate::Result;
use crate::net::{Node, NodeId, Op};

/// Adds node `id` to the graph.
///
/// # Errors
/// [`Error::OnnxTooLarge`](crate::Error::OnnxTooLarge) if it needs a larger constant than a file can hold.
pub(super) fn add(graph: &mut Graph<'_>, id: NodeId) -> Result<()> {
    let net = graph.net;
    let node = &net.nodes()[id];
    let args: Vec<String> = node.args.iter().map(|&arg| graph.value(arg)).collect();
    let input = node.args.first().map_or(node.shape, |&arg| net.nodes()[arg].shape);
    match &node.op {
        Op::Input => {}
        Op::Conv2d { geometry, weight, bias } => {
            let params = [*weight].into_iter().chain(*bias).map(|p| graph.param(p));
            let inputs: Vec<String> = args.into_iter().chain(params).collect();
            graph.operation(id, "Conv", &inputs, &convolution(geometry));
        }
        Op::ConvTranspose2d { geometry, weight, bias } => {
            let params = [*weight].into_iter().chain(*bias).map(|p| graph.param(p));
            let inputs: Vec<String> = args.into_iter().chain(params).collect();
            graph.operation(id, "ConvTranspose", &inputs, &transposed(geometry));
        }
        Op::BatchNorm(bn) => {
            let params = [bn.scale, bn.shift, bn.mean, bn.var].map(|p| graph.param(p));
            let inputs: Vec<String> = args.into_iter().chain(params).collect();
            graph.operation(id, "BatchNormalization", &inputs, &[("epsilon", Float(bn.eps))]);
        }
        Op::Activation(activation) => add_activation(graph, id, *activation, args),
        Op::Add => graph.operation(id, "Add", &args, &[]),
        Op::Multiply => graph.operation(id, "Mul", &args, &[]),
        Op::ConcatChannels => graph.operation(id, "Concat", &args, &[("axis", Integer(1))]),
        Op::ConcatBatch => graph.operation(id, "Concat", &args, &[("axis", Integer(0))]),
        Op::MaxPool2d(geometry) => graph.operation(id, "MaxPool", &args, &pooling(geometry)),
        Op::AvgPool2d { geometry, count_include_pad } => {
            let mut attributes = pooling(geometry);
            attributes.push(("count_include_pad", Integer(usize::from(*count_include_pad))));
            graph.operation(id, "AveragePool", &args, &attributes);
        }
        Op::GlobalAvgPool => graph.operation(id, "GlobalAveragePool", &args, &[]),
        Op::Interpolate(mode) => add_resize(graph, id, *mode, input, args),
        Op::Unfold { kernel } => return add_unfold(graph, id, *kernel, input, args),
        Op::PoolChannels => return add_channel_pool(graph, id, input, node, args),
        // In inference they pass their argument on.
        Op::Dropout { .. } | Op::DropPath { .. } | Op::Detach => graph.operation(id, "Identity", &args, &[]),
    }
    Ok(())
}

type Attributes = Vec<(&'static str, Attribute)>;

fn convolution(geometry: &Conv2d) -> Attributes {
    let Conv2d { kernel, stride, padding, dilation, groups } = *geometry;
    let mut attributes = windows(kernel, stride, padding);
    attributes.extend([("dilations", Integers(vec![dilation; 2])), ("group", Integer(groups))]);
    attributes
}

fn transposed(geometry: &ConvTranspose2d) -> Attributes {
    let ConvTranspose2d { kernel, stride, padding, output_padding: (h, w), dilation, groups } = *geometry;
    let mut attributes = windows(kernel, stride, padding);
    attributes.extend([
        ("output_padding", Integers(vec![h, w])),
        ("dilations", Integers(vec![dilation; 2])),
        ("group", Integer(groups)),
    ]);
    attributes
}

fn pooling(geometry: &Pool2d) -> Attributes {
    let Pool2d { kernel, stride, padding } = *geometry;
    windows(kernel, stride, padding)
}

fn windows((h, w): (usize, usize), stride: usize, padding: Padding) -> Attributes {
    let Padding { top, left, bottom, right } = padding;
    vec![
        ("kernel_shape", Integers(vec![h, w])),
        ("strides", Integers(vec![stride; 2])),
        ("pads", Integers(vec![top, left, bottom, right])),
    ]
}

fn add_activation(graph: &mut Graph<'_>, id: NodeId, activation: Activation, args: Vec<String>) {
    match activation {
        Activation::Identity => graph.operation(id, "Identity", &args, &[]),
        Activation::Relu => graph.operation(id, "Relu", &args, &[]),
        Activation::LeakyRelu(slope) => graph.operation(id, "LeakyRelu", &args, &[("alpha", Float(slope))]),
        Activation::Sigmoid => graph.operation(id, "Sigmoid", &args, &[]),
        // Swish is an operation only from opset 24 on; runtimes know this pair.
        Activation::Silu => {
            let gate = graph.step(id, "Sigmoid", &args, &[]);
            let inputs: Vec<String> = args.into_iter().chain([gate]).collect();
            graph.operation(id, "Mul", &inputs, &[]);
        }
    }
}

fn add_resize(graph: &mut Graph<'_>, id: NodeId, mode: Interpolation, input: Shape, args: Vec<String>) {
    let output = graph.net.nodes()[id].shape;
    let (mode, coordinates) = match mode {
        Interpolation::Nearest if !output.h.is_multiple_of(input.h) || !output.w.is_multiple_of(input.w) => {
            return add_nearest(graph, id, input, args);
        }
        Interpolation::Nearest => ("nearest", "asymmetric"),
        Interpolation::Bilinear { align_corners: true } => ("linear", "align_corners"),
        Interpolation::Bilinear { align_corners: false } => ("linear", "half_pixel"),
    };
    let sizes = graph.integers(id, "sizes", &[output.h, output.w]);
    let inputs: Vec<String> = args.into_iter().chain([String::new(), String::new(), sizes]).collect();
    let mut attributes = vec![
        ("axes", Integers(vec![2, 3])),
        ("mode", Text(mode)),
        ("coordinate_transformation_mode", Text(coordinates)),
    ];
    if mode == "nearest" {
        attributes.push(("nearest_mode", Text("floor")));
    }
    graph.operation(id, "Resize", &inputs, &attributes);
}

/// Factors that are not whole: runtimes round positions each in their own way, and where one lies on a pixel's border take
/// another pixel. So the rows and columns are named, `floor(i in / out)` in the arithmetic of our kernel.
fn add_nearest(graph: &mut Graph<'_>, id: NodeId, input: Shape, mut args: Vec<String>) {
    let output = graph.net.nodes()[id].shape;
    let places = |from: usize, to: usize| -> Vec<usize> {
        let scale = from as f32 / to as f32;
        (0..to).map(|i| ((i as f32 * scale) as usize).min(from.saturating_sub(1))).collect()
    };
    args.push(graph.integers(id, "rows", &places(input.h, output.h)));
    let rows = graph.step(id, "Gather", &args, &[("axis", Integer(2))]);
    let columns = graph.integers(id, "columns", &places(input.w, output.w));
    graph.operation(id, "Gather", &[rows, columns], &[("axis", Integer(3))]);
}

/// A convolution of each channel with one filter per place of the neighbourhood, 1 there and 0 elsewhere.
fn add_unfold(
    graph: &mut Graph<'_>,
    id: NodeId,
    kernel: usize,
    input: Shape,
    mut args: Vec<String>,
) -> Result<()> {
    let places = kernel * kernel;
    let filters = |len: usize| (0..len).map(|i| f32::from(i / places % places == i % places)).collect();
    args.push(graph.floats(id, "places", &[input.c * places, 1, kernel, kernel], filters)?);
    let geometry = Conv2d { groups: input.c, ..Conv2d::new(kernel, 1, kernel / 2) };
    graph.operation(id, "Conv", &args, &convolution(&geometry));
    Ok(())
}

/// Groups of one size are a mean over an axis of their own; others a 1x1 convolution with the shares as weights.
fn add_channel_pool(
    graph: &mut Graph<'_>,
    id: NodeId,
    input: Shape,
    node: &Node,
    mut args: Vec<String>,
) -> Result<()> {
    let Shape { c, h, w } = node.shape;
    if input.c.is_multiple_of(c) {
        // A size of 0 keeps the batch.
        args.push(graph.integers(id, "groups", &[0, c, input.c / c, h, w]));
        let grouped = graph.step(id, "Reshape", &args, &[]);
        let axis = graph.integers(id, "axis", &[2]);
        graph.operation(id, "ReduceMean", &[grouped, axis], &[("keepdims", Integer(0))]);
        return Ok(());
    }
    let shares = |len: usize| {
        let mut shares = vec![0.0; len];
        for (i, row) in shares.chunks_exact_mut(input.c).enumerate() {
            let window = i * input.c / c..((i + 1) * input.c).div_ceil(c);
            let share = 1.0 / window.len() as f32;
            row[window].fill(share);
        }
        shares
    };
    args.push(graph.floats(id, "shares", &[c, input.c, 1, 1], shares)?);
    graph.operation(id, "Conv", &args, &convolution(&Conv2d::new(1, 1, 0)));
    Ok(())
}
