//! Samples decoded ahead by several threads, in a fixed order and in bounded memory.
//!
//! A loader borrows its data set, as everything here does, so its threads live in a scope: [`Loader::run`]
//! starts them, lends an iterator to a closure, and has stopped them when it returns, whether the closure has
//! read everything, left early or panicked. An iterator that owns its threads would need `Arc<dyn Dataset>`
//! from every caller, while `fit` and `evaluate` borrow; a callback per sample would make batches, `?` and
//! early exits awkward. A lent iterator has neither trouble, so it is the only form.

use std::num::NonZero;
use std::thread;

use super::ordered::{Ahead, Ordered, ordered};
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
/// Beside what the caller keeps, at most `prefetch + threads` samples exist at a time, decoded or being decoded.
/// A sample takes `width * height * (channels * bytes per value + 1 for the mask)` bytes: RGB of 8 bits with
/// masks at 256 x 256 pixels takes 256 KiB, which makes `(prefetch + threads) / 4` MiB.
///
/// Of large pictures fewer exist: none is begun while those that wait take [`memory`](Self::memory) bytes or
/// more, unless nothing else is under way. How large a picture is shows only when it is decoded, so the true
/// bound is `memory` bytes and the largest sample once for each thread: with the default 1 GiB and 16 threads,
/// 5 GiB for pictures of 8192 x 8192 pixels, which take 256 MiB each. Fewer threads take less.
///
/// Each thread at work adds the file and the decoder's buffers, which
/// [`DecodeLimits`](madenet_image::DecodeLimits) bound.
#[derive(Clone)]
pub struct Loader<'a> {
    data: &'a dyn Dataset,
    order: Order,
    threads: usize,
    prefetch: usize,
    memory: usize,
}

/// Which samples to read.
#[derive(Clone)]
enum Order {
    /// So many from the first on, without a list of them.
    First(usize),
    Given(Vec<usize>),
}

impl Order {
    fn len(&self) -> usize {
        match self {
            Order::First(len) => *len,
            Order::Given(indices) => indices.len(),
        }
    }

    /// The index of the sample to read as the one with this number, which lies below the length.
    fn index(&self, number: usize) -> usize {
        match self {
            Order::First(_) => number,
            Order::Given(indices) => indices[number],
        }
    }
}

/// Default number of threads at most. A choice: it keeps the default memory at 48 samples on large machines.
const MOST_DEFAULT_THREADS: usize = 16;

/// Default bytes of samples that wait. A choice: 16 samples of 4096 x 4096 pixels, and little beside what a
/// training takes.
const DEFAULT_MEMORY: usize = 1 << 30;

impl<'a> Loader<'a> {
    /// Every sample of `data` once, in order; a thread for every core but at most 16, a prefetch of twice that,
    /// and 1 GiB of memory.
    #[must_use]
    pub fn new(data: &'a dyn Dataset) -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let threads = cores.min(MOST_DEFAULT_THREADS);
        let order = Order::First(data.len());
        Loader { data, order, threads, prefetch: 2 * threads, memory: DEFAULT_MEMORY }
    }

    /// Other indices to read, in this order: a shuffled epoch, or several in a row, so that the threads
    /// are not idle between them. Each takes 8 bytes. One beyond the end gives
    /// [`Error::NoSuchSample`] in its place.
    #[must_use]
    pub fn order(self, order: Vec<usize>) -> Self {
        Loader { order: Order::Given(order), ..self }
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

    /// From how many bytes of decoded samples on, waiting to be asked for, no other is begun; see
    /// [Memory](Self#memory). With 0 the next sample is read only when the one before it has been taken.
    #[must_use]
    pub fn memory(self, bytes: usize) -> Self {
        Loader { memory: bytes, ..self }
    }

    /// Calls `consume` with the samples and gives back its result; when it returns, early or not, the
    /// threads stop after the sample that they are at.
    ///
    /// # Panics
    /// If reading a sample panics, as a plain loop would: on the caller's thread, when the sample is asked
    /// for.
    pub fn run<R>(&self, consume: impl FnOnce(&mut Samples<'_>) -> R) -> R {
        let ahead = Ahead { results: self.prefetch, bytes: self.memory, size: Indexed::bytes };
        let read = |number| {
            let index = self.order.index(number);
            Indexed { index, sample: self.data.get(index) }
        };
        ordered(self.order.len(), self.threads, ahead, read, |results| consume(&mut Samples { results }))
    }
}

/// What reading a sample gave.
struct Indexed {
    index: usize,
    sample: Result<Sample>,
}

impl Indexed {
    fn bytes(&self) -> usize {
        self.sample.as_ref().map_or(0, Sample::bytes)
    }
}

/// The samples of a [`Loader`] in its order: each with its index in the data set, or why it could not be
/// read.
///
/// `sample?` is the strict way, which ends with the first bad file; [`lenient`](Self::lenient) goes on
/// without it.
pub struct Samples<'a> {
    results: Ordered<'a, Indexed>,
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
        self.results.next().map(|Indexed { index, sample }| (index, sample))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.results.size_hint()
    }
}

impl ExactSizeIterator for Samples<'_> {}
