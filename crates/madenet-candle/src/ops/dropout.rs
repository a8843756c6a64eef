//! Random zeros in training.

use candle_core::Tensor;
use madenet_rng::Stream;

use super::Result;

/// Zeroes every value with probability `p` in `[0, 1)` and scales the others by `1 / (1 - p)`.
///
/// Draws one uniform number per value, in row-major order, and keeps the value where it is at least `p`. The numbers
/// are drawn on the CPU, so that all devices get the same ones.
///
/// # Errors
/// If the device fails.
pub fn dropout(x: &Tensor, p: f32, stream: &mut Stream) -> Result<Tensor> {
    let dims = x.dims().to_vec();
    mask(x, p, stream, dims)
}

/// Zeroes whole samples with probability `p` in `[0, 1)` and scales the others by `1 / (1 - p)` (stochastic depth).
///
/// Draws one uniform number per sample and keeps the sample where it is at least `p`.
///
/// # Errors
/// If the device fails.
pub fn drop_path(x: &Tensor, p: f32, stream: &mut Stream) -> Result<Tensor> {
    let mut dims = vec![1; x.rank()];
    dims[0] = x.dim(0)?;
    mask(x, p, stream, dims)
}

fn mask(x: &Tensor, p: f32, stream: &mut Stream, dims: Vec<usize>) -> Result<Tensor> {
    if p == 0.0 {
        return Ok(x.clone());
    }
    let kept = 1.0 / (1.0 - p);
    let factors: Vec<f32> =
        (0..dims.iter().product()).map(|_| if stream.uniform() >= p { kept } else { 0.0 }).collect();
    x.broadcast_mul(&Tensor::from_vec(factors, dims, x.device())?.to_dtype(x.dtype())?)
}
