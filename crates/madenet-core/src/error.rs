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
    #[error("no scores of {kind} {what} to calibrate on, expected at least one")]
    NoScores {
        /// `"normal"` or `"anomalous"`.
        kind: &'static str,
        /// Whose scores are missing: `"images"`.
        what: &'static str,
    },
    /// There is not one label a score.
    #[error("{scores} scores of {what} have {labels} labels, expected one each")]
    LabelCount {
        /// Whose scores they are: `"images"`.
        what: &'static str,
        /// Number of scores.
        scores: usize,
        /// Number of labels.
        labels: usize,
    },
    /// A false positive rate asks for more normals than there are.
    #[error("a false positive rate of {rate} takes at least {needed} normal {what}, got {got}")]
    TooFewNormals {
        /// Whose scores they are: `"images"`.
        what: &'static str,
        /// The rate asked for.
        rate: f64,
        /// Least number of normals for it.
        needed: usize,
        /// Number of normals.
        got: usize,
    },
    /// A map has not as many values as its size says.
    #[error("a map of {height} rows and {width} columns has {got} values")]
    MapSize {
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
        /// Number of values.
        got: usize,
    },
    /// A buffer for a network's input has another length.
    #[error("the network's input takes {expected} values, but the buffer has {got}")]
    InputSize {
        /// Number of values of the input.
        expected: usize,
        /// Number of values of the buffer.
        got: usize,
    },
    /// A value of a calibrated map is out of range.
    #[error("a calibrated map has the value {value}, expected 0 to 1")]
    MapValue {
        /// The value.
        value: f32,
    },
    /// A detector did not give one result an image.
    #[error("the detector {name} gave {got} results for {expected} images")]
    Detector {
        /// The detector.
        name: String,
        /// Number of images.
        expected: usize,
        /// Number of results.
        got: usize,
    },
    /// A category has no recipe of its own.
    #[error("the model has no recipe for the category {category:?}; it has some for: {known}")]
    UnknownCategory {
        /// The category asked for.
        category: String,
        /// Those there are.
        known: String,
    },
    /// The system gave no threads.
    #[error("cannot start {count} threads")]
    Threads {
        /// How many were asked for.
        count: usize,
        /// The system's word.
        source: Box<dyn std::error::Error + Send + Sync>,
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
    /// A file is no model of the kind asked for, or of another format.
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
    /// A model file was read, but what it holds does not make a model.
    #[error("the model file cannot be used: {name}")]
    Model {
        /// The file.
        name: String,
        /// What is wrong with it.
        source: Box<Error>,
    },
    /// An image could not be used.
    #[error(transparent)]
    Image(#[from] madenet_image::Error),
    /// Scores could not be measured.
    #[error(transparent)]
    Metrics(#[from] madenet_metrics::Error),
    /// Weights or a network could not be used.
    #[error(transparent)]
    Net(#[from] madenet_nets::Error),
    /// A kernel refused its arguments.
    #[error(transparent)]
    Kernel(#[from] madenet_kernels::Error),
}

/// The result of work around a detector.
pub type Result<T> = std::result::Result<T, Error>;
