//! The picture that is drawn on and shown: interleaved 8-bit RGB.

use std::fmt;

use crate::raster::value_count;
use crate::{Channels, Error, ImageView, Result, Values};

/// A picture of at least one pixel, as interleaved 8-bit RGB without padding: heat maps, overlays, and what
/// a screen shows. Photographs are [`Raster`](crate::Raster)s, which keep their depth.
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Image {
    /// A picture of `width * height` pixels, row by row from the top, three bytes each.
    ///
    /// # Errors
    /// [`Error::NoPixels`], [`Error::SizeOverflow`] or [`Error::WrongLength`].
    ///
    /// ```
    /// use madenet_image::Image;
    ///
    /// let image = Image::new(2, 1, vec![255, 0, 0, 0, 0, 255])?;
    /// assert_eq!((image.width(), image.height()), (2, 1));
    /// assert_eq!(image.pixels()[3..], [0, 0, 255]);
    /// # Ok::<(), madenet_image::Error>(())
    /// ```
    pub fn new(width: usize, height: usize, pixels: Vec<u8>) -> Result<Self> {
        let expected = value_count::<u8>(width, height, 3)?;
        if pixels.len() != expected {
            return Err(Error::WrongLength { width, height, expected, got: pixels.len() });
        }
        Ok(Image { width, height, pixels })
    }

    /// For sizes that a view, or a check of this crate, vouches for.
    pub(crate) fn from_parts(width: usize, height: usize, pixels: Vec<u8>) -> Self {
        debug_assert_eq!(pixels.len(), width * height * 3);
        Image { width, height, pixels }
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

    /// The `3 * width * height` bytes: rows from top to bottom, pixels from left to right, red before green
    /// before blue.
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The same bytes, to be drawn on.
    #[must_use]
    pub fn pixels_mut(&mut self) -> &mut [u8] {
        &mut self.pixels
    }

    /// The same bytes, handed over.
    #[must_use]
    pub fn into_pixels(self) -> Vec<u8> {
        self.pixels
    }

    /// A view of the whole picture.
    #[must_use]
    pub fn as_view(&self) -> ImageView<'_> {
        ImageView::trusted(Values::U8(&self.pixels), self.width, self.height, Channels::Rgb, 8)
    }
}

impl<'a> From<&'a Image> for ImageView<'a> {
    fn from(image: &'a Image) -> Self {
        image.as_view()
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Image")
            .field("width", &self.width)
            .field("height", &self.height)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_length_is_refused_with_both_lengths() {
        let error = Image::new(2, 2, vec![0; 11]).unwrap_err();
        assert_eq!(error.to_string(), "a raster of 2 x 2 holds 12 values, but got 11");
        assert!(Image::new(2, 2, vec![0; 13]).is_err());
        assert!(matches!(Image::new(0, 2, vec![]), Err(Error::NoPixels { .. })));
        assert!(matches!(Image::new(usize::MAX / 2, 2, vec![]), Err(Error::SizeOverflow { .. })));
    }

    #[test]
    fn the_view_of_an_image_is_the_image() {
        let image = Image::new(2, 1, vec![1, 2, 3, 4, 5, 6]).unwrap();
        let view = ImageView::from(&image);
        assert_eq!((view.width(), view.height(), view.stride()), (2, 1, 6));
        assert_eq!((view.channels(), view.bit_depth()), (Channels::Rgb, 8));
        assert_eq!(view.to_rgb(), image);
        assert_eq!(image.clone().into_pixels(), image.pixels());
    }
}
