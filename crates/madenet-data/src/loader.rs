//! Samples decoded ahead by several threads, in a fixed order and in bounded memory.
//!
//! A loader borrows its data set, as everything here does, so its threads live in a scope: [`Loader::run`]
//! starts them, lends an iterator to a closure, and has stopped them when it returns, whether the closure has
//! read everything, left early or panicked. An iterator that owns its threads would need `Arc<dyn Dataset>`
//! from every caller, while `fit` and `evaluate` borrow; a callback per sample would make batches, `?` and
//! early exits awkward. A lent iterator has neither trouble, so it is the only form.

use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

use crate::queue::Queue;
use crate::{Dataset, Error, Result, Sample};

/// Reads the samples of a data set ahead of their use. See [`Loader::run`].
///
/// ```
/// # use madenet_data::{Entry, Label};
/// # use madenet_image::{Image, save_png};
/// use madenet_data::{Loader, Records};
///
/// # let dir = tempfile::tempdir()?;
/// # let entry = |level: u8| {
/// #     let image = dir.path().join(format!("{level}.png"));
/// #     save_png(&Image::new(1, 1, vec![level; 3])?, &image)?;
/// #     let (category, label) = ("part".to_owned(), Label::Normal);
/// #     Ok(Entry { id: format!("{level}.png"), category, label, defect_type: None, image, mask: None })
/// # };
/// # let entries = [5, 6, 7, 8].map(entry).into_iter().collect::<Result<_, madenet_image::Error>>()?;
/// # let records = Records::new(entries);
/// // Four pictures of one pixel, with the levels 5, 6, 7 and 8.
/// let loader = Loader::new(&records).order(vec![3, 0, 2]).threads(2).prefetch(4);
/// let mut levels = Vec::new();
/// loader.run(|samples| {
///     for (index, sample) in samples {
///         levels.push((index, sample?.image.to_rgb().pixels()[0]));
///     }
///     Ok::<_, madenet_data::Error>(())
/// })?;
/// assert_eq!(levels, [(3, 8), (0, 5), (2, 7)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Memory
/// Beside what the caller keeps, at most `prefetch + threads` samples exist at a time, decoded or being
/// decoded. One takes `width * height * (channels * bytes per value + 1 for the mask)` bytes: RGB of 8 bits
/// with masks at 256 x 256 pixels takes 256 KiB, which makes `(prefetch + threads) / 4` MiB. Each thread at
/// work adds the file and the decoder's buffers, which [`DecodeLimits`](madenet_image::DecodeLimits) bound.
#[derive(Clone)]
pub struct Loader<'a> {
    data: &'a dyn Dataset,
    order: Vec<usize>,
    threads: usize,
    prefetch: usize,
}

/// Default number of threads at most. A choice: it keeps the default memory at 48 samples on large machines.
const MOST_DEFAULT_THREADS: usize = 16;

impl<'a> Loader<'a> {
    /// Every sample of `data` once, in order; a thread for every core but at most 16, and a prefetch of twice
    /// that.
    #[must_use]
    pub fn new(data: &'a dyn Dataset) -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let threads = cores.min(MOST_DEFAULT_THREADS);
        Loader { data, order: (0..data.len()).collect(), threads, prefetch: 2 * threads }
    }

    /// Other indices to read, in this order: a shuffled epoch, or several in a row, so that the threads
    /// are not idle between them. Each takes 8 bytes. One beyond the end gives
    /// [`Error::NoSuchSample`] in its place.
    #[must_use]
    pub fn order(self, order: Vec<usize>) -> Self {
        Loader { order, ..self }
    }

    /// How many threads decode. With 0 the caller's does it whenever it asks for a sample. The number
    /// does not change what is read; where the system gives fewer threads, these do the work.
    #[must_use]
    pub fn threads(self, threads: usize) -> Self {
        Loader { threads, ..self }
    }

    /// How many decoded samples may wait. With 0 each thread still holds the one that it has decoded.
    #[must_use]
    pub fn prefetch(self, prefetch: usize) -> Self {
        Loader { prefetch, ..self }
    }

    /// Calls `consume` with the samples and gives back its result; when it returns, early or not, the
    /// threads stop after the sample that they are at.
    ///
    /// # Panics
    /// If reading a sample panics, as a plain loop would: on the caller's thread, when the sample is asked
    /// for.
    pub fn run<R>(&self, consume: impl FnOnce(&mut Samples<'_>) -> R) -> R {
        let threads = self.threads.min(self.order.len());
        let queue = Queue::new(self.order.len(), self.prefetch.saturating_add(threads));
        thread::scope(|scope| {
            // Dropped on every way out, before the scope waits for the threads.
            let mut samples = Samples { loader: self, queue: &queue, threads: 0, taken: 0 };
            for _ in 0..threads {
                let thread = thread::Builder::new().name("madenet-loader".to_owned());
                if thread.spawn_scoped(scope, || self.work(&queue)).is_err() {
                    break;
                }
                samples.threads += 1;
            }
            consume(&mut samples)
        })
    }

    fn work(&self, queue: &Queue<Outcome>) {
        while let Some(number) = queue.claim() {
            // A panic travels to the consumer, who sees it as if it had read the sample itself.
            queue.put(number, catch_unwind(AssertUnwindSafe(|| self.data.get(self.order[number]))));
        }
    }
}

/// What reading a sample gave: the sample, an error, or a panic of the data set.
type Outcome = thread::Result<Result<Sample>>;

/// The samples of a [`Loader`] in its order: each with its index in the data set, or why it could not be
/// read.
///
/// `sample?` is the strict way, which ends with the first bad file; [`lenient`](Self::lenient) goes on
/// without it.
pub struct Samples<'a> {
    loader: &'a Loader<'a>,
    queue: &'a Queue<Outcome>,
    /// Threads at work; with none, samples are read here.
    threads: usize,
    taken: usize,
}

impl Samples<'_> {
    /// The samples that can be read, and the others' indices and errors into `bad`, in order.
    /// [`Records::quarantined`](crate::Records::quarantined) makes a report of them.
    ///
    /// ```
    /// # use madenet_data::{Entry, Label};
    /// use madenet_data::{Loader, Records};
    ///
    /// # let entry = |id: &str| Entry {
    /// #     id: id.to_owned(), category: "part".to_owned(), label: Label::Normal, defect_type: None,
    /// #     image: id.into(), mask: None,
    /// # };
    /// # let records = Records::new(vec![entry("no/such/a.png"), entry("no/such/b.png")]);
    /// let mut bad = Vec::new();
    /// let read = Loader::new(&records).run(|samples| samples.lenient(&mut bad).count());
    /// assert_eq!((read, bad.len()), (0, 2));
    /// assert_eq!(bad[1].0, 1);
    /// assert_eq!(
    ///     bad[1].1.to_string(),
    ///     "cannot read a picture: there is no such file: no/such/b.png"
    /// );
    /// ```
    pub fn lenient(&mut self, bad: &mut Vec<(usize, Error)>) -> impl Iterator<Item = (usize, Sample)> {
        self.filter_map(move |(index, sample)| match sample {
            Ok(sample) => Some((index, sample)),
            Err(error) => {
                bad.push((index, error));
                None
            }
        })
    }
}

impl Iterator for Samples<'_> {
    type Item = (usize, Result<Sample>);

    fn next(&mut self) -> Option<Self::Item> {
        let &index = self.loader.order.get(self.taken)?;
        self.taken += 1;
        if self.threads == 0 {
            return Some((index, self.loader.data.get(index)));
        }
        let sample = self.queue.take()?.unwrap_or_else(|panic| resume_unwind(panic));
        Some((index, sample))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.loader.order.len() - self.taken;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Samples<'_> {}

impl Drop for Samples<'_> {
    fn drop(&mut self) {
        self.queue.stop();
    }
}
