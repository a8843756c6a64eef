//! What each defect does to a board: one file per group, one function per type.

pub(super) mod contamination;
pub(super) mod mounting;
pub(super) mod soldering;

use madenet_rng::Stream;

use super::footprint::Site;
use super::scene::Scene;

pub(super) fn between(low: f32, high: f32, random: &mut Stream) -> f32 {
    low + (high - low) * random.uniform()
}

pub(super) fn sign(random: &mut Stream) -> f32 {
    if random.below(2) == 0 { -1.0 } else { 1.0 }
}

pub(super) fn pick<T: Copy, const N: usize>(items: &[T; N], random: &mut Stream) -> T {
    items[random.below(N)]
}

/// A key of a field of noise.
pub(super) fn key(random: &mut Stream) -> u32 {
    random.below(1 << 30) as u32
}

/// One of the joints that are seen, with its number; None where the body hides all of them.
pub(super) fn chosen(scene: &Scene, random: &mut Stream) -> Option<(usize, Site)> {
    let seen = scene.visible_joints();
    let &number = seen.get(random.below(seen.len()))?;
    Some((number, scene.site(number)?))
}

#[cfg(test)]
mod tests;
