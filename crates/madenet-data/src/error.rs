//! The error of this crate.

use std::io;
use std::path::PathBuf;

/// The result of every fallible function of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong with a data set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A folder of the layout is not there.
    #[error("there is no such folder, expected {expected}: {}", path.display())]
    MissingFolder {
        /// What the folder should hold.
        expected: &'static str,
        /// The folder.
        path: PathBuf,
    },
    /// A folder exists but could not be listed.
    #[error("cannot list a folder: {source}: {}", path.display())]
    ReadFolder {
        /// The folder.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A folder that must hold pictures holds none.
    #[error(
        "no images in the folder, expected files named *.{}: {}",
        crate::IMAGE_EXTENSIONS.join(", *."), path.display()
    )]
    NoImages {
        /// The folder.
        path: PathBuf,
    },
    /// A name that cannot become part of an id.
    #[error("the name of a file or folder must be valid UTF-8: {}", path.display())]
    NotUtf8 {
        /// The file or folder.
        path: PathBuf,
    },
    /// A sample beyond the end.
    #[error("there is no sample {index}: the data set has {len}")]
    NoSuchSample {
        /// The index asked for.
        index: usize,
        /// The number of samples.
        len: usize,
    },
    /// A mask does not cover its picture pixel by pixel, and
    /// [`MaskPolicy::Strict`](crate::MaskPolicy::Strict) holds.
    #[error(
        "a mask must be as large as its image: the image has {} x {} pixels, the mask {} x {}: {} and {}",
        image_size.0, image_size.1, mask_size.0, mask_size.1, image.display(), mask.display()
    )]
    MaskSize {
        /// Width and height of the image.
        image_size: (usize, usize),
        /// Width and height of the mask.
        mask_size: (usize, usize),
        /// The file of the image.
        image: PathBuf,
        /// The file of the mask.
        mask: PathBuf,
    },
    /// Not one sample of a data set can be read.
    #[error("none of the {count} samples can be read, for instance {id}")]
    NothingReadable {
        /// The number of samples.
        count: usize,
        /// The id of the first.
        id: String,
        /// Why the first cannot be read.
        source: Box<Error>,
    },
    /// A share to hold out that leaves nothing on one side.
    #[error("the share to hold out must lie between 0 and 1, both excluded, got {0}")]
    Share(f64),
    /// A picture that is too small or too large to be drawn.
    #[cfg(feature = "smt")]
    #[error("drawn pictures have sides of 32 to 4096 pixels, got {width} x {height}")]
    SmtSize {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// Boards of no design.
    #[cfg(feature = "smt")]
    #[error("boards are of 0 designs, expected at least 1")]
    SmtDesigns,
    /// More samples than can be counted.
    #[cfg(feature = "smt")]
    #[error("too many samples: {normal} normal and {anomalous} anomalous ones")]
    SmtCount {
        /// The number of normal samples.
        normal: usize,
        /// The number of anomalous samples.
        anomalous: usize,
    },
    /// A picture could not be read; the message names its file.
    #[error(transparent)]
    Image(#[from] madenet_image::Error),
}
