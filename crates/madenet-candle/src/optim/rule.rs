//! The rules by which an optimiser moves weights, and what they have in common.

use madenet_core::Error;

use super::{AdamConfig, SgdConfig};
use crate::Scoped;

/// Which parameters weight decay pulls.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Decay {
    /// All, as in PyTorch's optimisers.
    #[default]
    All,
    /// The weights of convolutions and linear layers, not biases nor the factors and offsets of normalisations: the usual
    /// recipe for image networks (timm's `filter_bias_and_bn`).
    Kernels,
}

/// The rule by which weights move.
///
/// ```
/// use madenet_candle::{AdamConfig, OptimiserConfig, Scoped, SgdConfig};
/// let groups: Scoped<OptimiserConfig> =
///     Scoped::new(AdamConfig::adamw().lr(1e-4)).with("head", AdamConfig::adamw().lr(1e-3)).into();
/// assert_eq!(groups.get("head.weight").lr(), 1e-3);
/// let mixed = groups.with("stem", SgdConfig::default().lr(0.1).into());
/// assert_eq!(mixed.get("stem.weight").lr(), 0.1);
/// ```
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum OptimiserConfig {
    /// Adam or AdamW.
    Adam(AdamConfig),
    /// Stochastic gradient descent.
    Sgd(SgdConfig),
}

impl OptimiserConfig {
    /// Learning rate.
    #[must_use]
    pub const fn lr(&self) -> f64 {
        match self {
            OptimiserConfig::Adam(config) => config.lr,
            OptimiserConfig::Sgd(config) => config.lr,
        }
    }

    pub(super) fn validate(&self) -> Result<(), Error> {
        match self {
            OptimiserConfig::Adam(config) => config.validate(),
            OptimiserConfig::Sgd(config) => config.validate(),
        }
    }

    /// The rule for one parameter, a kernel or not.
    pub(super) fn resolve(self, is_kernel: bool) -> Self {
        let decays = |decay| is_kernel || decay == Decay::All;
        match self {
            OptimiserConfig::Adam(config) if !decays(config.decay) => config.weight_decay(0.0).into(),
            OptimiserConfig::Sgd(config) if !decays(config.decay) => config.weight_decay(0.0).into(),
            config => config,
        }
    }
}

impl From<AdamConfig> for OptimiserConfig {
    fn from(config: AdamConfig) -> Self {
        OptimiserConfig::Adam(config)
    }
}

impl From<SgdConfig> for OptimiserConfig {
    fn from(config: SgdConfig) -> Self {
        OptimiserConfig::Sgd(config)
    }
}

impl From<AdamConfig> for Scoped<OptimiserConfig> {
    fn from(config: AdamConfig) -> Self {
        Scoped::new(config.into())
    }
}

impl From<SgdConfig> for Scoped<OptimiserConfig> {
    fn from(config: SgdConfig) -> Self {
        Scoped::new(config.into())
    }
}

impl From<Scoped<AdamConfig>> for Scoped<OptimiserConfig> {
    fn from(groups: Scoped<AdamConfig>) -> Self {
        groups.map(OptimiserConfig::Adam)
    }
}

impl From<Scoped<SgdConfig>> for Scoped<OptimiserConfig> {
    fn from(groups: Scoped<SgdConfig>) -> Self {
        groups.map(OptimiserConfig::Sgd)
    }
}

/// Refuses a setting that is not finite or not as it should be.
pub(crate) fn check(
    field: &'static str,
    value: f64,
    is_fine: bool,
    expected: &'static str,
) -> Result<(), Error> {
    let got = value.to_string();
    if value.is_finite() && is_fine { Ok(()) } else { Err(Error::Config { field, got, expected }) }
}

pub(crate) fn is_share(value: f64) -> bool {
    (0.0..1.0).contains(&value)
}
