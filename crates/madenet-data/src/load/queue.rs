//! Results of several threads, handed over in order and never more than a few at a time.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Numbered pieces of work, claimed by many threads and taken by one in the order of their numbers.
///
/// A number is claimed only within a window that begins at the first one not taken, and only while the results
/// that wait take less than a number of bytes, so that a slow consumer stops the others instead of filling the
/// memory. The first number not taken can always be claimed, so that there is a result to wait for.
pub(crate) struct Queue<T> {
    len: usize,
    window: usize,
    bytes: usize,
    state: Mutex<State<T>>,
    /// A result was taken, or the queue was stopped.
    room: Condvar,
    /// A result is there.
    filled: Condvar,
}

struct State<T> {
    claimed: usize,
    taken: usize,
    /// Results that are there, with their bytes.
    ready: BTreeMap<usize, (T, usize)>,
    /// The bytes of all of these.
    bytes: usize,
    stopped: bool,
}

impl<T> Queue<T> {
    /// Numbers from 0 to `len - 1`, of which at most `window`, at least 1, are claimed and not taken; none but the
    /// awaited one is claimed while the results that are ready take `bytes` bytes or more.
    pub(crate) fn new(len: usize, window: usize, bytes: usize) -> Self {
        let state = State { claimed: 0, taken: 0, ready: BTreeMap::new(), bytes: 0, stopped: false };
        Queue { len, window, bytes, state: Mutex::new(state), room: Condvar::new(), filled: Condvar::new() }
    }

    /// The next number to work on, which must be [`put`](Self::put); waits until there is room. None when
    /// there are no more or the queue was stopped.
    pub(crate) fn claim(&self) -> Option<usize> {
        let is_full = |state: &mut State<T>| {
            let ahead = state.claimed - state.taken;
            let is_far = ahead > 0 && (ahead >= self.window || state.bytes >= self.bytes);
            !state.stopped && state.claimed < self.len && is_far
        };
        let waited = self.room.wait_while(self.lock(), is_full);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        if state.stopped || state.claimed == self.len {
            return None;
        }
        state.claimed += 1;
        Some(state.claimed - 1)
    }

    /// The result of a claimed number, which takes `bytes` bytes.
    pub(crate) fn put(&self, number: usize, result: T, bytes: usize) {
        let mut state = self.lock();
        state.ready.insert(number, (result, bytes));
        state.bytes = state.bytes.saturating_add(bytes);
        drop(state);
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
            if let Some((result, bytes)) = state.ready.remove(&next) {
                state.taken += 1;
                state.bytes = state.bytes.saturating_sub(bytes);
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
    use std::sync::mpsc::{RecvTimeoutError, channel};
    use std::time::Duration;

    use super::*;

    /// Time in which a claim that need not wait is made, if nothing else keeps the machine busy.
    const A_MOMENT: Duration = Duration::from_millis(30);

    #[test]
    fn results_are_taken_in_order() {
        let queue = Queue::new(3, 3, usize::MAX);
        assert_eq!(
            [queue.claim(), queue.claim(), queue.claim(), queue.claim()],
            [Some(0), Some(1), Some(2), None]
        );
        for number in [2, 0, 1] {
            queue.put(number, 10 * number, 1);
        }
        assert_eq!(
            [queue.take(), queue.take(), queue.take(), queue.take()],
            [Some(0), Some(10), Some(20), None]
        );
    }

    #[test]
    fn a_claim_waits_until_the_window_reaches_it() {
        let queue = Queue::new(4, 2, usize::MAX);
        assert_eq!([queue.claim(), queue.claim()], [Some(0), Some(1)]);
        queue.put(1, (), 0);
        queue.put(0, (), 0);
        let (sender, receiver) = channel();
        std::thread::scope(|scope| {
            scope.spawn(|| sender.send(queue.claim()));
            assert_eq!(receiver.recv_timeout(A_MOMENT), Err(RecvTimeoutError::Timeout));
            queue.take();
            assert_eq!(receiver.recv(), Ok(Some(2)));
        });
    }

    #[test]
    fn a_claim_waits_while_large_results_do() {
        let queue = Queue::new(9, 9, 5);
        assert_eq!([queue.claim(), queue.claim(), queue.claim()], [Some(0), Some(1), Some(2)]);
        queue.put(0, (), 1);
        queue.put(1, (), 3);
        queue.put(2, (), 3);
        let (sender, receiver) = channel();
        std::thread::scope(|scope| {
            scope.spawn(|| sender.send(queue.claim()));
            // Of 7 bytes, 6 are left, then 3.
            queue.take();
            assert_eq!(receiver.recv_timeout(A_MOMENT), Err(RecvTimeoutError::Timeout));
            queue.take();
            assert_eq!(receiver.recv(), Ok(Some(3)));
        });
    }

    #[test]
    fn the_awaited_number_is_claimed_however_little_room_there_is() {
        let queue = Queue::new(3, 0, 0);
        for number in 0..3 {
            assert_eq!(queue.claim(), Some(number));
            queue.put(number, number, usize::MAX);
            assert_eq!(queue.take(), Some(number));
        }
    }

    #[test]
    fn stopping_wakes_the_waiting() {
        let queue = Queue::<()>::new(9, 1, usize::MAX);
        assert_eq!(queue.claim(), Some(0));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| queue.claim());
            queue.stop();
            assert_eq!(waiting.join().unwrap(), None);
        });
        assert_eq!(queue.claim(), None);
    }
}
