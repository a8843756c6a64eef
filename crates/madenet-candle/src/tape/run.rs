//! One step: the operation on the memory of its values.

use madenet_kernels::blocked::{self, Block, Blocked, BlockedMut};
use madenet_kernels::{self as kernels, Activation, Isa, Shape};
use madenet_nets::ParamId;
use madenet_rng::Stream;

use super::buffers::Buffers;
use super::kernels::Kernels;
use super::norm::Norm;
use super::program::{Action, Form, Step, Value};
use super::weights::Weights;
use crate::candle_net::StepKey;

/// What steps read and write.
pub(super) struct Machine<'a> {
    pub(super) values: &'a [Value],
    pub(super) buffers: &'a Buffers,
    pub(super) kernels: &'a mut Kernels,
    pub(super) norms: &'a mut [Norm],
    pub(super) weights: &'a mut Weights,
    pub(super) memory: &'a mut [Vec<Block>],
    pub(super) scratch: &'a mut [Block],
    pub(super) given: Given<'a>,
    /// Planar outputs, and gradients of the inputs.
    pub(super) outputs: &'a mut [Vec<f32>],
    pub(super) input_gradients: &'a mut [Vec<f32>],
    pub(super) key: StepKey,
}

/// What a pass starts from, planar.
#[derive(Clone, Copy)]
pub(super) enum Given<'a> {
    Inputs(&'a [&'a [f32]]),
    /// Of the outputs.
    Gradients(&'a [&'a [f32]]),
}

type Result<T> = kernels::Result<T>;

impl Machine<'_> {
    /// Runs a step of the stage called `path`.
    pub(super) fn run(&mut self, step: &Step, path: &str) -> Result<()> {
        let Some(out) = step.out else { return self.run_on(step, path, &mut []) };
        // Taken out of the memory, so that the rest of it can be read.
        let buffer = self.buffers.of(out);
        let mut blocks = std::mem::take(&mut self.memory[buffer]);
        let needed = self.values[out].blocks();
        let result = self.run_on(step, path, &mut blocks[..needed]);
        self.memory[buffer] = blocks;
        result
    }

    fn run_on(&mut self, step: &Step, path: &str, out: &mut [Block]) -> Result<()> {
        let form = step.out.map(|out| self.values[out].form);
        match step.action {
            Action::Convolve { kernel, weight, bias } => {
                let values = self.weights.values(weight);
                let bias = bias.map(|id| self.weights.values(id));
                self.kernels.set_weights(kernel, self.weights.version(weight), values, bias)?;
                self.with_scratch(|this, scratch| {
                    let (x, add, out) = (this.x(step, 0)?, this.last(step, 1)?, this.out(step, out)?);
                    this.kernels.run(kernel, x, add, out, scratch)
                })
            }
            Action::InputGradient { kernel, weight } => {
                let values = self.weights.values(weight);
                self.kernels.set_weights(kernel, self.weights.version(weight), values, None)?;
                self.with_scratch(|this, scratch| {
                    let (dy, add, out) = (this.x(step, 0)?, this.last(step, 1)?, this.out(step, out)?);
                    this.kernels.run(kernel, dy, add, out, scratch)
                })
            }
            Action::WeightGradient { kernel, weight } => self.with_gradient(weight, |this, gradient| {
                this.with_scratch(|this, scratch| {
                    let (x, dy) = (this.x(step, 0)?, this.x(step, 1)?);
                    this.kernels.run_weight_gradient(kernel, x, dy, gradient, scratch)
                })
            }),
            Action::BiasGradient(bias) => self.with_gradient(bias, |this, gradient| {
                blocked::channel_sums(Isa::best(), this.x(step, 0)?, gradient)
            }),
            Action::Statistics(id) => self.statistics(step, id),
            Action::NormGradient { norm, activation } => self.norm_gradient(step, norm, activation, out),
            Action::PlanarConv2dWeight { geometry, input, out, weight } => {
                self.with_gradient(weight, |this, gradient| {
                    let (x, dy) = (this.planar(step, 0), this.planar(step, 1));
                    kernels::conv2d_weight_gradient(&geometry, input, out, x, dy, gradient)
                })
            }
            Action::PlanarConvTranspose2dWeight { geometry, input, out, weight } => {
                self.with_gradient(weight, |this, gradient| {
                    let (x, dy) = (this.planar(step, 0), this.planar(step, 1));
                    kernels::conv_transpose2d_weight_gradient(&geometry, input, out, x, dy, gradient)
                })
            }
            Action::StoreOutput(i) => {
                let mut planar = std::mem::take(&mut self.outputs[i]);
                let result = self.store(step, &mut planar);
                self.outputs[i] = planar;
                result
            }
            Action::StoreInputGradient(i) => {
                let mut planar = std::mem::take(&mut self.input_gradients[i]);
                let result = self.store(step, &mut planar);
                self.input_gradients[i] = planar;
                result
            }
            _ if form == Some(Form::Planar) => self.run_planar(step, path, out),
            _ => self.run_blocked(step, path, out),
        }
    }

    /// Operations whose result is a blocked value.
    fn run_blocked(&self, step: &Step, path: &str, out: &mut [Block]) -> Result<()> {
        let isa = Isa::best();
        let out = self.out(step, out)?;
        match step.action {
            Action::LoadInput(i) | Action::LoadGradient(i) => {
                let (Given::Inputs(given) | Given::Gradients(given)) = self.given;
                blocked::pack(isa, given[i], out)
            }
            Action::Pack => blocked::pack(isa, self.planar(step, 0), out),
            Action::Copy => blocked::activation(isa, Activation::Identity, self.x(step, 0)?, out),
            Action::Normalize { norm, activation } => {
                let (x, other) = (self.x(step, 0)?, self.last(step, 1)?);
                blocked::normalize(isa, &self.norms[norm].normalization, x, other, activation, out)
            }
            Action::NormInputGradient(id) => {
                let gradient = self.norms[id].input_gradient();
                blocked::normalize_input_gradient(isa, &gradient, self.x(step, 0)?, out)
            }
            Action::Activate(activation) => blocked::activation(isa, activation, self.x(step, 0)?, out),
            Action::ActivationGradient(activation) => {
                let (x, dy, add) = (self.x(step, 0)?, self.x(step, 1)?, self.last(step, 2)?);
                blocked::activation_gradient(isa, activation, x, dy, add, out)
            }
            Action::Add(activation) => blocked::add(isa, self.x(step, 0)?, self.x(step, 1)?, activation, out),
            Action::Multiply => blocked::multiply(isa, self.x(step, 0)?, self.x(step, 1)?, out),
            Action::MultiplySums => blocked::multiply_sums(isa, self.x(step, 0)?, self.x(step, 1)?, out),
            Action::ConcatChannels => blocked::concat_channels(isa, &self.all(step)?, out),
            Action::ConcatBatch => blocked::concat_batch(&self.all(step)?, out),
            Action::CopyChannels(first) => {
                blocked::copy_channels(isa, self.x(step, 0)?, first, self.last(step, 1)?, out)
            }
            Action::CopySamples(first) => {
                blocked::copy_samples(isa, self.x(step, 0)?, first, self.last(step, 1)?, out)
            }
            Action::MaxPool2d(geometry) => blocked::max_pool2d(isa, geometry, self.x(step, 0)?, out),
            Action::MaxPool2dGradient(geometry) => {
                let (x, y, dy) = (self.x(step, 0)?, self.x(step, 1)?, self.x(step, 2)?);
                blocked::max_pool2d_gradient(isa, geometry, x, y, dy, self.last(step, 3)?, out)
            }
            Action::AvgPool2d { geometry, count_include_pad } => {
                blocked::avg_pool2d(isa, geometry, count_include_pad, self.x(step, 0)?, out)
            }
            Action::AvgPool2dGradient { geometry, count_include_pad } => {
                let (dy, add) = (self.x(step, 0)?, self.last(step, 1)?);
                blocked::avg_pool2d_gradient(isa, geometry, count_include_pad, dy, add, out)
            }
            Action::GlobalAvgPool => blocked::global_avg_pool(isa, self.x(step, 0)?, out),
            Action::GlobalAvgPoolGradient => {
                blocked::global_avg_pool_gradient(isa, self.x(step, 0)?, self.last(step, 1)?, out)
            }
            Action::Interpolate { mode, activation } => {
                blocked::interpolate(isa, mode, self.x(step, 0)?, self.last(step, 1)?, activation, out)
            }
            Action::InterpolateGradient(mode) => {
                blocked::interpolate_gradient(isa, mode, self.x(step, 0)?, self.last(step, 1)?, out)
            }
            Action::DropPath { p } => {
                let x = self.x(step, 0)?;
                let factors = self.factors(path, p, x.batch());
                blocked::scale_samples(isa, x, &factors, out)
            }
            action => Err(unfit(action)),
        }
    }

    /// Operations whose result is a planar value.
    fn run_planar(&self, step: &Step, path: &str, out: &mut [Block]) -> Result<()> {
        let Some(value) = step.out.map(|out| self.values[out]) else { return Err(unfit(step.action)) };
        let shape = value.layout.shape;
        let out = &mut Block::floats_mut(out)[..value.samples * shape.len()];
        match step.action {
            Action::Unpack => blocked::unpack(Isa::best(), self.x(step, 0)?, out),
            Action::DropoutMask { p } => {
                out.copy_from_slice(&self.factors(path, p, out.len()));
                Ok(())
            }
            Action::PlanarConv2d { geometry, input, weight, bias } => {
                let (weight, bias) = self.parameters(weight, bias);
                let identity = Activation::Identity;
                let kernel = kernels::Conv2dKernel::new(geometry, input, shape.c, weight, bias, identity)?;
                kernel.run(self.planar(step, 0), None, out)
            }
            Action::PlanarConvTranspose2d { geometry, input, weight, bias } => {
                let (weight, bias) = self.parameters(weight, bias);
                let identity = Activation::Identity;
                let kernel =
                    kernels::ConvTranspose2dKernel::new(geometry, input, shape.c, weight, bias, identity)?;
                kernel.run(self.planar(step, 0), out)
            }
            Action::Unfold { kernel } => {
                let (input, x) = self.source(step, shape.c / (kernel * kernel), shape);
                kernels::unfold(kernel, input, x, out)
            }
            Action::PoolChannels => {
                let input = step.reads.first().map_or(shape, |&x| self.values[x].layout.shape);
                kernels::pool_channels(input, shape.c, self.planar(step, 0), out)
            }
            action => {
                // These add to what there is.
                out.fill(0.0);
                self.add_planar(action, self.planar(step, 0), step, out)
            }
        }
    }

    fn add_planar(&self, action: Action, dy: &[f32], step: &Step, dx: &mut [f32]) -> Result<()> {
        match action {
            Action::PlanarConv2dInput { geometry, input, out, weight } => {
                let weight = self.weights.values(weight);
                kernels::conv2d_input_gradient(&geometry, input, out, weight, dy, dx)
            }
            Action::PlanarConvTranspose2dInput { geometry, input, out, weight } => {
                let weight = self.weights.values(weight);
                kernels::conv_transpose2d_input_gradient(&geometry, input, out, weight, dy, dx)
            }
            Action::UnfoldGradient { kernel, input } => kernels::unfold_gradient(kernel, input, dy, dx),
            Action::PoolChannelsGradient { input } => {
                let channels = step.reads.first().map_or(0, |&dy| self.values[dy].layout.shape.c);
                kernels::pool_channels_gradient(input, channels, dy, dx)
            }
            action => Err(unfit(action)),
        }
    }

    fn statistics(&mut self, step: &Step, id: usize) -> Result<()> {
        let x = step.reads[0];
        let (value, buffer) = (&self.values[x], &self.memory[self.buffers.of(x)]);
        let x = Blocked::new(value.layout, value.samples, &buffer[..value.blocks()])?;
        let norm = &mut self.norms[id];
        if norm.is_training {
            blocked::moments(Isa::best(), x, &mut norm.mean, &mut norm.var)?;
        } else {
            let copy = |to: &mut [f64], from: &[f32]| {
                to.iter_mut().zip(from).for_each(|(to, from)| *to = f64::from(*from));
            };
            copy(&mut norm.mean, self.weights.values(norm.norm.mean));
            copy(&mut norm.var, self.weights.values(norm.norm.var));
        }
        norm.set(self.weights.values(norm.norm.scale), self.weights.values(norm.norm.shift))
    }

    /// The gradient in front of the activation, and what the normalisation's own parameters get.
    fn norm_gradient(
        &mut self,
        step: &Step,
        id: usize,
        activation: Activation,
        out: &mut [Block],
    ) -> Result<()> {
        let mut sums = std::mem::take(&mut self.norms[id].sums);
        let result = self.out(step, out).and_then(|dz| {
            let (x, y) = (self.x(step, 0)?, self.last(step, 1)?);
            let normalization = &self.norms[id].normalization;
            blocked::normalize_gradient(Isa::best(), normalization, x, activation, y, dz, &mut sums)
        });
        let norm = &mut self.norms[id];
        norm.sums = sums;
        let mut add = |param: ParamId, of: &dyn Fn(usize) -> f32| {
            if let Some(gradient) = self.weights.gradient_mut(param) {
                gradient.iter_mut().enumerate().for_each(|(c, gradient)| *gradient += of(c));
            }
        };
        add(norm.norm.scale, &|c| norm.scale_gradient(c));
        add(norm.norm.shift, &|c| norm.shift_gradient(c));
        result
    }

    /// Calls `f` with the gradient of a parameter, to add to.
    fn with_gradient(
        &mut self,
        param: ParamId,
        f: impl FnOnce(&mut Self, &mut [f32]) -> Result<()>,
    ) -> Result<()> {
        let mut gradient = self.weights.take_gradient(param);
        let result = f(self, &mut gradient);
        self.weights.put_gradient(param, gradient);
        result
    }

    /// Calls `f` with the scratch memory, taken out of the machine so that the rest of it can be read.
    fn with_scratch(&mut self, f: impl FnOnce(&Self, &mut [Block]) -> Result<()>) -> Result<()> {
        let scratch = std::mem::take(&mut self.scratch);
        let result = f(self, scratch);
        self.scratch = scratch;
        result
    }

    fn store(&self, step: &Step, planar: &mut Vec<f32>) -> Result<()> {
        let x = self.x(step, 0)?;
        planar.clear();
        planar.resize(x.batch() * x.layout().shape.len(), 0.0);
        blocked::unpack(Isa::best(), x, planar)
    }

    /// Factors that are 0 with probability `p`, else `1 / (1 - p)`: as [`ops::dropout`](crate::ops::dropout) draws them.
    fn factors(&self, path: &str, p: f32, count: usize) -> Vec<f32> {
        let mut stream = Stream::new(self.key.seed, path, self.key.step, 0);
        let kept = 1.0 / (1.0 - p);
        (0..count).map(|_| if stream.uniform() >= p { kept } else { 0.0 }).collect()
    }

    fn parameters(&self, weight: ParamId, bias: Option<ParamId>) -> (&[f32], Option<&[f32]>) {
        (self.weights.values(weight), bias.map(|id| self.weights.values(id)))
    }

    fn source(&self, step: &Step, c: usize, shape: Shape) -> (Shape, &[f32]) {
        (Shape { c, ..shape }, self.planar(step, 0))
    }

    /// The step's read `i`, blocked.
    fn x(&self, step: &Step, i: usize) -> Result<Blocked<'_>> {
        let id = step.reads[i];
        let value = &self.values[id];
        Blocked::new(value.layout, value.samples, &self.memory[self.buffers.of(id)][..value.blocks()])
    }

    /// The read `i`, if there is one.
    fn last(&self, step: &Step, i: usize) -> Result<Option<Blocked<'_>>> {
        if i < step.reads.len() { self.x(step, i).map(Some) } else { Ok(None) }
    }

    fn all(&self, step: &Step) -> Result<Vec<Blocked<'_>>> {
        (0..step.reads.len()).map(|i| self.x(step, i)).collect()
    }

    fn planar(&self, step: &Step, i: usize) -> &[f32] {
        let id = step.reads[i];
        let value = &self.values[id];
        &Block::floats(&self.memory[self.buffers.of(id)])[..value.samples * value.layout.shape.len()]
    }

    fn out<'b>(&self, step: &Step, blocks: &'b mut [Block]) -> Result<BlockedMut<'b>> {
        match step.out {
            Some(out) => BlockedMut::new(self.values[out].layout, self.values[out].samples, blocks),
            None => Err(unfit(step.action)),
        }
    }
}

/// The recorder gives every action the values that it takes.
fn unfit(action: Action) -> kernels::Error {
    kernels::Error::Geometry { what: "tape", reason: format!("{action:?} cannot run on these values") }
}
