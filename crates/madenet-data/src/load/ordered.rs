//! Work of several threads, handed over in the order in which one would do it.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

use super::queue::Queue;

/// How far the threads of [`ordered`] may work ahead.
pub struct Ahead<T> {
    /// Results that may wait, beside one for each thread.
    pub results: usize,
    /// Bytes of waiting results from which on no other work is begun.
    pub bytes: usize,
    /// The bytes of a result.
    pub size: fn(&T) -> usize,
}

/// Calls `consume` with `work(0)` to `work(len - 1)`, done ahead by `threads` threads, and gives back its result;
/// when it returns, early or not, the threads stop after the work that they are at. With 0 threads the caller's
/// does the work when it is asked for, and so it does where the system gives none.
///
/// ```
/// use madenet_data::{Ahead, ordered};
/// let ahead = Ahead { results: 2, bytes: usize::MAX, size: |_| 0 };
/// let squares: Vec<usize> = ordered(5, 2, ahead, |n| n * n, |results| results.collect());
/// assert_eq!(squares, [0, 1, 4, 9, 16]);
/// ```
///
/// # Panics
/// If `work` panics: where the consumer asks for its result.
pub fn ordered<T: Send, R>(
    len: usize,
    threads: usize,
    ahead: Ahead<T>,
    work: impl Fn(usize) -> T + Sync,
    consume: impl FnOnce(Ordered<'_, T>) -> R,
) -> R {
    let threads = threads.min(len);
    let queue = Queue::new(len, ahead.results.saturating_add(threads), ahead.bytes);
    let each = || {
        while let Some(number) = queue.claim() {
            // A panic travels to the consumer, who sees it as if it had done the work itself.
            let result = catch_unwind(AssertUnwindSafe(|| work(number)));
            let bytes = result.as_ref().map_or(0, ahead.size);
            queue.put(number, result, bytes);
        }
    };
    thread::scope(|scope| {
        // Dropped on every way out, before the scope waits for the threads.
        let mut results = Ordered { queue: &queue, work: &work, threads: 0, taken: 0, len };
        for _ in 0..threads {
            let thread = thread::Builder::new().name("madenet-loader".to_owned());
            if thread.spawn_scoped(scope, each).is_err() {
                break;
            }
            results.threads += 1;
        }
        consume(results)
    })
}

/// The results of [`ordered`] work.
pub struct Ordered<'a, T> {
    queue: &'a Queue<thread::Result<T>>,
    work: &'a (dyn Fn(usize) -> T + Sync),
    /// Threads at work; with none, the work is done here.
    threads: usize,
    taken: usize,
    len: usize,
}

impl<T> Iterator for Ordered<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        if self.taken == self.len {
            return None;
        }
        self.taken += 1;
        if self.threads == 0 {
            return Some((self.work)(self.taken - 1));
        }
        Some(self.queue.take()?.unwrap_or_else(|panic| resume_unwind(panic)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.len - self.taken;
        (left, Some(left))
    }
}

impl<T> Drop for Ordered<'_, T> {
    fn drop(&mut self) {
        self.queue.stop();
    }
}
