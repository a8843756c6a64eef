//! Blending a coloured heat map over the picture it belongs to.

use crate::{Error, Image, ImageView, Result};

/// `(1 - alpha) * image + alpha * heat`, rounded, for each channel.
///
/// `alpha` is the opacity of the heat map, 0 (only the image) to 1 (only the heat map).
///
/// # Errors
/// [`Error::SizeMismatch`] where the sizes differ, [`Error::Alpha`] where `alpha` is outside 0..=1 or not a
/// number.
///
/// ```
/// use madenet_image::{Image, overlay};
///
/// let image = Image::new(1, 1, vec![0, 100, 200])?;
/// let heat = Image::new(1, 1, vec![255, 0, 0])?;
/// assert_eq!(overlay(&image.as_view(), &heat, 0.4)?.pixels(), [102, 60, 120]);
/// # Ok::<(), madenet_image::Error>(())
/// ```
pub fn overlay(image: &ImageView<'_>, heat: &Image, alpha: f32) -> Result<Image> {
    let (expected, got) = ((image.width(), image.height()), (heat.width(), heat.height()));
    if expected != got {
        return Err(Error::SizeMismatch { expected, got });
    }
    if !(0.0..=1.0).contains(&alpha) {
        return Err(Error::Alpha(alpha));
    }
    let blend = |(&below, &above): (&u8, &u8)| {
        let (below, above) = (f32::from(below), f32::from(above));
        (below + alpha * (above - below)).round() as u8
    };
    let pixels = image.rgb_pixels().iter().zip(heat.pixels()).map(blend).collect();
    Ok(Image::from_parts(expected.0, expected.1, pixels))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Channels;

    #[test]
    fn the_ends_are_exact() {
        let grey = ImageView::packed(&[0u8, 77, 255], 3, 1, Channels::Gray).unwrap();
        let heat = Image::new(3, 1, vec![255, 1, 2, 3, 4, 5, 6, 7, 0]).unwrap();
        assert_eq!(overlay(&grey, &heat, 0.0).unwrap(), grey.to_rgb());
        assert_eq!(overlay(&grey, &heat, 1.0).unwrap(), heat);
    }

    #[test]
    fn other_sizes_and_opacities_are_refused() {
        let grey = ImageView::packed(&[0u8, 77], 2, 1, Channels::Gray).unwrap();
        let heat = Image::new(1, 2, vec![0; 6]).unwrap();
        let error = overlay(&grey, &heat, 0.5).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the heat map must be as large as the image: expected 2 x 1, got 1 x 2"
        );
        let heat = Image::new(2, 1, vec![0; 6]).unwrap();
        for alpha in [-0.1, 1.1, f32::NAN, f32::INFINITY] {
            assert!(matches!(overlay(&grey, &heat, alpha), Err(Error::Alpha(_))), "{alpha}");
        }
    }
}
