//! The output channels of a convolution in groups of blocks that a tile computes at once, and its weights packed for them.

use super::weights::{Sink, Weights, Window};
use super::winograd::Scratch;
use crate::blocked::{Block, LANES};
use crate::simd::{Isa, Simd};
use crate::units;

/// Output blocks `first .. first + blocks` and where their weights start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Group {
    pub(super) first: usize,
    pub(super) blocks: usize,
    /// Place in the packed weights.
    pub(super) weights: usize,
}

/// Weights `[group][step of the sum][block of the group][lane]`.
#[derive(Clone, Debug)]
pub(super) struct Filters {
    pub(super) groups: Vec<Group>,
    pub(super) weights: Vec<Block>,
}

impl Filters {
    /// Room for `depth` weights for each of `out_channels` output channels; a group has at most `most` blocks.
    pub(super) fn new(out_channels: usize, depth: usize, most: usize) -> Self {
        let blocks = out_channels.div_ceil(LANES);
        let mut groups = Vec::new();
        let mut first = 0;
        while first < blocks {
            // Even sizes: 5 blocks are 3 and 2, not 4 and 1.
            let left = blocks - first;
            let size = left.div_ceil(left.div_ceil(most));
            groups.push(Group { first, blocks: size, weights: first * depth });
            first += size;
        }
        Filters { groups, weights: vec![Block::ZERO; blocks * depth] }
    }

    /// The packed weights of a group from step `step` of the sum on.
    pub(super) fn at(&self, group: &Group, step: usize) -> *const f32 {
        self.weights[group.weights + step * group.blocks..].as_ptr().cast()
    }

    /// Packs weights; `step(input channel, tap)` is the place of a weight in the sum.
    pub(super) fn set(
        &mut self,
        isa: Isa,
        weights: &Weights<'_>,
        step: impl Fn(usize, usize) -> usize + Copy + Sync,
    ) {
        self.set_windows(isa, weights, |row, first| Steps { row, first, step });
    }

    /// As [`set`](Self::set), with what becomes of the weights of some output and input channels told by a sink, which gets the
    /// packed weights of its output block and the first of its input channels.
    pub(super) fn set_windows<K: Sink>(
        &mut self,
        isa: Isa,
        weights: &Weights<'_>,
        sink: impl Fn(Row, usize) -> K + Sync,
    ) {
        let inputs = weights.inputs.div_ceil(LANES);
        let values = self.weights.len() / self.groups.len().max(1) / inputs.max(1) * LANES;
        let packed = Scratch(self.weights.as_mut_ptr());
        let (len, groups) = (self.weights.len(), &self.groups);
        // A unit writes all blocks of a step, which are neighbours in memory.
        units::share(groups.len() * inputs, values, |unit| {
            let (group, input) = (&groups[unit / inputs], unit % inputs);
            for block in 0..group.blocks {
                let start = group.weights + block;
                let row = Row { start: packed.at(start), step: group.blocks, len: len - start };
                let sink = sink(row, input * LANES);
                isa.run(Window { weights, output: group.first + block, input, sink });
            }
        });
    }
}

/// The packed weights of an output block: a vector every `step` blocks, all within `len` blocks.
#[derive(Clone, Copy)]
pub(super) struct Row {
    start: *mut f32,
    step: usize,
    len: usize,
}

impl Row {
    /// Writes the weights of a step of the sum.
    #[inline(always)]
    pub(super) fn set<S: Simd>(self, simd: S, step: usize, weights: S::V) {
        let block = step * self.step;
        assert!(block < self.len, "step {step} is beyond the sum");
        // SAFETY: within the packed weights; a step's vector is written by the one unit that has its output block and input
        // channels.
        unsafe { simd.store(weights, self.start.add(block * LANES)) };
    }
}

/// Weights that become steps as they are.
struct Steps<F> {
    row: Row,
    /// The first input channel.
    first: usize,
    step: F,
}

impl<F: Fn(usize, usize) -> usize> Sink for Steps<F> {
    #[inline(always)]
    fn put<S: Simd>(&mut self, simd: S, lane: usize, tap: usize, weights: S::V) {
        self.row.set(simd, (self.step)(self.first + lane, tap), weights);
    }

    #[inline(always)]
    fn finish<S: Simd>(self, _: S, _: usize) {}
}

/// Where a tap stands in a sum whose steps are in the order (part of the taps, block of input channels, tap of the part, lane).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct TapPlace {
    /// Taps in the parts before.
    pub(super) before: usize,
    /// Taps in this part.
    pub(super) taps: usize,
    /// Place among them.
    pub(super) index: usize,
}

impl TapPlace {
    /// The step of an input channel out of `channels`.
    #[inline(always)]
    pub(super) fn step(self, channels: usize, channel: usize) -> usize {
        let lane = channel % LANES;
        let block = channel - lane;
        // The last block may have fewer lanes.
        let lanes = LANES.min(channels - block);
        self.before * channels + block * self.taps + self.index * lanes + lane
    }
}

/// One value per channel in whole blocks, the rest zeros; none are zeros.
pub(super) fn set_bias(blocks: &mut [Block], bias: Option<&[f32]>) {
    blocks.fill(Block::ZERO);
    for (block, bias) in blocks.iter_mut().zip(bias.unwrap_or_default().chunks(LANES)) {
        block.0[..bias.len()].copy_from_slice(bias);
    }
}

/// Zeros for [`set_bias`].
pub(super) fn no_bias(channels: usize) -> Vec<Block> {
    vec![Block::ZERO; channels.div_ceil(LANES)]
}

#[cfg(test)]
mod tests {
    use super::super::weights::Order;
    use super::*;

    #[test]
    fn blocks_are_grouped_evenly_and_spare_lanes_are_zero() {
        for isa in Isa::available() {
            let mut filters = Filters::new(70, 2, 4);
            let weights: Vec<f32> = (0..140).map(|i| i as f32).collect();
            let weights =
                Weights { values: &weights, outputs: 70, inputs: 2, taps: 1, order: Order::OutputsFirst };
            filters.set(isa, &weights, |channel, _| channel);
            let sizes: Vec<_> = filters.groups.iter().map(|g| (g.first, g.blocks, g.weights)).collect();
            assert_eq!(sizes, [(0, 3, 0), (3, 2, 6)]);
            // Step 1 of block 4: channels 64 to 69.
            assert_eq!(filters.weights[6 + 2 + 1].0[5..7], [139.0, 0.0]);
            assert_eq!(filters.weights.len(), 10);
        }
    }

    #[test]
    fn every_order_of_weights_gives_the_same_filters() {
        let (outputs, inputs) = (37, 21);
        for taps in [1, 2, 9, 20] {
            let weight = |o: usize, i: usize, tap: usize| (1000 * o + 30 * i + tap) as f32;
            let sizes = |order| match order {
                Order::OutputsFirst => (outputs, inputs),
                Order::InputsFirst | Order::Flipped => (inputs, outputs),
            };
            for (isa, order) in Isa::available()
                .into_iter()
                .flat_map(|isa| [Order::OutputsFirst, Order::InputsFirst, Order::Flipped].map(|o| (isa, o)))
            {
                let (first, second) = sizes(order);
                let values: Vec<f32> = (0..first * second * taps)
                    .map(|index| {
                        let (a, b, tap) = (index / taps / second, index / taps % second, index % taps);
                        match order {
                            Order::OutputsFirst => weight(a, b, tap),
                            Order::InputsFirst => weight(b, a, tap),
                            Order::Flipped => weight(b, a, taps - 1 - tap),
                        }
                    })
                    .collect();
                let mut filters = Filters::new(outputs, inputs * taps, 4);
                let place = |index| TapPlace { before: 0, taps, index };
                filters.set(isa, &Weights { values: &values, outputs, inputs, taps, order }, |c, tap| {
                    place(tap).step(inputs, c)
                });
                for (step, o) in (0..inputs * taps).flat_map(|step| (0..48).map(move |o| (step, o))) {
                    // The second block of inputs has five lanes.
                    let (c, tap) = if step < 16 * taps {
                        (step % 16, step / 16)
                    } else {
                        (16 + (step - 16 * taps) % 5, (step - 16 * taps) / 5)
                    };
                    let expected = if o < outputs { weight(o, c, tap) } else { 0.0 };
                    assert_eq!(
                        filters.weights[step * 3 + o / 16].0[o % 16],
                        expected,
                        "{order:?} {step} {o}"
                    );
                }
            }
        }
    }
}
