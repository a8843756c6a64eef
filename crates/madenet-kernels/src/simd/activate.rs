//! The activation functions on vectors. The scalar functions and their error bounds are in `activation.rs`; these agree with
//! them to the rounding of the fused multiply-adds.

use super::{Simd, Task};
use crate::Activation;
use crate::activation::{LN2_HIGH, LN2_LOW, ROUND, SMALLEST, TAYLOR};
use crate::blocked::{Block, LANES};

/// A function as the part that costs one instruction, the larger of `floor` and the value, and what is left of it for
/// [`finish`].
#[inline(always)]
pub(crate) fn floor<S: Simd>(simd: S, function: Activation) -> (S::V, Option<Activation>) {
    match function {
        Activation::Identity => (simd.splat(f32::NEG_INFINITY), None),
        Activation::Relu => (simd.splat(0.0), None),
        other => (simd.splat(f32::NEG_INFINITY), Some(other)),
    }
}

/// Applies a function to `pixels` vectors in place, `pixel` floats from one to the next.
///
/// A function of its own, not inlined: exponentials in every kernel would be the larger part of the code.
///
/// # Safety
/// The vectors lie so from `values` on, and nothing else uses them meanwhile.
#[inline(always)]
pub(crate) unsafe fn finish<S: Simd>(
    simd: S,
    function: Activation,
    values: *mut f32,
    pixel: usize,
    pixels: usize,
) {
    simd.call(Finish { function, values, pixel, pixels });
}

/// A function of some vectors.
#[inline(always)]
pub(crate) fn activate<S: Simd, const N: usize>(simd: S, function: Activation, values: &mut [S::V; N]) {
    let (floor, rest) = floor(simd, function);
    for value in values.iter_mut() {
        // The order of the arguments keeps NaN.
        *value = simd.max(floor, *value);
    }
    if let Some(rest) = rest {
        let mut memory = [Block::ZERO; N];
        // SAFETY: a block is a vector, and `N` of them lie one after the other.
        unsafe {
            for (block, value) in memory.iter_mut().zip(values.iter()) {
                simd.store(*value, block.0.as_mut_ptr());
            }
            finish(simd, rest, memory.as_mut_ptr().cast(), LANES, N);
            for (block, value) in memory.iter().zip(values.iter_mut()) {
                *value = simd.load(block.0.as_ptr());
            }
        }
    }
}

/// See [`finish`].
struct Finish {
    function: Activation,
    values: *mut f32,
    pixel: usize,
    pixels: usize,
}

impl Task for Finish {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        // A loop for each function. Not closures, which would not be inlined into the code for the instruction set.
        macro_rules! each {
            ($x:ident => $value:expr) => {
                for pixel in 0..self.pixels {
                    // SAFETY: a vector of the caller's.
                    unsafe {
                        let at = self.values.add(pixel * self.pixel);
                        let $x = simd.load(at);
                        simd.store($value, at);
                    }
                }
            };
        }
        match self.function {
            Activation::Identity => {}
            Activation::Relu | Activation::LeakyRelu(0.0) => each!(x => simd.max(simd.splat(0.0), x)),
            Activation::LeakyRelu(slope) => {
                let slope = simd.splat(slope);
                each!(x => simd.select_negative(x, simd.mul(slope, x), x));
            }
            Activation::Silu => each!(x => simd.mul(simd.max(simd.splat(f32::MIN), x), sigmoid(simd, x))),
            Activation::Sigmoid => each!(x => sigmoid(simd, x)),
        }
    }
}

/// `1 / (1 + exp(-x))`.
#[inline(always)]
pub(crate) fn sigmoid<S: Simd>(simd: S, x: S::V) -> S::V {
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
