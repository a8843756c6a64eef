//! The interpreter that deploys: CPU inference on `madenet-kernels`.
//!
//! Making a [`Plan`] does everything that a run should not: BatchNorm is folded into the weights before it, bias,
//! residual and activation are fused into the convolution they follow ([`fuse`]), weights are packed, and every result
//! gets its place in one arena from the lifetimes of all of them ([`arena`]). A run then is a loop over the steps that
//! allocates nothing.

mod arena;
mod fuse;
mod step;

use madenet_kernels::Shape;

use crate::net::Net;
use crate::params::Params;
use crate::{Error, Result};
use arena::{Buffer, Slot};
use step::Step;

/// A network with weights, ready to run on CPU. `Send + Sync`: one plan serves many threads, each with a [`Workspace`] of
/// its own.
///
/// Runs use the `rayon` pool they are called in; results do not depend on its number of threads.
///
/// ```
/// use madenet_nets::{Builder, Params, Plan, Shape, conv};
/// let mut b = Builder::new();
/// let x = b.input("x", Shape::new(1, 2, 2));
/// let y = b.conv2d("double", x, conv(1, 1, 1, 0))?;
/// let y = b.relu(y)?;
/// b.output("y", y)?;
/// let net = b.finish();
/// let mut params = Params::new();
/// params.insert("double.weight", vec![1, 1, 1, 1], vec![2.0])?;
///
/// let plan = Plan::new(&net, &params)?;
/// let mut workspace = plan.workspace();
/// let outputs = plan.run(&[&[1.0, -2.0, 3.0, 0.5]], &mut workspace)?;
/// assert_eq!(outputs.get("y"), Some(&[2.0, 0.0, 6.0, 1.0][..]));
/// # Ok::<(), madenet_nets::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Plan {
    steps: Vec<Step>,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    arena: usize,
}

/// An input or output: its name, the shape of one sample, and where it lies.
#[derive(Clone, Debug)]
struct Port {
    name: String,
    shape: Shape,
    slot: Slot,
}

/// The memory of one run of a [`Plan`], kept for the next.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    arena: Vec<f32>,
}

/// The results of a run, in the [`Workspace`] until the next one.
#[derive(Clone, Copy, Debug)]
pub struct Outputs<'a> {
    plan: &'a Plan,
    arena: &'a [f32],
    batch: usize,
}

impl Plan {
    /// Prepares `net` with the weights of `params`.
    ///
    /// # Errors
    /// [`Error::MissingParam`], [`Error::ParamShape`] and [`Error::NonFinite`] for weights that do not fit;
    /// [`Error::Kernel`] if a kernel refuses an operation.
    pub fn new(net: &Net, params: &Params) -> Result<Self> {
        let values = params.values_for(net)?;
        let fused = fuse::fuse(net);
        // One buffer a network input, then one a step.
        let mut buffers: Vec<Buffer> =
            net.inputs().iter().map(|&(_, id)| Buffer::new(&net.nodes()[id], 0)).collect();
        let mut buffer_of = vec![usize::MAX; net.nodes().len()];
        for (i, &(_, id)) in net.inputs().iter().enumerate() {
            buffer_of[id] = i;
        }
        for (i, step) in fused.iter().enumerate() {
            buffer_of[step.result] = buffers.len();
            buffers.push(Buffer::new(&net.nodes()[step.result], i));
            for &arg in &step.args {
                buffers[buffer_of[arg]].read_at(i);
            }
        }
        let outputs: Vec<usize> =
            net.outputs().iter().map(|&(_, id)| buffer_of[fuse::source(net, id)]).collect();
        for &buffer in &outputs {
            buffers[buffer].read_at(usize::MAX);
        }
        let (slots, arena) = arena::allocate(&buffers);
        let steps = fused
            .iter()
            .map(|f| {
                let args = f.args.iter().map(|&a| slots[buffer_of[a]]).collect();
                Step::new(net, &values, f, args, slots[buffer_of[f.result]])
            })
            .collect::<Result<_>>()?;
        let port = |(name, id): &(String, usize), buffer: usize| Port {
            name: name.clone(),
            shape: net.nodes()[*id].shape,
            slot: slots[buffer],
        };
        Ok(Plan {
            steps,
            inputs: net.inputs().iter().enumerate().map(|(i, p)| port(p, i)).collect(),
            outputs: net.outputs().iter().zip(outputs).map(|(p, b)| port(p, b)).collect(),
            arena,
        })
    }

    /// An empty workspace; the first run sizes it, later ones of the same or a smaller batch use it as it is.
    #[must_use]
    pub fn workspace(&self) -> Workspace {
        Workspace::default()
    }

    /// Bytes of the arena for a batch of `batch` samples.
    #[must_use]
    pub fn arena_bytes(&self, batch: usize) -> usize {
        self.arena * batch * size_of::<f32>()
    }

    /// Runs on a batch: one slice an input of the network, in its order, of `n` samples each. A batch of none gives
    /// empty outputs.
    ///
    /// # Errors
    /// [`Error::Input`] if the slices are not one per input or not of one batch.
    pub fn run<'a>(&'a self, inputs: &[&[f32]], workspace: &'a mut Workspace) -> Result<Outputs<'a>> {
        let batch = self.batch(inputs)?;
        let needed = self.arena * batch;
        if workspace.arena.len() < needed {
            // Not `resize`, which would copy what is there.
            workspace.arena = vec![0.0; needed];
        }
        let arena = &mut workspace.arena[..needed];
        for (port, values) in self.inputs.iter().zip(inputs) {
            arena[port.slot.range(batch)].copy_from_slice(values);
        }
        for step in &self.steps {
            step.run(arena, batch)?;
        }
        Ok(Outputs { plan: self, arena, batch })
    }

    fn batch(&self, inputs: &[&[f32]]) -> Result<usize> {
        if inputs.len() != self.inputs.len() {
            let names: Vec<&str> = self.inputs.iter().map(|p| p.name.as_str()).collect();
            return Err(Error::Input {
                name: names.join(", "),
                expected: format!("in {} inputs", names.len()),
                got: inputs.len(),
            });
        }
        let mut batch = None;
        for (port, values) in self.inputs.iter().zip(inputs) {
            let sample = port.shape.len();
            let n = values.len().checked_div(sample).unwrap_or(0);
            if n * sample != values.len() || *batch.get_or_insert(n) != n {
                return Err(Error::Input {
                    name: port.name.clone(),
                    expected: match batch {
                        Some(first) if n * sample == values.len() => {
                            format!("{first} times {sample} ({})", port.shape)
                        }
                        _ => format!("a multiple of {sample} ({})", port.shape),
                    },
                    got: values.len(),
                });
            }
        }
        Ok(batch.unwrap_or(0))
    }
}

impl<'a> Outputs<'a> {
    /// The output called `name`: samples one after another.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a [f32]> {
        self.plan.outputs.iter().position(|p| p.name == name).map(|i| self.at(i))
    }

    /// Name, shape of one sample and values of every output, in the network's order.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, Shape, &'a [f32])> {
        let this = *self;
        this.plan.outputs.iter().enumerate().map(move |(i, p)| (p.name.as_str(), p.shape, this.at(i)))
    }

    fn at(&self, i: usize) -> &'a [f32] {
        &self.arena[self.plan.outputs[i].slot.range(self.batch)]
    }
}
