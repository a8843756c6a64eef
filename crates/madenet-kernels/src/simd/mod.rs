//! Vectors of sixteen f32 on three instruction sets, chosen at run time.
//!
//! A kernel is written once, as a [`Task`] over any [`Simd`], and [`Isa::run`] compiles it for every instruction set: the task's
//! `run` is inlined into a function that has the set's features switched on. A value of an instruction set's token type exists
//! only where the processor has the set ([`Isa`] looks), which is what makes the safe methods of [`Simd`] sound.
//!
//! All vectors have the [`LANES`](crate::blocked::LANES) of a block: one register with AVX-512, two with AVX2, an array that the
//! compiler vectorises as it can elsewhere. Layouts and loops are then the same for all of them, and only tile sizes differ.

#![allow(unsafe_code)]

mod activate;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod isa;
mod portable;

pub(crate) use activate::{activate, finish, floor};
pub use isa::Isa;

/// What is compiled for every instruction set. `run` must be `#[inline(always)]`, or it will not use the set.
pub(crate) trait Task {
    type Output;

    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// An instruction set's operations on vectors of sixteen f32. A token of the set, which proves that the processor has it.
///
/// All methods are lane by lane. Fused multiply-adds round once where the set has them.
pub(crate) trait Simd: Copy {
    type V: Copy;

    /// How many vectors the accumulators of a tile may take, beside weights and inputs.
    const ACCUMULATORS: usize;

    /// Runs a task as a function of its own, not inlined.
    fn call<T: Task>(self, task: T) -> T::Output;

    /// # Safety
    /// Sixteen f32 can be read at `p`, of any alignment.
    unsafe fn load(self, p: *const f32) -> Self::V;
    /// # Safety
    /// Sixteen f32 can be written at `p`, of any alignment.
    unsafe fn store(self, v: Self::V, p: *mut f32);
    /// Fetches the cache line of `p`, which need not be valid, into the second-level cache, where the set can.
    fn prefetch(self, p: *const f32);
    fn splat(self, x: f32) -> Self::V;
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b + c`.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `c - a * b`.
    fn neg_mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The larger value; `b` where either is NaN.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// The larger value; NaN where either is NaN.
    fn max_or_nan(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a` where `x < 0`, else `b`, also where `x` is NaN.
    fn select_negative(self, x: Self::V, a: Self::V, b: Self::V) -> Self::V;
    /// `a` where `x == y`, else `b`, also where either is NaN.
    fn select_equal(self, x: Self::V, y: Self::V, a: Self::V, b: Self::V) -> Self::V;
    /// `2^n` for whole `n` in -126..=127.
    fn pow2(self, n: Self::V) -> Self::V;
    /// Lane `i` of vector `j` becomes lane `j` of vector `i`.
    fn transpose(self, rows: [Self::V; 16]) -> [Self::V; 16];
}
