//! Recording: names, shapes and parameters; the operations themselves are in `operations.rs`.

mod conv_spec;
mod operations;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use madenet_kernels::Shape;

use crate::net::{Net, Node, Op, ParamId, ParamSpec};
use crate::{Error, Result};
pub use conv_spec::{ConvSpec, ConvTransposeSpec, conv, conv_transpose};

/// A value of a network that is being recorded. Copy it freely; it is only good for the builder that made it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Val {
    id: u32,
    net: u32,
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
}

#[cfg(test)]
mod tests {
    use madenet_kernels::{Interpolation, Pool2d};

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
