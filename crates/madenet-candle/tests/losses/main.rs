//! Losses: their definitions in methods.md, gradients against central differences of these in `f64` and against PyTorch,
//! extremes, errors, threads.
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod definitions;
mod differences;
mod errors;
mod extremes;
mod pytorch;
mod threads;

use candle_core::{DType, Device, Tensor, Var};
use madenet_candle::Result;

fn tensor(values: &[f32], shape: &[usize]) -> Tensor {
    Tensor::from_slice(values, shape, &Device::Cpu).unwrap()
}

/// `numbers`, in [0, 1).
fn unit(seed: u64, shape: &[usize]) -> Tensor {
    common::numbers(seed, shape).affine(0.5, 0.5).unwrap()
}

/// 0 or 1 by `numbers`.
fn binary(seed: u64, shape: &[usize]) -> Tensor {
    common::numbers(seed, shape).gt(0.25).unwrap().to_dtype(DType::F32).unwrap()
}

/// Value of `f` at `x`, and the gradient of `factor` times it.
fn value_and_gradient(
    x: &Tensor,
    factor: f64,
    f: impl Fn(&Tensor) -> Result<Tensor>,
) -> (Vec<f64>, Vec<f64>) {
    let x = Var::from_tensor(x).unwrap();
    let y = f(x.as_tensor()).unwrap();
    let gradients = y.affine(factor, 0.0).unwrap().sum_all().unwrap().backward().unwrap();
    (common::values(&y), common::values(gradients.get(&x).unwrap()))
}

fn scalar(y: Result<Tensor>) -> f32 {
    y.unwrap().to_scalar().unwrap()
}
