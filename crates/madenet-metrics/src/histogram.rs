//! Counts of scores in bins, filled one image at a time.
//!
//! A bin is all scores with the same sign, exponent and first 13 bits of the mantissa: its width is at most 2^-13
//! of the scores in it, whatever their range, so there is nothing to choose before the first image. Only below the
//! least normal number, 2^-126, all bins are 2^-139 wide. All sums are integers; hence histograms of parts add up to
//! that of the whole, to the bit and in any order.

use std::ops::AddAssign;

use crate::binned::{AnomalousBin, AnomalousBins, Binned, NormalBin};
use crate::key::key;

/// Low bits of a key that a bin does not tell apart: 23 bits of mantissa less 13.
const DROPPED_BITS: u32 = 10;

/// Bins per block: the scores of one sign and exponent.
const BLOCK: usize = 1 << (f32::MANTISSA_DIGITS - 1 - DROPPED_BITS);

/// Blocks: all signs and exponents.
const BLOCKS: usize = (1 << (u32::BITS - DROPPED_BITS)) / BLOCK;

/// Bins of all scores by class, the anomalous ones by defect type.
#[derive(Debug, Clone, Default)]
pub(crate) struct Histogram {
    normal: Bins<u64>,
    /// By the number of the defect type.
    defect_types: Vec<DefectType>,
}

/// The regions of one defect type.
#[derive(Debug, Clone, Default)]
struct DefectType {
    pixels: Bins<Shares>,
    regions: u64,
}

/// Anomalous scores of a bin.
#[derive(Debug, Clone, Copy, Default)]
struct Shares {
    count: u64,
    /// Sum of their [shares](crate::share).
    sum: u128,
}

impl AddAssign for Shares {
    fn add_assign(&mut self, other: Self) {
        self.count += other.count;
        self.sum += other.sum;
    }
}

impl Histogram {
    pub(crate) fn add_normal(&mut self, scores: &[f32]) {
        scores.iter().for_each(|&score| *self.normal.of(key(score)) += 1);
    }

    pub(crate) fn add_normal_keys(&mut self, keys: &[u32]) {
        keys.iter().for_each(|&key| *self.normal.of(key) += 1);
    }

    /// Counts regions, of which [`add_anomalous`](Self::add_anomalous) adds the pixels.
    pub(crate) fn add_regions(&mut self, defect_type: u32, count: u64) {
        self.defect_type(defect_type).regions += count;
    }

    /// Adds pixels of a region with this share per pixel.
    pub(crate) fn add_anomalous(&mut self, keys: impl Iterator<Item = u32>, defect_type: u32, share: u128) {
        let pixels = &mut self.defect_type(defect_type).pixels;
        keys.for_each(|key| *pixels.of(key) += Shares { count: 1, sum: share });
    }

    /// Adds the counts of another histogram, whose defect type `n` is number `numbers[n]` here.
    pub(crate) fn merge(&mut self, other: &Self, numbers: &[u32]) {
        self.normal.add_all(&other.normal);
        for (from, &number) in other.defect_types.iter().zip(numbers) {
            let into = self.defect_type(number);
            into.pixels.add_all(&from.pixels);
            into.regions += from.regions;
        }
    }

    /// The bins that are not empty.
    pub(crate) fn finish(self) -> Binned {
        let normal = self.normal.iter().map(|(key, count)| NormalBin { key, count });
        let normal = normal.filter(|bin| bin.count > 0).collect();
        let mut all = DefectType::default();
        for defect_type in &self.defect_types {
            all.pixels.add_all(&defect_type.pixels);
            all.regions += defect_type.regions;
        }
        let defect_types = self.defect_types.iter().map(DefectType::row).collect();
        Binned::new(normal, all.row(), defect_types, 1 << DROPPED_BITS)
    }

    fn defect_type(&mut self, number: u32) -> &mut DefectType {
        let number = number as usize;
        if self.defect_types.len() <= number {
            self.defect_types.resize_with(number + 1, DefectType::default);
        }
        &mut self.defect_types[number]
    }
}

impl DefectType {
    fn row(&self) -> AnomalousBins {
        let bins = self.pixels.iter().filter(|(_, pixels)| pixels.count > 0);
        let bins = bins.map(|(key, pixels)| AnomalousBin { key, count: pixels.count, shares: pixels.sum });
        AnomalousBins { bins: bins.collect(), regions: self.regions }
    }
}

/// One value per bin, where blocks of bins exist from their first score on.
#[derive(Debug, Clone)]
struct Bins<T> {
    /// A block is empty, or has all of its bins.
    blocks: Vec<Vec<T>>,
}

impl<T> Default for Bins<T> {
    fn default() -> Self {
        Self { blocks: (0..BLOCKS).map(|_| Vec::new()).collect() }
    }
}

impl<T: Copy + Default + AddAssign> Bins<T> {
    fn of(&mut self, key: u32) -> &mut T {
        let bin = (key >> DROPPED_BITS) as usize;
        let block = &mut self.blocks[bin / BLOCK];
        if block.is_empty() {
            block.resize(BLOCK, T::default());
        }
        &mut block[bin % BLOCK]
    }

    fn add_all(&mut self, other: &Self) {
        for (into, from) in self.blocks.iter_mut().zip(&other.blocks) {
            if into.is_empty() {
                into.clone_from(from);
            } else {
                into.iter_mut().zip(from).for_each(|(into, &from)| *into += from);
            }
        }
    }

    /// The lowest key of each bin and its value, empty bins of the blocks there are included.
    fn iter(&self) -> impl Iterator<Item = (u32, T)> {
        let block = |(number, block): (usize, &Vec<T>)| {
            let first = (number * BLOCK) as u32;
            (first..).zip(block.clone()).map(|(bin, value)| (bin << DROPPED_BITS, value))
        };
        self.blocks.iter().enumerate().flat_map(block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::score;
    use crate::ranked::{Ranked, Sweep};

    /// Scores on both sides of the borders of bins and blocks, and of zero.
    fn border_scores() -> impl Iterator<Item = f32> {
        let least = f32::from_bits(1);
        let positive =
            [least, 1e-40, f32::MIN_POSITIVE, 1e-30, 0.001, 0.5, 1.0, 1.0 + 1.0 / 8192.0, 700.0, 2e38];
        let near = |score: f32| [score.next_down(), score, score.next_up()];
        positive.into_iter().chain([0.0, f32::MAX.next_down()]).flat_map(near).flat_map(|s| [s, -s])
    }

    #[test]
    fn bins_are_relative_to_the_score() {
        for middle in border_scores() {
            let mut histogram = Histogram::default();
            histogram.add_normal(&[middle]);
            histogram.add_regions(0, 1);
            histogram.add_anomalous([key(middle)].into_iter(), 0, 7);
            let bins = histogram.finish();
            assert_eq!((bins.normal_count(), bins.anomalous_count(), bins.region_count()), (1, 1, 1));
            let (edge, next) = (bins.lowest_normal().unwrap(), bins.key_above_normal(0).unwrap());
            assert!(edge <= key(middle) && key(middle) < next, "{middle} from {edge} to {next}");
            assert_eq!(bins.counts_from(key(middle)), (1, 1));

            let (edge, next) = (f64::from(score(edge)), f64::from(score(next)));
            let least = f64::from(f32::MIN_POSITIVE);
            let widest = f64::max(f64::from(middle.abs()), least) / 8192.0;
            // Above the highest bin there is no number.
            assert!(next - edge <= widest || next.is_infinite(), "{middle} from {edge} to {next}");
        }
    }

    #[test]
    fn scores_of_a_bin_are_those_with_equal_high_bits() {
        let mut histogram = Histogram::default();
        histogram.add_normal(&[1.0, 1.0 + 0.75 / 8192.0, 1.0 + 2.5 / 8192.0, -1.0]);
        let bins = histogram.finish();
        assert_eq!(bins.counts_from(key(1.0)), (3, 0));
        assert_eq!(bins.counts_from(key(1.0 + 1.0 / 8192.0)), (1, 0));
        assert_eq!(bins.key_above_normal(1).map(score), Some(1.0 + 1.0 / 8192.0));
    }

    #[test]
    fn every_finite_score_has_a_bin() {
        let mut histogram = Histogram::default();
        histogram.add_normal(&[f32::MIN, -0.0, f32::from_bits(1), f32::MAX]);
        let bins = histogram.finish();
        assert_eq!(bins.normal_count(), 4);
        assert_eq!(bins.counts_from(key(0.0)).0, 3);
        assert_eq!(score(bins.lowest_normal().unwrap()), f32::MIN);
    }
}
