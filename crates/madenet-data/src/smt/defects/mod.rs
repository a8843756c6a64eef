//! What each defect does to a board: one file per group, one function per type.

pub(super) mod contamination;
pub(super) mod mounting;
pub(super) mod soldering;

use madenet_rng::Stream;

pub(super) fn between(low: f32, high: f32, random: &mut Stream) -> f32 {
    low + (high - low) * random.uniform()
}

pub(super) fn sign(random: &mut Stream) -> f32 {
    if random.below(2) == 0 { -1.0 } else { 1.0 }
}

pub(super) fn pick<T: Copy, const N: usize>(items: &[T; N], random: &mut Stream) -> T {
    items[random.below(N)]
}
