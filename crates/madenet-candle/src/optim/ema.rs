//! Averages of weights over the steps of a training.

use std::collections::BTreeMap;

use madenet_core::Error;
use madenet_nets::{Net, Params};

use super::chunks::each2;
use super::optimiser::take;
use super::rule::{check, is_share};
use crate::{Engine, Result};

/// Settings of an exponential moving average of weights.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct EmaConfig {
    /// Share of the average that stays in a step, in `[0, 1)`. timm's default is 0.9999, for 100,000 steps and more.
    pub decay: f64,
    /// Whether early steps keep less: the share is `min(decay, (1 + t) / (10 + t))` in the update with number `t`, counted
    /// from 0 (TensorFlow's `ExponentialMovingAverage`), so that the average soon forgets the start.
    pub warm_up: bool,
}

impl EmaConfig {
    /// With this decay and warm-up.
    #[must_use]
    pub const fn new(decay: f64) -> Self {
        EmaConfig { decay, warm_up: true }
    }

    /// The share that stays in the update with this number, counted from 0.
    ///
    /// ```
    /// use madenet_candle::EmaConfig;
    /// let ema = EmaConfig::new(0.99);
    /// assert_eq!((ema.share(0), ema.share(8), ema.share(10_000)), (0.1, 0.5, 0.99));
    /// ```
    #[must_use]
    pub fn share(&self, update: u64) -> f64 {
        let t = update as f64;
        if self.warm_up { self.decay.min((1.0 + t) / (10.0 + t)) } else { self.decay }
    }

    pub(crate) fn validate(&self) -> Result<(), Error> {
        check("ema.decay", self.decay, is_share(self.decay), "0 to below 1")
    }
}

/// An exponential moving average of weights and running statistics, which often is a better model than the last weights.
#[derive(Clone, PartialEq, Debug)]
pub struct Ema {
    config: EmaConfig,
    updates: u64,
    /// Trained parameters and running statistics.
    values: BTreeMap<String, Vec<f32>>,
}

impl Ema {
    /// An average that starts with the weights as they are.
    ///
    /// # Errors
    /// [`Error::Core`](crate::Error::Core) if the decay is out of range, and the engine's.
    pub fn new(config: EmaConfig, engine: &dyn Engine) -> Result<Self> {
        config.validate()?;
        let mut values = BTreeMap::new();
        engine.for_each(&mut |name, weight, _| {
            values.insert(name.to_string(), weight.to_vec());
            Ok(())
        })?;
        engine.for_each_statistic(&mut |name, statistic| {
            values.insert(name.to_string(), statistic.to_vec());
            Ok(())
        })?;
        Ok(Ema { config, updates: 0, values })
    }

    /// Takes the weights after a step into the average.
    ///
    /// # Errors
    /// The engine's.
    pub fn update(&mut self, engine: &dyn Engine) -> Result<()> {
        let new = (1.0 - self.config.share(self.updates)) as f32;
        let values = &mut self.values;
        let mut average = |name: &str, now: &[f32]| {
            if let Some(values) = values.get_mut(name) {
                each2(values, now, |values, now| {
                    values.iter_mut().zip(now).for_each(|(value, &now)| *value += new * (now - *value));
                });
            }
            Ok(())
        };
        engine.for_each(&mut |name, weight, _| average(name, weight))?;
        engine.for_each_statistic(&mut average)?;
        self.updates = self.updates.saturating_add(1);
        Ok(())
    }

    /// Number of updates.
    #[must_use]
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// The averages, with the weights of `engine` where it trains nothing: what a deployed model is made of.
    ///
    /// # Errors
    /// The engine's.
    pub fn export(&self, engine: &dyn Engine) -> Result<Params> {
        let mut params = engine.export()?;
        params.extend(self.state(engine.net())?);
        Ok(params)
    }

    /// The averages alone.
    pub(crate) fn state(&self, net: &Net) -> Result<Params> {
        let mut state = Params::new();
        for (name, spec) in net.params() {
            if let Some(values) = self.values.get(name) {
                state.insert(name.as_str(), spec.shape.clone(), values.clone())?;
            }
        }
        Ok(state)
    }

    /// Goes on from a [`state`](Self::state). Nothing changes if there is an error.
    pub(crate) fn import(&mut self, net: &Net, mut state: Params, updates: u64) -> Result<()> {
        let mut values = BTreeMap::new();
        for (name, spec) in net.params() {
            if self.values.contains_key(name) {
                values.insert(name.clone(), take(&mut state, name.clone(), &spec.shape)?);
            }
        }
        if let Some((name, _)) = state.iter().next() {
            return Err(madenet_nets::Error::UnusedParam { name: name.to_string() }.into());
        }
        (self.values, self.updates) = (values, updates);
        Ok(())
    }
}
