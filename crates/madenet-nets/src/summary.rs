//! The interpreter that counts.

use std::fmt;

use madenet_kernels::Shape;

use crate::net::{Net, Node, Op};

/// Parameters, multiply-adds, shapes and activation memory of a network.
///
/// ```
/// use madenet_nets::{Builder, Shape, Summary, conv};
/// let mut b = Builder::new();
/// let x = b.input("x", Shape::new(3, 32, 32));
/// let y = b.conv2d("stem", x, conv(16, 3, 2, 1).with_bias())?;
/// b.output("y", y)?;
/// let summary = Summary::new(&b.finish());
/// assert_eq!(summary.parameters, 16 * 3 * 9 + 16);
/// assert_eq!(summary.multiply_adds, 16 * 3 * 9 * 16 * 16);
/// # Ok::<(), madenet_nets::Error>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Summary {
    /// One row an operation, in order.
    pub rows: Vec<Row>,
    /// Values that gradients train; a shared parameter counts once.
    pub parameters: usize,
    /// Running means and variances.
    pub buffers: usize,
    /// Multiply-adds of convolutions for one sample; other operations count as none.
    pub multiply_adds: u64,
    /// Sum of all results' values for one sample: what training keeps.
    pub activations: usize,
    /// The most values that live at once for one sample when a result is dropped after its last use: what inference needs.
    pub peak_activations: usize,
}

/// One operation of a [`Summary`].
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    /// Scope path.
    pub path: String,
    /// Name of the operation.
    pub op: &'static str,
    /// Shape of one sample of the result.
    pub shape: Shape,
    /// Trained values of the parameters that it is the first to use.
    pub parameters: usize,
    /// Multiply-adds for one sample.
    pub multiply_adds: u64,
}

impl Summary {
    /// Counts `net`.
    #[must_use]
    pub fn new(net: &Net) -> Self {
        let mut counted = vec![false; net.params().len()];
        let rows: Vec<Row> = net.nodes().iter().map(|node| row(net, node, &mut counted)).collect();
        let of_role = |trained: bool| {
            net.params().iter().filter(|(_, s)| s.role.is_trained() == trained).map(|(_, s)| s.len()).sum()
        };
        Summary {
            parameters: of_role(true),
            buffers: of_role(false),
            multiply_adds: rows.iter().map(|r| r.multiply_adds).sum(),
            activations: net.nodes().iter().map(values).sum(),
            peak_activations: peak(net),
            rows,
        }
    }
}

fn row(net: &Net, node: &Node, counted: &mut [bool]) -> Row {
    let mut parameters = 0;
    for id in node.op.params() {
        if !std::mem::replace(&mut counted[id], true) && net.params()[id].1.role.is_trained() {
            parameters += net.params()[id].1.len();
        }
    }
    Row {
        path: node.path.clone(),
        op: node.op.name(),
        shape: node.shape,
        parameters,
        multiply_adds: multiply_adds(net, node),
    }
}

fn multiply_adds(net: &Net, node: &Node) -> u64 {
    let pixels = match node.op {
        // Every weight meets every output pixel once,
        Op::Conv2d { weight, .. } => net.params()[weight].1.len() * node.shape.plane(),
        // or, transposed, every input pixel.
        Op::ConvTranspose2d { weight, .. } => {
            net.params()[weight].1.len() * net.nodes()[node.args[0]].shape.plane()
        }
        Op::Input
        | Op::BatchNorm(_)
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
        | Op::Detach => 0,
    };
    (pixels * node.copies) as u64
}

fn values(node: &Node) -> usize {
    node.shape.len() * node.copies
}

fn peak(net: &Net) -> usize {
    let last = net.last_uses();
    let (mut live, mut peak) = (0, 0);
    for (i, node) in net.nodes().iter().enumerate() {
        live += values(node);
        peak = peak.max(live);
        let mut args = node.args.clone();
        args.sort_unstable();
        args.dedup();
        live -=
            args.iter().filter(|&&arg| last[arg] == i).map(|&arg| values(&net.nodes()[arg])).sum::<usize>();
        if last[i] == i {
            live -= values(node);
        }
    }
    peak
}

/// A table: one line an operation, then the totals.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|r| r.path.len()).max().unwrap_or(0).max(4);
        writeln!(
            f,
            "{:width$}  {:17}  {:>14}  {:>12}  {:>15}",
            "path", "operation", "shape", "parameters", "multiply-adds"
        )?;
        for Row { path, op, shape, parameters, multiply_adds } in &self.rows {
            let shape = shape.to_string();
            writeln!(f, "{path:width$}  {op:17}  {shape:>14}  {parameters:>12}  {multiply_adds:>15}")?;
        }
        writeln!(f, "parameters {}, buffers {}", self.parameters, self.buffers)?;
        writeln!(f, "multiply-adds {:.3} G", self.multiply_adds as f64 / 1e9)?;
        let mib = |values: usize| values as f64 * 4.0 / (1 << 20) as f64;
        write!(
            f,
            "activations {:.1} MiB, at most {:.1} MiB at once",
            mib(self.activations),
            mib(self.peak_activations)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Builder, Result, conv, conv_transpose};

    #[test]
    fn shared_weights_count_once_and_work_every_time() -> Result<()> {
        let mut b = Builder::new();
        let x = b.input("x", Shape::new(2, 4, 4));
        let y = b.conv2d("c", x, conv(2, 3, 1, 1))?;
        let y = b.conv2d("c", y, conv(2, 3, 1, 1))?;
        let y = b.batch_norm("bn", y)?;
        let y = b.conv_transpose2d("up", y, conv_transpose(3, 4, 2, 1))?;
        b.output("y", y)?;
        let s = Summary::new(&b.finish());
        assert_eq!((s.parameters, s.buffers), (36 + 4 + 96, 4));
        assert_eq!(s.multiply_adds, 2 * 36 * 16 + 96 * 16);
        assert_eq!(s.rows.iter().map(|r| r.parameters).collect::<Vec<_>>(), [0, 36, 0, 4, 96]);
        assert_eq!(s.activations, 32 * 4 + 3 * 64);
        assert_eq!(s.peak_activations, 32 + 3 * 64);
        assert!(s.to_string().contains("parameters 136, buffers 4"));
        Ok(())
    }
}
