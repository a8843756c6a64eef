//! The forward pass, and the parts of it that are computed once more.

use madenet_nets::{Activation, Conv2d, ConvTranspose2d, ParamId};

use super::Recorder;
use crate::Result;
use crate::tape::graph::{Kind, StageId};
use crate::tape::kernels::{Purpose, is_blocked};
use crate::tape::norm::Norm;
use crate::tape::program::{Action, ValueId};

impl Recorder<'_> {
    /// Records the steps of a stage on its arguments, and what is added.
    pub(super) fn forward(&mut self, id: StageId, reads: &[ValueId]) -> Result<ValueId> {
        let stage = &self.graph.stages[id];
        let activation = stage.activation;
        let simple = |this: &mut Self, action: Action| {
            let out = this.like(id);
            this.step(action, reads, out);
            Ok(out)
        };
        match stage.kind {
            Kind::Input => {
                let input = self.graph.inputs.iter().position(|&input| input == id).unwrap_or(0);
                simple(self, Action::LoadInput(input))
            }
            Kind::Conv2d { geometry, weight, bias } => self.conv2d(id, reads[0], geometry, weight, bias),
            Kind::ConvTranspose2d { geometry, weight, bias } => {
                self.conv_transpose2d(id, reads[0], geometry, weight, bias)
            }
            Kind::BatchNorm { .. } => {
                let norm = self.norm(id, reads[0]);
                simple(self, Action::Normalize { norm, activation })
            }
            Kind::Activation => simple(self, Action::Activate(activation)),
            Kind::Add => simple(self, Action::Add(activation)),
            Kind::Multiply => simple(self, Action::Multiply),
            Kind::ConcatChannels => simple(self, Action::ConcatChannels),
            Kind::ConcatBatch => simple(self, Action::ConcatBatch),
            Kind::MaxPool2d(geometry) => simple(self, Action::MaxPool2d(geometry)),
            Kind::AvgPool2d { geometry, count_include_pad } => {
                simple(self, Action::AvgPool2d { geometry, count_include_pad })
            }
            Kind::GlobalAvgPool => simple(self, Action::GlobalAvgPool),
            Kind::Interpolate(mode) => simple(self, Action::Interpolate { mode, activation }),
            Kind::Unfold { kernel } => Ok(self.planar_forward(id, reads[0], Action::Unfold { kernel })),
            Kind::PoolChannels => Ok(self.planar_forward(id, reads[0], Action::PoolChannels)),
            Kind::Dropout { p } => {
                let mask = match self.masks[id] {
                    Some(mask) => mask,
                    None => self.mask(id, p),
                };
                let out = self.like(id);
                self.step(Action::Multiply, &[reads[0], mask], out);
                Ok(out)
            }
            Kind::DropPath { p } => simple(self, Action::DropPath { p }),
        }
    }

    /// The value of a stage for the backward pass: the one that was kept, or else computed once more.
    pub(super) fn kept(&mut self, id: StageId) -> Result<ValueId> {
        if self.is_kept(id) {
            return Ok(self.forward_values[id]);
        }
        if let Some(value) = self.again[id] {
            return Ok(value);
        }
        let args: Vec<StageId> = self.graph.stages[id].reads().map(|arg| arg.stage).collect();
        let reads = args.into_iter().map(|arg| self.kept(arg)).collect::<Result<Vec<_>>>()?;
        let recorded_stage = std::mem::replace(&mut self.stage, id);
        let value = self.forward(id, &reads)?;
        self.stage = recorded_stage;
        self.again[id] = Some(value);
        Ok(value)
    }

    /// Whether a value outlives the forward pass where the backward pass needs it: what a checkpointed scope computes
    /// does not, unless others than the scope itself read it.
    fn is_kept(&self, id: StageId) -> bool {
        let Some(scope) = self.scopes[id] else { return true };
        let stages = self.graph.stages.iter().enumerate();
        self.graph.stages[id].kind == Kind::Input
            || stages
                .filter(|(_, stage)| stage.reads().any(|arg| arg.stage == id))
                .any(|(reader, _)| self.scopes[reader] != Some(scope))
    }

    fn conv2d(
        &mut self,
        id: StageId,
        x: ValueId,
        geometry: Conv2d,
        weight: ParamId,
        bias: Option<ParamId>,
    ) -> Result<ValueId> {
        let (input, out) = (self.recorded.values[x].layout.shape, self.shape(id).c);
        if !is_blocked(&geometry, input, out) {
            return Ok(self.planar_forward(id, x, Action::PlanarConv2d { geometry, input, weight, bias }));
        }
        let n = self.samples(id);
        let kernel = self.kernel(|kernels| kernels.get(Purpose::Conv2d(geometry), input, out, n))?;
        Ok(self.convolve(id, x, Action::Convolve { kernel, weight, bias }))
    }

    fn conv_transpose2d(
        &mut self,
        id: StageId,
        x: ValueId,
        geometry: ConvTranspose2d,
        weight: ParamId,
        bias: Option<ParamId>,
    ) -> Result<ValueId> {
        let (input, out) = (self.recorded.values[x].layout.shape, self.shape(id).c);
        if geometry.groups != 1 || geometry.dilation != 1 {
            let action = Action::PlanarConvTranspose2d { geometry, input, weight, bias };
            return Ok(self.planar_forward(id, x, action));
        }
        let n = self.samples(id);
        let kernel = self.kernel(|kernels| kernels.get(Purpose::ConvTranspose2d(geometry), input, out, n))?;
        Ok(self.convolve(id, x, Action::Convolve { kernel, weight, bias }))
    }

    fn convolve(&mut self, id: StageId, x: ValueId, action: Action) -> ValueId {
        if let Action::Convolve { kernel, .. } = action {
            self.store_border(x, kernel);
        }
        let out = self.like(id);
        self.step(action, &[x], out);
        out
    }

    /// An operation that has only a planar form.
    fn planar_forward(&mut self, id: StageId, x: ValueId, action: Action) -> ValueId {
        let x = self.unpacked(x);
        let (shape, samples) = (self.shape(id), self.samples(id));
        let out = self.planar(shape, samples);
        self.step(action, &[x], out);
        self.packed(out)
    }

    fn norm(&mut self, id: StageId, x: ValueId) -> usize {
        if let Some(norm) = self.norm_ids[id] {
            // Computed once more: with the statistics that were found the first time.
            return norm;
        }
        let norm_id = self.recorded.norms.len();
        if let Kind::BatchNorm { norm, is_training } = self.graph.stages[id].kind {
            let shape = self.shape(id);
            let count = shape.plane() * self.samples(id);
            self.recorded.norms.push(Norm::new(norm, is_training, shape.c, count));
        }
        self.norm_ids[id] = Some(norm_id);
        self.act(Action::Statistics(norm_id), &[x]);
        norm_id
    }

    fn mask(&mut self, id: StageId, p: f32) -> ValueId {
        let (shape, samples) = (self.shape(id), self.samples(id));
        let planar = self.planar(shape, samples);
        self.step(Action::DropoutMask { p }, &[], planar);
        let mask = self.packed(planar);
        self.masks[id] = Some(mask);
        mask
    }

    /// `a + b`, or `b` alone.
    pub(super) fn sum(&mut self, a: Option<ValueId>, b: ValueId) -> ValueId {
        let Some(a) = a else { return b };
        let value = self.recorded.values[b];
        let out = self.value(value.layout.shape, value.samples);
        self.step(Action::Add(Activation::Identity), &[a, b], out);
        out
    }
}
