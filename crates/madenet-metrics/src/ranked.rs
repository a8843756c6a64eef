//! What every metric needs of the scores: one sweep down the thresholds.

use std::ops::Range;

/// The scores of both classes in order, exact or in bins.
pub(crate) trait Ranked {
    fn normal_count(&self) -> u64;

    fn anomalous_count(&self) -> u64;

    /// Number of regions the anomalous scores belong to.
    fn region_count(&self) -> u64;

    /// Visits every distinct anomalous score (or bin with one), from the highest to the lowest.
    ///
    /// Between two of them only false positives are added, and any number of these is one number: so the cost
    /// is that of the anomalous scores, a few per cent of all, and not of the normal ones.
    fn sweep(&self, visit: impl FnMut(&Step));

    /// The sum of the [shares](crate::share) of the anomalous scores of a step.
    fn shares(&self, step: &Step) -> u128;

    /// The key of the lowest score of the normal class, or the lower edge of its bin.
    fn lowest_normal(&self) -> Option<u32>;

    /// Number of normal and of anomalous scores at or above a key, rounded down to the edge of its bin.
    fn counts_from(&self, key: u32) -> (u64, u64);

    /// The least key (or edge of a bin) with at most `count` normal scores at or above it. `None` where no key has
    /// more than that.
    fn key_above_normal(&self, count: u64) -> Option<u32>;

    /// The key of the anomalous score that has `count` others above it.
    fn anomalous_key(&self, count: u64) -> Option<u32>;

    /// Whether one of the classes has no score, which leaves every ranking metric undefined.
    fn is_one_sided(&self) -> bool {
        self.normal_count() == 0 || self.anomalous_count() == 0
    }
}

/// All scores of both classes from below the last anomalous score down to the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    /// Number of normal scores between the last step's key and this one's.
    pub(crate) above: u64,
    /// The lowest key of these; without meaning where there are none.
    pub(crate) above_key: u32,
    /// The anomalous score.
    pub(crate) key: u32,
    /// Number of normal scores that equal it.
    pub(crate) tied: u64,
    /// Number of anomalous scores that equal it, at least 1.
    pub(crate) anomalous: u64,
    /// Where the anomalous scores are kept.
    pub(crate) slots: Range<usize>,
}
