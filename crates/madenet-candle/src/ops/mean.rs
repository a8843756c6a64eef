//! Means: of windows, of whole channels, and of neighbouring channels.

use candle_core::{Tensor, bail};
use madenet_nets::Pool2d;

use super::Result;
use super::separable::{Matrix, left, separable};
use super::window::fitting;

/// Mean value of every window. With `count_include_pad` padding counts as zeros in the mean, else it is left out of it.
///
/// # Errors
/// If no window fits, or the padding is not smaller than the window.
pub fn avg_pool2d(x: &Tensor, geometry: &Pool2d, count_include_pad: bool) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    let (out_h, out_w) = fitting(geometry.output((h, w)), geometry, x)?;
    let Pool2d { kernel: (kh, kw), stride, padding } = *geometry;
    let axis = |outputs: usize, inputs: usize, k: usize, before: usize| {
        Matrix::new(outputs, inputs, move |o| {
            let (first, end) = (o * stride, o * stride + k);
            let inside = first.max(before)..end.min(before + inputs);
            let count = if count_include_pad { k } else { inside.len() };
            inside.map(move |at| (at - before, 1.0 / count as f32))
        })
    };
    separable(x, axis(out_h, h, kh, padding.top), axis(out_w, w, kw, padding.left))
}

/// Mean of every channel: `[n, c, 1, 1]`.
///
/// # Errors
/// If `x` does not have four axes.
pub fn global_avg_pool(x: &Tensor) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    x.reshape((n, c, h * w))?.mean(2)?.reshape((n, c, 1, 1))
}

/// Adaptive average pooling along the channels to `channels` of them: channel `i` is the mean of the channels
/// `floor(i c / channels) .. ceil((i + 1) c / channels)`.
///
/// # Errors
/// If `channels` is 0, or `x` has none.
pub fn pool_channels(x: &Tensor, channels: usize) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    if c * channels == 0 {
        bail!("pool_channels: {c} to {channels} channels, expected numbers above 0")
    }
    let y = if c.is_multiple_of(channels) {
        // No overlap: a mean costs less than a product with a matrix that is nearly all zeros.
        x.reshape((n, channels, c / channels, h * w))?.mean(2)?
    } else {
        let matrix = Matrix::new(channels, c, |i| {
            let group = i * c / channels..((i + 1) * c).div_ceil(channels);
            let weight = 1.0 / group.len() as f32;
            group.map(move |at| (at, weight))
        });
        left(matrix, &x.reshape((n, c, h * w))?)?
    };
    y.reshape((n, channels, h, w))
}
