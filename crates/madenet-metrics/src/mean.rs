//! The mean of figures some of which may be undefined.

use std::fmt;

/// The mean over categories, runs or images, and how many of them it holds.
///
/// A metric with one class only is undefined, and a mean over categories leaves it out. Without the two counts
/// nobody sees that, so they are printed beside the value.
///
/// ```
/// use madenet_metrics::Mean;
///
/// // AUROC of three categories; the last has no anomalous image.
/// let mean = Mean::of([Some(0.9), Some(0.8), None]);
/// assert_eq!(mean.value.map(|value| (value * 100.0).round()), Some(85.0));
/// assert_eq!(mean.to_string(), "0.8500 (2 of 3)");
/// assert_eq!(format!("{mean:.2}"), "0.85 (2 of 3)");
/// assert_eq!(Mean::of([None; 3]).to_string(), "n/a (0 of 3)");
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Mean {
    /// The arithmetic mean of the defined figures; `None` where there is none.
    pub value: Option<f64>,
    /// Number of defined figures.
    pub defined: usize,
    /// Number of figures, undefined ones included.
    pub total: usize,
}

/// A second sum is taken of figures divided by this, in case the first one overflows: no 2^64 figures can make it.
/// A power of two, so that large figures lose nothing by the division.
const SCALE: f64 = (1_u128 << 64) as f64;

impl Mean {
    /// The mean of the figures that are `Some`. NaN and infinite ones count as undefined, too: one of them
    /// would swallow all others.
    #[must_use]
    pub fn of(figures: impl IntoIterator<Item = Option<f64>>) -> Self {
        let (mut sum, mut small_sum, mut defined, mut total) = (0.0, 0.0, 0, 0);
        for figure in figures {
            total += 1;
            if let Some(figure) = figure.filter(|figure| figure.is_finite()) {
                defined += 1;
                sum += figure;
                small_sum += figure / SCALE;
            }
        }
        let mean = || match sum / defined as f64 {
            mean if mean.is_finite() => mean,
            _ => (small_sum / defined as f64 * SCALE).clamp(f64::MIN, f64::MAX),
        };
        Self { value: (defined > 0).then(mean), defined, total }
    }
}

/// `0.9123 (11 of 12)`, or `n/a (0 of 3)`; four decimals unless a precision is given.
impl fmt::Display for Mean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            Some(value) => write!(f, "{value:.*}", f.precision().unwrap_or(4))?,
            None => f.write_str("n/a")?,
        }
        write!(f, " ({} of {})", self.defined, self.total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undefined_figures_are_left_out_and_counted() {
        let mean = Mean::of([Some(1.0), None, Some(0.5), None]);
        assert_eq!(mean, Mean { value: Some(0.75), defined: 2, total: 4 });
        assert_eq!(Mean::of([]), Mean { value: None, defined: 0, total: 0 });
        assert_eq!(Mean::of([]).to_string(), "n/a (0 of 0)");
    }

    #[test]
    fn figures_that_are_no_numbers_do_not_swallow_the_others() {
        let mean = Mean::of([Some(f64::NAN), Some(0.25), Some(f64::INFINITY)]);
        assert_eq!(mean, Mean { value: Some(0.25), defined: 1, total: 3 });
    }

    #[test]
    fn the_largest_figures_have_a_mean() {
        assert_eq!(Mean::of([Some(1e308); 3]).value, Some(1e308));
        assert_eq!(Mean::of([Some(f64::MIN); 2]).value, Some(f64::MIN));
        assert_eq!(
            Mean::of([Some(f64::MAX), Some(f64::MAX), Some(f64::MIN), Some(f64::MIN)]).value,
            Some(0.0)
        );
    }
}
