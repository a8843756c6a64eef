//! Shares of a region in integers, so that sums of them do not depend on the order.
//!
//! Covering one pixel of a region of `area` pixels raises the region's overlap by `1 / area`. Images come in any
//! order, and shards of a test set are merged in any order; floating sums of these shares would differ in their
//! last bits. Integers do not.

/// An overlap of one. A share is rounded down, which takes less than 2^-80 per pixel: below the precision of an
/// `f64` for regions of up to 2^27 pixels. 2^48 regions fit into the sum.
pub(crate) const ONE: u128 = 1 << 80;

/// The share of one pixel in a region of `area` pixels, at least 1.
pub(crate) fn of(area: usize) -> u128 {
    ONE / area.max(1) as u128
}

/// The mean overlap of all regions, followed down the thresholds.
#[derive(Debug, Clone)]
pub(crate) struct MeanOverlap {
    covered: u128,
    /// All regions covered.
    whole: f64,
    /// Anomalous pixels still below the threshold.
    missed: u64,
}

impl MeanOverlap {
    pub(crate) fn new(regions: u64, anomalous_pixels: u64) -> Self {
        Self { covered: 0, whole: ONE as f64 * regions as f64, missed: anomalous_pixels }
    }

    /// Covers `pixels` more that have `shares` in sum, and returns the mean overlap, 0..=1.
    pub(crate) fn cover(&mut self, pixels: u64, shares: u128) -> f64 {
        self.covered += shares;
        self.missed -= pixels;
        self.value()
    }

    pub(crate) fn value(&self) -> f64 {
        // The shares sum to one only up to rounding; where every region is covered the overlap is 1 by
        // definition.
        if self.missed == 0 { 1.0 } else { self.covered as f64 / self.whole }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_sum_to_one() {
        for area in [1, 3, 7, 65_535, 1 << 27] {
            let missing = ONE - of(area) * area as u128;
            assert!(
                missing < area as u128 && missing as f64 / ONE as f64 <= f64::EPSILON / 2.0,
                "area {area}"
            );
        }
    }

    #[test]
    fn the_mean_overlap_ends_at_one() {
        let mut overlap = MeanOverlap::new(2, 4);
        assert_eq!(overlap.value(), 0.0);
        assert_eq!(overlap.cover(1, of(1)), 0.5);
        let third = overlap.cover(1, of(3));
        assert!((third - 2.0 / 3.0).abs() <= f64::EPSILON, "got {third}");
        assert_eq!(overlap.cover(2, 2 * of(3)), 1.0);
    }
}
