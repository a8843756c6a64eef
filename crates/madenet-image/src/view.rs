//! Borrowed pixels: what a camera, a decoder or another library already holds in memory.
//!
//! A view is plain: a slice, a size, a format and a stride. Rows may be padded (a stride larger than the
//! row), and the padding after the last row may be missing, as it is in a cropped region of a larger frame.

use std::borrow::Cow;
use std::fmt;

use crate::{Error, Image, Result};

/// How one pixel lies in memory. Every channel is one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PixelFormat {
    /// One byte of grey.
    Gray8,
    /// Red, green, blue.
    Rgb8,
    /// Blue, green, red: OpenCV's and many cameras' order.
    Bgr8,
    /// Red, green, blue, alpha. Alpha is ignored wherever a picture is read: sensors have none, and blending
    /// with a background would invent pixels.
    Rgba8,
}

impl PixelFormat {
    /// Bytes of one pixel, 1 to 4.
    #[must_use]
    pub fn bytes_per_pixel(self) -> usize {
        match self {
            PixelFormat::Gray8 => 1,
            PixelFormat::Rgb8 | PixelFormat::Bgr8 => 3,
            PixelFormat::Rgba8 => 4,
        }
    }
}

impl fmt::Display for PixelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A picture that lies in somebody else's memory.
///
/// At least one pixel, and every row within the buffer: [`ImageView::new`] has checked it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ImageView<'a> {
    data: &'a [u8],
    width: usize,
    height: usize,
    format: PixelFormat,
    stride: usize,
}

impl<'a> ImageView<'a> {
    /// A view of `height` rows of `width` pixels; row `y` begins at byte `y * stride` of `data`.
    ///
    /// `stride` is in bytes. The bytes after the last pixel of the last row may be missing.
    ///
    /// # Errors
    /// [`Error::NoPixels`], [`Error::SizeOverflow`], [`Error::StrideTooSmall`] or [`Error::BufferTooShort`].
    pub fn new(
        data: &'a [u8],
        width: usize,
        height: usize,
        format: PixelFormat,
        stride: usize,
    ) -> Result<Self> {
        if width == 0 || height == 0 {
            return Err(Error::NoPixels { width, height });
        }
        let overflow = || Error::SizeOverflow { width, height };
        let row = width.checked_mul(format.bytes_per_pixel()).ok_or_else(overflow)?;
        if stride < row {
            return Err(Error::StrideTooSmall { width, format, stride, expected: row });
        }
        let rows_above = (height - 1).checked_mul(stride).ok_or_else(overflow)?;
        let expected = rows_above.checked_add(row).ok_or_else(overflow)?;
        if data.len() < expected {
            return Err(Error::BufferTooShort { width, height, format, stride, expected, got: data.len() });
        }
        Ok(ImageView { data, width, height, format, stride })
    }

    /// A view of rows that follow each other without padding.
    ///
    /// # Errors
    /// As [`ImageView::new`].
    ///
    /// ```
    /// use madenet_image::{ImageView, PixelFormat};
    ///
    /// let view = ImageView::packed(&[1, 2, 3, 4, 5, 6], 3, 2, PixelFormat::Gray8)?;
    /// assert_eq!(view.rows().nth(1), Some(&[4, 5, 6][..]));
    /// # Ok::<(), madenet_image::Error>(())
    /// ```
    pub fn packed(data: &'a [u8], width: usize, height: usize, format: PixelFormat) -> Result<Self> {
        ImageView::new(data, width, height, format, width.saturating_mul(format.bytes_per_pixel()))
    }

    /// A view of packed rows whose owner vouches for the size.
    pub(crate) fn trusted(data: &'a [u8], width: usize, height: usize, format: PixelFormat) -> Self {
        let stride = width * format.bytes_per_pixel();
        debug_assert!(width > 0 && height > 0 && data.len() == stride * height);
        ImageView { data, width, height, format, stride }
    }

    /// Width in pixels, at least 1.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels, at least 1.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// How one pixel lies in memory.
    #[must_use]
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// Bytes from one row to the next, at least the bytes of a row.
    #[must_use]
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// The rows from top to bottom, without their padding.
    pub fn rows(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let row = self.width * self.format.bytes_per_pixel();
        self.data.chunks(self.stride).take(self.height).map(move |padded| &padded[..row])
    }

    /// A copy as RGB: grey is repeated three times, BGR is turned round, alpha is dropped.
    #[must_use]
    pub fn to_rgb(&self) -> Image {
        Image::from_parts(self.width, self.height, self.rgb_pixels().into_owned())
    }

    /// The pixels as RGB without gaps, borrowed where they lie so already.
    pub(crate) fn rgb_pixels(&self) -> Cow<'a, [u8]> {
        let bytes = self.width * self.height * 3;
        if self.format == PixelFormat::Rgb8 && self.stride == self.width * 3 {
            return Cow::Borrowed(&self.data[..bytes]);
        }
        let mut rgb = Vec::with_capacity(bytes);
        for row in self.rows() {
            match self.format {
                PixelFormat::Gray8 => rgb.extend(row.iter().flat_map(|&v| [v; 3])),
                PixelFormat::Rgb8 => rgb.extend_from_slice(row),
                PixelFormat::Bgr8 => rgb.extend(row.chunks_exact(3).flat_map(|p| [p[2], p[1], p[0]])),
                PixelFormat::Rgba8 => rgb.extend(row.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]])),
            }
        }
        Cow::Owned(rgb)
    }
}

impl fmt::Debug for ImageView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImageView")
            .field("width", &self.width)
            .field("height", &self.height)
            .field("format", &self.format)
            .field("stride", &self.stride)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_becomes_rgb() {
        let cases: [(&[u8], PixelFormat, [u8; 6]); 4] = [
            (&[7, 9], PixelFormat::Gray8, [7, 7, 7, 9, 9, 9]),
            (&[1, 2, 3, 4, 5, 6], PixelFormat::Rgb8, [1, 2, 3, 4, 5, 6]),
            (&[1, 2, 3, 4, 5, 6], PixelFormat::Bgr8, [3, 2, 1, 6, 5, 4]),
            (&[1, 2, 3, 0, 4, 5, 6, 255], PixelFormat::Rgba8, [1, 2, 3, 4, 5, 6]),
        ];
        for (data, format, rgb) in cases {
            let view = ImageView::packed(data, 2, 1, format).unwrap();
            assert_eq!(view.to_rgb().pixels(), rgb, "{format}");
        }
    }

    #[test]
    fn padding_is_skipped_and_may_be_missing_at_the_end() {
        let data = [1, 2, 0xEE, 0xEE, 3, 4];
        let view = ImageView::new(&data, 2, 2, PixelFormat::Gray8, 4).unwrap();
        assert_eq!(view.rows().collect::<Vec<_>>(), [[1, 2], [3, 4]]);
        assert_eq!(view.to_rgb().pixels(), [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]);

        let padded_rgb = [1, 2, 3, 0xEE, 4, 5, 6];
        let view = ImageView::new(&padded_rgb, 1, 2, PixelFormat::Rgb8, 4).unwrap();
        assert_eq!(view.to_rgb().pixels(), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn bytes_after_the_picture_are_ignored() {
        let view = ImageView::packed(&[1, 2, 3, 99, 99], 1, 1, PixelFormat::Rgb8).unwrap();
        assert_eq!(view.to_rgb().pixels(), [1, 2, 3]);
        assert_eq!(view.rows().count(), 1);
    }

    #[test]
    fn zero_sizes_are_refused() {
        for (width, height) in [(0, 1), (1, 0), (0, 0)] {
            let error = ImageView::new(&[0; 8], width, height, PixelFormat::Gray8, 8).unwrap_err();
            assert!(matches!(error, Error::NoPixels { .. }), "{error}");
        }
    }

    #[test]
    fn a_short_buffer_is_refused_with_both_lengths() {
        let error = ImageView::new(&[0; 15], 2, 2, PixelFormat::Bgr8, 10).unwrap_err();
        assert_eq!(
            error.to_string(),
            "2 x 2 Bgr8 pixels at a stride of 10 take 16 bytes, but the buffer has 15"
        );
    }

    #[test]
    fn a_stride_shorter_than_the_row_is_refused() {
        let error = ImageView::new(&[0; 64], 3, 2, PixelFormat::Rgba8, 11).unwrap_err();
        assert_eq!(error.to_string(), "a row of 3 Rgba8 pixels takes 12 bytes, but the stride is 11");
    }

    #[test]
    fn sizes_beyond_the_address_space_are_refused() {
        let cases = [
            (usize::MAX, 1, usize::MAX),
            (1, usize::MAX, usize::MAX),
            (1, 3, usize::MAX / 2 + 1),
            (2, 2, usize::MAX - 5),
        ];
        for (width, height, stride) in cases {
            let error = ImageView::new(&[0; 8], width, height, PixelFormat::Rgb8, stride).unwrap_err();
            assert!(matches!(error, Error::SizeOverflow { .. }), "{error}");
        }
        assert!(ImageView::packed(&[0; 8], usize::MAX, 1, PixelFormat::Rgb8).is_err());
    }

    #[test]
    fn debug_does_not_print_the_pixels() {
        let view = ImageView::packed(&[0; 3], 1, 1, PixelFormat::Rgb8).unwrap();
        assert_eq!(format!("{view:?}"), "ImageView { width: 1, height: 1, format: Rgb8, stride: 3, .. }");
    }
}
