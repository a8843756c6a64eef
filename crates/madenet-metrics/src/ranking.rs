//! Scores of both classes in order, and the descending sweep all metrics share.
//!
//! Normal scores need a 4-byte key only; anomalous ones, the few per cent, carry their region in a second 4
//! bytes. Keeping the classes apart halves memory and sorting time against one list of (score, label) pairs.

use crate::error::{Error, Result};

/// Where an anomalous score comes from when regions play no part.
const NO_REGION: u32 = 0;

/// Sign bit of a binary32.
const SIGN: u32 = 1 << 31;

/// Keys of all scores by class. The sweep needs them sorted: see [`Ranking::sort`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Ranking {
    normal: Vec<u32>,
    /// Key in the high half, region in the low half.
    anomalous: Vec<u64>,
}

/// All scores equal to one threshold.
#[derive(Debug)]
pub(crate) struct Step<'a> {
    /// The score; zero is positive.
    pub(crate) threshold: f32,
    /// Number of normal scores at this threshold.
    pub(crate) normal: usize,
    anomalous: &'a [u64],
}

impl Ranking {
    /// Ranks image scores.
    pub(crate) fn new(scores: &[f32], labels: &[bool]) -> Result<Self> {
        if scores.len() != labels.len() {
            return Err(Error::LengthMismatch { scores: scores.len(), labels: labels.len() });
        }
        if let Some(index) = first_non_finite(scores) {
            return Err(Error::NonFiniteScore { index, value: scores[index] });
        }
        let mut ranking = Self::default();
        for (&score, &anomalous) in scores.iter().zip(labels) {
            if anomalous {
                ranking.push_anomalous(score, NO_REGION);
            } else {
                ranking.push_normal(score);
            }
        }
        ranking.sort();
        Ok(ranking)
    }

    /// Adds a finite score of a normal image or pixel.
    pub(crate) fn push_normal(&mut self, score: f32) {
        self.normal.push(key(score));
    }

    /// Adds finite scores of normal pixels.
    pub(crate) fn extend_normal(&mut self, scores: &[f32]) {
        self.normal.extend(scores.iter().map(|&score| key(score)));
    }

    /// Adds a finite score of an anomalous image or pixel.
    pub(crate) fn push_anomalous(&mut self, score: f32, region: u32) {
        self.anomalous.push(u64::from(key(score)) << 32 | u64::from(region));
    }

    /// Sorts in place; the region breaks ties, so sums over a step do not depend on the order of the pushes.
    pub(crate) fn sort(&mut self) {
        self.normal.sort_unstable();
        self.anomalous.sort_unstable();
    }

    pub(crate) fn normal_count(&self) -> usize {
        self.normal.len()
    }

    pub(crate) fn anomalous_count(&self) -> usize {
        self.anomalous.len()
    }

    /// Whether one of the classes has no score, which leaves every ranking metric undefined.
    pub(crate) fn is_one_sided(&self) -> bool {
        self.normal.is_empty() || self.anomalous.is_empty()
    }

    /// The distinct thresholds from the highest score to the lowest.
    pub(crate) fn descending(&self) -> Descending<'_> {
        Descending { normal: &self.normal, anomalous: &self.anomalous }
    }
}

impl Step<'_> {
    /// Number of anomalous scores at this threshold.
    pub(crate) fn anomalous(&self) -> usize {
        self.anomalous.len()
    }

    /// The region of every anomalous score at this threshold.
    pub(crate) fn regions(&self) -> impl Iterator<Item = usize> {
        self.anomalous.iter().map(|&packed| packed as u32 as usize)
    }
}

/// Merges both sorted lists from their ends.
pub(crate) struct Descending<'a> {
    normal: &'a [u32],
    anomalous: &'a [u64],
}

impl<'a> Iterator for Descending<'a> {
    type Item = Step<'a>;

    fn next(&mut self) -> Option<Step<'a>> {
        let normal = self.normal.last().copied();
        let anomalous = self.anomalous.last().map(|&packed| score_key(packed));
        let threshold = normal.max(anomalous)?;

        let normal_tail = self.normal.iter().rev().take_while(|&&key| key == threshold).count();
        let anomalous_tail =
            self.anomalous.iter().rev().take_while(|&&packed| score_key(packed) == threshold).count();

        let (normal_rest, _) = self.normal.split_at(self.normal.len() - normal_tail);
        let (anomalous_rest, anomalous) = self.anomalous.split_at(self.anomalous.len() - anomalous_tail);
        self.normal = normal_rest;
        self.anomalous = anomalous_rest;
        Some(Step { threshold: score(threshold), normal: normal_tail, anomalous })
    }
}

/// Position of the first NaN or infinity.
pub(crate) fn first_non_finite(scores: &[f32]) -> Option<usize> {
    scores.iter().position(|score| !score.is_finite())
}

/// An integer with the order of the finite scores: IEEE 754 binary32 is sign and magnitude, so positive
/// numbers get the top bit and negative ones are inverted.
fn key(score: f32) -> u32 {
    // -0.0 + 0.0 is 0.0: both zeros are one score.
    let bits = (score + 0.0).to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

/// The score of a key.
fn score(key: u32) -> f32 {
    f32::from_bits(if key & SIGN == 0 { !key } else { key ^ SIGN })
}

fn score_key(packed: u64) -> u32 {
    (packed >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_the_order_of_scores() {
        let tiny = f32::from_bits(1);
        let ascending = [
            f32::MIN,
            -2.0,
            -1.0,
            -f32::MIN_POSITIVE,
            -tiny,
            0.0,
            tiny,
            f32::MIN_POSITIVE,
            0.5,
            1.0,
            f32::MAX,
        ];
        assert!(ascending.is_sorted_by(|a, b| key(*a) < key(*b)));
        assert_eq!(key(-0.0), key(0.0));
        assert!(ascending.iter().all(|&s| score(key(s)).to_bits() == s.to_bits()));
    }

    #[test]
    fn a_step_holds_all_equal_scores_of_both_classes() {
        let mut ranking = Ranking::default();
        ranking.extend_normal(&[0.5, -1.0, 0.5]);
        ranking.push_anomalous(0.5, 7);
        ranking.push_anomalous(2.0, u32::MAX);
        ranking.push_anomalous(0.5, 3);
        ranking.sort();
        let steps: Vec<_> = ranking
            .descending()
            .map(|step| (step.threshold, step.normal, step.regions().collect()))
            .collect();
        assert_eq!(steps, [(2.0, 0, vec![u32::MAX as usize]), (0.5, 2, vec![3, 7]), (-1.0, 1, vec![])]);
    }
}
