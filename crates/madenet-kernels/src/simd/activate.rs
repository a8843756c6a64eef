//! The activation functions on vectors. The scalar functions and their error bounds are in `activation.rs`; these agree with
//! them to the rounding of the fused multiply-adds.

use super::Simd;
use crate::Activation;
use crate::activation::{LN2_HIGH, LN2_LOW, SMALLEST, TAYLOR, ROUND};

/// Applies a function to vectors, with the choice of the function outside the loop.
///
/// Loops and not closures: a closure is compiled without the instruction set unless it happens to be inlined.
#[inline(always)]
pub(crate) fn activate<S: Simd, const N: usize>(simd: S, function: Activation, values: &mut [S::V; N]) {
    let zero = simd.splat(0.0);
    match function {
        Activation::Identity => {}
        Activation::Relu | Activation::LeakyRelu(0.0) => {
            for v in values {
                // The order of the arguments keeps NaN.
                *v = simd.max(zero, *v);
            }
        }
        Activation::LeakyRelu(slope) => {
            let slope = simd.splat(slope);
            for v in values {
                *v = simd.select_negative(*v, simd.mul(slope, *v), *v);
            }
        }
        Activation::Silu => {
            let smallest = simd.splat(f32::MIN);
            for v in values {
                *v = simd.mul(simd.max(smallest, *v), sigmoid(simd, *v));
            }
        }
        Activation::Sigmoid => {
            for v in values {
                *v = sigmoid(simd, *v);
            }
        }
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
