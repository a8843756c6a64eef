//! Keyed, counter-based random streams: the one source of randomness of madenet.
//!
//! Every random number of a run comes from a [`Stream`] whose key says what it is for: `(seed, purpose, a, b)`, for
//! instance `(seed, "sfad/noise", step, image)`. Two streams with different keys are independent, and a stream does not
//! know who drew before it, so results do not depend on the number of threads or on the order of the work, and an
//! interrupted run continues with the very same numbers without saving generator state.
//!
//! The generator is ChaCha with 8 rounds (Bernstein 2008), a counter-based generator; the key fills its 256 bits
//! directly, so streams collide only where their keys do.
//!
//! ```
//! use madenet_rng::Stream;
//! let mut a = Stream::new(42, "dropout/classifier", 7, 0);
//! let mut b = Stream::new(42, "dropout/classifier", 7, 0);
//! assert_eq!(a.uniform(), b.uniform());
//! assert_ne!(a.uniform(), Stream::new(42, "dropout/classifier", 8, 0).uniform());
//! ```

mod epochs;

pub use epochs::Epochs;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use rand_distr::{Distribution, StandardNormal};

/// A random stream named by its key. See the [crate docs](crate).
#[derive(Clone, Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream of `(seed, purpose, a, b)`; `a` and `b` are counters of the caller's choice, such as epoch and sample.
    ///
    /// The 32 key bytes are, little-endian, `seed`, the 64-bit FNV-1a hash of `purpose`, `a` and `b`.
    #[must_use]
    pub fn new(seed: u64, purpose: &str, a: u64, b: u64) -> Self {
        let mut key = [0; 32];
        for (slot, word) in key.chunks_exact_mut(8).zip([seed, fnv1a64(purpose.as_bytes()), a, b]) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
        Stream(ChaCha8Rng::from_seed(key))
    }

    /// A number of the uniform distribution on `[0, 1)`: the upper 24 bits of one 32-bit word, all that an `f32` holds.
    pub fn uniform(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 * (1.0 / (1 << 24) as f32)
    }

    /// A number of the standard normal distribution.
    pub fn normal(&mut self) -> f32 {
        StandardNormal.sample(&mut self.0)
    }

    /// A whole number of `0..n`, every one equally likely.
    ///
    /// Multiplies a 64-bit word by `n` and keeps the upper half; the bias is below `n / 2^64`. Gives 0 for `n = 0`.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.0.next_u64()) * n as u128) >> 64) as usize
    }

    /// Puts `items` into random order (Fisher-Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = self.below(i + 1);
            items.swap(i, j);
        }
    }

    /// The numbers `0..n` in random order.
    #[must_use]
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        self.shuffle(&mut order);
        order
    }
}

/// Lets a stream drive the distributions of the crate `rand_distr`.
impl RngCore for Stream {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }
}

/// The 64-bit FNV-1a hash of `bytes` ([Fowler, Noll and Vo](http://www.isthe.com/chongo/tech/comp/fnv/)), the same on every
/// machine and in every version: short, and good enough to tell purposes apart. The upper bits depend little on the last bytes, and whoever chooses
/// the input can make hashes collide.
///
/// ```
/// // Noll's test vectors.
/// assert_eq!(madenet_rng::fnv1a64(b""), 0xcbf2_9ce4_8422_2325);
/// assert_eq!(madenet_rng::fnv1a64(b"foobar"), 0x8594_4171_f739_67e8);
/// ```
#[must_use]
pub fn fnv1a64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_the_key_counts() {
        let mut seen: Vec<u64> =
            [(1, "x", 2, 3), (2, "x", 2, 3), (1, "y", 2, 3), (1, "x", 3, 3), (1, "x", 2, 4), (1, "x", 3, 2)]
                .map(|(seed, purpose, a, b)| Stream::new(seed, purpose, a, b).next_u64())
                .to_vec();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 6);
    }

    /// Files written by one version are continued by the next: the numbers are part of the format.
    #[test]
    fn numbers_are_pinned() {
        assert_eq!(fnv1a64(b"a"), 0xaf63_dc4c_8601_ec8c);
        let mut stream = Stream::new(42, "pin", 1, 2);
        let drawn: Vec<u32> = (0..3).map(|_| stream.next_u32()).collect();
        assert_eq!(drawn, PINNED);
    }
    const PINNED: [u32; 3] = [3_287_463_888, 3_566_198_775, 1_382_556_710];

    #[test]
    fn moments_are_those_of_the_distributions() {
        let mut stream = Stream::new(0, "moments", 0, 0);
        let n = 100_000;
        let mean = |xs: &[f32]| xs.iter().map(|&x| f64::from(x)).sum::<f64>() / xs.len() as f64;
        let uniform: Vec<f32> = (0..n).map(|_| stream.uniform()).collect();
        assert!(uniform.iter().all(|u| (0.0..1.0).contains(u)));
        // Standard errors: 0.0009 of the uniform mean, 0.003 of the normal mean, 0.0045 of its variance.
        assert!((mean(&uniform) - 0.5).abs() < 0.005);
        let normal: Vec<f32> = (0..n).map(|_| stream.normal()).collect();
        assert!(mean(&normal).abs() < 0.016);
        let squares: Vec<f32> = normal.iter().map(|x| x * x).collect();
        assert!((mean(&squares) - 1.0).abs() < 0.025);
    }

    #[test]
    fn permutation_holds_every_number_once() {
        let mut order = Stream::new(3, "order", 0, 0).permutation(100);
        assert_ne!(order, (0..100).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..100).collect::<Vec<_>>());
        assert_eq!(Stream::new(3, "none", 0, 0).below(0), 0);
        assert_eq!(Stream::new(3, "one", 0, 0).below(1), 0);
    }
}
