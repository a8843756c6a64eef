use std::path::PathBuf;

/// What can go wrong when a network is recorded, given weights, or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An operation does not fit the shapes of its arguments.
    #[error("{at}: expected {expected}, got {got}")]
    Shape {
        /// Path of the operation in the network.
        at: String,
        /// What the operation needs.
        expected: String,
        /// What it was given.
        got: String,
    },
    /// One parameter name was asked for with two different specifications.
    #[error("{name}: recorded twice with different specifications, first {first}, then {second}")]
    ParamClash {
        /// Name of the parameter.
        name: String,
        /// The specification first recorded.
        first: String,
        /// The one that differs.
        second: String,
    },
    /// A value of another builder was used.
    #[error("{at}: an argument belongs to another network")]
    Foreign {
        /// Path of the operation in the network.
        at: String,
    },
    /// Two outputs have the same name.
    #[error("the network has two outputs named {name:?}")]
    DuplicateOutput {
        /// The name.
        name: String,
    },
    /// A name that the network or its maker does not know.
    #[error("unknown {what} {name:?}, expected one of {expected}")]
    Unknown {
        /// What kind of thing is named: `"layer"`.
        what: &'static str,
        /// The name.
        name: String,
        /// The names there are.
        expected: String,
    },
    /// The weights lack a parameter of the network.
    #[error("the weights lack {name}, expected a tensor of shape {expected:?}")]
    MissingParam {
        /// Name of the parameter.
        name: String,
        /// Its shape.
        expected: Vec<usize>,
    },
    /// The weights have a tensor that the network does not.
    #[error("the network has no parameter {name}, but the weights do")]
    UnusedParam {
        /// Name of the tensor.
        name: String,
    },
    /// A parameter does not have the network's shape, or not as many values as its shape says.
    #[error("{name} has shape {got:?}, expected {expected:?}")]
    ParamShape {
        /// Name of the parameter.
        name: String,
        /// The network's shape.
        expected: Vec<usize>,
        /// The shape of the weights.
        got: Vec<usize>,
    },
    /// A parameter holds NaN or infinity.
    #[error("{name} is not finite: value {index} is {value}")]
    NonFinite {
        /// Name of the parameter.
        name: String,
        /// Where the first such value stands.
        index: usize,
        /// The value.
        value: f32,
    },
    /// The values given to a run do not fit the network's inputs.
    #[error("input {name:?} has {got} values, expected {expected}")]
    Input {
        /// Name of the input.
        name: String,
        /// What is expected: `"a multiple of 196608 (3x256x256)"`.
        expected: String,
        /// Values that were given.
        got: usize,
    },
    /// A kernel refused its arguments.
    #[error("{at}: the kernel refused its arguments")]
    Kernel {
        /// Path of the operation in the network.
        at: String,
        /// The kernel's word.
        source: madenet_kernels::Error,
    },
    /// A file could not be read.
    #[error("cannot read the weight file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
    /// A weight file is larger than what is read.
    #[error("the weight file has {bytes} bytes, expected at most {limit}: {}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size, as far as it is known.
        bytes: u64,
        /// [`Params::MAX_FILE_BYTES`](crate::Params::MAX_FILE_BYTES).
        limit: u64,
    },
    /// A weight file of PyTorch's own format, which can hold code, was given where safetensors is read.
    #[error(
        "expected a .safetensors file, got one of PyTorch's own format, which madenet_candle::read_pth reads: {}",
        path.display()
    )]
    PthFile {
        /// The file.
        path: PathBuf,
    },
    /// A text does not name a source of weights.
    #[error("{text:?} names no weights: expected {expected}")]
    Source {
        /// The text.
        text: String,
        /// What would do.
        expected: &'static str,
    },
    /// A part of the name of a file on the hub cannot be one; no request was made.
    #[cfg(feature = "hub")]
    #[error("{got:?} is no {what} of the hub: expected {expected}")]
    HubName {
        /// What is named: `"repository"`.
        what: &'static str,
        /// What was given.
        got: String,
        /// What would do.
        expected: &'static str,
    },
    /// A file is not in the cache and could not be downloaded. Nothing was left behind.
    #[cfg(feature = "hub")]
    #[error(
        "cannot fetch {} of {} at revision {} from {endpoint}: {reason}; \
         name a weight file instead, or put it where the cache has it: {}",
        file.file, file.repo, file.revision, by_hand.display()
    )]
    Fetch {
        /// The file.
        file: Box<crate::HubFile>,
        /// The hub that was, or would have been, asked.
        endpoint: String,
        /// What went wrong.
        reason: String,
        /// Where in the cache a file put there by hand is found.
        by_hand: PathBuf,
    },
    /// A file in the cache is not what it should be.
    #[cfg(feature = "hub")]
    #[error(
        "a file in the cache has SHA-256 {got}, expected {expected}; delete it to have it fetched again: {}",
        path.display()
    )]
    Checksum {
        /// The file.
        path: PathBuf,
        /// The sum asked for, or under which the cache keeps the file.
        expected: String,
        /// The sum of its content.
        got: String,
    },
    /// A network cannot be written as ONNX, or not with these options.
    #[cfg(feature = "onnx")]
    #[error("{what}: ONNX needs {expected}, got {got}")]
    Onnx {
        /// The network, or the input, output or parameter by name.
        what: String,
        /// What would do.
        expected: String,
        /// What there is.
        got: String,
    },
    /// An ONNX model is larger than a file of its format can be.
    #[cfg(feature = "onnx")]
    #[error("the ONNX model would have {bytes} bytes, expected at most {limit}, the limit of its format")]
    OnnxTooLarge {
        /// Its size.
        bytes: u64,
        /// [`OnnxModel::MAX_BYTES`](crate::OnnxModel::MAX_BYTES).
        limit: u64,
    },
    /// A file could not be written. What had its name before is still there.
    #[cfg(feature = "onnx")]
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
    /// The bytes are not a sound safetensors file.
    #[error("not a sound safetensors file: {name}")]
    Safetensors {
        /// Path or name of the bytes.
        name: String,
        /// The reader's word.
        source: safetensors::SafeTensorError,
    },
}

/// The result of recording or running a network.
pub type Result<T> = std::result::Result<T, Error>;
