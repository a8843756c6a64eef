//! How the gradient with respect to weights is cut: into units of input and output channels, the batch into chunks, a chunk into
//! strips. All of it follows from sizes alone, so that sums have one order for any number of threads.

use std::ops::Range;

use super::super::Layer;
use super::tile::{TAP, most_blocks};
use crate::Isa;
use crate::blocked::LANES;

/// Bytes of a strip's input (under one row of taps) and of a group's `dy`: what stays in the 32 or 48 KiB of a first-level cache
/// while all taps pass.
const STRIP_BYTES: usize = 28 << 10;

/// Bytes of sums that a unit may have: a quarter of the 1 MiB that a second-level cache has at least on current servers.
const SUM_BYTES: usize = 256 << 10;

/// Multiply-adds of vectors, in multiples of [`LANES`], for every vector that a unit reads, from which on memory keeps up with
/// the arithmetic: 6 GB/s for a core that does six thousand million a second.
const REUSE: usize = 6;

/// Units that there should be: enough for some ten threads to be done at about the same time.
const UNITS: usize = 32;

/// Pixels of a chunk at least: adding up chunks is then a few per cent of the work.
const CHUNK_PIXELS: usize = 512;

/// How a batch's gradient is cut.
#[derive(Clone, Debug)]
pub(super) struct Shares {
    /// Blocks of input and output channels.
    pub(super) blocks: (usize, usize),
    /// Output blocks of a tile at most.
    pub(super) group: usize,
    /// Parts of the input blocks and of the output blocks; a unit is one of each.
    pub(super) parts: (usize, usize),
    /// Parts of the strips, each with sums of its own.
    pub(super) chunks: usize,
    pub(super) strips: Strips,
    taps: usize,
}

impl Shares {
    pub(super) fn new(isa: Isa, layer: &Layer, batch: usize) -> Self {
        let (inputs, outputs) = (layer.input.c.div_ceil(LANES), layer.output.c.div_ceil(LANES));
        let taps = layer.taps();
        let group = most_blocks(isa.accumulators(), layer.input.c);
        // Groups of even size.
        let group = outputs.div_ceil(outputs.div_ceil(group));
        let (mut i, mut o) = (1, group);
        loop {
            let larger = 2 * i * o * taps * TAP * size_of::<f32>();
            let enough = taps * i * o >= REUSE * (i + o) || larger > SUM_BYTES;
            if enough || (i == inputs && o == outputs) {
                break;
            }
            if i < inputs && (i <= o || o == outputs) {
                i = inputs.min(2 * i);
            } else {
                o = outputs.min(2 * o);
            }
        }
        let parts = (inputs.div_ceil(i), outputs.div_ceil(o.next_multiple_of(group).min(outputs)));
        let units = parts.0 * parts.1;
        let strips = Strips::new(layer, batch, group);
        let pixels = batch * layer.output.plane();
        let chunks = UNITS.div_ceil(units).min(pixels / CHUNK_PIXELS).clamp(1, strips.count());
        Shares { blocks: (inputs, outputs), group, parts, chunks, strips, taps }
    }

    /// Units of one chunk.
    pub(super) fn units(&self) -> usize {
        self.parts.0 * self.parts.1
    }

    /// The input blocks and the output blocks of a unit.
    pub(super) fn unit(&self, unit: usize) -> (Range<usize>, Range<usize>) {
        let (inputs, outputs) = (self.blocks.0, self.blocks.1.div_ceil(self.group));
        let inputs = part(inputs, self.parts.0, unit / self.parts.1);
        let groups = part(outputs, self.parts.1, unit % self.parts.1);
        (inputs, groups.start * self.group..self.blocks.1.min(groups.end * self.group))
    }

    /// Most pairs of an input and an output block that a unit has.
    pub(super) fn pairs(&self) -> usize {
        (0..self.units())
            .map(|unit| {
                let (inputs, outputs) = self.unit(unit);
                inputs.len() * outputs.len()
            })
            .max()
            .unwrap_or(0)
    }

    /// The strips of a chunk.
    pub(super) fn chunk(&self, chunk: usize) -> Range<usize> {
        part(self.strips.count(), self.chunks, chunk)
    }

    /// Blocks of sums for a pair of blocks.
    pub(super) fn pair(&self) -> usize {
        self.taps * LANES
    }
}

/// One of `parts` even parts of `0..len`.
fn part(len: usize, parts: usize, index: usize) -> Range<usize> {
    index * len / parts..(index + 1) * len / parts
}

/// Pieces of a batch's output planes: a piece of rows, or whole planes of several samples.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Strips {
    /// (samples, rows, columns) of the batch.
    all: [usize; 3],
    /// The same of a strip.
    strip: [usize; 3],
}

impl Strips {
    fn new(layer: &Layer, batch: usize, group: usize) -> Self {
        let (stride, dilation) = (layer.geometry.stride, layer.geometry.dilation);
        let kernel = layer.geometry.kernel.1;
        let (height, width) = (layer.output.h, layer.output.w);
        let row = |columns: usize| {
            let under =
                ((columns - 1) * stride + (kernel - 1) * dilation + 1).min(columns.saturating_mul(kernel));
            (under + columns * group) * LANES * size_of::<f32>()
        };
        let pieces = row(width).div_ceil(STRIP_BYTES).clamp(1, width.div_ceil(8));
        let columns = width.div_ceil(pieces);
        let rows = (STRIP_BYTES / row(columns)).max(1);
        let samples = if columns == width { (rows / height).clamp(1, batch.max(1)) } else { 1 };
        let even = |all: usize, most: usize| all.div_ceil(all.div_ceil(most.clamp(1, all)));
        let batch = batch.max(1);
        Strips { all: [batch, height, width], strip: [even(batch, samples), even(height, rows), columns] }
    }

    fn counts(&self) -> [usize; 3] {
        std::array::from_fn(|axis| self.all[axis].div_ceil(self.strip[axis]))
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.counts().iter().product()
    }

    /// Samples, rows and columns of a strip.
    pub(super) fn get(&self, index: usize) -> [Range<usize>; 3] {
        let [_, down, across] = self.counts();
        let at = [index / (down * across), index / across % down, index % across];
        std::array::from_fn(|axis| {
            let first = at[axis] * self.strip[axis];
            first..self.all[axis].min(first + self.strip[axis])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Activation, Conv2d, Shape};

    fn layer(geometry: Conv2d, input: Shape, out: usize) -> Layer {
        let (output, _) = crate::conv2d::sizes(&geometry, input, out).unwrap();
        Layer { geometry, input, output, bias: Vec::new(), activation: Activation::Identity }
    }

    #[test]
    fn units_and_strips_cover_everything_once() {
        for (geometry, input, out, batch) in [
            (Conv2d::new(3, 1, 1), Shape::new(64, 64, 64), 64, 16),
            (Conv2d::new(1, 1, 0), Shape::new(480, 64, 64), 256, 4),
            (Conv2d::new(7, 2, 3), Shape::new(3, 257, 999), 72, 3),
            (Conv2d::new(3, 1, 1), Shape::new(500, 3, 5), 130, 33),
            (Conv2d::new(1, 1, 0), Shape::new(1, 1, 1), 1, 0),
        ] {
            for isa in Isa::available() {
                let layer = layer(geometry, input, out);
                let shares = Shares::new(isa, &layer, batch);
                let mut pairs = vec![0; shares.blocks.0 * shares.blocks.1];
                for unit in 0..shares.units() {
                    let (inputs, outputs) = shares.unit(unit);
                    assert!(inputs.len() * outputs.len() <= shares.pairs());
                    inputs.flat_map(|i| outputs.clone().map(move |o| (i, o))).for_each(|(i, o)| {
                        pairs[i * shares.blocks.1 + o] += 1;
                    });
                }
                assert!(pairs.iter().all(|&count| count == 1), "{pairs:?}");
                let strips = (0..shares.chunks).flat_map(|chunk| shares.chunk(chunk));
                let pixels =
                    strips.map(|strip| shares.strips.get(strip).iter().map(Range::len).product::<usize>());
                assert_eq!(pixels.sum::<usize>(), batch.max(1) * layer.output.plane());
            }
        }
    }
}
