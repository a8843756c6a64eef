//! Borrowed pixels: what a camera, a decoder or another library already holds in memory.
//!
//! A view is plain: a slice, a size, the channels and a stride. Rows may be padded (a stride larger than the
//! row), and the padding after the last row may be missing, as it is in a cropped region of a larger frame.

use std::borrow::Cow;
use std::fmt;

use crate::values::{for_each_type, white_of};
use crate::{Channels, Error, Image, PixelValue, Raster, Rect, Result, Values};

/// A picture that lies in somebody else's memory, at its own depth.
///
/// At least one pixel, every row within the buffer, and floating point within `0..=1`: [`ImageView::new`] has
/// checked it.
#[derive(Clone, Copy)]
pub struct ImageView<'a> {
    /// From the first value of the first row on.
    values: Values<'a>,
    width: usize,
    height: usize,
    channels: Channels,
    stride: usize,
    bit_depth: u8,
}

impl<'a> ImageView<'a> {
    /// A view of `height` rows of `width` pixels; row `y` begins at value `y * stride` of `data`.
    ///
    /// `stride` counts values from one row to the next, not bytes. The libraries of camera makers give bytes:
    /// for 16-bit pixels, halve them. The values after the last pixel of the last row may be missing.
    ///
    /// # Errors
    /// [`Error::NoPixels`], [`Error::SizeOverflow`], [`Error::StrideTooSmall`], [`Error::BufferTooShort`], and
    /// [`Error::NotInUnitRange`] for the first floating-point colour that is not a number of `0..=1`: a
    /// picture of 0 to 255 would else be all white, without a word. Alpha and padding may hold anything.
    ///
    /// ```
    /// use madenet_image::{Channels, ImageView};
    ///
    /// // Rows of 8 bytes, that is 4 values of 16 bits: three pixels and one value of padding.
    /// let frame: [u16; 8] = [
    ///     10, 20, 30, 0, //
    ///     40, 50, 4095, 0,
    /// ];
    /// let view = ImageView::new(&frame, 3, 2, Channels::Gray, 8 / size_of::<u16>())?.with_bit_depth(12)?;
    /// assert_eq!(view.to_rgb().pixels()[15..], [255, 255, 255]);
    /// # Ok::<(), madenet_image::Error>(())
    /// ```
    pub fn new<V: PixelValue>(
        data: &'a [V],
        width: usize,
        height: usize,
        channels: Channels,
        stride: usize,
    ) -> Result<Self> {
        if width == 0 || height == 0 {
            return Err(Error::NoPixels { width, height });
        }
        let overflow = || Error::SizeOverflow { width, height };
        let row = width.checked_mul(channels.count()).ok_or_else(overflow)?;
        if stride < row {
            return Err(Error::StrideTooSmall { width, channels, stride, expected: row });
        }
        let rows_above = (height - 1).checked_mul(stride).ok_or_else(overflow)?;
        let expected = rows_above.checked_add(row).ok_or_else(overflow)?;
        if data.len() < expected {
            return Err(Error::BufferTooShort { width, height, channels, stride, expected, got: data.len() });
        }
        let view =
            ImageView { values: V::borrowed(data), width, height, channels, stride, bit_depth: V::BITS };
        view.check_range()?;
        Ok(view)
    }

    /// A view of rows that follow each other without padding.
    ///
    /// # Errors
    /// As [`ImageView::new`].
    ///
    /// ```
    /// use madenet_image::{Channels, ImageView, Values};
    ///
    /// let view = ImageView::packed(&[0.1f32, 0.2, 0.3, 0.4], 2, 2, Channels::Gray)?;
    /// assert_eq!((view.width(), view.height(), view.stride()), (2, 2, 2));
    /// assert_eq!(view.values(), Values::F32(&[0.1, 0.2, 0.3, 0.4]));
    /// # Ok::<(), madenet_image::Error>(())
    /// ```
    pub fn packed<V: PixelValue>(
        data: &'a [V],
        width: usize,
        height: usize,
        channels: Channels,
    ) -> Result<Self> {
        ImageView::new(data, width, height, channels, width.saturating_mul(channels.count()))
    }

    /// A view of packed rows whose owner vouches for the size and the range.
    pub(crate) fn trusted(
        values: Values<'a>,
        width: usize,
        height: usize,
        channels: Channels,
        bit_depth: u8,
    ) -> Self {
        ImageView { values, width, height, channels, stride: width * channels.count(), bit_depth }
    }

    fn check_range(&self) -> Result<()> {
        let Values::F32(values) = self.values else { return Ok(()) };
        let (count, colours) = (self.channels.count(), self.channels.colours());
        for (y, row) in self.rows(values).enumerate() {
            for (x, pixel) in row.chunks_exact(count).enumerate() {
                if let Some(&value) = pixel[..colours].iter().find(|v| !(0.0..=1.0).contains(*v)) {
                    return Err(Error::NotInUnitRange { x, y, value });
                }
            }
        }
        Ok(())
    }

    /// The same pixels, of which only the lower `bits` of each 16 carry light: cameras of 10, 12 or 14 bits
    /// deliver words of 16. White is `2^bits - 1`, and larger values count as white.
    ///
    /// # Errors
    /// [`Error::BitDepth`] where the values are no `u16` or `bits` is outside `1..=16`.
    ///
    /// ```
    /// use madenet_image::{Channels, ImageView};
    ///
    /// let frame: [u16; 3] = [0, 512, 1023];
    /// let view = ImageView::packed(&frame, 3, 1, Channels::Gray)?;
    /// assert_eq!(view.to_rgb().pixels()[8], 4); // nearly black, read as 16 bits
    /// assert_eq!(view.with_bit_depth(10)?.to_rgb().pixels()[8], 255);
    /// # Ok::<(), madenet_image::Error>(())
    /// ```
    pub fn with_bit_depth(self, bits: u8) -> Result<Self> {
        match self.values {
            Values::U16(_) if (1..=16).contains(&bits) => Ok(ImageView { bit_depth: bits, ..self }),
            _ => Err(Error::BitDepth { got: bits, values: self.value_name() }),
        }
    }

    fn value_name(&self) -> &'static str {
        match self.values {
            Values::U8(_) => "u8",
            Values::U16(_) => "u16",
            Values::F32(_) => "f32",
        }
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

    /// What the values of a pixel stand for.
    #[must_use]
    pub fn channels(&self) -> Channels {
        self.channels
    }

    /// Values (not bytes) from one row to the next, at least the values of a row.
    #[must_use]
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// The values from the first pixel on; row `y` begins at `y * stride()`. What follows the last pixel is
    /// not part of the picture.
    #[must_use]
    pub fn values(&self) -> Values<'a> {
        self.values
    }

    /// The bits that a value carries: 8 for `u8`; 16 for `u16`, or what
    /// [`with_bit_depth`](Self::with_bit_depth) said; 32 for `f32`, the size of the type.
    #[must_use]
    pub fn bit_depth(&self) -> u8 {
        self.bit_depth
    }

    /// The value of white: 255, `2^bits - 1`, or 1 for `f32`. Black is 0.
    #[must_use]
    pub fn white(&self) -> f32 {
        match self.values {
            Values::U8(_) => 255.0,
            Values::U16(_) => f32::from(white_of(self.bit_depth)),
            Values::F32(_) => 1.0,
        }
    }

    /// The pixels of `region`, where they lie.
    ///
    /// # Errors
    /// [`Error::NoPixels`] where the region is empty, or [`Error::OutsideImage`] where part of the region is beyond the picture.
    ///
    /// ```
    /// use madenet_image::{Channels, ImageView, Rect};
    ///
    /// let view = ImageView::packed(&[
    ///     1u8, 2, 3, 4, //
    ///     5, 6, 7, 8,
    ///     9, 10, 11, 12,
    /// ], 4, 3, Channels::Gray)?;
    /// let part = view.crop(Rect::new(1, 1, 2, 2))?.to_raster();
    /// assert_eq!(part.as_view().values(), madenet_image::Values::U8(&[
    ///     6, 7, //
    ///     10, 11,
    /// ]));
    /// # Ok::<(), madenet_image::Error>(())
    /// ```
    pub fn crop(&self, region: Rect) -> Result<ImageView<'a>> {
        let Rect { x, y, width, height } = region;
        if width == 0 || height == 0 {
            return Err(Error::NoPixels { width, height });
        }
        let inside = |at: usize, len: usize, of: usize| at.checked_add(len).is_some_and(|end| end <= of);
        if !inside(x, width, self.width) || !inside(y, height, self.height) {
            return Err(Error::OutsideImage { region, image: (self.width, self.height) });
        }
        let first = y * self.stride + x * self.channels.count();
        let values = match self.values {
            Values::U8(values) => Values::U8(&values[first..]),
            Values::U16(values) => Values::U16(&values[first..]),
            Values::F32(values) => Values::F32(&values[first..]),
        };
        Ok(ImageView { values, width, height, ..*self })
    }

    /// A copy as 8-bit RGB, for drawing and showing: `value / white * 255` to the nearest, grey repeated three
    /// times, alpha dropped.
    #[must_use]
    pub fn to_rgb(&self) -> Image {
        Image::from_parts(self.width, self.height, self.rgb_pixels().into_owned())
    }

    /// A copy that owns its pixels, at the same depth: alpha is dropped, BGR becomes RGB, grey stays grey,
    /// values above white become white.
    #[must_use]
    pub fn to_raster(&self) -> Raster {
        let stored = for_each_type!(self.values, values => self.colours(values).into());
        Raster::from_parts(self.width, self.height, self.channels.of_raster(), self.bit_depth, stored)
    }

    /// The rows of `values` (the view's own) from top to bottom, without their padding.
    pub(crate) fn rows<V>(&self, values: &'a [V]) -> impl Iterator<Item = &'a [V]> + use<'a, V> {
        let row = self.width * self.channels.count();
        values.chunks(self.stride).take(self.height).map(move |padded| &padded[..row])
    }

    /// The pixels of `values` (the view's own) without padding and alpha, with red first.
    fn colours<V: Copy>(&self, values: &'a [V]) -> Vec<V> {
        let mut out = Vec::with_capacity(self.width * self.height * self.channels.colours());
        self.rows(values).for_each(|row| self.channels.append_colours(row, &mut out));
        out
    }

    /// The pixels as 8-bit RGB without gaps, borrowed where they lie so already.
    pub(crate) fn rgb_pixels(&self) -> Cow<'a, [u8]> {
        let len = self.width * self.height * 3;
        match self.values {
            Values::U8(values) if self.channels == Channels::Rgb && self.stride == self.width * 3 => {
                Cow::Borrowed(&values[..len])
            }
            values => Cow::Owned(for_each_type!(values, values => self.rgb_of(values))),
        }
    }

    fn rgb_of<V: PixelValue>(&self, values: &'a [V]) -> Vec<u8> {
        let mut rgb = Vec::with_capacity(self.width * self.height * 3);
        let level = |value: V| value.to_8_bits(self.bit_depth);
        for row in self.rows(values) {
            let pixels = row.chunks_exact(self.channels.count());
            match self.channels {
                Channels::Gray | Channels::GrayAlpha => rgb.extend(pixels.flat_map(|p| [level(p[0]); 3])),
                Channels::Rgb | Channels::Rgba => {
                    rgb.extend(pixels.flat_map(|p| [level(p[0]), level(p[1]), level(p[2])]));
                }
                Channels::Bgr | Channels::Bgra => {
                    rgb.extend(pixels.flat_map(|p| [level(p[2]), level(p[1]), level(p[0])]));
                }
            }
        }
        rgb
    }
}

impl fmt::Debug for ImageView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImageView")
            .field("width", &self.width)
            .field("height", &self.height)
            .field("channels", &self.channels)
            .field("stride", &self.stride)
            .field("values", &self.value_name())
            .field("bit_depth", &self.bit_depth)
            .finish_non_exhaustive()
    }
}
