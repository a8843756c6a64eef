//! Shared by the tests: tensors by formula, and gradients by central differences.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use candle_core::{DType, Device, Result, Tensor, Var};

/// The formula of `fixtures/generate.py`: multiples of 1/64 in `[-1, 1)`.
pub fn numbers(seed: u64, shape: &[usize]) -> Tensor {
    let word = |i: usize| ((i as u64 + 1 + 1_000_003 * seed) * 2_654_435_761 % (1 << 32)) >> 25;
    let values: Vec<f32> = (0..shape.iter().product()).map(|i| word(i) as f32 / 64.0 - 1.0).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// Numbers in `(-1, 1)` that all differ, by at least 2^-33.
pub fn distinct(seed: u64, shape: &[usize]) -> Tensor {
    // An odd multiplier permutes the 32-bit words.
    let word = |i: usize| (i as u64 + 1 + 1_000_003 * seed) * 2_654_435_761 % (1 << 32);
    let values: Vec<f64> =
        (0..shape.iter().product()).map(|i| (word(i) as f64 + 0.5) / f64::from(1 << 31) - 1.0).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

pub fn values(x: &Tensor) -> Vec<f64> {
    x.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

pub fn assert_close(got: &Tensor, expected: &Tensor, tolerance: f64, what: &str) {
    assert_eq!(got.dims(), expected.dims(), "{what}");
    for (i, (g, e)) in values(got).iter().zip(values(expected)).enumerate() {
        assert!((g - e).abs() <= tolerance * e.abs().max(1.0), "{what}: value {i} is {g}, expected {e}");
    }
}

/// `sum(y * numbers(99))`, a loss to which every value of `y` matters differently.
pub fn weighted_sum(y: &Tensor) -> Result<Tensor> {
    (y * numbers(99, y.dims()).to_dtype(y.dtype())?)?.sum_all()
}

/// The gradients of `weighted_sum(f(arguments))` in the arguments, with those arguments' type.
pub fn gradients(f: impl Fn(&[Tensor]) -> Result<Tensor>, arguments: &[Tensor]) -> Result<Vec<Tensor>> {
    let vars: Vec<Var> = arguments.iter().map(Var::from_tensor).collect::<Result<_>>()?;
    let tensors: Vec<Tensor> = vars.iter().map(|v| v.as_tensor().clone()).collect();
    let gradients = weighted_sum(&f(&tensors)?)?.backward()?;
    let zero = |v: &Var| v.zeros_like();
    vars.iter().map(|v| gradients.get(v).map_or_else(|| zero(v), |g| Ok(g.clone()))).collect()
}

/// Checks the gradients of `f` in all of its `f64` arguments against central differences, and that `f32` gives the same
/// values and gradients.
pub fn check_gradients(what: &str, arguments: &[Tensor], f: impl Fn(&[Tensor]) -> Result<Tensor>) {
    // Rounding is 1e-16 / STEP, truncation STEP^2 times the third derivative: both far below the tolerance.
    const STEP: f64 = 1e-5;
    const TOLERANCE: f64 = 1e-7;
    // 2^-23 times the number of terms in a sum, a few hundred at most.
    const SINGLE: f64 = 2e-5;

    let analytic = gradients(&f, arguments).unwrap();
    for (i, argument) in arguments.iter().enumerate() {
        let at = values(argument);
        let loss = |j: usize, step: f64| {
            let mut moved = at.clone();
            moved[j] += step;
            let mut arguments = arguments.to_vec();
            arguments[i] = Tensor::from_vec(moved, argument.dims(), &Device::Cpu).unwrap();
            weighted_sum(&f(&arguments).unwrap()).unwrap().to_scalar::<f64>().unwrap()
        };
        let numeric: Vec<f64> =
            (0..at.len()).map(|j| (loss(j, STEP) - loss(j, -STEP)) / (2.0 * STEP)).collect();
        let numeric = Tensor::from_vec(numeric, argument.dims(), &Device::Cpu).unwrap();
        assert_close(&analytic[i], &numeric, TOLERANCE, &format!("{what}: gradient of argument {i}"));
    }
    let single: Vec<Tensor> = arguments.iter().map(|a| a.to_dtype(DType::F32).unwrap()).collect();
    let y = f(&single).unwrap();
    assert_eq!(y.dtype(), DType::F32, "{what}");
    assert_close(&y, &f(arguments).unwrap(), SINGLE, &format!("{what}: values in f32"));
    for (i, (s, d)) in gradients(&f, &single).unwrap().iter().zip(&analytic).enumerate() {
        assert_close(s, d, SINGLE, &format!("{what}: gradient of argument {i} in f32"));
    }
}
