//! From the bytes of a file to pixels, within limits.
//!
//! The format is told by the content: extensions lie. Damaged files are errors, never pictures with holes;
//! each error names the file. Pixels keep their depth, and grey stays grey; fewer than 8 bits become 8, alpha
//! is dropped, palettes are looked up, CMYK becomes RGB, colour profiles are ignored, and of several pages or
//! frames the first is read.
//!
//! Where the file says how the camera was held (EXIF, or TIFF's tag, 1 to 8), the picture is turned as a viewer
//! shows it. Masks, too: one drawn on the turned picture carries no such entry and stays as it is.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;

use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use crate::{DecodeLimits, Error, ImageView, Mask, Raster, Result, convert, jpeg};

/// The picture in the file at `path`, at its depth and the right way up, within the default [`DecodeLimits`].
///
/// # Errors
/// [`Error::NotFound`], [`Error::Read`], and those of [`decode_bytes`].
pub fn decode(path: impl AsRef<Path>) -> Result<Raster> {
    decode_with(path, &DecodeLimits::default())
}

/// As [`decode`], within `limits`.
///
/// # Errors
/// As [`decode`].
pub fn decode_with(path: impl AsRef<Path>, limits: &DecodeLimits) -> Result<Raster> {
    let path = path.as_ref();
    decode_bytes_with(&read(path, limits)?, &path.display().to_string(), limits)
}

/// The picture in the bytes of a PNG, JPEG, BMP or TIFF file, at its depth and the right way up, within the
/// default [`DecodeLimits`]. Errors say `name`.
///
/// Grey stays grey, in the depths of 8 and 16 bits; cameras of 10 to 14 bits may need
/// [`Raster::with_bit_depth`], since files seldom tell. Floating-point TIFF (RGB) must lie within `0..=1`. BMP
/// stores grey as a palette, which becomes RGB.
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
/// assert_eq!(decode_bytes(&file, "pixel.png")?.to_rgb(), image);
/// assert!(decode_bytes(&file[..file.len() / 2], "half.png").is_err());
/// # Ok::<(), madenet_image::Error>(())
/// ```
pub fn decode_bytes(bytes: &[u8], name: &str) -> Result<Raster> {
    decode_bytes_with(bytes, name, &DecodeLimits::default())
}

/// As [`decode_bytes`], within `limits`.
///
/// # Errors
/// As [`decode_bytes`].
pub fn decode_bytes_with(bytes: &[u8], name: &str, limits: &DecodeLimits) -> Result<Raster> {
    let format = format_of(bytes, name, limits)?;
    let picture = decode_upright(bytes, format, name, limits)?;
    Raster::try_from(picture).map_err(|error| unsupported_pixels(&error, format, name))
}

/// The mask in the PNG, BMP or TIFF file at `path`, within the default [`DecodeLimits`]: every pixel that is
/// not black is anomalous, whatever the number of bits and channels.
///
/// A mask with an orientation is turned as a picture is. A mask drawn on the turned picture has none and
/// stays, so it fits the picture as [`decode`] gives it.
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
            let picture = decode_upright(&bytes, format, &name, limits)?;
            let view =
                ImageView::try_from(&picture).map_err(|error| unsupported_pixels(&error, format, &name))?;
            Mask::new(view.width(), view.height(), convert::nonzero(&view))
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

/// The picture as a viewer shows it.
fn decode_upright(
    bytes: &[u8],
    format: ImageFormat,
    name: &str,
    limits: &DecodeLimits,
) -> Result<DynamicImage> {
    let (mut picture, orientation) = match format {
        ImageFormat::Jpeg => jpeg::decode(bytes, name, limits)?,
        _ => decode_lossless(bytes, format, name, limits)?,
    };
    picture.apply_orientation(orientation);
    Ok(picture)
}

fn decode_lossless(
    bytes: &[u8],
    format: ImageFormat,
    name: &str,
    limits: &DecodeLimits,
) -> Result<(DynamicImage, Orientation)> {
    let error = |source| to_error(source, format, name, limits);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut decoder_limits = Limits::no_limits();
    decoder_limits.max_alloc = Some(limits.max_memory);
    reader.limits(decoder_limits);
    let mut decoder = reader.into_decoder().map_err(error)?;
    let orientation = decoder.orientation().map_err(error)?;
    let (width, height) = decoder.dimensions();
    let (decoded, colour) = (decoder.total_bytes(), decoder.color_type());
    // Turning by a quarter takes a copy with alpha; else the largest copy is the result without.
    let copied = match orientation {
        Orientation::NoTransforms | Orientation::Rotate180 => without_alpha(decoded, colour),
        Orientation::FlipHorizontal | Orientation::FlipVertical => without_alpha(decoded, colour),
        _ => decoded,
    };
    limits.check_picture((width.into(), height.into()), decoded, copied, name)?;
    Ok((DynamicImage::from_decoder(decoder).map_err(error)?, orientation))
}

fn without_alpha(bytes: u64, colour: ColorType) -> u64 {
    let channels = u64::from(colour.channel_count());
    bytes / channels * (channels - u64::from(colour.has_alpha()))
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

fn unsupported_pixels(error: &Error, format: ImageFormat, name: &str) -> Error {
    Error::UnsupportedContent {
        format: format_name(format).unwrap_or_default().to_owned(),
        content: error.to_string(),
        name: name.to_owned(),
    }
}
