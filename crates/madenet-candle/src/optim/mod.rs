//! How weights move: optimisers, clipping, schedules, averages.

mod adam;
mod chunks;
mod clip;
mod ema;
mod optimiser;
mod rule;
mod schedule;
mod sgd;

pub use adam::AdamConfig;
pub use clip::{GradientNorm, clip_factor, gradient_norm};
pub use ema::{Ema, EmaConfig};
pub use optimiser::Optimiser;
pub(crate) use rule::check;
pub use rule::{Decay, OptimiserConfig};
pub use schedule::{Curve, Schedule};
pub use sgd::SgdConfig;
