//! The random numbers of one board.

use madenet_rng::Stream;

/// Two streams: what is printed and routed is the same on all boards of a design, the rest is each board's
/// own.
pub(crate) struct Lots {
    pub(crate) design: Stream,
    pub(crate) board: Stream,
}

/// Any number from `low` to `high` alike.
pub(crate) fn between(low: f32, high: f32, random: &mut Stream) -> f32 {
    low + (high - low) * random.uniform()
}

/// Any number up to `size` either way alike.
pub(crate) fn spread(size: f32, random: &mut Stream) -> f32 {
    size * (2.0 * random.uniform() - 1.0)
}

/// An error of manufacture: normal with the standard deviation `sigma`, and at most twice that.
pub(crate) fn tolerance(sigma: f32, random: &mut Stream) -> f32 {
    sigma * random.normal().clamp(-2.0, 2.0)
}

pub(crate) fn sign(random: &mut Stream) -> f32 {
    if random.below(2) == 0 { -1.0 } else { 1.0 }
}

pub(crate) fn pick<T: Copy, const N: usize>(items: &[T; N], random: &mut Stream) -> T {
    items[random.below(N)]
}

/// A key of a field of noise.
pub(crate) fn key(random: &mut Stream) -> u32 {
    random.below(1 << 30) as u32
}

#[cfg(test)]
impl Lots {
    /// Those of some board.
    pub(crate) fn example(seed: u64) -> Self {
        let stream = |purpose| Stream::new(seed, purpose, 0, 0);
        Lots { design: stream("design"), board: stream("board") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lots_stay_in_their_ranges() {
        let mut random = Stream::new(0, "lots", 0, 0);
        for _ in 0..200 {
            assert!((2.0..=3.0).contains(&between(2.0, 3.0, &mut random)));
            assert!(spread(0.5, &mut random).abs() <= 0.5);
            assert!(tolerance(0.5, &mut random).abs() <= 1.0);
            assert_eq!(sign(&mut random).abs(), 1.0);
            assert!(pick(&[3, 5], &mut random) % 2 == 1);
            assert!(key(&mut random) < 1 << 30);
        }
    }
}
