//! Changes of brightness, contrast, saturation and hue, as a light or a camera makes them.

use crate::plane::LUMA;
use crate::{Error, Image, ImageView, Result};

/// The factors of one change of colours.
///
/// The four steps follow each other in the order of the fields and mean what torchvision's
/// `adjust_brightness`, `adjust_contrast`, `adjust_saturation` and `adjust_hue` mean. Values are clamped to
/// 0..=255 after each step, but rounded only once, at the end (torchvision cuts off the fraction after each).
/// Hue turns by the exact angle, as in torchvision's version for tensors; the one for Pillow's pictures
/// rounds angles to 1/255 of a turn.
///
/// Which factors to draw is up to the caller: this type holds one draw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColorJitter {
    /// Factor of every value: 0 is black, 1 leaves the picture as it is. Not negative.
    pub brightness: f32,
    /// Factor of the distance from the mean luminance of the picture: 0 is plain grey, 1 leaves it. Not
    /// negative.
    pub contrast: f32,
    /// Factor of the distance from the pixel's own luminance: 0 is a grey picture, 1 leaves it. Not negative.
    pub saturation: f32,
    /// Part of a turn by which the hue in HSV moves, from -0.5 to 0.5: red becomes green at 1/3 and blue at
    /// -1/3. 0 leaves it.
    pub hue: f32,
}

/// Leaves pictures as they are.
impl Default for ColorJitter {
    fn default() -> Self {
        ColorJitter { brightness: 1.0, contrast: 1.0, saturation: 1.0, hue: 0.0 }
    }
}

impl ColorJitter {
    /// The changed picture.
    ///
    /// # Errors
    /// [`Error::Jitter`] where a factor is negative or not finite, or the hue outside of -0.5..=0.5.
    ///
    /// ```
    /// use madenet_image::{ColorJitter, Image};
    ///
    /// let image = Image::new(2, 1, vec![200, 100, 0, 40, 40, 40])?;
    /// let darker = ColorJitter { brightness: 0.5, ..ColorJitter::default() };
    /// assert_eq!(darker.apply(&image.as_view())?.pixels(), [100, 50, 0, 20, 20, 20]);
    ///
    /// // Luminances are 118.5 and 40, their mean 79.25.
    /// let flat = ColorJitter { contrast: 0.0, ..ColorJitter::default() };
    /// assert_eq!(flat.apply(&image.as_view())?.pixels(), [79; 6]);
    ///
    /// let turned = ColorJitter { hue: 1.0 / 3.0, ..ColorJitter::default() };
    /// assert_eq!(turned.apply(&image.as_view())?.pixels(), [0, 200, 100, 40, 40, 40]);
    /// # Ok::<(), madenet_image::Error>(())
    /// ```
    pub fn apply(&self, image: &ImageView<'_>) -> Result<Image> {
        self.check()?;
        let mut changed = image.to_rgb();
        let mean = self.mean_luma(&changed);
        for pixel in changed.pixels_mut().chunks_exact_mut(3) {
            let mut rgb = self.brightened(pixel).map(|value| blend(mean, value, self.contrast));
            let grey = luma(rgb);
            rgb = rgb.map(|value| blend(grey, value, self.saturation));
            if self.hue != 0.0 {
                rgb = turned(rgb, self.hue);
            }
            for (pixel, value) in pixel.iter_mut().zip(rgb) {
                // Casts cut off, so this rounds; `round` is a function call on many processors.
                *pixel = (value + 0.5) as u8;
            }
        }
        Ok(changed)
    }

    fn check(&self) -> Result<()> {
        let factors =
            [("brightness", self.brightness), ("contrast", self.contrast), ("saturation", self.saturation)];
        for (factor, got) in factors {
            if !(got.is_finite() && got >= 0.0) {
                return Err(Error::Jitter { factor, expected: "finite and not negative", got });
            }
        }
        if !(-0.5..=0.5).contains(&self.hue) {
            return Err(Error::Jitter { factor: "hue", expected: "in -0.5..=0.5", got: self.hue });
        }
        Ok(())
    }

    fn brightened(&self, pixel: &[u8]) -> [f32; 3] {
        std::array::from_fn(|c| (f32::from(pixel[c]) * self.brightness).min(255.0))
    }

    /// Mean luminance after the first step, 0..=255.
    fn mean_luma(&self, image: &Image) -> f32 {
        let pixels = image.pixels().chunks_exact(3);
        let count = pixels.len() as f64;
        (pixels.map(|pixel| f64::from(luma(self.brightened(pixel)))).sum::<f64>() / count) as f32
    }
}

/// From `other` (factor 0) to `value` (factor 1) and beyond.
fn blend(other: f32, value: f32, factor: f32) -> f32 {
    // The difference first: it is 0 for equal values, whatever the factor, and factor 1 gives `value` to the
    // bit.
    if factor == 1.0 { value } else { (other + factor * (value - other)).clamp(0.0, 255.0) }
}

/// The luminance of a colour, in its own unit.
fn luma([r, g, b]: [f32; 3]) -> f32 {
    let [red, green, blue] = LUMA;
    red * r + green * g + blue * b
}

/// The colour with its hue moved by `turn` of the circle; value and saturation of HSV (A. R. Smith, "Color
/// gamut transform pairs", 1978) stay.
fn turned(rgb: [f32; 3], turn: f32) -> [f32; 3] {
    let [r, g, b] = rgb;
    let (max, min) = (r.max(g).max(b), r.min(g).min(b));
    let chroma = max - min;
    if chroma <= 0.0 {
        return rgb;
    }
    // In sixths of the circle: red at 0, green at 2, blue at 4.
    let hue = if max == r {
        (g - b) / chroma
    } else if max == g {
        2.0 + (b - r) / chroma
    } else {
        4.0 + (r - g) / chroma
    };
    let hue = hue + 6.0 * turn;
    // A channel is at its maximum within one sixth of its own hue, at its minimum beyond two.
    [0.0, 2.0, 4.0].map(|own| {
        let distance = ((hue - own + 3.0).rem_euclid(6.0) - 3.0).abs();
        min + chroma * (2.0 - distance).clamp(0.0, 1.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Channels;

    fn colours() -> Vec<u8> {
        (0..32 * 32 * 3u32).map(|i| (i * i * 31 % 256) as u8).collect()
    }

    #[test]
    fn the_default_changes_nothing() {
        let pixels = colours();
        let view = ImageView::packed(&pixels, 32, 32, Channels::Rgb).unwrap();
        assert_eq!(ColorJitter::default().apply(&view).unwrap(), view.to_rgb());
    }

    #[test]
    fn hues_there_and_back_are_the_same() {
        for pixel in colours().chunks_exact(3) {
            let rgb = [0, 1, 2].map(|c| f32::from(pixel[c]));
            for turn in [0.1, 0.25, 0.5, -0.4] {
                let back = turned(turned(rgb, turn), -turn);
                assert!(rgb.iter().zip(back).all(|(a, b)| (a - b).abs() < 1e-3), "{rgb:?} {turn} {back:?}");
            }
        }
    }

    #[test]
    fn a_grey_picture_has_no_hue_and_no_saturation() {
        let grey = ImageView::packed(&[0_u8, 30, 255], 3, 1, Channels::Gray).unwrap();
        let jitter = ColorJitter { saturation: 7.0, hue: 0.3, ..ColorJitter::default() };
        assert_eq!(jitter.apply(&grey).unwrap(), grey.to_rgb());
    }

    #[test]
    fn the_largest_factors_give_colours() {
        let pixels = colours();
        let view = ImageView::packed(&pixels, 32, 32, Channels::Rgb).unwrap();
        let jitter =
            ColorJitter { brightness: f32::MAX, contrast: f32::MAX, saturation: f32::MAX, hue: -0.5 };
        let extremes = jitter.apply(&view).unwrap();
        assert!(extremes.pixels().iter().all(|&value| value == 0 || value == 255));
        let one = ImageView::packed(&[9_u8], 1, 1, Channels::Gray).unwrap();
        assert_eq!(
            ColorJitter { contrast: 5.0, ..ColorJitter::default() }.apply(&one).unwrap().pixels(),
            [9; 3]
        );
    }

    #[test]
    fn factors_outside_of_their_range_are_refused() {
        let view = ImageView::packed(&[9_u8], 1, 1, Channels::Gray).unwrap();
        let same = ColorJitter::default();
        for bad in [-0.1, f32::NAN, f32::INFINITY] {
            for jitter in [
                ColorJitter { brightness: bad, ..same },
                ColorJitter { contrast: bad, ..same },
                ColorJitter { saturation: bad, ..same },
                ColorJitter { hue: bad - 0.5, ..same },
            ] {
                assert!(matches!(jitter.apply(&view), Err(Error::Jitter { .. })), "{jitter:?}");
            }
        }
        let error = ColorJitter { hue: 0.6, ..same }.apply(&view).unwrap_err();
        assert_eq!(error.to_string(), "the hue of a colour jitter must be in -0.5..=0.5, got 0.6");
    }
}
