//! Antialiased resize of pixels, equal to Pillow's.
//!
//! Networks are trained on pictures that Pillow (or a library that follows it) has resized, and a detector's
//! score moves when the resize does: so this is the same separable convolution, with the same fixed-point
//! weights and the same rounding to 8 bits between the two passes, and it gives the same bytes as Pillow 13.0.0.
//! The crate `fast_image_resize` 6.1.0 was tried first: the order of its passes leaves differences of up to 30
//! grey levels at sharp edges (bicubic), and with the passes run one by one in Pillow's order its 16-bit weights
//! still leave two, among others at 320 -> 256.
//!
//! This is the resize of pictures. Features inside networks are interpolated, without antialiasing,
//! elsewhere.

use rayon::prelude::*;

use crate::owned::rgb_len;
use crate::taps::{Taps, WEIGHT_BITS};
use crate::{Image, ImageView, Result};

/// The kernel of a resize.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Filter {
    /// A triangle of radius 1.
    Bilinear,
    /// Keys' cubic convolution (1981) with a = -1/2, radius 2; overshoots at edges, by design.
    Bicubic,
}

impl Filter {
    /// All filters.
    pub const ALL: [Filter; 2] = [Filter::Bilinear, Filter::Bicubic];

    /// The name in files: `bilinear`, `bicubic`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Filter::Bilinear => "bilinear",
            Filter::Bicubic => "bicubic",
        }
    }
}

impl Filter {
    /// Beyond this distance the kernel is zero.
    pub(crate) fn radius(self) -> f64 {
        match self {
            Filter::Bilinear => 1.0,
            Filter::Bicubic => 2.0,
        }
    }

    pub(crate) fn kernel(self, x: f64) -> f64 {
        let x = x.abs();
        match self {
            Filter::Bilinear => (1.0 - x).max(0.0),
            Filter::Bicubic if x < 1.0 => (1.5 * x - 2.5) * x * x + 1.0,
            Filter::Bicubic if x < 2.0 => -0.5 * (((x - 5.0) * x + 8.0) * x - 4.0),
            Filter::Bicubic => 0.0,
        }
    }
}

/// The picture at `width` x `height` pixels, as RGB (grey is repeated, alpha is dropped).
///
/// An axis that keeps its length is left as it is. Rows run in parallel on rayon's current pool; the result
/// does not depend on the number of threads.
///
/// # Errors
/// [`Error::NoPixels`](crate::Error::NoPixels) or [`Error::SizeOverflow`](crate::Error::SizeOverflow).
///
/// ```
/// use madenet_image::{Filter, ImageView, PixelFormat, resize};
///
/// let edge = ImageView::packed(&[0, 0, 200, 200], 4, 1, PixelFormat::Gray8)?;
/// let small = resize(&edge, 2, 1, Filter::Bilinear)?;
/// assert_eq!(small.pixels(), [29, 29, 29, 171, 171, 171]);
/// # Ok::<(), madenet_image::Error>(())
/// ```
pub fn resize(image: &ImageView<'_>, width: usize, height: usize, filter: Filter) -> Result<Image> {
    rgb_len(width, height)?;
    let source = (image.width(), image.height());
    rgb_len(width, source.1)?;
    rgb_len(source.0, height)?;

    let across = (width != source.0).then(|| Taps::new(source.0, width, filter));
    let down = (height != source.1).then(|| Taps::new(source.1, height, filter));
    let rgb = image.rgb_pixels();
    let pixels = match (&across, &down) {
        (None, None) => rgb.into_owned(),
        (Some(across), None) => resize_rows(&rgb, source.0, across),
        (None, Some(down)) => resize_columns(&rgb, source.0, down),
        (Some(across), Some(down)) if vertical_first(source, (width, height)) => {
            resize_rows(&resize_columns(&rgb, source.0, down), source.0, across)
        }
        (Some(across), Some(down)) => resize_columns(&resize_rows(&rgb, source.0, across), width, down),
    };
    Ok(Image::from_parts(width, height, pixels))
}

/// Whether the vertical pass comes first: where the height shrinks by more than twice the pixels that the
/// width does.
///
/// The order shows, as the rounding between the passes does. The rule is Pillow 13's (its pull request 9549),
/// found by comparing results; versions before 13 always began with the horizontal pass.
fn vertical_first(source: (usize, usize), target: (usize, usize)) -> bool {
    let shrinks_by = |from: usize, to: usize| from as i128 - to as i128;
    let (width, height) = (shrinks_by(source.0, target.0), shrinks_by(source.1, target.1));
    height > 0 && height > 2 * width
}

/// The horizontal pass over rows of `width` RGB pixels.
fn resize_rows(rgb: &[u8], width: usize, taps: &Taps) -> Vec<u8> {
    let rows = rgb.len() / (width * 3);
    let mut out = vec![0; rows * taps.len() * 3];
    out.par_chunks_exact_mut(taps.len() * 3).zip(rgb.par_chunks_exact(width * 3)).for_each(|(out, row)| {
        for (out, (first, weights)) in out.chunks_exact_mut(3).zip(taps.iter()) {
            let mut sum = [HALF; 3];
            for (pixel, &weight) in row[first * 3..].chunks_exact(3).zip(weights) {
                for (sum, &value) in sum.iter_mut().zip(pixel) {
                    *sum += weight * i32::from(value);
                }
            }
            for (out, sum) in out.iter_mut().zip(sum) {
                *out = to_u8(sum);
            }
        }
    });
    out
}

/// The vertical pass over rows of `width` RGB pixels.
fn resize_columns(rgb: &[u8], width: usize, taps: &Taps) -> Vec<u8> {
    let row_len = width * 3;
    let mut out = vec![0; taps.len() * row_len];
    out.par_chunks_exact_mut(row_len).enumerate().for_each_init(
        || vec![0; row_len],
        |sums, (y, out)| {
            let (first, weights) = taps.get(y);
            sums.fill(HALF);
            for (row, &weight) in rgb[first * row_len..].chunks_exact(row_len).zip(weights) {
                for (sum, &value) in sums.iter_mut().zip(row) {
                    *sum += weight * i32::from(value);
                }
            }
            for (out, &sum) in out.iter_mut().zip(sums.iter()) {
                *out = to_u8(sum);
            }
        },
    );
    out
}

/// One half in fixed point: sums start here, so that dropping the fraction rounds.
const HALF: i32 = 1 << (WEIGHT_BITS - 1);

fn to_u8(sum: i32) -> u8 {
    (sum >> WEIGHT_BITS).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, PixelFormat};

    #[test]
    fn a_constant_picture_stays_constant() {
        let grey = [137; 35 * 21];
        let view = ImageView::packed(&grey, 35, 21, PixelFormat::Gray8).unwrap();
        for filter in [Filter::Bilinear, Filter::Bicubic] {
            for (width, height) in [(1, 1), (7, 50), (50, 7), (35, 40), (34, 21)] {
                let image = resize(&view, width, height, filter).unwrap();
                assert!(image.pixels().iter().all(|&v| v == 137), "{filter:?} {width} x {height}");
            }
        }
    }

    #[test]
    fn white_and_black_do_not_overflow() {
        let checks: Vec<u8> =
            (0..64 * 64).map(|i| if (i / 64 / 3 + i % 64 / 3) % 2 == 0 { 255 } else { 0 }).collect();
        let view = ImageView::packed(&checks, 64, 64, PixelFormat::Gray8).unwrap();
        let image = resize(&view, 150, 41, Filter::Bicubic).unwrap();
        assert!(image.pixels().contains(&0) && image.pixels().contains(&255));
    }

    #[test]
    fn the_same_size_is_a_copy() {
        let bgr = [1, 2, 3, 4, 5, 6];
        let view = ImageView::packed(&bgr, 2, 1, PixelFormat::Bgr8).unwrap();
        assert_eq!(resize(&view, 2, 1, Filter::Bicubic).unwrap().pixels(), [3, 2, 1, 6, 5, 4]);
    }

    #[test]
    fn bad_sizes_are_refused() {
        let view = ImageView::packed(&[0, 0], 1, 2, PixelFormat::Gray8).unwrap();
        assert!(matches!(resize(&view, 0, 1, Filter::Bilinear), Err(Error::NoPixels { .. })));
        assert!(matches!(resize(&view, 1, 0, Filter::Bilinear), Err(Error::NoPixels { .. })));
        assert!(matches!(resize(&view, usize::MAX, 1, Filter::Bilinear), Err(Error::SizeOverflow { .. })));
        // The picture between the passes would not fit.
        assert!(matches!(
            resize(&view, isize::MAX as usize / 4, 1, Filter::Bilinear),
            Err(Error::SizeOverflow { .. })
        ));
    }
}
