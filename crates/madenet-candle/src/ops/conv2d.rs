//! Convolution.

use candle_core::{Tensor, bail};
use madenet_nets::Conv2d;

use super::Result;
use super::channels::{add_bias, spread};
use super::window::{every, fitting, pad};

/// Convolution of `x`, `[n, c, h, w]`, with `weight`, `[out, c / groups, kh, kw]`, plus `bias`, `[out]`: PyTorch's
/// `conv2d`, that is, a correlation.
///
/// candle's backward pass reckons what the last window leaves over from the rows alone and fails where the columns leave
/// another remainder. So padding is made explicit, and rows and columns that no window reaches are cut off first: both
/// remainders are then 0. 1x1 kernels are matrix products, and depthwise convolutions sums of weighted shifts, because
/// candle runs one convolution per group.
///
/// # Errors
/// If no window fits, or the weight has another shape than the geometry.
pub fn conv2d(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, geometry: &Conv2d) -> Result<Tensor> {
    let (_, c, h, w) = x.dims4()?;
    let (out_c, _, kh, kw) = weight.dims4()?;
    let size = fitting(geometry.output((h, w)), geometry, x)?;
    let groups = geometry.groups;
    if (kh, kw) != geometry.kernel || groups == 0 || !out_c.is_multiple_of(groups) {
        bail!("conv2d: a weight of shape {:?} for {geometry:?}", weight.shape())
    }
    let x = pad(x, geometry.padding, 0.0)?;
    let y = if geometry.kernel == (1, 1) && groups == 1 {
        pointwise(&x, weight, geometry.stride, size)?
    } else if groups > 1 && groups == c && groups == out_c {
        depthwise(&x, weight, geometry, size)?
    } else {
        let reach =
            |windows: usize, k: usize| (windows - 1) * geometry.stride + geometry.dilation * (k - 1) + 1;
        let x = x.narrow(2, 0, reach(size.0, kh))?.narrow(3, 0, reach(size.1, kw))?.contiguous()?;
        x.conv2d(weight, 0, geometry.stride, geometry.dilation, groups)?
    };
    add_bias(y, bias)
}

/// A 1x1 kernel takes one pixel per window: `weight x` for every sample, or, for rows of features, one product.
fn pointwise(x: &Tensor, weight: &Tensor, stride: usize, (h, w): (usize, usize)) -> Result<Tensor> {
    let (n, c, ..) = x.dims4()?;
    let (out_c, in_c, ..) = weight.dims4()?;
    let x = every(&every(x, 2, 0, stride, h)?, 3, 0, stride, w)?;
    let weight = weight.reshape((out_c, in_c))?;
    let y = if h * w == 1 {
        x.reshape((n, c))?.matmul(&weight.t()?)?
    } else if n == 1 {
        weight.matmul(&x.reshape((c, h * w))?)?
    } else {
        weight.broadcast_as((n, out_c, in_c))?.matmul(&x.reshape((n, c, h * w))?)?
    };
    y.reshape((n, out_c, h, w))
}

/// `sum over taps of weight[tap] x[shifted by tap]`, channel by channel.
fn depthwise(x: &Tensor, weight: &Tensor, geometry: &Conv2d, (h, w): (usize, usize)) -> Result<Tensor> {
    let (n, c, ..) = x.dims4()?;
    let (kh, kw) = geometry.kernel;
    let Conv2d { stride, dilation, .. } = *geometry;
    let weight = weight.reshape((c, kh * kw))?.t()?.contiguous()?;
    let mut sum: Option<Tensor> = None;
    for ky in 0..kh {
        let rows = every(x, 2, ky * dilation, stride, h)?;
        for kx in 0..kw {
            let pixels = every(&rows, 3, kx * dilation, stride, w)?;
            let term = pixels.broadcast_mul(&spread(&weight.narrow(0, ky * kw + kx, 1)?, n)?)?;
            sum = Some(match sum {
                Some(sum) => (sum + term)?,
                None => term,
            });
        }
    }
    match sum {
        Some(sum) => Ok(sum),
        None => bail!("conv2d: an empty kernel in {geometry:?}"),
    }
}
