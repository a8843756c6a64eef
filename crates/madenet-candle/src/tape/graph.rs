//! What is trained: the network's operations as stages, with what rides along.
//!
//! A sum behind a normalisation or a resize, and an activation behind those, become part of the stage before: a value that
//! nobody else reads is never written. Nodes that do nothing in this training (dropout in a frozen part, [`Op::Detach`])
//! are no stages; what they stop is noted where their value is read.

use madenet_nets::{
    Activation, BatchNorm, Conv2d, ConvTranspose2d, Interpolation, Net, NodeId, Op, ParamId, Pool2d, Shape,
};

use crate::policy::{Policy, Treatment};

/// Place of a stage in [`Graph::stages`], and of its value.
pub(super) type StageId = usize;

/// The stages in an order in which they can run.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Graph {
    pub(super) stages: Vec<Stage>,
    /// The stages of the network's inputs, in its order.
    pub(super) inputs: Vec<StageId>,
    pub(super) outputs: Vec<Arg>,
    /// By parameter: whether it trains.
    pub(super) trained: Vec<bool>,
}

/// An operation with an epilogue: `activation(operation(args) + other)`.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Stage {
    pub(super) kind: Kind,
    pub(super) args: Vec<Arg>,
    pub(super) other: Option<Arg>,
    pub(super) activation: Activation,
    /// Of one sample of the value.
    pub(super) shape: Shape,
    /// Samples of the value per sample of the batch.
    pub(super) copies: usize,
    /// Of the node that does the work.
    pub(super) path: String,
}

/// A value that a stage reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Arg {
    pub(super) stage: StageId,
    /// Whether its gradient flows back this way.
    pub(super) flows: bool,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Kind {
    Input,
    Conv2d {
        geometry: Conv2d,
        weight: ParamId,
        bias: Option<ParamId>,
    },
    ConvTranspose2d {
        geometry: ConvTranspose2d,
        weight: ParamId,
        bias: Option<ParamId>,
    },
    BatchNorm {
        norm: BatchNorm,
        /// Whether the batch's statistics are used and move the running ones.
        is_training: bool,
    },
    Activation,
    Add,
    Multiply,
    ConcatChannels,
    ConcatBatch,
    MaxPool2d(Pool2d),
    AvgPool2d {
        geometry: Pool2d,
        count_include_pad: bool,
    },
    GlobalAvgPool,
    Interpolate(Interpolation),
    Unfold {
        kernel: usize,
    },
    PoolChannels,
    Dropout {
        p: f32,
    },
    DropPath {
        p: f32,
    },
}

impl Stage {
    /// All that it reads: the arguments, then what is added.
    pub(super) fn reads(&self) -> impl Iterator<Item = Arg> {
        self.args.iter().copied().chain(self.other)
    }

    /// The parameters that gradients may train.
    pub(super) fn params(&self) -> impl Iterator<Item = ParamId> {
        let ids = match self.kind {
            Kind::Conv2d { weight, bias, .. } | Kind::ConvTranspose2d { weight, bias, .. } => {
                [Some(weight), bias]
            }
            Kind::BatchNorm { norm, .. } => [Some(norm.scale), Some(norm.shift)],
            _ => [None, None],
        };
        ids.into_iter().flatten()
    }
}

impl Graph {
    /// The stages of `net` under `policy`.
    pub(super) fn new(net: &Net, policy: &Policy) -> Self {
        let trained = net
            .params()
            .iter()
            .map(|(name, spec)| spec.role.is_trained() && *policy.get(name) != Treatment::Freeze);
        let mut draft = Draft {
            net,
            policy,
            readers: readers(net),
            stages: Vec::new(),
            args: Vec::with_capacity(net.nodes().len()),
            is_sole: Vec::with_capacity(net.nodes().len()),
        };
        (0..net.nodes().len()).for_each(|id| draft.take(id));
        let (stages, args) = (draft.stages, draft.args);
        let mut graph = Graph {
            inputs: net.inputs().iter().map(|&(_, id)| args[id].stage).collect(),
            outputs: net.outputs().iter().map(|&(_, id)| args[id]).collect(),
            trained: trained.collect(),
            stages,
        };
        graph.sort();
        graph
    }

    /// By stage: whether the gradient of its value is needed, for parameters that train and lie before or in it (or, where
    /// wanted, inputs), and comes from an output.
    pub(super) fn gradients(&self, of_inputs: bool) -> Vec<bool> {
        let mut needed = vec![false; self.stages.len()];
        for (id, stage) in self.stages.iter().enumerate() {
            needed[id] = stage.reads().any(|arg| arg.flows && needed[arg.stage])
                || stage.params().any(|param| self.trained[param])
                || of_inputs && stage.kind == Kind::Input;
        }
        let mut reached = vec![false; self.stages.len()];
        for output in self.outputs.iter().filter(|output| output.flows) {
            reached[output.stage] = true;
        }
        for (id, stage) in self.stages.iter().enumerate().rev() {
            if reached[id] {
                stage.reads().filter(|arg| arg.flows).for_each(|arg| reached[arg.stage] = true);
            }
        }
        needed.iter().zip(reached).map(|(needed, reached)| *needed && reached).collect()
    }

    /// Brings the stages into an order in which all that a stage reads stands before it: a sum that was fused into a stage may
    /// read what was computed after its head. Otherwise the order stays.
    fn sort(&mut self) {
        let count = self.stages.len();
        let mut place = vec![usize::MAX; count];
        let mut order = Vec::with_capacity(count);
        let mut stack = Vec::new();
        for first in 0..count {
            stack.push((first, false));
            while let Some((id, is_ready)) = stack.pop() {
                if place[id] != usize::MAX {
                    continue;
                }
                if is_ready {
                    place[id] = order.len();
                    order.push(id);
                    continue;
                }
                stack.push((id, true));
                let reads: Vec<Arg> = self.stages[id].reads().collect();
                stack.extend(reads.into_iter().rev().map(|arg| (arg.stage, false)));
            }
        }
        let mut stages: Vec<Option<Stage>> = std::mem::take(&mut self.stages).into_iter().map(Some).collect();
        self.stages = order.iter().filter_map(|&id| stages[id].take()).collect();
        let args = self.stages.iter_mut().flat_map(|s| s.args.iter_mut().chain(s.other.as_mut()));
        args.chain(&mut self.outputs).for_each(|arg| arg.stage = place[arg.stage]);
        self.inputs.iter_mut().for_each(|id| *id = place[*id]);
    }
}

/// How many nodes read each node; an output is read once more, by nobody knows whom.
fn readers(net: &Net) -> Vec<usize> {
    let mut readers = vec![0; net.nodes().len()];
    for &id in net.nodes().iter().flat_map(|node| &node.args) {
        readers[id] += 1;
    }
    net.outputs().iter().for_each(|&(_, id)| readers[id] += 1);
    readers
}

struct Draft<'a> {
    net: &'a Net,
    policy: &'a Policy,
    readers: Vec<usize>,
    stages: Vec<Stage>,
    /// By node: where its value is.
    args: Vec<Arg>,
    /// By node: whether one node alone reads that value.
    is_sole: Vec<bool>,
}

impl Draft<'_> {
    fn take(&mut self, id: NodeId) {
        let passed_on = self.passed_on(id);
        let arg = passed_on.or_else(|| self.fused(id)).unwrap_or_else(|| self.stage(id));
        self.args.push(arg);
        let is_alone = self.readers[id] == 1;
        // A value that is passed on has the readers of both nodes.
        let was_alone = passed_on.is_none() || self.is_sole[self.net.nodes()[id].args[0]];
        self.is_sole.push(is_alone && was_alone);
    }

    /// The value of a node that does nothing.
    fn passed_on(&self, id: NodeId) -> Option<Arg> {
        let node = &self.net.nodes()[id];
        let is_frozen = *self.policy.get(&node.path) == Treatment::Freeze;
        let arg = self.args.get(*node.args.first()?)?;
        match node.op {
            Op::Detach => Some(Arg { flows: false, ..*arg }),
            Op::Activation(Activation::Identity) => Some(*arg),
            Op::Dropout { p } | Op::DropPath { p } if is_frozen || p == 0.0 => Some(*arg),
            _ => None,
        }
    }

    /// The value of a node that becomes part of a stage that is there already.
    fn fused(&mut self, id: NodeId) -> Option<Arg> {
        let node = &self.net.nodes()[id];
        match node.op {
            Op::Activation(activation) => {
                let arg = self.sole(node.args[0])?;
                let stage = &mut self.stages[arg.stage];
                if stage.activation != Activation::Identity || !takes_activation(stage, activation) {
                    return None;
                }
                stage.activation = activation;
                Some(arg)
            }
            Op::Add => {
                let (a, b) = (node.args[0], node.args[1]);
                let (head, other) =
                    [(b, a), (a, b)].into_iter().find(|&(head, _)| a != b && self.takes_sum(head))?;
                let (arg, other) = (self.args[head], self.args[other]);
                self.stages[arg.stage].other = Some(other);
                Some(arg)
            }
            _ => None,
        }
    }

    /// The value of a node that nothing else reads.
    fn sole(&self, id: NodeId) -> Option<Arg> {
        self.is_sole[id].then(|| self.args[id]).filter(|arg| arg.flows)
    }

    fn takes_sum(&self, id: NodeId) -> bool {
        let is_head = matches!(self.net.nodes()[id].op, Op::BatchNorm(_) | Op::Interpolate(_));
        is_head
            && self.sole(id).is_some_and(|arg| {
                let stage = &self.stages[arg.stage];
                stage.other.is_none() && stage.activation == Activation::Identity
            })
    }

    fn stage(&mut self, id: NodeId) -> Arg {
        let node = &self.net.nodes()[id];
        let treatment = *self.policy.get(&node.path);
        let activation = match node.op {
            Op::Activation(activation) => activation,
            _ => Activation::Identity,
        };
        self.stages.push(Stage {
            kind: kind(&node.op, treatment),
            args: node.args.iter().map(|&arg| self.args[arg]).collect(),
            other: None,
            activation,
            shape: node.shape,
            copies: node.copies,
            path: node.path.clone(),
        });
        Arg { stage: self.stages.len() - 1, flows: true }
    }
}

/// Whether a stage can end with the activation and its backward pass can still be computed: behind a sum, only the result
/// is kept, which tells where a ReLU was cut off and no more.
fn takes_activation(stage: &Stage, activation: Activation) -> bool {
    match stage.kind {
        Kind::BatchNorm { .. } if stage.other.is_none() => true,
        Kind::BatchNorm { .. } | Kind::Interpolate(_) | Kind::Add => is_told_by_result(activation),
        _ => false,
    }
}

/// Whether the sign of the activation's result is that of its argument.
pub(super) fn is_told_by_result(activation: Activation) -> bool {
    match activation {
        Activation::Identity | Activation::Relu => true,
        Activation::LeakyRelu(slope) => slope > 0.0,
        Activation::Silu | Activation::Sigmoid => false,
    }
}

fn kind(op: &Op, treatment: Treatment) -> Kind {
    match *op {
        // Identities and detached values are no stages.
        Op::Input => Kind::Input,
        Op::Conv2d { geometry, weight, bias } => Kind::Conv2d { geometry, weight, bias },
        Op::ConvTranspose2d { geometry, weight, bias } => Kind::ConvTranspose2d { geometry, weight, bias },
        Op::BatchNorm(norm) => Kind::BatchNorm { norm, is_training: treatment == Treatment::Train },
        Op::Activation(_) | Op::Detach => Kind::Activation,
        Op::Add => Kind::Add,
        Op::Multiply => Kind::Multiply,
        Op::ConcatChannels => Kind::ConcatChannels,
        Op::ConcatBatch => Kind::ConcatBatch,
        Op::MaxPool2d(geometry) => Kind::MaxPool2d(geometry),
        Op::AvgPool2d { geometry, count_include_pad } => Kind::AvgPool2d { geometry, count_include_pad },
        Op::GlobalAvgPool => Kind::GlobalAvgPool,
        Op::Interpolate(mode) => Kind::Interpolate(mode),
        Op::Unfold { kernel } => Kind::Unfold { kernel },
        Op::PoolChannels => Kind::PoolChannels,
        Op::Dropout { p } => Kind::Dropout { p },
        Op::DropPath { p } => Kind::DropPath { p },
    }
}

#[cfg(test)]
mod tests {
    use madenet_nets::{Builder, Result, conv};

    use super::*;

    #[test]
    fn sums_and_activations_ride_along() -> Result<()> {
        let mut b = Builder::new();
        let x = b.input("x", Shape::new(4, 8, 8));
        let y = b.conv2d("conv1", x, conv(4, 3, 1, 1))?;
        let y = b.batch_norm("bn1", y)?;
        let y = b.relu(y)?;
        let y = b.conv2d("conv2", y, conv(4, 3, 1, 1))?;
        let y = b.batch_norm("bn2", y)?;
        let skip = b.conv2d("skip", x, conv(4, 1, 1, 0))?;
        let y = b.add(y, skip)?;
        let y = b.relu(y)?;
        let z = b.detach(y)?;
        let z = b.silu(z)?;
        b.output("y", y)?;
        b.output("z", z)?;
        let graph = Graph::new(&b.finish(), &Policy::default().with("conv1", Treatment::Freeze));
        let told: Vec<_> = graph.stages.iter().map(|s| (s.path.as_str(), s.activation)).collect();
        use Activation::{Identity, Relu, Silu};
        // The skip is moved in front of the sum that reads it.
        assert_eq!(
            told,
            [
                ("x", Identity),
                ("conv1", Identity),
                ("bn1", Relu),
                ("conv2", Identity),
                ("skip", Identity),
                ("bn2", Relu),
                ("silu", Silu),
            ]
        );
        assert_eq!(graph.stages[5].other, Some(Arg { stage: 4, flows: true }));
        assert_eq!(graph.outputs.iter().map(|o| o.stage).collect::<Vec<_>>(), [5, 6]);
        // Nothing flows through the detached value, and nothing before bn1 trains.
        assert_eq!(graph.gradients(false), [false, false, true, true, true, true, false]);
        assert_eq!(graph.gradients(true), [true, true, true, true, true, true, false]);
        Ok(())
    }
}
