//! The taps of one row of a window, for several neighbouring windows at once: what depthwise convolution and pooling share.

use super::LANES;
use crate::simd::Simd;

/// What happens to a window's value at a tap.
pub(super) trait Step<S: Simd>: Copy {
    /// # Safety
    /// `tap` is a column of the window for which the step was made.
    unsafe fn step(self, simd: S, tap: usize, value: S::V, x: S::V) -> S::V;
}

/// The columns of a window.
pub(super) trait Columns: Copy {
    /// The widest tile: what the compiler unrolls whole, so that its values stay in registers.
    const WIDEST: usize;

    /// Pixels from one window to the next.
    fn stride(self) -> usize;

    /// Takes `P` windows through their taps of one row; the first window starts at `x`.
    ///
    /// # Safety
    /// All pixels under the `P` windows can be read, and the step has as many columns.
    unsafe fn row<S: Simd, F: Step<S>, const P: usize>(
        self,
        simd: S,
        step: F,
        x: *const f32,
        values: &mut [S::V; P],
    );
}

/// `K` columns side by side. Every pixel is loaded once for all windows that it lies under.
#[derive(Clone, Copy)]
pub(super) struct Fixed<const K: usize, const STRIDE: usize>;

impl<const K: usize, const STRIDE: usize> Columns for Fixed<K, STRIDE> {
    const WIDEST: usize = if STRIDE == 1 { 8 } else { 4 };

    #[inline(always)]
    fn stride(self) -> usize {
        STRIDE
    }

    #[inline(always)]
    unsafe fn row<S: Simd, F: Step<S>, const P: usize>(
        self,
        simd: S,
        step: F,
        x: *const f32,
        values: &mut [S::V; P],
    ) {
        for pixel in 0..(P - 1) * STRIDE + K {
            // SAFETY: a pixel under the windows.
            let loaded = unsafe { simd.load(x.add(pixel * LANES)) };
            for tap in 0..K {
                if pixel >= tap && (pixel - tap).is_multiple_of(STRIDE) && (pixel - tap) / STRIDE < P {
                    let value = &mut values[(pixel - tap) / STRIDE];
                    // SAFETY: one of the window's columns.
                    *value = unsafe { step.step(simd, tap, *value, loaded) };
                }
            }
        }
    }
}

/// Any number of columns at any distance.
#[derive(Clone, Copy)]
pub(super) struct Any {
    pub(super) columns: usize,
    pub(super) stride: usize,
    pub(super) dilation: usize,
}

impl Columns for Any {
    const WIDEST: usize = 8;

    #[inline(always)]
    fn stride(self) -> usize {
        self.stride
    }

    #[inline(always)]
    unsafe fn row<S: Simd, F: Step<S>, const P: usize>(
        self,
        simd: S,
        step: F,
        x: *const f32,
        values: &mut [S::V; P],
    ) {
        for tap in 0..self.columns {
            for (window, value) in values.iter_mut().enumerate() {
                // SAFETY: a pixel under the windows, one of their columns.
                *value = unsafe {
                    let loaded = simd.load(x.add((window * self.stride + tap * self.dilation) * LANES));
                    step.step(simd, tap, *value, loaded)
                };
            }
        }
    }
}

/// What computes a tile of neighbouring windows.
pub(super) trait Tile<S: Simd>: Copy {
    /// The most windows of a tile.
    const WIDEST: usize;

    /// # Safety
    /// Windows `at .. at + P` exist.
    unsafe fn tile<const P: usize>(self, simd: S, at: usize);
}

/// Windows `from .. to` of a row, in the widest tiles that the instruction set's registers hold beside the weights of a row of
/// taps, the rest in narrower ones.
///
/// # Safety
/// The windows exist.
#[inline(always)]
pub(super) unsafe fn tiles<S: Simd, T: Tile<S>>(simd: S, tile: T, from: usize, to: usize) {
    let mut at = from;
    // SAFETY: all tiles end at `to` or before.
    unsafe {
        if S::ACCUMULATORS >= 16 && T::WIDEST >= 8 {
            while at + 8 <= to {
                tile.tile::<8>(simd, at);
                at += 8;
            }
        }
        if S::ACCUMULATORS >= 4 {
            while at + 4 <= to {
                tile.tile::<4>(simd, at);
                at += 4;
            }
        }
        while at + 2 <= to {
            tile.tile::<2>(simd, at);
            at += 2;
        }
        if at < to {
            tile.tile::<1>(simd, at);
        }
    }
}
