//! Optimisers with parameter groups and a state that can be stored.

use candle_core::backprop::GradStore;
use candle_core::{Tensor, Var};
use madenet_nets::Params;

use crate::candle_net::values_of;
use crate::{Result, Scoped};

/// Settings of [`Adam`]; the defaults are PyTorch's.
///
/// | setting | default | range | purpose |
/// |---|---|---|---|
/// | `lr` | 0.001 | above 0 | learning rate |
/// | `beta1` | 0.9 | `[0, 1)` | decay of the mean of gradients |
/// | `beta2` | 0.999 | `[0, 1)` | decay of the mean of squared gradients |
/// | `eps` | 1e-8 | above 0 | keeps the quotient finite |
/// | `weight_decay` | 0 (AdamW: 0.01) | from 0 | pull of the weights towards 0 |
/// | `decoupled` | false (AdamW: true) | | where weight decay acts |
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct AdamConfig {
    /// Learning rate: about the largest change of a weight in one step.
    pub lr: f64,
    /// Decay of the running mean of gradients.
    pub beta1: f64,
    /// Decay of the running mean of squared gradients.
    pub beta2: f64,
    /// Added to the root of the mean of squared gradients.
    pub eps: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// False: `weight_decay * weight` is added to the gradient (Adam, Kingma and Ba 2015, with an L2 penalty). True:
    /// weights shrink by the factor `1 - lr * weight_decay` (AdamW, Loshchilov and Hutter 2019).
    pub decoupled: bool,
}

impl Default for AdamConfig {
    fn default() -> Self {
        AdamConfig { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.0, decoupled: false }
    }
}

impl AdamConfig {
    /// PyTorch's defaults of AdamW: as [`default`](Self::default), with a decoupled weight decay of 0.01.
    #[must_use]
    pub fn adamw() -> Self {
        AdamConfig { weight_decay: 0.01, decoupled: true, ..Self::default() }
    }

    /// With this learning rate.
    #[must_use]
    pub const fn lr(self, lr: f64) -> Self {
        AdamConfig { lr, ..self }
    }

    /// With this weight decay.
    #[must_use]
    pub const fn weight_decay(self, weight_decay: f64) -> Self {
        AdamConfig { weight_decay, ..self }
    }
}

/// Adam and AdamW: `torch.optim.Adam` and `AdamW` without `amsgrad`.
///
/// ```
/// use candle_core::{Device, Var};
/// use madenet_candle::{Adam, AdamConfig};
/// let weight = Var::new(&[1f32], &Device::Cpu)?;
/// let mut adam = Adam::new([("weight", &weight)], AdamConfig::default().lr(0.1))?;
/// adam.step(&weight.sqr()?.backward()?)?;
/// // The first step is the learning rate against the gradient's sign.
/// assert!((weight.to_vec1::<f32>()?[0] - 0.9).abs() < 1e-6);
/// # Ok::<(), madenet_candle::Error>(())
/// ```
#[derive(Debug)]
pub struct Adam {
    /// In the order of the names.
    slots: Vec<Slot>,
    lr_factor: f64,
}

/// One parameter with its running means.
#[derive(Debug)]
struct Slot {
    name: String,
    var: Var,
    config: AdamConfig,
    mean: Tensor,
    square: Tensor,
    /// Steps in which the parameter had a gradient.
    step: u32,
}

impl Adam {
    /// An optimiser of `vars`, such as [`CandleNet::vars`](crate::CandleNet::vars); `config` is one [`AdamConfig`] or,
    /// for parameter groups, one per scope:
    ///
    /// ```
    /// use madenet_candle::{AdamConfig, Scoped};
    /// let groups = Scoped::new(AdamConfig::adamw().lr(1e-4)).with("head", AdamConfig::adamw().lr(1e-3));
    /// assert_eq!(groups.get("head.weight").lr, 1e-3);
    /// ```
    ///
    /// # Errors
    /// If the device is out of memory.
    pub fn new<'a>(
        vars: impl IntoIterator<Item = (&'a str, &'a Var)>,
        config: impl Into<Scoped<AdamConfig>>,
    ) -> Result<Self> {
        let config = config.into();
        let slot = |(name, var): (&str, &Var)| -> Result<Slot> {
            Ok(Slot {
                name: name.to_string(),
                var: var.clone(),
                config: *config.get(name),
                mean: var.zeros_like()?.detach(),
                square: var.zeros_like()?.detach(),
                step: 0,
            })
        };
        let mut slots = vars.into_iter().map(slot).collect::<Result<Vec<_>>>()?;
        slots.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Adam { slots, lr_factor: 1.0 })
    }

    /// From now on learning rates are the configured ones times `factor`, for schedules; an earlier factor is forgotten.
    pub fn scale_lr(&mut self, factor: f64) {
        self.lr_factor = factor;
    }

    /// Moves the parameters by their gradients. A parameter without a gradient, and its state, stay as they are.
    ///
    /// # Errors
    /// If a gradient does not fit its parameter, or the device fails.
    pub fn step(&mut self, gradients: &GradStore) -> Result<()> {
        for slot in &mut self.slots {
            if let Some(gradient) = gradients.get(&slot.var) {
                slot.step(&gradient.detach(), self.lr_factor)?;
            }
        }
        Ok(())
    }

    /// The state as tensors: for every parameter `mean.NAME`, `square.NAME` and `step.NAME`, the number of its steps.
    ///
    /// # Errors
    /// If it cannot be copied from the device.
    pub fn state(&self) -> Result<Params> {
        let mut state = Params::new();
        for Slot { name, mean, square, step, .. } in &self.slots {
            state.insert(format!("mean.{name}"), mean.dims().to_vec(), values_of(mean)?)?;
            state.insert(format!("square.{name}"), square.dims().to_vec(), values_of(square)?)?;
            // Exact up to 16.7 million steps.
            state.insert(format!("step.{name}"), vec![1], vec![*step as f32])?;
        }
        Ok(state)
    }

    /// Goes on from a [`state`](Self::state). Nothing changes if there is an error.
    ///
    /// # Errors
    /// [`Error::Nets`](crate::Error::Nets) if the state of a parameter is missing or has another shape.
    pub fn load_state(&mut self, state: &Params) -> Result<()> {
        let mut loaded = Vec::with_capacity(self.slots.len());
        for Slot { name, var, .. } in &self.slots {
            let tensor = |kind: &str| -> Result<Tensor> {
                let values = stored(state, format!("{kind}.{name}"), var.dims())?;
                Ok(Tensor::from_slice(values, var.shape(), var.device())?.to_dtype(var.dtype())?)
            };
            let step = stored(state, format!("step.{name}"), &[1])?.iter().sum::<f32>() as u32;
            loaded.push((tensor("mean")?, tensor("square")?, step));
        }
        for (slot, (mean, square, step)) in self.slots.iter_mut().zip(loaded) {
            (slot.mean, slot.square, slot.step) = (mean, square, step);
        }
        Ok(())
    }
}

impl Slot {
    fn step(&mut self, gradient: &Tensor, lr_factor: f64) -> Result<()> {
        let AdamConfig { beta1, beta2, eps, weight_decay, decoupled, .. } = self.config;
        let lr = self.config.lr * lr_factor;
        let weight = self.var.as_detached_tensor();
        let shrink = if decoupled { 1.0 - lr * weight_decay } else { 1.0 };
        let gradient = if decoupled || weight_decay == 0.0 {
            gradient.clone()
        } else {
            (gradient + weight.affine(weight_decay, 0.0)?)?
        };
        let mean = (self.mean.affine(beta1, 0.0)? + gradient.affine(1.0 - beta1, 0.0)?)?;
        let square = (self.square.affine(beta2, 0.0)? + gradient.sqr()?.affine(1.0 - beta2, 0.0)?)?;
        let step = self.step + 1;
        // Both means start at 0; the divisors are the shares that gradients have in them by now.
        let share = |beta: f64| 1.0 - beta.powf(f64::from(step));
        let root = square.sqrt()?.affine(1.0 / share(beta2).sqrt(), eps)?;
        let change = mean.div(&root)?.affine(lr / share(beta1), 0.0)?;
        self.var.set(&(weight.affine(shrink, 0.0)? - change)?)?;
        (self.mean, self.square, self.step) = (mean, square, step);
        Ok(())
    }
}

/// The values called `name`, checked.
fn stored<'a>(state: &'a Params, name: String, shape: &[usize]) -> Result<&'a [f32]> {
    use madenet_nets::Error;
    match state.get(&name) {
        None => Err(Error::MissingParam { name, expected: shape.to_vec() }.into()),
        Some(param) if param.shape() != shape => {
            Err(Error::ParamShape { name, expected: shape.to_vec(), got: param.shape().to_vec() }.into())
        }
        Some(param) => Ok(param.values()),
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::Error;

    fn weight() -> Result<Var> {
        Ok(Var::new(&[1f32, -2.0, 3.0], &Device::Cpu)?)
    }

    fn moved(factors: &[f64]) -> Result<Vec<f32>> {
        let weight = weight()?;
        let mut adam = Adam::new([("w", &weight)], AdamConfig::default().lr(0.1))?;
        for &factor in factors {
            adam.scale_lr(factor);
            adam.step(&weight.sum_all()?.backward()?)?;
        }
        Ok(weight.to_vec1()?)
    }

    #[test]
    fn factors_of_the_learning_rate_do_not_add_up() -> Result<()> {
        // With a gradient of 1 every step is as long as the learning rate.
        let change = moved(&[0.5, 0.5, 0.0, 2.0])?[0] - 1.0;
        assert!((change + 0.1 * 3.0).abs() < 1e-6, "{change}");
        Ok(())
    }

    #[test]
    fn nothing_has_a_graph() -> Result<()> {
        let weight = weight()?;
        let mut adam = Adam::new([("w", &weight)], AdamConfig::adamw())?;
        for _ in 0..3 {
            adam.step(&weight.sqr()?.sum_all()?.backward()?)?;
        }
        assert!(adam.slots.iter().all(|s| !s.mean.track_op() && !s.square.track_op() && s.step == 3));
        assert!(weight.is_variable());
        Ok(())
    }

    #[test]
    fn unfit_states_are_named_and_change_nothing() -> Result<()> {
        let (a, b) = (weight()?, weight()?);
        let mut adam = Adam::new([("b", &b), ("a", &a)], AdamConfig::default())?;
        adam.step(&a.sum_all()?.backward()?)?;
        let state = adam.state()?;
        let names: Vec<&str> = state.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["mean.a", "mean.b", "square.a", "square.b", "step.a", "step.b"]);
        assert_eq!(state.get("step.a").map(|p| p.values().to_vec()), Some(vec![1.0]));
        assert_eq!(state.get("step.b").map(|p| p.values().to_vec()), Some(vec![0.0]));

        let mut other = Adam::new([("b", &b), ("a", &a)], AdamConfig::default())?;
        let mut unfit = state.clone();
        unfit.remove("square.b");
        let missing = other.load_state(&unfit);
        assert!(
            matches!(missing, Err(Error::Nets(madenet_nets::Error::MissingParam { name, .. })) if name == "square.b")
        );
        unfit.insert("square.b", vec![2], vec![0.0; 2])?;
        let shape = other.load_state(&unfit);
        assert!(
            matches!(shape, Err(Error::Nets(madenet_nets::Error::ParamShape { name, .. })) if name == "square.b")
        );
        assert_eq!(other.state()?, Adam::new([("b", &b), ("a", &a)], AdamConfig::default())?.state()?);
        other.load_state(&state)?;
        assert_eq!(other.state()?, state);
        Ok(())
    }
}
