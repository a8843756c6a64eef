//! The backward pass: what a stage's gradient gives to the stages it reads and to its parameters.

use madenet_kernels::{Conv2d, Shape};
use madenet_nets::{Activation, ConvTranspose2d, ParamId};

use super::Recorder;
use crate::Result;
use crate::tape::graph::{Arg, Kind, StageId, is_told_by_result};
use crate::tape::kernels::{Purpose, is_blocked};
use crate::tape::program::{Action, ValueId};

impl Recorder<'_> {
    /// Records what follows from `dy`, the gradient of a stage's value.
    pub(super) fn backward(&mut self, id: StageId, dy: ValueId) -> Result<()> {
        let stage = &self.graph.stages[id];
        let (args, other, activation) = (stage.args.clone(), stage.other, stage.activation);
        match stage.kind {
            Kind::Input => {
                let input = self.graph.inputs.iter().position(|&input| input == id).unwrap_or(0);
                self.act(Action::StoreInputGradient(input), &[dy]);
                Ok(())
            }
            Kind::Conv2d { geometry, weight, bias } => self.conv2d_gradient(id, dy, geometry, weight, bias),
            Kind::ConvTranspose2d { geometry, weight, bias } => {
                self.conv_transpose2d_gradient(id, dy, geometry, weight, bias)
            }
            Kind::BatchNorm { norm, is_training } => {
                let trains = self.trains(Some(norm.scale)).or(self.trains(Some(norm.shift))).is_some();
                self.norm_gradient(id, dy, is_training || trains)
            }
            Kind::Activation => {
                let told = if is_told_by_result(activation) { id } else { args[0].stage };
                let x = self.kept(told)?;
                self.spread(args[0], &[x, dy], Action::ActivationGradient(activation))
            }
            Kind::Add => {
                let dz = self.in_front_of_activation(id, dy, activation)?;
                args.into_iter().try_for_each(|arg| self.pass(arg, dz))
            }
            Kind::Interpolate(mode) => {
                let dz = self.in_front_of_activation(id, dy, activation)?;
                other.into_iter().try_for_each(|other| self.pass(other, dz))?;
                self.spread(args[0], &[dz], Action::InterpolateGradient(mode))
            }
            Kind::Multiply => self.multiply_gradient(&args, dy),
            Kind::ConcatChannels => {
                let mut first = 0;
                for arg in args {
                    self.spread(arg, &[dy], Action::CopyChannels(first))?;
                    first += self.shape(arg.stage).c;
                }
                Ok(())
            }
            Kind::ConcatBatch => {
                let mut first = 0;
                for arg in args {
                    self.spread(arg, &[dy], Action::CopySamples(first))?;
                    first += self.samples(arg.stage);
                }
                Ok(())
            }
            Kind::MaxPool2d(geometry) => {
                let (x, y) = (self.kept(args[0].stage)?, self.kept(id)?);
                self.spread(args[0], &[x, y, dy], Action::MaxPool2dGradient(geometry))
            }
            Kind::AvgPool2d { geometry, count_include_pad } => {
                self.spread(args[0], &[dy], Action::AvgPool2dGradient { geometry, count_include_pad })
            }
            Kind::GlobalAvgPool => self.spread(args[0], &[dy], Action::GlobalAvgPoolGradient),
            Kind::Unfold { kernel } => {
                let input = self.shape(args[0].stage);
                self.planar_gradient(args[0], dy, Action::UnfoldGradient { kernel, input })
            }
            Kind::PoolChannels => {
                let input = self.shape(args[0].stage);
                self.planar_gradient(args[0], dy, Action::PoolChannelsGradient { input })
            }
            Kind::Dropout { .. } => self.contribute(args[0], |this, add| {
                let out = this.like(args[0].stage);
                let mask = this.masks[id].unwrap_or(dy);
                this.step(Action::Multiply, &[dy, mask], out);
                Ok(this.sum(add, out))
            }),
            Kind::DropPath { p } => self.contribute(args[0], |this, add| {
                let out = this.like(args[0].stage);
                this.step(Action::DropPath { p }, &[dy], out);
                Ok(this.sum(add, out))
            }),
        }
    }

    /// Gives a stage a part of its gradient, if it is wanted: `make` gets what other readers have given, and gives all of it.
    pub(super) fn contribute(
        &mut self,
        arg: Arg,
        make: impl FnOnce(&mut Self, Option<ValueId>) -> Result<ValueId>,
    ) -> Result<()> {
        if self.wants(arg) {
            let add = self.gradients[arg.stage].take();
            self.gradients[arg.stage] = Some(make(self, add)?);
        }
        Ok(())
    }

    /// A part of a gradient from a step that reads `reads` and adds what there is.
    fn spread(&mut self, arg: Arg, reads: &[ValueId], action: Action) -> Result<()> {
        self.contribute(arg, |this, add| {
            let out = this.like(arg.stage);
            let reads: Vec<ValueId> = reads.iter().copied().chain(add).collect();
            this.step(action, &reads, out);
            Ok(out)
        })
    }

    /// A gradient that is passed on as it is. It may become that of several stages.
    fn pass(&mut self, arg: Arg, dy: ValueId) -> Result<()> {
        self.contribute(arg, |this, add| Ok(this.sum(add, dy)))
    }

    /// `dy` in memory that neither another stage's gradient nor `held` lies in.
    fn exclusive(&mut self, dy: ValueId, held: Option<ValueId>) -> ValueId {
        let root = |value: ValueId| self.recorded.values[value].root;
        if !self.gradients.iter().copied().chain([held]).flatten().any(|other| root(other) == root(dy)) {
            return dy;
        }
        let value = self.recorded.values[dy];
        let copy = self.value(value.layout.shape, value.samples);
        self.step(Action::Copy, &[dy], copy);
        copy
    }

    fn in_front_of_activation(
        &mut self,
        id: StageId,
        dy: ValueId,
        activation: Activation,
    ) -> Result<ValueId> {
        if activation == Activation::Identity {
            return Ok(dy);
        }
        let y = self.kept(id)?;
        let dz = self.like(id);
        self.step(Action::ActivationGradient(activation), &[y, dy], dz);
        Ok(dz)
    }

    fn norm_gradient(&mut self, id: StageId, dy: ValueId, is_summed: bool) -> Result<()> {
        let stage = &self.graph.stages[id];
        let (arg, other, activation) = (stage.args[0], stage.other, stage.activation);
        let Some(norm) = self.norm_ids[id] else { return Ok(()) };
        let x = self.kept(arg.stage)?;
        let mut dz = dy;
        if activation != Activation::Identity || is_summed {
            let mut reads = vec![x];
            if other.is_some() && activation != Activation::Identity {
                reads.push(self.kept(id)?);
            }
            if activation != Activation::Identity {
                let exclusive = self.exclusive(dy, None);
                dz = self.renamed(exclusive);
            }
            self.step(Action::NormGradient { norm, activation }, &reads, dz);
        }
        other.into_iter().try_for_each(|other| self.pass(other, dz))?;
        self.contribute(arg, |this, add| {
            let exclusive = this.exclusive(dz, add);
            let dx = this.renamed(exclusive);
            this.step(Action::NormInputGradient(norm), &[x], dx);
            Ok(this.sum(add, dx))
        })
    }

    fn multiply_gradient(&mut self, args: &[Arg], dy: ValueId) -> Result<()> {
        let (a, b) = (args[0], args[1]);
        self.contribute(a, |this, add| {
            let (factor, out) = (this.kept(b.stage)?, this.like(a.stage));
            this.step(Action::Multiply, &[dy, factor], out);
            Ok(this.sum(add, out))
        })?;
        let is_per_channel = self.shape(a.stage) != self.shape(b.stage);
        self.contribute(b, |this, add| {
            let (factor, out) = (this.kept(a.stage)?, this.like(b.stage));
            let action = if is_per_channel { Action::MultiplySums } else { Action::Multiply };
            this.step(action, &[factor, dy], out);
            Ok(this.sum(add, out))
        })
    }

    fn conv2d_gradient(
        &mut self,
        id: StageId,
        dy: ValueId,
        geometry: Conv2d,
        weight: ParamId,
        bias: Option<ParamId>,
    ) -> Result<()> {
        let arg = self.graph.stages[id].args[0];
        let (input, out) = (self.shape(arg.stage), self.shape(id).c);
        self.bias_gradient(dy, bias);
        let n = self.samples(id);
        let is_blocked = is_blocked(&geometry, input, out);
        if let Some(weight) = self.trains(Some(weight)) {
            let x = self.kept(arg.stage)?;
            if is_blocked {
                let purpose = Purpose::Conv2dWeight(geometry);
                let kernel = self.kernel(|kernels| kernels.get(purpose, input, out, n))?;
                self.store_border(x, kernel);
                self.act(Action::WeightGradient { kernel, weight }, &[x, dy]);
            } else {
                let action = Action::PlanarConv2dWeight { geometry, input, out, weight };
                self.planar_weight_gradient(x, dy, action);
            }
        }
        if !self.wants(arg) {
            return Ok(());
        }
        let purpose = Purpose::Conv2dInput(geometry);
        let kernel = if is_blocked { self.recorded.kernels.get(purpose, input, out, n).ok() } else { None };
        // A padding beyond the kernel, or a stride with dilation, have no blocked kernel.
        let Some(kernel) = kernel else {
            let action = Action::PlanarConv2dInput { geometry, input, out, weight };
            return self.planar_gradient(arg, dy, action);
        };
        self.store_border(dy, kernel);
        self.spread(arg, &[dy], Action::InputGradient { kernel, weight })
    }

    /// A transposed convolution is the gradient of a convolution with respect to its input, with the same weights: its own
    /// gradient with respect to its input is that convolution.
    fn conv_transpose2d_gradient(
        &mut self,
        id: StageId,
        dy: ValueId,
        geometry: ConvTranspose2d,
        weight: ParamId,
        bias: Option<ParamId>,
    ) -> Result<()> {
        let arg = self.graph.stages[id].args[0];
        let (small, large): (Shape, Shape) = (self.shape(arg.stage), self.shape(id));
        self.bias_gradient(dy, bias);
        let n = self.samples(id);
        let ConvTranspose2d { kernel, stride, padding, dilation, groups, .. } = geometry;
        let conv = Conv2d { kernel, stride, padding, dilation, groups };
        let is_blocked = groups == 1 && dilation == 1;
        if let Some(weight) = self.trains(Some(weight)) {
            let x = self.kept(arg.stage)?;
            if is_blocked {
                let purpose = Purpose::Conv2dWeight(conv);
                let kernel = self.kernel(|kernels| kernels.get(purpose, large, small.c, n))?;
                self.store_border(dy, kernel);
                self.act(Action::WeightGradient { kernel, weight }, &[dy, x]);
            } else {
                let action =
                    Action::PlanarConvTranspose2dWeight { geometry, input: small, out: large.c, weight };
                self.planar_weight_gradient(x, dy, action);
            }
        }
        if !is_blocked {
            let action = Action::PlanarConvTranspose2dInput { geometry, input: small, out: large.c, weight };
            return self.planar_gradient(arg, dy, action);
        }
        if !self.wants(arg) {
            return Ok(());
        }
        let kernel = self.kernel(|kernels| kernels.get(Purpose::Conv2d(conv), large, small.c, n))?;
        self.store_border(dy, kernel);
        self.contribute(arg, |this, add| {
            let out = this.like(arg.stage);
            let reads: Vec<ValueId> = [dy].into_iter().chain(add).collect();
            this.step(Action::Convolve { kernel, weight, bias: None }, &reads, out);
            Ok(out)
        })
    }

    fn bias_gradient(&mut self, dy: ValueId, bias: Option<ParamId>) {
        if let Some(bias) = self.trains(bias) {
            self.act(Action::BiasGradient(bias), &[dy]);
        }
    }

    fn planar_weight_gradient(&mut self, x: ValueId, dy: ValueId, action: Action) {
        let (x, dy) = (self.unpacked(x), self.unpacked(dy));
        self.act(action, &[x, dy]);
    }

    /// A part of a gradient from an operation that has only a planar form.
    fn planar_gradient(&mut self, arg: Arg, dy: ValueId, action: Action) -> Result<()> {
        self.contribute(arg, |this, add| {
            let dy = this.unpacked(dy);
            let (shape, samples) = (this.shape(arg.stage), this.samples(arg.stage));
            let dx = this.planar(shape, samples);
            this.step(action, &[dy], dx);
            let dx = this.packed(dx);
            Ok(this.sum(add, dx))
        })
    }
}
