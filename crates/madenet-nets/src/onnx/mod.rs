//! The interpreter that exports: a network with its weights as an ONNX model, for other runtimes.
//!
//! [`operations`] says every operation in ONNX's words, [`graph`] keeps names and constants, [`proto`] has the format's
//! messages and [`message`] its bytes.

mod graph;
mod message;
mod operations;
mod options;
mod proto;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::path::Path;

use crate::net::Net;
use crate::params::Params;
use crate::unfinished::Unfinished;
use crate::{Error, Result};
use graph::Graph;
use message::Message;
pub use options::{OnnxOptions, OnnxPixels};

/// A network with weights as an ONNX model: what [`Plan`](crate::Plan) computes, for ONNX Runtime, OpenVINO and others.
///
/// - Inputs and outputs have the network's names, in its order; axes are (batch, channel, row, column) of binary32. The
///   batch is free (`N`), the other sizes are the network's.
/// - Initializers have the parameters' names and bits, operations the scope paths: BatchNorm is not folded, runtimes do that
///   themselves. Dropout, drop-path and detach pass their argument on.
/// - Nothing is rounded that need not be: nearest neighbours by factors that are not whole name their rows and columns.
/// - [`OnnxPixels`] puts the normalisation of an input's pixels into the model.
/// - Metadata entries: `name`, `version` (of this crate), and for each input `INPUT.size` (`3x256x256`) and, where it takes
///   pixels, `INPUT.white`, `INPUT.mean` and `INPUT.std` (`0.485,0.456,0.406`).
///
/// Equal networks, weights and options give equal bytes.
///
/// ```
/// use madenet_nets::{Builder, OnnxModel, OnnxOptions, Params, Shape, conv};
/// let mut b = Builder::new();
/// let image = b.input("image", Shape::new(3, 32, 32));
/// let x = b.conv2d("stem", image, conv(8, 3, 2, 1).with_bias())?;
/// b.output("features", x)?;
/// let net = b.finish();
///
/// let params = Params::init(&net, 42);
/// let model = OnnxModel::new(&net, &params, &OnnxOptions::new("stem").metadata("classes", "good,scratch"))?;
/// let bytes = model.to_bytes();
/// assert_eq!(bytes.len() as u64, model.size());
/// let weights = (27 * 8 + 8) * 4;
/// assert!((weights..weights + 700).contains(&bytes.len()));
/// # Ok::<(), madenet_nets::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct OnnxModel<'a>(Message<'a>);

impl<'a> OnnxModel<'a> {
    /// Version of the operations: the first in which `Resize` leaves the batch free. ONNX Runtime has it since 1.14 (2023).
    pub const OPSET: u64 = 18;

    /// Version of the file's structure, that of the ONNX release which brought the operations (1.13).
    pub const IR_VERSION: u64 = 8;

    /// The largest model: 2 GiB less one byte, the limit of protocol buffers.
    pub const MAX_BYTES: u64 = (1 << 31) - 1;

    /// `net` with the weights of `params`, of which the model keeps references, no copies.
    ///
    /// # Errors
    /// [`Error::MissingParam`], [`Error::ParamShape`] and [`Error::NonFinite`] for weights that do not fit;
    /// [`Error::Unknown`] if the options name an input that is not there; [`Error::Onnx`] if their pixels do not fit it, if
    /// the network has no outputs, or if an input, output or parameter has no name or another's; [`Error::OnnxTooLarge`] above
    /// [`MAX_BYTES`](Self::MAX_BYTES).
    pub fn new(net: &'a Net, params: &'a Params, options: &OnnxOptions) -> Result<Self> {
        let values = params.values_for(net)?;
        options.check(net)?;
        if net.outputs().is_empty() {
            let expected = "at least one output".to_string();
            return Err(Error::Onnx { what: "the network".to_string(), expected, got: "none".to_string() });
        }
        let mut graph = Graph::new(net, &values)?;
        for (name, id) in net.inputs() {
            if let Some(pixels) = options.pixels.get(name) {
                graph.normalise(*id, pixels)?;
            }
        }
        for id in 0..net.nodes().len() {
            operations::add(&mut graph, id)?;
        }
        let graph = graph.finish(&options.name);
        let model = proto::model((Self::IR_VERSION, Self::OPSET), graph, metadata(net, options));
        check_size(model.len(), Self::MAX_BYTES)?;
        Ok(OnnxModel(model))
    }

    /// Bytes of the model.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.0.len()
    }

    /// The content of an `.onnx` file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() as usize);
        let Ok(()) = self.0.emit::<Infallible>(&mut |part| {
            bytes.extend_from_slice(part);
            Ok(())
        });
        bytes
    }

    /// Writes an `.onnx` file beside `path`, syncs and renames it: at every moment `path` holds the old content or the new
    /// one, whole. Weights go from `params` to the file without another copy of all.
    ///
    /// # Errors
    /// [`Error::Write`], with `path` as it was.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let unfinished = Unfinished::beside(path);
        let failed = |source| Error::Write { path: path.to_path_buf(), source };
        let file = OpenOptions::new().write(true).create_new(true).open(unfinished.path()).map_err(failed)?;
        let mut writer = BufWriter::new(&file);
        self.0.emit(&mut |part| writer.write_all(part)).map_err(failed)?;
        writer.flush().map_err(failed)?;
        file.sync_all().map_err(failed)?;
        unfinished.becomes(path).map_err(failed)
    }
}

fn check_size(bytes: u64, limit: u64) -> Result<()> {
    if bytes > limit { Err(Error::OnnxTooLarge { bytes, limit }) } else { Ok(()) }
}

/// Our own entries, then the caller's.
fn metadata(net: &Net, options: &OnnxOptions) -> BTreeMap<String, String> {
    let list = |values: &[f32]| values.iter().map(f32::to_string).collect::<Vec<_>>().join(",");
    let mut entries = BTreeMap::from([
        ("name".to_string(), options.name.clone()),
        ("version".to_string(), env!("CARGO_PKG_VERSION").to_string()),
    ]);
    for (name, id) in net.inputs() {
        entries.insert(format!("{name}.size"), net.nodes()[*id].shape.to_string());
        if let Some(pixels) = options.pixels.get(name) {
            entries.insert(format!("{name}.white"), pixels.white.to_string());
            entries.insert(format!("{name}.mean"), list(&pixels.mean));
            entries.insert(format!("{name}.std"), list(&pixels.std));
        }
    }
    entries.extend(options.metadata.clone());
    entries
}
