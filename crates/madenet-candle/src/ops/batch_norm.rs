//! Batch normalisation.
//!
//! Both forms end in `x * factor + offset` with two numbers per channel, PyTorch's form as well, because every node of
//! the size of `x` costs several passes over memory in candle's backward pass. The variance's value comes from centred
//! values; its gradient from `E[x^2] - E[x]^2`, whose nodes depend on `x` alone, so that no centred copy of `x` is part
//! of the graph. On a CPU in `f32` the training form is one operation of our own instead.

use candle_core::{Tensor, bail};

use super::channels::{channel_mean, spread};
use super::{Result, fused};

/// Mean and variance of the channels of one batch, without a graph.
#[derive(Clone, Debug)]
pub struct BatchStatistics {
    /// `[c]`.
    pub mean: Tensor,
    /// `[c]`, with divisor `n h w - 1`, as running variances are made of.
    pub var: Tensor,
}

/// Batch normalisation by the batch's own statistics, the variance with divisor `n h w`; `scale` and `shift` are `[c]`.
///
/// # Errors
/// If there is one value per channel, or `x` does not have four axes.
pub fn batch_norm_train(
    x: &Tensor,
    scale: &Tensor,
    shift: &Tensor,
    eps: f32,
) -> Result<(Tensor, BatchStatistics)> {
    let (n, c, h, w) = x.dims4()?;
    let count = n * h * w;
    if count < 2 {
        bail!("batch_norm_train: {:?} has {count} values per channel, expected at least 2", x.shape())
    }
    if fused::serves(x) {
        let (y, moments) = fused::batch_norm(x, scale, shift, eps)?;
        let unbiased = count as f64 / (count - 1) as f64;
        let row = |values: &[f64], factor: f64| {
            let values = values.iter().map(|v| (v * factor) as f32).collect::<Vec<_>>();
            Tensor::from_vec(values, c, x.device())
        };
        let statistics =
            BatchStatistics { mean: row(&moments.mean, 1.0)?, var: row(&moments.var, unbiased)? };
        return Ok((y, statistics));
    }
    let mean = channel_mean(x)?;
    let centred = x.detach().broadcast_sub(&mean.detach().reshape((1, c, 1, 1))?)?;
    let value = channel_mean(&centred.sqr()?)?;
    let moments = (channel_mean(&x.sqr()?)? - mean.sqr()?)?;
    // The bracket is 0 and carries the gradient.
    let var = (&value + (&moments - moments.detach())?)?;
    let y = normalise(x, &mean, &var, scale, shift, eps)?;
    let unbiased = value.affine(count as f64 / (count - 1) as f64, 0.0)?;
    Ok((y, BatchStatistics { mean: mean.detach().reshape(c)?, var: unbiased.reshape(c)? }))
}

/// Batch normalisation by given statistics; all but `x` are `[c]`.
///
/// # Errors
/// If the shapes do not fit.
pub fn batch_norm_eval(
    x: &Tensor,
    statistics: &BatchStatistics,
    scale: &Tensor,
    shift: &Tensor,
    eps: f32,
) -> Result<Tensor> {
    normalise(x, &statistics.mean, &statistics.var, scale, shift, eps)
}

/// `(x - mean) / sqrt(var + eps) * scale + shift`.
fn normalise(
    x: &Tensor,
    mean: &Tensor,
    var: &Tensor,
    scale: &Tensor,
    shift: &Tensor,
    eps: f32,
) -> Result<Tensor> {
    let (n, c, ..) = x.dims4()?;
    let row = |t: &Tensor| t.reshape((1, c));
    let factor = row(scale)?.div(&row(var)?.affine(1.0, f64::from(eps))?.sqrt()?)?;
    let offset = (row(shift)? - row(mean)?.mul(&factor)?)?;
    x.broadcast_mul(&spread(&factor, n)?)?.broadcast_add(&spread(&offset, n)?)
}
