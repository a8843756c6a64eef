//! The graph in the making: names, operations and constants.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::message::Message;
use super::options::OnnxPixels;
use super::proto::{self, Attribute};
use super::{OnnxModel, check_size};
use crate::net::{Net, NodeId, ParamId};
use crate::{Error, Result};

/// What ONNX calls values, parameters among them: every name stands for one value. Inputs, outputs and parameters keep
/// theirs; a node's value has its scope path, numbered where that is taken.
pub(super) struct Graph<'a> {
    pub(super) net: &'a Net,
    /// Name of every node's value.
    values: Vec<String>,
    taken: BTreeSet<String>,
    operations: Vec<Message<'a>>,
    constants: Vec<Message<'a>>,
}

impl<'a> Graph<'a> {
    /// The graph of `net` with the values of all of its parameters, without operations.
    pub(super) fn new(net: &'a Net, params: &[&'a [f32]]) -> Result<Self> {
        let mut graph = Graph {
            net,
            values: vec![String::new(); net.nodes().len()],
            taken: BTreeSet::new(),
            operations: Vec::new(),
            constants: Vec::new(),
        };
        let ports = net.inputs().iter().chain(net.outputs()).map(|(name, _)| name);
        for name in ports.chain(net.params().iter().map(|(name, _)| name)) {
            let refused = |expected: &str, got: &str| {
                Err(Error::Onnx {
                    what: format!("{name:?}"),
                    expected: expected.to_string(),
                    got: got.to_string(),
                })
            };
            if name.is_empty() {
                return refused("names for inputs, outputs and parameters", "an empty one");
            }
            if !graph.taken.insert(name.clone()) {
                return refused("inputs, outputs and parameters of different names", "two of this one");
            }
        }
        for ((name, spec), values) in net.params().iter().zip(params) {
            graph.constants.push(proto::floats(name, &spec.shape, Cow::Borrowed(values)));
        }
        for (name, id) in net.inputs() {
            graph.values[*id].clone_from(name);
        }
        for (name, id) in net.outputs() {
            if graph.values[*id].is_empty() {
                graph.values[*id].clone_from(name);
            }
        }
        for (id, node) in net.nodes().iter().enumerate() {
            if graph.values[id].is_empty() {
                graph.values[id] = graph.free_name(&node.path);
            }
        }
        Ok(graph)
    }

    /// The inputs, operations, constants and outputs, as the file has them.
    pub(super) fn finish(mut self, name: &str) -> Message<'a> {
        let net = self.net;
        for (output, id) in net.outputs() {
            // A network's input, or another output, under this name, too.
            if self.values[*id] != *output {
                let value = self.values[*id].clone();
                self.operations.push(proto::node("Identity", output, &[value], output, &[]));
            }
        }
        let port = |(name, id): &(String, NodeId)| {
            let node = &net.nodes()[*id];
            proto::value_info(name, node.shape, node.copies)
        };
        let inputs = net.inputs().iter().map(port).collect();
        let outputs = net.outputs().iter().map(port).collect();
        proto::graph(name, self.operations, self.constants, inputs, outputs)
    }

    /// The value of node `id`.
    pub(super) fn value(&self, id: NodeId) -> String {
        self.values[id].clone()
    }

    /// The value of parameter `id`.
    pub(super) fn param(&self, id: ParamId) -> String {
        self.net.params()[id].0.clone()
    }

    /// The operation that gives the value of node `id`.
    pub(super) fn operation(
        &mut self,
        id: NodeId,
        operation: &str,
        inputs: &[String],
        attributes: &[(&str, Attribute)],
    ) {
        let node = proto::node(operation, &self.net.nodes()[id].path, inputs, &self.values[id], attributes);
        self.operations.push(node);
    }

    /// An operation on the way to the value of node `id`; gives its own.
    pub(super) fn step(
        &mut self,
        id: NodeId,
        operation: &str,
        inputs: &[String],
        attributes: &[(&str, Attribute)],
    ) -> String {
        let name = self.name_within(id, &operation.to_lowercase());
        self.operations.push(proto::node(operation, &name, inputs, &name, attributes));
        name
    }

    /// A constant of node `id` with these sizes; `values` gives as many.
    pub(super) fn floats(
        &mut self,
        id: NodeId,
        name: &str,
        sizes: &[usize],
        values: impl FnOnce(usize) -> Vec<f32>,
    ) -> Result<String> {
        // Before a constant that no file could hold fills the memory.
        let len = sizes.iter().fold(1_usize, |n, &size| n.saturating_mul(size));
        check_size((len as u64).saturating_mul(4), OnnxModel::MAX_BYTES)?;
        let name = self.name_within(id, name);
        self.constants.push(proto::floats(&name, sizes, Cow::Owned(values(len))));
        Ok(name)
    }

    /// A constant of node `id`: sizes, or places along an axis.
    pub(super) fn integers(&mut self, id: NodeId, name: &str, values: &[usize]) -> String {
        let name = self.name_within(id, name);
        self.constants.push(proto::integers(&name, values));
        name
    }

    /// Normalises the pixels of input `id`: `(x - white mean) / (white std)`. Who reads the input then reads the result.
    pub(super) fn normalise(&mut self, id: NodeId, pixels: &OnnxPixels) -> Result<()> {
        let sizes = [1, self.net.nodes()[id].shape.c, 1, 1];
        let shift = self.floats(id, "mean", &sizes, |_| pixels.shifts().collect())?;
        let scale = self.floats(id, "std", &sizes, |_| pixels.scales().collect())?;
        let centred = self.step(id, "Sub", &[self.value(id), shift], &[]);
        self.values[id] = self.step(id, "Div", &[centred, scale], &[]);
        Ok(())
    }

    fn name_within(&mut self, id: NodeId, name: &str) -> String {
        self.free_name(&format!("{}.{name}", self.net.nodes()[id].path))
    }

    /// `name`, numbered if it is taken.
    fn free_name(&mut self, name: &str) -> String {
        let mut free = name.to_string();
        let mut count = 1;
        while !self.taken.insert(free.clone()) {
            count += 1;
            free = format!("{name}#{count}");
        }
        free
    }
}
