//! How networks start that are trained from scratch to reconstruct and to segment.

use crate::Result;
use crate::builder::{Builder, Val};
use crate::net::Init;

/// Weights of convolutions: DRAEM's code (Zavrtanik et al. 2021), after DCGAN's (Radford et al. 2016).
pub(crate) const WEIGHT: Init = Init::Normal { mean: 0.0, std: 0.02 };
/// Scales of normalisations, from the same place.
const SCALE: Init = Init::Normal { mean: 1.0, std: 0.02 };

/// Normalisation that starts so, and ReLU.
pub(crate) fn norm_relu(b: &mut Builder, name: &str, x: Val) -> Result<Val> {
    let x = b.batch_norm_from(name, x, SCALE)?;
    b.relu(x)
}
