//! The messages of ONNX that a network needs. Numbers of fields and types are those of `onnx.proto` (onnx 1.13, IR version 8).

use std::borrow::Cow;

use madenet_kernels::Shape;

use super::message::Message;

/// The batch axis, in the file's words.
pub(super) const BATCH: &str = "N";

/// A constant of an operation.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Attribute {
    Float(f32),
    Integer(usize),
    Integers(Vec<usize>),
    Text(&'static str),
}

/// `AttributeProto`.
fn attribute(name: &str, value: &Attribute) -> Message<'static> {
    let message = Message::new().text(1, name);
    match value {
        Attribute::Float(value) => message.float(2, *value).integer(20, 1),
        Attribute::Integer(value) => message.integer(3, *value as u64).integer(20, 2),
        Attribute::Text(text) => message.text(4, text).integer(20, 3),
        Attribute::Integers(values) => {
            message.each(values, |m, &value| m.integer(8, value as u64)).integer(20, 7)
        }
    }
}

/// `NodeProto`: one operation with one result.
pub(super) fn node(
    operation: &str,
    name: &str,
    inputs: &[String],
    output: &str,
    attributes: &[(&str, Attribute)],
) -> Message<'static> {
    Message::new()
        .each(inputs, |m, input| m.text(1, input))
        .text(2, output)
        .text(3, name)
        .text(4, operation)
        .each(attributes, |m, (name, value)| m.message(5, attribute(name, value)))
}

/// `TensorProto` of binary32.
pub(super) fn floats<'a>(name: &str, sizes: &[usize], values: Cow<'a, [f32]>) -> Message<'a> {
    tensor(name, sizes, 1).floats(9, values)
}

/// `TensorProto` of 64-bit integers with one axis.
pub(super) fn integers(name: &str, values: &[usize]) -> Message<'static> {
    let bytes = values.iter().flat_map(|&v| (v as u64).to_le_bytes()).collect();
    tensor(name, &[values.len()], 7).bytes(9, bytes)
}

fn tensor<'a>(name: &str, sizes: &[usize], data_type: u64) -> Message<'a> {
    Message::new().each(sizes, |m, &size| m.integer(1, size as u64)).integer(2, data_type).text(8, name)
}

/// `ValueInfoProto` of an input or output: binary32, a free batch of `copies` times the network's.
pub(super) fn value_info(name: &str, shape: Shape, copies: usize) -> Message<'static> {
    let batch = if copies == 1 { BATCH.to_string() } else { format!("{BATCH}_times_{copies}") };
    let batch = Message::new().message(1, Message::new().text(2, &batch));
    let sizes = [shape.c, shape.h, shape.w];
    let sizes = batch.each(sizes, |m, size| m.message(1, Message::new().integer(1, size as u64)));
    let tensor = Message::new().integer(1, 1).message(2, sizes);
    Message::new().text(1, name).message(2, Message::new().message(1, tensor))
}

/// `GraphProto`.
pub(super) fn graph<'a>(
    name: &str,
    nodes: Vec<Message<'a>>,
    initializers: Vec<Message<'a>>,
    inputs: Vec<Message<'a>>,
    outputs: Vec<Message<'a>>,
) -> Message<'a> {
    Message::new()
        .each(nodes, |m, node| m.message(1, node))
        .text(2, name)
        .each(initializers, |m, tensor| m.message(5, tensor))
        .each(inputs, |m, input| m.message(11, input))
        .each(outputs, |m, output| m.message(12, output))
}

/// `ModelProto` of this IR version and version of the default operations.
pub(super) fn model<'a>(
    (ir, opset): (u64, u64),
    graph: Message<'a>,
    metadata: impl IntoIterator<Item = (String, String)>,
) -> Message<'a> {
    Message::new()
        .integer(1, ir)
        .text(2, "madenet")
        .text(3, env!("CARGO_PKG_VERSION"))
        .message(8, Message::new().text(1, "").integer(2, opset))
        .message(7, graph)
        .each(metadata, |m, (key, value)| m.message(14, Message::new().text(1, &key).text(2, &value)))
}
