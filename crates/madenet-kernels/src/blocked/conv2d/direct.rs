//! Direct convolution: the register tile moved over the rows of the output.
//!
//! The sum is cut into stretches of input blocks whose weights fit the first-level cache; a stretch goes over all rows of the
//! unit before the next, and keeps its sums in the output meanwhile. A unit of work is a band of rows with all output
//! channels, whose input stays in the second-level cache, or, where the weights are larger than the input (deep layers), a
//! group of output channels, so that every thread reads its own weights only.

use super::filters::{Filters, Group, TapPlace};
use super::tile::{Ends, Place, Walk, most_blocks, tile, width};
use super::weights::Weights;
use super::{Layer, Operands};
use crate::blocked::{Block, LANES};
use crate::simd::{Isa, Simd, Task};
use crate::units;
use crate::{Activation, Shape};

/// Bytes of weights that a stretch of the sum may have: of the 32 or 48 KiB of a first-level cache.
pub(super) const STRETCH_BYTES: usize = 36 << 10;

/// Bytes of input that a band may have: half of the 1 MiB that a second-level cache has at least on current servers.
const BAND_BYTES: usize = 512 << 10;

/// Pixels of a row where a plane without borders is cut into rows anew: 8 tiles of 12, 12 of 8, 16 of 6.
const RUN: usize = 96;

#[derive(Clone, Debug)]
pub(super) struct Direct {
    filters: Filters,
}

impl Direct {
    pub(super) fn new(isa: Isa, layer: &Layer) -> Self {
        let depth = layer.input.c * layer.taps();
        Direct { filters: Filters::new(layer.output.c, depth, most_blocks(isa.accumulators())) }
    }

    pub(super) fn set_weights(&mut self, isa: Isa, weights: &Weights<'_>) {
        let Weights { inputs, taps, .. } = *weights;
        self.filters
            .set(isa, weights, |channel, index| TapPlace { before: 0, taps, index }.step(inputs, channel));
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(&self.filters.weights[..])
    }

    pub(super) fn run(&self, isa: Isa, layer: &Layer, operands: &Operands<'_>) {
        let rows = Rows::new(layer, operands);
        let (channels, taps) = (layer.input.c, layer.taps());
        let threads = rayon::current_num_threads();
        let input_bytes = operands.batch * layer.input.len() * size_of::<f32>();
        let by_group = self.bytes() > input_bytes && self.filters.groups.len() > 1;
        let group_units = if by_group { self.filters.groups.len() } else { 1 };
        // Enough units for every thread to have four, or two groups, whose weights are then read once; and a band fits the cache.
        let images = rows.images;
        let wanted = if by_group { 2 } else { 4 } * threads;
        let wanted = wanted.div_ceil(group_units * images);
        let bands = wanted.max((input_bytes / images).div_ceil(BAND_BYTES)).clamp(1, rows.count);
        let band = rows.count.div_ceil(bands);
        let bands = rows.count.div_ceil(band);
        let units = group_units * images * bands;
        let macs = operands.batch * layer.output.len() * channels * taps;
        units::share(units, macs / units / super::MACS_PER_VALUE, |unit| {
            let (group, rest) = (unit / (images * bands), unit % (images * bands));
            let (image, part) = (rest / bands, rest % bands);
            let groups = if by_group { group..group + 1 } else { 0..self.filters.groups.len() };
            isa.run(Unit {
                layer,
                operands,
                rows: &rows,
                filters: &self.filters,
                groups: &self.filters.groups[groups],
                image,
                band: part * band..rows.count.min((part + 1) * band),
            });
        });
    }
}

/// The rows that tiles run along: those of the planes, or stretches of all pixels of the batch where input and output have
/// their pixels in one run and a window is one pixel.
struct Rows {
    images: usize,
    count: usize,
    width: usize,
    last: usize,
    /// Distances from a row to the next in floats, of the input of the first tap, the output and the residual.
    input: usize,
    out: usize,
    residual: usize,
}

impl Rows {
    fn new(layer: &Layer, operands: &Operands<'_>) -> Self {
        let Shape { h, w, .. } = layer.output;
        let residual = operands.residual.map_or(0, |residual| residual.row);
        if layer.is_pointwise() && operands.is_one_run() {
            let pixels = operands.batch * h * w;
            let count = pixels.div_ceil(RUN);
            let row = RUN * LANES;
            let last = pixels - (count - 1) * RUN;
            return Rows { images: 1, count, width: RUN, last, input: row, out: row, residual: row };
        }
        Rows {
            images: operands.batch,
            count: h,
            width: w,
            last: w,
            input: layer.geometry.stride * operands.x.row,
            out: operands.out.layout().row() * LANES,
            residual,
        }
    }
}

/// A band of rows of one image and some groups of output channels.
struct Unit<'a> {
    layer: &'a Layer,
    operands: &'a Operands<'a>,
    rows: &'a Rows,
    filters: &'a Filters,
    groups: &'a [Group],
    image: usize,
    band: std::ops::Range<usize>,
}

impl Task for Unit<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        match self.layer.geometry.stride {
            1 => self.groups::<S, LANES>(simd),
            2 => self.groups::<S, { 2 * LANES }>(simd),
            _ => self.groups::<S, 0>(simd),
        }
    }
}

impl Unit<'_> {
    #[inline(always)]
    fn groups<S: Simd, const STEP: usize>(&self, simd: S) {
        let Operands { x, .. } = self.operands;
        let (layer, geometry) = (self.layer, self.layer.geometry);
        let taps = layer.taps();
        for group in self.groups {
            let stretch = (STRETCH_BYTES / (taps * LANES * group.blocks * size_of::<Block>())).max(1);
            let blocks = layer.input.c.div_ceil(LANES);
            // Stretches of even length.
            let stretch = blocks.div_ceil(blocks.div_ceil(stretch));
            for first in (0..blocks).step_by(stretch) {
                let end = blocks.min(first + stretch);
                let walk = Walk {
                    channels: layer.input.c.min(end * LANES) - first * LANES,
                    block: x.block,
                    lane: 1,
                    taps: geometry.kernel,
                    tap: (geometry.dilation * x.row, geometry.dilation * LANES),
                    pixel: geometry.stride * LANES,
                };
                self.rows::<S, STEP>(simd, group, first, &walk, end == blocks);
            }
        }
    }

    /// One stretch of the sum for all rows of the band.
    #[inline(always)]
    fn rows<S: Simd, const STEP: usize>(
        &self,
        simd: S,
        group: &Group,
        first: usize,
        walk: &Walk,
        last: bool,
    ) {
        let Operands { x, residual, out, .. } = self.operands;
        let (layer, rows, image) = (self.layer, self.rows, self.image);
        let ends = Ends {
            first: first == 0,
            activation: if last { layer.activation } else { Activation::Identity },
            out_block: out.block(),
            out_pixel: LANES,
            residual_block: residual.map_or(0, |residual| residual.block),
            residual_pixel: LANES,
        };
        let weights: *const f32 = self.filters.at(group, first * LANES * layer.taps());
        let bias = layer.bias[group.first..].as_ptr().cast();
        let input = layer.first_tap(x).wrapping_add(first * x.block + image * x.sample);
        let residual = residual.map_or(std::ptr::null(), |residual| {
            residual.start.wrapping_add(group.first * residual.block + image * residual.sample)
        });
        // SAFETY: the group and image are within the output; where rows are stretches of a run, they start at its first pixel.
        let out = unsafe { out.row(group.first, image, 0) };
        // The next stretch of weights follows in memory, and is fetched in as many parts as tiles have blocks.
        let steps = walk.channels * layer.taps() * LANES;
        let mut ahead: *const f32 = weights.wrapping_add(steps * group.blocks);
        let mut parts = group.blocks;
        for row in self.band.clone() {
            let end = if row + 1 == rows.count { rows.last } else { rows.width };
            let mut at = 0;
            while at < end {
                let pixels = width::<S, STEP>(group.blocks, end - at);
                let place = Place {
                    input: input.wrapping_add(row * rows.input + at * walk.pixel),
                    weights,
                    ahead,
                    bias,
                    residual: if residual.is_null() {
                        residual
                    } else {
                        residual.wrapping_add(row * rows.residual + at * LANES)
                    },
                    out: out.wrapping_add(row * rows.out + at * LANES),
                };
                // SAFETY: windows lie within the input and its border, which `Conv2dKernel::run` has checked; the output's
                // rows of these groups are the unit's own.
                unsafe { tile::<S, STEP>(simd, (group.blocks, pixels), walk, &ends, place) };
                if parts > 1 {
                    (ahead, parts) = (ahead.wrapping_add(steps), parts - 1);
                } else {
                    ahead = weights;
                }
                at += pixels;
            }
            if last {
                self.clear_border(group, row);
            }
        }
    }

    /// Zeros around a finished row.
    fn clear_border(&self, group: &Group, row: usize) {
        if self.operands.out.layout().border.is_zero() {
            return;
        }
        for block in group.first..group.first + group.blocks {
            // SAFETY: within the output, which has borders, so that rows are rows of planes; they are the unit's own.
            unsafe { self.operands.out.clear_border(block, self.image, row..row + 1) };
        }
    }
}
