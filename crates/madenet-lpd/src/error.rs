//! The error of this crate.

use madenet_image::Rect;

/// The result of every fallible function of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong with a patch distortion.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting out of its range.
    #[error("{field} of a patch distortion must be {expected}, got {got}")]
    Config {
        /// The field of the configuration.
        field: &'static str,
        /// What is allowed.
        expected: &'static str,
        /// What was given.
        got: String,
    },
    /// Rows that a density cannot be estimated from.
    #[error("a density needs rows of finite values that differ, got {got}")]
    Density {
        /// What was given.
        got: String,
    },
    /// A picture in which no patch can be moved.
    #[error("patches need a picture of at least {least} x {least} pixels, got {width} x {height}", least = crate::MIN_SIDE)]
    TooSmall {
        /// Width of the picture in pixels.
        width: usize,
        /// Height of the picture in pixels.
        height: usize,
    },
    /// Pictures or masks that belong together and differ in size.
    #[error(
        "{what} must be as large as the picture: expected {} x {}, got {} x {}",
        expected.0, expected.1, got.0, got.1
    )]
    Size {
        /// What has another size.
        what: &'static str,
        /// Width and height of the picture.
        expected: (usize, usize),
        /// Width and height of the other.
        got: (usize, usize),
    },
    /// A box that is empty, or reaches beyond its picture.
    #[error(
        "the box of a patch must have pixels and lie within its picture of {width} x {height}, got {} x {} at ({}, {})",
        rect.width, rect.height, rect.x, rect.y
    )]
    Box {
        /// The box.
        rect: Rect,
        /// Width of the picture in pixels.
        width: usize,
        /// Height of the picture in pixels.
        height: usize,
    },
    /// A mask without a pixel.
    #[error("the mask of a patch must have at least one pixel within its box, got none")]
    EmptyMask,
    /// A picture could not be made.
    #[error(transparent)]
    Image(#[from] madenet_image::Error),
    /// A filter could not be run.
    #[error(transparent)]
    Filter(#[from] madenet_kernels::Error),
}
