//! The phases of a transposed convolution: which taps of the kernel reach which pixels of the output.

use crate::ConvTranspose2d;
use crate::blocked::LANES;

/// What an axis of the output has at `first`, `first + stride`, ..: positions that the same taps reach.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Phase {
    pub(super) first: usize,
    /// Positions on the output.
    pub(super) count: usize,
    /// The kernel's first tap of this phase; the others follow in steps of the stride, `taps` in all.
    pub(super) tap: usize,
    pub(super) taps: usize,
    /// Where the input of the first position begins, negative in the border; it has as many pixels as there are taps, the
    /// kernel's last tap first.
    pub(super) input: isize,
}

impl Phase {
    pub(super) fn new(first: usize, (outputs, kernel, stride, before): (usize, usize, usize, usize)) -> Self {
        let tap = (first + before) % stride;
        let taps = kernel.saturating_sub(tap).div_ceil(stride);
        let last = ((first + before) / stride) as isize;
        Phase { first, count: (outputs - first).div_ceil(stride), tap, taps, input: last + 1 - taps as isize }
    }

    /// Pixels before and after an input of `inputs` pixels that the phase reads.
    pub(super) fn border(&self, inputs: usize) -> (usize, usize) {
        if self.taps == 0 {
            return (0, 0);
        }
        let end = self.input + (self.count + self.taps - 1) as isize;
        ((-self.input).max(0) as usize, (end - inputs as isize).max(0) as usize)
    }
}

/// (Input channel, tap) of every step of the tile's sum for the phase whose first tap is `first`.
pub(super) fn steps(
    geometry: &ConvTranspose2d,
    channels: usize,
    first: (usize, usize),
) -> Vec<(usize, usize)> {
    let ConvTranspose2d { kernel, stride, .. } = *geometry;
    let taps = move |first: usize, kernel: usize| (first..kernel).step_by(stride).rev();
    let blocks = (0..channels).step_by(LANES);
    blocks
        .flat_map(|block| {
            taps(first.0, kernel.0)
                .flat_map(move |y| taps(first.1, kernel.1).map(move |x| y * kernel.1 + x))
                .flat_map(move |tap| (block..channels.min(block + LANES)).map(move |c| (c, tap)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_4x4_kernel_with_stride_2_has_phases_of_two_taps() {
        // Six outputs of three inputs: the first sees inputs -1 and 0 through taps 3 and 1.
        let phase = |first| Phase::new(first, (6, 4, 2, 1));
        assert_eq!(phase(0), Phase { first: 0, count: 3, tap: 1, taps: 2, input: -1 });
        assert_eq!(phase(1), Phase { first: 1, count: 3, tap: 0, taps: 2, input: 0 });
        assert_eq!((phase(0).border(3), phase(1).border(3)), ((1, 0), (0, 1)));
        let geometry = ConvTranspose2d { kernel: (1, 4), ..ConvTranspose2d::new(4, 2, 1) };
        assert_eq!(steps(&geometry, 2, (0, 1)), [(0, 3), (1, 3), (0, 1), (1, 1)]);
    }

    #[test]
    fn a_stride_above_the_kernel_leaves_pixels_without_taps() {
        assert_eq!(Phase::new(2, (9, 2, 3, 0)), Phase { first: 2, count: 3, tap: 2, taps: 0, input: 1 });
        assert!(steps(&ConvTranspose2d::new(2, 3, 0), 20, (2, 0)).is_empty());
    }
}
