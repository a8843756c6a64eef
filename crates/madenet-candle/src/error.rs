use std::path::PathBuf;

/// What can go wrong when a network is given tensors, trained, or read from a PyTorch file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The weights do not fit the network.
    #[error(transparent)]
    Nets(#[from] madenet_nets::Error),
    /// A tensor operation outside a network failed.
    #[error("a tensor operation failed")]
    Candle(#[from] candle_core::Error),
    /// An operation of a network failed: the device is out of memory, or lacks the operation.
    #[error("the operation {at} failed")]
    Op {
        /// Path and name of the operation: `"layer1.0.conv1 (conv2d)"`.
        at: String,
        /// candle's word.
        source: candle_core::Error,
    },
    /// A kernel refused an operation of a network.
    #[error("the operation {at} failed")]
    Kernel {
        /// Path of the operation.
        at: String,
        /// The kernel's word.
        source: madenet_kernels::Error,
    },
    /// A run was given too few or too many inputs.
    #[error("the network takes {} inputs ({}), got {got}", names.len(), names.join(", "))]
    InputCount {
        /// Names of the inputs.
        names: Vec<String>,
        /// Tensors that were given.
        got: usize,
    },
    /// A tensor given to a run does not fit its input.
    #[error("input {name:?} is {got}, expected {expected}")]
    Input {
        /// Name of the input.
        name: String,
        /// What is expected: `"f32 [n, 3, 256, 256] with n above 0"`.
        expected: String,
        /// What was given: `"u8 [1, 3, 256, 256]"`.
        got: String,
    },
    /// A tensor, a label or a setting given to a loss does not fit it, or its value is not finite.
    #[error("{loss}: {what} is {got}, expected {expected}")]
    Loss {
        /// The loss: `"cross_entropy"`.
        loss: &'static str,
        /// What does not fit: `"a label"`.
        what: &'static str,
        /// What is expected: `"below 11"`.
        expected: String,
        /// What was given: `"11"`.
        got: String,
    },
    /// A batch normalisation in training got one value per channel, from which no variance can be estimated.
    #[error(
        "{layer}: batch normalisation in training needs more than one value per channel, \
         got one sample of one pixel"
    )]
    OneValue {
        /// Path of the operation in the network.
        layer: String,
    },
    /// A rule names a scope that nothing in the network belongs to: a misspelt name would freeze nothing.
    #[error("no parameter and no operation of the network is in the scope {scope:?}")]
    UnknownScope {
        /// The scope.
        scope: String,
    },
    /// A loss or a gradient became NaN or infinite.
    #[error("{what} is not finite at step {step}")]
    NonFinite {
        /// What is not finite: `"the loss"`, or the parameter whose gradient it is.
        what: String,
        /// Number of the step.
        step: u64,
    },
    /// The observer of a training ended it.
    #[error("the training {stage:?} was cancelled after step {step}")]
    Cancelled {
        /// What was being trained.
        stage: &'static str,
        /// Steps that had been taken.
        step: u64,
    },
    /// A file could not be opened.
    #[error("cannot open the weight file {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
    /// A file is not a sound PyTorch file in the zip format.
    #[error("not a sound PyTorch file (zip format): {}", path.display())]
    Pth {
        /// The file.
        path: PathBuf,
        /// The reader's word.
        source: candle_core::Error,
    },
    /// A sound PyTorch file in which no state dict of floating-point tensors stands at the top.
    #[error("no state dict with floating-point tensors at the top of {}", path.display())]
    NoStateDict {
        /// The file.
        path: PathBuf,
    },
}

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;
