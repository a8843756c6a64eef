//! The loop over a network's operations.

use candle_core::{DType, Device, Tensor};
use madenet_nets::{BatchNorm, Node, Op};
use madenet_rng::Stream;

use crate::candle_net::{CandleNet, StepKey, check_inputs};
use crate::ops::{self, BatchStatistics};
use crate::policy::Treatment;
use crate::{Error, Result};

/// What one run is given and what it changes.
pub(crate) struct Pass {
    /// The step in training, nothing in evaluation.
    pub(crate) key: Option<StepKey>,
    /// The parameters by id. Running statistics are replaced as they move, so that an operation that shares them with an
    /// earlier one sees them moved.
    pub(crate) weights: Vec<Tensor>,
}

/// Runs `net`: the outputs in its order for inputs in its order.
pub(crate) fn run(net: &CandleNet, inputs: &[Tensor], pass: &mut Pass) -> Result<Vec<Tensor>> {
    check_inputs(&net.net, &net.device, inputs)?;
    let values = run_nodes(net, inputs, pass)?;
    Ok(net.net.outputs().iter().map(|&(_, id)| values[id].clone()).collect())
}

/// Runs the operations in their order. Gives a value per node, an empty one where it was needed no more.
fn run_nodes(net: &CandleNet, inputs: &[Tensor], pass: &mut Pass) -> Result<Vec<Tensor>> {
    let nothing = Tensor::zeros(0, DType::F32, &Device::Cpu)?;
    let mut values = vec![nothing.clone(); net.net.nodes().len()];
    for (x, &(_, id)) in inputs.iter().zip(net.net.inputs()) {
        values[id] = x.clone();
    }
    for (id, node) in net.net.nodes().iter().enumerate() {
        if !matches!(node.op, Op::Input) {
            values[id] = apply(node, net.treatments[id], &values, pass)?;
        }
        for &used in node.args.iter().chain([&id]) {
            if net.last_uses[used] == id {
                values[used] = nothing.clone();
            }
        }
    }
    Ok(values)
}

/// The value of one operation that reads from `values`.
fn apply(node: &Node, treatment: Treatment, values: &[Tensor], pass: &mut Pass) -> Result<Tensor> {
    let args: Vec<&Tensor> = node.args.iter().map(|&arg| &values[arg]).collect();
    let one_value = |x: &&Tensor| x.elem_count() == node.shape.c;
    if matches!(node.op, Op::BatchNorm(_)) && pass.moves_statistics(treatment) && args.iter().all(one_value) {
        return Err(Error::OneValue { layer: node.path.clone() });
    }
    compute(node, treatment, &args, pass)
        .map_err(|source| Error::Op { at: format!("{} ({})", node.path, node.op.name()), source })
}

fn compute(node: &Node, treatment: Treatment, args: &[&Tensor], pass: &mut Pass) -> ops::Result<Tensor> {
    // Shapes and numbers of arguments were checked when the network was recorded.
    let Some(&x) = args.first() else { candle_core::bail!("an operation without arguments") };
    let weights = &pass.weights;
    match &node.op {
        Op::Input => Ok(x.clone()),
        Op::Conv2d { geometry, weight, bias } => {
            ops::conv2d(x, &weights[*weight], bias.map(|id| &weights[id]), geometry)
        }
        Op::ConvTranspose2d { geometry, weight, bias } => {
            ops::conv_transpose2d(x, &weights[*weight], bias.map(|id| &weights[id]), geometry)
        }
        Op::BatchNorm(bn) => pass.batch_norm(bn, treatment, x),
        Op::Activation(activation) => ops::activation(x, *activation),
        Op::Add => x + args[1],
        Op::Multiply => x.broadcast_mul(args[1]),
        Op::ConcatChannels => Tensor::cat(args, 1),
        Op::ConcatBatch => Tensor::cat(args, 0),
        Op::MaxPool2d(geometry) => ops::max_pool2d(x, geometry),
        Op::AvgPool2d { geometry, count_include_pad } => ops::avg_pool2d(x, geometry, *count_include_pad),
        Op::GlobalAvgPool => ops::global_avg_pool(x),
        Op::Interpolate(mode) => ops::interpolate(x, (node.shape.h, node.shape.w), *mode),
        Op::Unfold { kernel } => ops::unfold(x, *kernel),
        Op::PoolChannels => ops::pool_channels(x, node.shape.c),
        Op::Dropout { p } => match pass.stream(treatment, node) {
            Some(mut stream) => ops::dropout(x, *p, &mut stream),
            None => Ok(x.clone()),
        },
        Op::DropPath { p } => match pass.stream(treatment, node) {
            Some(mut stream) => ops::drop_path(x, *p, &mut stream),
            None => Ok(x.clone()),
        },
        Op::Detach => Ok(x.detach()),
    }
}

impl Pass {
    fn moves_statistics(&self, treatment: Treatment) -> bool {
        self.key.is_some() && treatment == Treatment::Train
    }

    /// The random numbers of a node that draws some.
    fn stream(&self, treatment: Treatment, node: &Node) -> Option<Stream> {
        let key = self.key.filter(|_| treatment != Treatment::Freeze)?;
        Some(Stream::new(key.seed, &node.path, key.step, 0))
    }

    fn batch_norm(&mut self, bn: &BatchNorm, treatment: Treatment, x: &Tensor) -> ops::Result<Tensor> {
        let running =
            BatchStatistics { mean: self.weights[bn.mean].clone(), var: self.weights[bn.var].clone() };
        let (scale, shift) = (&self.weights[bn.scale], &self.weights[bn.shift]);
        if !self.moves_statistics(treatment) {
            return ops::batch_norm_eval(x, &running, scale, shift, bn.eps);
        }
        let (y, batch) = ops::batch_norm_train(x, scale, shift, bn.eps)?;
        self.weights[bn.mean] = moved(&running.mean, &batch.mean, bn.momentum)?;
        self.weights[bn.var] = moved(&running.var, &batch.var, bn.momentum)?;
        Ok(y)
    }
}

/// `running` moved towards `batch`: `(1 - momentum) running + momentum batch`.
fn moved(running: &Tensor, batch: &Tensor, momentum: f32) -> ops::Result<Tensor> {
    let momentum = f64::from(momentum);
    running.affine(1.0 - momentum, 0.0)? + batch.affine(momentum, 0.0)?
}

#[cfg(test)]
mod tests {
    use madenet_nets::{Builder, Params, Shape};

    use super::*;
    use crate::Policy;

    #[test]
    fn only_outputs_are_left() -> Result<()> {
        let mut b = Builder::new();
        let x = b.input("x", Shape::new(1, 2, 2));
        let _unused_input = b.input("unused", Shape::new(1, 2, 2));
        let y = b.relu(x)?;
        let z = b.add(y, x)?;
        let _unread = b.sigmoid(z)?;
        let w = b.multiply(z, y)?;
        b.output("y", y)?;
        b.output("w", w)?;
        let net = b.finish();
        let net = CandleNet::new(&net, &Params::new(), &Policy::default(), &Device::Cpu)?;
        let x = Tensor::ones((1, 1, 2, 2), DType::F32, &Device::Cpu)?;
        let values = run_nodes(&net, &[x.clone(), x], &mut Pass { key: None, weights: Vec::new() })?;
        let left: Vec<bool> = values.iter().map(|v| v.elem_count() > 0).collect();
        assert_eq!(left, [false, false, true, false, false, true]);
        Ok(())
    }
}
