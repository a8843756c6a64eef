//! What every metric needs of the scores: one sweep down the thresholds.

use std::ops::Range;

/// The scores of both classes, from the highest to the lowest. Scores may count more than once, or not at all.
pub(crate) trait Sweep {
    fn normal_count(&self) -> u64;

    fn anomalous_count(&self) -> u64;

    /// Visits every distinct anomalous score (or bin with one), from the highest to the lowest.
    ///
    /// Between two of them only false positives are added, and any number of these is one number: so the cost
    /// is that of the anomalous scores, a few per cent of all, and not of the normal ones.
    fn sweep(&self, visit: impl FnMut(&Step));

    /// The same sweep; every step is given with what is found before its own anomalous score, which includes the
    /// normal scores above it.
    fn sweep_found(&self, mut visit: impl FnMut(&Found, &Step)) {
        let mut found = Found::default();
        self.sweep(|step| {
            found.false_alarms += step.above;
            visit(&found, step);
            found = found.with(step.anomalous, step.tied);
        });
    }

    /// Whether one of the classes has no score, which leaves every ranking metric undefined.
    fn is_one_sided(&self) -> bool {
        self.normal_count() == 0 || self.anomalous_count() == 0
    }
}

/// The scores of both classes in order, exact or in bins, with their regions and at any threshold.
pub(crate) trait Ranked: Sweep {
    /// Number of regions the anomalous scores belong to.
    fn region_count(&self) -> u64;

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

/// How many of each class are found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Anomalous ones.
    pub(crate) hits: u64,
    /// Normal ones.
    pub(crate) false_alarms: u64,
}

impl Found {
    /// With some more of each class.
    pub(crate) fn with(self, hits: u64, false_alarms: u64) -> Self {
        Self { hits: self.hits + hits, false_alarms: self.false_alarms + false_alarms }
    }

    pub(crate) fn count(self) -> u64 {
        self.hits + self.false_alarms
    }

    /// Share of the anomalous ones, 0..=1. That of nothing at all is 1, scikit-learn's last point of the
    /// precision-recall curve.
    pub(crate) fn precision(self) -> f64 {
        if self.count() == 0 { 1.0 } else { self.hits as f64 / self.count() as f64 }
    }
}
