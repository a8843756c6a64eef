use madenet_metrics::f1_max;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Least distance of threshold and median: keeps constant scores from dividing by zero.
const LEAST_SPREAD: f64 = 1e-6;
/// Steepness of the squashing: the median of normals scores 0.1, the threshold 0.5, as far again above it 0.9.
const STEEPNESS: f64 = 4.0;

/// Where normal ends among raw scores, and how raw scores read between 0 and 1.
///
/// ```
/// use madenet_core::{Scale, ThresholdRule};
///
/// // Raw scores of 100 good images: 0.00, 0.01, ... 0.99.
/// let normals: Vec<f32> = (0..100).map(|i| i as f32 / 100.0).collect();
/// let labels = vec![false; normals.len()];
/// // "Flag at most 1 good image in 20."
/// let scale = Scale::from_scores("images", &normals, &labels, ThresholdRule::FalsePositiveRate(0.05))?;
/// assert_eq!(scale.threshold, 0.95);
/// assert_eq!(scale.calibrate(0.95), 0.5);
/// assert!(scale.calibrate(0.9) < 0.5 && scale.calibrate(1.0) > 0.5);
/// # Ok::<(), madenet_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// Median raw score of normals; reads as 0.1.
    pub median: f32,
    /// Raw scores above it are anomalous; reads as 0.5. Change it as the line needs.
    pub threshold: f32,
}

/// How a threshold is found among raw scores.
///
/// | rule | needs | says |
/// |---|---|---|
/// | `Quantile(q)` | normals | this share of the normals at hand is at or below the threshold |
/// | `FalsePositiveRate(r)` | at least 1/r - 1 normals | a new normal is flagged with a probability of at most r |
/// | `F1Max` | normals and anomalies | the best F1 score on the samples at hand |
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ThresholdRule {
    /// This quantile of the normals, 0 to 1, linear between neighbours.
    Quantile(f64),
    /// The smallest score of a normal such that a further normal, drawn like them, exceeds it with at most this
    /// probability, above 0 and below 1: the `ceil((n + 1) (1 - rate))`-th smallest of n (split conformal prediction,
    /// Vovk et al. 2005).
    FalsePositiveRate(f64),
    /// Midway between the two neighbouring scores that part flagged from passed where F1 is largest.
    F1Max,
}

impl ThresholdRule {
    /// Checks the range of the number.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn validate(self) -> Result<()> {
        let (field, value, ok, expected) = match self {
            ThresholdRule::Quantile(q) => ("quantile", q, (0.0..=1.0).contains(&q), "0 to 1"),
            ThresholdRule::FalsePositiveRate(r) => {
                ("false positive rate", r, r > 0.0 && r < 1.0, "above 0 and below 1")
            }
            ThresholdRule::F1Max => return Ok(()),
        };
        if ok { Ok(()) } else { Err(Error::Config { field, got: value.to_string(), expected }) }
    }
}

impl Scale {
    /// The scale whose threshold `rule` finds among `scores`; `labels` say which are anomalous, and `what` they are of.
    ///
    /// # Errors
    /// [`Error::Config`] for a rule out of range, [`Error::NoScores`] without normals (or, for F1, without anomalies),
    /// [`Error::TooFewNormals`] where a false positive rate asks for more of them, [`Error::NonFiniteScore`], and
    /// [`Error::LabelCount`] if there is not one label a score.
    pub fn from_scores(
        what: &'static str,
        scores: &[f32],
        labels: &[bool],
        rule: ThresholdRule,
    ) -> Result<Self> {
        rule.validate()?;
        if scores.len() != labels.len() {
            return Err(Error::LabelCount { what, scores: scores.len(), labels: labels.len() });
        }
        if let Some(&value) = scores.iter().find(|s| !s.is_finite()) {
            return Err(Error::NonFiniteScore { what: what.to_string(), value });
        }
        let mut normals: Vec<f32> =
            scores.iter().zip(labels).filter(|&(_, &anomalous)| !anomalous).map(|(&s, _)| s).collect();
        if normals.is_empty() {
            return Err(Error::NoScores { kind: "normal", what });
        }
        normals.sort_unstable_by(f32::total_cmp);
        let median = quantile_of(&normals, 0.5);
        // A threshold from normals lies above their median, else constant scores would all be at it.
        let least = (median + LEAST_SPREAD as f32).max(median.next_up());
        let threshold = match rule {
            ThresholdRule::Quantile(q) => quantile_of(&normals, q).max(least),
            ThresholdRule::FalsePositiveRate(rate) => conformal(what, &normals, rate)?.max(least),
            ThresholdRule::F1Max => best_f1(what, scores, labels)?,
        };
        let scale = Scale { median, threshold };
        scale.validate(["median", "threshold"])?;
        Ok(scale)
    }

    /// The calibrated score of a raw one: in `[0, 1]`, rising, above 0.5 exactly where `raw` is above the threshold, 0.1
    /// at a median below it. NaN stays NaN.
    ///
    /// `(1 + z / (1 + |z|)) / 2` with `z = 4 (raw - threshold) / |threshold - median|`. Unlike a logistic function it
    /// does not reach 1 in `f32` where defects are strong, so that their order is kept.
    #[must_use]
    pub fn calibrate(&self, raw: f32) -> f32 {
        // In f64, where no finite f32 overflows.
        let z = STEEPNESS * (f64::from(raw) - f64::from(self.threshold)) / self.spread();
        let squashed = if z.is_infinite() { z.signum() } else { z / (1.0 + z.abs()) };
        let score = (0.5 + 0.5 * squashed) as f32;
        if score.is_nan() {
            return score;
        }
        // Rounding must not turn what is above the threshold into 0.5.
        if raw > self.threshold { score.max(0.5_f32.next_up()) } else { score.min(0.5) }
    }

    /// The raw score that reads as `score`: the inverse of [`calibrate`](Self::calibrate), up to rounding. To put the
    /// threshold where scores were 0.7: `scale.threshold = scale.raw_at(0.7)?`.
    ///
    /// # Errors
    /// [`Error::Config`] unless `score` is above 0 and below 1.
    pub fn raw_at(&self, score: f32) -> Result<f32> {
        if !(score > 0.0 && score < 1.0) {
            let got = score.to_string();
            return Err(Error::Config { field: "score", got, expected: "above 0 and below 1" });
        }
        let u = 2.0 * f64::from(score) - 1.0;
        let z = u / (1.0 - u.abs());
        Ok((f64::from(self.threshold) + z * self.spread() / STEEPNESS) as f32)
    }

    fn spread(&self) -> f64 {
        (f64::from(self.threshold) - f64::from(self.median)).abs().max(LEAST_SPREAD)
    }

    /// `fields` are what errors call the median and the threshold.
    pub(crate) fn validate(&self, fields: [&'static str; 2]) -> Result<()> {
        match [self.median, self.threshold].into_iter().zip(fields).find(|(value, _)| !value.is_finite()) {
            Some((value, field)) => {
                Err(Error::Config { field, got: value.to_string(), expected: "a finite number" })
            }
            None => Ok(()),
        }
    }
}

/// The `q`-quantile of sorted values, linear between neighbours (NumPy's default).
fn quantile_of(sorted: &[f32], q: f64) -> f32 {
    let place = q * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    (f64::from(low) + (f64::from(high) - f64::from(low)) * place.fract()) as f32
}

/// See [`ThresholdRule::FalsePositiveRate`].
fn conformal(what: &'static str, sorted: &[f32], rate: f64) -> Result<f32> {
    let n = sorted.len();
    // (n + 1) (1 - rate) written so that 0.05 of 99 gives the 95th: 1 - 0.05 is not 0.95 in binary.
    let flagged = ((n + 1) as f64 * rate + 1e-9).floor() as usize;
    match flagged {
        0 => {
            let needed = (1.0 / rate - 1.0 - 1e-9).ceil() as usize;
            Err(Error::TooFewNormals { what, rate, needed, got: n })
        }
        _ => Ok(sorted[n - flagged.min(n)]),
    }
}

/// See [`ThresholdRule::F1Max`].
fn best_f1(what: &'static str, scores: &[f32], labels: &[bool]) -> Result<f32> {
    let best = f1_max(scores, labels)?.ok_or(Error::NoScores { kind: "anomalous", what })?;
    let below = scores.iter().copied().filter(|&s| s < best.threshold).fold(f32::NEG_INFINITY, f32::max);
    if below == f32::NEG_INFINITY {
        return Ok(best.threshold.next_down());
    }
    let middle = ((f64::from(below) + f64::from(best.threshold)) / 2.0) as f32;
    Ok(if middle < best.threshold { middle } else { below })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_normals(scores: &[f32], rule: ThresholdRule) -> Result<Scale> {
        Scale::from_scores("images", scores, &vec![false; scores.len()], rule)
    }

    #[test]
    fn calibrated_scores_rise_and_cross_half_at_the_threshold() -> Result<()> {
        let scale = Scale { median: -0.5, threshold: 0.25 };
        assert_eq!(scale.calibrate(0.25), 0.5);
        assert!((scale.calibrate(-0.5) - 0.1).abs() < 1e-6 && (scale.calibrate(1.0) - 0.9).abs() < 1e-6);
        let calibrated: Vec<f32> = (-4000..4000).map(|i| scale.calibrate(i as f32 / 100.0)).collect();
        assert!(calibrated.is_sorted_by(|a, b| a < b));
        assert!(calibrated.iter().all(|s| (0.0..=1.0).contains(s)));
        assert!(scale.calibrate(f32::MAX).is_finite() && scale.calibrate(f32::MIN) >= 0.0);
        let wide = Scale { median: -1e30, threshold: 1.0 };
        assert!(wide.calibrate(1.0_f32.next_up()) > 0.5, "a hair above the threshold is above it");
        for score in [0.01, 0.3, 0.5, 0.9, 0.999] {
            assert!((scale.calibrate(scale.raw_at(score)?) - score).abs() < 1e-5, "{score}");
        }
        assert!(scale.calibrate(f32::NAN).is_nan());
        assert_eq!([f32::INFINITY, f32::NEG_INFINITY].map(|raw| scale.calibrate(raw)), [1.0, 0.0]);
        assert!([0.0, 1.0, f32::NAN].iter().all(|&s| scale.raw_at(s).is_err()));
        Ok(())
    }

    #[test]
    fn quantiles_of_normals() -> Result<()> {
        let scores: Vec<f32> = (0..=1000).rev().map(|i| i as f32).collect();
        let scale = of_normals(&scores, ThresholdRule::Quantile(0.995))?;
        assert_eq!(scale, Scale { median: 500.0, threshold: 995.0 });
        let large = of_normals(&[1e6; 5], ThresholdRule::Quantile(0.995))?;
        assert!(large.calibrate(1e6) < 0.5);
        let constant = of_normals(&[0.3; 5], ThresholdRule::Quantile(0.995))?;
        assert!(constant.calibrate(0.3) < 0.5 && constant.calibrate(0.31) > 0.5);
        Ok(())
    }

    #[test]
    fn a_false_positive_rate_needs_enough_normals() -> Result<()> {
        let scores: Vec<f32> = (1..=99).map(|i| i as f32).collect();
        let threshold = |n: usize, rate| {
            of_normals(&scores[..n], ThresholdRule::FalsePositiveRate(rate)).map(|s| s.threshold)
        };
        assert_eq!(threshold(99, 0.01)?, 99.0);
        assert_eq!(threshold(99, 0.05)?, 95.0);
        assert_eq!(threshold(19, 0.05)?, 19.0);
        assert_eq!(
            threshold(10, 1.0 - 1e-12)?,
            5.5 + 1e-6,
            "no threshold from normals is below their median"
        );
        let error = threshold(98, 0.01).err();
        assert!(matches!(error, Some(Error::TooFewNormals { needed: 99, got: 98, .. })), "{error:?}");
        Ok(())
    }

    #[test]
    fn f1_parts_flagged_from_passed_in_the_middle() -> Result<()> {
        let scores = [1.0, 2.0, 3.0, 5.0, 7.0, 4.0];
        let labels = [false, false, false, true, true, false];
        let scale = Scale::from_scores("images", &scores, &labels, ThresholdRule::F1Max)?;
        assert_eq!(scale, Scale { median: 2.5, threshold: 4.5 });
        // Where flagging everything is best, everything is flagged.
        let scale = Scale::from_scores("images", &[2.0, 1.0], &[false, true], ThresholdRule::F1Max)?;
        assert!(scale.calibrate(1.0) > 0.5 && scale.calibrate(2.0) > 0.5);
        let none = of_normals(&scores, ThresholdRule::F1Max);
        assert!(matches!(none, Err(Error::NoScores { kind: "anomalous", .. })));
        Ok(())
    }

    #[test]
    fn scores_that_are_not_finite_and_rules_out_of_range_do_not_pass() {
        let q = ThresholdRule::Quantile(0.5);
        assert!(matches!(of_normals(&[], q), Err(Error::NoScores { kind: "normal", .. })));
        let short = Scale::from_scores("images", &[0.0, 1.0], &[false], q);
        assert!(matches!(short, Err(Error::LabelCount { scores: 2, labels: 1, .. })));
        assert!(matches!(of_normals(&[f32::NAN], q), Err(Error::NonFiniteScore { .. })));
        for rule in [
            ThresholdRule::Quantile(f64::NAN),
            ThresholdRule::Quantile(1.1),
            ThresholdRule::FalsePositiveRate(0.0),
            ThresholdRule::FalsePositiveRate(1.0),
        ] {
            assert!(matches!(of_normals(&[1.0], rule), Err(Error::Config { .. })), "{rule:?}");
        }
    }
}
