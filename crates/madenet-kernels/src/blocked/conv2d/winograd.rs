//! Winograd convolution for 3x3 windows at stride 1: tiles of the input are transformed, multiplied with transformed filters
//! point by point (a matrix product along the channels for each point), and transformed back.
//!
//! A unit of work is a block of tiles with all output channels: its transformed inputs stay in the second-level cache. Where
//! weights are too large to stay there beside them, all inputs are transformed first, and a unit is a group of output channels,
//! so that weights are read once and not for every block of tiles.

use super::direct::STRETCH_BYTES;
use super::filters::{Filters, Group, Row};
use super::tile::{Ends, Place, Walk, most_blocks, tile, width};
use super::transform::{F2, F4, Tile, filter};
use super::weights::{Sink, Weights};
use super::{ConvMethod, Layer, Operands};
use crate::blocked::rows::{load, store};
use crate::blocked::{Block, LANES};
use crate::simd::{Isa, Simd, Task, finish, floor};
use crate::units;
use crate::{Activation, Padding};

/// Bytes that the transformed inputs and sums of a unit may have: half of a second-level cache of 1 MiB, the rest is for
/// weights.
const UNIT_BYTES: usize = 512 << 10;

/// Bytes of sums that a unit of one group may have: they are written and read once, point by point.
const SUM_BYTES: usize = 1 << 20;

/// Bytes of transformed inputs up to which all of them are kept, for units of one group.
const SHARED_BYTES: usize = 32 << 20;

/// Bytes that stay in a second-level cache: 1 MiB is what current servers have at least.
const CACHE_BYTES: usize = 1 << 20;

/// Output blocks whose sums a unit holds at a time: as many as a group has at most.
const MOST_BLOCKS: usize = 4;

#[derive(Clone, Debug)]
pub(super) struct Winograd {
    /// Outputs of a tile on each axis, 2 or 4.
    outputs: usize,
    filters: Filters,
}

impl Winograd {
    pub(super) fn new(isa: Isa, layer: &Layer, outputs: usize) -> Self {
        let points = (outputs + 2) * (outputs + 2);
        // At least two groups where a tile of two blocks is as good as one of four, for two threads to have weights of their own.
        let half = layer.output.c.div_ceil(LANES).div_ceil(2).max(2);
        let most = most_blocks(isa.accumulators()).min(half);
        Winograd { outputs, filters: Filters::new(layer.output.c, points * layer.input.c, most) }
    }

    pub(super) fn set_weights(&mut self, isa: Isa, weights: &Weights<'_>) {
        match self.outputs {
            2 => self.transform_weights::<F2, 2, 4>(isa, weights),
            _ => self.transform_weights::<F4, 4, 6>(isa, weights),
        }
    }

    fn transform_weights<F: Tile<M, T>, const M: usize, const T: usize>(
        &mut self,
        isa: Isa,
        weights: &Weights<'_>,
    ) {
        let channels = weights.inputs;
        self.filters.set_windows(isa, weights, |row, first| FilterPoints::<F, M, T> {
            row,
            first,
            channels,
            windows: [[Block::ZERO; 9]; LANES],
            points: std::marker::PhantomData,
        });
    }

    pub(super) fn method(&self) -> ConvMethod {
        if self.outputs == 2 { ConvMethod::Winograd2 } else { ConvMethod::Winograd4 }
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(&self.filters.weights[..])
    }

    /// Tiles of a plane (down, across).
    fn tiles(&self, layer: &Layer) -> (usize, usize) {
        (layer.output.h.div_ceil(self.outputs), layer.output.w.div_ceil(self.outputs))
    }

    pub(super) fn border(&self, layer: &Layer) -> Padding {
        let (down, across) = self.tiles(layer);
        let Padding { top, left, .. } = layer.geometry.padding;
        let after = |tiles: usize, before: usize, inputs: usize| {
            (tiles * self.outputs + 2).saturating_sub(before + inputs)
        };
        Padding {
            top,
            left,
            bottom: after(down, top, layer.input.h),
            right: after(across, left, layer.input.w),
        }
    }

    fn points(&self) -> usize {
        (self.outputs + 2) * (self.outputs + 2)
    }

    /// Blocks of memory for the transformed inputs of `tiles` tiles.
    fn input_blocks(&self, layer: &Layer, tiles: usize) -> usize {
        self.points() * Spread::new(layer.input.c.div_ceil(LANES), tiles).point
    }

    /// Blocks of memory for the sums of a group for `tiles` tiles.
    fn sum_blocks(&self, tiles: usize) -> usize {
        self.points() * Spread::new(MOST_BLOCKS, tiles).point
    }

    /// How a batch is cut into units.
    fn shares(&self, layer: &Layer, batch: usize, threads: usize) -> Shares {
        let (down, across) = self.tiles(layer);
        // A batch of none has the sizes of one.
        let (tiles, threads) = (batch.max(1) * down * across, threads.max(1));
        let bytes = |blocks: usize| blocks * size_of::<Block>();
        // Twelve tiles are a multiple of all tile widths but 8.
        let rounded = |tiles: usize| if tiles > 12 { tiles / 12 * 12 } else { tiles };
        let within = |limit: usize, tile: usize| rounded((limit / bytes(tile)).max(1));
        let tile = self.input_blocks(layer, 1) + self.sum_blocks(1);
        let block = within(UNIT_BYTES, tile).min(rounded(tiles.div_ceil(2 * threads)));
        // What comes from beyond a core's own cache: all weights for every block of tiles, or all inputs for every group; where
        // weights fit, they come once for every thread, and inputs once from another thread.
        let (inputs, groups) = (bytes(self.input_blocks(layer, tiles)), self.filters.groups.len());
        let fits = self.bytes() + bytes(block * tile) <= CACHE_BYTES;
        let by_tiles = if fits { threads } else { tiles.div_ceil(block) } * self.bytes();
        let by_group = groups >= threads
            && inputs <= SHARED_BYTES
            && inputs * if fits { 1 } else { groups } + self.bytes() < by_tiles;
        if !by_group {
            return Shares { tiles, chunks: None, block };
        }
        let chunks = (2 * threads).div_ceil(groups).min(tiles.div_ceil(12));
        let chunk = tiles.div_ceil(chunks);
        let steps = chunk.div_ceil(within(SUM_BYTES, self.sum_blocks(1)));
        Shares { tiles, chunks: Some(chunk), block: chunk.div_ceil(steps) }
    }

    /// Blocks of memory that a run on `threads` threads needs.
    pub(super) fn scratch(&self, layer: &Layer, batch: usize, threads: usize) -> usize {
        let shares = self.shares(layer, batch, threads);
        let sums = self.sum_blocks(shares.block);
        if shares.chunks.is_some() {
            self.input_blocks(layer, shares.tiles) + threads * sums
        } else {
            threads * (self.input_blocks(layer, shares.block) + sums)
        }
    }

    pub(super) fn run(&self, isa: Isa, layer: &Layer, operands: &Operands<'_>, scratch: &mut [Block]) {
        match self.outputs {
            2 => self.run_tiled::<F2, 2, 4>(isa, layer, operands, scratch),
            _ => self.run_tiled::<F4, 4, 6>(isa, layer, operands, scratch),
        }
    }

    fn run_tiled<F: Tile<M, T> + Sync, const M: usize, const T: usize>(
        &self,
        isa: Isa,
        layer: &Layer,
        operands: &Operands<'_>,
        scratch: &mut [Block],
    ) {
        let shares = self.shares(layer, operands.batch, operands.threads);
        let sums = self.sum_blocks(shares.block);
        let job = Job::<F, M, T> {
            layer,
            operands,
            filters: &self.filters,
            tiles: self.tiles(layer),
            points: std::marker::PhantomData,
        };
        let macs = shares.tiles * self.points() * layer.input.c * layer.output.c;
        let scratch = Scratch(scratch.as_mut_ptr());
        if let Some(chunk) = shares.chunks {
            let blocks = layer.input.c.div_ceil(LANES);
            units::share(blocks, macs / layer.output.c / super::MACS_PER_VALUE, |block| {
                let all = 0..shares.tiles;
                // SAFETY: the scratch memory has the inputs of all tiles first; a unit writes those of its channel block.
                isa.run(unsafe {
                    job.part(Part::Inputs(block..block + 1), all, scratch.at(0), std::ptr::null_mut())
                });
            });
            let groups = &self.filters.groups;
            let chunks = shares.tiles.div_ceil(chunk);
            let units = groups.len() * chunks;
            let workers = units::workers(units, macs / units / super::MACS_PER_VALUE).min(operands.threads);
            let all_inputs = self.input_blocks(layer, shares.tiles);
            units::share_among(workers, units, |worker, unit| {
                let (group, first) = (unit / chunks, unit % chunks * chunk);
                let outputs = Outputs {
                    groups: &groups[group..=group],
                    tiles: first..shares.tiles.min(first + chunk),
                    step: shares.block,
                };
                // SAFETY: a worker has its own sums behind the inputs, which nothing writes any more.
                isa.run(unsafe {
                    job.part(
                        Part::Outputs(outputs),
                        0..shares.tiles,
                        scratch.at(0),
                        scratch.at(all_inputs + worker * sums),
                    )
                });
            });
        } else {
            let count = shares.tiles.div_ceil(shares.block);
            let input = self.input_blocks(layer, shares.block);
            let workers = units::workers(count, macs / count / super::MACS_PER_VALUE).min(operands.threads);
            units::share_among(workers, count, |worker, unit| {
                let tiles = unit * shares.block..shares.tiles.min((unit + 1) * shares.block);
                let at = worker * (input + sums);
                // SAFETY: a worker has its own inputs and sums.
                isa.run(unsafe { job.part(Part::Both, tiles, scratch.at(at), scratch.at(at + input)) });
            });
        }
    }
}

/// Collects the windows of sixteen input channels and writes their points.
struct FilterPoints<F, const M: usize, const T: usize> {
    row: Row,
    /// The first of the channels.
    first: usize,
    /// All channels.
    channels: usize,
    windows: [[Block; 9]; LANES],
    points: std::marker::PhantomData<F>,
}

impl<F: Tile<M, T>, const M: usize, const T: usize> Sink for FilterPoints<F, M, T> {
    #[inline(always)]
    fn put<S: Simd>(&mut self, simd: S, lane: usize, tap: usize, weights: S::V) {
        store(simd, weights, &mut self.windows[lane][tap].0);
    }

    #[inline(always)]
    fn finish<S: Simd>(self, simd: S, lanes: usize) {
        for (lane, window) in self.windows.iter().enumerate().take(lanes) {
            let mut g = [[simd.splat(0.0); 3]; 3];
            for (tap, weights) in window.iter().enumerate() {
                g[tap / 3][tap % 3] = load(simd, &weights.0);
            }
            for (point, value) in filter::<S, F, M, T>(simd, g).as_flattened().iter().enumerate() {
                self.row.set(simd, point * self.channels + self.first + lane, *value);
            }
        }
    }
}

/// How transformed values lie: by points, then by blocks of channels, then by tiles. Distances are odd numbers of cache lines,
/// so that the points of a tile do not all fall into one set of a cache.
#[derive(Clone, Copy)]
struct Spread {
    /// From a point to the next, in blocks.
    point: usize,
    /// From a block of channels to the next.
    block: usize,
}

impl Spread {
    fn new(blocks: usize, tiles: usize) -> Self {
        let block = tiles | 1;
        Spread { point: (blocks * block) | 1, block }
    }
}

struct Shares {
    tiles: usize,
    /// Tiles of a unit where units are of one group of output channels; none where they are of all.
    chunks: Option<usize>,
    /// Tiles that a unit has in memory at a time.
    block: usize,
}

/// What a unit of one group computes from transformed inputs.
#[derive(Clone)]
struct Outputs<'a> {
    groups: &'a [Group],
    /// Which of the job's tiles.
    tiles: std::ops::Range<usize>,
    /// How many of them at a time.
    step: usize,
}

/// Scratch memory that workers use parts of.
#[derive(Clone, Copy)]
pub(super) struct Scratch(pub(super) *mut Block);

// SAFETY: an exclusive borrow for the length of a run, of which every worker uses parts of its own.
unsafe impl Send for Scratch {}
// SAFETY: as above.
unsafe impl Sync for Scratch {}

impl Scratch {
    /// The floats from block `block` on.
    pub(super) fn at(self, block: usize) -> *mut f32 {
        self.0.wrapping_add(block).cast()
    }
}

struct Job<'a, F, const M: usize, const T: usize> {
    layer: &'a Layer,
    operands: &'a Operands<'a>,
    filters: &'a Filters,
    tiles: (usize, usize),
    points: std::marker::PhantomData<F>,
}

#[derive(Clone)]
enum Part<'a> {
    /// Transforms these blocks of input channels.
    Inputs(std::ops::Range<usize>),
    /// From transformed inputs to outputs.
    Outputs(Outputs<'a>),
    Both,
}

/// A range of tiles of the batch, with its memory: transformed inputs and sums, as [`Spread`] says.
struct Unit<'a, F, const M: usize, const T: usize> {
    job: &'a Job<'a, F, M, T>,
    part: Part<'a>,
    tiles: std::ops::Range<usize>,
    inputs: *mut f32,
    sums: *mut f32,
}

impl<F: Tile<M, T>, const M: usize, const T: usize> Job<'_, F, M, T> {
    /// # Safety
    /// `inputs` and `sums` have room for the tiles, and are the caller's own as far as the part writes them.
    unsafe fn part<'a>(
        &'a self,
        part: Part<'a>,
        tiles: std::ops::Range<usize>,
        inputs: *mut f32,
        sums: *mut f32,
    ) -> Unit<'a, F, M, T> {
        Unit { job: self, part, tiles, inputs, sums }
    }

    /// Sample, row and column of a tile.
    #[inline(always)]
    fn place(&self, tile: usize) -> (usize, usize, usize) {
        let (down, across) = self.tiles;
        (tile / (down * across), tile / across % down, tile % across)
    }
}

impl<F: Tile<M, T>, const M: usize, const T: usize> Task for Unit<'_, F, M, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let blocks = self.job.layer.input.c.div_ceil(LANES);
        match self.part.clone() {
            Part::Inputs(range) => self.transform_inputs(simd, range),
            Part::Outputs(Outputs { groups, tiles, step }) => {
                for first in tiles.clone().step_by(step) {
                    self.groups(simd, groups, first..tiles.end.min(first + step));
                }
            }
            Part::Both => {
                self.transform_inputs(simd, 0..blocks);
                self.groups(simd, &self.job.filters.groups, 0..self.tiles.len());
            }
        }
    }
}

impl<F: Tile<M, T>, const M: usize, const T: usize> Unit<'_, F, M, T> {
    #[inline(always)]
    fn transform_inputs<S: Simd>(&self, simd: S, range: std::ops::Range<usize>) {
        let (layer, x) = (self.job.layer, &self.job.operands.x);
        let spread = Spread::new(layer.input.c.div_ceil(LANES), self.tiles.len());
        for block in range {
            for (index, tile) in self.tiles.clone().enumerate() {
                let (image, down, across) = self.job.place(tile);
                let offset = block * x.block + image * x.sample + down * M * x.row + across * M * LANES;
                let source = layer.first_tap(x).wrapping_add(offset);
                let target = self.inputs.wrapping_add((block * spread.block + index) * LANES);
                // SAFETY: the tile lies within the input and its border, which `Conv2dKernel::run` has checked; the target is
                // within the unit's memory.
                unsafe { transform_input::<S, F, M, T>(simd, source, x.row, target, spread.point * LANES) };
            }
        }
    }

    /// The outputs of some groups for `tiles`, places in the unit's range.
    #[inline(always)]
    fn groups<S: Simd>(&self, simd: S, groups: &[Group], tiles: std::ops::Range<usize>) {
        for group in groups {
            self.multiply(simd, group, tiles.clone());
            for block in 0..group.blocks {
                self.transform_outputs(simd, group, block, tiles.clone());
            }
        }
    }

    /// Products and sums along the channels, for every point.
    #[inline(always)]
    fn multiply<S: Simd>(&self, simd: S, group: &Group, tiles: std::ops::Range<usize>) {
        static ZEROS: [Block; MOST_BLOCKS] = [Block::ZERO; MOST_BLOCKS];
        let channels = self.job.layer.input.c;
        let blocks = channels.div_ceil(LANES);
        let (from, to) = (Spread::new(blocks, self.tiles.len()), Spread::new(group.blocks, tiles.len()));
        // Stretches of even length whose weights stay in the first-level cache while the tiles pass.
        let stretch = (STRETCH_BYTES / (LANES * group.blocks * size_of::<Block>())).max(1);
        let stretch = blocks.div_ceil(blocks.div_ceil(stretch));
        for point in 0..T * T {
            for first in (0..blocks).step_by(stretch) {
                let walk = Walk {
                    channels: channels.min((first + stretch) * LANES) - first * LANES,
                    block: from.block * LANES,
                    lane: 1,
                    taps: (1, 1),
                    tap: (0, 0),
                    pixel: LANES,
                };
                let ends = Ends {
                    first: first == 0,
                    activation: Activation::Identity,
                    out_block: to.block * LANES,
                    out_pixel: LANES,
                    residual_block: 0,
                    residual_pixel: LANES,
                };
                let weights = self.job.filters.at(group, point * channels + first * LANES);
                let inputs = (point * from.point + first * from.block + tiles.start) * LANES;
                let inputs = self.inputs.wrapping_add(inputs);
                let sums = self.sums.wrapping_add(point * to.point * LANES);
                // The next stretch follows in memory, and is fetched in as many parts as tiles have blocks.
                let ahead = weights.wrapping_add(walk.channels * group.blocks * LANES);
                let mut at = 0;
                while at < tiles.len() {
                    let pixels = width::<S, LANES>(group.blocks, tiles.len() - at);
                    let place = Place {
                        input: inputs.wrapping_add(at * LANES),
                        weights,
                        ahead: ahead.wrapping_add(at / pixels.max(1) * walk.channels * LANES),
                        bias: ZEROS.as_ptr().cast(),
                        residual: std::ptr::null(),
                        out: sums.wrapping_add(at * LANES),
                    };
                    // SAFETY: all within the unit's memory and the packed weights.
                    unsafe { tile::<S, LANES>(simd, (group.blocks, pixels), &walk, &ends, place) };
                    at += pixels;
                }
            }
        }
    }

    /// One block of output channels, with bias, residual and activation.
    #[inline(always)]
    fn transform_outputs<S: Simd>(
        &self,
        simd: S,
        group: &Group,
        block: usize,
        tiles: std::ops::Range<usize>,
    ) {
        let Operands { residual, out, .. } = self.job.operands;
        let (layer, channel) = (self.job.layer, group.first + block);
        let (h, w) = (layer.output.h, layer.output.w);
        let row = out.layout().row() * LANES;
        let count = tiles.len();
        let spread = Spread::new(group.blocks, count);
        // SAFETY: a block of the bias.
        let bias = unsafe { simd.load(layer.bias[channel].0.as_ptr()) };
        for index in 0..count {
            let (image, down, across) = self.job.place(self.tiles.start + tiles.start + index);
            let rows = M.min(h - down * M);
            let sums = self.sums.wrapping_add((block * spread.block + index) * LANES);
            // SAFETY: within the unit's memory; the tile is the unit's own, and starts within the output.
            let (values, target) = unsafe {
                if across == 0 {
                    out.clear_border(channel, image, down * M..down * M + rows);
                }
                let target = out.row(channel, image, down * M).add(across * M * LANES);
                (transform_output::<S, F, M, T>(simd, sums, spread.point * LANES, bias), target)
            };
            let residual = residual.as_ref().map(|r| {
                let offset = channel * r.block + image * r.sample + down * M * r.row + across * M * LANES;
                (r.start.wrapping_add(offset), r.row)
            });
            let columns = M.min(w - across * M);
            let (floor, rest) = floor(simd, layer.activation);
            for (y, values) in values.iter().enumerate().take(rows) {
                // SAFETY: pixels of the tile that are within the output, and the residual of its shape.
                unsafe {
                    for (x, value) in values.iter().enumerate().take(columns) {
                        let mut value = *value;
                        if let Some((start, row)) = residual {
                            value = simd.add(value, simd.load(start.add(y * row + x * LANES)));
                        }
                        simd.store(simd.max(floor, value), target.add(y * row + x * LANES));
                    }
                    if let Some(rest) = rest {
                        finish(simd, rest, target.add(y * row), LANES, columns);
                    }
                }
            }
        }
    }
}

/// `B^T d B` of a tile whose rows are `row` apart; points are written `stride` apart.
///
/// # Safety
/// `T` x `T` pixels can be read, and all points written.
#[expect(clippy::needless_range_loop, reason = "rows and columns of a tile")]
#[inline(always)]
unsafe fn transform_input<S: Simd, F: Tile<M, T>, const M: usize, const T: usize>(
    simd: S,
    source: *const f32,
    row: usize,
    target: *mut f32,
    stride: usize,
) {
    let mut half = [[simd.splat(0.0); T]; T];
    for x in 0..T {
        let mut column = [simd.splat(0.0); T];
        for (y, value) in column.iter_mut().enumerate() {
            // SAFETY: a pixel of the tile.
            *value = unsafe { simd.load(source.add(y * row + x * LANES)) };
        }
        let column = F::input(simd, column);
        for y in 0..T {
            half[y][x] = column[y];
        }
    }
    for (y, row) in half.iter().enumerate() {
        for (x, value) in F::input(simd, *row).iter().enumerate() {
            // SAFETY: a point of the tile.
            unsafe { simd.store(*value, target.add((y * T + x) * stride)) };
        }
    }
}

/// `A^T m A + bias` of a tile whose points are `stride` apart.
///
/// # Safety
/// All points can be read.
#[expect(clippy::needless_range_loop, reason = "rows and columns of a tile")]
#[inline(always)]
unsafe fn transform_output<S: Simd, F: Tile<M, T>, const M: usize, const T: usize>(
    simd: S,
    sums: *const f32,
    stride: usize,
    bias: S::V,
) -> [[S::V; M]; M] {
    let mut half = [[simd.splat(0.0); T]; M];
    for x in 0..T {
        let mut column = [simd.splat(0.0); T];
        for (y, value) in column.iter_mut().enumerate() {
            // SAFETY: a point of the tile.
            *value = unsafe { simd.load(sums.add((y * T + x) * stride)) };
        }
        let column = F::output(simd, column);
        for y in 0..M {
            half[y][x] = column[y];
        }
    }
    let mut out = [[bias; M]; M];
    for y in 0..M {
        let row = F::output(simd, half[y]);
        for x in 0..M {
            out[y][x] = simd.add(row[x], bias);
        }
    }
    out
}
