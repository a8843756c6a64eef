//! From stages to steps: first all forward, then all backward.

mod backward;
mod forward;

use madenet_kernels::blocked::Layout;
use madenet_kernels::{Padding, Shape};

use super::TapeOptions;
use super::graph::{Arg, Graph, StageId};
use super::kernels::{KernelId, Kernels};
use super::norm::Norm;
use super::program::{Action, Form, Step, Value, ValueId, larger};
use crate::scope::contains;
use crate::{Error, Result};

/// Records the steps of a program.
pub(super) struct Recorder<'a> {
    graph: &'a Graph,
    batch: usize,
    /// By stage: whether the gradient of its value is needed.
    needed: Vec<bool>,
    /// By stage: the checkpointed scope whose values are not kept, as its place in the options.
    scopes: Vec<Option<usize>>,
    /// By stage: its value, or the mask in front of it for a dropout.
    forward_values: Vec<ValueId>,
    masks: Vec<Option<ValueId>>,
    /// By stage: its value computed once more, in the backward pass.
    again: Vec<Option<ValueId>>,
    /// By stage: the gradient of its value, as far as its readers have been passed.
    gradients: Vec<Option<ValueId>>,
    /// By stage: the place of its normalisation.
    norm_ids: Vec<Option<usize>>,
    stage: StageId,
    recorded: Recorded,
}

#[derive(Default)]
pub(super) struct Recorded {
    pub(super) forward: Vec<Step>,
    pub(super) backward: Vec<Step>,
    pub(super) values: Vec<Value>,
    pub(super) kernels: Kernels,
    pub(super) norms: Vec<Norm>,
    is_backward: bool,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(graph: &'a Graph, options: &'a TapeOptions, batch: usize) -> Self {
        let stages = graph.stages.len();
        let scope_of = |path: &str| options.checkpoint.iter().position(|scope| contains(scope, path));
        Recorder {
            graph,
            batch,
            needed: graph.gradients(options.input_gradients),
            scopes: graph.stages.iter().map(|stage| scope_of(&stage.path)).collect(),
            forward_values: Vec::with_capacity(stages),
            masks: vec![None; stages],
            again: vec![None; stages],
            gradients: vec![None; stages],
            norm_ids: vec![None; stages],
            stage: 0,
            recorded: Recorded::default(),
        }
    }

    pub(super) fn record(mut self) -> Result<Recorded> {
        for id in 0..self.graph.stages.len() {
            self.stage = id;
            let reads: Vec<ValueId> =
                self.graph.stages[id].reads().map(|arg| self.forward_values[arg.stage]).collect();
            let value = self.forward(id, &reads)?;
            self.forward_values.push(value);
            for (i, _) in self.graph.outputs.iter().enumerate().filter(|(_, output)| output.stage == id) {
                self.act(Action::StoreOutput(i), &[value]);
            }
        }
        self.recorded.is_backward = true;
        for (i, &output) in self.graph.outputs.iter().enumerate() {
            self.stage = output.stage;
            self.contribute(output, |this, add| {
                let gradient = this.like(output.stage);
                this.step(Action::LoadGradient(i), &[], gradient);
                Ok(this.sum(add, gradient))
            })?;
        }
        for id in (0..self.graph.stages.len()).rev() {
            self.stage = id;
            if let Some(gradient) = self.gradients[id].take() {
                self.backward(id, gradient)?;
            }
        }
        Ok(self.recorded)
    }

    /// A new blocked value.
    fn value(&mut self, shape: Shape, samples: usize) -> ValueId {
        self.push(Value { layout: Layout::new(shape), samples, form: Form::Blocked, root: 0 })
    }

    fn planar(&mut self, shape: Shape, samples: usize) -> ValueId {
        self.push(Value { layout: Layout::new(shape), samples, form: Form::Planar, root: 0 })
    }

    fn push(&mut self, value: Value) -> ValueId {
        let id = self.recorded.values.len();
        self.recorded.values.push(Value { root: id, ..value });
        id
    }

    /// A new value of the size of a stage's.
    fn like(&mut self, stage: StageId) -> ValueId {
        let (shape, samples) = (self.shape(stage), self.samples(stage));
        self.value(shape, samples)
    }

    /// A new value in the memory of `old`, which nobody may read any more.
    fn renamed(&mut self, old: ValueId) -> ValueId {
        self.recorded.values.push(self.recorded.values[old]);
        self.recorded.values.len() - 1
    }

    fn shape(&self, stage: StageId) -> Shape {
        self.graph.stages[stage].shape
    }

    fn samples(&self, stage: StageId) -> usize {
        self.graph.stages[stage].copies * self.batch
    }

    /// Records a step that writes `out`.
    fn step(&mut self, action: Action, reads: &[ValueId], out: ValueId) {
        self.push_step(action, reads, Some(out));
    }

    /// Records a step that writes no value.
    fn act(&mut self, action: Action, reads: &[ValueId]) {
        self.push_step(action, reads, None);
    }

    fn push_step(&mut self, action: Action, reads: &[ValueId], out: Option<ValueId>) {
        let step = Step { action, reads: reads.to_vec(), out, stage: self.stage };
        let recorded = &mut self.recorded;
        if recorded.is_backward { &mut recorded.backward } else { &mut recorded.forward }.push(step);
    }

    /// Makes a value store the border that a kernel needs, which slides over it.
    fn store_border(&mut self, value: ValueId, kernel: KernelId) {
        self.store_padding(value, self.recorded.kernels.border(kernel));
    }

    fn store_padding(&mut self, value: ValueId, border: Padding) {
        let root = self.recorded.values[value].root;
        let own = &mut self.recorded.values[root].layout.border;
        *own = larger(*own, border);
    }

    /// The place of a kernel made for the stage that is being recorded.
    fn kernel(
        &mut self,
        make: impl FnOnce(&mut Kernels) -> madenet_kernels::Result<KernelId>,
    ) -> Result<KernelId> {
        let at = &self.graph.stages[self.stage].path;
        make(&mut self.recorded.kernels).map_err(|source| Error::Kernel { at: at.clone(), source })
    }

    fn packed(&mut self, planar: ValueId) -> ValueId {
        let Value { layout, samples, .. } = self.recorded.values[planar];
        let out = self.value(layout.shape, samples);
        self.step(Action::Pack, &[planar], out);
        out
    }

    fn unpacked(&mut self, blocked: ValueId) -> ValueId {
        let Value { layout, samples, .. } = self.recorded.values[blocked];
        let out = self.planar(layout.shape, samples);
        self.step(Action::Unpack, &[blocked], out);
        out
    }

    fn trains(&self, param: Option<usize>) -> Option<usize> {
        param.filter(|&id| self.graph.trained[id])
    }

    fn wants(&self, arg: Arg) -> bool {
        arg.flows && self.needed[arg.stage]
    }
}
