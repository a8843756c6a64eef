use std::path::PathBuf;

/// What can go wrong around a detector.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A configuration has a value outside its range.
    #[error("{field} is {got}, expected {expected}")]
    Config {
        /// The field: `"preprocessing.height"`.
        field: &'static str,
        /// Its value.
        got: String,
        /// Its range.
        expected: &'static str,
    },
    /// A score is NaN or infinite.
    #[error("a score of {what} is {value}, expected a finite number")]
    NonFiniteScore {
        /// Whose score.
        what: String,
        /// The value.
        value: f32,
    },
    /// There is nothing to calibrate on.
    #[error("no scores of {what} to calibrate on")]
    NoScores {
        /// Whose scores are missing.
        what: &'static str,
    },
    /// A file could not be read.
    #[error("cannot read the model file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
    /// A file could not be written; what was there before is as it was.
    #[error("cannot write the model file {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
    /// A file is no model of the kind asked for, or a later version of it.
    #[error("{reason}: {name}")]
    ModelFile {
        /// What is wrong with it.
        reason: String,
        /// The file.
        name: String,
    },
    /// The header of a model file is not what the version says.
    #[error("the header of the model file is unsound: {name}")]
    ModelHeader {
        /// The file.
        name: String,
        /// What the reader found.
        source: serde_json::Error,
    },
    /// An image could not be used.
    #[error(transparent)]
    Image(#[from] madenet_image::Error),
    /// Weights or a network could not be used.
    #[error(transparent)]
    Net(#[from] madenet_nets::Error),
    /// A kernel refused its arguments.
    #[error(transparent)]
    Kernel(#[from] madenet_kernels::Error),
}

/// The result of work around a detector.
pub type Result<T> = std::result::Result<T, Error>;
