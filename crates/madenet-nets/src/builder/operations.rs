//! The operations that networks are written with.

use madenet_kernels::{Activation, Interpolation, Pool2d, Shape};

use super::{Builder, ConvSpec, ConvTransposeSpec, Val};
use crate::net::{BatchNorm, Init, Op, ParamId, ParamSpec, Role};
use crate::{Error, Result};

impl Builder {
    /// Convolution with parameters `name.weight` and, if it has a bias, `name.bias`.
    ///
    /// # Errors
    /// [`Error::Shape`] if no window fits or the groups do not divide the channels; [`Error::ParamClash`].
    pub fn conv2d(&mut self, name: &str, x: Val, spec: ConvSpec) -> Result<Val> {
        let ConvSpec { out, geometry, bias, init } = spec;
        let s = self.node(x, name)?.shape;
        let (h, w) = self.fit(name, geometry.output((s.h, s.w)), &geometry, s)?;
        self.check_groups(name, geometry.groups, s.c, out)?;
        let (kh, kw) = geometry.kernel;
        let weight = vec![out, s.c / geometry.groups, kh, kw];
        let (weight, bias) = self.conv_params(name, weight, bias.then_some(out), init)?;
        self.push(name, Op::Conv2d { geometry, weight, bias }, &[x], Shape::new(out, h, w))
    }

    /// Transposed convolution with parameters `name.weight` and, if it has a bias, `name.bias`.
    ///
    /// # Errors
    /// As [`conv2d`](Self::conv2d).
    pub fn conv_transpose2d(&mut self, name: &str, x: Val, spec: ConvTransposeSpec) -> Result<Val> {
        let ConvTransposeSpec { out, geometry, bias, init } = spec;
        let s = self.node(x, name)?.shape;
        let (h, w) = self.fit(name, geometry.output((s.h, s.w)), &geometry, s)?;
        self.check_groups(name, geometry.groups, s.c, out)?;
        let (kh, kw) = geometry.kernel;
        let weight = vec![s.c, out / geometry.groups, kh, kw];
        let (weight, bias) = self.conv_params(name, weight, bias.then_some(out), init)?;
        self.push(name, Op::ConvTranspose2d { geometry, weight, bias }, &[x], Shape::new(out, h, w))
    }

    /// Batch normalisation with PyTorch's constants: eps 1e-5, momentum 0.1.
    ///
    /// # Errors
    /// [`Error::ParamClash`].
    pub fn batch_norm(&mut self, name: &str, x: Val) -> Result<Val> {
        self.batch_norm_with(name, x, 1e-5, 0.1)
    }

    /// Batch normalisation with parameters `name.weight`, `name.bias`, `name.running_mean` and `name.running_var`.
    ///
    /// # Errors
    /// [`Error::ParamClash`].
    pub fn batch_norm_with(&mut self, name: &str, x: Val, eps: f32, momentum: f32) -> Result<Val> {
        self.norm(name, x, (eps, momentum), Init::Constant(1.0))
    }

    /// As [`batch_norm`](Self::batch_norm), with scales that start like this instead of at 1.
    ///
    /// # Errors
    /// [`Error::ParamClash`].
    pub fn batch_norm_from(&mut self, name: &str, x: Val, scale: Init) -> Result<Val> {
        self.norm(name, x, (1e-5, 0.1), scale)
    }

    fn norm(&mut self, name: &str, x: Val, (eps, momentum): (f32, f32), scale: Init) -> Result<Val> {
        let shape = self.node(x, name)?.shape;
        let mut param = |suffix, role, init| {
            let spec = ParamSpec { shape: vec![shape.c], role, init };
            self.param(&format!("{name}.{suffix}"), spec)
        };
        let op = Op::BatchNorm(BatchNorm {
            eps,
            momentum,
            scale: param("weight", Role::Scale, scale)?,
            shift: param("bias", Role::Shift, Init::Constant(0.0))?,
            mean: param("running_mean", Role::RunningMean, Init::Constant(0.0))?,
            var: param("running_var", Role::RunningVar, Init::Constant(1.0))?,
        });
        self.push(name, op, &[x], shape)
    }

    /// A function of every value.
    ///
    /// # Errors
    /// Only [`Error::Foreign`].
    pub fn activation(&mut self, x: Val, activation: Activation) -> Result<Val> {
        self.same_shape(Op::Activation(activation), x)
    }

    /// `max(x, 0)`.
    ///
    /// # Errors
    /// Only [`Error::Foreign`].
    pub fn relu(&mut self, x: Val) -> Result<Val> {
        self.activation(x, Activation::Relu)
    }

    /// `x` where positive, else `slope * x`.
    ///
    /// # Errors
    /// Only [`Error::Foreign`].
    pub fn leaky_relu(&mut self, x: Val, slope: f32) -> Result<Val> {
        self.activation(x, Activation::LeakyRelu(slope))
    }

    /// `x * sigmoid(x)`.
    ///
    /// # Errors
    /// Only [`Error::Foreign`].
    pub fn silu(&mut self, x: Val) -> Result<Val> {
        self.activation(x, Activation::Silu)
    }

    /// `1 / (1 + exp(-x))`.
    ///
    /// # Errors
    /// Only [`Error::Foreign`].
    pub fn sigmoid(&mut self, x: Val) -> Result<Val> {
        self.activation(x, Activation::Sigmoid)
    }

    /// `a + b`, of one shape.
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes differ.
    pub fn add(&mut self, a: Val, b: Val) -> Result<Val> {
        let (s, t) = (self.node(a, "add")?.shape, self.node(b, "add")?.shape);
        if s != t {
            return Err(self.shape_error("add", s, t));
        }
        self.push("add", Op::Add, &[a, b], s)
    }

    /// `a * b`, where `b` has `a`'s shape or one value per channel (`c x 1 x 1`).
    ///
    /// # Errors
    /// [`Error::Shape`] if `b` has another shape.
    pub fn multiply(&mut self, a: Val, b: Val) -> Result<Val> {
        let (s, t) = (self.node(a, "multiply")?.shape, self.node(b, "multiply")?.shape);
        if t != s && t != Shape::new(s.c, 1, 1) {
            return Err(self.shape_error("multiply", format!("{s} or {}x1x1", s.c), t));
        }
        self.push("multiply", Op::Multiply, &[a, b], s)
    }

    /// The channels of all of `parts`, one after another.
    ///
    /// # Errors
    /// [`Error::Shape`] if there are none or their heights or widths differ.
    pub fn concat(&mut self, parts: &[Val]) -> Result<Val> {
        let shapes = parts.iter().map(|&v| self.shape(v)).collect::<Result<Vec<_>>>()?;
        let Some(&first) = shapes.first() else {
            return Err(self.shape_error("concat", "at least one value", "none"));
        };
        if let Some(&other) = shapes.iter().find(|s| (s.h, s.w) != (first.h, first.w)) {
            return Err(self.shape_error("concat", format!("height and width of {first}"), other));
        }
        let c = shapes.iter().map(|s| s.c).sum();
        self.push("concat", Op::ConcatChannels, parts, Shape { c, ..first })
    }

    /// The samples of all of `parts`, one after another.
    ///
    /// # Errors
    /// [`Error::Shape`] if there are none or their shapes differ.
    pub fn concat_batch(&mut self, parts: &[Val]) -> Result<Val> {
        let shapes = parts.iter().map(|&v| self.shape(v)).collect::<Result<Vec<_>>>()?;
        let Some(&first) = shapes.first() else {
            return Err(self.shape_error("concat_batch", "at least one value", "none"));
        };
        if let Some(&other) = shapes.iter().find(|&&s| s != first) {
            return Err(self.shape_error("concat_batch", first, other));
        }
        self.push("concat_batch", Op::ConcatBatch, parts, first)
    }

    /// Largest value of every window.
    ///
    /// # Errors
    /// [`Error::Shape`] if no window fits, or the padding is not smaller than the window.
    pub fn max_pool2d(&mut self, x: Val, geometry: Pool2d) -> Result<Val> {
        let s = self.node(x, "max_pool2d")?.shape;
        let (h, w) = self.fit("max_pool2d", geometry.output((s.h, s.w)), &geometry, s)?;
        self.push("max_pool2d", Op::MaxPool2d(geometry), &[x], Shape { h, w, ..s })
    }

    /// Mean value of every window; `count_include_pad` (PyTorch's default: true) counts padding as zeros in the mean.
    ///
    /// # Errors
    /// As [`max_pool2d`](Self::max_pool2d).
    pub fn avg_pool2d(&mut self, x: Val, geometry: Pool2d, count_include_pad: bool) -> Result<Val> {
        let s = self.node(x, "avg_pool2d")?.shape;
        let (h, w) = self.fit("avg_pool2d", geometry.output((s.h, s.w)), &geometry, s)?;
        self.push("avg_pool2d", Op::AvgPool2d { geometry, count_include_pad }, &[x], Shape { h, w, ..s })
    }

    /// Mean of every channel: `c x 1 x 1`.
    ///
    /// # Errors
    /// Only [`Error::Foreign`].
    pub fn global_avg_pool(&mut self, x: Val) -> Result<Val> {
        let s = self.shape(x)?;
        self.push("global_avg_pool", Op::GlobalAvgPool, &[x], Shape::new(s.c, 1, 1))
    }

    /// Resizes feature maps to `(height, width)`.
    ///
    /// # Errors
    /// [`Error::Shape`] if a size is 0.
    pub fn interpolate(&mut self, x: Val, (h, w): (usize, usize), mode: Interpolation) -> Result<Val> {
        let s = self.shape(x)?;
        if s.plane() == 0 || h * w == 0 {
            return Err(self.shape_error("interpolate", "sizes above 0", format!("{s} to {h}x{w}")));
        }
        self.push("interpolate", Op::Interpolate(mode), &[x], Shape { h, w, ..s })
    }

    /// The `kernel x kernel` neighbourhood of every location as channels in the order (c, ky, kx), zeros outside.
    ///
    /// # Errors
    /// [`Error::Shape`] if `kernel` is even.
    pub fn unfold(&mut self, x: Val, kernel: usize) -> Result<Val> {
        let s = self.shape(x)?;
        if kernel.is_multiple_of(2) {
            return Err(self.shape_error("unfold", "an odd kernel", kernel));
        }
        self.push("unfold", Op::Unfold { kernel }, &[x], Shape { c: s.c * kernel * kernel, ..s })
    }

    /// Adaptive average pooling along the channels to `channels` of them.
    ///
    /// # Errors
    /// [`Error::Shape`] if `channels` is 0.
    pub fn pool_channels(&mut self, x: Val, channels: usize) -> Result<Val> {
        let s = self.shape(x)?;
        if channels == 0 || s.c == 0 {
            return Err(self.shape_error(
                "pool_channels",
                "channels above 0",
                format!("{} to {channels}", s.c),
            ));
        }
        self.push("pool_channels", Op::PoolChannels, &[x], Shape { c: channels, ..s })
    }

    /// In training, zeroes every value with probability `p` and scales the others by `1 / (1 - p)`.
    ///
    /// # Errors
    /// [`Error::Shape`] if `p` is not in `[0, 1)`.
    pub fn dropout(&mut self, name: &str, x: Val, p: f32) -> Result<Val> {
        self.check_probability(name, p)?;
        let shape = self.node(x, name)?.shape;
        self.push(name, Op::Dropout { p }, &[x], shape)
    }

    /// In training, zeroes whole samples with probability `p` and scales the others by `1 / (1 - p)` (stochastic depth).
    ///
    /// # Errors
    /// [`Error::Shape`] if `p` is not in `[0, 1)`.
    pub fn drop_path(&mut self, name: &str, x: Val, p: f32) -> Result<Val> {
        self.check_probability(name, p)?;
        let shape = self.node(x, name)?.shape;
        self.push(name, Op::DropPath { p }, &[x], shape)
    }

    /// The value, through which no gradient flows.
    ///
    /// # Errors
    /// Only [`Error::Foreign`].
    pub fn detach(&mut self, x: Val) -> Result<Val> {
        self.same_shape(Op::Detach, x)
    }

    fn same_shape(&mut self, op: Op, x: Val) -> Result<Val> {
        let (name, shape) = (op.name(), self.shape(x)?);
        self.push(name, op, &[x], shape)
    }

    fn conv_params(
        &mut self,
        name: &str,
        weight: Vec<usize>,
        bias: Option<usize>,
        init: Init,
    ) -> Result<(ParamId, Option<ParamId>)> {
        let weight =
            self.param(&format!("{name}.weight"), ParamSpec { shape: weight, role: Role::Weight, init })?;
        let bias = match bias {
            Some(out) => {
                let spec = ParamSpec { shape: vec![out], role: Role::Bias, init: Init::Constant(0.0) };
                Some(self.param(&format!("{name}.bias"), spec)?)
            }
            None => None,
        };
        Ok((weight, bias))
    }

    fn fit<G: std::fmt::Debug>(
        &self,
        name: &str,
        output: Option<(usize, usize)>,
        geometry: &G,
        got: Shape,
    ) -> Result<(usize, usize)> {
        output.ok_or_else(|| self.shape_error(name, format!("an input that fits {geometry:?}"), got))
    }

    fn check_groups(&self, name: &str, groups: usize, c: usize, out: usize) -> Result<()> {
        if groups > 0 && c > 0 && out > 0 && c.is_multiple_of(groups) && out.is_multiple_of(groups) {
            return Ok(());
        }
        Err(self.shape_error(
            name,
            format!("channels above 0 that {groups} groups divide"),
            format!("{c} to {out} channels"),
        ))
    }

    fn check_probability(&self, name: &str, p: f32) -> Result<()> {
        if (0.0..1.0).contains(&p) {
            Ok(())
        } else {
            Err(self.shape_error(name, "a probability in [0, 1)", p))
        }
    }

    pub(super) fn shape_error(&self, name: &str, expected: impl ToString, got: impl ToString) -> Error {
        Error::Shape { at: self.path(name), expected: expected.to_string(), got: got.to_string() }
    }
}
