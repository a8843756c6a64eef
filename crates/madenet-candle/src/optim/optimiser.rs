//! The optimiser: a rule and a state for every parameter.

use madenet_nets::{Params, Role};

use super::rule::OptimiserConfig;
use crate::error::{Error, Result};
use crate::scope::contains;
use crate::{Engine, Scoped};

/// Moves the parameters of an [`Engine`] by their gradients, and has a state that can be stored.
///
/// All parameters move in every step. One that the loss does not reach has a gradient of zeros here, while PyTorch skips
/// parameters whose `grad` is `None`: here weight decay and what is left of earlier gradients in the means or the velocity
/// still move it. Freeze what is to stay.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use madenet_candle::{AdamConfig, CandleNet, Engine, Optimiser, Policy, StepKey};
/// use madenet_nets::{Builder, Params, Shape, conv};
///
/// let mut b = Builder::new();
/// let x = b.input("x", Shape::new(1, 1, 1));
/// let y = b.conv2d("fc", x, conv(1, 1, 1, 0))?;
/// b.output("y", y)?;
/// let net = b.finish();
/// let mut params = Params::new();
/// params.insert("fc.weight", vec![1, 1, 1, 1], vec![1.0])?;
/// let mut engine = CandleNet::new(&net, &params, &Policy::default(), &Device::Cpu)?;
/// let mut optimiser = Optimiser::new(&engine, AdamConfig::default().lr(0.1))?;
///
/// let x = Tensor::ones((1, 1, 1, 1), candle_core::DType::F32, &Device::Cpu)?;
/// let y = engine.forward(&[x], StepKey { seed: 0, step: 0 })?;
/// engine.backward(&y[0].sqr()?.sum_all()?)?;
/// optimiser.step(&mut engine, 1.0, 1.0)?;
/// // The first step of Adam is the learning rate against the gradient's sign.
/// assert!((engine.export()?.get("fc.weight").unwrap().values()[0] - 0.9).abs() < 1e-6);
/// # Ok::<(), madenet_candle::Error>(())
/// ```
#[derive(Debug)]
pub struct Optimiser {
    groups: Scoped<OptimiserConfig>,
    /// In the order of the names.
    slots: Vec<Slot>,
    /// Steps taken.
    step: u64,
}

/// One parameter with its rule.
#[derive(Debug)]
struct Slot {
    name: String,
    shape: Vec<usize>,
    config: OptimiserConfig,
    buffers: Buffers,
}

/// What a rule remembers of one parameter.
#[derive(Debug)]
enum Buffers {
    Adam {
        mean: Vec<f32>,
        square: Vec<f32>,
    },
    /// Empty without momentum.
    Sgd {
        velocity: Vec<f32>,
    },
}

/// A state that was read and fits.
#[derive(Debug)]
pub(crate) struct State {
    buffers: Vec<Buffers>,
    step: u64,
}

impl Buffers {
    fn new(config: &OptimiserConfig, len: usize) -> Self {
        match config {
            OptimiserConfig::Adam(_) => Buffers::Adam { mean: vec![0.0; len], square: vec![0.0; len] },
            OptimiserConfig::Sgd(config) => {
                Buffers::Sgd { velocity: vec![0.0; if config.momentum == 0.0 { 0 } else { len }] }
            }
        }
    }

    /// The buffers with values, by name.
    fn named(&self) -> Vec<(&'static str, &[f32])> {
        match self {
            Buffers::Adam { mean, square } => vec![("mean", mean), ("square", square)],
            Buffers::Sgd { velocity } if velocity.is_empty() => Vec::new(),
            Buffers::Sgd { velocity } => vec![("velocity", velocity)],
        }
    }
}

impl Optimiser {
    /// An optimiser of the trained parameters of `engine`; `groups` is one configuration or, for parameter groups, one per
    /// scope: see [`OptimiserConfig`].
    ///
    /// # Errors
    /// [`Error::Core`] if a setting is out of range, [`Error::UnknownScope`] if a scope matches no parameter.
    pub fn new(engine: &dyn Engine, groups: impl Into<Scoped<OptimiserConfig>>) -> Result<Self> {
        let groups = groups.into();
        groups.settings().try_for_each(OptimiserConfig::validate)?;
        let params = engine.net().params();
        let is_used = |scope: &&str| params.iter().any(|(name, _)| contains(scope, name));
        if let Some(scope) = groups.scopes().find(|scope| !is_used(scope)) {
            return Err(Error::UnknownScope { scope: scope.to_string() });
        }
        let mut slots = Vec::new();
        engine.for_each(&mut |name, weight, _| {
            let spec = params.iter().find(|(other, _)| other == name).map(|(_, spec)| spec);
            let is_kernel = spec.is_none_or(|spec| spec.role == Role::Weight);
            let config = groups.get(name).resolve(is_kernel);
            let shape = spec.map_or_else(|| vec![weight.len()], |spec| spec.shape.clone());
            let buffers = Buffers::new(&config, weight.len());
            slots.push(Slot { name: name.to_string(), shape, config, buffers });
            Ok(())
        })?;
        Ok(Optimiser { groups, slots, step: 0 })
    }

    /// The configuration by scope.
    #[must_use]
    pub fn groups(&self) -> &Scoped<OptimiserConfig> {
        &self.groups
    }

    /// Steps taken.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// Moves the parameters by their gradients, with all learning rates times `lr_factor` (a
    /// [`Schedule`](crate::Schedule)'s) and all gradients times `gradient_factor` ([`clip_factor`](crate::clip_factor)'s).
    ///
    /// # Errors
    /// [`Error::OtherParameters`] if `engine` trains others than the one that the optimiser was made for.
    pub fn step(&mut self, engine: &mut dyn Engine, lr_factor: f64, gradient_factor: f64) -> Result<()> {
        let now = (self.step.saturating_add(1), lr_factor, gradient_factor);
        let mut slots = self.slots.iter_mut();
        engine.update(&mut |name, weight, gradient| {
            let slot = slots.next().filter(|slot| slot.name == name && slot.len() == weight.len());
            let slot = slot.ok_or_else(|| Error::OtherParameters { name: name.to_string() })?;
            match (&slot.config, &mut slot.buffers) {
                (OptimiserConfig::Adam(config), Buffers::Adam { mean, square }) => {
                    config.apply(weight, gradient, (mean, square), now);
                }
                (OptimiserConfig::Sgd(config), Buffers::Sgd { velocity }) => {
                    config.apply(weight, gradient, velocity, now);
                }
                // Each slot was made with the buffers of its rule.
                (OptimiserConfig::Adam(_), Buffers::Sgd { .. })
                | (OptimiserConfig::Sgd(_), Buffers::Adam { .. }) => {}
            }
            Ok(())
        })?;
        self.step = now.0;
        Ok(())
    }

    /// The state as tensors: `mean.NAME` and `square.NAME` for every parameter under Adam, `velocity.NAME` under descent
    /// with momentum, and `step`, the number of steps as digits to the base 65536, the lowest first.
    ///
    /// # Errors
    /// None today.
    pub fn export(&self) -> Result<Params> {
        let mut state = Params::new();
        for slot in &self.slots {
            for (kind, values) in slot.buffers.named() {
                state.insert(format!("{kind}.{}", slot.name), slot.shape.clone(), values.to_vec())?;
            }
        }
        let digits = (0..4).map(|i| (self.step >> (16 * i) & 0xffff) as f32).collect();
        state.insert("step", vec![4], digits)?;
        Ok(state)
    }

    /// Goes on from a state that [`export`](Self::export) gave. Nothing changes if there is an error.
    ///
    /// # Errors
    /// [`Error::Nets`] if a tensor of the state is missing, not needed, of another shape or not finite;
    /// [`Error::OptimiserState`] if it cannot come of training.
    pub fn import(&mut self, state: Params) -> Result<()> {
        let state = self.read(state)?;
        self.adopt(state);
        Ok(())
    }

    /// Checks a state.
    pub(crate) fn read(&self, mut state: Params) -> Result<State> {
        let digits = take(&mut state, "step".to_string(), &[4])?;
        if digits.iter().any(|&d| d.fract() != 0.0 || !(0.0..65536.0).contains(&d)) {
            return Err(Error::OptimiserState { name: "step".to_string(), expected: "digits" });
        }
        let step = digits.iter().rev().fold(0, |step, &digit| step << 16 | digit as u64);
        let mut buffers = Vec::with_capacity(self.slots.len());
        for slot in &self.slots {
            let mut values = |kind: &str| take(&mut state, format!("{kind}.{}", slot.name), &slot.shape);
            buffers.push(match &slot.buffers {
                Buffers::Adam { .. } => {
                    let (mean, square) = (values("mean")?, values("square")?);
                    if square.iter().any(|&v| v < 0.0) {
                        let name = format!("square.{}", slot.name);
                        return Err(Error::OptimiserState { name, expected: "squares" });
                    }
                    Buffers::Adam { mean, square }
                }
                Buffers::Sgd { velocity } if velocity.is_empty() => Buffers::Sgd { velocity: Vec::new() },
                Buffers::Sgd { .. } => Buffers::Sgd { velocity: values("velocity")? },
            });
        }
        match state.iter().next() {
            Some((name, _)) => Err(madenet_nets::Error::UnusedParam { name: name.to_string() }.into()),
            None => Ok(State { buffers, step }),
        }
    }

    /// Goes on from a checked state.
    pub(crate) fn adopt(&mut self, state: State) {
        self.step = state.step;
        self.slots.iter_mut().zip(state.buffers).for_each(|(slot, buffers)| slot.buffers = buffers);
    }
}

impl Slot {
    fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

/// Takes the values called `name` out, checked.
pub(super) fn take(state: &mut Params, name: String, shape: &[usize]) -> Result<Vec<f32>> {
    use madenet_nets::Error;
    let expected = || shape.to_vec();
    let Some(param) = state.remove(&name) else {
        return Err(Error::MissingParam { name, expected: expected() }.into());
    };
    if param.shape() != shape {
        return Err(Error::ParamShape { name, expected: expected(), got: param.shape().to_vec() }.into());
    }
    let values = param.into_values();
    match values.iter().position(|v| !v.is_finite()) {
        Some(index) => Err(Error::NonFinite { name, index, value: values[index] }.into()),
        None => Ok(values),
    }
}
