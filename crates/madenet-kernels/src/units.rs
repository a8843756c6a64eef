//! How work is shared between threads: an output slice is cut into disjoint contiguous units and rayon's ambient pool
//! computes them.
//!
//! Every output value is computed by one unit with a fixed order of summation, so results do not depend on the number of
//! threads, bit for bit. Units are few and large: many tiny parallel sections collapse as soon as another process shares a
//! core, so what is too small to share is computed in place, without entering the pool.

use rayon::prelude::*;

/// Multiply-adds that are worth handing to another thread: about 40 microseconds at 12 G multiply-adds per second.
pub(crate) const MIN_MACS: usize = 1 << 19;

/// Values that are worth handing to another thread where an operation only streams through memory.
pub(crate) const MIN_VALUES: usize = 1 << 16;

/// Items of `cost` that together reach `worth`.
pub(crate) fn items(worth: usize, cost: usize) -> usize {
    worth.div_ceil(cost.max(1))
}

/// Calls `f(index, item)` for the consecutive items of `len` values in `out`; at least `min` items stay together on one
/// thread.
pub(crate) fn for_each(out: &mut [f32], len: usize, min: usize, f: impl Fn(usize, &mut [f32]) + Sync) {
    if out.len() <= len.saturating_mul(min) {
        out.chunks_mut(len).enumerate().for_each(|(index, item)| f(index, item));
    } else {
        out.par_chunks_mut(len).with_min_len(min).enumerate().for_each(|(index, item)| f(index, item));
    }
}
