//! What each defect does to a board: one file per group, one function per type.

pub(super) mod contamination;
pub(super) mod mounting;
pub(super) mod soldering;

use madenet_rng::Stream;

use super::footprint::Site;
use super::scene::Scene;

/// One of the joints that are seen, with its number; None where the body hides all of them.
pub(super) fn chosen(scene: &Scene, random: &mut Stream) -> Option<(usize, Site)> {
    let seen = scene.visible_joints();
    let &number = seen.get(random.below(seen.len()))?;
    Some((number, scene.site(number)?))
}

#[cfg(test)]
mod tests;
