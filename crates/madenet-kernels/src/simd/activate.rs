//! The activation functions on vectors. The scalar functions and their error bounds are in `activation.rs`; these agree with
//! them to the rounding of the fused multiply-adds.

use super::Simd;
use crate::Activation;
use crate::activation::{LN2_HIGH, LN2_LOW, ROUND, SMALLEST, TAYLOR};

/// A function of some vectors.
#[inline(always)]
pub(crate) fn activate<S: Simd, const N: usize>(simd: S, function: Activation, values: &mut [S::V; N]) {
    // Not a closure, which would not be inlined into the code for the instruction set.
    for value in values {
        *value = activate_one(simd, function, *value);
    }
}

/// A function of one vector.
#[inline(always)]
pub(crate) fn activate_one<S: Simd>(simd: S, function: Activation, x: S::V) -> S::V {
    match function {
        Activation::Identity => x,
        // The order of the arguments keeps NaN.
        Activation::Relu | Activation::LeakyRelu(0.0) => simd.max(simd.splat(0.0), x),
        Activation::LeakyRelu(slope) => simd.select_negative(x, simd.mul(simd.splat(slope), x), x),
        Activation::Silu => simd.mul(simd.max(simd.splat(f32::MIN), x), sigmoid(simd, x)),
        Activation::Sigmoid => sigmoid(simd, x),
    }
}

#[inline(always)]
fn sigmoid<S: Simd>(simd: S, x: S::V) -> S::V {
    let one = simd.splat(1.0);
    // -|x|, and NaN for NaN.
    let negative = simd.select_negative(x, x, simd.sub(simd.splat(0.0), x));
    let e = exp_of_negative(simd, negative);
    simd.div(simd.select_negative(x, e, one), simd.add(one, e))
}

/// As the scalar function of this name.
#[inline(always)]
fn exp_of_negative<S: Simd>(simd: S, x: S::V) -> S::V {
    let limited = simd.max(simd.splat(SMALLEST), x);
    let round = simd.splat(ROUND);
    let n = simd.sub(simd.mul_add(limited, simd.splat(std::f32::consts::LOG2_E), round), round);
    let r = simd.neg_mul_add(n, simd.splat(LN2_LOW), simd.neg_mul_add(n, simd.splat(LN2_HIGH), limited));
    let mut power = simd.splat(TAYLOR[0]);
    for term in &TAYLOR[1..] {
        power = simd.mul_add(power, r, simd.splat(*term));
    }
    let value = simd.mul(power, simd.pow2(n));
    simd.select_negative(simd.sub(x, simd.splat(SMALLEST)), simd.splat(0.0), value)
}
