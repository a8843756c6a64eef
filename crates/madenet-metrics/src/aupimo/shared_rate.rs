//! The false positive rate that all images share.

use std::collections::BTreeMap;

/// The false positive rate at every distinct score of the normal images, from the highest on.
pub(super) struct SharedRate {
    lower: f64,
    upper: f64,
    /// Up to the first rate that reaches the upper bound.
    steps: Vec<Step>,
}

struct Step {
    key: u32,
    /// Rate at this key.
    rate: f64,
}

impl SharedRate {
    /// Of ascending keys of normal images, by the number of pixels of an image.
    pub(super) fn new(normal: &BTreeMap<usize, Vec<u32>>, images: usize, (lower, upper): (f64, f64)) -> Self {
        // What a rate of 1 counts in pixels of each size, were all images of that size.
        let full: Vec<f64> = normal.keys().map(|&pixels| images as f64 * pixels as f64).collect();
        let mut highest: Vec<(u32, usize)> = Vec::new();
        for (size, (keys, full)) in normal.values().zip(&full).enumerate() {
            highest.extend(highest_keys(keys, upper * full).map(|key| (key, size)));
        }
        highest.sort_unstable_by(|a, b| b.cmp(a));

        let mut steps = Vec::new();
        let mut counts = vec![0_usize; full.len()];
        for equal in highest.chunk_by(|a, b| a.0 == b.0) {
            equal.iter().for_each(|&(_, size)| counts[size] += 1);
            let rate = counts.iter().zip(&full).map(|(&count, &full)| count as f64 / full).sum();
            steps.push(Step { key: equal[0].0, rate });
            if rate >= upper {
                break;
            }
        }
        Self { lower, upper, steps }
    }

    /// The area under the recall of one image, whose anomalous keys these are, ascending; there is at least one.
    ///
    /// The recall is the mean over its pixels of whether each is found; so the area is the mean of theirs.
    pub(super) fn area_under_recall(&self, keys: &[u32]) -> f64 {
        let equal = keys.chunk_by(|a, b| a == b);
        let sum: f64 = equal.map(|equal| equal.len() as f64 * self.area_of(equal[0])).sum();
        f64::min(sum / keys.len() as f64, 1.0)
    }

    /// The area of one pixel, as a share of that between the bounds.
    ///
    /// A pixel between two steps is found from the rate of the upper one on. One that equals the score of a step is
    /// found along with it: between the rates before and at the step, half of the logarithmic way counts half.
    fn area_of(&self, key: u32) -> f64 {
        let above = self.steps.partition_point(|step| step.key > key);
        let before = above.checked_sub(1).map_or(0.0, |last| self.steps[last].rate);
        let area = match self.steps.get(above).filter(|step| step.key == key) {
            // A line from a rate of 0 has no slope in a logarithm.
            Some(step) if before == 0.0 => self.axis(step.rate, 1.0),
            Some(step) => self.slope(before, step.rate) + self.axis(step.rate, 1.0),
            None => self.axis(before, 1.0),
        };
        area / (self.upper / self.lower).ln()
    }

    /// The length of the axis between two rates, as far as it lies within the bounds.
    fn axis(&self, from: f64, to: f64) -> f64 {
        let (left, right) = (from.max(self.lower), to.min(self.upper));
        if left < right { (right / left).ln() } else { 0.0 }
    }

    /// The area under the line from 0 at one rate to 1 at another, as far as it lies within the bounds.
    fn slope(&self, from: f64, to: f64) -> f64 {
        let height = |rate: f64| (rate / from).ln() / (to / from).ln();
        let (left, right) = (from.max(self.lower), to.min(self.upper));
        self.axis(from, to) * (height(left) + height(right)) / 2.0
    }
}

/// All keys that can lie above the threshold at which `count` of the ascending list are reached, and those equal to
/// it.
fn highest_keys(keys: &[u32], count: f64) -> impl Iterator<Item = u32> {
    // One more than asked for: the product may have been rounded down.
    let last = keys.iter().rev().nth(count.ceil() as usize).or(keys.first()).copied();
    keys.iter().copied().rev().take_while(move |&key| last.is_some_and(|last| key >= last))
}
