//! A reader of ONNX models of its own, so that the writer does not check itself.

use std::collections::BTreeMap;

/// The fields of a message, in their order.
struct Fields(Vec<(u64, Field)>);

enum Field {
    Integer(u64),
    Float(f32),
    Bytes(Vec<u8>),
}

impl Fields {
    fn of(mut bytes: &[u8]) -> Self {
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let key = integer(&mut bytes);
            let field = match key & 7 {
                0 => Field::Integer(integer(&mut bytes)),
                2 => {
                    let len = integer(&mut bytes) as usize;
                    Field::Bytes(bytes.split_off(..len).expect("as many bytes as the length says").to_vec())
                }
                5 => Field::Float(f32::from_le_bytes(bytes.split_off(..4).unwrap().try_into().unwrap())),
                wire => panic!("field {} has wire type {wire}", key >> 3),
            };
            fields.push((key >> 3, field));
        }
        Fields(fields)
    }

    fn all(&self, number: u64) -> impl Iterator<Item = &Field> {
        self.0.iter().filter(move |(n, _)| *n == number).map(|(_, field)| field)
    }

    fn bytes<'a>(&'a self, number: u64) -> Vec<&'a [u8]> {
        let bytes = |field: &'a Field| match field {
            Field::Bytes(bytes) => bytes.as_slice(),
            _ => panic!("field {number} is no bytes"),
        };
        self.all(number).map(bytes).collect()
    }

    fn messages(&self, number: u64) -> Vec<Fields> {
        self.bytes(number).into_iter().map(Fields::of).collect()
    }

    fn message(&self, number: u64) -> Fields {
        let mut messages = self.messages(number);
        assert_eq!(messages.len(), 1, "field {number} stands once");
        messages.remove(0)
    }

    fn texts(&self, number: u64) -> Vec<String> {
        self.bytes(number).into_iter().map(|b| String::from_utf8(b.to_vec()).unwrap()).collect()
    }

    fn text(&self, number: u64) -> String {
        self.texts(number).concat()
    }

    fn integers(&self, number: u64) -> Vec<u64> {
        let integer = |field: &Field| match field {
            Field::Integer(value) => *value,
            _ => panic!("field {number} is no integer"),
        };
        self.all(number).map(integer).collect()
    }

    fn integer(&self, number: u64) -> u64 {
        let integers = self.integers(number);
        assert_eq!(integers.len(), 1, "field {number} stands once");
        integers[0]
    }
}

fn integer(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for place in 0..10 {
        let byte = *bytes.split_off_first().expect("another byte");
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            return value;
        }
    }
    panic!("an integer without an end")
}

/// What the tests look at in a model.
pub(crate) struct Model {
    pub(crate) ir_version: u64,
    pub(crate) opset: u64,
    pub(crate) name: String,
    pub(crate) nodes: Vec<Operation>,
    pub(crate) floats: BTreeMap<String, (Vec<u64>, Vec<f32>)>,
    pub(crate) integers: BTreeMap<String, Vec<u64>>,
    /// Names and axes: `"x N 3 32 32"`.
    pub(crate) inputs: Vec<String>,
    pub(crate) outputs: Vec<String>,
    pub(crate) metadata: BTreeMap<String, String>,
}

pub(crate) struct Operation {
    pub(crate) operation: String,
    pub(crate) name: String,
    pub(crate) inputs: Vec<String>,
    pub(crate) output: String,
    /// `"pads 1 1 1 1"`.
    pub(crate) attributes: Vec<String>,
}

impl Model {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let model = Fields::of(bytes);
        let opset = model.message(8);
        assert_eq!((model.text(2).as_str(), opset.text(1).as_str()), ("madenet", ""));
        let graph = model.message(7);
        let (mut floats, mut integers) = (BTreeMap::new(), BTreeMap::new());
        for tensor in graph.messages(5) {
            let (name, sizes, data) = (tensor.text(8), tensor.integers(1), tensor.bytes(9).concat());
            let product: u64 = sizes.iter().product();
            let is_new = match tensor.integer(2) {
                1 => {
                    let values: Vec<f32> =
                        data.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
                    assert_eq!((values.len() as u64, data.len() % 4), (product, 0), "{name}");
                    floats.insert(name, (sizes, values)).is_none()
                }
                7 => {
                    let values: Vec<u64> =
                        data.as_chunks().0.iter().map(|b| u64::from_le_bytes(*b)).collect();
                    assert_eq!((values.len() as u64, data.len() % 8), (product, 0), "{name}");
                    integers.insert(name, values).is_none()
                }
                other => panic!("{name} has values of type {other}"),
            };
            assert!(is_new, "two constants of one name");
        }
        let metadata = model.messages(14).into_iter().map(|m| (m.text(1), m.text(2))).collect();
        Model {
            ir_version: model.integer(1),
            opset: opset.integer(2),
            name: graph.text(2),
            nodes: graph.messages(1).iter().map(Operation::read).collect(),
            floats,
            integers,
            inputs: graph.messages(11).iter().map(port).collect(),
            outputs: graph.messages(12).iter().map(port).collect(),
            metadata,
        }
    }

    /// The operation that gives `value`.
    pub(crate) fn giving(&self, value: &str) -> &Operation {
        self.nodes.iter().find(|n| n.output == value).unwrap_or_else(|| panic!("nothing gives {value}"))
    }

    /// Every value is given once, before it is read.
    pub(crate) fn assert_sound(&self) {
        let ports = |ports: &[String]| -> Vec<String> {
            ports.iter().map(|p| p.split(' ').next().unwrap_or_default().to_string()).collect()
        };
        let constants = self.floats.keys().chain(self.integers.keys()).cloned();
        let mut known: Vec<String> = ports(&self.inputs).into_iter().chain(constants).collect();
        for node in &self.nodes {
            let read = node.inputs.iter().filter(|input| !input.is_empty());
            read.for_each(|input| assert!(known.contains(input), "{} reads {input} too early", node.name));
            assert!(!known.contains(&node.output), "two values are called {}", node.output);
            known.push(node.output.clone());
        }
        ports(&self.outputs)
            .iter()
            .for_each(|output| assert!(known.contains(output), "nothing gives {output}"));
    }
}

impl Operation {
    fn read(node: &Fields) -> Self {
        let outputs = node.texts(2);
        assert_eq!(outputs.len(), 1, "one result");
        Operation {
            operation: node.text(4),
            name: node.text(3),
            inputs: node.texts(1),
            output: outputs.concat(),
            attributes: node.messages(5).iter().map(attribute).collect(),
        }
    }
}

fn attribute(message: &Fields) -> String {
    let values = match message.integer(20) {
        1 => match message.all(2).next() {
            Some(Field::Float(value)) => value.to_string(),
            _ => panic!("no float"),
        },
        2 => message.integer(3).to_string(),
        3 => message.text(4),
        7 => message.integers(8).iter().map(u64::to_string).collect::<Vec<_>>().join(" "),
        other => panic!("an attribute of type {other}"),
    };
    format!("{} {values}", message.text(1))
}

/// Name and axes of an input or output of binary32.
fn port(message: &Fields) -> String {
    let tensor = message.message(2).message(1);
    assert_eq!(tensor.integer(1), 1, "binary32");
    let axes = tensor.message(2).messages(1);
    let axis = |axis: &Fields| axis.texts(2).pop().unwrap_or_else(|| axis.integer(1).to_string());
    [message.text(1)].into_iter().chain(axes.iter().map(axis)).collect::<Vec<_>>().join(" ")
}
