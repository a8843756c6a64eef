//! The owned picture as it was photographed.

use std::fmt;

use crate::values::{Stored, white_of};
use crate::{Channels, Error, Image, ImageView, PixelValue, Result, Values};

/// A picture of at least one pixel, grey or RGB, at the depth in which it was taken: `u8`, `u16` of 1 to 16
/// bits, or `f32`.
///
/// Rows lie without padding from top to bottom, pixels from left to right, red before green before blue. No
/// value is above white. This is what decoding and resizing give; [`Image`] is what one draws on and shows.
#[derive(Clone, PartialEq)]
pub struct Raster {
    width: usize,
    height: usize,
    channels: Channels,
    bit_depth: u8,
    values: Stored,
}

/// Floating-point values are numbers of `0..=1`, so equality is an equivalence.
impl Eq for Raster {}

impl Raster {
    /// A picture of `width * height` pixels of `channels`, which must be [`Channels::Gray`] or
    /// [`Channels::Rgb`]; [`ImageView::to_raster`] takes the other kinds.
    ///
    /// # Errors
    /// [`Error::RasterChannels`], [`Error::NoPixels`], [`Error::SizeOverflow`], [`Error::WrongLength`] or
    /// [`Error::NotInUnitRange`].
    ///
    /// ```
    /// use madenet_image::{Channels, Raster};
    ///
    /// let raster = Raster::new(3, 1, Channels::Gray, vec![0u16, 2048, 4095])?.with_bit_depth(12)?;
    /// assert_eq!(raster.to_rgb().pixels(), [0, 0, 0, 128, 128, 128, 255, 255, 255]);
    /// # Ok::<(), madenet_image::Error>(())
    /// ```
    pub fn new<V: PixelValue>(
        width: usize,
        height: usize,
        channels: Channels,
        values: Vec<V>,
    ) -> Result<Self> {
        if !matches!(channels, Channels::Gray | Channels::Rgb) {
            return Err(Error::RasterChannels { got: channels });
        }
        let expected = value_count::<V>(width, height, channels.count())?;
        if values.len() != expected {
            return Err(Error::WrongLength { width, height, expected, got: values.len() });
        }
        // The view checks the range.
        ImageView::packed(&values, width, height, channels)?;
        Ok(Raster::from_parts(width, height, channels, V::BITS, V::stored(values)))
    }

    /// For sizes and ranges that a view, or a check of this crate, vouches for.
    pub(crate) fn from_parts(
        width: usize,
        height: usize,
        channels: Channels,
        bit_depth: u8,
        mut values: Stored,
    ) -> Self {
        if let Stored::U16(values) = &mut values
            && bit_depth < 16
        {
            let white = white_of(bit_depth);
            values.iter_mut().for_each(|value| *value = white.min(*value));
        }
        Raster { width, height, channels, bit_depth, values }
    }

    /// The same pixels, with white at `2^bits - 1`; larger values become white. See
    /// [`ImageView::with_bit_depth`].
    ///
    /// # Errors
    /// [`Error::BitDepth`] where the values are no `u16` or `bits` is outside `1..=16`.
    pub fn with_bit_depth(self, bits: u8) -> Result<Self> {
        let bit_depth = self.as_view().with_bit_depth(bits)?.bit_depth();
        Ok(Raster::from_parts(self.width, self.height, self.channels, bit_depth, self.values))
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

    /// [`Channels::Gray`] or [`Channels::Rgb`].
    #[must_use]
    pub fn channels(&self) -> Channels {
        self.channels
    }

    /// The bits that a value carries, as [`ImageView::bit_depth`].
    #[must_use]
    pub fn bit_depth(&self) -> u8 {
        self.bit_depth
    }

    /// The `width * height * channels().count()` values.
    #[must_use]
    pub fn values(&self) -> Values<'_> {
        self.values.as_values()
    }

    /// A view of the whole picture.
    #[must_use]
    pub fn as_view(&self) -> ImageView<'_> {
        ImageView::trusted(self.values(), self.width, self.height, self.channels, self.bit_depth)
    }

    /// A copy as 8-bit RGB, as [`ImageView::to_rgb`].
    #[must_use]
    pub fn to_rgb(&self) -> Image {
        self.as_view().to_rgb()
    }
}

impl From<Image> for Raster {
    fn from(image: Image) -> Self {
        let (width, height) = (image.width(), image.height());
        Raster::from_parts(width, height, Channels::Rgb, 8, image.into_pixels().into())
    }
}

impl<'a> From<&'a Raster> for ImageView<'a> {
    fn from(raster: &'a Raster) -> Self {
        raster.as_view()
    }
}

impl fmt::Debug for Raster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Raster")
            .field("width", &self.width)
            .field("height", &self.height)
            .field("channels", &self.channels)
            .field("bit_depth", &self.bit_depth)
            .finish_non_exhaustive()
    }
}

/// Values of a picture.
///
/// # Errors
/// [`Error::NoPixels`] or [`Error::SizeOverflow`].
pub(crate) fn value_count<V>(width: usize, height: usize, channels: usize) -> Result<usize> {
    if width == 0 || height == 0 {
        return Err(Error::NoPixels { width, height });
    }
    width
        .checked_mul(height)
        .and_then(|pixels| pixels.checked_mul(channels))
        // No allocation can be larger, whatever the machine's memory.
        .filter(|&count| count.checked_mul(size_of::<V>()).is_some_and(|bytes| bytes <= isize::MAX as usize))
        .ok_or(Error::SizeOverflow { width, height })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_grey_and_rgb_are_held() {
        for channels in [Channels::GrayAlpha, Channels::Bgr, Channels::Rgba, Channels::Bgra] {
            let error = Raster::new(1, 1, channels, vec![0u8; channels.count()]).unwrap_err();
            assert!(matches!(error, Error::RasterChannels { .. }), "{error}");
        }
        assert!(matches!(Raster::new(2, 1, Channels::Rgb, vec![0u16; 5]), Err(Error::WrongLength { .. })));
        assert!(matches!(Raster::new::<u8>(0, 1, Channels::Rgb, vec![]), Err(Error::NoPixels { .. })));
        let error = Raster::new(2, 1, Channels::Gray, vec![0.5, f32::NAN]).unwrap_err();
        assert!(matches!(error, Error::NotInUnitRange { x: 1, y: 0, .. }), "{error}");
        assert!(matches!(
            Raster::new::<f32>(usize::MAX / 4, 1, Channels::Gray, vec![]),
            Err(Error::SizeOverflow { .. })
        ));
    }

    #[test]
    fn a_view_of_a_raster_is_the_raster() {
        let raster = Raster::new(2, 1, Channels::Gray, vec![7u16, 5000]).unwrap().with_bit_depth(12).unwrap();
        assert_eq!(raster.values(), Values::U16(&[7, 4095]));
        assert_eq!(ImageView::from(&raster).to_raster(), raster);
        assert_eq!((raster.bit_depth(), raster.as_view().white()), (12, 4095.0));
        let image = Image::new(1, 1, vec![1, 2, 3]).unwrap();
        assert_eq!(Raster::from(image.clone()).to_rgb(), image);
    }
}
