//! Plans by the size of the input.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::{Plan, PlanOptions};
use crate::Result;
use crate::net::Net;
use crate::params::Params;

/// Plans of one network for inputs of several sizes: each is made when it is first asked for and kept, up to a number of
/// them; then the one that was asked for least recently goes.
///
/// `Send + Sync`. A plan is made once, however many threads ask for it at a time, and while it is made only those wait that
/// need it.
///
/// Every plan packs the weights for itself, so that memory holds the network's own weights and [`Plan::weight_bytes`] of
/// every plan: with [`Memory::Low`](crate::Memory::Low) about `1 + capacity` times the weights, with the default less than
/// `1 + 2 * capacity` times and [`Memory::ALLOWANCE`](crate::Memory::ALLOWANCE) a plan. While plans are made there are as many
/// more as are being made. A plan that has gone stays with those who hold it.
///
/// ```
/// use std::num::NonZeroUsize;
/// use std::sync::Arc;
///
/// use madenet_nets::{Builder, Net, Params, PlanCache, PlanOptions, Result, Shape, conv};
///
/// fn record((height, width): (usize, usize)) -> Result<Net> {
///     let mut b = Builder::new();
///     let x = b.input("x", Shape::new(1, height, width));
///     let y = b.conv2d("double", x, conv(1, 1, 1, 0))?;
///     b.output("y", y)?;
///     Ok(b.finish())
/// }
///
/// let mut params = Params::new();
/// params.insert("double.weight", vec![1, 1, 1, 1], vec![2.0])?;
/// let two = NonZeroUsize::MIN.saturating_add(1);
/// let cache = PlanCache::new(record, Arc::new(params), PlanOptions::default(), two);
///
/// let plan = cache.get((1, 3))?;
/// let mut workspace = plan.workspace();
/// assert_eq!(plan.run(&[&[1.0, 2.0, 3.0]], &mut workspace)?.get("y"), Some(&[2.0, 4.0, 6.0][..]));
/// assert!(Arc::ptr_eq(&plan, &cache.get((1, 3))?));
/// # Ok::<(), madenet_nets::Error>(())
/// ```
pub struct PlanCache {
    record: Box<dyn Fn((usize, usize)) -> Result<Net> + Send + Sync>,
    params: Arc<Params>,
    options: PlanOptions,
    capacity: NonZeroUsize,
    /// The least recently used first.
    entries: Mutex<Vec<Entry>>,
}

/// A plan that is there or being made.
#[derive(Clone)]
struct Entry {
    size: (usize, usize),
    slot: Arc<Slot>,
}

#[derive(Default)]
struct Slot {
    plan: OnceLock<Arc<Plan>>,
    /// Held by whoever makes the plan.
    making: Mutex<()>,
}

impl PlanCache {
    /// No plans yet. `record` gives the network for inputs of a height and width, with the same parameters for all; at most
    /// `capacity` plans are kept.
    #[must_use]
    pub fn new(
        record: impl Fn((usize, usize)) -> Result<Net> + Send + Sync + 'static,
        params: Arc<Params>,
        options: PlanOptions,
        capacity: NonZeroUsize,
    ) -> Self {
        PlanCache { record: Box::new(record), params, options, capacity, entries: Mutex::default() }
    }

    /// The plan for inputs of this height and width. Errors are not kept, and make no plan go.
    ///
    /// # Errors
    /// Those of the recording function and of [`Plan::with_options`].
    pub fn get(&self, size: (usize, usize)) -> Result<Arc<Plan>> {
        let slot = self.slot(size);
        if let Some(plan) = slot.plan.get() {
            return Ok(Arc::clone(plan));
        }
        let _making = held(&slot.making);
        // Another caller may have made it meanwhile.
        if let Some(plan) = slot.plan.get() {
            return Ok(Arc::clone(plan));
        }
        let made = (self.record)(size).and_then(|net| Plan::with_options(&net, &self.params, self.options));
        let mut entries = held(&self.entries);
        entries.retain(|entry| !Arc::ptr_eq(&entry.slot, &slot));
        let made = made?;
        let plan = Arc::clone(slot.plan.get_or_init(|| Arc::new(made)));
        // It is used now, whatever was asked for while it was made.
        entries.push(Entry { size, slot: Arc::clone(&slot) });
        self.evict(&mut entries);
        Ok(plan)
    }

    /// Bytes of the packed weights of all plans that are kept.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        let entries = held(&self.entries);
        entries.iter().filter_map(|entry| entry.slot.plan.get()).map(|plan| plan.weight_bytes()).sum()
    }

    /// The place of a size, as the most recently used one.
    fn slot(&self, size: (usize, usize)) -> Arc<Slot> {
        let mut entries = held(&self.entries);
        let entry = match entries.iter().position(|entry| entry.size == size) {
            Some(at) => entries.remove(at),
            None => Entry { size, slot: Arc::default() },
        };
        entries.push(entry.clone());
        entry.slot
    }

    /// Lets the least recently used plans go until no more than the capacity are there. Those being made stay.
    fn evict(&self, entries: &mut Vec<Entry>) {
        let is_made = |entry: &Entry| entry.slot.plan.get().is_some();
        let made = entries.iter().filter(|entry| is_made(entry)).count();
        for _ in self.capacity.get()..made {
            if let Some(oldest) = entries.iter().position(is_made) {
                entries.remove(oldest);
            }
        }
    }
}

impl fmt::Debug for PlanCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes: Vec<_> = held(&self.entries).iter().map(|entry| entry.size).collect();
        f.debug_struct("PlanCache")
            .field("capacity", &self.capacity)
            .field("sizes", &sizes)
            .finish_non_exhaustive()
    }
}

/// Locks; what the mutexes here guard is whole at every moment, so that a panic elsewhere does no harm.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;
    use crate::{Builder, Error, Shape, conv};

    fn record((h, w): (usize, usize)) -> Result<Net> {
        let mut b = Builder::new();
        let x = b.input("x", Shape::new(2, h, w));
        let y = b.conv2d("c", x, conv(3, 3, 1, 0))?;
        b.output("y", y)?;
        Ok(b.finish())
    }

    type Recorded = Arc<Mutex<Vec<(usize, usize)>>>;

    /// A cache for `capacity` plans, and the sizes that were recorded for it.
    fn cache(capacity: usize) -> Result<(PlanCache, Recorded)> {
        let params = Arc::new(Params::init(&record((8, 8))?, 1));
        let recorded = Recorded::default();
        let log = Arc::clone(&recorded);
        let logging = move |size| {
            held::<Vec<_>>(&log).push(size);
            record(size)
        };
        let capacity = NonZeroUsize::new(capacity).unwrap();
        Ok((PlanCache::new(logging, params, PlanOptions::default(), capacity), recorded))
    }

    #[test]
    fn the_least_recently_used_plan_goes() -> Result<()> {
        let (cache, recorded) = cache(2)?;
        let [a, b, c] = [(8, 8), (8, 9), (9, 8)];
        let first = cache.get(a)?;
        let one = cache.weight_bytes();
        cache.get(b)?;
        assert!(Arc::ptr_eq(&first, &cache.get(a)?));
        cache.get(c)?;
        assert_eq!(cache.weight_bytes(), 2 * one, "two of three");
        assert!(Arc::ptr_eq(&first, &cache.get(a)?), "b was used longer ago");
        cache.get(b)?;
        cache.get(c)?;
        assert_eq!(*held(&recorded), [a, b, c, b, c]);
        Ok(())
    }

    #[test]
    fn errors_are_told_again_and_push_nothing_out() -> Result<()> {
        let (cache, recorded) = cache(1)?;
        let kept = cache.get((8, 8))?;
        for _ in 0..2 {
            assert!(matches!(cache.get((2, 2)), Err(Error::Shape { .. })), "no window fits");
        }
        assert!(Arc::ptr_eq(&kept, &cache.get((8, 8))?));
        assert_eq!(*held(&recorded), [(8, 8), (2, 2), (2, 2)]);
        assert_eq!(held(&cache.entries).len(), 1);
        Ok(())
    }

    #[test]
    fn many_threads_make_a_plan_once() -> Result<()> {
        let (cache, recorded) = cache(4)?;
        let start = Barrier::new(8);
        thread::scope(|threads| {
            for i in 0..8 {
                let (cache, start) = (&cache, &start);
                threads.spawn(move || {
                    start.wait();
                    let size = (8, 8 + i % 4);
                    let plan = cache.get(size).unwrap();
                    assert_eq!(plan.outputs[0].1.layout.shape, Shape::new(3, 6, 6 + i % 4));
                });
            }
        });
        let mut recorded = std::mem::take(&mut *held(&recorded));
        recorded.sort_unstable();
        assert_eq!(recorded, [(8, 8), (8, 9), (8, 10), (8, 11)]);
        Ok(())
    }

    #[test]
    fn a_plan_in_the_making_blocks_no_other() -> Result<()> {
        let (begun, has_begun) = channel();
        let (go, may_go) = channel();
        let (begun, may_go) = (Mutex::new(begun), Mutex::new(may_go));
        let slow = move |size| {
            if size == (8, 8) {
                held(&begun).send(()).unwrap();
                held(&may_go).recv().unwrap();
            }
            record(size)
        };
        let params = Arc::new(Params::init(&record((8, 8))?, 1));
        let cache = PlanCache::new(slow, params, PlanOptions::default(), NonZeroUsize::MIN);
        thread::scope(|threads| {
            let first = threads.spawn(|| cache.get((8, 8)).unwrap());
            has_begun.recv().unwrap();
            cache.get((9, 9)).unwrap();
            go.send(()).unwrap();
            // Once: recording it again would fail.
            drop(go);
            assert!(Arc::ptr_eq(&first.join().unwrap(), &cache.get((8, 8)).unwrap()), "it was kept");
        });
        Ok(())
    }
}
