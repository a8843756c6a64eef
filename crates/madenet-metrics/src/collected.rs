//! All scores as they come: the exact mode before sorting.

use crate::error::{Error, Result};
use crate::histogram::Histogram;
use crate::key::key;
use crate::share;
use crate::sorted::{Regions, Sorted, key_of, pack, region};

/// Keys of both classes, and what is known of the regions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Collected {
    normal: Vec<u32>,
    /// Key in the high half, region in the low half.
    anomalous: Vec<u64>,
    regions: Regions,
}

impl Collected {
    pub(crate) fn pixels(&self) -> usize {
        self.normal.len().saturating_add(self.anomalous.len())
    }

    pub(crate) fn region_count(&self) -> usize {
        self.regions.shares.len()
    }

    /// Whether `count` more regions can be numbered.
    pub(crate) fn check_room(&self, count: usize) -> Result<()> {
        let got = self.region_count().saturating_add(count);
        if u32::try_from(got).is_ok() { Ok(()) } else { Err(Error::TooManyRegions { got }) }
    }

    pub(crate) fn add_normal(&mut self, scores: &[f32]) {
        self.normal.extend(scores.iter().map(|&score| key(score)));
    }

    /// Adds regions of these areas, without their pixels, and returns the number of the first one; there has to be
    /// [room](Self::check_room).
    pub(crate) fn add_regions(&mut self, defect_type: u32, areas: &[usize]) -> u32 {
        let first = self.region_count() as u32;
        self.regions.shares.extend(areas.iter().map(|&area| share::of(area)));
        self.regions.defect_types.resize(self.regions.shares.len(), defect_type);
        first
    }

    pub(crate) fn add_anomalous(&mut self, scores: &[f32], region: u32) {
        self.anomalous.extend(scores.iter().map(|&score| pack(key(score), region)));
    }

    /// Adds the pixels of another collection, whose defect type `n` is number `numbers[n]` here; there has to be
    /// [room](Self::check_room) for its regions.
    pub(crate) fn merge(&mut self, mut other: Self, numbers: &[u32]) {
        let offset = self.region_count() as u64;
        self.normal.append(&mut other.normal);
        self.anomalous.extend(other.anomalous.iter().map(|packed| packed + offset));
        self.regions.shares.append(&mut other.regions.shares);
        self.regions.defect_types.extend(other.regions.defect_types.iter().map(|&of| numbers[of as usize]));
    }

    /// Adds all pixels to a histogram, where defect type `n` has the number `number(n)`.
    pub(crate) fn pour_into(&self, histogram: &mut Histogram, number: impl Fn(u32) -> u32) {
        histogram.add_normal_keys(&self.normal);
        for &of in &self.regions.defect_types {
            histogram.add_regions(number(of), 1);
        }
        for run in self.anomalous.chunk_by(|a, b| region(*a) == region(*b)) {
            let of = region(run[0]);
            let keys = run.iter().map(|&packed| key_of(packed));
            histogram.add_anomalous(keys, number(self.regions.defect_types[of]), self.regions.shares[of]);
        }
    }

    /// Sorts all scores.
    pub(crate) fn finish(self) -> Sorted {
        Sorted::new(self.normal, self.anomalous, self.regions)
    }
}
