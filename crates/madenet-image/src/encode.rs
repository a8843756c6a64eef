//! From pixels to PNG files.

use std::error::Error as StdError;
use std::path::Path;

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

use crate::{Error, Image, Result, replace_file};

/// The picture as the bytes of a PNG file.
///
/// # Errors
/// [`Error::Encode`] where a side exceeds what PNG can express.
pub fn encode_png(image: &Image) -> Result<Vec<u8>> {
    let error = |source: Box<dyn StdError + Send + Sync>| Error::Encode {
        width: image.width(),
        height: image.height(),
        source,
    };
    let width = u32::try_from(image.width()).map_err(|e| error(e.into()))?;
    let height = u32::try_from(image.height()).map_err(|e| error(e.into()))?;
    let mut bytes = Vec::new();
    PngEncoder::new(&mut bytes)
        .write_image(image.pixels(), width, height, ExtendedColorType::Rgb8)
        .map_err(|e| error(e.into()))?;
    Ok(bytes)
}

/// Writes the picture as a PNG file to `path`, whole or not at all: on an error, what was there before
/// remains.
///
/// # Errors
/// [`Error::Encode`] or [`Error::Write`].
pub fn save_png(image: &Image, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    replace_file(path, &encode_png(image)?).map_err(|source| Error::Write { path: path.to_owned(), source })
}
