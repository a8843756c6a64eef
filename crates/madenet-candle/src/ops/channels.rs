//! Means and factors of channels, for batches of many rows as well as of large images.
//!
//! On a CPU candle adds over a leading axis one value at a time with a division each: 14.6 ms for 4096 x 1024 values
//! where a product with a row of ones takes 1.1 ms. The gradient of a broadcast over the batch is such a sum. So the
//! step across the batch is a product with ones, in both directions, and only the step across a sample's pixels, which
//! lie together in memory, is a sum or a broadcast.

use candle_core::Tensor;

use super::Result;

/// One value per channel, `[c]` or `[1, c]`, for every sample: `[n, c, 1, 1]`.
pub(super) fn spread(row: &Tensor, n: usize) -> Result<Tensor> {
    let c = row.elem_count();
    let ones = Tensor::ones((n, 1), row.dtype(), row.device())?;
    ones.matmul(&row.reshape((1, c))?)?.reshape((n, c, 1, 1))
}

/// Mean of every channel over samples and pixels: `[1, c]`.
pub(super) fn channel_mean(x: &Tensor) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    let per_sample = if h * w == 1 { x.reshape((n, c))? } else { x.reshape((n, c, h * w))?.sum(2)? };
    let share = Tensor::ones((1, n), x.dtype(), x.device())?.affine(1.0 / (n * h * w) as f64, 0.0)?;
    share.matmul(&per_sample)
}

/// `y` plus one value per channel, if there is one.
pub(super) fn add_bias(y: Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    match bias {
        Some(bias) => y.broadcast_add(&spread(bias, y.dim(0)?)?),
        None => Ok(y),
    }
}
