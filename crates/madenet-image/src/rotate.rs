//! Rotation by any angle.

use rayon::prelude::*;

use crate::plane::plane_len;
use crate::raster::value_count;
use crate::{Error, Image, ImageView, Plane, Result};

/// A rotated picture on a canvas that holds all of it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Rotated {
    /// The colours. Beyond the picture its border goes on, so colours are not darkened at the edges.
    pub image: Image,
    /// How much of each pixel the picture covers, 0 (nothing) to 1 (all); as large as `image`.
    pub alpha: Plane,
}

/// The picture rotated counter-clockwise about its centre, by bilinear interpolation.
///
/// The canvas grows so that it holds all four corners, and the centres coincide. The alpha is interpolated
/// like a picture of ones on a ground of zeros, so that edges are smooth when the result is pasted. Angles
/// are in degrees; multiples of 90 are exact: pixels change places, alpha is 1 everywhere. Grey is repeated
/// three times.
///
/// # Errors
/// [`Error::Degrees`] where the angle is not finite, [`Error::SizeOverflow`] where the canvas would be too
/// large.
///
/// ```
/// use madenet_image::{Channels, ImageView, rotate};
///
/// let strip: [u8; 6] = [
///     1, 2, 3,
///     4, 5, 6,
/// ];
/// let strip = ImageView::packed(&strip, 3, 2, Channels::Gray)?;
/// let upright = rotate(&strip, 90.0)?;
/// assert_eq!((upright.image.width(), upright.image.height()), (2, 3));
/// let red: Vec<u8> = upright.image.pixels().iter().step_by(3).copied().collect();
/// assert_eq!(red, [
///     3, 6,
///     2, 5,
///     1, 4,
/// ]);
///
/// // A square on its corner: alpha above one half is a diamond.
/// let square = ImageView::packed(&[7_u8; 36], 6, 6, Channels::Gray)?;
/// let diamond = rotate(&square, 45.0)?;
/// assert_eq!(diamond.alpha.above(0.5).to_string(), "\
/// .........
/// ...***...
/// ..*****..
/// .*******.
/// .*******.
/// .*******.
/// ..*****..
/// ...***...
/// .........");
/// # Ok::<(), madenet_image::Error>(())
/// ```
pub fn rotate(image: &ImageView<'_>, degrees: f32) -> Result<Rotated> {
    if !degrees.is_finite() {
        return Err(Error::Degrees(degrees));
    }
    let image = image.to_rgb();
    let quarters = degrees / 90.0;
    if quarters.fract() == 0.0 {
        by_quarters(image, quarters.rem_euclid(4.0) as u8)
    } else {
        by_angle(&image, degrees)
    }
}

/// `quarters` in 0..4.
fn by_quarters(image: Image, quarters: u8) -> Result<Rotated> {
    let (w, h) = (image.width(), image.height());
    let (width, height) = if quarters.is_multiple_of(2) { (w, h) } else { (h, w) };
    let alpha = Plane::from_parts(width, height, vec![1.0; plane_len(width, height)?]);
    if quarters == 0 {
        return Ok(Rotated { image, alpha });
    }
    let mut pixels = Vec::with_capacity(value_count::<u8>(width, height, 3)?);
    for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
        let (x, y) = match quarters {
            1 => (w - 1 - y, x),
            2 => (w - 1 - x, h - 1 - y),
            _ => (y, h - 1 - x),
        };
        pixels.extend_from_slice(&image.pixels()[3 * (y * w + x)..][..3]);
    }
    Ok(Rotated { image: Image::new(width, height, pixels)?, alpha })
}

fn by_angle(image: &Image, degrees: f32) -> Result<Rotated> {
    let (sin, cos) = f64::from(degrees).rem_euclid(360.0).to_radians().sin_cos();
    let (w, h) = (image.width() as f64, image.height() as f64);
    // The box around the four corners. Casts saturate, and the checks below refuse the result.
    let width = (w * cos.abs() + h * sin.abs()).ceil() as usize;
    let height = (w * sin.abs() + h * cos.abs()).ceil() as usize;
    let mut pixels = vec![0; value_count::<u8>(width, height, 3)?];
    let mut alpha = vec![0.0; plane_len(width, height)?];
    let rows = pixels.par_chunks_exact_mut(width * 3).zip(alpha.par_chunks_exact_mut(width));
    rows.enumerate().for_each(|(row, (pixels, alpha))| {
        let down = row as f64 + 0.5 - height as f64 / 2.0;
        let (pixels, _) = pixels.as_chunks_mut::<3>();
        for (column, (pixel, alpha)) in pixels.iter_mut().zip(alpha).enumerate() {
            let right = column as f64 + 0.5 - width as f64 / 2.0;
            // Turned back; y points down, so this is clockwise. Centres of pixels are at half coordinates.
            let x = right * cos - down * sin + w / 2.0 - 0.5;
            let y = right * sin + down * cos + h / 2.0 - 0.5;
            interpolate(image, x, y, pixel);
            *alpha = (coverage(x, w) * coverage(y, h)) as f32;
        }
    });
    Ok(Rotated { image: Image::new(width, height, pixels)?, alpha: Plane::from_parts(width, height, alpha) })
}

/// The colours between four pixels; (`x`, `y`) counts from the centre of the first pixel. The border is
/// repeated.
fn interpolate(image: &Image, x: f64, y: f64, out: &mut [u8; 3]) {
    let (x, y) = (x.clamp(0.0, (image.width() - 1) as f64), y.clamp(0.0, (image.height() - 1) as f64));
    let (left, top) = (x as usize, y as usize);
    let (right, bottom) = ((left + 1).min(image.width() - 1), (top + 1).min(image.height() - 1));
    let (x, y) = (x - left as f64, y - top as f64);
    let (pixels, _) = image.pixels().as_chunks::<3>();
    let (upper, lower) = (&pixels[top * image.width()..], &pixels[bottom * image.width()..]);
    let between = |row: &[[u8; 3]], c: usize| {
        let (from, to) = (f64::from(row[left][c]), f64::from(row[right][c]));
        from + x * (to - from)
    };
    for (c, out) in out.iter_mut().enumerate() {
        let (upper, lower) = (between(upper, c), between(lower, c));
        // Casts cut off, so this rounds; `round` is a function call on many processors.
        *out = (upper + y * (lower - upper) + 0.5) as u8;
    }
}

/// One axis of the alpha: 1 between the centres of the first and the last of `len` pixels, falling to 0 over
/// one pixel.
fn coverage(at: f64, len: f64) -> f64 {
    (at + 1.0).min(len - at).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Channels;

    fn red(rotated: &Rotated) -> Vec<u8> {
        rotated.image.pixels().iter().step_by(3).copied().collect()
    }

    #[test]
    fn quarters_are_exact_whatever_the_number_of_turns() {
        let view = ImageView::packed(&[1_u8, 2, 3, 4, 5, 6], 3, 2, Channels::Gray).unwrap();
        let cases: [(&[f32], &[u8], usize); 4] = [
            (&[0.0, -0.0, 360.0, -720.0], &[1, 2, 3, 4, 5, 6], 3),
            (&[90.0, -270.0, 36_090.0], &[3, 6, 2, 5, 1, 4], 2),
            (&[180.0, -180.0, 540.0], &[6, 5, 4, 3, 2, 1], 3),
            (&[270.0, -90.0], &[4, 1, 5, 2, 6, 3], 2),
        ];
        for (angles, expected, width) in cases {
            for &degrees in angles {
                let rotated = rotate(&view, degrees).unwrap();
                assert_eq!((rotated.image.width(), rotated.alpha.width()), (width, width), "{degrees}");
                assert_eq!(red(&rotated), expected, "{degrees}");
                assert!(rotated.alpha.values().iter().all(|&alpha| alpha == 1.0));
            }
        }
    }

    #[test]
    fn angles_near_a_quarter_are_near_the_quarter() {
        let view = ImageView::packed(&[10_u8, 20, 30, 40, 50, 60], 3, 2, Channels::Gray).unwrap();
        let exact = rotate(&view, 90.0).unwrap();
        // The canvas grows by a hair, which is a pixel on each axis, half on each side.
        let near = rotate(&view, 90.001).unwrap();
        assert_eq!((near.image.width(), near.image.height()), (3, 4));
        assert_eq!((exact.image.width(), exact.image.height()), (2, 3));
        let centre = f32::from(near.image.pixels()[3 * 4]);
        assert!((centre - (20.0 + 30.0 + 50.0 + 60.0) / 4.0).abs() <= 1.0, "{centre}");
    }

    #[test]
    fn colours_are_not_darkened_and_alpha_keeps_the_area() {
        let view = ImageView::packed(&[200_u8; 30 * 20], 30, 20, Channels::Gray).unwrap();
        for degrees in [0.5, 17.0, 45.0, 133.0, -60.0] {
            let rotated = rotate(&view, degrees).unwrap();
            assert!(rotated.image.pixels().iter().all(|&value| value == 200));
            let area: f32 = rotated.alpha.values().iter().sum();
            assert!((area - 600.0).abs() < 6.0, "{degrees}: {area}");
        }
    }

    #[test]
    fn one_pixel_turns_into_a_spot() {
        let view = ImageView::packed(&[9_u8], 1, 1, Channels::Gray).unwrap();
        let rotated = rotate(&view, 45.0).unwrap();
        assert_eq!(red(&rotated), [9; 4]);
        let alpha = rotated.alpha.values();
        // Each of the four centres lies 1/sqrt(2) beside the pixel's, along one of its axes.
        assert!(alpha.iter().all(|&alpha| (alpha - (1.0 - 0.5f32.sqrt())).abs() < 1e-6), "{alpha:?}");
    }

    #[test]
    fn angles_that_are_no_numbers_are_refused() {
        let view = ImageView::packed(&[9_u8], 1, 1, Channels::Gray).unwrap();
        for degrees in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert!(matches!(rotate(&view, degrees), Err(Error::Degrees(_))));
        }
        assert!(rotate(&view, f32::MAX).is_ok());
    }
}
