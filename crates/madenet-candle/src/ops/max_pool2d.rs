//! Maximum pooling.

use candle_core::Tensor;
use madenet_nets::Pool2d;

use super::Result;
use super::window::{every, fitting, pad};

/// Largest value of every window; padding is minus infinity. All of a window's gradient goes to its first maximum in
/// the order of rows, as in PyTorch.
///
/// The columns of every row are compared first, then the rows, an earlier value giving way to a larger one only. The
/// winner is the first maximum of the first row that has one, which is the first in the order of rows; and a window of
/// `k x k` costs `2 k` comparisons instead of `k^2`.
///
/// # Errors
/// If no window fits, or the padding is not smaller than the window.
pub fn max_pool2d(x: &Tensor, geometry: &Pool2d) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    let (out_h, out_w) = fitting(geometry.output((h, w)), geometry, x)?;
    let Pool2d { kernel: (kh, kw), stride, padding } = *geometry;
    let x = pad(x, padding, f32::NEG_INFINITY)?;
    let x = largest(&x, 3, kw, stride, out_w)?;
    largest(&x, 2, kh, stride, out_h)
}

/// Largest of `k` neighbours along `axis`.
fn largest(x: &Tensor, axis: usize, k: usize, stride: usize, count: usize) -> Result<Tensor> {
    let mut best = every(x, axis, 0, stride, count)?;
    for tap in 1..k {
        let candidate = every(x, axis, tap, stride, count)?;
        best = candidate.gt(&best)?.where_cond(&candidate, &best)?;
    }
    Ok(best)
}
