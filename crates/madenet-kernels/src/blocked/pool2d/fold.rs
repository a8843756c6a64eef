//! What pooling makes of the values under a window.

use crate::blocked::columns::Step;
use crate::simd::Simd;

/// How the values under a window become one.
pub(super) trait Fold: Copy + Sync {
    fn start<S: Simd>(self, simd: S) -> S::V;
    fn fold<S: Simd>(self, simd: S, value: S::V, x: S::V) -> S::V;
    /// What a window with `taps` taps on the plane is multiplied by, if by anything.
    fn scale(self, taps: usize) -> Option<f32>;
}

#[derive(Clone, Copy)]
pub(super) struct Max;

impl Fold for Max {
    #[inline(always)]
    fn start<S: Simd>(self, simd: S) -> S::V {
        simd.splat(f32::NEG_INFINITY)
    }

    #[inline(always)]
    fn fold<S: Simd>(self, simd: S, value: S::V, x: S::V) -> S::V {
        simd.max_or_nan(value, x)
    }

    #[inline(always)]
    fn scale(self, _: usize) -> Option<f32> {
        None
    }
}

#[derive(Clone, Copy)]
pub(super) struct Mean {
    /// The taps to divide by, where that is not the number on the plane.
    pub(super) all: Option<usize>,
}

impl Fold for Mean {
    #[inline(always)]
    fn start<S: Simd>(self, simd: S) -> S::V {
        simd.splat(0.0)
    }

    #[inline(always)]
    fn fold<S: Simd>(self, simd: S, value: S::V, x: S::V) -> S::V {
        simd.add(value, x)
    }

    #[inline(always)]
    fn scale(self, taps: usize) -> Option<f32> {
        Some(1.0 / self.all.unwrap_or(taps) as f32)
    }
}

#[derive(Clone, Copy)]
pub(super) struct Folding<F>(pub(super) F);

impl<S: Simd, F: Fold> Step<S> for Folding<F> {
    #[inline(always)]
    unsafe fn step(self, simd: S, _: usize, value: S::V, x: S::V) -> S::V {
        self.0.fold(simd, value, x)
    }
}
