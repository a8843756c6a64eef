//! Orders of samples.

use crate::Stream;

/// Places of samples in an order that is drawn anew for every epoch: sample after sample, all of them once before any comes
/// again. The epoch that was asked for last is kept.
///
/// ```
/// use madenet_rng::Epochs;
/// let mut epochs = Epochs::new(42, "training", 0, 5);
/// let mut first: Vec<usize> = (0..5).map(|number| epochs.at(number)).collect();
/// let second: Vec<usize> = (5..10).map(|number| epochs.at(number)).collect();
/// assert_ne!(first, second);
/// assert_eq!(epochs.at(2), first[2]);
/// first.sort_unstable();
/// assert_eq!(first, [0, 1, 2, 3, 4]);
/// ```
#[derive(Clone, Debug)]
pub struct Epochs {
    seed: u64,
    purpose: &'static str,
    a: u64,
    len: usize,
    last: Option<(u64, Vec<usize>)>,
}

impl Epochs {
    /// Orders of `0..len`: that of epoch `b` is drawn from the stream of `(seed, purpose, a, b)`.
    #[must_use]
    pub fn new(seed: u64, purpose: &'static str, a: u64, len: usize) -> Self {
        Epochs { seed, purpose, a, len, last: None }
    }

    /// The place with this number of all epochs; 0 if there are no samples.
    pub fn at(&mut self, number: u64) -> usize {
        let len = self.len.max(1) as u64;
        let (epoch, place) = (number / len, (number % len) as usize);
        if self.last.as_ref().is_none_or(|(known, _)| *known != epoch) {
            let order = Stream::new(self.seed, self.purpose, self.a, epoch).permutation(self.len);
            self.last = Some((epoch, order));
        }
        self.last.as_ref().and_then(|(_, order)| order.get(place).copied()).unwrap_or(0)
    }
}
