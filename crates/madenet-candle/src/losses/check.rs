//! What is asked of the tensors given to a loss, and access to their values.

use std::ops::{Deref, Range};

use candle_core::{CpuStorage, DType, Device, Storage, StorageRef, Tensor};

use crate::{Error, Result};

/// Checks the arguments of the loss of this name.
#[derive(Clone, Copy)]
pub(super) struct Check(pub(super) &'static str);

impl Check {
    pub(super) fn error(
        self,
        what: &'static str,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) -> Error {
        Error::Loss { loss: self.0, what, expected: expected.into(), got: got.into() }
    }

    /// `x` as a contiguous tensor on the CPU, if it is `f32` and not empty.
    pub(super) fn host(self, what: &'static str, x: &Tensor) -> Result<Tensor> {
        if x.dtype() != DType::F32 || x.elem_count() == 0 {
            let got = format!("{} {:?}", x.dtype().as_str(), x.dims());
            return Err(self.error(what, "f32 with at least one value", got));
        }
        // The graph is of no use here, and would be kept alive.
        Ok(x.detach().to_device(&Device::Cpu)?.contiguous()?)
    }

    /// As [`host`](Self::host), if `x` has the shape `dims` as well.
    pub(super) fn host_like(self, what: &'static str, x: &Tensor, dims: &[usize]) -> Result<Tensor> {
        if x.dims() != dims {
            return Err(self.error(what, format!("{dims:?}"), format!("{:?}", x.dims())));
        }
        self.host(what, x)
    }

    /// (n, c, h, w) of an image tensor.
    pub(super) fn image(self, what: &'static str, x: &Tensor) -> Result<[usize; 4]> {
        <[usize; 4]>::try_from(x.dims())
            .map_err(|_| self.error(what, "[n, c, h, w]", format!("{:?}", x.dims())))
    }

    /// That `is_met` holds for all values, which NaN must fail.
    pub(super) fn all(
        self,
        what: &'static str,
        values: &[f32],
        expected: &str,
        is_met: impl Fn(f32) -> bool,
    ) -> Result<()> {
        // By chunks without an early exit, so that the compiler makes vectors of it.
        let fails = |chunk: &&[f32]| !chunk.iter().fold(true, |all, &v| all & is_met(v));
        match values.chunks(1024).find(fails).and_then(|chunk| chunk.iter().find(|&&v| !is_met(v))) {
            Some(value) => Err(self.error(what, expected, value.to_string())),
            None => Ok(()),
        }
    }

    /// That a setting holds.
    pub(super) fn setting(self, what: &'static str, value: f32, expected: &str, is_met: bool) -> Result<()> {
        if is_met { Ok(()) } else { Err(self.error(what, expected, value.to_string())) }
    }
}

/// The values of a tensor made by [`Check::host`].
pub(super) struct Values<'a> {
    storage: StorageRef<'a>,
    range: Range<usize>,
}

impl<'a> Values<'a> {
    pub(super) fn of(x: &'a Tensor) -> Self {
        let (storage, layout) = x.storage_and_layout();
        let start = layout.start_offset();
        Values { storage, range: start..start + layout.shape().elem_count() }
    }
}

impl Deref for Values<'_> {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match &*self.storage {
            Storage::Cpu(CpuStorage::F32(values)) => values.get(self.range.clone()).unwrap_or_default(),
            // `host` gives no others.
            _ => &[],
        }
    }
}
