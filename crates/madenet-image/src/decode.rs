//! From the bytes of a file to pixels, within limits.
//!
//! The format is told by the content: extensions lie. Damaged files are errors, never pictures with holes;
//! each error names the file. Grey is repeated into RGB, alpha is dropped, 16 bits are rounded to 8, palettes
//! are looked up, colour profiles are ignored, and of several pages or frames the first is read.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use crate::{DecodeLimits, Error, Image, Mask, Result, convert, jpeg};

/// The picture in the file at `path`, within the default [`DecodeLimits`].
///
/// # Errors
/// [`Error::NotFound`], [`Error::Read`], and those of [`decode_bytes`].
pub fn decode(path: impl AsRef<Path>) -> Result<Image> {
    decode_with(path, &DecodeLimits::default())
}

/// As [`decode`], within `limits`.
///
/// # Errors
/// As [`decode`].
pub fn decode_with(path: impl AsRef<Path>, limits: &DecodeLimits) -> Result<Image> {
    let path = path.as_ref();
    decode_bytes_with(&read(path, limits)?, &path.display().to_string(), limits)
}

/// The picture in the bytes of a PNG, JPEG, BMP or TIFF file, within the default [`DecodeLimits`]. Errors say
/// `name`.
///
/// # Errors
/// [`Error::EmptyFile`], [`Error::UnsupportedFormat`], [`Error::UnsupportedContent`], [`Error::Corrupt`],
/// [`Error::TooLarge`] or [`Error::OutOfMemory`].
///
/// ```
/// use madenet_image::{Image, decode_bytes, encode_png};
///
/// let image = Image::new(1, 1, vec![10, 20, 30])?;
/// let file = encode_png(&image)?;
/// assert_eq!(decode_bytes(&file, "pixel.png")?, image);
/// assert!(decode_bytes(&file[..file.len() / 2], "half.png").is_err());
/// # Ok::<(), madenet_image::Error>(())
/// ```
pub fn decode_bytes(bytes: &[u8], name: &str) -> Result<Image> {
    decode_bytes_with(bytes, name, &DecodeLimits::default())
}

/// As [`decode_bytes`], within `limits`.
///
/// # Errors
/// As [`decode_bytes`].
pub fn decode_bytes_with(bytes: &[u8], name: &str, limits: &DecodeLimits) -> Result<Image> {
    match format_of(bytes, name, limits)? {
        ImageFormat::Jpeg => jpeg::decode(bytes, name, limits),
        format => {
            let raster = decode_raster(bytes, format, name, limits)?;
            let pixels = convert::rgb(&raster).ok_or_else(|| unsupported_pixels(&raster, format, name))?;
            Image::new(raster.width() as usize, raster.height() as usize, pixels)
        }
    }
}

/// The mask in the PNG, BMP or TIFF file at `path`, within the default [`DecodeLimits`]: every pixel that is
/// not black is anomalous, whatever the number of bits and channels.
///
/// # Errors
/// Those of [`decode`], and [`Error::LossyMask`] for JPEG, whose compression turns zeros into small values.
pub fn decode_mask(path: impl AsRef<Path>) -> Result<Mask> {
    decode_mask_with(path, &DecodeLimits::default())
}

/// As [`decode_mask`], within `limits`.
///
/// # Errors
/// As [`decode_mask`].
pub fn decode_mask_with(path: impl AsRef<Path>, limits: &DecodeLimits) -> Result<Mask> {
    let path = path.as_ref();
    let name = path.display().to_string();
    let bytes = read(path, limits)?;
    match format_of(&bytes, &name, limits)? {
        ImageFormat::Jpeg => Err(Error::LossyMask { name }),
        format => {
            let raster = decode_raster(&bytes, format, &name, limits)?;
            let data = convert::nonzero(&raster).ok_or_else(|| unsupported_pixels(&raster, format, &name))?;
            Mask::new(raster.width() as usize, raster.height() as usize, data)
        }
    }
}

fn read(path: &Path, limits: &DecodeLimits) -> Result<Vec<u8>> {
    let error = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => Error::NotFound { path: path.to_owned() },
        _ => Error::Read { path: path.to_owned(), source },
    };
    let file = File::open(path).map_err(error)?;
    let announced = file.metadata().map_err(error)?.len();
    limits.check_file(announced, &path.display().to_string())?;
    let mut bytes = Vec::new();
    // A file may grow while it is read, and pipes announce nothing: one byte past the limit is enough to
    // refuse.
    file.take(limits.max_file_bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(error)?;
    Ok(bytes)
}

fn format_of(bytes: &[u8], name: &str, limits: &DecodeLimits) -> Result<ImageFormat> {
    if bytes.is_empty() {
        return Err(Error::EmptyFile { name: name.to_owned() });
    }
    limits.check_file(bytes.len() as u64, name)?;
    let unsupported = |found| Error::UnsupportedFormat { found, name: name.to_owned() };
    match image::guess_format(bytes) {
        Ok(format) if format_name(format).is_some() => Ok(format),
        Ok(format) => Err(unsupported(format!("{format:?}"))),
        Err(_) => Err(unsupported("no known image format".to_owned())),
    }
}

/// The name of a format that this crate reads.
fn format_name(format: ImageFormat) -> Option<&'static str> {
    match format {
        ImageFormat::Png => Some("PNG"),
        ImageFormat::Jpeg => Some("JPEG"),
        ImageFormat::Bmp => Some("BMP"),
        ImageFormat::Tiff => Some("TIFF"),
        _ => None,
    }
}

fn decode_raster(
    bytes: &[u8],
    format: ImageFormat,
    name: &str,
    limits: &DecodeLimits,
) -> Result<DynamicImage> {
    let error = |source| to_error(source, format, name, limits);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut decoder_limits = Limits::no_limits();
    decoder_limits.max_alloc = Some(limits.max_memory);
    reader.limits(decoder_limits);
    let decoder = reader.into_decoder().map_err(error)?;
    let (width, height) = decoder.dimensions();
    limits.check_picture((width.into(), height.into()), decoder.total_bytes(), name)?;
    DynamicImage::from_decoder(decoder).map_err(error)
}

fn to_error(source: ImageError, format: ImageFormat, name: &str, limits: &DecodeLimits) -> Error {
    let (format, name) = (format_name(format).unwrap_or_default().to_owned(), name.to_owned());
    match source {
        ImageError::Unsupported(content) => {
            Error::UnsupportedContent { format, content: content.to_string(), name }
        }
        ImageError::Limits(_) => {
            Error::OutOfMemory { format, limit: limits.max_memory, name, source: Box::new(source) }
        }
        _ => Error::Corrupt { format, name, source: Box::new(source) },
    }
}

fn unsupported_pixels(raster: &DynamicImage, format: ImageFormat, name: &str) -> Error {
    Error::UnsupportedContent {
        format: format_name(format).unwrap_or_default().to_owned(),
        content: format!("{:?} pixels", raster.color()),
        name: name.to_owned(),
    }
}
