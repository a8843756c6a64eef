//! Conversions from the types of the crate `image`.
//!
//! They are `TryFrom` and not `From`, because a picture of that crate may have no pixels, or floating-point
//! pixels outside `0..=1`.

use image::{DynamicImage, ImageBuffer, Luma, LumaA, Pixel, Rgb, Rgba};

use crate::values::{Stored, for_each_type};
use crate::{Channels, Error, ImageView, PixelValue, Raster, Result};

macro_rules! views {
    ($($pixel:ident<$value:ty> => $channels:ident,)*) => {$(
        /// The pixels where they lie.
        ///
        /// # Errors
        /// [`Error::NoPixels`], and for `f32` [`Error::NotInUnitRange`].
        impl<'a> TryFrom<&'a ImageBuffer<$pixel<$value>, Vec<$value>>> for ImageView<'a> {
            type Error = Error;

            fn try_from(image: &'a ImageBuffer<$pixel<$value>, Vec<$value>>) -> Result<Self> {
                packed(image, Channels::$channels)
            }
        }
    )*};
}

views! {
    Luma<u8> => Gray,
    LumaA<u8> => GrayAlpha,
    Rgb<u8> => Rgb,
    Rgba<u8> => Rgba,
    Luma<u16> => Gray,
    LumaA<u16> => GrayAlpha,
    Rgb<u16> => Rgb,
    Rgba<u16> => Rgba,
    Rgb<f32> => Rgb,
    Rgba<f32> => Rgba,
}

fn packed<P: Pixel<Subpixel: PixelValue>>(
    image: &ImageBuffer<P, Vec<P::Subpixel>>,
    channels: Channels,
) -> Result<ImageView<'_>> {
    ImageView::packed(image.as_raw(), image.width() as usize, image.height() as usize, channels)
}

/// The pixels where they lie, of every kind.
///
/// # Errors
/// [`Error::NoPixels`], for floating point [`Error::NotInUnitRange`], and [`Error::UnsupportedPixels`] for
/// kinds that a later version of the crate `image` may add.
impl<'a> TryFrom<&'a DynamicImage> for ImageView<'a> {
    type Error = Error;

    fn try_from(image: &'a DynamicImage) -> Result<Self> {
        match image {
            DynamicImage::ImageLuma8(pixels) => pixels.try_into(),
            DynamicImage::ImageLumaA8(pixels) => pixels.try_into(),
            DynamicImage::ImageRgb8(pixels) => pixels.try_into(),
            DynamicImage::ImageRgba8(pixels) => pixels.try_into(),
            DynamicImage::ImageLuma16(pixels) => pixels.try_into(),
            DynamicImage::ImageLumaA16(pixels) => pixels.try_into(),
            DynamicImage::ImageRgb16(pixels) => pixels.try_into(),
            DynamicImage::ImageRgba16(pixels) => pixels.try_into(),
            DynamicImage::ImageRgb32F(pixels) => pixels.try_into(),
            DynamicImage::ImageRgba32F(pixels) => pixels.try_into(),
            other => Err(Error::UnsupportedPixels {
                pixels: format!("{:?}", other.color()),
                expected: "grey or RGB of 8, 16 or 32 bits",
            }),
        }
    }
}

/// The pixels at their depth: grey stays grey, alpha is dropped. Kinds without alpha are handed over, not
/// copied.
///
/// # Errors
/// Those of the [`ImageView`] of a `DynamicImage`.
impl TryFrom<DynamicImage> for Raster {
    type Error = Error;

    fn try_from(image: DynamicImage) -> Result<Self> {
        let view = ImageView::try_from(&image)?;
        let (width, height, channels, bits) =
            (view.width(), view.height(), view.channels(), view.bit_depth());
        // The buffer may be longer than the picture.
        let len = width * height * channels.count();
        let stored = match image {
            DynamicImage::ImageLuma8(pixels) => first(pixels.into_raw(), len),
            DynamicImage::ImageRgb8(pixels) => first(pixels.into_raw(), len),
            DynamicImage::ImageLuma16(pixels) => first(pixels.into_raw(), len),
            DynamicImage::ImageRgb16(pixels) => first(pixels.into_raw(), len),
            DynamicImage::ImageRgb32F(pixels) => first(pixels.into_raw(), len),
            _ => return Ok(view.to_raster()),
        };
        Ok(Raster::from_parts(width, height, channels, bits, stored))
    }
}

fn first<V: PixelValue>(mut values: Vec<V>, len: usize) -> Stored {
    values.truncate(len);
    V::stored(values)
}

/// Whether each pixel differs from black, at full depth: a mask may mark a defect with the value 1 of 65535.
pub(crate) fn nonzero(view: &ImageView<'_>) -> Vec<bool> {
    for_each_type!(view.values(), values => nonzero_of(view, values))
}

fn nonzero_of<'a, V: PixelValue>(view: &ImageView<'a>, values: &'a [V]) -> Vec<bool> {
    let (count, colours) = (view.channels().count(), view.channels().colours());
    let pixels = view.rows(values).flat_map(|row| row.chunks_exact(count));
    pixels.map(|pixel| pixel[..colours].iter().any(|&value| value != V::default())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Values;
    use image::{GrayImage, RgbImage, RgbaImage};

    #[test]
    fn views_borrow_the_pixels() {
        let rgb = RgbImage::from_raw(2, 1, vec![1, 2, 3, 4, 5, 6]).unwrap();
        let Values::U8(values) = ImageView::try_from(&rgb).unwrap().values() else { panic!("not 8 bits") };
        assert_eq!(values.as_ptr(), rgb.as_raw().as_ptr());

        let gray = GrayImage::from_raw(1, 2, vec![8, 9]).unwrap();
        assert_eq!(ImageView::try_from(&gray).unwrap().channels(), Channels::Gray);
    }

    #[test]
    fn every_kind_becomes_a_raster_of_its_depth() {
        let dynamic = |kind: DynamicImage| Raster::try_from(kind).unwrap();
        let gray_alpha = ImageBuffer::<LumaA<u8>, _>::from_raw(1, 1, vec![7, 0]).unwrap();
        assert_eq!(dynamic(gray_alpha.into()).values(), Values::U8(&[7]));
        let rgba = RgbaImage::from_raw(1, 1, vec![1, 2, 3, 0]).unwrap();
        assert_eq!(dynamic(rgba.into()).values(), Values::U8(&[1, 2, 3]));
        let gray16 = ImageBuffer::<Luma<u16>, _>::from_raw(1, 1, vec![777]).unwrap();
        assert_eq!(dynamic(gray16.into()).values(), Values::U16(&[777]));
        let gray_alpha16 = ImageBuffer::<LumaA<u16>, _>::from_raw(1, 1, vec![777, 1]).unwrap();
        assert_eq!(dynamic(gray_alpha16.into()).values(), Values::U16(&[777]));
        let rgb16 = ImageBuffer::<Rgb<u16>, _>::from_raw(1, 1, vec![257, 514, 65535]).unwrap();
        assert_eq!(dynamic(rgb16.into()).values(), Values::U16(&[257, 514, 65535]));
        let rgba16 = ImageBuffer::<Rgba<u16>, _>::from_raw(1, 1, vec![257, 514, 65535, 0]).unwrap();
        assert_eq!(dynamic(rgba16.into()).values(), Values::U16(&[257, 514, 65535]));
        let rgb32 = ImageBuffer::<Rgb<f32>, _>::from_raw(1, 1, vec![0.1, 0.2, 1.0]).unwrap();
        assert_eq!(dynamic(rgb32.into()).values(), Values::F32(&[0.1, 0.2, 1.0]));
        // Alpha may hold anything.
        let rgba32 = ImageBuffer::<Rgba<f32>, _>::from_raw(1, 1, vec![0.1, 0.2, 1.0, f32::NAN]).unwrap();
        assert_eq!(dynamic(rgba32.into()).values(), Values::F32(&[0.1, 0.2, 1.0]));
    }

    #[test]
    fn a_longer_buffer_than_the_picture_is_cut() {
        let rgb = RgbImage::from_raw(1, 1, vec![1, 2, 3, 4, 5, 6]).unwrap();
        assert_eq!(Raster::try_from(DynamicImage::from(rgb)).unwrap().values(), Values::U8(&[1, 2, 3]));
    }

    #[test]
    fn masks_look_at_the_full_depth_and_not_at_alpha() {
        let faint = ImageBuffer::<Luma<u16>, _>::from_raw(2, 1, vec![0, 1]).unwrap();
        assert_eq!(nonzero(&ImageView::try_from(&faint).unwrap()), [false, true]);
        let opaque = RgbaImage::from_raw(2, 1, vec![0, 0, 0, 255, 0, 0, 1, 0]).unwrap();
        assert_eq!(nonzero(&ImageView::try_from(&opaque).unwrap()), [false, true]);
    }

    #[test]
    fn pictures_out_of_range_and_empty_ones_are_refused() {
        let float = ImageBuffer::<Rgb<f32>, _>::from_raw(1, 2, vec![0.0, 0.0, 0.0, 0.0, 128.0, 0.0]).unwrap();
        let error = Raster::try_from(DynamicImage::from(float)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the pixel (0, 1) has the value 128, expected 0 to 1: divide floating-point pixels by their white \
             level first"
        );
        assert!(matches!(ImageView::try_from(&RgbImage::new(0, 3)), Err(Error::NoPixels { .. })));
        assert!(matches!(Raster::try_from(DynamicImage::new_luma8(0, 0)), Err(Error::NoPixels { .. })));
    }
}
