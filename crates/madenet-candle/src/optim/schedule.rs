//! How learning rates change over a training.

use std::f64::consts::PI;

use madenet_core::Error;

use super::rule::check;

/// The factor of all learning rates by step: a curve, with a linear warm-up in front of it if wanted.
///
/// ```
/// use madenet_candle::Schedule;
/// let schedule = Schedule::cosine(0.0).warm_up(10, 0.1);
/// assert_eq!(schedule.factor(0, 110), 0.1);
/// assert_eq!(schedule.factor(10, 110), 1.0);
/// assert!((schedule.factor(60, 110) - 0.5).abs() < 1e-12);
/// let steps = Schedule::steps([(80, 0.4), (90, 0.16)]);
/// assert_eq!([79, 80, 95].map(|step| steps.factor(step, 100)), [1.0, 0.4, 0.16]);
/// ```
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Schedule {
    /// What follows the warm-up; it counts its own steps from 0.
    pub curve: Curve,
    /// Steps of the warm-up, in which the factor grows linearly to 1; 0 for none.
    pub warm_up: u64,
    /// The factor of the warm-up's first step, in `(0, 1]`.
    pub warm_up_from: f64,
}

/// The shape of a [`Schedule`] after its warm-up.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum Curve {
    /// 1 throughout.
    #[default]
    Constant,
    /// 1, and from each of these steps on the factor beside it. In the order of the steps.
    Steps(Vec<(u64, f64)>),
    /// Half a cosine from 1 to `floor` (Loshchilov and Hutter 2017), which would be reached at the step after the last.
    Cosine {
        /// Where it ends, in `[0, 1]`.
        floor: f64,
    },
}

impl Schedule {
    /// The configured learning rates throughout.
    #[must_use]
    pub fn constant() -> Self {
        Self::default()
    }

    /// From each of these steps on the learning rates times the factor beside it; before them, times 1.
    #[must_use]
    pub fn steps(steps: impl Into<Vec<(u64, f64)>>) -> Self {
        Schedule { curve: Curve::Steps(steps.into()), ..Self::default() }
    }

    /// Half a cosine from 1 down to `floor`.
    #[must_use]
    pub fn cosine(floor: f64) -> Self {
        Schedule { curve: Curve::Cosine { floor }, ..Self::default() }
    }

    /// With a linear warm-up in front: the factor `from` at the first step, 1 after `steps` steps.
    #[must_use]
    pub fn warm_up(self, steps: u64, from: f64) -> Self {
        Schedule { warm_up: steps, warm_up_from: from, ..self }
    }

    /// The factor of step `step`, counted from 0, in a training of `of` steps.
    #[must_use]
    pub fn factor(&self, step: u64, of: u64) -> f64 {
        if step < self.warm_up {
            return self.warm_up_from + (1.0 - self.warm_up_from) * step as f64 / self.warm_up as f64;
        }
        let (step, of) = (step - self.warm_up, of.saturating_sub(self.warm_up));
        match &self.curve {
            Curve::Constant => 1.0,
            Curve::Steps(steps) => {
                steps.iter().rev().find(|&&(from, _)| from <= step).map_or(1.0, |&(_, factor)| factor)
            }
            Curve::Cosine { floor } => {
                let share = (step as f64 / of.max(1) as f64).min(1.0);
                floor + (1.0 - floor) * 0.5 * (1.0 + (PI * share).cos())
            }
        }
    }

    pub(crate) fn validate(&self) -> Result<(), Error> {
        if self.warm_up > 0 {
            let from = self.warm_up_from;
            check("schedule.warm_up_from", from, from > 0.0 && from <= 1.0, "above 0 to 1")?;
        }
        match &self.curve {
            Curve::Constant => Ok(()),
            Curve::Cosine { floor } => check("schedule.floor", *floor, (0.0..=1.0).contains(floor), "0 to 1"),
            Curve::Steps(steps) => {
                if !steps.is_sorted_by_key(|&(from, _)| from) {
                    let (field, got) = ("schedule.steps", format!("{steps:?}"));
                    return Err(Error::Config { field, got, expected: "steps in ascending order" });
                }
                let expected = "a finite factor from 0";
                steps.iter().try_for_each(|&(_, f)| check("schedule.steps", f, f >= 0.0, expected))
            }
        }
    }
}
