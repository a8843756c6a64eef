//! Padding, and the pixels that one tap of a sliding window meets.

use candle_core::{Tensor, bail};
use madenet_nets::Padding;

use super::Result;

/// `x` with `value` around it.
pub(super) fn pad(x: &Tensor, padding: Padding, value: f32) -> Result<Tensor> {
    let Padding { top, left, bottom, right } = padding;
    pad_axis(&pad_axis(x, 2, top, bottom, value)?, 3, left, right, value)
}

fn pad_axis(x: &Tensor, axis: usize, before: usize, after: usize, value: f32) -> Result<Tensor> {
    if before + after == 0 {
        return Ok(x.clone());
    }
    let border = |len: usize| {
        let mut dims = x.dims().to_vec();
        dims[axis] = len;
        Tensor::full(value, dims, x.device())?.to_dtype(x.dtype())
    };
    let mut parts = vec![x.clone()];
    if before > 0 {
        parts.insert(0, border(before)?);
    }
    if after > 0 {
        parts.push(border(after)?);
    }
    Tensor::cat(&parts, axis)
}

/// The `count` rows (axis 2) or columns (axis 3) `start`, `start + step`, ...
pub(super) fn every(x: &Tensor, axis: usize, start: usize, step: usize, count: usize) -> Result<Tensor> {
    if step == 1 || count == 1 {
        return x.narrow(axis, start, count);
    }
    let places: Vec<u32> = (0..count).map(|i| (start + i * step) as u32).collect();
    x.contiguous()?.index_select(&Tensor::new(places, x.device())?, axis)
}

/// The output size of a geometry, or an error where it has none for this input.
pub(super) fn fitting<G: std::fmt::Debug>(
    output: Option<(usize, usize)>,
    geometry: &G,
    x: &Tensor,
) -> Result<(usize, usize)> {
    match output {
        Some(size) => Ok(size),
        None => bail!("{:?} does not fit {geometry:?}", x.shape()),
    }
}
