/// What can be wrong in a call of a kernel.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A slice does not have the length that the shapes ask for.
    #[error("{what} has {got} values, expected {expected}")]
    Length {
        /// The argument, with the operation: `"conv2d: weight"`.
        what: &'static str,
        /// Values that the shapes ask for.
        expected: usize,
        /// Values that there are.
        got: usize,
    },
    /// The geometry has no output, or does not fit the channels.
    #[error("{what}: {reason}")]
    Geometry {
        /// The operation: `"conv2d"`.
        what: &'static str,
        /// What does not fit, with the numbers.
        reason: String,
    },
}

/// The result of a kernel.
pub type Result<T> = std::result::Result<T, Error>;
