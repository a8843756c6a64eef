use std::fmt;
use std::sync::Arc;

use crate::{Error, Result};

/// How many threads work may use: the application owns the machine's budget, not the library.
///
/// The default is the `rayon` pool that the caller is in, which outside of any pool is the global one, with a thread for
/// every core. [`Threads::new`] makes a pool of its own; clones share it. Results never depend on the number.
///
/// Detectors take a budget for their predictions; everything else, a fit for instance, takes the one that it is
/// [`run`](Threads::run) in.
///
/// ```
/// use madenet_core::Threads;
///
/// let budget = Threads::new(2)?;
/// assert_eq!(budget.count(), 2);
/// assert_eq!(budget.run(|| 6 * 7), 42);
/// # Ok::<(), madenet_core::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Threads(Option<Arc<rayon::ThreadPool>>);

impl Threads {
    /// Most threads of one budget: more is a mistake, not a machine.
    pub const MAX: usize = 1024;

    /// A pool of `count` threads, 1 to [`MAX`](Self::MAX).
    ///
    /// # Errors
    /// [`Error::Config`] outside this range, [`Error::Threads`] if the system gives no threads.
    pub fn new(count: usize) -> Result<Self> {
        if !(1..=Self::MAX).contains(&count) {
            return Err(Error::Config { field: "threads", got: count.to_string(), expected: "1 to 1024" });
        }
        let name = |i| format!("madenet-{i}");
        let pool = rayon::ThreadPoolBuilder::new().num_threads(count).thread_name(name).build();
        Ok(Threads(Some(Arc::new(
            pool.map_err(|source| Error::Threads { count, source: Box::new(source) })?,
        ))))
    }

    /// Number of threads.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.as_ref().map_or_else(rayon::current_num_threads, |pool| pool.current_num_threads())
    }

    /// Runs `work`, and whatever it does in parallel, within the budget.
    pub fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.0 {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(_) => write!(f, "Threads({})", self.count()),
            None => f.write_str("Threads(the caller's)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_runs_in_its_pool() -> Result<()> {
        for count in [1, 3] {
            let threads = Threads::new(count)?;
            assert_eq!(threads.run(rayon::current_num_threads), count);
            assert_eq!(threads.clone().count(), count);
        }
        assert_eq!(Threads::default().run(rayon::current_num_threads), rayon::current_num_threads());
        for count in [0, Threads::MAX + 1] {
            assert!(matches!(Threads::new(count), Err(Error::Config { .. })));
        }
        Ok(())
    }
}
