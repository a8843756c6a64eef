//! Conversions from the types of the crate `image`.
//!
//! They are `TryFrom` and not `From`, because a picture of that crate may have no pixels or pixels of
//! floating point.

use image::{DynamicImage, GrayImage, RgbImage, RgbaImage};

use crate::{Error, Image, ImageView, PixelFormat, Result};

/// The pixels where they lie.
impl<'a> TryFrom<&'a RgbImage> for ImageView<'a> {
    type Error = Error;

    fn try_from(image: &'a RgbImage) -> Result<Self> {
        packed(image.as_raw(), image.dimensions(), PixelFormat::Rgb8)
    }
}

/// The pixels where they lie.
impl<'a> TryFrom<&'a GrayImage> for ImageView<'a> {
    type Error = Error;

    fn try_from(image: &'a GrayImage) -> Result<Self> {
        packed(image.as_raw(), image.dimensions(), PixelFormat::Gray8)
    }
}

/// The pixels where they lie.
impl<'a> TryFrom<&'a RgbaImage> for ImageView<'a> {
    type Error = Error;

    fn try_from(image: &'a RgbaImage) -> Result<Self> {
        packed(image.as_raw(), image.dimensions(), PixelFormat::Rgba8)
    }
}

/// The pixels where they lie; other kinds than 8-bit grey, RGB and RGBA become an [`Image`] first.
impl<'a> TryFrom<&'a DynamicImage> for ImageView<'a> {
    type Error = Error;

    fn try_from(image: &'a DynamicImage) -> Result<Self> {
        match image {
            DynamicImage::ImageLuma8(gray) => gray.try_into(),
            DynamicImage::ImageRgb8(rgb) => rgb.try_into(),
            DynamicImage::ImageRgba8(rgba) => rgba.try_into(),
            other => Err(unsupported(other, "L8, Rgb8 or Rgba8; Image::try_from converts other kinds")),
        }
    }
}

/// Grey is repeated three times, alpha is dropped, 16 bits are rounded to 8 (`v / 257` to the nearest, so
/// that 65535 becomes 255). Floating point has no agreed range and is refused.
impl TryFrom<DynamicImage> for Image {
    type Error = Error;

    fn try_from(image: DynamicImage) -> Result<Self> {
        let (width, height) = (image.width() as usize, image.height() as usize);
        let pixels = rgb(&image).ok_or_else(|| unsupported(&image, "8 or 16 bits per channel"))?;
        Image::new(width, height, pixels)
    }
}

fn packed<'a>(raw: &'a [u8], (width, height): (u32, u32), format: PixelFormat) -> Result<ImageView<'a>> {
    ImageView::packed(raw, width as usize, height as usize, format)
}

fn unsupported(image: &DynamicImage, expected: &'static str) -> Error {
    Error::UnsupportedPixels { pixels: format!("{:?}", image.color()), expected }
}

/// The RGB pixels, or nothing for pixels of floating point.
pub(crate) fn rgb(image: &DynamicImage) -> Option<Vec<u8>> {
    let pixels = image.width() as usize * image.height() as usize;
    Some(match image {
        DynamicImage::ImageLuma8(b) => to_rgb(b.as_raw(), 1, pixels, |v| v),
        DynamicImage::ImageLumaA8(b) => to_rgb(b.as_raw(), 2, pixels, |v| v),
        DynamicImage::ImageRgb8(b) => to_rgb(b.as_raw(), 3, pixels, |v| v),
        DynamicImage::ImageRgba8(b) => to_rgb(b.as_raw(), 4, pixels, |v| v),
        DynamicImage::ImageLuma16(b) => to_rgb(b.as_raw(), 1, pixels, round_to_8_bits),
        DynamicImage::ImageLumaA16(b) => to_rgb(b.as_raw(), 2, pixels, round_to_8_bits),
        DynamicImage::ImageRgb16(b) => to_rgb(b.as_raw(), 3, pixels, round_to_8_bits),
        DynamicImage::ImageRgba16(b) => to_rgb(b.as_raw(), 4, pixels, round_to_8_bits),
        _ => return None,
    })
}

/// Whether each pixel differs from black, at full depth (a mask may mark a defect with the value 1 of 65535);
/// nothing for pixels of floating point.
pub(crate) fn nonzero(image: &DynamicImage) -> Option<Vec<bool>> {
    let pixels = image.width() as usize * image.height() as usize;
    Some(match image {
        DynamicImage::ImageLuma8(b) => any_nonzero(b.as_raw(), 1, pixels),
        DynamicImage::ImageLumaA8(b) => any_nonzero(b.as_raw(), 2, pixels),
        DynamicImage::ImageRgb8(b) => any_nonzero(b.as_raw(), 3, pixels),
        DynamicImage::ImageRgba8(b) => any_nonzero(b.as_raw(), 4, pixels),
        DynamicImage::ImageLuma16(b) => any_nonzero(b.as_raw(), 1, pixels),
        DynamicImage::ImageLumaA16(b) => any_nonzero(b.as_raw(), 2, pixels),
        DynamicImage::ImageRgb16(b) => any_nonzero(b.as_raw(), 3, pixels),
        DynamicImage::ImageRgba16(b) => any_nonzero(b.as_raw(), 4, pixels),
        _ => return None,
    })
}

/// `channels` is 1 (grey), 2 (grey, alpha), 3 or 4 (with alpha); a buffer of `image` may be longer than its
/// picture.
fn to_rgb<T: Copy>(raw: &[T], channels: usize, pixels: usize, to_8_bits: impl Fn(T) -> u8) -> Vec<u8> {
    let (green, blue) = if channels < 3 { (0, 0) } else { (1, 2) };
    let pixels = raw.chunks_exact(channels).take(pixels);
    pixels.flat_map(|p| [to_8_bits(p[0]), to_8_bits(p[green]), to_8_bits(p[blue])]).collect()
}

fn any_nonzero<T: Copy + PartialEq + From<u8>>(raw: &[T], channels: usize, pixels: usize) -> Vec<bool> {
    let colours = if channels < 3 { 1 } else { 3 };
    let pixels = raw.chunks_exact(channels).take(pixels);
    pixels.map(|p| p[..colours].iter().any(|&v| v != T::from(0))).collect()
}

fn round_to_8_bits(value: u16) -> u8 {
    ((u32::from(value) + 128) / 257) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ImageBuffer, Luma, LumaA, Rgb, Rgba};

    #[test]
    fn views_borrow_the_pixels() {
        let rgb = RgbImage::from_raw(2, 1, vec![1, 2, 3, 4, 5, 6]).unwrap();
        let view = ImageView::try_from(&rgb).unwrap();
        assert_eq!(view.rows().next().unwrap().as_ptr(), rgb.as_raw().as_ptr());

        let gray = GrayImage::from_raw(1, 2, vec![8, 9]).unwrap();
        assert_eq!(ImageView::try_from(&gray).unwrap().to_rgb().pixels(), [8, 8, 8, 9, 9, 9]);

        let rgba = DynamicImage::from(RgbaImage::from_raw(1, 1, vec![1, 2, 3, 0]).unwrap());
        assert_eq!(ImageView::try_from(&rgba).unwrap().to_rgb().pixels(), [1, 2, 3]);
    }

    #[test]
    fn sixteen_bits_round_to_the_nearest() {
        for v in 0..=u16::MAX {
            assert_eq!(f64::from(round_to_8_bits(v)), (f64::from(v) / 257.0).round(), "{v}");
        }
    }

    #[test]
    fn every_integer_kind_becomes_rgb() {
        let gray16 =
            DynamicImage::from(ImageBuffer::<Luma<u16>, _>::from_raw(1, 1, vec![257 * 9 + 128]).unwrap());
        assert_eq!(Image::try_from(gray16).unwrap().pixels(), [9; 3]);
        let gray_alpha = DynamicImage::from(ImageBuffer::<LumaA<u8>, _>::from_raw(1, 1, vec![7, 0]).unwrap());
        assert_eq!(Image::try_from(gray_alpha).unwrap().pixels(), [7; 3]);
        let rgba16 = ImageBuffer::<Rgba<u16>, _>::from_raw(1, 1, vec![257, 514, 65535, 0]).unwrap();
        assert_eq!(Image::try_from(DynamicImage::from(rgba16)).unwrap().pixels(), [1, 2, 255]);
    }

    #[test]
    fn a_longer_buffer_than_the_picture_is_cut() {
        let rgb = RgbImage::from_raw(1, 1, vec![1, 2, 3, 4, 5, 6]).unwrap();
        assert_eq!(Image::try_from(DynamicImage::from(rgb)).unwrap().pixels(), [1, 2, 3]);
    }

    #[test]
    fn masks_look_at_the_full_depth_and_not_at_alpha() {
        let faint = DynamicImage::from(ImageBuffer::<Luma<u16>, _>::from_raw(2, 1, vec![0, 1]).unwrap());
        assert_eq!(nonzero(&faint).unwrap(), [false, true]);
        let opaque = DynamicImage::from(RgbaImage::from_raw(2, 1, vec![0, 0, 0, 255, 0, 0, 1, 0]).unwrap());
        assert_eq!(nonzero(&opaque).unwrap(), [false, true]);
    }

    #[test]
    fn floats_and_empty_pictures_are_refused() {
        let float = DynamicImage::from(ImageBuffer::<Rgb<f32>, _>::from_raw(1, 1, vec![0.0; 3]).unwrap());
        assert!(matches!(ImageView::try_from(&float), Err(Error::UnsupportedPixels { .. })));
        let error = Image::try_from(float).unwrap_err();
        assert_eq!(error.to_string(), "cannot use Rgb32F pixels: expected 8 or 16 bits per channel");
        assert!(matches!(ImageView::try_from(&RgbImage::new(0, 3)), Err(Error::NoPixels { .. })));
        assert!(matches!(Image::try_from(DynamicImage::new_luma8(0, 0)), Err(Error::NoPixels { .. })));
    }
}
