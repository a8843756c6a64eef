//! A pass over the pixels of a row that were just written, or are summed.

use super::LANES;
use crate::Activation;
use crate::simd::{Simd, activate};

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

/// Applies a function to `pixels` pixels in their place.
///
/// # Safety
/// The pixels can be read and written.
#[inline(always)]
pub(super) unsafe fn activate_row<S: Simd>(simd: S, function: Activation, x: *mut f32, pixels: usize) {
    let wide = pixels - pixels % WIDE;
    // SAFETY: all tiles end at `pixels` or before.
    unsafe {
        for at in (0..wide).step_by(WIDE) {
            activate_tile::<S, WIDE>(simd, function, x.add(at * LANES));
        }
        for at in wide..pixels {
            activate_tile::<S, 1>(simd, function, x.add(at * LANES));
        }
    }
}

#[inline(always)]
unsafe fn activate_tile<S: Simd, const N: usize>(simd: S, function: Activation, x: *mut f32) {
    let mut values = [simd.splat(0.0); N];
    for (index, value) in values.iter_mut().enumerate() {
        // SAFETY: one of `N` pixels.
        *value = unsafe { simd.load(x.add(index * LANES)) };
    }
    activate(simd, function, &mut values);
    for (index, value) in values.iter().enumerate() {
        // SAFETY: one of `N` pixels.
        unsafe { simd.store(*value, x.add(index * LANES)) };
    }
}
