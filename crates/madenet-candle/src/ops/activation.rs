//! Functions of every value, with PyTorch's gradients at 0 and finite ones far from it.

use candle_core::Tensor;
use madenet_nets::Activation;

use super::{Result, fused};

/// The function `activation` of every value.
///
/// # Errors
/// If the device fails.
pub fn activation(x: &Tensor, activation: Activation) -> Result<Tensor> {
    match activation {
        Activation::Identity => Ok(x.clone()),
        Activation::Relu => relu(x),
        Activation::LeakyRelu(slope) => leaky_relu(x, slope),
        Activation::Silu => silu(x),
        Activation::Sigmoid => sigmoid(x),
    }
}

/// `max(x, 0)`; the gradient at 0 is 0. NaN stays NaN.
///
/// # Errors
/// If the device fails.
pub fn relu(x: &Tensor) -> Result<Tensor> {
    if fused::serves(x) {
        return fused::leaky_relu(x, 0.0);
    }
    x.le(0.0)?.where_cond(&x.zeros_like()?, x)
}

/// `x` where positive, else `slope * x`; the gradient at 0 is `slope`. NaN stays NaN.
///
/// # Errors
/// If the device fails.
pub fn leaky_relu(x: &Tensor, slope: f32) -> Result<Tensor> {
    if fused::serves(x) {
        return fused::leaky_relu(x, slope);
    }
    x.le(0.0)?.where_cond(&x.affine(f64::from(slope), 0.0)?, x)
}

/// `1 / (1 + exp(-x))`, written as `(tanh(x / 2) + 1) / 2`: the plain form's gradient is `0 * inf` where `exp(-x)`
/// overflows.
///
/// # Errors
/// If the device fails.
pub fn sigmoid(x: &Tensor) -> Result<Tensor> {
    x.affine(0.5, 0.0)?.tanh()?.affine(0.5, 0.5)
}

/// `x * sigmoid(x)`.
///
/// # Errors
/// If the device fails.
pub fn silu(x: &Tensor) -> Result<Tensor> {
    x * sigmoid(x)?
}
