//! The register tile that all dense convolutions do their arithmetic in: some pixels of a row times some blocks of output
//! channels, summed along input channels and taps.
//!
//! Outputs stay in registers; a step of the sum loads one vector of weights per block of outputs and broadcasts one float per
//! pixel. With 4 blocks by 6 pixels on AVX-512 (24 of 32 registers) that is 10 loads for 24 multiply-adds, of which a core does
//! two of either a cycle. AVX2 holds a vector in two of sixteen registers: 1 block by 6 pixels.

use std::marker::PhantomData;

use crate::Activation;
use crate::blocked::LANES;
use crate::simd::{Simd, Task, finish, floor};

/// How the sum walks through input and weights. All distances are in floats.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk {
    /// Input channels of the sum.
    pub(super) channels: usize,
    /// From a block of input channels to the next.
    pub(super) block: usize,
    /// From a channel of a block to the next: 1, or a plane where the input is not blocked.
    pub(super) lane: usize,
    /// Kernel (height, width).
    pub(super) taps: (usize, usize),
    /// From a tap to the one (below, to the right).
    pub(super) tap: (usize, usize),
    /// From an output pixel's input to its right neighbour's, where it is not the constant `STEP`.
    pub(super) pixel: usize,
}

/// How a tile begins and ends.
#[derive(Clone, Copy)]
pub(super) struct Ends {
    /// Whether the tile starts from bias and residual, else from what a former pass has left in the output.
    pub(super) first: bool,
    /// What is applied at the end.
    pub(super) activation: Activation,
    /// From a block of output channels to the next.
    pub(super) out_block: usize,
    /// From an output pixel to its right neighbour in the tile.
    pub(super) out_pixel: usize,
    /// The same two of the residual.
    pub(super) residual_block: usize,
    pub(super) residual_pixel: usize,
}

/// Where a tile reads and writes.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// The input under the first tap of the first pixel.
    pub(super) input: *const f32,
    /// Weights `[block of inputs][tap][input lane][block of outputs][output lane]`.
    pub(super) weights: *const f32,
    /// One value per output channel.
    pub(super) bias: *const f32,
    /// Null where there is none.
    pub(super) residual: *const f32,
    /// What will be read soon: a cache line of it is fetched in every step of the sum.
    pub(super) ahead: *const f32,
    pub(super) out: *mut f32,
}

/// A tile of `blocks` output blocks by `pixels` pixels, which [`width`] has chosen; distances between neighbouring pixels of the
/// input are `STEP` floats, or `walk.pixel` where `STEP` is 0.
///
/// # Safety
/// All that `walk` and `ends` reach from `place` can be read, and the tile's output written.
#[inline(always)]
pub(super) unsafe fn tile<S: Simd, const STEP: usize>(
    simd: S,
    size: (usize, usize),
    walk: &Walk,
    ends: &Ends,
    place: Place,
) {
    simd.call(OneTile::<STEP> { size, walk, ends, place });
}

/// A task of its own, so that all convolutions share the code of the tiles.
struct OneTile<'a, const STEP: usize> {
    size: (usize, usize),
    walk: &'a Walk,
    ends: &'a Ends,
    place: Place,
}

impl<const STEP: usize> Task for OneTile<'_, STEP> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let OneTile { size, walk, ends, place } = self;
        macro_rules! sizes {
            ($(($b:literal: $($p:literal)*))*) => {
                match size {
                    $($(($b, $p) => {
                        if Size::<S, $b, $p, STEP>::IS_USED {
                            // SAFETY: as the caller of `tile` promises.
                            unsafe { fixed::<S, $b, $p, STEP>(simd, walk, ends, place) };
                        }
                    })*)*
                    _ => debug_assert!(false, "no tile of {size:?} blocks and pixels"),
                }
            };
        }
        sizes!(
            (1: 12 8 6 4 3 2 1)
            (2: 12 8 6 4 2 1)
            (3: 8 6 4 2 1)
            (4: 6 5 4 3 2 1)
        );
    }
}

/// A size of tile: constants, so that nothing is compiled for sizes that are not used.
struct Size<S, const BLOCKS: usize, const PIXELS: usize, const STEP: usize>(PhantomData<S>);

impl<S: Simd, const BLOCKS: usize, const PIXELS: usize, const STEP: usize> Size<S, BLOCKS, PIXELS, STEP> {
    /// Whether the instruction set has the registers; where distances are not constant, pixels are computed one by one.
    const IS_USED: bool = BLOCKS <= most_blocks(S::ACCUMULATORS)
        && BLOCKS * PIXELS <= S::ACCUMULATORS
        && (STEP != 0 || PIXELS == 1);
}

/// The widest tile of `blocks` output blocks for at most `pixels` pixels.
#[inline(always)]
pub(super) fn width<S: Simd, const STEP: usize>(blocks: usize, pixels: usize) -> usize {
    if STEP == 0 {
        return 1;
    }
    let sizes: &[usize] = match blocks {
        1 => &[12, 8, 6, 4, 3, 2, 1],
        2 => &[12, 8, 6, 4, 2, 1],
        3 => &[8, 6, 4, 2, 1],
        _ => &[6, 5, 4, 3, 2, 1],
    };
    let most = pixels.min(S::ACCUMULATORS / blocks);
    sizes.iter().copied().find(|&size| size <= most).unwrap_or(1)
}

/// Output blocks of a tile at most: with one register a vector, four, which reuse a broadcast input best.
pub(super) const fn most_blocks(accumulators: usize) -> usize {
    if accumulators >= 24 { 4 } else { 1 }
}

#[expect(clippy::needless_range_loop, reason = "iterators over arrays keep them out of registers here")]
#[inline(always)]
unsafe fn fixed<S: Simd, const BLOCKS: usize, const PIXELS: usize, const STEP: usize>(
    simd: S,
    walk: &Walk,
    ends: &Ends,
    place: Place,
) {
    let step = if STEP == 0 { walk.pixel } else { STEP };
    // SAFETY: all pointers are within what the caller promises: output pixels lie `out_pixel` apart, input
    // pixels `step` apart.
    unsafe {
        let mut sums = [[simd.splat(0.0); PIXELS]; BLOCKS];
        for b in 0..BLOCKS {
            let bias = if ends.first { simd.load(place.bias.add(b * LANES)) } else { simd.splat(0.0) };
            for p in 0..PIXELS {
                sums[b][p] = if !ends.first {
                    simd.load(place.out.add(b * ends.out_block + p * ends.out_pixel))
                } else if place.residual.is_null() {
                    bias
                } else {
                    simd.add(
                        bias,
                        simd.load(place.residual.add(b * ends.residual_block + p * ends.residual_pixel)),
                    )
                };
            }
        }
        let (mut weights, mut ahead) = (place.weights, place.ahead);
        let mut channels = walk.channels;
        let mut block = place.input;
        while channels > 0 {
            let lanes = channels.min(LANES);
            for ky in 0..walk.taps.0 {
                for kx in 0..walk.taps.1 {
                    let mut input = block.add(ky * walk.tap.0 + kx * walk.tap.1);
                    for _ in 0..lanes {
                        let mut row = [simd.splat(0.0); BLOCKS];
                        for b in 0..BLOCKS {
                            row[b] = simd.load(weights.add(b * LANES));
                        }
                        for p in 0..PIXELS {
                            let x = simd.splat(*input.add(p * step));
                            for b in 0..BLOCKS {
                                sums[b][p] = simd.mul_add(x, row[b], sums[b][p]);
                            }
                        }
                        simd.prefetch(ahead);
                        ahead = ahead.wrapping_add(LANES);
                        weights = weights.add(BLOCKS * LANES);
                        // Behind the last lane this may be outside of the input.
                        input = input.wrapping_add(walk.lane);
                    }
                }
            }
            channels -= lanes;
            block = block.wrapping_add(walk.block);
        }
        let (floor, rest) = floor(simd, ends.activation);
        for b in 0..BLOCKS {
            for p in 0..PIXELS {
                simd.store(
                    simd.max(floor, sums[b][p]),
                    place.out.add(b * ends.out_block + p * ends.out_pixel),
                );
            }
        }
        if let Some(rest) = rest {
            for b in 0..BLOCKS {
                finish(simd, rest, place.out.add(b * ends.out_block), ends.out_pixel, PIXELS);
            }
        }
    }
}
