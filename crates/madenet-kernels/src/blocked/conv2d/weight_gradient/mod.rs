//! The gradient of a convolution with respect to its weights: for every tap, input and output channel a sum along the pixels of
//! the batch.
//!
//! A unit of work has some blocks of input and of output channels. It goes through the batch in strips whose pixels stay in the
//! first-level cache while the register tile passes over all taps and channels; sums are kept in memory of the unit between
//! strips. Where channels give too few units, the batch is cut into chunks whose sums are added up in order.

mod shares;
mod tile;

use super::winograd::Scratch;
use super::{Layer, MACS_PER_VALUE, MOST_WEIGHTS, filters};
use crate::blocked::tensor::Source;
use crate::blocked::{Block, Blocked, LANES};
use crate::simd::{Isa, Simd, Task};
use crate::{Activation, Conv2d, Error, Padding, Result, Shape, check, units};
use shares::Shares;
use tile::{Pixels, Place, TAP, size, tile};

const WHAT: &str = "conv2d weight gradient";

/// The gradient of a convolution of one group with respect to its weights: `dw += sum of dy x`.
///
/// A transposed convolution has the same with `x` and `dy` exchanged: its weights `[in, out, kernel height, kernel width]` are those
/// of the convolution that takes its output's gradient to its input's.
///
/// ```
/// use madenet_kernels::blocked::{Block, Blocked, BlockedMut, Conv2dWeightGradient, Layout, pack};
/// use madenet_kernels::{Conv2d, Isa, Shape};
///
/// // A window of three pixels sees 1, 2, 3 where dy is 1 and 2, 3, 4 where it is 10.
/// let (input, geometry) = (Shape::new(1, 1, 4), Conv2d { kernel: (1, 3), ..Conv2d::new(1, 1, 0) });
/// let gradient = Conv2dWeightGradient::new(Isa::best(), geometry, input, 1)?;
/// let (from, to) = (Layout { shape: input, border: gradient.border() }, Layout::new(gradient.output()));
/// let (mut x, mut dy) = (vec![Block::ZERO; from.len(1)], vec![Block::ZERO; to.len(1)]);
/// pack(Isa::best(), &[1.0, 2.0, 3.0, 4.0], BlockedMut::new(from, 1, &mut x)?)?;
/// pack(Isa::best(), &[1.0, 10.0], BlockedMut::new(to, 1, &mut dy)?)?;
///
/// let mut dw = [0.5; 3];
/// let mut scratch = vec![Block::ZERO; gradient.scratch(1, 1)];
/// gradient.run(Blocked::new(from, 1, &x)?, Blocked::new(to, 1, &dy)?, &mut dw, &mut scratch)?;
/// assert_eq!(dw, [21.5, 32.5, 43.5]);
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Conv2dWeightGradient {
    isa: Isa,
    layer: Layer,
}

impl Conv2dWeightGradient {
    /// Prepares the gradient of a convolution of samples of shape `input` to `out_channels` channels.
    ///
    /// # Errors
    /// [`Error::Geometry`] if the input is empty, no window fits on it, or there is more than one group.
    pub fn new(isa: Isa, geometry: Conv2d, input: Shape, out_channels: usize) -> Result<Self> {
        if geometry.groups != 1 {
            return Err(check::geometry(WHAT, format!("one group is needed, there are {}", geometry.groups)));
        }
        let (output, weights) = crate::conv2d::sizes(&geometry, input, out_channels)?;
        if weights > MOST_WEIGHTS {
            return Err(check::geometry(WHAT, format!("{weights} weights are above {MOST_WEIGHTS}")));
        }
        let bias = filters::no_bias(0);
        let layer = Layer { geometry, input, output, bias, activation: Activation::Identity };
        Ok(Conv2dWeightGradient { isa, layer })
    }

    /// The shape of a sample of `x`.
    #[must_use]
    pub fn input(&self) -> Shape {
        self.layer.input
    }

    /// The shape of a sample of `dy`.
    #[must_use]
    pub fn output(&self) -> Shape {
        self.layer.output
    }

    /// The border of zeros that `x` must store at least; `dy` needs none.
    #[must_use]
    pub fn border(&self) -> Padding {
        crate::blocked::window_border(&self.layer.geometry, self.layer.input, self.layer.output)
    }

    /// Blocks of scratch memory for a run of `batch` samples on `threads` threads.
    #[must_use]
    pub fn scratch(&self, batch: usize, threads: usize) -> usize {
        scratch(&Shares::new(self.isa, &self.layer, batch), threads)
    }

    /// Adds the gradient of a batch of any size to `dw`, `[out_channels, input.c, kernel height, kernel width]`, on as many
    /// threads of rayon's ambient pool as `scratch` serves.
    ///
    /// # Errors
    /// [`Error::Geometry`] if a tensor has another shape or batch, or `x` less of a border than [`border`](Self::border);
    /// [`Error::Length`] if `dw` has another length, or `scratch` does not serve one thread.
    pub fn run(&self, x: Blocked<'_>, dy: Blocked<'_>, dw: &mut [f32], scratch: &mut [Block]) -> Result<()> {
        let (layer, batch) = (&self.layer, x.batch());
        x.expect("conv2d weight gradient: x", layer.input, self.border(), batch)?;
        dy.expect("conv2d weight gradient: dy", layer.output, Padding::default(), batch)?;
        let weights = layer.input.c * layer.output.c * layer.taps();
        check::length("conv2d weight gradient: dw", weights, dw.len())?;
        if batch == 0 {
            return Ok(());
        }
        let shares = Shares::new(self.isa, layer, batch);
        let threads = (1..=rayon::current_num_threads())
            .rev()
            .find(|&threads| self::scratch(&shares, threads) <= scratch.len());
        let Some(threads) = threads else {
            let expected = self::scratch(&shares, 1);
            return Err(Error::Length {
                what: "conv2d weight gradient: scratch",
                expected,
                got: scratch.len(),
            });
        };
        let (x, dy) = (x.source(), dy.source());
        let job = Job { layer, shares: &shares, x: &x, dy: &dy, dw: Gradient(dw.as_mut_ptr()) };
        job.run(self.isa, batch, threads, Scratch(scratch.as_mut_ptr()));
        Ok(())
    }
}

/// Sums of a unit for every thread, or, with several chunks, of all units of all chunks.
fn scratch(shares: &Shares, threads: usize) -> usize {
    let pairs = if shares.chunks == 1 {
        threads.saturating_mul(shares.pairs())
    } else {
        shares.chunks * shares.blocks.0 * shares.blocks.1
    };
    pairs.saturating_mul(shares.pair())
}

/// The gradient that units write parts of.
#[derive(Clone, Copy)]
struct Gradient(*mut f32);

// SAFETY: an exclusive borrow for the length of a run; every pair of an input and an output block is added by one unit.
unsafe impl Send for Gradient {}
// SAFETY: as above.
unsafe impl Sync for Gradient {}

struct Job<'a> {
    layer: &'a Layer,
    shares: &'a Shares,
    x: &'a Source,
    dy: &'a Source,
    dw: Gradient,
}

impl Job<'_> {
    fn run(&self, isa: Isa, batch: usize, threads: usize, scratch: Scratch) {
        let (layer, shares) = (self.layer, self.shares);
        let units = shares.units();
        let macs = batch * layer.output.len() * layer.input.c * layer.taps();
        let cost = macs / (units * shares.chunks) / MACS_PER_VALUE;
        let workers = units::workers(units * shares.chunks, cost).min(threads);
        if shares.chunks == 1 {
            let memory = shares.pairs() * shares.pair();
            units::share_among(workers, units, |worker, unit| {
                let (inputs, outputs) = shares.unit(unit);
                // A worker has sums of its own.
                let sums = Sums { start: scratch.at(worker * memory), row: outputs.len() };
                isa.run(Unit {
                    job: self,
                    inputs: inputs.clone(),
                    outputs: outputs.clone(),
                    strips: shares.chunk(0),
                    sums,
                });
                for (i, o) in inputs.clone().flat_map(|i| outputs.clone().map(move |o| (i, o))) {
                    let sums = self.sums_of(&sums, i - inputs.start, o - outputs.start);
                    isa.run(Finish { job: self, pair: (i, o), sums, chunk: 0 });
                }
            });
            return;
        }
        let (inputs, outputs) = shares.blocks;
        let chunk = inputs * outputs * shares.pair();
        units::share_among(workers, units * shares.chunks, |_, unit| {
            let (index, unit) = (unit / units, unit % units);
            let (inputs, range) = shares.unit(unit);
            let first = index * chunk + (inputs.start * outputs + range.start) * shares.pair();
            // A unit has the sums of its pairs and chunk.
            let sums = Sums { start: scratch.at(first), row: outputs };
            isa.run(Unit { job: self, inputs, outputs: range, strips: shares.chunk(index), sums });
        });
        units::share(inputs * outputs, shares.chunks * shares.pair() * LANES, |pair| {
            let sums = scratch.at(pair * shares.pair());
            isa.run(Finish { job: self, pair: (pair / outputs, pair % outputs), sums, chunk: chunk * LANES });
        });
    }

    fn sums_of(&self, sums: &Sums, i: usize, o: usize) -> *mut f32 {
        sums.start.wrapping_add((i * sums.row + o) * self.shares.pair() * LANES)
    }
}

/// Sums `[input block][output block][tap][input lane][output lane]`.
#[derive(Clone, Copy)]
struct Sums {
    start: *mut f32,
    /// Output blocks from an input block to the next.
    row: usize,
}

/// Some channels and strips.
struct Unit<'a> {
    job: &'a Job<'a>,
    inputs: std::ops::Range<usize>,
    outputs: std::ops::Range<usize>,
    strips: std::ops::Range<usize>,
    sums: Sums,
}

impl Task for Unit<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Job { shares, .. } = self.job;
        for strip in self.strips.clone() {
            for input in self.inputs.clone() {
                for output in self.outputs.clone().step_by(shares.group) {
                    let blocks = shares.group.min(self.outputs.end - output);
                    self.strip(simd, strip, input, (output, blocks));
                }
            }
        }
    }
}

impl Unit<'_> {
    /// All taps of an input block and a group of output blocks for a strip.
    #[inline(always)]
    fn strip<S: Simd>(&self, simd: S, strip: usize, input: usize, (output, blocks): (usize, usize)) {
        let Job { layer, shares, x, dy, .. } = self.job;
        let Conv2d { kernel, stride, dilation, .. } = layer.geometry;
        let [samples, rows, columns] = shares.strips.get(strip);
        let pixels = Pixels {
            samples: samples.len(),
            rows: rows.len(),
            columns: columns.len(),
            x: (x.sample, stride * x.row, stride * LANES),
            dy: (dy.sample, dy.row),
            dy_block: dy.block,
            tap: dilation * LANES,
        };
        let x_at = input * x.block
            + samples.start * x.sample
            + stride * (rows.start * x.row + columns.start * LANES);
        let x_at = layer.first_tap(x).wrapping_add(x_at);
        let dy_at =
            output * dy.block + samples.start * dy.sample + rows.start * dy.row + columns.start * LANES;
        let sums = self.job.sums_of(&self.sums, input - self.inputs.start, output - self.outputs.start);
        let lanes = LANES.min(layer.input.c - input * LANES);
        for row in 0..kernel.0 {
            let mut column = 0;
            while column < kernel.1 {
                let mut taps = 1;
                let mut lane = 0;
                while lane < lanes {
                    // Two taps at once are for all channels, or for none.
                    let most_taps = if lane == 0 { kernel.1 - column } else { 1 };
                    let size = size(S::ACCUMULATORS, most_taps, lanes - lane, blocks);
                    taps = size.taps;
                    let place = Place {
                        x: x_at.wrapping_add(dilation * (row * x.row + column * LANES) + lane),
                        dy: dy.start.wrapping_add(dy_at),
                        sums: sums.wrapping_add((row * kernel.1 + column) * TAP + lane * LANES),
                        block: shares.pair() * LANES,
                        first: strip == self.strips.start,
                    };
                    // SAFETY: windows lie within the input and its border, and the strip in `dy`, which `run` has checked;
                    // the sums are the unit's own.
                    unsafe { tile(simd, size, &pixels, place) };
                    lane += size.lanes;
                }
                column += taps;
            }
        }
    }
}

/// Adds the sums of all chunks of a pair of blocks to the gradient.
struct Finish<'a> {
    job: &'a Job<'a>,
    /// Input block, output block.
    pair: (usize, usize),
    /// `[tap][input lane][output lane]`.
    sums: *const f32,
    /// From a chunk's to the next one's.
    chunk: usize,
}

impl Task for Finish<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Job { layer, shares, .. } = self.job;
        let (channels, taps) = (layer.input.c, layer.taps());
        let (input, output) = (self.pair.0 * LANES, self.pair.1 * LANES);
        let len = LANES.min(channels - input) * taps;
        let outputs = LANES.min(layer.output.c - output);
        // In the gradient, an output's taps of the block's inputs are neighbours.
        for first in (0..len).step_by(LANES) {
            let mut rows = [simd.splat(0.0); LANES];
            for (place, row) in (first..len).zip(&mut rows) {
                let at = self.sums.wrapping_add(place % taps * TAP + place / taps * LANES);
                for chunk in 0..shares.chunks {
                    // SAFETY: sums of this pair.
                    *row = simd.add(*row, unsafe { simd.load(at.add(chunk * self.chunk)) });
                }
            }
            let count = LANES.min(len - first);
            for (lane, values) in simd.transpose(rows).iter().enumerate().take(outputs) {
                let at = ((output + lane) * channels + input) * taps + first;
                // SAFETY: weights of this pair, which are `count` floats here and nobody else's.
                unsafe { add(simd, *values, self.job.dw.0.add(at), count) };
            }
        }
    }
}

/// Adds the first `count` lanes to what is at `to`.
///
/// # Safety
/// So many floats can be read and written.
#[inline(always)]
unsafe fn add<S: Simd>(simd: S, values: S::V, to: *mut f32, count: usize) {
    // SAFETY: `count` floats, as the caller promises; an array of sixteen.
    unsafe {
        if count == LANES {
            simd.store(simd.add(simd.load(to), values), to);
            return;
        }
        let mut lanes = [0.0; LANES];
        simd.store(values, lanes.as_mut_ptr());
        for (index, value) in lanes.iter().enumerate().take(count) {
            *to.add(index) += value;
        }
    }
}
