//! The matrix product at the heart of both convolutions: a register tile of [`MR`] weight rows by [`NR`] pixels.
//!
//! Weights are packed once so that the rows of a tile lie side by side; pixels come as a panel of [`NR`] columns on the
//! stack. Both sizes are constants, so the compiler keeps the tile in registers and vectorises over the pixels. An
//! instruction set of its own replaces [`multiply`] (and, where its registers are wider, the constants); nothing else
//! knows them.

use std::fmt;

/// Weight rows of a tile. 4 x 8 sums are eight of the sixteen 128-bit registers of baseline x86-64.
pub(crate) const MR: usize = 4;

/// Pixels of a tile.
pub(crate) const NR: usize = 8;

/// Longest sum between two visits of the output: a panel of 8 KiB, which stays in the first-level cache beside the weights.
pub(crate) const KC: usize = 256;

/// The pixels of a tile under the taps that a block of weights reads: row `k` meets the `k`-th weight.
pub(crate) type Panel = [[f32; NR]; KC];

/// Sums of a tile.
pub(crate) type Tile = [[f32; NR]; MR];

/// From this many pixels on the whole tile is computed, below it single columns.
const WIDE: usize = 3;

/// A weight matrix, its rows interleaved in blocks of [`MR`]; the last block is filled up with zeros.
#[derive(Clone)]
pub(crate) struct Packed {
    depth: usize,
    weights: Vec<[f32; MR]>,
}

impl Packed {
    /// Packs `rows` rows of `depth` weights, `weight(row, k)` each.
    pub(crate) fn new(rows: usize, depth: usize, weight: impl Fn(usize, usize) -> f32) -> Self {
        let padded = |row, k| if row < rows { weight(row, k) } else { 0.0 };
        let weights = (0..rows.div_ceil(MR))
            .flat_map(|block| (0..depth).map(move |k| (block, k)))
            .map(|(block, k)| std::array::from_fn(|row| padded(block * MR + row, k)))
            .collect();
        Packed { depth, weights }
    }

    /// The weights of rows `block * MR ..`, along the depth.
    pub(crate) fn block(&self, block: usize) -> &[[f32; MR]] {
        &self.weights[block * self.depth..(block + 1) * self.depth]
    }
}

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Packed {{ {} blocks of {MR} x {} }}", self.weights.len() / self.depth.max(1), self.depth)
    }
}

/// Sums of `weights` times the first `pixels` columns of `panel`; the other columns are arbitrary. The sum of a column runs
/// along the depth, whatever `pixels` is.
pub(crate) fn multiply(weights: &[[f32; MR]], panel: &[[f32; NR]], pixels: usize) -> Tile {
    if pixels >= WIDE {
        return multiply_tile(weights, panel);
    }
    let mut tile = [[0.0; NR]; MR];
    for pixel in 0..pixels {
        let column = multiply_column(weights, panel, pixel);
        for (row, value) in tile.iter_mut().zip(column) {
            row[pixel] = value;
        }
    }
    tile
}

fn multiply_tile(weights: &[[f32; MR]], panel: &[[f32; NR]]) -> Tile {
    let mut tile = [[0.0; NR]; MR];
    for (weights, pixels) in weights.iter().zip(panel) {
        for (row, weight) in tile.iter_mut().zip(weights) {
            for (sum, pixel) in row.iter_mut().zip(pixels) {
                *sum += weight * pixel;
            }
        }
    }
    tile
}

/// Vectorised over the rows: a matrix times one vector, as a fully connected layer of a single sample asks for.
fn multiply_column(weights: &[[f32; MR]], panel: &[[f32; NR]], pixel: usize) -> [f32; MR] {
    let mut column = [0.0; MR];
    for (weights, pixels) in weights.iter().zip(panel) {
        for (sum, weight) in column.iter_mut().zip(weights) {
            *sum += weight * pixels[pixel];
        }
    }
    column
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_interleaved_and_filled_up_with_zeros() {
        let packed = Packed::new(5, 2, |row, k| (10 * row + k) as f32);
        assert_eq!(packed.block(0), [[0.0, 10.0, 20.0, 30.0], [1.0, 11.0, 21.0, 31.0]]);
        assert_eq!(packed.block(1), [[40.0, 0.0, 0.0, 0.0], [41.0, 0.0, 0.0, 0.0]]);
    }

    #[test]
    fn single_columns_are_the_columns_of_the_tile() {
        let packed = Packed::new(MR, 50, |row, k| ((row * 7 + k * 3) % 11) as f32 / 7.0);
        let panel: Vec<[f32; NR]> =
            (0..50).map(|k| std::array::from_fn(|j| ((k * 5 + j) % 13) as f32 / 3.0)).collect();
        let whole = multiply(packed.block(0), &panel, NR);
        let single = multiply(packed.block(0), &panel, 1);
        for row in 0..MR {
            assert_eq!(whole[row][0].to_bits(), single[row][0].to_bits());
        }
    }
}
