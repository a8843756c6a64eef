//! Which nodes run as one step.

use madenet_kernels::Activation;

use crate::net::{BatchNorm, Net, NodeId, Op};

/// A run of nodes that become one step: `head` does the work; normalisation, residual and activation ride along.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Fused {
    /// The node that does the work.
    pub(super) head: NodeId,
    /// The last node of the run, whose value the step computes. The step runs in its place, when all arguments are there.
    pub(super) result: NodeId,
    /// The nodes read: the head's arguments, then the residual if there is one; never one that only passes on.
    pub(super) args: Vec<NodeId>,
    /// A BatchNorm to fold into the head's weights.
    pub(super) norm: Option<BatchNorm>,
    /// Whether the last argument is added before the activation.
    pub(super) residual: bool,
    /// Applied last.
    pub(super) activation: Activation,
}

/// The steps of `net`, in order.
pub(super) fn fuse(net: &Net) -> Vec<Fused> {
    let consumers = consumers(net);
    let mut taken = vec![false; net.nodes().len()];
    let mut steps: Vec<Fused> = Vec::new();
    for head in 0..net.nodes().len() {
        if taken[head] || passes_on(&net.nodes()[head].op) || matches!(net.nodes()[head].op, Op::Input) {
            continue;
        }
        steps.push(fuse_from(net, &consumers, &mut taken, head));
    }
    steps.sort_by_key(|step| step.result);
    steps
}

/// The node whose value `id` passes on: itself unless it does nothing in inference.
pub(super) fn source(net: &Net, mut id: NodeId) -> NodeId {
    while passes_on(&net.nodes()[id].op) {
        id = net.nodes()[id].args[0];
    }
    id
}

fn passes_on(op: &Op) -> bool {
    matches!(op, Op::Dropout { .. } | Op::DropPath { .. } | Op::Detach | Op::Activation(Activation::Identity))
}

/// The nodes that read each node; an output is read by nobody knows whom, which two entries stand for.
fn consumers(net: &Net) -> Vec<Vec<NodeId>> {
    let mut consumers = vec![Vec::new(); net.nodes().len()];
    for (i, node) in net.nodes().iter().enumerate() {
        for &arg in &node.args {
            consumers[arg].push(i);
        }
    }
    for &(_, id) in net.outputs() {
        consumers[id].extend([usize::MAX, usize::MAX]);
    }
    consumers
}

fn fuse_from(net: &Net, consumers: &[Vec<NodeId>], taken: &mut [bool], head: NodeId) -> Fused {
    let node = &net.nodes()[head];
    let mut fused = Fused {
        head,
        result: head,
        args: node.args.iter().map(|&arg| source(net, arg)).collect(),
        norm: None,
        residual: false,
        activation: Activation::Identity,
    };
    let (takes_norm, takes_residual, takes_activation) = match node.op {
        // In groups, a convolution takes no residual: few have one behind it.
        Op::Conv2d { geometry, .. } => (true, geometry.groups == 1, true),
        Op::ConvTranspose2d { .. } => (true, false, true),
        Op::BatchNorm(_) | Op::Add => (false, false, true),
        Op::Interpolate(_) => (false, true, true),
        Op::Input
        | Op::Activation(_)
        | Op::Multiply
        | Op::ConcatChannels
        | Op::ConcatBatch
        | Op::MaxPool2d(_)
        | Op::AvgPool2d { .. }
        | Op::GlobalAvgPool
        | Op::Unfold { .. }
        | Op::PoolChannels
        | Op::Dropout { .. }
        | Op::DropPath { .. }
        | Op::Detach => (false, false, false),
    };
    let next = |at: NodeId, taken: &[bool]| sole_reader(net, consumers, at).filter(|&n| !taken[n]);
    if takes_norm
        && let Some(n) = next(fused.result, taken)
        && let Op::BatchNorm(norm) = net.nodes()[n].op
    {
        fused.norm = Some(norm);
        fused.result = n;
        taken[n] = true;
    }
    if takes_residual
        && let Some(n) = next(fused.result, taken)
        && net.nodes()[n].op == Op::Add
    {
        let other = net.nodes()[n].args.iter().map(|&arg| source(net, arg)).find(|&arg| arg != fused.result);
        fused.args.extend(other);
        fused.residual = other.is_some();
        fused.result = n;
        taken[n] = true;
    }
    if takes_activation
        && let Some(n) = next(fused.result, taken)
        && let Op::Activation(activation) = net.nodes()[n].op
    {
        fused.activation = activation;
        fused.result = n;
        taken[n] = true;
    }
    fused
}

/// The only node that reads `id`, behind nodes that pass it on.
fn sole_reader(net: &Net, consumers: &[Vec<NodeId>], id: NodeId) -> Option<NodeId> {
    match consumers[id][..] {
        [reader] if passes_on(&net.nodes()[reader].op) => sole_reader(net, consumers, reader),
        [reader] => Some(reader),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Builder, Result, Shape, conv, resnet};

    #[test]
    fn a_residual_block_is_three_steps() -> Result<()> {
        let mut b = Builder::new();
        let x = b.input("x", Shape::new(4, 8, 8));
        let y = resnet::basic_block(&mut b, x, 8, 2)?;
        b.output("y", y)?;
        let net = b.finish();
        let steps = fuse(&net);
        let op = |id: usize| net.nodes()[id].path.as_str();
        let told: Vec<_> =
            steps.iter().map(|s| (op(s.head), s.norm.is_some(), s.residual, s.activation)).collect();
        use Activation::{Identity, Relu};
        assert_eq!(
            told,
            [
                ("conv1", true, false, Relu),
                ("downsample.0", true, false, Identity),
                ("conv2", true, true, Relu),
            ]
        );
        Ok(())
    }

    #[test]
    fn values_that_others_read_stay() -> Result<()> {
        let mut b = Builder::new();
        let x = b.input("x", Shape::new(4, 8, 8));
        let y = b.conv2d("c", x, conv(4, 1, 1, 0))?;
        b.output("tap", y)?;
        let y = b.drop_path("drop", y, 0.5)?;
        let y = b.add(y, y)?;
        let y = b.relu(y)?;
        b.output("y", y)?;
        let steps = fuse(&b.finish());
        assert_eq!(steps.len(), 2);
        assert_eq!((steps[0].activation, steps[0].result), (Activation::Identity, 1));
        assert_eq!((steps[1].activation, &steps[1].args[..]), (Activation::Relu, &[1, 1][..]));
        Ok(())
    }
}
