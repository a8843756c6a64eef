//! The sum of a row's pixels.

use super::LANES;
use crate::simd::Simd;

/// Vectors that are in flight at once.
const WIDE: usize = 4;

/// The sum of `pixels` pixels, in an order that depends on their number only.
///
/// # Safety
/// The pixels can be read.
#[inline(always)]
pub(super) unsafe fn sum_row<S: Simd>(simd: S, x: *const f32, pixels: usize) -> S::V {
    let mut sums = [simd.splat(0.0); WIDE];
    let wide = pixels - pixels % WIDE;
    for at in (0..wide).step_by(WIDE) {
        for (index, sum) in sums.iter_mut().enumerate() {
            // SAFETY: below `wide`, and so below `pixels`.
            *sum = simd.add(*sum, unsafe { simd.load(x.add((at + index) * LANES)) });
        }
    }
    for at in wide..pixels {
        // SAFETY: below `pixels`.
        sums[0] = simd.add(sums[0], unsafe { simd.load(x.add(at * LANES)) });
    }
    simd.add(simd.add(sums[0], sums[1]), simd.add(sums[2], sums[3]))
}
