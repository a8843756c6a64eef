//! The output channels of a convolution in groups of blocks that a tile computes at once, and its weights packed for them.

use crate::blocked::{Block, LANES};

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
    /// Packs `depth` weights for each of `out_channels` output channels, `weight(channel, step)`; a group has at most `most`
    /// blocks.
    pub(super) fn new(
        out_channels: usize,
        depth: usize,
        most: usize,
        weight: impl Fn(usize, usize) -> f32,
    ) -> Self {
        let blocks = out_channels.div_ceil(LANES);
        let mut groups = Vec::new();
        let mut weights = Vec::with_capacity(blocks * depth);
        let mut first = 0;
        while first < blocks {
            // Even sizes: 5 blocks are 3 and 2, not 4 and 1.
            let left = blocks - first;
            let size = left.div_ceil(left.div_ceil(most));
            groups.push(Group { first, blocks: size, weights: weights.len() });
            for step in 0..depth {
                for block in first..first + size {
                    weights.push(Block(std::array::from_fn(|lane| {
                        let channel = block * LANES + lane;
                        if channel < out_channels { weight(channel, step) } else { 0.0 }
                    })));
                }
            }
            first += size;
        }
        Filters { groups, weights }
    }

    /// The packed weights of a group from step `step` of the sum on.
    pub(super) fn at(&self, group: &Group, step: usize) -> *const f32 {
        self.weights[group.weights + step * group.blocks..].as_ptr().cast()
    }
}

/// One value per channel in whole blocks, the rest zeros.
pub(super) fn bias(bias: &[f32]) -> Vec<Block> {
    bias.chunks(LANES)
        .map(|chunk| {
            let mut block = Block::ZERO;
            block.0[..chunk.len()].copy_from_slice(chunk);
            block
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_grouped_evenly_and_spare_lanes_are_zero() {
        let filters = Filters::new(70, 2, 4, |channel, step| (100 * step + channel) as f32);
        let sizes: Vec<_> = filters.groups.iter().map(|g| (g.first, g.blocks, g.weights)).collect();
        assert_eq!(sizes, [(0, 3, 0), (3, 2, 6)]);
        // Step 1 of block 4: channels 64 to 69.
        assert_eq!(filters.weights[6 + 2 + 1].0[5..7], [169.0, 0.0]);
        assert_eq!(filters.weights.len(), 10);
    }
}
