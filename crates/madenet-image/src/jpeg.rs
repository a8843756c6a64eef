//! JPEG, decoded strictly.
//!
//! The crate `image` decodes JPEG leniently: of a file cut in half it returns a picture whose lower half is
//! grey, without a word. For a viewer that is kind; an inspection would learn the grey as normal, or report
//! it as a defect. So the decoder beneath it, `zune-jpeg`, is used directly in its strict mode, where missing
//! or contradictory data is an error. Two kinds of damage pass: a flipped bit that leaves a valid code stream,
//! since JPEG has no checksum, and the loss of the last few bytes, when they hold no more than the end marker
//! and the bits of the last block.

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, RgbImage};
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::{DecodeLimits, Error, Result};

/// Bytes per pixel and component that a progressive file takes beside the result: a coefficient of 16 bits.
const COEFFICIENT_BYTES: u64 = 2;

/// The picture as it lies in the file, grey or RGB, and how it is to be turned.
pub(crate) fn decode(bytes: &[u8], name: &str, limits: &DecodeLimits) -> Result<(DynamicImage, Orientation)> {
    let error = |source| to_error(source, name);
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        // The caller's limits hold instead of the decoder's own.
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(error)?;
    let info = decoder.info().ok_or_else(|| error(DecodeErrors::ZeroError))?;
    let (width, height, components) = (info.width, info.height, info.components);
    let colours =
        colours(components, decoder.input_colorspace()).ok_or_else(|| unsupported(components, name))?;
    if colours == 1 {
        decoder.set_options(options.jpeg_set_out_colorspace(ColorSpace::Luma));
    }
    let pixels = u64::from(width) * u64::from(height);
    let decoder_bytes = pixels * u64::from(components) * COEFFICIENT_BYTES;
    limits.check_picture((width.into(), height.into()), decoder_bytes, pixels * colours, name)?;

    let orientation = info.exif_data.as_deref().and_then(Orientation::from_exif_chunk);
    let values = decoder.decode().map_err(error)?;
    let picture = match colours {
        1 => GrayImage::from_raw(width.into(), height.into(), values).map(DynamicImage::from),
        _ => RgbImage::from_raw(width.into(), height.into(), values).map(DynamicImage::from),
    };
    let picture = picture.ok_or_else(|| error(DecodeErrors::ZeroError))?;
    Ok((picture, orientation.unwrap_or(Orientation::NoTransforms)))
}

/// Colours of the result; none where the decoder does not give the right ones.
fn colours(components: u8, space: Option<ColorSpace>) -> Option<u64> {
    match (components, space) {
        (1, _) => Some(1),
        (3, _) | (4, Some(ColorSpace::CMYK | ColorSpace::YCCK)) => Some(3),
        _ => None,
    }
}

fn unsupported(components: u8, name: &str) -> Error {
    let content = format!("{components} components, expected grey, three colours, CMYK or YCCK");
    Error::UnsupportedContent { format: "JPEG".to_owned(), content, name: name.to_owned() }
}

fn to_error(source: DecodeErrors, name: &str) -> Error {
    let (format, name) = ("JPEG".to_owned(), name.to_owned());
    match source {
        DecodeErrors::Unsupported(scheme) => {
            Error::UnsupportedContent { format, content: format!("{scheme:?}"), name }
        }
        source => Error::Corrupt { format, name, source: Box::new(source) },
    }
}
