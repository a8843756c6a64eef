//! Training on a CPU: the interpreter that runs forward and backward on the kernels.
//!
//! A [`Tape`] records, for batches of one size, the steps of a forward and a backward pass with all of their memory, and runs
//! them as often as it is asked. candle sees the outputs only: they are leaf variables, a loss on them is differentiated by
//! candle, and what it finds is where the backward pass starts.
//!
//! - `graph`: the network's operations as stages, with normalisation, sum and activation fused;
//! - `record`: from stages to steps, forward and then backward, with what is kept or computed once more;
//! - `program`, `buffers`: steps, values and who shares memory with whom;
//! - `kernels`, `norm`, `weights`: what steps use; `run`: a step on its memory.

mod buffers;
mod graph;
mod kernels;
mod norm;
mod program;
mod record;
mod run;
mod weights;

use std::time::{Duration, Instant};

use candle_core::{Device, Tensor, Var};
use madenet_kernels::blocked::Block;
use madenet_nets::{Net, Params};

use crate::candle_net::{StepKey, check_inputs};
use crate::host::slice_of;
use crate::policy::{self, Policy};
use crate::{Change, Engine, Error, Result, Visit};
use graph::{Graph, Kind};
use program::{Program, Step};
use run::{Given, Machine};
use weights::Weights;

/// Settings of a [`Tape`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TapeOptions {
    /// Scopes whose values are not kept for the backward pass but computed once more in it: less memory for about a third more
    /// time of these parts. Only what others than the scope itself read is kept. Scopes match as those of a [`Policy`].
    pub checkpoint: Vec<String>,
    /// Whether the gradients of the inputs are computed, for [`Tape::input_gradients`]; else nothing that serves only them is.
    pub input_gradients: bool,
}

/// A recorded network that trains on the CPU: forward and backward on `madenet-kernels`, several times as fast as
/// [`CandleNet`](crate::CandleNet), with the same policies, random numbers and running statistics.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use madenet_candle::{Engine, Policy, StepKey, Tape, TapeOptions};
/// use madenet_nets::{Builder, Params, Shape, conv};
///
/// let mut b = Builder::new();
/// let x = b.input("x", Shape::new(1, 1, 2));
/// let y = b.conv2d("factor", x, conv(1, 1, 1, 0))?;
/// b.output("y", y)?;
/// let mut params = Params::new();
/// params.insert("factor.weight", vec![1, 1, 1, 1], vec![3.0])?;
///
/// let mut tape = Tape::new(&b.finish(), &params, &Policy::default(), TapeOptions::default())?;
/// let x = Tensor::new(&[[[[1f32, 2.0]]]], &Device::Cpu)?;
/// let y = tape.forward(&[x], StepKey { seed: 1, step: 0 })?;
/// assert_eq!(y[0].flatten_all()?.to_vec1::<f32>()?, [3.0, 6.0]);
/// // The gradient of y0^2 + y1^2 with respect to the factor: 2 (3 * 1 + 6 * 2).
/// tape.backward(&y[0].sqr()?.sum_all()?)?;
/// tape.for_each(&mut |name, _, gradient| {
///     assert_eq!((name, gradient), ("factor.weight", &[30.0][..]));
///     Ok(())
/// })?;
/// # Ok::<(), madenet_candle::Error>(())
/// ```
#[derive(Debug)]
pub struct Tape {
    net: Net,
    policy: Policy,
    graph: Graph,
    options: TapeOptions,
    weights: Weights,
    /// For the size of the last batch.
    program: Option<Program>,
    memory: Vec<Vec<Block>>,
    scratch: Vec<Block>,
    /// Of the last forward pass.
    outputs: Vec<Var>,
    key: StepKey,
    input_gradients: Vec<Vec<f32>>,
}

impl Tape {
    /// `net` with the weights of `params`; `policy` says what trains.
    ///
    /// # Errors
    /// [`Error::Nets`] if a parameter is missing, has another shape or is not finite; [`Error::UnknownScope`] if a scope of the
    /// policy or the options matches nothing.
    pub fn new(net: &Net, params: &Params, policy: &Policy, options: TapeOptions) -> Result<Self> {
        policy::check_scopes(policy.scopes(), net)?;
        policy::check_scopes(options.checkpoint.iter().map(String::as_str), net)?;
        let graph = Graph::new(net, policy);
        Ok(Tape {
            weights: Weights::new(net, &graph, params)?,
            net: net.clone(),
            policy: policy.clone(),
            graph,
            options,
            program: None,
            memory: Vec::new(),
            scratch: Vec::new(),
            outputs: Vec::new(),
            key: StepKey { seed: 0, step: 0 },
            input_gradients: Vec::new(),
        })
    }

    /// The gradients of the network's inputs that the last [`backward`](Engine::backward) found, planar, in the network's order; empty
    /// without [`TapeOptions::input_gradients`], and for an input that no gradient reaches.
    #[must_use]
    pub fn input_gradients(&self) -> &[Vec<f32>] {
        &self.input_gradients
    }

    /// Runs [`forward`](Engine::forward) and a backward pass from a gradient of 1 everywhere, and says what every step took: its stage,
    /// what was done, time. For finding out where time goes.
    ///
    /// # Errors
    /// As `forward`.
    pub fn profile(&mut self, inputs: &[Tensor], key: StepKey) -> Result<Vec<(String, String, Duration)>> {
        let mut times = Vec::new();
        let outputs = self.run_forward(inputs, key, &mut |stage, step, time| {
            times.push((stage.to_string(), format!("{:?}", step.action), time));
        })?;
        let ones: Vec<Tensor> =
            outputs.iter().map(Tensor::ones_like).collect::<std::result::Result<_, _>>()?;
        self.run_backward(&ones, &mut |stage, step, time| {
            times.push((stage.to_string(), format!("{:?}", step.action), time));
        })?;
        Ok(times)
    }

    fn run_forward(&mut self, inputs: &[Tensor], key: StepKey, after: After<'_>) -> Result<Vec<Tensor>> {
        let batch = check_inputs(&self.net, &Device::Cpu, inputs)?;
        self.fit(batch)?;
        (self.key, self.outputs) = (key, Vec::new());
        let mut outputs = vec![Vec::new(); self.graph.outputs.len()];
        with_all(inputs, |inputs| self.run(Pass::Forward(inputs, &mut outputs), after))?;
        if let Some(program) = &self.program {
            program.norms.iter().filter(|n| n.is_training).for_each(|n| self.weights.move_statistics(n));
        }
        for (values, (_, id)) in outputs.into_iter().zip(self.net.outputs()) {
            let node = &self.net.nodes()[*id];
            let shape = (batch * node.copies, node.shape.c, node.shape.h, node.shape.w);
            self.outputs.push(Var::from_vec(values, shape, &Device::Cpu)?);
        }
        Ok(self.outputs.iter().map(|var| var.as_tensor().clone()).collect())
    }

    /// Runs backward from the gradients of the outputs.
    fn run_backward(&mut self, gradients: &[Tensor], after: After<'_>) -> Result<()> {
        self.input_gradients = vec![Vec::new(); self.graph.inputs.len()];
        with_all(gradients, |gradients| self.run(Pass::Backward(gradients), after))
    }

    /// Prepares for batches of `batch` samples.
    fn fit(&mut self, batch: usize) -> Result<()> {
        let is_fit = self.program.as_ref().is_some_and(|program| program.batch == batch);
        if !is_fit {
            self.check_normalisations(batch)?;
            self.program = None;
            let program = Program::new(&self.graph, &self.options, batch)?;
            program.buffers.fit(&mut self.memory);
            self.program = Some(program);
        }
        let scratch =
            self.program.as_ref().map_or(0, |program| program.scratch(rayon::current_num_threads()));
        if self.scratch.len() < scratch {
            self.scratch = vec![Block::ZERO; scratch];
        }
        Ok(())
    }

    fn check_normalisations(&self, batch: usize) -> Result<()> {
        let has_one_value = |stage: &graph::Stage| {
            matches!(stage.kind, Kind::BatchNorm { is_training: true, .. })
                && stage.copies * batch * stage.shape.plane() == 1
        };
        match self.graph.stages.iter().find(|stage| has_one_value(stage)) {
            Some(stage) => Err(Error::OneValue { layer: stage.path.clone() }),
            None => Ok(()),
        }
    }

    fn run(&mut self, pass: Pass<'_>, after: After<'_>) -> Result<()> {
        let Some(program) = &mut self.program else { return Ok(()) };
        let mut nothing = [];
        let (steps, given, outputs) = match pass {
            Pass::Forward(inputs, outputs) => (&program.forward, Given::Inputs(inputs), outputs),
            Pass::Backward(gradients) => (&program.backward, Given::Gradients(gradients), &mut nothing[..]),
        };
        let mut machine = Machine {
            values: &program.values,
            buffers: &program.buffers,
            kernels: &mut program.kernels,
            norms: &mut program.norms,
            weights: &mut self.weights,
            memory: &mut self.memory,
            scratch: &mut self.scratch,
            given,
            outputs,
            input_gradients: &mut self.input_gradients,
            key: self.key,
        };
        let stages = &self.graph.stages;
        madenet_kernels::team(|| {
            steps.iter().try_for_each(|step| {
                let (start, at) = (Instant::now(), &stages[step.stage].path);
                machine.run(step, at).map_err(|source| Error::Kernel { at: at.clone(), source })?;
                after(at, step, start.elapsed());
                Ok(())
            })
        })
    }
}

/// Hears of every step that has run: its stage, the step, its time.
type After<'a> = &'a mut (dyn FnMut(&str, &Step, Duration) + Send);

enum Pass<'a> {
    /// Planar inputs, and where the outputs go.
    Forward(&'a [&'a [f32]], &'a mut [Vec<f32>]),
    /// Gradients of the outputs.
    Backward(&'a [&'a [f32]]),
}

impl Engine for Tape {
    fn net(&self) -> &Net {
        &self.net
    }

    fn forward(&mut self, inputs: &[Tensor], key: StepKey) -> Result<Vec<Tensor>> {
        self.run_forward(inputs, key, &mut |_, _, _| ())
    }

    fn backward(&mut self, loss: &Tensor) -> Result<()> {
        let found = loss.backward()?;
        let gradient = |output: &Var| match found.get(output) {
            Some(gradient) => Ok(gradient.detach().contiguous()?),
            // An output that the loss does not read.
            None => Ok(output.zeros_like()?.detach()),
        };
        let gradients = self.outputs.iter().map(gradient).collect::<candle_core::Result<Vec<_>>>()?;
        self.run_backward(&gradients, &mut |_, _, _| ())
    }

    fn for_each(&self, f: Visit<'_>) -> Result<()> {
        self.weights
            .trained()
            .try_for_each(|(id, values, gradient)| f(&self.net.params()[id].0, values, gradient))
    }

    fn update(&mut self, f: Change<'_>) -> Result<()> {
        let params = self.net.params();
        self.weights.update(|id, values, gradient| f(&params[id].0, values, gradient))
    }

    fn clear_gradients(&mut self) {
        self.weights.clear_gradients();
    }

    fn export(&self) -> Result<Params> {
        self.weights.export(&self.net)
    }

    fn import(&mut self, params: &Params) -> Result<()> {
        self.weights.import(&self.net, params)
    }

    fn for_each_statistic(&self, f: &mut dyn FnMut(&str, &[f32]) -> Result<()>) -> Result<()> {
        let params = self.net.params().iter().enumerate();
        let mut statistics = params.filter(|(_, (_, spec))| !spec.role.is_trained());
        statistics.try_for_each(|(id, (name, _))| f(name, self.weights.values(id)))
    }

    fn settings(&self) -> String {
        format!("Tape {:?}", self.policy)
    }

    fn bytes(&self, batch: usize) -> Option<usize> {
        let program = Program::new(&self.graph, &self.options, batch).ok()?;
        Some(program.bytes(rayon::current_num_threads()) + self.weights.bytes())
    }
}

/// Calls `f` with the values of all tensors, which are on the CPU.
fn with_all<R>(tensors: &[Tensor], f: impl FnOnce(&[&[f32]]) -> Result<R>) -> Result<R> {
    let tensors = tensors.iter().map(Tensor::contiguous).collect::<candle_core::Result<Vec<_>>>()?;
    let storages: Vec<_> = tensors.iter().map(Tensor::storage_and_layout).collect();
    let values = storages.iter().map(|(storage, layout)| slice_of(storage, layout));
    f(&values.collect::<candle_core::Result<Vec<_>>>()?)
}
