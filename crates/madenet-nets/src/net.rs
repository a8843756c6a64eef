//! The recorded network: plain data.

use std::collections::BTreeMap;

use madenet_kernels::{Activation, Conv2d, ConvTranspose2d, Interpolation, Pool2d, Shape};

/// Place of a node in [`Net::nodes`].
pub type NodeId = usize;

/// Place of a parameter in [`Net::params`].
pub type ParamId = usize;

/// A recorded network: operations in an order in which they can run, the parameters they need, named inputs and outputs.
///
/// Made by a [`Builder`](crate::Builder), read by interpreters; nothing in it computes. Shapes are those of one sample,
/// the batch is free.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Net {
    pub(crate) nodes: Vec<Node>,
    pub(crate) params: Vec<(String, ParamSpec)>,
    pub(crate) inputs: Vec<(String, NodeId)>,
    pub(crate) outputs: Vec<(String, NodeId)>,
    pub(crate) param_ids: BTreeMap<String, ParamId>,
}

impl Net {
    /// The operations; every argument stands before its use.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The parameters by name, in the order in which they were first used.
    #[must_use]
    pub fn params(&self) -> &[(String, ParamSpec)] {
        &self.params
    }

    /// The inputs by name, in the order in which interpreters take them.
    #[must_use]
    pub fn inputs(&self) -> &[(String, NodeId)] {
        &self.inputs
    }

    /// The outputs by name, in the order in which interpreters give them.
    #[must_use]
    pub fn outputs(&self) -> &[(String, NodeId)] {
        &self.outputs
    }

    /// Shape of the output called `name`.
    #[must_use]
    pub fn output_shape(&self, name: &str) -> Option<Shape> {
        self.outputs.iter().find(|(n, _)| n == name).map(|&(_, id)| self.nodes[id].shape)
    }

    /// For every node, the place of the last node that reads it; its own place if none does, `usize::MAX` for outputs.
    #[must_use]
    pub fn last_uses(&self) -> Vec<usize> {
        let mut last: Vec<usize> = (0..self.nodes.len()).collect();
        for (i, node) in self.nodes.iter().enumerate() {
            for &arg in &node.args {
                last[arg] = i;
            }
        }
        for &(_, id) in &self.outputs {
            last[id] = usize::MAX;
        }
        last
    }
}

/// One operation of a network.
#[derive(Clone, PartialEq, Debug)]
pub struct Node {
    /// What is done.
    pub op: Op,
    /// The nodes it reads.
    pub args: Vec<NodeId>,
    /// Shape of one sample of the result.
    pub shape: Shape,
    /// Samples of the result per sample of the network's batch: above 1 behind [`Op::ConcatBatch`].
    pub copies: usize,
    /// Scope path, unique, for messages and as the key of random numbers.
    pub path: String,
}

/// The operations. The enum is closed and interpreters match it without a catch-all arm, so that a new operation does not
/// compile until every interpreter has it.
#[derive(Clone, PartialEq, Debug)]
pub enum Op {
    /// A value given from outside.
    Input,
    /// Convolution.
    Conv2d {
        /// Windows and groups.
        geometry: Conv2d,
        /// `[out, in / groups, kh, kw]`.
        weight: ParamId,
        /// `[out]`.
        bias: Option<ParamId>,
    },
    /// Transposed convolution.
    ConvTranspose2d {
        /// Windows and groups.
        geometry: ConvTranspose2d,
        /// `[in, out / groups, kh, kw]`.
        weight: ParamId,
        /// `[out]`.
        bias: Option<ParamId>,
    },
    /// `(x - mean) / sqrt(var + eps) * scale + shift` per channel. In training, mean and variance are the batch's own
    /// (variance with divisor `n`), and the running ones move towards them by `momentum` (variance with divisor `n - 1`).
    BatchNorm(BatchNorm),
    /// A function of every value.
    Activation(Activation),
    /// Sum of two values of one shape.
    Add,
    /// Product of two values; the second may be `c x 1 x 1` and then scales channels.
    Multiply,
    /// Channels of all arguments, one after another.
    ConcatChannels,
    /// Samples of all arguments, one after another.
    ConcatBatch,
    /// Largest value of every window.
    MaxPool2d(Pool2d),
    /// Mean value of every window.
    AvgPool2d {
        /// The windows.
        geometry: Pool2d,
        /// Whether padding counts as zeros in the mean, else it is left out of it.
        count_include_pad: bool,
    },
    /// Mean of every channel: `c x 1 x 1`.
    GlobalAvgPool,
    /// Resize to the node's own height and width.
    Interpolate(Interpolation),
    /// The `k x k` neighbourhood of every location as channels in the order (c, ky, kx), zeros outside; `k` is odd.
    Unfold {
        /// Side of the neighbourhood.
        kernel: usize,
    },
    /// Adaptive average pooling along the channels to the node's own number of them: channel `i` of `o` is the mean of
    /// the channels `floor(i c / o) .. ceil((i + 1) c / o)`.
    PoolChannels,
    /// In training, zeroes every value with probability `p` and scales the others by `1 / (1 - p)`; keyed by (seed,
    /// step, path).
    Dropout {
        /// In `[0, 1)`.
        p: f32,
    },
    /// In training, zeroes whole samples with probability `p` and scales the others by `1 / (1 - p)`; keyed likewise.
    DropPath {
        /// In `[0, 1)`.
        p: f32,
    },
    /// The value, through which no gradient flows.
    Detach,
}

impl Op {
    /// The parameters that it reads.
    pub(crate) fn params(&self) -> Vec<ParamId> {
        match *self {
            Op::Conv2d { weight, bias, .. } | Op::ConvTranspose2d { weight, bias, .. } => {
                [weight].into_iter().chain(bias).collect()
            }
            Op::BatchNorm(bn) => vec![bn.scale, bn.shift, bn.mean, bn.var],
            Op::Input
            | Op::Activation(_)
            | Op::Add
            | Op::Multiply
            | Op::ConcatChannels
            | Op::ConcatBatch
            | Op::MaxPool2d(_)
            | Op::AvgPool2d { .. }
            | Op::GlobalAvgPool
            | Op::Interpolate(_)
            | Op::Unfold { .. }
            | Op::PoolChannels
            | Op::Dropout { .. }
            | Op::DropPath { .. }
            | Op::Detach => Vec::new(),
        }
    }

    /// Short name, as tables show it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Op::Input => "input",
            Op::Conv2d { .. } => "conv2d",
            Op::ConvTranspose2d { .. } => "conv_transpose2d",
            Op::BatchNorm(_) => "batch_norm",
            Op::Activation(Activation::Identity) => "identity",
            Op::Activation(Activation::Relu) => "relu",
            Op::Activation(Activation::LeakyRelu(_)) => "leaky_relu",
            Op::Activation(Activation::Silu) => "silu",
            Op::Activation(Activation::Sigmoid) => "sigmoid",
            Op::Add => "add",
            Op::Multiply => "multiply",
            Op::ConcatChannels => "concat_channels",
            Op::ConcatBatch => "concat_batch",
            Op::MaxPool2d(_) => "max_pool2d",
            Op::AvgPool2d { .. } => "avg_pool2d",
            Op::GlobalAvgPool => "global_avg_pool",
            Op::Interpolate(_) => "interpolate",
            Op::Unfold { .. } => "unfold",
            Op::PoolChannels => "pool_channels",
            Op::Dropout { .. } => "dropout",
            Op::DropPath { .. } => "drop_path",
            Op::Detach => "detach",
        }
    }
}

/// Constants and parameters of a batch normalisation.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct BatchNorm {
    /// Added to the variance.
    pub eps: f32,
    /// Share of the batch's statistics in the new running ones.
    pub momentum: f32,
    /// `[c]`, PyTorch's `weight`.
    pub scale: ParamId,
    /// `[c]`, PyTorch's `bias`.
    pub shift: ParamId,
    /// `[c]`, `running_mean`.
    pub mean: ParamId,
    /// `[c]`, `running_var`.
    pub var: ParamId,
}

/// What a parameter is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Weight of a convolution.
    Weight,
    /// Bias of a convolution.
    Bias,
    /// Factor of a normalisation.
    Scale,
    /// Offset of a normalisation.
    Shift,
    /// Running mean of a normalisation: a buffer, moved by training but not by gradients.
    RunningMean,
    /// Running variance of a normalisation: a buffer as well.
    RunningVar,
}

impl Role {
    /// Whether gradients train it; else it is a buffer.
    #[must_use]
    pub const fn is_trained(self) -> bool {
        !matches!(self, Role::RunningMean | Role::RunningVar)
    }
}

/// How a parameter starts. Fans are PyTorch's: of a shape `[a, b, kh, kw]`, fan-in is `b kh kw` and fan-out `a kh kw`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Init {
    /// Normal with variance `2 / fan_out` (He et al. 2015), torchvision's choice for ResNets.
    KaimingNormalFanOut,
    /// Normal with variance `2 / (fan_in + fan_out)` (Glorot and Bengio 2010).
    XavierNormal,
    /// Normal with this mean and standard deviation.
    Normal {
        /// Mean.
        mean: f32,
        /// Standard deviation.
        std: f32,
    },
    /// One value everywhere.
    Constant(f32),
}

/// Shape, purpose and start of a parameter.
#[derive(Clone, PartialEq, Debug)]
pub struct ParamSpec {
    /// Sizes of its axes.
    pub shape: Vec<usize>,
    /// What it is for.
    pub role: Role,
    /// How it starts.
    pub init: Init,
}

impl ParamSpec {
    /// Number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it has no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
