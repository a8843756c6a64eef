//! What the tests of several files share.

use proptest::prelude::*;

use crate::Mask;

/// Masks of 1 x 1 to 12 x 12 pixels, from almost empty to almost full.
pub(crate) fn masks() -> impl Strategy<Value = Mask> {
    let size = (1..=12usize, 1..=12usize, 0.05..0.95f64);
    size.prop_flat_map(|(width, height, share)| {
        let data = proptest::collection::vec(proptest::bool::weighted(share), width * height);
        data.prop_map(move |data| Mask::from_parts(width, height, data))
    })
}
