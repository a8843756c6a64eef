//! The register tile of the gradient with respect to weights: some input channels (of one tap or two) times some blocks of
//! output channels, summed along pixels.
//!
//! A step of the sum loads one vector of `dy` per output block and broadcasts one float per input channel. With 8 channels by 3
//! blocks on AVX-512 that is 11 loads for 24 multiply-adds, of which a core does two of either a cycle.

use std::marker::PhantomData;

use crate::blocked::LANES;
use crate::simd::{Simd, Task};

/// The pixels that a tile sums along: rows of `columns` pixels of `dy`. All distances are in floats.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pixels {
    pub(super) samples: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// From a sample, a row, a pixel to the next, of the input under one tap.
    pub(super) x: (usize, usize, usize),
    /// From a sample, a row to the next, of `dy`.
    pub(super) dy: (usize, usize),
    /// From a block of output channels to the next, of `dy`.
    pub(super) dy_block: usize,
    /// From the input under a tap to that under the one to the right.
    pub(super) tap: usize,
}

/// What a tile computes: input channels side by side, of `taps` neighbouring taps, for `blocks` blocks of output channels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Size {
    pub(super) taps: usize,
    pub(super) lanes: usize,
    pub(super) blocks: usize,
}

/// Where a tile reads and writes.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// The first channel of the input under the first tap at the first pixel.
    pub(super) x: *const f32,
    /// The first block of `dy` at the first pixel.
    pub(super) dy: *const f32,
    /// Sums `[block][tap][input lane][output lane]`.
    pub(super) sums: *mut f32,
    /// From a block's sums to the next one's.
    pub(super) block: usize,
    /// Whether the sums start from 0, else from what they are.
    pub(super) first: bool,
}

/// Floats of the sums of a tap, from one to the next.
pub(super) const TAP: usize = LANES * LANES;

/// Most output blocks of a tile. Few input channels leave registers for more of them.
pub(super) const fn most_blocks(accumulators: usize, channels: usize) -> usize {
    match (accumulators >= 24, channels <= 6) {
        (true, true) => 4,
        (true, false) => 3,
        (false, _) => 1,
    }
}

/// The tile that does the most of `taps` neighbouring taps and `lanes` channels for `blocks` output blocks.
pub(super) fn size(accumulators: usize, taps: usize, lanes: usize, blocks: usize) -> Size {
    let rows = accumulators / blocks;
    if taps >= 2 && matches!(lanes, 1 | 3) && 2 * lanes <= rows {
        return Size { taps: 2, lanes, blocks };
    }
    let most = lanes.min(rows);
    // With two blocks or more, sixteen channels are more than the registers hold.
    let fitting = [16, 8, 6, 4, 3, 2, 1].into_iter().find(|&lanes| lanes <= most);
    Size { taps: 1, lanes: fitting.unwrap_or(1), blocks }
}

/// Adds the products of a tile, whose size [`size`] has chosen, to its sums.
///
/// # Safety
/// All that `pixels` reaches from `place` can be read, and the sums written.
#[inline(always)]
pub(super) unsafe fn tile<S: Simd>(simd: S, size: Size, pixels: &Pixels, place: Place) {
    simd.call(OneTile { size, pixels, place });
}

/// A task of its own, so that all layers share the code of the tiles.
struct OneTile<'a> {
    size: Size,
    pixels: &'a Pixels,
    place: Place,
}

impl Task for OneTile<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let OneTile { size, pixels, place } = self;
        macro_rules! sizes {
            ($(($t:literal $l:literal: $($b:literal)*))*) => {
                match (size.taps, size.lanes, size.blocks) {
                    $($(($t, $l, $b) => {
                        if Fits::<S, $t, $l, $b>::IS_USED {
                            // SAFETY: as the caller of `tile` promises.
                            unsafe { fixed::<S, $t, $l, $b>(simd, pixels, place) };
                        }
                    })*)*
                    _ => debug_assert!(false, "no tile of {size:?}"),
                }
            };
        }
        sizes!(
            (1 16: 1) (1 8: 1 2 3) (1 6: 1 2 3 4) (1 4: 1 2 3 4) (1 3: 1 2 3 4) (1 2: 1 2 3 4) (1 1: 1 2 3 4)
            (2 3: 1 2 3 4) (2 1: 1 2 3 4)
        );
    }
}

/// A size of tile: a constant, so that nothing is compiled for sizes that are not used.
struct Fits<S, const TAPS: usize, const CHANNELS: usize, const BLOCKS: usize>(PhantomData<S>);

impl<S: Simd, const TAPS: usize, const CHANNELS: usize, const BLOCKS: usize> Fits<S, TAPS, CHANNELS, BLOCKS> {
    /// Whether the instruction set has the registers.
    const IS_USED: bool =
        BLOCKS <= most_blocks(S::ACCUMULATORS, CHANNELS) && TAPS * CHANNELS * BLOCKS <= S::ACCUMULATORS;
}

#[expect(clippy::needless_range_loop, reason = "iterators over arrays keep them out of registers here")]
#[inline(always)]
unsafe fn fixed<S: Simd, const TAPS: usize, const CHANNELS: usize, const BLOCKS: usize>(
    simd: S,
    pixels: &Pixels,
    place: Place,
) {
    let mut sums = [[[simd.splat(0.0); BLOCKS]; CHANNELS]; TAPS];
    let at = |t: usize, c: usize, b: usize| place.sums.wrapping_add(b * place.block + t * TAP + c * LANES);
    // SAFETY: sums, and pixels of `dy` and of the input, as the caller promises.
    unsafe {
        if !place.first {
            for t in 0..TAPS {
                for c in 0..CHANNELS {
                    for b in 0..BLOCKS {
                        sums[t][c][b] = simd.load(at(t, c, b));
                    }
                }
            }
        }
        for sample in 0..pixels.samples {
            for row in 0..pixels.rows {
                let mut x = place.x.wrapping_add(sample * pixels.x.0 + row * pixels.x.1);
                let mut dy = place.dy.wrapping_add(sample * pixels.dy.0 + row * pixels.dy.1);
                for _ in 0..pixels.columns {
                    let mut gradient = [simd.splat(0.0); BLOCKS];
                    for b in 0..BLOCKS {
                        gradient[b] = simd.load(dy.add(b * pixels.dy_block));
                    }
                    for t in 0..TAPS {
                        for c in 0..CHANNELS {
                            let x = simd.splat(*x.add(t * pixels.tap + c));
                            for b in 0..BLOCKS {
                                sums[t][c][b] = simd.mul_add(x, gradient[b], sums[t][c][b]);
                            }
                        }
                    }
                    // Behind the last pixel these may be outside of their tensors.
                    x = x.wrapping_add(pixels.x.2);
                    dy = dy.wrapping_add(LANES);
                }
            }
        }
        for t in 0..TAPS {
            for c in 0..CHANNELS {
                for b in 0..BLOCKS {
                    simd.store(sums[t][c][b], at(t, c, b));
                }
            }
        }
    }
}
