//! Counts of scores in bins, filled one image at a time.
//!
//! A bin is all scores with the same sign, exponent and first 13 bits of the mantissa: its width is at most 2^-13
//! of the scores in it, whatever their range, so there is nothing to choose before the first image. All sums are
//! integers; hence histograms of parts add up to that of the whole, to the bit and in any order.

use crate::binned::{AnomalousBin, AnomalousBins, Binned, NormalBin};
use crate::key::key;

/// Low bits of a key that a bin does not tell apart: 23 bits of mantissa less 13.
const DROPPED_BITS: u32 = 10;

/// Sign, exponent and 13 bits of mantissa. Bins are allocated as zeros, which the operating system does without
/// memory until a page is written to: scores from 0.001 to 1 touch 80 thousand bins.
const BINS: usize = 1 << (u32::BITS - DROPPED_BITS);

/// Bins of all scores by class, the anomalous ones by defect type.
#[derive(Debug, Clone, Default)]
pub(crate) struct Histogram {
    /// Empty, or one count per bin.
    normal: Vec<u64>,
    /// By the number of the defect type.
    kinds: Vec<Kind>,
}

/// The regions of one defect type.
#[derive(Debug, Clone, Default)]
struct Kind {
    /// Empty, or one per bin.
    counts: Vec<u64>,
    /// Empty, or one per bin: the sum of the shares of the bin's pixels.
    shares: Vec<u128>,
    regions: u64,
}

impl Histogram {
    pub(crate) fn add_normal(&mut self, scores: &[f32]) {
        let bins = in_full(&mut self.normal);
        scores.iter().for_each(|&score| bins[bin(key(score))] += 1);
    }

    pub(crate) fn add_normal_keys(&mut self, keys: &[u32]) {
        let bins = in_full(&mut self.normal);
        keys.iter().for_each(|&key| bins[bin(key)] += 1);
    }

    /// Counts regions, of which [`add_anomalous`](Self::add_anomalous) adds the pixels.
    pub(crate) fn add_regions(&mut self, kind: u32, count: u64) {
        self.kind(kind).regions += count;
    }

    /// Adds pixels of a region with this share per pixel.
    pub(crate) fn add_anomalous(&mut self, keys: impl Iterator<Item = u32>, kind: u32, share: u128) {
        let kind = self.kind(kind);
        let (counts, shares) = (in_full(&mut kind.counts), in_full(&mut kind.shares));
        for key in keys {
            counts[bin(key)] += 1;
            shares[bin(key)] += share;
        }
    }

    /// Adds the counts of another histogram, whose defect type `n` is number `kinds[n]` here.
    pub(crate) fn merge(&mut self, other: &Self, kinds: &[u32]) {
        add_all(&mut self.normal, &other.normal);
        for (from, &kind) in other.kinds.iter().zip(kinds) {
            let into = self.kind(kind);
            add_all(&mut into.counts, &from.counts);
            add_all(&mut into.shares, &from.shares);
            into.regions += from.regions;
        }
    }

    /// The bins that are not empty.
    pub(crate) fn finish(self) -> Binned {
        let counts = self.normal.iter().enumerate().filter(|&(_, &count)| count > 0);
        let normal = counts.map(|(bin, &count)| NormalBin { key: edge(bin), count }).collect();
        let kinds: Vec<_> = self.kinds.iter().map(Kind::row).collect();
        let all = kinds.iter().cloned().reduce(joined).unwrap_or_default();
        Binned::new(normal, all, kinds, 1 << DROPPED_BITS)
    }

    fn kind(&mut self, kind: u32) -> &mut Kind {
        let kind = kind as usize;
        if self.kinds.len() <= kind {
            self.kinds.resize_with(kind + 1, Kind::default);
        }
        &mut self.kinds[kind]
    }
}

impl Kind {
    fn row(&self) -> AnomalousBins {
        let counts = self.counts.iter().enumerate().filter(|&(_, &count)| count > 0);
        let bins =
            counts.map(|(bin, &count)| AnomalousBin { key: edge(bin), count, shares: self.shares[bin] });
        AnomalousBins { bins: bins.collect(), regions: self.regions }
    }
}

/// The bins of two rows together.
fn joined(a: AnomalousBins, b: AnomalousBins) -> AnomalousBins {
    let regions = a.regions + b.regions;
    let mut bins = a.bins;
    bins.extend(b.bins);
    bins.sort_by_key(|bin| bin.key);
    bins.dedup_by(|from, into| {
        let same = from.key == into.key;
        if same {
            into.count += from.count;
            into.shares += from.shares;
        }
        same
    });
    AnomalousBins { bins, regions }
}

fn bin(key: u32) -> usize {
    (key >> DROPPED_BITS) as usize
}

/// The lowest key of a bin.
fn edge(bin: usize) -> u32 {
    (bin as u32) << DROPPED_BITS
}

/// All bins, allocated when the first score comes.
fn in_full<T: Clone + Default>(bins: &mut Vec<T>) -> &mut [T] {
    if bins.is_empty() {
        *bins = vec![T::default(); BINS];
    }
    bins
}

fn add_all<T: Copy + Default + PartialEq + std::ops::AddAssign>(into: &mut Vec<T>, from: &[T]) {
    if from.is_empty() {
        return;
    }
    for (into, &from) in in_full(into).iter_mut().zip(from) {
        // Empty bins are only read: writing a zero would cost a page of memory.
        if from != T::default() {
            *into += from;
        }
    }
}
