//! The norm of all gradients, and the factor that bounds it.

use super::chunks::sum;
use crate::{Engine, Result};

/// The length of all gradients as one vector.
#[derive(Clone, PartialEq, Debug)]
pub struct GradientNorm {
    /// The norm; not finite if a gradient is not.
    pub norm: f64,
    /// The first parameter, in the order of the names, with a gradient that is not finite.
    pub non_finite: Option<String>,
}

/// The norm of the gradients of `engine`: the root of the sum of their squares, in double precision, added parameter by
/// parameter in the order of the names.
///
/// # Errors
/// The engine's.
pub fn gradient_norm(engine: &dyn Engine) -> Result<GradientNorm> {
    let (mut total, mut non_finite) = (0.0, None);
    engine.for_each(&mut |name, _, gradient| {
        // Squares of finite single precision numbers cannot overflow, nor can any sum of them that fits in memory.
        let squares = sum(gradient, sum_of_squares);
        if non_finite.is_none() && !squares.is_finite() {
            non_finite = Some(name.to_string());
        }
        total += squares;
        Ok(())
    })?;
    Ok(GradientNorm { norm: total.sqrt(), non_finite })
}

/// The factor for gradients of this norm so that it becomes `most` at most: that of PyTorch's `clip_grad_norm_`.
///
/// ```
/// use madenet_candle::clip_factor;
/// assert_eq!(clip_factor(0.5, 1.0), 1.0);
/// assert!((clip_factor(4.0, 1.0) - 0.25).abs() < 1e-6);
/// ```
#[must_use]
pub fn clip_factor(norm: f64, most: f64) -> f64 {
    /// PyTorch's, which keeps the quotient finite.
    const EPS: f64 = 1e-6;
    (most / (norm + EPS)).min(1.0)
}

/// In an order that vectors can follow.
fn sum_of_squares(values: &[f32]) -> f64 {
    let mut lanes = [0.0_f64; 8];
    let (eights, rest) = values.as_chunks::<8>();
    for eight in eights {
        lanes.iter_mut().zip(eight).for_each(|(sum, &v)| *sum += f64::from(v) * f64::from(v));
    }
    lanes.iter().sum::<f64>() + rest.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>()
}
