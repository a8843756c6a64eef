//! What a training step runs: the steps of the forward and the backward pass, and where their values lie.
//!
//! Values are written once, as in a static single assignment form: a gradient that comes from several readers is a new value for
//! each of them, and a value that two stages need is read by both. When a step changes a value in place, the result is a new
//! value in the same memory ([`Value::root`]), and the recorder makes sure that nobody reads the old one any more. Lifetimes and
//! memory follow from the list of steps alone ([`buffers`](super::buffers)).

use madenet_kernels::blocked::Layout;
use madenet_kernels::{Padding, Pool2d, Shape};
use madenet_nets::{Activation, Conv2d, ConvTranspose2d, Interpolation, ParamId};

use super::TapeOptions;
use super::buffers::{Buffers, assign};
use super::graph::{Graph, StageId};
use super::kernels::{KernelId, Kernels};
use super::norm::Norm;
use super::record::Recorder;
use crate::Result;

/// Place of a value in [`Program::values`].
pub(super) type ValueId = usize;

/// Place of a normalisation in [`Program::norms`].
pub(super) type NormId = usize;

/// The steps for batches of one size.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) batch: usize,
    pub(super) forward: Vec<Step>,
    pub(super) backward: Vec<Step>,
    pub(super) values: Vec<Value>,
    pub(super) buffers: Buffers,
    pub(super) kernels: Kernels,
    pub(super) norms: Vec<Norm>,
}

/// How a value lies, and in whose memory.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Value {
    /// Shape and border; planar values have none.
    pub(super) layout: Layout,
    pub(super) samples: usize,
    pub(super) form: Form,
    /// The value whose memory it takes over: itself unless it was made in place.
    pub(super) root: ValueId,
}

/// The order of a value's numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// By blocks of channels.
    Blocked,
    /// Sample, channel, row, column.
    Planar,
}

impl Value {
    /// Blocks of memory.
    pub(super) fn blocks(&self) -> usize {
        match self.form {
            Form::Blocked => self.layout.len(self.samples),
            Form::Planar => {
                (self.samples * self.layout.shape.len()).div_ceil(madenet_kernels::blocked::LANES)
            }
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) action: Action,
    /// What is read; not what is changed in place.
    pub(super) reads: Vec<ValueId>,
    /// What is written, all of it, or changed in place.
    pub(super) out: Option<ValueId>,
    /// Whose step it is, for messages and random numbers.
    pub(super) stage: StageId,
}

/// What a step does. Its reads are named in the order in which the step has them; `add` is an optional last one, the gradient that
/// other readers of the same value gave.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Action {
    /// Input `i` of the network, blocked.
    LoadInput(usize),
    /// The gradient of output `i`, blocked.
    LoadGradient(usize),
    /// `x` becomes output `i`, planar.
    StoreOutput(usize),
    /// `dx` becomes the gradient of input `i`, planar.
    StoreInputGradient(usize),
    /// From planar to blocked.
    Pack,
    /// From blocked to planar.
    Unpack,
    Copy,
    /// `x`, to its convolution, transposed or not, or the gradient of a transposed one (`dy`).
    Convolve {
        kernel: KernelId,
        weight: ParamId,
        bias: Option<ParamId>,
    },
    /// `dy, add`.
    InputGradient {
        kernel: KernelId,
        weight: ParamId,
    },
    /// `x, dy`, of what the kernel slides over and what it slides along.
    WeightGradient {
        kernel: KernelId,
        weight: ParamId,
    },
    /// `dy`.
    BiasGradient(ParamId),
    /// The planar fallbacks: `x`; `dy` to `dx`; `x, dy`.
    PlanarConv2d {
        geometry: Conv2d,
        input: Shape,
        weight: ParamId,
        bias: Option<ParamId>,
    },
    PlanarConv2dInput {
        geometry: Conv2d,
        input: Shape,
        out: usize,
        weight: ParamId,
    },
    PlanarConv2dWeight {
        geometry: Conv2d,
        input: Shape,
        out: usize,
        weight: ParamId,
    },
    PlanarConvTranspose2d {
        geometry: ConvTranspose2d,
        input: Shape,
        weight: ParamId,
        bias: Option<ParamId>,
    },
    PlanarConvTranspose2dInput {
        geometry: ConvTranspose2d,
        input: Shape,
        out: usize,
        weight: ParamId,
    },
    PlanarConvTranspose2dWeight {
        geometry: ConvTranspose2d,
        input: Shape,
        out: usize,
        weight: ParamId,
    },
    /// `x`: the statistics of the batch, or the running ones.
    Statistics(NormId),
    /// `x, other`.
    Normalize {
        norm: NormId,
        activation: Activation,
    },
    /// `x, y`, the latter where it tells the activation: changes `dy` into the gradient in front of the activation, and sums it up.
    NormGradient {
        norm: NormId,
        activation: Activation,
    },
    /// `x`: changes the gradient behind the normalisation into that in front of it.
    NormInputGradient(NormId),
    Activate(Activation),
    /// `x, dy, add`; where the sign tells, `y` stands for `x`.
    ActivationGradient(Activation),
    /// `a, b`.
    Add(Activation),
    /// `a, b`.
    Multiply,
    /// `a, dy`: the products, summed over each plane.
    MultiplySums,
    /// The parts.
    ConcatChannels,
    ConcatBatch,
    /// `dy, add`: from this channel, or sample, on.
    CopyChannels(usize),
    CopySamples(usize),
    MaxPool2d(Pool2d),
    /// `x, y, dy, add`.
    MaxPool2dGradient(Pool2d),
    AvgPool2d {
        geometry: Pool2d,
        count_include_pad: bool,
    },
    /// `dy, add`.
    AvgPool2dGradient {
        geometry: Pool2d,
        count_include_pad: bool,
    },
    GlobalAvgPool,
    /// `dy, add`.
    GlobalAvgPoolGradient,
    /// `x, other`.
    Interpolate {
        mode: Interpolation,
        activation: Activation,
    },
    /// `dy, add`.
    InterpolateGradient(Interpolation),
    /// Planar.
    Unfold {
        kernel: usize,
    },
    /// Planar: `dy`.
    UnfoldGradient {
        kernel: usize,
        input: Shape,
    },
    /// Planar.
    PoolChannels,
    /// Planar: `dy`.
    PoolChannelsGradient {
        input: Shape,
    },
    /// The factors of a dropout, 0 or `1 / (1 - p)`.
    DropoutMask {
        p: f32,
    },
    /// `x`, samples scaled by 0 or `1 / (1 - p)`.
    DropPath {
        p: f32,
    },
}

impl Program {
    /// The program of `graph` for batches of `batch` samples.
    pub(super) fn new(graph: &Graph, options: &TapeOptions, batch: usize) -> Result<Self> {
        let mut recorded = Recorder::new(graph, options, batch).record()?;
        for i in 0..recorded.values.len() {
            recorded.values[i].layout = recorded.values[recorded.values[i].root].layout;
        }
        let buffers = assign(&recorded.values, recorded.forward.iter().chain(&recorded.backward));
        Ok(Program {
            batch,
            forward: recorded.forward,
            backward: recorded.backward,
            values: recorded.values,
            buffers,
            kernels: recorded.kernels,
            norms: recorded.norms,
        })
    }

    /// Blocks of scratch memory that the convolutions need on `threads` threads.
    pub(super) fn scratch(&self, threads: usize) -> usize {
        let of = |step: &Step| match step.action {
            Action::Convolve { kernel, .. } | Action::InputGradient { kernel, .. } => {
                step.out.map(|out| (kernel, self.values[out].samples))
            }
            Action::WeightGradient { kernel, .. } => {
                step.reads.first().map(|&x| (kernel, self.values[x].samples))
            }
            _ => None,
        };
        let steps = self.forward.iter().chain(&self.backward);
        steps.filter_map(of).map(|(kernel, n)| self.kernels.scratch(kernel, n, threads)).max().unwrap_or(0)
    }

    /// Bytes of values, scratch memory and packed weights.
    pub(super) fn bytes(&self, threads: usize) -> usize {
        let blocks = self.buffers.blocks() + self.scratch(threads);
        blocks * size_of::<madenet_kernels::blocked::Block>() + self.kernels.bytes()
    }
}

/// A border that holds both.
pub(super) fn larger(a: Padding, b: Padding) -> Padding {
    Padding {
        top: a.top.max(b.top),
        left: a.left.max(b.left),
        bottom: a.bottom.max(b.bottom),
        right: a.right.max(b.right),
    }
}
