//! One number per pixel: luminance, gradients, heat.

use std::fmt;

use crate::{Channels, Error, ImageView, Mask, Result, Values};

/// One finite `f32` for each pixel of a picture of at least one pixel.
#[derive(Clone, PartialEq)]
pub struct Plane {
    width: usize,
    height: usize,
    values: Vec<f32>,
}

/// Pillow's weights of red, green and blue (ITU-R BT.601: 0.299, 0.587, 0.114), multiples of 2^-16 that sum to 1,
/// so that grey keeps its level exactly, in `f32` as well.
pub(crate) const LUMA: [f32; 3] = [19595.0 / 65536.0, 38470.0 / 65536.0, 7471.0 / 65536.0];

impl Plane {
    /// A plane of `width * height` finite values, row by row from the top.
    ///
    /// # Errors
    /// [`Error::NoPixels`], [`Error::SizeOverflow`], [`Error::WrongLength`], or [`Error::NotFinite`] with the
    /// place of the first value that is infinite or not a number.
    ///
    /// ```
    /// use madenet_image::Plane;
    ///
    /// let plane = Plane::new(3, 2, vec![
    ///     0.0, 0.1, 0.2,
    ///     0.3, 0.9, 0.4,
    /// ])?;
    /// assert_eq!(plane.get(1, 1), Some(0.9));
    /// assert_eq!(plane.get(3, 1), None);
    /// assert_eq!(plane.max(), 0.9);
    ///
    /// let error = Plane::new(2, 1, vec![0.0, f32::NAN]).unwrap_err();
    /// assert_eq!(error.to_string(), "the values of a plane must be finite, but at x = 1, y = 0 is NaN");
    /// # Ok::<(), madenet_image::Error>(())
    /// ```
    pub fn new(width: usize, height: usize, values: Vec<f32>) -> Result<Self> {
        let expected = plane_len(width, height)?;
        if values.len() != expected {
            return Err(Error::WrongLength { width, height, expected, got: values.len() });
        }
        if let Some((i, &value)) = values.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            return Err(Error::NotFinite { x: i % width, y: i / width, value });
        }
        Ok(Plane { width, height, values })
    }

    /// For sizes and values that a check of this crate vouches for.
    pub(crate) fn from_parts(width: usize, height: usize, values: Vec<f32>) -> Self {
        debug_assert!(width > 0 && values.len() == width * height);
        debug_assert!(values.iter().all(|value| value.is_finite()));
        Plane { width, height, values }
    }

    /// The luminance of a picture at its own depth, 0 (black) to 1 (white): `0.299 R + 0.587 G + 0.114 B` over the
    /// white level, with the weights of ITU-R BT.601 as Pillow's mode "L" has them, but not rounded to 8 bits.
    ///
    /// ```
    /// use madenet_image::{Channels, ImageView, Plane};
    ///
    /// let view = ImageView::packed(&[255_u8, 255, 255, 0, 255, 0, 51, 51, 51], 3, 1, Channels::Rgb)?;
    /// let luma = Plane::luma(&view);
    /// assert_eq!(luma.get(0, 0), Some(1.0));
    /// assert!((luma.values()[1] - 0.587).abs() < 1e-5);
    /// assert_eq!(luma.get(2, 0), Some(0.2));
    /// # Ok::<(), madenet_image::Error>(())
    /// ```
    #[must_use]
    pub fn luma(image: &ImageView<'_>) -> Plane {
        let white = f64::from(image.white());
        let raster = image.to_raster();
        let values = match raster.values() {
            Values::U8(values) => luminances(values, raster.channels(), white),
            Values::U16(values) => luminances(values, raster.channels(), white),
            Values::F32(values) => luminances(values, raster.channels(), white),
        };
        Plane::from_parts(image.width(), image.height(), values)
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

    /// The `width * height` values, rows from top to bottom.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The value in column `x` and row `y`, or `None` outside the plane.
    #[must_use]
    pub fn get(&self, x: usize, y: usize) -> Option<f32> {
        if x >= self.width || y >= self.height {
            return None;
        }
        self.values.get(y * self.width + x).copied()
    }

    /// The largest value.
    #[must_use]
    pub fn max(&self) -> f32 {
        self.values.iter().copied().fold(f32::NEG_INFINITY, f32::max)
    }

    /// The pixels whose value lies strictly above `threshold`; none where `threshold` is not a number.
    ///
    /// ```
    /// use madenet_image::{Mask, Plane};
    ///
    /// let heat = Plane::new(3, 2, vec![
    ///     0.1, 0.7, 0.5,
    ///     0.2, 0.9, 0.6,
    /// ])?;
    /// assert_eq!(heat.above(0.5), Mask::from_ascii("
    ///     .*.
    ///     .**
    /// ")?);
    /// # Ok::<(), madenet_image::Error>(())
    /// ```
    #[must_use]
    pub fn above(&self, threshold: f32) -> Mask {
        let data = self.values.iter().map(|&value| value > threshold).collect();
        Mask::from_parts(self.width, self.height, data)
    }
}

impl fmt::Debug for Plane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plane")
            .field("width", &self.width)
            .field("height", &self.height)
            .field("max", &self.max())
            .finish_non_exhaustive()
    }
}

/// Number of values of a plane.
///
/// # Errors
/// [`Error::NoPixels`] or [`Error::SizeOverflow`].
pub(crate) fn plane_len(width: usize, height: usize) -> Result<usize> {
    if width == 0 || height == 0 {
        return Err(Error::NoPixels { width, height });
    }
    width
        .checked_mul(height)
        // No allocation can be larger, whatever the machine's memory.
        .filter(|&values| values <= isize::MAX as usize / size_of::<f32>())
        .ok_or(Error::SizeOverflow { width, height })
}

/// The luminance of each pixel of grey or RGB `values`.
fn luminances<V: Copy + Into<f64>>(values: &[V], channels: Channels, white: f64) -> Vec<f32> {
    let [red, green, blue] = LUMA.map(f64::from);
    if channels.count() == 1 {
        return values.iter().map(|&v| (v.into() / white) as f32).collect();
    }
    let luminance = |&[r, g, b]: &[V; 3]| (red * r.into() + green * g.into() + blue * b.into()) / white;
    values.as_chunks::<3>().0.iter().map(|pixel| luminance(pixel) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_planes_are_refused() {
        assert!(matches!(Plane::new(0, 1, vec![]), Err(Error::NoPixels { .. })));
        assert!(matches!(
            Plane::new(2, 2, vec![0.0; 3]),
            Err(Error::WrongLength { expected: 4, got: 3, .. })
        ));
        assert!(matches!(Plane::new(usize::MAX, 2, vec![]), Err(Error::SizeOverflow { .. })));
        assert!(matches!(Plane::new(usize::MAX / 8, 2, vec![]), Err(Error::SizeOverflow { .. })));
        let error = Plane::new(2, 2, vec![0.0, 1.0, 2.0, f32::INFINITY]).unwrap_err();
        assert!(matches!(error, Error::NotFinite { x: 1, y: 1, .. }), "{error}");
    }

    #[test]
    fn grey_keeps_its_level_exactly() {
        let levels: Vec<u8> = (0..=255).collect();
        let luma = Plane::luma(&ImageView::packed(&levels, 256, 1, Channels::Gray).unwrap());
        for (level, &value) in levels.iter().zip(luma.values()) {
            assert_eq!(value, f32::from(*level) / 255.0);
        }
    }

    #[test]
    fn twelve_bits_stay_twelve() {
        let levels: Vec<u16> = (0..=4095).collect();
        let view = ImageView::packed(&levels, 4096, 1, Channels::Gray).unwrap().with_bit_depth(12).unwrap();
        let luma = Plane::luma(&view);
        assert!(luma.values().is_sorted_by(|a, b| a < b));
        assert_eq!(luma.get(4095, 0), Some(1.0));
    }

    #[test]
    fn the_largest_value_may_be_negative() {
        assert_eq!(Plane::new(2, 1, vec![-3.0, -2.0]).unwrap().max(), -2.0);
    }

    #[test]
    fn nothing_is_above_what_is_no_number() {
        let plane = Plane::new(2, 1, vec![-1.0, 1.0]).unwrap();
        assert_eq!(plane.above(f32::NAN).count(), 0);
        assert_eq!(plane.above(f32::NEG_INFINITY).count(), 2);
    }
}
