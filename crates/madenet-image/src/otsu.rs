//! A threshold that a picture chooses itself.

use crate::Plane;

/// Number of levels that are told apart, as many as an 8-bit picture has.
const BINS: usize = 256;

/// The pixels of one level.
#[derive(Clone, Copy, Default)]
struct Bin {
    count: u64,
    /// Sum of the values above the plane's least one.
    sum: f64,
    largest: f32,
}

/// The threshold that splits the values into the two classes farthest apart: the split with the largest
/// variance between the classes (N. Otsu, "A threshold selection method from gray-level histograms", 1979).
///
/// Splits are tried between 256 bins of equal width from the plane's least to its largest value. The result
/// is the largest value of the lower class, so that [`Plane::above`] gives exactly the upper class; among
/// equal splits the lowest one. A constant plane has one class, and the result is its constant: nothing is
/// above.
///
/// ```
/// use madenet_image::{Mask, Plane, otsu};
///
/// let part = Plane::new(4, 3, vec![
///     0.1, 0.2, 0.1, 0.1,
///     0.2, 0.8, 0.9, 0.1,
///     0.1, 0.7, 0.8, 0.2,
/// ])?;
/// assert_eq!(otsu(&part), 0.2);
/// assert_eq!(part.above(otsu(&part)), Mask::from_ascii("
///     ....
///     .**.
///     .**.
/// ")?);
/// # Ok::<(), madenet_image::Error>(())
/// ```
#[must_use]
pub fn otsu(plane: &Plane) -> f32 {
    let max = plane.max();
    let min = plane.values().iter().copied().fold(f32::INFINITY, f32::min);
    if min == max {
        return max;
    }
    best_split(&histogram(plane.values(), f64::from(min), f64::from(max)))
}

fn histogram(values: &[f32], min: f64, max: f64) -> Vec<Bin> {
    let mut bins = vec![Bin { largest: f32::NEG_INFINITY, ..Bin::default() }; BINS];
    for &value in values {
        let above = f64::from(value) - min;
        let index = (above / (max - min) * BINS as f64) as usize;
        let bin = &mut bins[index.min(BINS - 1)];
        bin.count += 1;
        bin.sum += above;
        bin.largest = bin.largest.max(value);
    }
    bins
}

/// The largest value of the lower class. The first and the last bin are not empty.
fn best_split(bins: &[Bin]) -> f32 {
    let total = bins.iter().map(|bin| bin.count).sum::<u64>() as f64;
    let total_sum: f64 = bins.iter().map(|bin| bin.sum).sum();
    let (mut lower, mut lower_sum) = (0, 0.0);
    let (mut best, mut threshold) = (f64::NEG_INFINITY, f32::NEG_INFINITY);
    // The upper class keeps the last bin.
    for bin in bins[..bins.len() - 1].iter().filter(|bin| bin.count > 0) {
        lower += bin.count;
        lower_sum += bin.sum;
        let (below, above) = (lower as f64, total - lower as f64);
        // The difference of the means times the number of pixels; exact for integers, so that ties are ties.
        let apart = lower_sum * total - total_sum * below;
        let variance = apart * apart / (below * above);
        if variance > best {
            (best, threshold) = (variance, bin.largest);
        }
    }
    threshold
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_plane_has_nothing_above() {
        for value in [-1.5, 0.0, f32::MAX] {
            let plane = Plane::new(3, 2, vec![value; 6]).unwrap();
            assert_eq!(otsu(&plane), value);
            assert_eq!(plane.above(otsu(&plane)).count(), 0);
        }
    }

    #[test]
    fn two_values_are_split_between_them() {
        for (low, high) in [(0.0, 1.0), (-5.0, -4.999), (f32::MIN, f32::MAX), (0.0, f32::MIN_POSITIVE)] {
            let plane = Plane::new(3, 1, vec![high, low, low]).unwrap();
            assert_eq!(otsu(&plane), low);
        }
    }

    #[test]
    fn scale_and_offset_do_not_change_the_classes() {
        let values: Vec<f32> = (0..200).map(|i| ((i * i * 37) % 211) as f32).collect();
        let plane = Plane::new(20, 10, values.clone()).unwrap();
        let moved = Plane::new(20, 10, values.iter().map(|v| v * 0.5 - 64.0).collect()).unwrap();
        assert_eq!(plane.above(otsu(&plane)), moved.above(otsu(&moved)));
    }
}
