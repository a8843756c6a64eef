//! The pixels under a tile: implicit "im2col", one panel at a time, on the stack.

use std::ops::Range;

use super::Layer;
use crate::tile::NR;

/// An index that lies in the padding.
const OUTSIDE: usize = usize::MAX;

/// A stretch of the sum over input channels and taps that one panel holds, in the order taps, then channels: the position
/// of a tap is found once for all channels.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) channels: Range<usize>,
    pub(super) taps: Range<usize>,
}

impl Block {
    pub(super) fn depth(&self) -> usize {
        self.channels.len() * self.taps.len()
    }
}

/// Up to [`NR`] consecutive pixels of an output plane.
pub(super) struct Pixels<'a> {
    layer: &'a Layer,
    pub(super) first: usize,
    pub(super) live: usize,
    /// The window's corner (row, column) on the padded input.
    corners: [(usize, usize); NR],
}

impl<'a> Pixels<'a> {
    /// Pixels `first..end`, cut to the width of a tile.
    pub(super) fn new(layer: &'a Layer, first: usize, end: usize) -> Self {
        let (width, stride) = (layer.output.w, layer.geometry.stride);
        let (mut y, mut x) = (first / width, first % width);
        let mut corners = [(0, 0); NR];
        for corner in &mut corners {
            *corner = (y * stride, x * stride);
            x += 1;
            if x == width {
                (y, x) = (y + 1, 0);
            }
        }
        Pixels { layer, first, live: NR.min(end - first), corners }
    }

    /// Fills the panel of a block from `x`, the input planes of the group.
    pub(super) fn gather(&self, block: &Block, x: &[f32], panel: &mut [[f32; NR]]) {
        let plane = self.layer.input.plane();
        let x = &x[block.channels.start * plane..block.channels.end * plane];
        for (tap, rows) in block.taps.clone().zip(panel.chunks_exact_mut(block.channels.len())) {
            let indices = self.indices(tap);
            let rows = rows.iter_mut().zip(x.chunks_exact(plane));
            if let Some(start) = run(&indices) {
                rows.for_each(|(row, x)| row.copy_from_slice(&x[start..start + NR]));
            } else {
                rows.for_each(|(row, x)| *row = indices.map(|i| x.get(i).copied().unwrap_or(0.0)));
            }
        }
    }

    /// Where the tap reads on the input plane.
    fn indices(&self, tap: usize) -> [usize; NR] {
        let mut indices = [OUTSIDE; NR];
        for (index, &corner) in indices.iter_mut().zip(&self.corners).take(self.live) {
            *index = position(self.layer, corner, tap).unwrap_or(OUTSIDE);
        }
        indices
    }
}

/// The pixel of the input plane under a tap of the window whose corner lies at (row, column) of the padded input.
pub(super) fn position(layer: &Layer, corner: (usize, usize), tap: usize) -> Option<usize> {
    let geometry = &layer.geometry;
    let (ky, kx) = (tap / geometry.kernel.1, tap % geometry.kernel.1);
    // Left of or above the plane wraps to a huge number, which is not below the size either.
    let y = (corner.0 + ky * geometry.dilation).wrapping_sub(geometry.padding.top);
    let x = (corner.1 + kx * geometry.dilation).wrapping_sub(geometry.padding.left);
    (y < layer.input.h && x < layer.input.w).then(|| y * layer.input.w + x)
}

/// The first of `NR` indices that follow each other.
fn run(indices: &[usize; NR]) -> Option<usize> {
    let start = indices[0];
    let consecutive = indices.iter().enumerate().all(|(offset, &index)| index == start.wrapping_add(offset));
    (start != OUTSIDE && consecutive).then_some(start)
}
