//! Transposed convolution.

use candle_core::{Tensor, bail};
use madenet_nets::{ConvTranspose2d, Padding};

use super::Result;
use super::channels::add_bias;
use super::window::{fitting, pad};

/// Transposed convolution of `x`, `[n, c, h, w]`, with `weight`, `[c, out / groups, kh, kw]`, plus `bias`, `[out]`:
/// PyTorch's `conv_transpose2d`, with a padding per side.
///
/// candle gives the full output of every group; padding is then cut off, and output padding are the zeros behind it.
///
/// # Errors
/// If the output is empty, or the weight has another shape than the geometry.
pub fn conv_transpose2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    geometry: &ConvTranspose2d,
) -> Result<Tensor> {
    let (_, c, h, w) = x.dims4()?;
    let (in_c, _, kh, kw) = weight.dims4()?;
    let (out_h, out_w) = fitting(geometry.output((h, w)), geometry, x)?;
    let ConvTranspose2d { stride, padding, output_padding, dilation, groups, .. } = *geometry;
    if (kh, kw) != geometry.kernel || in_c != c || groups == 0 || !c.is_multiple_of(groups) {
        bail!("conv_transpose2d: a weight of shape {:?} for {:?} and {geometry:?}", weight.shape(), x.shape())
    }
    let full = |x: &Tensor, weight: &Tensor| x.conv_transpose2d(weight, 0, 0, stride, dilation);
    let y = if groups == 1 {
        full(&x.contiguous()?, weight)?
    } else {
        let parts = x.chunk(groups, 1)?.into_iter().zip(weight.chunk(groups, 0)?);
        let parts = parts.map(|(x, weight)| full(&x.contiguous()?, &weight.contiguous()?));
        Tensor::cat(&parts.collect::<Result<Vec<_>>>()?, 1)?
    };
    let behind = Padding { bottom: output_padding.0, right: output_padding.1, ..Padding::default() };
    let y = pad(&y, behind, 0.0)?.narrow(2, padding.top, out_h)?.narrow(3, padding.left, out_w)?;
    add_bias(y.contiguous()?, bias)
}
