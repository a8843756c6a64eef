//! The Gaussian filter that smooths anomaly maps.

use crate::units::{self, MIN_VALUES};
use crate::{Result, check};

/// The filter is cut off at this many standard deviations (scipy's `truncate`).
const TRUNCATE: f64 = 4.0;

/// Largest standard deviation in pixels: beyond any map, and small enough for its weights to be computed at once.
const MAX_SIGMA: f32 = 10_000.0;

/// Smooths every `height` x `width` plane of `x` with a Gaussian of standard deviation `sigma` pixels (scipy's
/// `gaussian_filter` with its defaults).
///
/// The filter is separable, its radius `floor(4 sigma + 0.5)`, its weights add up to 1. Beyond the border the plane is
/// reflected, the border pixel repeated (`c b a | a b c | c b a`), as often as the radius asks for. `sigma = 0` copies.
/// `scratch` is memory to be kept between calls: it grows to one value per value of `x` and the weights.
///
/// # Errors
///
/// [`Error::Geometry`](crate::Error::Geometry) if `sigma` is not within 0 and 10,000 or the plane is empty;
/// [`Error::Length`](crate::Error::Length) if `x` is no whole number of planes or `out` is not as long as `x`.
///
/// ```
/// use madenet_kernels::gaussian_filter;
///
/// let mut map = vec![0.0; 65 * 65];
/// map[32 * 65 + 32] = 1.0;
/// let (mut out, mut scratch) = (vec![0.0; 65 * 65], Vec::new());
/// gaussian_filter(4.0, 65, 65, &map, &mut out, &mut scratch)?;
/// // The centre of the filter: 0.0997391 on each axis.
/// assert!((out[32 * 65 + 32] - 0.099_739_1_f32.powi(2)).abs() < 1e-8);
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
pub fn gaussian_filter(
    sigma: f32,
    height: usize,
    width: usize,
    x: &[f32],
    out: &mut [f32],
    scratch: &mut Vec<f32>,
) -> Result<()> {
    const WHAT: &str = "gaussian_filter";
    if !(0.0..=MAX_SIGMA).contains(&sigma) {
        return Err(check::geometry(WHAT, format!("sigma must be within 0 and {MAX_SIGMA}, not {sigma}")));
    }
    let plane = check::shape(WHAT, crate::Shape::new(1, height, width))?;
    check::batch("gaussian_filter: x", plane, x.len())?;
    check::length("gaussian_filter: out", x.len(), out.len())?;

    let radius = (TRUNCATE * f64::from(sigma) + 0.5) as usize;
    scratch.resize(radius + 1 + x.len(), 0.0);
    let (weights, columns) = scratch.split_at_mut(radius + 1);
    fill_weights(sigma, weights);
    let weights = &*weights;

    let min = units::items(MIN_VALUES, width * radius.max(1));
    units::for_each(columns, width, min, |row, out| {
        filter_column(&x[row / height * plane..][..plane], row % height, weights, out);
    });
    let columns = &*columns;
    units::for_each(out, width, min, |row, out| filter_row(&columns[row * width..][..width], weights, out));
    Ok(())
}

/// One half of the symmetric filter, the centre first, normalised in f64 as a whole.
fn fill_weights(sigma: f32, weights: &mut [f32]) {
    let density = |k: usize| match k {
        // Also where sigma is 0.
        0 => 1.0,
        k => (-0.5 * (k as f64 / f64::from(sigma)).powi(2)).exp(),
    };
    let total = 1.0 + 2.0 * (1..weights.len()).map(density).sum::<f64>();
    for (k, weight) in weights.iter_mut().enumerate() {
        *weight = (density(k) / total) as f32;
    }
}

/// Row `y` of the plane, filtered along the columns.
fn filter_column(plane: &[f32], y: usize, weights: &[f32], out: &mut [f32]) {
    let (width, height) = (out.len(), plane.len() / out.len());
    let row = |y: isize| &plane[reflect(y, height) * width..][..width];
    for (k, &weight) in weights.iter().enumerate() {
        let (above, below) = (row(y as isize - k as isize), row(y as isize + k as isize));
        if k == 0 {
            out.iter_mut().zip(above).for_each(|(out, x)| *out = weight * x);
        } else {
            let pairs = above.iter().zip(below);
            out.iter_mut().zip(pairs).for_each(|(out, (a, b))| *out += weight * (a + b));
        }
    }
}

/// A row, filtered along itself: where the whole filter lies inside as sums of shifted slices, at the borders value by
/// value. Both add in the order of the weights.
fn filter_row(row: &[f32], weights: &[f32], out: &mut [f32]) {
    let (width, radius) = (row.len(), weights.len() - 1);
    let inner = radius.min(width)..width.saturating_sub(radius).max(radius.min(width));
    for x in (0..inner.start).chain(inner.end..width) {
        let at = |x: isize| row[reflect(x, width)];
        let pairs = weights.iter().enumerate().skip(1);
        out[x] = pairs.fold(weights[0] * row[x], |sum, (k, weight)| {
            sum + weight * (at(x as isize - k as isize) + at(x as isize + k as isize))
        });
    }
    let out = &mut out[inner.clone()];
    for (k, &weight) in weights.iter().enumerate().take_while(|_| !inner.is_empty()) {
        let (left, right) = (&row[inner.start - k..], &row[inner.start + k..]);
        if k == 0 {
            out.iter_mut().zip(left).for_each(|(out, x)| *out = weight * x);
        } else {
            let pairs = left.iter().zip(right);
            out.iter_mut().zip(pairs).for_each(|(out, (a, b))| *out += weight * (a + b));
        }
    }
}

/// The pixel at position `at` of an axis of `len` pixels that is reflected at both ends, the end pixels repeated.
fn reflect(at: isize, len: usize) -> usize {
    let period = 2 * len as isize;
    // Almost always within one reflection, where no division is needed.
    let position = if at < -period || at >= period {
        at.rem_euclid(period)
    } else if at < 0 {
        at + period
    } else {
        at
    };
    position.min(period - 1 - position) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reflection_repeats_the_end_pixels() {
        let got: Vec<usize> = (-8..8).map(|at| reflect(at, 3)).collect();
        assert_eq!(got, [1, 0, 0, 1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1]);
        assert_eq!((-2..3).map(|at| reflect(at, 1)).collect::<Vec<_>>(), [0; 5]);
    }

    #[test]
    fn the_weights_of_sigma_4_are_scipys() {
        let mut weights = [0.0; 17];
        fill_weights(4.0, &mut weights);
        assert!((weights[0] - 0.099_739_1).abs() < 1e-7, "{}", weights[0]);
        let total = weights[0] + 2.0 * weights[1..].iter().sum::<f32>();
        assert!((total - 1.0).abs() < 1e-6, "{total}");
    }
}
