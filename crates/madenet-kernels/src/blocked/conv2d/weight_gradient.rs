//! The gradient of a dense convolution with respect to its weights.
//!
//! A weight's gradient is the sum, over all samples and output pixels, of the output's gradient there times the input under the
//! weight's tap: for one tap, a matrix product along the pixels. The register tile is some lanes of a block of input channels
//! (broadcast) by some blocks of output channels (vectors). A band of rows, whose inputs and gradients stay in a core's own caches,
//! is swept for all taps and lanes; between bands the sums of a tile wait in memory.
//!
//! A unit of work is some blocks of input channels, a group of blocks of output channels and, where that makes too few, some rows
//! of taps. It sums over everything, in an order that hangs on sizes alone, so that results do not depend on how work is cut.

use super::tile::most_blocks;
use crate::blocked::tensor::Source;
use crate::blocked::{Block, Blocked, LANES, window_border};
use crate::simd::{Isa, Simd, Task};
use crate::{Conv2d, Error, Padding, Result, Shape, check, units};

/// Bytes of inputs and gradients of a band: of the 32 or 48 KiB of a first-level cache, which the second level helps out.
const BAND_BYTES: usize = 32 << 10;

/// Blocks of output channels of a tile at most: with three, eleven loads serve 24 multiply-adds.
const MOST_OUTPUTS: usize = 3;

/// Input channels (of a first layer) for which a tile of as many lanes and one more block of outputs is used.
const FEW: usize = 4;

/// Blocks of input channels that a unit has at most: their sums stay in the second-level cache.
const MOST_INPUTS: usize = 4;

const WHAT: &str = "conv2d weight gradient";

/// The gradient with respect to the weights of a convolution of one group (PyTorch's `Conv2d`) with fixed geometry and input size.
///
/// With x and the gradient of the output exchanged, it is that of a transposed convolution's weights.
///
/// ```
/// use madenet_kernels::blocked::{Block, Blocked, BlockedMut, Conv2dWeightGradient, Layout, pack};
/// use madenet_kernels::{Conv2d, Isa, Shape};
///
/// // One weight, which multiplied 1 and 2; the outputs' gradients are 10 and 100.
/// let shape = Shape::new(1, 1, 2);
/// let kernel = Conv2dWeightGradient::new(Isa::best(), Conv2d::new(1, 1, 0), shape, 1)?;
/// let tensor = |values: &[f32]| {
///     let mut blocks = vec![Block::ZERO; 2];
///     pack(Isa::best(), values, BlockedMut::new(Layout::new(shape), 1, &mut blocks)?)?;
///     Ok::<_, madenet_kernels::Error>(blocks)
/// };
/// let (x, dy) = (tensor(&[1.0, 2.0])?, tensor(&[10.0, 100.0])?);
/// let (x, dy) = (Blocked::new(Layout::new(shape), 1, &x)?, Blocked::new(Layout::new(shape), 1, &dy)?);
/// let (mut dw, mut scratch) = ([1000.0], vec![Block::ZERO; kernel.scratch(1, 1)]);
/// kernel.run(x, dy, &mut dw, &mut scratch)?;
/// assert_eq!(dw, [1210.0]);
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Conv2dWeightGradient {
    isa: Isa,
    geometry: Conv2d,
    input: Shape,
    output: Shape,
    border: Padding,
}

impl Conv2dWeightGradient {
    /// For samples of shape `input` that are convolved to `out_channels` channels.
    ///
    /// # Errors
    /// [`Error::Geometry`] if the input is empty, no window fits on it, or there is more than one group.
    pub fn new(isa: Isa, geometry: Conv2d, input: Shape, out_channels: usize) -> Result<Self> {
        if geometry.groups != 1 {
            return Err(check::geometry(WHAT, format!("one group is needed, there are {}", geometry.groups)));
        }
        let (output, _) = crate::conv2d::sizes(&geometry, input, out_channels)?;
        let border = window_border(&geometry, input, output);
        Ok(Conv2dWeightGradient { isa, geometry, input, output, border })
    }

    /// The shape of an input sample.
    #[must_use]
    pub fn input(&self) -> Shape {
        self.input
    }

    /// The shape of an output sample.
    #[must_use]
    pub fn output(&self) -> Shape {
        self.output
    }

    /// The border of zeros that the input must store at least.
    #[must_use]
    pub fn border(&self) -> Padding {
        self.border
    }

    /// Blocks of scratch memory for a run on `threads` threads; the batch does not matter.
    #[must_use]
    pub fn scratch(&self, _batch: usize, threads: usize) -> usize {
        let cut = self.cut(threads.max(1));
        threads.max(1) * cut.inputs * self.sums(cut.tap_rows, cut.outputs)
    }

    /// Adds the gradient to `dw`, `[out, in, kernel height, kernel width]`, from the convolution's input and the gradient of its
    /// output; on as many threads of rayon's ambient pool as `scratch` serves.
    ///
    /// # Errors
    /// [`Error::Geometry`] if a tensor has another shape or batch, or `x` less of a border than [`border`](Self::border);
    /// [`Error::Length`] if `dw` has another length or `scratch` does not serve one thread.
    pub fn run(&self, x: Blocked<'_>, dy: Blocked<'_>, dw: &mut [f32], scratch: &mut [Block]) -> Result<()> {
        let batch = x.batch();
        x.expect("conv2d weight gradient: x", self.input, self.border, batch)?;
        dy.expect("conv2d weight gradient: dy", self.output, Padding::default(), batch)?;
        let taps = self.geometry.kernel.0 * self.geometry.kernel.1;
        check::length("conv2d weight gradient: dw", self.output.c * self.input.c * taps, dw.len())?;
        let most = rayon::current_num_threads();
        let Some(threads) = (1..=most).rev().find(|&n| self.scratch(batch, n) <= scratch.len()) else {
            let (what, expected) = ("conv2d weight gradient: scratch", self.scratch(batch, 1));
            return Err(Error::Length { what, expected, got: scratch.len() });
        };
        if batch == 0 {
            return Ok(());
        }
        let cut = self.cut(threads);
        let memory = cut.inputs * self.sums(cut.tap_rows, cut.outputs);
        let plan = Job {
            kernel: self,
            walk: Walk::new(self, batch, &x, &dy),
            x: x.source(),
            dy: dy.source(),
            dw: Weights(dw.as_mut_ptr()),
        };
        let (units, scratch) = (cut.units(self), Sums(scratch.as_mut_ptr()));
        units::share_among(threads.min(units), units, |worker, unit| {
            // SAFETY: a worker has its own part of the scratch memory, and a unit its own weights.
            let sums = unsafe { std::slice::from_raw_parts_mut(scratch.at(worker * memory), memory) };
            let part = cut.part(self, unit);
            sums.fill(Block::ZERO);
            self.isa.run(Unit { job: &plan, part: &part, sums });
        });
        Ok(())
    }

    /// Sums of one block of input channels, in blocks.
    fn sums(&self, tap_rows: usize, outputs: usize) -> usize {
        tap_rows * self.geometry.kernel.1 * LANES * outputs
    }

    /// How the work is cut for `threads` threads.
    fn cut(&self, threads: usize) -> Cut {
        let blocks = self.output.c.div_ceil(LANES);
        // Even groups: 5 blocks are 3 and 2, not 4 and 1.
        let most = if self.input.c <= FEW { MOST_OUTPUTS + 1 } else { MOST_OUTPUTS };
        let groups = blocks.div_ceil(most_blocks(self.isa.accumulators()).min(most));
        let outputs = blocks.div_ceil(groups);
        let groups = blocks.div_ceil(outputs);
        let inputs = self.input.c.div_ceil(LANES);
        let rows = self.geometry.kernel.0;
        let tap_rows = if inputs * groups >= 2 * threads { rows } else { 1 };
        let inputs = (inputs * groups / (4 * threads)).clamp(1, MOST_INPUTS.min(inputs));
        Cut { inputs, outputs, tap_rows }
    }
}

/// What a unit has at most: blocks of inputs and outputs, rows of taps.
#[derive(Clone, Copy)]
struct Cut {
    inputs: usize,
    outputs: usize,
    tap_rows: usize,
}

/// What a unit has: from one to the other.
struct Part {
    inputs: std::ops::Range<usize>,
    outputs: std::ops::Range<usize>,
    tap_rows: std::ops::Range<usize>,
}

impl Cut {
    fn counts(&self, kernel: &Conv2dWeightGradient) -> (usize, usize, usize) {
        let blocks = |channels: usize| channels.div_ceil(LANES);
        (
            blocks(kernel.input.c).div_ceil(self.inputs),
            blocks(kernel.output.c).div_ceil(self.outputs),
            kernel.geometry.kernel.0.div_ceil(self.tap_rows),
        )
    }

    fn units(&self, kernel: &Conv2dWeightGradient) -> usize {
        let (inputs, outputs, rows) = self.counts(kernel);
        inputs * outputs * rows
    }

    fn part(&self, kernel: &Conv2dWeightGradient, unit: usize) -> Part {
        let (inputs, _, rows) = self.counts(kernel);
        let range = |at: usize, step: usize, end: usize| at * step..end.min((at + 1) * step);
        let blocks = |channels: usize| channels.div_ceil(LANES);
        Part {
            tap_rows: range(unit % rows, self.tap_rows, kernel.geometry.kernel.0),
            inputs: range(unit / rows % inputs, self.inputs, blocks(kernel.input.c)),
            outputs: range(unit / rows / inputs, self.outputs, blocks(kernel.output.c)),
        }
    }
}

/// How pixels are walked through: samples, rows and columns, and the distances between them in floats.
#[derive(Clone, Copy)]
struct Walk {
    count: [usize; 3],
    x: [usize; 3],
    dy: [usize; 3],
    /// Rows of a band, or samples where a plane is less than that.
    rows: usize,
    samples: usize,
}

impl Walk {
    fn new(kernel: &Conv2dWeightGradient, batch: usize, x: &Blocked<'_>, dy: &Blocked<'_>) -> Self {
        let Conv2d { stride, kernel: window, .. } = kernel.geometry;
        let Shape { h, w, .. } = kernel.output;
        let (from, to) = (x.source(), dy.source());
        let mut walk = Walk {
            count: [batch, h, w],
            x: [from.sample, stride * from.row, stride * LANES],
            dy: [to.sample, to.row, LANES],
            rows: 1,
            samples: 1,
        };
        let is_bare = x.layout().border.is_zero() && dy.layout().border.is_zero();
        if h * w == 1 {
            // Rows of features: samples lie like the pixels of a row.
            walk.count = [1, 1, batch];
            (walk.x[2], walk.dy[2]) = (from.sample, to.sample);
        } else if window == (1, 1) && stride == 1 && is_bare {
            walk.count = [batch, 1, h * w];
        }
        let blocks = kernel.cut(1).outputs + 1;
        let pixels = (BAND_BYTES / (blocks * size_of::<Block>())).max(1);
        if walk.count[1] == 1 && walk.count[2] > pixels {
            // A long row is cut into several; the last may be shorter.
            walk.rows = 1;
        } else {
            walk.rows = (pixels / walk.count[2]).clamp(1, walk.count[1]);
            walk.samples = (pixels / (walk.count[1] * walk.count[2])).clamp(1, walk.count[0]);
        }
        walk
    }

    /// Pixels of a row that a band has.
    fn columns(&self, pixels: usize) -> usize {
        if self.count[1] == 1 { pixels.min(self.count[2]) } else { self.count[2] }
    }
}

struct Job<'a> {
    kernel: &'a Conv2dWeightGradient,
    walk: Walk,
    x: Source,
    dy: Source,
    dw: Weights,
}

/// Where weights' gradients are, of which every unit has its own.
#[derive(Clone, Copy)]
struct Weights(*mut f32);

// SAFETY: an exclusive borrow for the length of a run, of which every unit writes its own channels and taps.
unsafe impl Send for Weights {}
// SAFETY: as above.
unsafe impl Sync for Weights {}

/// Scratch memory, of which every worker has its own part.
#[derive(Clone, Copy)]
struct Sums(*mut Block);

// SAFETY: an exclusive borrow for the length of a run, of which every worker uses its own part.
unsafe impl Send for Sums {}
// SAFETY: as above.
unsafe impl Sync for Sums {}

impl Sums {
    fn at(self, block: usize) -> *mut Block {
        self.0.wrapping_add(block)
    }
}

struct Unit<'a> {
    job: &'a Job<'a>,
    part: &'a Part,
    /// `[block of inputs][tap][lane][block of outputs]`.
    sums: &'a mut [Block],
}

impl Task for Unit<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let walk = self.job.walk;
        let long = BAND_BYTES / ((self.part.outputs.len() + 1) * size_of::<Block>());
        let columns = walk.columns(long.max(1));
        for sample in (0..walk.count[0]).step_by(walk.samples) {
            for row in (0..walk.count[1]).step_by(walk.rows) {
                for column in (0..walk.count[2]).step_by(columns) {
                    let count = [
                        walk.samples.min(walk.count[0] - sample),
                        walk.rows.min(walk.count[1] - row),
                        columns.min(walk.count[2] - column),
                    ];
                    self.band(simd, [sample, row, column], count);
                }
            }
        }
        self.add_to_weights();
    }
}

impl Unit<'_> {
    /// All sums over the pixels of a band.
    #[inline(always)]
    fn band<S: Simd>(&mut self, simd: S, first: [usize; 3], count: [usize; 3]) {
        let Job { kernel, walk, x, dy, .. } = self.job;
        let Conv2d { padding, dilation, kernel: (_, columns), .. } = kernel.geometry;
        let outputs = self.part.outputs.len();
        let at = |steps: &[usize; 3]| first.iter().zip(steps).map(|(i, step)| i * step).sum::<usize>();
        let dy_start = dy.start.wrapping_add(self.part.outputs.start * dy.block + at(&walk.dy));
        let lanes_of_tile = lanes::<S>(kernel.input.c, outputs);
        let mut sums = self.sums.as_mut_ptr();
        for input in self.part.inputs.clone() {
            let lanes = LANES.min(kernel.input.c - input * LANES);
            let plane = x.start.wrapping_add(input * x.block + at(&walk.x));
            let plane = plane.wrapping_sub(padding.top * x.row + padding.left * LANES);
            for ky in self.part.tap_rows.clone() {
                for kx in 0..columns {
                    let tap = plane.wrapping_add(ky * dilation * x.row + kx * dilation * LANES);
                    for lane in (0..lanes).step_by(lanes_of_tile) {
                        let place = Place {
                            x: tap.wrapping_add(lane),
                            dy: dy_start,
                            block: dy.block,
                            sums: sums.wrapping_add(lane * outputs).cast(),
                            count,
                            x_steps: walk.x,
                            dy_steps: walk.dy,
                        };
                        // SAFETY: windows lie within the input and its border, which `run` has checked, the lanes of a tile within a block;
                        // the sums are this unit's.
                        unsafe { tile(simd, (lanes_of_tile, outputs), place) };
                    }
                    sums = sums.wrapping_add(LANES * outputs);
                }
            }
        }
    }

    /// Adds the finished sums to the weights' gradients.
    fn add_to_weights(&self) {
        let Job { kernel, dw, .. } = self.job;
        let (rows, columns) = kernel.geometry.kernel;
        let (channels, outputs) = (kernel.input.c, self.part.outputs.len());
        let taps = self.part.tap_rows.len() * columns;
        for (place, input) in self.part.inputs.clone().enumerate() {
            let lanes = LANES.min(channels - input * LANES);
            for out in self.part.outputs.start * LANES..kernel.output.c.min(self.part.outputs.end * LANES) {
                let (block, own) = (out / LANES - self.part.outputs.start, out % LANES);
                for lane in 0..lanes {
                    let first = (out * channels + input * LANES + lane) * rows * columns
                        + self.part.tap_rows.start * columns;
                    // SAFETY: taps of an output and an input channel that are the unit's, within `dw`, whose length was checked.
                    let weights = unsafe { std::slice::from_raw_parts_mut(dw.0.add(first), taps) };
                    for (tap, weight) in weights.iter_mut().enumerate() {
                        *weight += self.sums[((place * taps + tap) * LANES + lane) * outputs + block].0[own];
                    }
                }
            }
        }
    }
}

/// Lanes of a tile of this many blocks of outputs: about as many sums as there are registers for them.
#[inline(always)]
fn lanes<S: Simd>(channels: usize, outputs: usize) -> usize {
    if S::ACCUMULATORS < 24 || channels <= FEW {
        return 4;
    }
    match outputs {
        1 => 16,
        _ => 8,
    }
}

/// Where a tile reads and sums.
#[derive(Clone, Copy)]
struct Place {
    /// The first lane under the tap of the first pixel.
    x: *const f32,
    dy: *const f32,
    /// From a block of outputs to the next.
    block: usize,
    /// `[lane][block of outputs]`, vectors.
    sums: *mut f32,
    count: [usize; 3],
    x_steps: [usize; 3],
    dy_steps: [usize; 3],
}

/// # Safety
/// All pixels of the place can be read, and its sums written.
#[inline(always)]
unsafe fn tile<S: Simd>(simd: S, size: (usize, usize), place: Place) {
    // SAFETY: as the caller promises.
    unsafe {
        if S::ACCUMULATORS < 24 {
            fixed::<S, 4, 1>(simd, place);
            return;
        }
        match size {
            (4, 1) => fixed::<S, 4, 1>(simd, place),
            (4, 2) => fixed::<S, 4, 2>(simd, place),
            (4, 3) => fixed::<S, 4, 3>(simd, place),
            (4, _) => fixed::<S, 4, 4>(simd, place),
            (_, 1) => fixed::<S, 16, 1>(simd, place),
            (_, 2) => fixed::<S, 8, 2>(simd, place),
            _ => fixed::<S, 8, 3>(simd, place),
        }
    }
}

/// `ROWS` lanes of the input by `BLOCKS` blocks of outputs.
#[expect(clippy::needless_range_loop, reason = "iterators over arrays keep them out of registers here")]
#[inline(always)]
unsafe fn fixed<S: Simd, const ROWS: usize, const BLOCKS: usize>(simd: S, place: Place) {
    let Place { count, x_steps, dy_steps, .. } = place;
    // SAFETY: as the caller of `tile` promises; lanes of a tile end with their block.
    unsafe {
        let mut sums = [[simd.splat(0.0); BLOCKS]; ROWS];
        for r in 0..ROWS {
            for b in 0..BLOCKS {
                sums[r][b] = simd.load(place.sums.add((r * BLOCKS + b) * LANES));
            }
        }
        for sample in 0..count[0] {
            for row in 0..count[1] {
                let mut x = place.x.add(sample * x_steps[0] + row * x_steps[1]);
                let mut dy = place.dy.add(sample * dy_steps[0] + row * dy_steps[1]);
                for _ in 0..count[2] {
                    let mut gradient = [simd.splat(0.0); BLOCKS];
                    for b in 0..BLOCKS {
                        gradient[b] = simd.load(dy.add(b * place.block));
                    }
                    for r in 0..ROWS {
                        let value = simd.splat(*x.add(r));
                        for b in 0..BLOCKS {
                            sums[r][b] = simd.mul_add(value, gradient[b], sums[r][b]);
                        }
                    }
                    // Behind the last pixel these may be outside of the tensors.
                    x = x.wrapping_add(x_steps[2]);
                    dy = dy.wrapping_add(dy_steps[2]);
                }
            }
        }
        for r in 0..ROWS {
            for b in 0..BLOCKS {
                simd.store(sums[r][b], place.sums.add((r * BLOCKS + b) * LANES));
            }
        }
    }
}
