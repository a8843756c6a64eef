//! Tensors on the CPU as slices.

use candle_core::{CpuStorage, Layout, Storage, bail};

use crate::ops::Result;

/// The values of a contiguous `f32` tensor on the CPU, which [`Tensor::storage_and_layout`](candle_core::Tensor::storage_and_layout)
/// gives in two parts.
pub(crate) fn slice_of<'a>(storage: &'a Storage, layout: &Layout) -> Result<&'a [f32]> {
    match storage {
        Storage::Cpu(storage) => contiguous(storage, layout),
        _ => bail!("a tensor of shape {:?} is not on the CPU", layout.shape()),
    }
}

pub(crate) fn contiguous<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&values[start..end]),
        _ => bail!("a tensor of shape {:?} is not contiguous f32", layout.shape()),
    }
}
