//! Threads that stand by while a network runs.
//!
//! A network is hundreds of short parallel sections. Waking a sleeping thread for each costs more than many of them take, so
//! for the length of a run the pool's threads wait awake ([`team`]) and the run's own thread hands sections to them: it
//! publishes the section, works on it itself, closes it, and waits for those who are still inside. Who comes late finds the
//! section closed; a thread that the system has taken away holds up only the unit it is working on.

#![allow(unsafe_code)]

use std::cell::{Cell, UnsafeCell};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How often a waiting thread looks before it offers its core to others: some 20 microseconds.
const LOOKS: u32 = 1 << 10;

/// Whether a section can be entered, above the number of threads inside.
const OPEN: u64 = 1 << 31;

/// From here on, the number of the section.
const SECTION: u32 = 32;

/// What threads do in a section; the argument is the thread's number.
type Work<'a> = &'a (dyn Fn(usize) + Sync);

struct Team {
    /// Number of the section, whether it is open, and how many threads are inside besides the owner.
    state: AtomicU64,
    /// The open section's work.
    work: UnsafeCell<Option<Work<'static>>>,
    finished: AtomicBool,
    /// Whether the owner is in a section: what it starts from there, it does alone. Used by the owner only.
    busy: Cell<bool>,
}

// SAFETY: `work` is written by the owner while no section is open, and read by threads that have entered one; `busy` is the
// owner's alone.
unsafe impl Sync for Team {}

thread_local! {
    /// The team whose owner this thread is.
    static OWN: Cell<*const Team> = const { Cell::new(ptr::null()) };
    /// Whether this thread owns a team or stands by for one. Such a thread may meet other teams, as rayon lets threads that wait
    /// do other work: it must not stand by for them, or two teams could wait for each other.
    static ENGAGED: Cell<bool> = const { Cell::new(false) };
}

/// Calls `f` with the ambient pool's threads standing by for the parallel sections in it.
///
/// They wait awake until `f` is done, so this is for work of milliseconds with many sections, as the run of a network is;
/// threads that are busy with something else do not come, and `f` goes on without them. From outside of a pool, `f` runs on one
/// of its threads.
///
/// ```
/// // The sections of both kernels find the threads awake.
/// let sum = madenet_kernels::team(|| 1 + 1);
/// assert_eq!(sum, 2);
/// ```
pub fn team<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    let threads = rayon::current_num_threads();
    if threads == 1 {
        return f();
    }
    let team = Team {
        state: AtomicU64::new(0),
        work: UnsafeCell::new(None),
        finished: AtomicBool::new(false),
        busy: Cell::new(false),
    };
    let team = &team;
    rayon::scope(|scope| {
        // Here and not before: from outside of the pool, this runs on one of its threads.
        if ENGAGED.get() {
            return f();
        }
        for thread in 1..threads {
            scope.spawn(move |_| team.stand_by(thread));
        }
        // Dropped also when `f` panics, so that the others go home.
        let _owner = Owner::new(team);
        f()
    })
}

/// Makes a thread the owner of a team until it is dropped.
struct Owner<'a>(&'a Team);

impl<'a> Owner<'a> {
    fn new(team: &'a Team) -> Self {
        OWN.set(team);
        ENGAGED.set(true);
        Owner(team)
    }
}

impl Drop for Owner<'_> {
    fn drop(&mut self) {
        OWN.set(ptr::null());
        ENGAGED.set(false);
        self.0.finished.store(true, Ordering::Release);
    }
}

/// Calls `work` on the threads that stand by for this one, and on this one as number 0; false if there are none, or they are in
/// a section already.
pub(crate) fn work_together(work: Work<'_>) -> bool {
    let team = OWN.get();
    if team.is_null() {
        return false;
    }
    // SAFETY: set by `team` for as long as it is borrowed there, on this thread.
    unsafe { &*team }.section(work)
}

/// Whether this thread is in a section of its team, where it has to work alone.
pub(crate) fn is_busy() -> bool {
    let team = OWN.get();
    // SAFETY: as above.
    !team.is_null() && unsafe { &*team }.busy.get()
}

impl Team {
    fn section(&self, work: Work<'_>) -> bool {
        if self.busy.replace(true) {
            return false;
        }
        let number = (self.state.load(Ordering::Relaxed) >> SECTION) + 1;
        // SAFETY: no section is open, so nobody reads. The lifetime is only said to be longer: `Closing` waits for all threads
        // that have entered the section, and nobody enters one that is closed.
        unsafe { *self.work.get() = Some(std::mem::transmute::<Work<'_>, Work<'static>>(work)) };
        self.state.store(number << SECTION | OPEN, Ordering::Release);
        let _closing = Closing(self);
        work(0);
        true
    }

    /// Takes part in sections until the owner has finished.
    fn stand_by(&self, thread: usize) {
        if ENGAGED.replace(true) {
            return;
        }
        let _engaged = Engaged;
        let (mut last, mut looks) = (0, 0);
        while !self.finished.load(Ordering::Acquire) {
            let state = self.state.load(Ordering::Acquire);
            let is_new = state & OPEN != 0 && state >> SECTION != last;
            if is_new
                && self.state.compare_exchange(state, state + 1, Ordering::Acquire, Ordering::Relaxed).is_ok()
            {
                let _inside = Inside(self);
                // SAFETY: inside an open section, `work` is set and not written.
                if let Some(work) = unsafe { *self.work.get() } {
                    work(thread);
                }
                (last, looks) = (state >> SECTION, 0);
            } else {
                wait(&mut looks);
            }
        }
    }
}

/// A thread that stands by.
struct Engaged;

impl Drop for Engaged {
    fn drop(&mut self) {
        ENGAGED.set(false);
    }
}

/// Closes the owner's section and waits for the others.
struct Closing<'a>(&'a Team);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        let mut looks = 0;
        let mut state = self.0.state.fetch_and(!OPEN, Ordering::AcqRel);
        while state & (OPEN - 1) != 0 {
            wait(&mut looks);
            state = self.0.state.load(Ordering::Acquire);
        }
        self.0.busy.set(false);
    }
}

/// A thread within a section.
struct Inside<'a>(&'a Team);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.state.fetch_sub(1, Ordering::Release);
    }
}

fn wait(looks: &mut u32) {
    if *looks < LOOKS {
        *looks += 1;
        std::hint::spin_loop();
    } else {
        std::thread::yield_now();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::units::{share, share_among};

    fn pool(threads: usize) -> rayon::ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
    }

    #[test]
    fn every_unit_of_every_section_is_done_once() {
        for threads in [1, 2, 3, 8] {
            let counts: Vec<AtomicUsize> = (0..37).map(|_| AtomicUsize::new(0)).collect();
            pool(threads).install(|| {
                team(|| {
                    for _ in 0..500 {
                        share(counts.len(), 1 << 20, |unit| {
                            counts[unit].fetch_add(1, Ordering::Relaxed);
                        });
                    }
                });
            });
            assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 500), "{threads} threads");
        }
    }

    #[test]
    fn workers_have_numbers_of_their_own() {
        let inside: Vec<AtomicUsize> = (0..4).map(|_| AtomicUsize::new(0)).collect();
        pool(4).install(|| {
            team(|| {
                for _ in 0..200 {
                    share_among(3, 50, |worker, _| {
                        assert_eq!(inside[worker].fetch_add(1, Ordering::SeqCst), 0);
                        inside[worker].fetch_sub(1, Ordering::SeqCst);
                    });
                }
            });
        });
        assert_eq!(inside[3].load(Ordering::SeqCst), 0);
    }

    /// A section within a unit, a team within a team, and teams side by side in one pool.
    #[test]
    fn sections_may_be_nested_and_teams_share_a_pool() {
        let total = AtomicUsize::new(0);
        let run = || {
            team(|| {
                team(|| {
                    share(8, 1 << 20, |_| {
                        share(8, 1 << 20, |_| {
                            total.fetch_add(1, Ordering::Relaxed);
                        });
                    });
                });
            });
        };
        run();
        for _ in 0..50 {
            pool(3).install(|| rayon::join(run, || rayon::join(run, run)));
        }
        assert_eq!(total.load(Ordering::Relaxed), 151 * 64);
    }

    #[test]
    fn a_panic_reaches_the_caller() {
        let result = std::panic::catch_unwind(|| {
            pool(2).install(|| team(|| share(4, 1 << 20, |unit| assert!(unit != 3, "unit {unit}"))));
        });
        assert!(result.is_err());
        assert_eq!(pool(2).install(|| team(|| 7)), 7);
    }
}
