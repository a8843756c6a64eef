//! A heat map over the picture it belongs to.

use crate::{Colormap, Error, Image, ImageView, Plane, Result};

/// Where the heat map begins to show, and where it has its full opacity: half of the threshold, and the
/// threshold.
const SHOWS_FROM: f32 = 0.25;
const FULL_FROM: f32 = 0.5;

/// The picture with what is anomalous in the colours of a heat map.
///
/// `heat` runs from 0 to 1 with the threshold at 0.5, as anomaly maps do; values outside are clamped.
/// `opacity` is the opacity of the heat map at the threshold and above, 0 (only the picture) to 1 (only the
/// heat map). Below the threshold it falls, and from half of it downwards the picture keeps its own colours,
/// so that good parts look as they are:
///
/// ```text
/// opacity         __________
///                /
///               /
/// 0 ___________/
///   0      0.25   0.5      1   heat
/// ```
///
/// # Errors
/// [`Error::SizeMismatch`] where the sizes differ, [`Error::Opacity`] where `opacity` is outside 0..=1 or not
/// a number.
///
/// ```
/// use madenet_image::{Channels, Colormap, ImageView, Plane, overlay};
///
/// let picture = ImageView::packed(&[100_u8; 4], 4, 1, Channels::Gray)?;
/// let heat = Plane::new(4, 1, vec![0.25, 0.375, 0.5, 1.0])?;
/// assert_eq!(Colormap::Inferno.rgb(0.5), [187, 55, 85]);
/// assert_eq!(overlay(&picture, &heat, Colormap::Inferno, 0.5)?.pixels(), [
///     100, 100, 100, // as it was
///     109,  84, 102, // a quarter of [137, 34, 106]
///     144,  78,  93, // half of [187, 55, 85]
///     176, 178, 132, // half of [252, 255, 164]
/// ]);
/// # Ok::<(), madenet_image::Error>(())
/// ```
pub fn overlay(image: &ImageView<'_>, heat: &Plane, colormap: Colormap, opacity: f32) -> Result<Image> {
    let (expected, got) = ((image.width(), image.height()), (heat.width(), heat.height()));
    if expected != got {
        return Err(Error::SizeMismatch { what: "heat map", reference: "picture", expected, got });
    }
    if !(0.0..=1.0).contains(&opacity) {
        return Err(Error::Opacity(opacity));
    }
    let mut blended = image.to_rgb();
    for (pixel, &heat) in blended.pixels_mut().chunks_exact_mut(3).zip(heat.values()) {
        let weight = opacity * ((heat - SHOWS_FROM) / (FULL_FROM - SHOWS_FROM)).clamp(0.0, 1.0);
        if weight > 0.0 {
            for (below, above) in pixel.iter_mut().zip(colormap.rgb(heat)) {
                let (from, to) = (f32::from(*below), f32::from(above));
                // Casts cut off, so this rounds; `round` is a function call on many processors.
                *below = (from + weight * (to - from) + 0.5) as u8;
            }
        }
    }
    Ok(blended)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Channels;

    #[test]
    fn the_ends_are_exact() {
        let grey = ImageView::packed(&[0_u8, 77, 255], 3, 1, Channels::Gray).unwrap();
        let hot = Plane::new(3, 1, vec![0.5, 0.8, 9.0]).unwrap();
        let cold = Plane::new(3, 1, vec![-9.0, 0.0, 0.25]).unwrap();
        for map in [Colormap::Viridis, Colormap::Inferno] {
            assert_eq!(overlay(&grey, &hot, map, 0.0).unwrap(), grey.to_rgb());
            assert_eq!(overlay(&grey, &cold, map, 1.0).unwrap(), grey.to_rgb());
            assert_eq!(overlay(&grey, &hot, map, 1.0).unwrap(), map.heat(&hot));
        }
    }

    #[test]
    fn the_largest_numbers_are_hottest() {
        let grey = ImageView::packed(&[1_u8, 2], 2, 1, Channels::Gray).unwrap();
        let heat = Plane::new(2, 1, vec![f32::MAX, f32::MIN]).unwrap();
        let [r, g, b] = Colormap::Viridis.rgb(1.0);
        assert_eq!(overlay(&grey, &heat, Colormap::Viridis, 1.0).unwrap().pixels(), [r, g, b, 2, 2, 2]);
    }

    #[test]
    fn other_sizes_and_opacities_are_refused() {
        let grey = ImageView::packed(&[0_u8, 77], 2, 1, Channels::Gray).unwrap();
        let heat = Plane::new(1, 2, vec![0.0; 2]).unwrap();
        let error = overlay(&grey, &heat, Colormap::Inferno, 0.5).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the heat map must be as large as the picture: expected 2 x 1, got 1 x 2"
        );
        let heat = Plane::new(2, 1, vec![0.0; 2]).unwrap();
        for opacity in [-0.1, 1.1, f32::NAN, f32::INFINITY] {
            let result = overlay(&grey, &heat, Colormap::Inferno, opacity);
            assert!(matches!(result, Err(Error::Opacity(_))), "{opacity}");
        }
    }
}
