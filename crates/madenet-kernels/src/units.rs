//! How work is shared between threads: an output slice is cut into disjoint contiguous units and rayon's ambient pool
//! computes them.
//!
//! Every output value is computed by one unit with a fixed order of summation, so results do not depend on the number of
//! threads, bit for bit. Units are few and large: many tiny parallel sections collapse as soon as another process shares a
//! core, so what is too small to share is computed in place, without entering the pool.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

/// Multiply-adds that are worth handing to another thread: about 40 microseconds at 12 G multiply-adds per second.
pub(crate) const MIN_MACS: usize = 1 << 19;

/// Values that are worth handing to another thread where an operation only streams through memory.
pub(crate) const MIN_VALUES: usize = 1 << 16;

/// Values that a unit of [`share`] must bring together to be worth another thread: handing work over takes some microseconds.
const MIN_SHARE: usize = 1 << 14;

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

/// Calls `f(unit)` for all of `units`, which threads of rayon's ambient pool take one by one; each is worth `cost` values or
/// multiply-adds.
///
/// Whoever is free takes the next unit, so that a thread whose core another process uses holds up nobody.
pub(crate) fn share(units: usize, cost: usize, f: impl Fn(usize) + Sync) {
    share_among(workers(units, cost), units, |_, unit| f(unit));
}

/// How many threads `units` of this cost are worth.
pub(crate) fn workers(units: usize, cost: usize) -> usize {
    let worth = (units.saturating_mul(cost) / MIN_SHARE).max(1);
    if worth == 1 { 1 } else { rayon::current_num_threads().min(units).min(worth) }
}

/// As [`share`] among `workers` threads, `f(worker, unit)`: what belongs to a worker is used by one thread at a time.
pub(crate) fn share_among(workers: usize, units: usize, f: impl Fn(usize, usize) + Sync) {
    let next = AtomicUsize::new(0);
    let work = |worker: usize| {
        loop {
            let unit = next.fetch_add(1, Ordering::Relaxed);
            if unit >= units {
                break;
            }
            f(worker, unit);
        }
    };
    spread(workers, &work);
}

fn spread(workers: usize, work: &(impl Fn(usize) + Sync)) {
    match workers {
        0 | 1 => work(0),
        _ => drop(rayon::join(|| spread(workers - 1, work), || work(workers - 1))),
    }
}
