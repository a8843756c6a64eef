//! JPEG, decoded strictly.
//!
//! The crate `image` decodes JPEG leniently: of a file cut in half it returns a picture whose lower half is
//! grey, without a word. For a viewer that is kind; an inspection would learn the grey as normal, or report
//! it as a defect. So the decoder beneath it, `zune-jpeg`, is used directly in its strict mode, where missing
//! or contradictory data is an error. Two kinds of damage pass: a flipped bit that leaves a valid code stream,
//! since JPEG has no checksum, and the loss of the last few bytes, when they hold no more than the end marker
//! and the bits of the last block.

use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::{DecodeLimits, Error, Image, Result};

/// Bytes per pixel that a progressive file takes beside the result: three coefficients of 16 bits.
const COEFFICIENT_BYTES: u64 = 6;

pub(crate) fn decode(bytes: &[u8], name: &str, limits: &DecodeLimits) -> Result<Image> {
    let error = |source| to_error(source, name);
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        // The caller's limits hold instead of the decoder's own.
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(error)?;
    let (width, height) = decoder.dimensions().ok_or_else(|| error(DecodeErrors::ZeroError))?;
    let size = (width as u64, height as u64);
    limits.check_picture(size, size.0.saturating_mul(size.1).saturating_mul(COEFFICIENT_BYTES), name)?;
    Image::new(width, height, decoder.decode().map_err(error)?)
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
