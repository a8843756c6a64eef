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

    /// The false positive rates between which the AUPIMO integrates are not `0 < lower < upper <= 1`.
    #[error(
        "the false positive rates of the AUPIMO are wrong: \
         expected 0 < lower < upper <= 1, got {lower} and {upper}"
    )]
    AupimoBounds {
        /// The lower bound.
        lower: f64,
        /// The upper bound.
        upper: f64,
    },

    /// The normal images have too few pixels to show a false positive rate as low as the lower bound.
    #[error(
        "there are too few normal pixels for the AUPIMO: \
         expected a lower bound of at least {finest}, the smallest rate they can show, got {lower}"
    )]
    AupimoResolution {
        /// The lower bound.
        lower: f64,
        /// The rate of one false positive pixel in the largest normal image.
        finest: f64,
    },

    /// A bootstrap was asked for without resamples.
    #[error("a bootstrap has no resamples: expected at least 1, got 0")]
    NoResamples,

    /// The confidence of an interval is not in (0, 1).
    #[error("the confidence of an interval is wrong: expected 0 < confidence < 1, got {confidence}")]
    Confidence {
        /// The confidence.
        confidence: f64,
    },

    /// A statistic to bootstrap gave NaN or an infinity.
    #[error("a statistic has no interval: expected a finite number or none, got {value}")]
    NonFiniteStatistic {
        /// The value.
        value: f64,
    },

    /// Feature vectors of no or of too many dimensions.
    #[error(
        "features of {dim} dimensions have no covariance matrix: \
         expected 1 to {max} dimensions, and memory for {dim} x {dim} numbers"
    )]
    FeatureDimension {
        /// Number of dimensions.
        dim: usize,
        /// The largest number of dimensions.
        max: usize,
    },

    /// A feature vector, or another set of them, has another number of dimensions.
    #[error("features do not fit those before: expected {expected} dimensions, got {got}")]
    FeatureLength {
        /// Number of dimensions so far.
        expected: usize,
        /// Number of dimensions of the new ones.
        got: usize,
    },

    /// A feature is NaN or infinite.
    #[error("feature {index} of vector {vector} is no number: expected a finite one, got {value}")]
    NonFiniteFeature {
        /// Number of the vector in the order of the calls to `push`, from 0.
        vector: usize,
        /// Position in the vector, from 0.
        index: usize,
        /// The feature.
        value: f32,
    },

    /// A covariance needs two vectors.
    #[error("there are too few feature vectors for a covariance: expected at least 2, got {got}")]
    TooFewVectors {
        /// Number of vectors.
        got: usize,
    },

    /// The eigenvalues of a covariance matrix were not found.
    #[error(
        "the eigenvalues of a covariance matrix of {dim} x {dim} were not found: expected finite ones, got NaN"
    )]
    Eigenvalues {
        /// Number of dimensions.
        dim: usize,
    },
}
