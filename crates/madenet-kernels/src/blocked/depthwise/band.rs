//! Bands of rows of a depthwise convolution, and the sums of their outputs.

use std::ops::Range;

use super::DepthwiseKernel;
use crate::blocked::columns::{Any, Columns, Fixed, Step, Tile, tiles};
use crate::blocked::sum::sum_row;
use crate::blocked::tensor::{Source, Target};
use crate::blocked::{Block, LANES};
use crate::simd::{Simd, Task, finish};
use crate::{Activation, Conv2d};

/// Pixels that are computed without a look at who else is free: some microseconds.
const BAND: usize = 4096;

/// A plane of the output.
#[derive(Clone, Copy)]
pub(super) struct Plane<'a> {
    pub(super) kernel: &'a DepthwiseKernel,
    pub(super) source: Source,
    pub(super) target: Target<'a>,
    pub(super) block: usize,
    pub(super) sample: usize,
    /// Whether the sum of the outputs is wanted.
    pub(super) wanted: bool,
}

impl Plane<'_> {
    /// Halves the rows until a band is left, then computes it: the order of sums depends on the size of the plane only, `split`
    /// says whether another thread may take a half.
    pub(super) fn band(self, rows: Range<usize>, split: bool) -> Block {
        if rows.len() * self.kernel.output.w <= BAND || rows.len() == 1 {
            return self.kernel.isa.run(Band { plane: self, rows });
        }
        let half = rows.start + rows.len() / 2;
        let (above, below) = (rows.start..half, half..rows.end);
        let (above, below) = if split {
            rayon::join(|| self.band(above, split), || self.band(below, split))
        } else {
            (self.band(above, split), self.band(below, split))
        };
        Block(std::array::from_fn(|lane| above.0[lane] + below.0[lane]))
    }
}

struct Band<'a> {
    plane: Plane<'a>,
    rows: Range<usize>,
}

impl Task for Band<'_> {
    type Output = Block;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Block {
        let Conv2d { kernel: (_, columns), stride, dilation, .. } = self.plane.kernel.geometry;
        match (columns, stride, dilation) {
            (3, 1, 1) => self.compute(simd, Fixed::<3, 1>),
            (3, 2, 1) => self.compute(simd, Fixed::<3, 2>),
            (5, 1, 1) => self.compute(simd, Fixed::<5, 1>),
            (5, 2, 1) => self.compute(simd, Fixed::<5, 2>),
            _ => self.compute(simd, Any { columns, stride, dilation }),
        }
    }
}

impl Band<'_> {
    #[inline(always)]
    fn compute<S: Simd, C: Columns>(self, simd: S, columns: C) -> Block {
        let Plane { kernel, source, target, block, sample, wanted } = self.plane;
        let Conv2d { kernel: (kh, kw), stride, padding, dilation, .. } = kernel.geometry;
        let relu = matches!(kernel.activation, Activation::Relu);
        let later = !relu && kernel.activation != Activation::Identity;
        // SAFETY: the band's rows are this call's.
        unsafe { target.clear_border(block, sample, self.rows.clone()) };
        // The border holds what the first window reads.
        let plane = source.start.wrapping_add(block * source.block + sample * source.sample);
        let corner = plane.wrapping_sub(padding.top * source.row + padding.left * LANES);
        let mut sum = simd.splat(0.0);
        for y in self.rows {
            let weights = kernel.weights[block * kh * kw..][..kh * kw].as_ptr().cast();
            let window = corner.wrapping_add(y * stride * source.row);
            // SAFETY: a row of the band, and as many windows as it has pixels, all within the tensor and its border.
            unsafe {
                let out = target.row(block, sample, y);
                let tile = Windows {
                    columns,
                    window,
                    down: dilation * source.row,
                    weights,
                    taps: (kh, kw),
                    bias: kernel.bias[block].0.as_ptr(),
                    relu,
                    out,
                };
                tiles(simd, tile, 0, kernel.output.w);
                if later {
                    finish(simd, kernel.activation, out, LANES, kernel.output.w);
                }
                if wanted {
                    sum = simd.add(sum, sum_row(simd, out, kernel.output.w));
                }
            }
        }
        let mut total = Block::ZERO;
        // SAFETY: a block is sixteen floats.
        unsafe { simd.store(sum, total.0.as_mut_ptr()) };
        total
    }
}

/// The windows of one row of the output.
#[derive(Clone, Copy)]
struct Windows<C> {
    columns: C,
    /// The first pixel of the first window.
    window: *const f32,
    /// From a row of taps to the next.
    down: usize,
    weights: *const f32,
    taps: (usize, usize),
    bias: *const f32,
    relu: bool,
    out: *mut f32,
}

impl<S: Simd, C: Columns> Tile<S> for Windows<C> {
    const WIDEST: usize = C::WIDEST;

    #[inline(always)]
    unsafe fn tile<const P: usize>(self, simd: S, at: usize) {
        // SAFETY: the bias is a block; windows `at..at + P` exist, their rows are `down` apart, and a row has `taps.1` weights.
        unsafe {
            let mut values = [simd.load(self.bias); P];
            for row in 0..self.taps.0 {
                let x = self.window.add(at * self.columns.stride() * LANES + row * self.down);
                let weights = Weights(self.weights.add(row * self.taps.1 * LANES));
                self.columns.row(simd, weights, x, &mut values);
            }
            // The order of the arguments keeps NaN. Other functions are too long for the registers: they follow in a pass over
            // the row.
            if self.relu {
                for value in &mut values {
                    *value = simd.max(simd.splat(0.0), *value);
                }
            }
            for (index, value) in values.iter().enumerate() {
                simd.store(*value, self.out.add((at + index) * LANES));
            }
        }
    }
}

/// One row of weights.
#[derive(Clone, Copy)]
struct Weights(*const f32);

impl<S: Simd> Step<S> for Weights {
    #[inline(always)]
    unsafe fn step(self, simd: S, tap: usize, value: S::V, x: S::V) -> S::V {
        // SAFETY: the row has this tap, as the caller promises.
        simd.mul_add(x, unsafe { simd.load(self.0.add(tap * LANES)) }, value)
    }
}
