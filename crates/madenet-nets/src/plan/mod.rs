//! The interpreter that deploys: CPU inference on `madenet-kernels`.
//!
//! Making a [`Plan`] does everything that a run should not: BatchNorm is folded into the weights before it, bias,
//! residual and activation are fused into the operation they follow ([`fuse`]), every step gets a kernel with packed weights
//! and every result a layout ([`lower`]), joined channels are written to their place at once, and results share one arena by
//! their lifetimes ([`arena`]). A run then is a loop over the steps.

mod arena;
mod cache;
mod few;
mod fuse;
mod kernel;
mod lower;
mod methods;
mod options;
mod step;
mod weights;

use std::time::{Duration, Instant};

use madenet_kernels::Shape;
use madenet_kernels::blocked::Block;

use crate::net::Net;
use crate::params::Params;
use crate::{Error, Result};
use arena::Buffer;
pub use cache::PlanCache;
use lower::{Draft, Home, ValueId, lower};
pub use options::{Memory, PlanOptions};
use step::{Place, Step, Storage};
use weights::Weights;

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
    inputs: Vec<(String, Shape)>,
    outputs: Vec<(String, Place)>,
    /// Blocks per sample.
    arena: usize,
}

/// The memory of one run of a [`Plan`], kept for the next.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    arena: Vec<Block>,
    scratch: Vec<Block>,
}

/// The results of a run, in the [`Workspace`] until the next one.
#[derive(Clone, Copy, Debug)]
pub struct Outputs<'a> {
    plan: &'a Plan,
    arena: &'a [Block],
    batch: usize,
}

impl Plan {
    /// Prepares `net` with the weights of `params`.
    ///
    /// # Errors
    /// [`Error::MissingParam`], [`Error::ParamShape`] and [`Error::NonFinite`] for weights that do not fit;
    /// [`Error::Kernel`] if a kernel refuses an operation.
    pub fn new(net: &Net, params: &Params) -> Result<Self> {
        Self::with_options(net, params, PlanOptions::default())
    }

    /// As [`new`](Self::new), for an instruction set and a memory setting of the caller's choice.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_options(net: &Net, params: &Params, options: PlanOptions) -> Result<Self> {
        Self::of(net, Weights::borrowed(net, params)?, options)
    }

    /// As [`with_options`](Self::with_options), with weights that nothing else needs: each is dropped as soon as it is
    /// packed, so that the network's own and the packed ones are not in memory at once. The plan is the same.
    ///
    /// # Errors
    /// As [`new`](Self::new); the weights are lost then as well.
    ///
    /// ```
    /// use madenet_nets::{Builder, Params, Plan, PlanOptions, Shape, conv};
    /// let mut b = Builder::new();
    /// let x = b.input("x", Shape::new(1, 1, 2));
    /// let y = b.conv2d("double", x, conv(1, 1, 1, 0))?;
    /// b.output("y", y)?;
    /// let net = b.finish();
    /// let mut params = Params::new();
    /// params.insert("double.weight", vec![1, 1, 1, 1], vec![2.0])?;
    ///
    /// let plan = Plan::consuming(&net, params, PlanOptions::default())?;
    /// let mut workspace = plan.workspace();
    /// assert_eq!(plan.run(&[&[1.0, 3.0]], &mut workspace)?.get("y"), Some(&[2.0, 6.0][..]));
    /// # Ok::<(), madenet_nets::Error>(())
    /// ```
    pub fn consuming(net: &Net, params: Params, options: PlanOptions) -> Result<Self> {
        Self::of(net, Weights::owned(net, params)?, options)
    }

    fn of(net: &Net, weights: Weights<'_>, options: PlanOptions) -> Result<Self> {
        let mut draft = lower(net, weights, options)?;
        draft.join_in_place();
        let (places, arena) = places(&draft);
        let inputs = net.inputs().iter().map(|(name, id)| (name.clone(), net.nodes()[*id].shape)).collect();
        let outputs = net
            .outputs()
            .iter()
            .zip(&draft.outputs)
            .map(|((name, _), &id)| (name.clone(), places[id]))
            .collect();
        let steps = draft.jobs.into_iter().map(|job| Step {
            kernel: job.kernel,
            args: job.args.iter().map(|&arg| places[arg]).collect(),
            out: places[job.out],
            path: job.path,
        });
        Ok(Plan { steps: steps.collect(), inputs, outputs, arena })
    }

    /// An empty workspace; the first run sizes it, later ones of the same or a smaller batch use it as it is.
    #[must_use]
    pub fn workspace(&self) -> Workspace {
        Workspace::default()
    }

    /// Bytes of a workspace for batches of `batch` samples on the ambient pool's threads.
    #[must_use]
    pub fn workspace_bytes(&self, batch: usize) -> usize {
        (self.arena * batch + self.scratch(batch)) * size_of::<Block>()
    }

    /// Bytes of the packed weights.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        self.steps.iter().map(|step| step.kernel.weight_bytes()).sum()
    }

    fn scratch(&self, batch: usize) -> usize {
        let threads = rayon::current_num_threads();
        self.steps.iter().map(|step| step.kernel.scratch(batch * step.out.copies, threads)).max().unwrap_or(0)
    }

    /// Runs on a batch: one slice an input of the network, in its order, of `n` samples each. A batch of none gives
    /// empty outputs.
    ///
    /// # Errors
    /// [`Error::Input`] if the slices are not one per input or not of one batch.
    pub fn run<'a>(&'a self, inputs: &[&[f32]], workspace: &'a mut Workspace) -> Result<Outputs<'a>> {
        self.run_steps(inputs, workspace, |_, _| ())
    }

    /// Runs as [`run`](Self::run) does, and says what every step took: path in the network, kernel, time.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn profile(
        &self,
        inputs: &[&[f32]],
        workspace: &mut Workspace,
    ) -> Result<Vec<(String, String, Duration)>> {
        let mut times = Vec::with_capacity(self.steps.len());
        self.run_steps(inputs, workspace, |step, time| {
            times.push((step.path.clone(), step.kernel.to_string(), time));
        })?;
        Ok(times)
    }

    fn run_steps<'a>(
        &'a self,
        inputs: &[&[f32]],
        workspace: &'a mut Workspace,
        mut after: impl FnMut(&Step, Duration) + Send,
    ) -> Result<Outputs<'a>> {
        let batch = self.batch(inputs)?;
        let (needed, scratch) = (self.arena * batch, self.scratch(batch));
        // Not `resize`, which would copy what is there.
        if workspace.arena.len() < needed {
            workspace.arena = vec![Block::ZERO; needed];
        }
        if workspace.scratch.len() < scratch {
            workspace.scratch = vec![Block::ZERO; scratch];
        }
        let (arena, scratch) = (&mut workspace.arena[..needed], &mut workspace.scratch[..scratch]);
        let run = || {
            self.steps.iter().try_for_each(|step| {
                let start = Instant::now();
                step.run(inputs, arena, scratch, batch)?;
                after(step, start.elapsed());
                Ok(())
            })
        };
        if batch > 0 {
            madenet_kernels::team(run)?;
        }
        Ok(Outputs { plan: self, arena, batch })
    }

    fn batch(&self, inputs: &[&[f32]]) -> Result<usize> {
        if inputs.len() != self.inputs.len() {
            let names: Vec<&str> = self.inputs.iter().map(|(name, _)| name.as_str()).collect();
            return Err(Error::Input {
                name: names.join(", "),
                expected: format!("in {} inputs", names.len()),
                got: inputs.len(),
            });
        }
        let mut batch = None;
        for ((name, shape), values) in self.inputs.iter().zip(inputs) {
            let sample = shape.len();
            let n = values.len().checked_div(sample).unwrap_or(0);
            if n * sample != values.len() || *batch.get_or_insert(n) != n {
                return Err(Error::Input {
                    name: name.clone(),
                    expected: match batch {
                        Some(first) if n * sample == values.len() => {
                            format!("{first} times {sample} ({})", shape)
                        }
                        _ => format!("a multiple of {sample} ({})", shape),
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
        self.plan.outputs.iter().position(|(output, _)| output == name).map(|i| self.at(i))
    }

    /// Name, shape of one sample and values of every output, in the network's order.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, Shape, &'a [f32])> {
        let this = *self;
        this.plan
            .outputs
            .iter()
            .enumerate()
            .map(move |(i, (name, place))| (name.as_str(), place.layout.shape, this.at(i)))
    }

    fn at(&self, i: usize) -> &'a [f32] {
        let place = &self.plan.outputs[i].1;
        match place.memory {
            Storage::Arena(slot) => place.planar(&self.arena[slot.range(self.batch)], self.batch),
            Storage::Input(_) => &[],
        }
    }
}

/// Where the values of a draft lie, and the size of the arena in blocks per sample.
fn places(draft: &Draft) -> (Vec<Place>, usize) {
    // A buffer for every memory; values that are written by nobody are the caller's inputs.
    let mut buffers: Vec<Buffer> = Vec::new();
    let mut buffer_of: Vec<Option<usize>> = vec![None; draft.values.len()];
    let mut touch = |id: ValueId, step: usize| {
        let (root, _) = draft.root(id);
        if draft.values[root].home == Home::Own {
            let buffer = *buffer_of[root].get_or_insert_with(|| {
                buffers.push(Buffer::new(draft.values[root].blocks(), step));
                buffers.len() - 1
            });
            buffers[buffer].read_at(step);
        }
    };
    for (i, job) in draft.jobs.iter().enumerate() {
        touch(job.out, i);
        job.args.iter().for_each(|&arg| touch(arg, i));
    }
    draft.outputs.iter().for_each(|&id| touch(id, usize::MAX));
    let (slots, arena) = arena::allocate(&buffers);
    let place = |(id, value): (ValueId, &lower::Value)| {
        let (root, block) = draft.root(id);
        let memory = match (draft.values[root].home, buffer_of[root]) {
            (Home::Input(i), _) => Storage::Input(i),
            (_, buffer) => {
                let slot = buffer.map(|buffer| slots[buffer]).unwrap_or_default();
                Storage::Arena(slot.part(block * value.copies * value.layout.plane(), value.blocks()))
            }
        };
        Place { memory, form: value.form, layout: value.layout, copies: value.copies }
    };
    (draft.values.iter().enumerate().map(place).collect(), arena)
}
