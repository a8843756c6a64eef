//! What can be wrong with the input of a metric.

/// A specialised [`Result`](std::result::Result) of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a metric could not be computed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Scores and labels do not pair up.
    #[error("scores and labels do not pair up: expected {scores} labels, one per score, got {labels}")]
    LengthMismatch {
        /// Number of scores.
        scores: usize,
        /// Number of labels.
        labels: usize,
    },

    /// A score is NaN or infinite.
    #[error("score {index} cannot be ranked: expected a finite number, got {value}")]
    NonFiniteScore {
        /// Position in the slice of scores, from 0.
        index: usize,
        /// The score.
        value: f32,
    },

    /// A value of an anomaly map is NaN or infinite.
    #[error(
        "pixel {index} (x = {x}, y = {y}) of anomaly map {image} cannot be ranked: \
         expected a finite number, got {value}"
    )]
    NonFinitePixel {
        /// Number of the image in the order of the calls to `push`, from 0.
        image: usize,
        /// Position in the row-major map, from 0.
        index: usize,
        /// Column, from 0.
        x: usize,
        /// Row, from 0.
        y: usize,
        /// The value.
        value: f32,
    },

    /// The length of an anomaly map is not `height * width`.
    #[error(
        "anomaly map {image} has the wrong length: \
         expected {height} x {width} (height x width) values, got {got}"
    )]
    MapSize {
        /// Number of the image in the order of the calls to `push`, from 0.
        image: usize,
        /// Expected rows.
        height: usize,
        /// Expected columns.
        width: usize,
        /// Number of values.
        got: usize,
    },

    /// The length of the mask of an anomaly map is not `height * width`.
    #[error(
        "the mask of anomaly map {image} has the wrong length: \
         expected {height} x {width} (height x width) values, got {got}"
    )]
    MaskSize {
        /// Number of the image in the order of the calls to `push`, from 0.
        image: usize,
        /// Expected rows.
        height: usize,
        /// Expected columns.
        width: usize,
        /// Number of values.
        got: usize,
    },

    /// The length of a mask to label is not `height * width`.
    #[error(
        "the mask to label has the wrong length: \
         expected {height} x {width} (height x width) values, got {got}"
    )]
    ComponentsSize {
        /// Expected rows.
        height: usize,
        /// Expected columns.
        width: usize,
        /// Number of values.
        got: usize,
    },

    /// Regions are numbered with 32 bits.
    #[error("there are too many regions: expected at most {max}, got {got}", max = u32::MAX)]
    TooManyRegions {
        /// Number of regions, or of provisional regions while a mask is being labelled.
        got: usize,
    },

    /// The false positive rate up to which the AUPRO integrates is not in (0, 1].
    #[error("the false positive rate limit of the AUPRO is wrong: expected 0 < limit <= 1, got {limit}")]
    FprLimit {
        /// The limit.
        limit: f64,
    },

    /// A wanted false positive rate or recall is not in 0..=1.
    #[error("the wanted rate is wrong: expected 0 <= rate <= 1, got {rate}")]
    Rate {
        /// The rate.
        rate: f64,
    },
}
