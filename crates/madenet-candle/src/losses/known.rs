//! A scalar whose gradient is known when its value is.

use candle_core::{CpuStorage, CustomOp1, Device, Layout, Shape, Tensor};
use rayon::prelude::*;

use super::check::{Check, Values};
use super::sums::BLOCK;
use crate::Result;

/// Room for the gradient in `x`, if anything asks for it.
pub(super) fn room(x: &Tensor) -> Option<Vec<f32>> {
    x.track_op().then(|| vec![0.0; x.elem_count()])
}

/// The scalar `value` as a function of `x` with this gradient.
pub(super) fn scalar(check: Check, x: &Tensor, value: f64, gradient: Option<Vec<f32>>) -> Result<Tensor> {
    let rounded = value as f32;
    if !rounded.is_finite() {
        return Err(check.error("the loss", "a finite number", value.to_string()));
    }
    let Some(gradient) = gradient else { return Ok(Tensor::new(rounded, x.device())?) };
    let gradient = Tensor::from_vec(gradient, x.shape(), &Device::Cpu)?;
    if x.device().is_cpu() {
        return Ok(x.apply_op1(Known { value: rounded, gradient })?);
    }
    // A linear function with this gradient, moved to the value.
    let linear = (x * gradient.to_device(x.device())?)?.sum_all()?;
    Ok((&linear - linear.detach())?.affine(1.0, f64::from(rounded))?)
}

struct Known {
    value: f32,
    gradient: Tensor,
}

impl CustomOp1 for Known {
    fn name(&self) -> &'static str {
        "loss"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(vec![self.value]), Shape::from(())))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, upstream: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let factor = upstream.to_scalar::<f32>()?;
        if factor == 1.0 {
            return Ok(Some(self.gradient.clone()));
        }
        let gradient = Values::of(&self.gradient);
        let mut scaled = vec![0.0; gradient.len()];
        scaled.par_chunks_mut(BLOCK).zip(gradient.par_chunks(BLOCK)).for_each(|(scaled, gradient)| {
            scaled.iter_mut().zip(gradient).for_each(|(scaled, g)| *scaled = factor * g);
        });
        Ok(Some(Tensor::from_vec(scaled, self.gradient.shape(), &Device::Cpu)?))
    }
}
