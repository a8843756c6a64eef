//! Thresholds for a wanted rate.

use crate::error::{Error, Result};
use crate::key::score;
use crate::ranked::Ranked;

/// The least threshold at which at most a share of the normal scores is at or above it; the lowest normal score
/// where that share is all of them.
pub(crate) fn at_false_positive_rate(scores: &impl Ranked, rate: f64) -> Result<Option<f32>> {
    check(rate)?;
    let allowed = most_within(rate, scores.normal_count());
    let key = scores.key_above_normal(allowed).or_else(|| scores.lowest_normal());
    Ok(key.map(score))
}

/// The highest anomalous score at which at least a share of the anomalous scores is at or above it.
pub(crate) fn at_recall(scores: &impl Ranked, rate: f64) -> Result<Option<f32>> {
    check(rate)?;
    let needed = fewest_reaching(rate, scores.anomalous_count());
    Ok(scores.anomalous_key(needed.saturating_sub(1)).map(score))
}

fn check(rate: f64) -> Result<()> {
    if (0.0..=1.0).contains(&rate) { Ok(()) } else { Err(Error::Rate { rate }) }
}

/// The largest count that is at most `rate` of `whole`. The division decides, as 0.29 * 100 is below 29 but 29 /
/// 100 is 0.29.
fn most_within(rate: f64, whole: u64) -> u64 {
    let near = (rate * whole as f64) as u64;
    let fits = |count: &u64| *count <= whole && *count as f64 / whole as f64 <= rate;
    [near + 1, near].into_iter().find(fits).unwrap_or(near.saturating_sub(1))
}

/// The smallest count that is at least `rate` of `whole`.
fn fewest_reaching(rate: f64, whole: u64) -> u64 {
    let near = (rate * whole as f64) as u64;
    let reaches = |count: &u64| *count <= whole && *count as f64 / whole as f64 >= rate;
    [near, near + 1].into_iter().find(reaches).unwrap_or(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_written_as_decimals_round_as_they_read() {
        for whole in [1, 7, 10, 100, 1000] {
            for count in 0..=whole {
                let rate = count as f64 / whole as f64;
                assert_eq!((most_within(rate, whole), fewest_reaching(rate, whole)), (count, count));
            }
        }
        assert_eq!((most_within(0.299, 10), fewest_reaching(0.299, 10)), (2, 3));
        assert_eq!((most_within(0.29, 100), fewest_reaching(0.29, 100)), (29, 29));
        assert_eq!((most_within(0.5, 0), fewest_reaching(0.5, 0)), (0, 0));
    }
}
