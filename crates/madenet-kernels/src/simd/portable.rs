//! Arrays, which the compiler vectorises for the target it builds for.

use super::{Simd, Task};

/// Needs nothing of the processor.
#[derive(Clone, Copy)]
pub(super) struct Portable;

type V = [f32; 16];

#[inline(always)]
fn zip(a: V, b: V, f: impl Fn(f32, f32) -> f32) -> V {
    std::array::from_fn(|i| f(a[i], b[i]))
}

/// Fused where the target always has the instruction: elsewhere it would be a call into the mathematics library.
#[inline(always)]
fn fused(a: f32, b: f32, c: f32) -> f32 {
    if cfg!(any(target_arch = "aarch64", target_feature = "fma")) { a.mul_add(b, c) } else { a * b + c }
}

impl Simd for Portable {
    type V = V;

    /// A vector is four registers of 128 bits; x86-64 has 16 of them, AArch64 32.
    const ACCUMULATORS: usize = if cfg!(target_arch = "aarch64") { 6 } else { 2 };

    #[inline(never)]
    fn call<T: Task>(self, task: T) -> T::Output {
        task.run(self)
    }

    #[inline(always)]
    unsafe fn load(self, p: *const f32) -> V {
        // SAFETY: as the caller promises.
        unsafe { p.cast::<V>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store(self, v: V, p: *mut f32) {
        // SAFETY: as the caller promises.
        unsafe { p.cast::<V>().write_unaligned(v) }
    }

    #[inline(always)]
    fn prefetch(self, _: *const f32) {}

    #[inline(always)]
    fn splat(self, x: f32) -> V {
        [x; 16]
    }

    #[inline(always)]
    fn add(self, a: V, b: V) -> V {
        zip(a, b, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, a: V, b: V) -> V {
        zip(a, b, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, a: V, b: V) -> V {
        zip(a, b, |a, b| a * b)
    }

    #[inline(always)]
    fn div(self, a: V, b: V) -> V {
        zip(a, b, |a, b| a / b)
    }

    #[inline(always)]
    fn mul_add(self, a: V, b: V, c: V) -> V {
        std::array::from_fn(|i| fused(a[i], b[i], c[i]))
    }

    #[inline(always)]
    fn neg_mul_add(self, a: V, b: V, c: V) -> V {
        std::array::from_fn(|i| fused(-a[i], b[i], c[i]))
    }

    #[inline(always)]
    fn max(self, a: V, b: V) -> V {
        zip(a, b, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn max_or_nan(self, a: V, b: V) -> V {
        zip(a, b, |a, b| if (b > a) | b.is_nan() { b } else { a })
    }

    #[inline(always)]
    fn select_negative(self, x: V, a: V, b: V) -> V {
        std::array::from_fn(|i| if x[i] < 0.0 { a[i] } else { b[i] })
    }

    #[inline(always)]
    fn select_equal(self, x: V, y: V, a: V, b: V) -> V {
        std::array::from_fn(|i| if x[i] == y[i] { a[i] } else { b[i] })
    }

    #[inline(always)]
    fn pow2(self, n: V) -> V {
        // The bias of the exponent is 127, its place bit 23.
        n.map(|n| f32::from_bits((n as i32).wrapping_add(127).cast_unsigned().wrapping_shl(23)))
    }

    #[inline(always)]
    fn transpose(self, rows: [V; 16]) -> [V; 16] {
        std::array::from_fn(|i| std::array::from_fn(|j| rows[j][i]))
    }
}
