//! How work is shared between threads: an output slice is cut into disjoint contiguous units and rayon's ambient pool
//! computes them.
//!
//! Every output value is computed by one unit with a fixed order of summation, so results do not depend on the number of
//! threads, bit for bit. Units are few and large: many tiny parallel sections collapse as soon as another process shares a
//! core, so what is too small to share is computed in place, without entering the pool.

#![allow(unsafe_code)]

use std::sync::atomic::{AtomicUsize, Ordering};

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
    let items = out.len().div_ceil(len.max(1));
    // Eight units for every thread, so that all are done at about the same time.
    let together = min.max(items.div_ceil(8 * rayon::current_num_threads())).max(1);
    let units = items.div_ceil(together);
    let all = Values { start: out.as_mut_ptr(), len: out.len() };
    share_among(rayon::current_num_threads().min(units), units, |_, unit| {
        // SAFETY: units are apart from each other, and each is done once.
        let values = unsafe { all.part(unit * together * len, together * len) };
        values.chunks_mut(len).enumerate().for_each(|(index, item)| f(unit * together + index, item));
    });
}

/// A slice that threads have parts of.
#[derive(Clone, Copy)]
struct Values {
    start: *mut f32,
    len: usize,
}

// SAFETY: parts are exclusive, as the callers of `part` promise.
unsafe impl Send for Values {}
// SAFETY: as above.
unsafe impl Sync for Values {}

impl Values {
    /// At most `len` values from `first` on.
    ///
    /// # Safety
    /// No other part that is in use overlaps.
    unsafe fn part<'a>(self, first: usize, len: usize) -> &'a mut [f32] {
        let first = first.min(self.len);
        // SAFETY: within the slice, and exclusive as the caller promises.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(first), len.min(self.len - first)) }
    }
}

/// Calls `f(unit)` for all of `units`, which threads of rayon's ambient pool take one by one; each is worth `cost` values or
/// multiply-adds.
///
/// Whoever is free takes another unit, so that a thread whose core another process uses holds up nobody.
pub(crate) fn share(units: usize, cost: usize, f: impl Fn(usize) + Sync) {
    share_among(workers(units, cost), units, |_, unit| f(unit));
}

/// How many threads `units` of this cost are worth.
pub(crate) fn workers(units: usize, cost: usize) -> usize {
    let worth = (units.saturating_mul(cost) / MIN_SHARE).max(1);
    if worth == 1 { 1 } else { rayon::current_num_threads().min(units).min(worth) }
}

/// Most threads that share units.
const MOST_WORKERS: usize = 64;

/// As [`share`] among `workers` threads, `f(worker, unit)`: what belongs to a worker is used by one thread at a time.
///
/// Every worker starts with a range of its own, the same for the same numbers, so that what it has written in one section is in
/// its core's cache in the next; then it helps others.
pub(crate) fn share_among(workers: usize, units: usize, f: impl Fn(usize, usize) + Sync) {
    let workers = workers.clamp(1, MOST_WORKERS);
    let next: [AtomicUsize; MOST_WORKERS] =
        std::array::from_fn(|worker| AtomicUsize::new(worker * units / workers));
    let work = |worker: usize| {
        for range in (worker..workers).chain(0..worker) {
            let end = (range + 1) * units / workers;
            loop {
                let unit = next[range].fetch_add(1, Ordering::Relaxed);
                if unit >= end {
                    break;
                }
                f(worker, unit);
            }
        }
    };
    let team = |thread: usize| {
        if thread < workers {
            work(thread);
        }
    };
    match workers {
        0 | 1 => work(0),
        _ if crate::team::is_busy() => work(0),
        _ if crate::team::work_together(&team) => {}
        _ => spread(workers, &work),
    }
}

fn spread(workers: usize, work: &(impl Fn(usize) + Sync)) {
    match workers {
        0 | 1 => work(0),
        _ => drop(rayon::join(|| spread(workers - 1, work), || work(workers - 1))),
    }
}
