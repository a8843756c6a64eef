//! Which source pixels make one destination pixel, and with which weights: one axis of a convolution resize.
//!
//! Going down, the kernel is stretched by the scale so that every source pixel counts (antialiasing); going
//! up, it keeps its own width. Weights of 8-bit pixels are fixed-point integers, as Pillow's are.

use crate::Filter;

/// Fractional bits of a weight. 8 bits of value and 22 of weight leave 2 of 32 for the sign and for the sum
/// of the absolute weights, which exceeds one (by less than a half) where the bicubic kernel is negative.
/// Pillow's figure, so that results agree to the bit.
pub(crate) const WEIGHT_BITS: u32 = 22;

/// The weights of one axis, as fixed-point integers or as floating-point numbers.
pub(crate) struct Taps<W> {
    windows: Vec<Window>,
    weights: Vec<W>,
}

/// The source pixels `first..first + len` belong to one destination pixel; their weights begin at `weights`.
struct Window {
    first: usize,
    len: usize,
    weights: usize,
}

impl<W> Taps<W> {
    /// The weights that take `source` pixels to `target` pixels, both at least 1; `convert` makes a weight of
    /// the exact one. Exact weights sum to one.
    pub(crate) fn new(source: usize, target: usize, filter: Filter, convert: impl Fn(f64) -> W) -> Self {
        let scale = source as f64 / target as f64;
        let stretch = scale.max(1.0);
        let radius = filter.radius() * stretch;
        let mut taps = Taps { windows: Vec::with_capacity(target), weights: Vec::new() };
        let mut kernel = Vec::new();
        for i in 0..target {
            let centre = (i as f64 + 0.5) * scale;
            // Casts of negative numbers saturate at 0, the first pixel.
            let first = (centre - radius + 0.5) as usize;
            let end = ((centre + radius + 0.5) as usize).min(source);
            kernel.clear();
            kernel.extend((first..end).map(|x| filter.kernel((x as f64 - centre + 0.5) / stretch)));
            let sum: f64 = kernel.iter().sum();
            taps.windows.push(Window { first, len: kernel.len(), weights: taps.weights.len() });
            taps.weights.extend(kernel.iter().map(|k| convert(k / sum)));
        }
        taps
    }

    /// Number of destination pixels.
    pub(crate) fn len(&self) -> usize {
        self.windows.len()
    }

    /// For each destination pixel, its first source pixel and the weights from there on.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &[W])> {
        (0..self.len()).map(|i| self.get(i))
    }

    /// The first source pixel and the weights of destination pixel `i < len()`.
    pub(crate) fn get(&self, i: usize) -> (usize, &[W]) {
        let window = &self.windows[i];
        (window.first, &self.weights[window.weights..][..window.len])
    }
}

/// The exact weight to the nearest in fixed point.
pub(crate) fn fixed_point(weight: f64) -> i32 {
    (weight * f64::from(1u32 << WEIGHT_BITS)).round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: i32 = 1 << WEIGHT_BITS;

    #[test]
    fn halving_bilinear_is_a_stretched_triangle() {
        let taps = Taps::new(8, 4, Filter::Bilinear, fixed_point);
        // Distances of 1/4 and 3/4 of the stretched radius: weights 3 : 3 and 1 : 1, over 8.
        assert_eq!(taps.get(1), (1, &[ONE / 8, 3 * ONE / 8, 3 * ONE / 8, ONE / 8][..]));
    }

    #[test]
    fn windows_stay_inside_and_sum_to_one_and_cannot_overflow() {
        let sizes = [1, 2, 3, 5, 7, 16, 100, 1999];
        for filter in [Filter::Bilinear, Filter::Bicubic] {
            for (source, target) in sizes.iter().flat_map(|&s| sizes.map(|t| (s, t))) {
                let taps = Taps::new(source, target, filter, fixed_point);
                assert_eq!(taps.len(), target);
                for (first, weights) in taps.iter() {
                    assert!(!weights.is_empty() && first + weights.len() <= source);
                    let sum: i32 = weights.iter().sum();
                    assert!((sum - ONE).abs() <= weights.len() as i32, "{source} -> {target}: {sum}");
                    let absolute: f64 = weights.iter().map(|w| f64::from(w.abs())).sum();
                    assert!(absolute < 1.5 * f64::from(ONE), "{source} -> {target}: {absolute}");
                }
            }
        }
    }
}
