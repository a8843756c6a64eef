//! The error of this crate.

use std::io;
use std::path::PathBuf;

/// The result of every fallible function of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong with a synthesis.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting out of its range.
    #[error("{field} of a synthesis must be {expected}, got {got}")]
    Config {
        /// The field of the configuration.
        field: &'static str,
        /// What is allowed.
        expected: &'static str,
        /// What was given.
        got: String,
    },
    /// Texture anomalies were asked for, without textures.
    #[error(
        "a structural_share of {structural_share} needs at least 1 texture, got none; without textures it must be 1"
    )]
    NoTextures {
        /// The share of anomalies that need none.
        structural_share: f32,
    },
    /// A picture that the grid of the structural anomalies does not divide.
    #[error(
        "structural anomalies shuffle {grid} x {grid} equal cells, so that {grid} must divide both sides of a picture, \
         got {width} x {height}"
    )]
    Grid {
        /// Cells along each side.
        grid: usize,
        /// Width of the picture in pixels.
        width: usize,
        /// Height of the picture in pixels.
        height: usize,
    },
    /// A foreground of another size than its picture.
    #[error(
        "the foreground mask must be as large as the picture: expected {} x {}, got {} x {}",
        expected.0, expected.1, got.0, got.1
    )]
    ForegroundSize {
        /// Width and height of the picture.
        expected: (usize, usize),
        /// Width and height of the mask.
        got: (usize, usize),
    },
    /// A picture whose name does not lead to the file of its foreground.
    #[error(
        "a foreground file is named after its picture, expected an id that ends in a file name, got {id:?}"
    )]
    ForegroundName {
        /// The id of the picture.
        id: String,
    },
    /// The file of a foreground could not be used.
    #[error("cannot read a foreground mask: {}", path.display())]
    ForegroundFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: madenet_image::Error,
    },
    /// There is no such folder of textures.
    #[error("there is no such folder, expected one of textures, as DTD's images/CLASS/NAME.jpg: {}", path.display())]
    NoTextureFolder {
        /// The folder.
        path: PathBuf,
    },
    /// A folder exists but could not be listed.
    #[error("cannot list a folder of textures: {}", path.display())]
    ReadFolder {
        /// The folder.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A folder of textures without a texture.
    #[error(
        "no textures in the folder, expected files named CLASS/*.{}: {}",
        crate::texture::EXTENSIONS.join(", CLASS/*."), path.display()
    )]
    NoTextureFiles {
        /// The folder.
        path: PathBuf,
    },
    /// The file of a texture could not be used.
    #[error("cannot read a texture: {}", path.display())]
    TextureFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: madenet_image::Error,
    },
    /// A texture beyond the end.
    #[error("there is no texture {index}: there are {len}")]
    NoSuchTexture {
        /// The index asked for.
        index: usize,
        /// The number of textures.
        len: usize,
    },
    /// A picture without pixels, or too large for the address space.
    #[error(
        "a picture needs at least one pixel and has to fit into the address space, got {width} x {height}"
    )]
    Size {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// A picture could not be made.
    #[error(transparent)]
    Image(#[from] madenet_image::Error),
}

/// The number of pixels of a picture.
///
/// # Errors
/// [`Error::Size`] for what cannot become a picture, or is too large to be worked on.
pub(crate) fn pixel_count(width: usize, height: usize) -> Result<usize> {
    // While it is worked on, a side may double, and a pixel has 8 bytes.
    let pixels =
        width.checked_mul(height).filter(|&pixels| pixels > 0 && pixels <= isize::MAX as usize / 128);
    pixels.ok_or(Error::Size { width, height })
}
