//! Scores in bins: two lists of counts.

use std::sync::Arc;

use crate::ranked::{Ranked, Step, Sweep};

/// Bins of both classes, sorted by key; only those that are not empty.
#[derive(Debug, Clone)]
pub(crate) struct Binned {
    /// Shared by the rows of all defect types.
    normal: Arc<Vec<NormalBin>>,
    anomalous: Arc<AnomalousBins>,
    /// The anomalous bins of every defect type by its number.
    defect_types: Arc<Vec<Arc<AnomalousBins>>>,
    /// Width of a bin in keys.
    width: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NormalBin {
    /// The lowest key of the bin.
    pub(crate) key: u32,
    /// Number of normal scores, at least 1.
    pub(crate) count: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AnomalousBin {
    /// The lowest key of the bin.
    pub(crate) key: u32,
    /// Number of anomalous scores, at least 1.
    pub(crate) count: u64,
    /// Sum of their [shares](crate::share).
    pub(crate) shares: u128,
}

/// The anomalous bins of one row.
#[derive(Debug, Clone, Default)]
pub(crate) struct AnomalousBins {
    pub(crate) bins: Vec<AnomalousBin>,
    pub(crate) regions: u64,
}

impl Binned {
    pub(crate) fn new(
        normal: Vec<NormalBin>,
        anomalous: AnomalousBins,
        defect_types: Vec<AnomalousBins>,
        width: u32,
    ) -> Self {
        let defect_types = defect_types.into_iter().map(Arc::new).collect();
        Self {
            normal: Arc::new(normal),
            anomalous: Arc::new(anomalous),
            defect_types: Arc::new(defect_types),
            width,
        }
    }

    /// The same normal bins, and the anomalous ones of one defect type.
    pub(crate) fn of_defect_type(&self, defect_type: u32) -> Self {
        let anomalous = self.defect_types.get(defect_type as usize).cloned().unwrap_or_default();
        Self { anomalous, ..self.clone() }
    }
}

impl Sweep for Binned {
    fn normal_count(&self) -> u64 {
        self.normal.iter().map(|bin| bin.count).sum()
    }

    fn anomalous_count(&self) -> u64 {
        self.anomalous.bins.iter().map(|bin| bin.count).sum()
    }

    fn sweep(&self, mut visit: impl FnMut(&Step)) {
        let mut normal = self.normal.iter().rev().peekable();
        for (slot, bin) in self.anomalous.bins.iter().enumerate().rev() {
            let (mut above, mut above_key) = (0, bin.key);
            while let Some(passed) = normal.next_if(|other| other.key > bin.key) {
                above += passed.count;
                above_key = passed.key;
            }
            let tied = normal.next_if(|other| other.key == bin.key).map_or(0, |bin| bin.count);
            visit(&Step {
                above,
                above_key,
                key: bin.key,
                tied,
                anomalous: bin.count,
                slots: slot..slot + 1,
            });
        }
    }
}

impl Ranked for Binned {
    fn region_count(&self) -> u64 {
        self.anomalous.regions
    }

    fn shares(&self, step: &Step) -> u128 {
        self.anomalous.bins[step.slots.clone()].iter().map(|bin| bin.shares).sum()
    }

    fn lowest_normal(&self) -> Option<u32> {
        self.normal.first().map(|bin| bin.key)
    }

    fn counts_from(&self, key: u32) -> (u64, u64) {
        let edge = key - key % self.width;
        let normal = self.normal.iter().rev().take_while(|bin| bin.key >= edge).map(|bin| bin.count).sum();
        let anomalous = &self.anomalous.bins;
        let anomalous = anomalous.iter().rev().take_while(|bin| bin.key >= edge).map(|bin| bin.count).sum();
        (normal, anomalous)
    }

    fn key_above_normal(&self, count: u64) -> Option<u32> {
        let bins = self.normal.iter().rev().map(|bin| (bin.key, bin.count));
        bin_after(bins, count).map(|key| key + self.width)
    }

    fn anomalous_key(&self, count: u64) -> Option<u32> {
        bin_after(self.anomalous.bins.iter().rev().map(|bin| (bin.key, bin.count)), count)
    }
}

/// The key of the first bin with which there are more than `count` scores.
fn bin_after(bins: impl Iterator<Item = (u32, u64)>, count: u64) -> Option<u32> {
    let mut passed = 0;
    for (key, in_bin) in bins {
        passed += in_bin;
        if passed > count {
            return Some(key);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_holds_both_classes_of_a_bin() {
        let normal = |key, count| NormalBin { key, count };
        let anomalous = |key, count, shares| AnomalousBin { key, count, shares };
        let all = AnomalousBins { bins: vec![anomalous(16, 3, 30), anomalous(48, 1, 10)], regions: 2 };
        let scratch = AnomalousBins { bins: vec![anomalous(16, 2, 20)], regions: 1 };
        let bins = Binned::new(vec![normal(0, 4), normal(16, 2), normal(32, 5)], all, vec![scratch], 16);

        let mut steps = Vec::new();
        bins.sweep(|step| steps.push((step.above, step.above_key, step.key, step.tied, bins.shares(step))));
        assert_eq!(steps, [(0, 48, 48, 0, 10), (5, 32, 16, 2, 30)]);
        assert_eq!((bins.normal_count(), bins.anomalous_count(), bins.lowest_normal()), (11, 4, Some(0)));
        assert_eq!(
            (bins.counts_from(16), bins.counts_from(47), bins.counts_from(48)),
            ((7, 4), (5, 1), (0, 1))
        );
        assert_eq!((bins.key_above_normal(4), bins.key_above_normal(5)), (Some(48), Some(32)));
        assert_eq!(
            (bins.anomalous_key(0), bins.anomalous_key(1), bins.anomalous_key(4)),
            (Some(48), Some(16), None)
        );

        let row = bins.of_defect_type(0);
        assert_eq!((row.anomalous_count(), row.region_count(), row.normal_count()), (2, 1, 11));
        assert_eq!(bins.of_defect_type(7).anomalous_count(), 0);
    }
}
