//! How large a file may be before it is refused.
//!
//! A few bytes can announce a picture of terabytes. All limits are checked on the announced size, before the
//! memory is taken.

use crate::{Error, Result};

/// Limits of decoding. The defaults let every industrial camera's picture pass and keep one decode below 1
/// GiB.
///
/// ```
/// use madenet_image::DecodeLimits;
///
/// let line_scan = DecodeLimits { max_pixels: 400_000_000, max_memory: 4 << 30, ..DecodeLimits::default() };
/// assert_eq!(line_scan.max_file_bytes, 256 << 20);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Largest file in bytes. Default 256 MiB, an uncompressed RGB picture of
    /// [`max_pixels`](Self::max_pixels) and some.
    pub max_file_bytes: u64,
    /// Largest width times height in pixels. Default 8192 * 8192 (64 Mi).
    pub max_pixels: u64,
    /// Largest memory of a decode in bytes: the decoder's buffers and the result at its depth. Default 1 GiB,
    /// enough for 16-bit RGBA (8 + 6 bytes per pixel) at the default number of pixels.
    pub max_memory: u64,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        DecodeLimits { max_file_bytes: 256 << 20, max_pixels: 8192 * 8192, max_memory: 1 << 30 }
    }
}

impl DecodeLimits {
    pub(crate) fn check_file(&self, bytes: u64, name: &str) -> Result<()> {
        check("bytes of file", bytes, self.max_file_bytes, name)
    }

    /// `decoder_bytes` is what the decoder holds beside the result of `result_bytes`.
    pub(crate) fn check_picture(
        &self,
        (width, height): (u64, u64),
        decoder_bytes: u64,
        result_bytes: u64,
        name: &str,
    ) -> Result<()> {
        check("pixels", width.saturating_mul(height), self.max_pixels, name)?;
        check("bytes of memory", decoder_bytes.saturating_add(result_bytes), self.max_memory, name)
    }
}

fn check(unit: &'static str, got: u64, limit: u64, name: &str) -> Result<()> {
    if got > limit {
        return Err(Error::TooLarge { unit, got, limit, name: name.to_owned() });
    }
    Ok(())
}
