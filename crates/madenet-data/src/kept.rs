//! What is made from samples, kept where memory allows.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// Things made one by one when they are first asked for, kept as long as they fit in a number of bytes, and else made anew
/// every time. One serves many threads.
///
/// ```
/// use madenet_data::Kept;
///
/// let squares = Kept::new(10, 16);
/// let square = |i: usize| squares.get(i, || Ok::<_, ()>((i * i, 8)));
/// assert_eq!((*square(3).unwrap(), *square(4).unwrap()), (9, 16));
/// // Two of 8 bytes are kept.
/// assert!(squares.get(3, || Err(())).is_ok());
/// assert_eq!(*square(5).unwrap(), 25);
/// assert!(squares.get(5, || Err(())).is_err());
/// ```
#[derive(Debug)]
pub struct Kept<T> {
    slots: Vec<OnceLock<Arc<T>>>,
    /// Bytes that may still be kept.
    left: AtomicUsize,
}

impl<T> Kept<T> {
    /// Nothing yet, of `len` things of at most `bytes` together.
    #[must_use]
    pub fn new(len: usize, bytes: usize) -> Self {
        Kept { slots: (0..len).map(|_| OnceLock::new()).collect(), left: AtomicUsize::new(bytes) }
    }

    /// Thing `i`, which `make` gives with its bytes where it is not there; beyond the end it is made every time. Threads that
    /// ask at once may make it more than once.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn get<E>(&self, i: usize, make: impl FnOnce() -> Result<(T, usize), E>) -> Result<Arc<T>, E> {
        let Some(slot) = self.slots.get(i) else { return Ok(Arc::new(make()?.0)) };
        if let Some(thing) = slot.get() {
            return Ok(Arc::clone(thing));
        }
        let (thing, bytes) = make()?;
        let thing = Arc::new(thing);
        let take = |left: usize| left.checked_sub(bytes);
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
            return Ok(Arc::clone(slot.get_or_init(|| thing)));
        }
        Ok(thing)
    }
}
