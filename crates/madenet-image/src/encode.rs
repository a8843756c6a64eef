//! From pixels to PNG files.

use std::error::Error as StdError;
use std::path::Path;

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

use crate::{Error, Image, Mask, Result, replace_file};

/// The picture as the bytes of a PNG file.
///
/// # Errors
/// [`Error::Encode`] where a side exceeds what PNG can express.
pub fn encode_png(image: &Image) -> Result<Vec<u8>> {
    encode(image.width(), image.height(), image.pixels(), ExtendedColorType::Rgb8)
}

/// Writes the picture as a PNG file to `path`, whole or not at all: on an error, what was there before
/// remains.
///
/// # Errors
/// [`Error::Encode`] or [`Error::Write`].
pub fn save_png(image: &Image, path: impl AsRef<Path>) -> Result<()> {
    save(&encode_png(image)?, path.as_ref())
}

/// Writes the mask as a PNG file to `path`, whole or not at all: 8 bits of grey, 255 where it is anomalous and 0 elsewhere.
/// [`decode_mask`](crate::decode_mask) reads it back.
///
/// ```
/// use madenet_image::{Mask, decode_mask, save_mask};
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("mask.png");
/// let mask = Mask::from_ascii("
///     .**.
///     ..*.
/// ")?;
/// save_mask(&mask, &path)?;
/// assert_eq!(decode_mask(&path)?, mask);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::Encode`] where a side exceeds what PNG can express, or [`Error::Write`].
pub fn save_mask(mask: &Mask, path: impl AsRef<Path>) -> Result<()> {
    let pixels: Vec<u8> = mask.data().iter().map(|&anomalous| if anomalous { 255 } else { 0 }).collect();
    save(&encode(mask.width(), mask.height(), &pixels, ExtendedColorType::L8)?, path.as_ref())
}

fn encode(width: usize, height: usize, pixels: &[u8], colour: ExtendedColorType) -> Result<Vec<u8>> {
    let error = |source: Box<dyn StdError + Send + Sync>| Error::Encode { width, height, source };
    let columns = u32::try_from(width).map_err(|e| error(e.into()))?;
    let rows = u32::try_from(height).map_err(|e| error(e.into()))?;
    let mut bytes = Vec::new();
    PngEncoder::new(&mut bytes).write_image(pixels, columns, rows, colour).map_err(|e| error(e.into()))?;
    Ok(bytes)
}

fn save(bytes: &[u8], path: &Path) -> Result<()> {
    replace_file(path, bytes).map_err(|source| Error::Write { path: path.to_owned(), source })
}
