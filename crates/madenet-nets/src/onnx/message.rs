//! Protocol buffers, the format under ONNX: a message is a list of numbered fields, each an integer of variable length, four
//! bytes, or bytes behind their length; a message within a message is such bytes.
//!
//! These lines instead of the crate `prost`: its structures would hold a second copy of all weights, its macros bring more
//! crates into the build, and ONNX needs a dozen messages of a few fields here.

use std::borrow::Cow;

/// Weights that are brought into bytes at a time, in values.
const BLOCK: usize = 1024;

/// A message to be written. Its length is known from the start, as the format wants it in front.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Message<'a> {
    fields: Vec<(u32, Value<'a>)>,
    len: u64,
}

#[derive(Clone, PartialEq, Debug)]
enum Value<'a> {
    Integer(u64),
    Float(f32),
    Bytes(Vec<u8>),
    /// Little-endian bytes of these values.
    Floats(Cow<'a, [f32]>),
    Message(Message<'a>),
}

impl<'a> Message<'a> {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn integer(self, field: u32, value: u64) -> Self {
        self.with(field, Value::Integer(value))
    }

    pub(super) fn float(self, field: u32, value: f32) -> Self {
        self.with(field, Value::Float(value))
    }

    pub(super) fn text(self, field: u32, text: &str) -> Self {
        self.bytes(field, text.as_bytes().to_vec())
    }

    pub(super) fn bytes(self, field: u32, bytes: Vec<u8>) -> Self {
        self.with(field, Value::Bytes(bytes))
    }

    pub(super) fn floats(self, field: u32, values: Cow<'a, [f32]>) -> Self {
        self.with(field, Value::Floats(values))
    }

    pub(super) fn message(self, field: u32, message: Message<'a>) -> Self {
        self.with(field, Value::Message(message))
    }

    /// One field for every item.
    pub(super) fn each<T>(
        self,
        items: impl IntoIterator<Item = T>,
        add: impl Fn(Self, T) -> Self,
    ) -> Message<'a> {
        items.into_iter().fold(self, add)
    }

    /// Bytes of the message.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Gives the bytes to `sink`, piece by piece.
    pub(super) fn emit<E>(&self, sink: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        for (field, value) in &self.fields {
            sink(&varint(value.key(*field)))?;
            match value {
                Value::Integer(value) => sink(&varint(*value))?,
                Value::Float(value) => sink(&value.to_le_bytes())?,
                Value::Bytes(bytes) => {
                    sink(&varint(bytes.len() as u64))?;
                    sink(bytes)?;
                }
                Value::Floats(values) => {
                    sink(&varint(value.len()))?;
                    for block in values.chunks(BLOCK) {
                        sink(&block.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>())?;
                    }
                }
                Value::Message(message) => {
                    sink(&varint(message.len))?;
                    message.emit(sink)?;
                }
            }
        }
        Ok(())
    }

    fn with(mut self, field: u32, value: Value<'a>) -> Self {
        let len = value.len();
        let prefix = match value {
            Value::Integer(_) | Value::Float(_) => 0,
            Value::Bytes(_) | Value::Floats(_) | Value::Message(_) => varint(len).len(),
        };
        self.len += (varint(value.key(field)).len() + prefix) as u64 + len;
        self.fields.push((field, value));
        self
    }
}

impl Value<'_> {
    /// Number of the field and how its end is found: 0 an integer, 2 a length, 5 four bytes.
    fn key(&self, field: u32) -> u64 {
        let wire = match self {
            Value::Integer(_) => 0,
            Value::Bytes(_) | Value::Floats(_) | Value::Message(_) => 2,
            Value::Float(_) => 5,
        };
        u64::from(field) << 3 | wire
    }

    fn len(&self) -> u64 {
        match self {
            Value::Integer(value) => varint(*value).len() as u64,
            Value::Float(_) => 4,
            Value::Bytes(bytes) => bytes.len() as u64,
            Value::Floats(values) => values.len() as u64 * 4,
            Value::Message(message) => message.len,
        }
    }
}

/// Seven bits a byte, the lowest first; the eighth says that more follow.
fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2);
    while value > 0x7f {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    fn bytes(message: &Message<'_>) -> Vec<u8> {
        let mut all = Vec::new();
        let Ok(()) = message.emit::<Infallible>(&mut |part| {
            all.extend_from_slice(part);
            Ok(())
        });
        assert_eq!(all.len() as u64, message.len());
        all
    }

    /// The examples of the format's documentation (protobuf.dev, "Encoding").
    #[test]
    fn bytes_are_those_of_the_format() {
        let test1 = Message::new().integer(1, 150);
        assert_eq!(bytes(&test1), [0x08, 0x96, 0x01]);
        let test2 = Message::new().text(2, "testing");
        assert_eq!(bytes(&test2), *b"\x12\x07testing");
        let test3 = Message::new().message(3, test1);
        assert_eq!(bytes(&test3), [0x1a, 0x03, 0x08, 0x96, 0x01]);
    }

    #[test]
    fn floats_are_little_endian_whatever_their_number() {
        assert_eq!(bytes(&Message::new().float(2, 1.0)), [0x15, 0, 0, 0x80, 0x3f]);
        let values: Vec<f32> = (0..2500).map(|i| i as f32).collect();
        let written = bytes(&Message::new().floats(20, Cow::Borrowed(&values)));
        assert_eq!(written[..4], [0xa2, 0x01, 0x90, 0x4e], "field 20, 10,000 bytes");
        let read = written[4..].as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b));
        assert!(read.eq(values.iter().copied()));
    }

    #[test]
    fn integers_have_up_to_ten_bytes() {
        for (value, len) in [(0, 1), (127, 1), (128, 2), (1 << 31, 5), (u64::MAX, 10)] {
            assert_eq!(varint(value).len(), len, "{value}");
        }
    }
}
