//! Exact scores: two sorted lists.
//!
//! Normal scores need a 4-byte key only; anomalous ones, the few per cent, carry their region in a second 4
//! bytes. Keeping the classes apart halves memory and sorting time against one list of (score, label) pairs.

use std::sync::Arc;

use crate::radix::{sort_by_high_half, sort_keys};
use crate::ranked::{Ranked, Step, Sweep};

/// Sorted keys of both classes.
#[derive(Debug, Clone)]
pub(crate) struct Sorted {
    /// Shared by the rows of all defect types.
    normal: Arc<Vec<u32>>,
    /// Key in the high half, region in the low half.
    anomalous: Vec<u64>,
    regions: Arc<Regions>,
    region_count: u64,
}

/// What is known of every region.
#[derive(Debug, Clone, Default)]
pub(crate) struct Regions {
    /// The share of one of its pixels.
    pub(crate) shares: Vec<u128>,
    /// The number of its defect type.
    pub(crate) defect_types: Vec<u32>,
}

impl Regions {
    /// The region of all image scores.
    pub(crate) const IMAGES: u32 = 0;

    /// What image scores have instead of regions: a single one, whose pixels have no share, as no metric of images
    /// asks for an overlap.
    pub(crate) fn of_images() -> Self {
        Self { shares: vec![0], defect_types: vec![0] }
    }
}

impl Sorted {
    /// Sorts both lists.
    pub(crate) fn new(mut normal: Vec<u32>, mut anomalous: Vec<u64>, regions: Regions) -> Self {
        sort_keys(&mut normal);
        sort_by_high_half(&mut anomalous);
        let region_count = regions.shares.len() as u64;
        Self { normal: Arc::new(normal), anomalous, regions: Arc::new(regions), region_count }
    }

    /// The same normal scores, and the anomalous ones of one defect type.
    pub(crate) fn of_defect_type(&self, defect_type: u32) -> Self {
        let defect_types = &self.regions.defect_types;
        let is_of_type = |&packed: &u64| defect_types[region(packed)] == defect_type;
        Self {
            normal: Arc::clone(&self.normal),
            anomalous: self.anomalous.iter().copied().filter(is_of_type).collect(),
            regions: Arc::clone(&self.regions),
            region_count: defect_types.iter().filter(|&&of| of == defect_type).count() as u64,
        }
    }
}

impl Sweep for Sorted {
    fn normal_count(&self) -> u64 {
        self.normal.len() as u64
    }

    fn anomalous_count(&self) -> u64 {
        self.anomalous.len() as u64
    }

    fn sweep(&self, mut visit: impl FnMut(&Step)) {
        let mut normal = &self.normal[..];
        let mut end = self.anomalous.len();
        while let Some(&packed) = self.anomalous[..end].last() {
            let key = key_of(packed);
            let equal = self.anomalous[..end].iter().rev().take_while(|&&other| key_of(other) == key).count();
            let (rest, above) = normal.split_at(normal.len() - tail_above(normal, key));
            // Keys of finite scores are above 0.
            let (rest, tied) = rest.split_at(rest.len() - tail_above(rest, key - 1));
            normal = rest;
            visit(&Step {
                above: above.len() as u64,
                above_key: above.first().copied().unwrap_or(key),
                key,
                tied: tied.len() as u64,
                anomalous: equal as u64,
                slots: end - equal..end,
            });
            end -= equal;
        }
    }
}

impl Ranked for Sorted {
    fn region_count(&self) -> u64 {
        self.region_count
    }

    fn shares(&self, step: &Step) -> u128 {
        let covered = &self.anomalous[step.slots.clone()];
        covered.iter().map(|&packed| self.regions.shares[region(packed)]).sum()
    }

    fn lowest_normal(&self) -> Option<u32> {
        self.normal.first().copied()
    }

    fn counts_from(&self, key: u32) -> (u64, u64) {
        let normal = self.normal.len() - self.normal.partition_point(|&other| other < key);
        let anomalous = self.anomalous.len() - self.anomalous.partition_point(|&other| key_of(other) < key);
        (normal as u64, anomalous as u64)
    }

    fn key_above_normal(&self, count: u64) -> Option<u32> {
        let index = self.normal_count().checked_sub(count)?.checked_sub(1)?;
        self.normal.get(index as usize).map(|key| key + 1)
    }

    fn anomalous_key(&self, count: u64) -> Option<u32> {
        let index = self.anomalous_count().checked_sub(count)?.checked_sub(1)?;
        self.anomalous.get(index as usize).map(|&packed| key_of(packed))
    }
}

/// An anomalous score with its region.
pub(crate) fn pack(key: u32, region: u32) -> u64 {
    u64::from(key) << 32 | u64::from(region)
}

pub(crate) fn key_of(packed: u64) -> u32 {
    (packed >> 32) as u32
}

pub(crate) fn region(packed: u64) -> usize {
    packed as u32 as usize
}

/// How many keys at the end of a sorted list are above a key: doubling steps back, then a binary search between
/// the last two, so that a long stretch costs little more than a short one.
fn tail_above(sorted: &[u32], key: u32) -> usize {
    let len = sorted.len();
    let mut reach = 1;
    while reach <= len && sorted[len - reach] > key {
        reach *= 2;
    }
    let start = len.saturating_sub(reach);
    len - start - sorted[start..].partition_point(|&other| other <= key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_holds_all_equal_scores_of_both_classes() {
        let regions = Regions { shares: vec![100, 10, 1], defect_types: vec![0, 1, 0] };
        let sorted = Sorted::new(vec![5, 1, 5, 7, 6], vec![pack(5, 2), pack(9, 1), pack(5, 0)], regions);
        let mut steps = Vec::new();
        sorted.sweep(|step| steps.push((step.clone(), sorted.shares(step))));
        let step = |above, above_key, key, tied, anomalous, slots| Step {
            above,
            above_key,
            key,
            tied,
            anomalous,
            slots,
        };
        assert_eq!(steps, [(step(0, 9, 9, 0, 1, 2..3), 10), (step(2, 6, 5, 2, 2, 0..2), 101)]);
        assert_eq!((sorted.counts_from(5), sorted.counts_from(6)), ((4, 3), (2, 1)));
        assert_eq!((sorted.key_above_normal(2), sorted.key_above_normal(5)), (Some(6), None));
        assert_eq!((sorted.anomalous_key(0), sorted.anomalous_key(2)), (Some(9), Some(5)));

        let row = sorted.of_defect_type(1);
        assert_eq!((row.region_count(), row.anomalous_count(), row.normal_count()), (1, 1, 5));
    }

    #[test]
    fn long_and_short_tails_are_counted() {
        let keys: Vec<u32> = (1..=1000).map(|k| k / 2 * 3).collect();
        for key in 0..=1600 {
            let expected = keys.iter().filter(|&&other| other > key).count();
            assert_eq!(tail_above(&keys, key), expected, "above {key}");
        }
        assert_eq!(tail_above(&[], 3), 0);
    }
}
