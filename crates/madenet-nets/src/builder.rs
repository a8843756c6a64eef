//! Recording: the methods that networks are written with.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use madenet_kernels::{Activation, Conv2d, ConvTranspose2d, Interpolation, Padding, Pool2d, Shape};

use crate::net::{BatchNorm, Init, Net, Node, Op, ParamId, ParamSpec, Role};
use crate::{Error, Result};

/// A value of a network that is being recorded. Copy it freely; it is only good for the builder that made it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Val {
    id: u32,
    net: u32,
}

/// Output channels, geometry, bias and start of a convolution. Made by [`conv`].
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ConvSpec {
    out: usize,
    geometry: Conv2d,
    bias: bool,
    init: Init,
}

/// A convolution to `out` channels with a square kernel `k`, stride `s` and padding `p`: no bias, one group, no dilation,
/// [`Init::KaimingNormalFanOut`].
#[must_use]
pub const fn conv(out: usize, k: usize, s: usize, p: usize) -> ConvSpec {
    ConvSpec { out, geometry: Conv2d::new(k, s, p), bias: false, init: Init::KaimingNormalFanOut }
}

impl ConvSpec {
    /// With a bias, which starts at 0.
    #[must_use]
    pub const fn with_bias(mut self) -> Self {
        self.bias = true;
        self
    }

    /// In this many groups.
    #[must_use]
    pub const fn groups(mut self, groups: usize) -> Self {
        self.geometry.groups = groups;
        self
    }

    /// With taps this far apart.
    #[must_use]
    pub const fn dilation(mut self, dilation: usize) -> Self {
        self.geometry.dilation = dilation;
        self
    }

    /// With this padding.
    #[must_use]
    pub const fn padding(mut self, padding: Padding) -> Self {
        self.geometry.padding = padding;
        self
    }

    /// With a kernel of this height and width.
    #[must_use]
    pub const fn kernel(mut self, height: usize, width: usize) -> Self {
        self.geometry.kernel = (height, width);
        self
    }

    /// With weights that start like this.
    #[must_use]
    pub const fn init(mut self, init: Init) -> Self {
        self.init = init;
        self
    }
}

/// Output channels, geometry, bias and start of a transposed convolution. Made by [`conv_transpose`].
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ConvTransposeSpec {
    out: usize,
    geometry: ConvTranspose2d,
    bias: bool,
    init: Init,
}

/// A transposed convolution to `out` channels with a square kernel `k`, stride `s` and padding `p`: no bias, one group,
/// [`Init::KaimingNormalFanOut`].
#[must_use]
pub const fn conv_transpose(out: usize, k: usize, s: usize, p: usize) -> ConvTransposeSpec {
    ConvTransposeSpec {
        out,
        geometry: ConvTranspose2d::new(k, s, p),
        bias: false,
        init: Init::KaimingNormalFanOut,
    }
}

impl ConvTransposeSpec {
    /// With a bias, which starts at 0.
    #[must_use]
    pub const fn with_bias(mut self) -> Self {
        self.bias = true;
        self
    }

    /// With this geometry.
    #[must_use]
    pub const fn geometry(mut self, geometry: ConvTranspose2d) -> Self {
        self.geometry = geometry;
        self
    }

    /// With weights that start like this.
    #[must_use]
    pub const fn init(mut self, init: Init) -> Self {
        self.init = init;
        self
    }
}

/// Records a network. See the [crate docs](crate).
///
/// A parameter's name is the scope path and the name given to the operation: `layer1.0.conv1.weight`. Asking for the same
/// name with the same specification again shares the parameter; another specification is an error.
#[derive(Debug)]
pub struct Builder {
    net: Net,
    scope: Vec<String>,
    paths: BTreeMap<String, usize>,
    tag: u32,
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}

impl Builder {
    /// A builder with nothing recorded.
    #[must_use]
    pub fn new() -> Self {
        static TAGS: AtomicU32 = AtomicU32::new(0);
        let tag = TAGS.fetch_add(1, Ordering::Relaxed);
        Builder { net: Net::default(), scope: Vec::new(), paths: BTreeMap::new(), tag }
    }

    /// Records `f` inside the scope `name`, which may hold dots: `layer1.0`.
    ///
    /// # Errors
    /// Those of `f`.
    pub fn scope<R>(&mut self, name: impl Into<String>, f: impl FnOnce(&mut Self) -> Result<R>) -> Result<R> {
        self.scope.push(name.into());
        let result = f(self);
        self.scope.pop();
        result
    }

    /// Shape of one sample of `v`.
    ///
    /// # Errors
    /// [`Error::Foreign`] if `v` belongs to another builder; so do all methods below.
    pub fn shape(&self, v: Val) -> Result<Shape> {
        Ok(self.node(v, "shape")?.shape)
    }

    /// A value given from outside, of this shape.
    pub fn input(&mut self, name: &str, shape: Shape) -> Val {
        let path = self.unique_path(name);
        self.net.inputs.push((name.to_string(), self.net.nodes.len()));
        self.add_node(Op::Input, Vec::new(), shape, 1, path)
    }

    /// Makes `v` an output of the network. Feature taps are outputs.
    ///
    /// # Errors
    /// [`Error::DuplicateOutput`].
    pub fn output(&mut self, name: &str, v: Val) -> Result<()> {
        self.node(v, name)?;
        if self.net.outputs.iter().any(|(n, _)| n == name) {
            return Err(Error::DuplicateOutput { name: name.to_string() });
        }
        self.net.outputs.push((name.to_string(), v.id as usize));
        Ok(())
    }

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
        let shape = self.node(x, name)?.shape;
        let mut param = |suffix, role, start| {
            let spec = ParamSpec { shape: vec![shape.c], role, init: Init::Constant(start) };
            self.param(&format!("{name}.{suffix}"), spec)
        };
        let op = Op::BatchNorm(BatchNorm {
            eps,
            momentum,
            scale: param("weight", Role::Scale, 1.0)?,
            shift: param("bias", Role::Shift, 0.0)?,
            mean: param("running_mean", Role::RunningMean, 0.0)?,
            var: param("running_var", Role::RunningVar, 1.0)?,
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

    /// The recorded network.
    #[must_use]
    pub fn finish(self) -> Net {
        self.net
    }

    fn path(&self, name: &str) -> String {
        self.scope
            .iter()
            .map(String::as_str)
            .chain([name])
            .filter(|s| !s.is_empty())
            .collect::<Vec<_>>()
            .join(".")
    }

    /// The path of a new node: repeated ones are numbered, so that each keys its own random numbers.
    fn unique_path(&mut self, name: &str) -> String {
        let path = self.path(name);
        let count = self.paths.entry(path.clone()).or_insert(0);
        *count += 1;
        if *count == 1 { path } else { format!("{path}#{count}") }
    }

    fn node(&self, v: Val, name: &str) -> Result<&Node> {
        if v.net == self.tag {
            Ok(&self.net.nodes[v.id as usize])
        } else {
            Err(Error::Foreign { at: self.path(name) })
        }
    }

    fn same_shape(&mut self, op: Op, x: Val) -> Result<Val> {
        let (name, shape) = (op.name(), self.shape(x)?);
        self.push(name, op, &[x], shape)
    }

    fn push(&mut self, name: &str, op: Op, args: &[Val], shape: Shape) -> Result<Val> {
        let copies = args.iter().map(|&v| Ok(self.node(v, name)?.copies)).collect::<Result<Vec<_>>>()?;
        let first = copies.first().copied().unwrap_or(1);
        let is_concat = matches!(op, Op::ConcatBatch);
        if !is_concat && copies.iter().any(|&c| c != first) {
            return Err(self.shape_error(name, "arguments of one batch", format!("{copies:?} batches")));
        }
        let copies = if is_concat { copies.iter().sum() } else { first };
        let path = self.unique_path(name);
        Ok(self.add_node(op, args.iter().map(|v| v.id as usize).collect(), shape, copies, path))
    }

    fn add_node(&mut self, op: Op, args: Vec<usize>, shape: Shape, copies: usize, path: String) -> Val {
        let id = self.net.nodes.len() as u32;
        self.net.nodes.push(Node { op, args, shape, copies, path });
        Val { id, net: self.tag }
    }

    fn param(&mut self, name: &str, spec: ParamSpec) -> Result<ParamId> {
        let name = self.path(name);
        if let Some(&id) = self.net.param_ids.get(&name) {
            let first = &self.net.params[id].1;
            return if *first == spec {
                Ok(id)
            } else {
                Err(Error::ParamClash { name, first: format!("{first:?}"), second: format!("{spec:?}") })
            };
        }
        let id = self.net.params.len();
        self.net.params.push((name.clone(), spec));
        self.net.param_ids.insert(name, id);
        Ok(id)
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

    fn shape_error(&self, name: &str, expected: impl ToString, got: impl ToString) -> Error {
        Error::Shape { at: self.path(name), expected: expected.to_string(), got: got.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(b: &mut Builder) -> Val {
        b.input("x", Shape::new(4, 8, 8))
    }

    #[test]
    fn names_are_scope_paths_and_equal_specifications_share() -> Result<()> {
        let mut b = Builder::new();
        let x = input(&mut b);
        let y =
            b.scope("layer1", |b| b.scope("0", |b| b.conv2d("conv1", x, conv(4, 3, 1, 1).with_bias())))?;
        b.scope("layer1.0", |b| b.conv2d("conv1", y, conv(4, 3, 1, 1).with_bias()))?;
        let clash = b.scope("layer1.0", |b| b.conv2d("conv1", y, conv(5, 3, 1, 1)));
        assert!(matches!(clash, Err(Error::ParamClash { ref name, .. }) if name == "layer1.0.conv1.weight"));
        let net = b.finish();
        let names: Vec<&str> = net.params().iter().map(|(n, _)| n.as_str()).collect();
        assert_eq!(names, ["layer1.0.conv1.weight", "layer1.0.conv1.bias"]);
        assert_eq!(net.nodes()[2].path, "layer1.0.conv1#2");
        Ok(())
    }

    #[test]
    fn values_of_another_builder_are_refused() {
        let x = input(&mut Builder::new());
        let mut b = Builder::new();
        assert!(matches!(b.relu(x), Err(Error::Foreign { .. })));
        assert!(matches!(b.shape(x), Err(Error::Foreign { .. })));
        assert!(matches!(b.output("x", x), Err(Error::Foreign { .. })));
    }

    #[test]
    fn misfits_name_the_place() -> Result<()> {
        let mut b = Builder::new();
        let x = input(&mut b);
        let y = b.conv2d("a", x, conv(6, 1, 1, 0))?;
        let z = b.conv2d("b", x, conv(4, 3, 2, 1))?;
        let twice = b.concat_batch(&[x, x])?;
        let refused = [
            b.conv2d("big", x, conv(4, 9, 1, 0)),
            b.conv2d("groups", x, conv(4, 3, 1, 1).groups(3)),
            b.conv2d("none", x, conv(0, 3, 1, 1)),
            b.conv_transpose2d("cut", x, conv_transpose(4, 1, 1, 4)),
            b.add(x, y),
            b.add(x, twice),
            b.multiply(x, y),
            b.concat(&[x, z]),
            b.concat(&[]),
            b.concat_batch(&[x, y]),
            b.max_pool2d(x, Pool2d::new(2, 2, 2)),
            b.interpolate(x, (0, 4), Interpolation::Nearest),
            b.unfold(x, 2),
            b.pool_channels(x, 0),
            b.dropout("drop", x, 1.0),
            b.drop_path("drop", x, f32::NAN),
        ];
        for r in refused {
            assert!(matches!(r, Err(Error::Shape { ref at, .. }) if !at.is_empty()), "{r:?}");
        }
        b.output("y", y)?;
        assert!(matches!(b.output("y", z), Err(Error::DuplicateOutput { .. })));
        Ok(())
    }

    #[test]
    fn a_joined_batch_stays_joined() -> Result<()> {
        let mut b = Builder::new();
        let x = input(&mut b);
        let y = b.concat_batch(&[x, x])?;
        let y = b.relu(y)?;
        let y = b.concat_batch(&[y, x])?;
        b.output("y", y)?;
        assert_eq!(b.finish().nodes().last().map(|n| n.copies), Some(3));
        Ok(())
    }
}
