//! Scores in order, exact or in bins.

use crate::binned::Binned;
use crate::ranked::{Ranked, Step, Sweep};
use crate::sorted::Sorted;

/// The scores of a test set, in the mode that their number asks for.
#[derive(Debug, Clone)]
pub(crate) enum Scores {
    Exact(Sorted),
    Histogram(Binned),
}

/// Passes a call on to the scores, whichever they are.
macro_rules! either {
    ($scores:expr, $inner:ident => $call:expr) => {
        match $scores {
            Scores::Exact($inner) => $call,
            Scores::Histogram($inner) => $call,
        }
    };
}

impl Sweep for Scores {
    fn normal_count(&self) -> u64 {
        either!(self, scores => scores.normal_count())
    }

    fn anomalous_count(&self) -> u64 {
        either!(self, scores => scores.anomalous_count())
    }

    fn sweep(&self, visit: impl FnMut(&Step)) {
        either!(self, scores => scores.sweep(visit))
    }
}

impl Ranked for Scores {
    fn region_count(&self) -> u64 {
        either!(self, scores => scores.region_count())
    }

    fn shares(&self, step: &Step) -> u128 {
        either!(self, scores => scores.shares(step))
    }

    fn lowest_normal(&self) -> Option<u32> {
        either!(self, scores => scores.lowest_normal())
    }

    fn counts_from(&self, key: u32) -> (u64, u64) {
        either!(self, scores => scores.counts_from(key))
    }

    fn key_above_normal(&self, count: u64) -> Option<u32> {
        either!(self, scores => scores.key_above_normal(count))
    }

    fn anomalous_key(&self, count: u64) -> Option<u32> {
        either!(self, scores => scores.anomalous_key(count))
    }
}
