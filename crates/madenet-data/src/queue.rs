//! Results of several threads, handed over in order and never more than a few at a time.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Numbered pieces of work, claimed by many threads and taken by one in the order of their numbers.
///
/// A number is claimed only within a window that begins at the first one not taken, so that a slow consumer
/// stops the others instead of filling the memory.
pub(crate) struct Queue<T> {
    len: usize,
    window: usize,
    state: Mutex<State<T>>,
    /// The window moved, or the queue was stopped.
    room: Condvar,
    /// A result is there.
    filled: Condvar,
}

struct State<T> {
    claimed: usize,
    taken: usize,
    ready: BTreeMap<usize, T>,
    stopped: bool,
}

impl<T> Queue<T> {
    /// Numbers from 0 to `len - 1`, of which at most `window`, at least 1, are claimed and not taken.
    pub(crate) fn new(len: usize, window: usize) -> Self {
        let state = State { claimed: 0, taken: 0, ready: BTreeMap::new(), stopped: false };
        Queue {
            len,
            window: window.max(1),
            state: Mutex::new(state),
            room: Condvar::new(),
            filled: Condvar::new(),
        }
    }

    /// The next number to work on, which must be [`put`](Self::put); waits until the window reaches it. None
    /// when there are no more or the queue was stopped.
    pub(crate) fn claim(&self) -> Option<usize> {
        let is_full = |state: &mut State<T>| {
            !state.stopped && state.claimed < self.len && state.claimed - state.taken >= self.window
        };
        let waited = self.room.wait_while(self.lock(), is_full);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        if state.stopped || state.claimed == self.len {
            return None;
        }
        state.claimed += 1;
        Some(state.claimed - 1)
    }

    /// The result of a claimed number.
    pub(crate) fn put(&self, number: usize, result: T) {
        self.lock().ready.insert(number, result);
        self.filled.notify_one();
    }

    /// The result of the next number; waits until it is there. None after the last one.
    pub(crate) fn take(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            if state.taken == self.len {
                return None;
            }
            let next = state.taken;
            if let Some(result) = state.ready.remove(&next) {
                state.taken += 1;
                self.room.notify_all();
                return Some(result);
            }
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// No number can be claimed any more.
    pub(crate) fn stop(&self) {
        self.lock().stopped = true;
        self.room.notify_all();
    }

    /// Nothing panics under the lock, and each change of the state is complete in itself.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_taken_in_order() {
        let queue = Queue::new(3, 3);
        assert_eq!(
            [queue.claim(), queue.claim(), queue.claim(), queue.claim()],
            [Some(0), Some(1), Some(2), None]
        );
        for number in [2, 0, 1] {
            queue.put(number, 10 * number);
        }
        assert_eq!(
            [queue.take(), queue.take(), queue.take(), queue.take()],
            [Some(0), Some(10), Some(20), None]
        );
    }

    #[test]
    fn the_window_moves_with_what_is_taken() {
        let queue = Queue::new(4, 2);
        assert_eq!([queue.claim(), queue.claim()], [Some(0), Some(1)]);
        queue.put(1, ());
        queue.put(0, ());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| queue.claim());
            queue.take();
            assert_eq!(waiting.join().unwrap(), Some(2));
        });
    }

    #[test]
    fn stopping_wakes_the_waiting() {
        let queue = Queue::<()>::new(9, 1);
        assert_eq!(queue.claim(), Some(0));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| queue.claim());
            queue.stop();
            assert_eq!(waiting.join().unwrap(), None);
        });
        assert_eq!(queue.claim(), None);
    }
}
