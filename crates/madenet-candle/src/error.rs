use std::path::PathBuf;

/// What can go wrong when a network is given tensors, trained, or read from a PyTorch file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The weights do not fit the network.
    #[error(transparent)]
    Nets(#[from] madenet_nets::Error),
    /// A setting is out of range.
    #[error(transparent)]
    Core(#[from] madenet_core::Error),
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
    /// An output, a loss or a gradient became NaN or infinite.
    #[error("{what} is not finite at step {step}")]
    NonFinite {
        /// What is not finite: `"the output logits"`, `"the loss"`, `"the part focal of the loss"`, `"the gradient of layer1.0.conv1.weight"`.
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
    /// An engine trains other parameters than the one that an optimiser was made for.
    #[error("the optimiser was made for another network: it does not know the parameter {name} of this size")]
    OtherParameters {
        /// The first that is not the optimiser's.
        name: String,
    },
    /// The state of an optimiser has values that do not come of training.
    #[error("the tensor {name:?} of an optimiser's state does not hold {expected}")]
    OptimiserState {
        /// The tensor.
        name: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// Not even one sample fits in memory.
    #[error("training on one sample takes about {needed} bytes, more than the {budget} given")]
    Memory {
        /// Bytes for one sample.
        needed: usize,
        /// Bytes to spend.
        budget: usize,
    },
    /// A checkpoint could not be read, or holds what is no state of this training.
    #[error("cannot go on from the checkpoint {}", path.display())]
    ReadCheckpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<Error>,
    },
    /// A checkpoint says what no training of this length can say.
    #[error("the checkpoint is of step {step}, but the training has {of}")]
    CheckpointStep {
        /// Its step.
        step: u64,
        /// Steps of the training.
        of: u64,
    },
    /// A checkpoint is of another training: with other settings, or of another network.
    #[error("the checkpoint is of another training: {setting} was {found}, and is {expected} now")]
    OtherTraining {
        /// What differs: `"seed"`.
        setting: String,
        /// As the checkpoint has it.
        found: String,
        /// As it is now.
        expected: String,
    },
    /// A checkpoint could not be written; what was there before is as it was.
    #[error("cannot write the checkpoint {}", path.display())]
    WriteCheckpoint {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: Box<Error>,
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
pub type Result<T, E = Error> = std::result::Result<T, E>;
