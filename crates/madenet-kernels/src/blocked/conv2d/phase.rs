//! The phases of a transposed convolution: which taps of the kernel reach which pixels of the output.

use super::filters::TapPlace;
use crate::ConvTranspose2d;

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
        let taps = taps_from(tap, kernel, stride);
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

/// Where the taps of the kernel stand in the sums of all phases, one behind another.
pub(super) fn tap_places(geometry: &ConvTranspose2d) -> Vec<TapPlace> {
    let (kh, kw) = geometry.kernel;
    let place = |(y, x): (usize, usize)| {
        let stride = geometry.stride;
        let (rows, columns) = (taps_from(y % stride, kh, stride), taps_from(x % stride, kw, stride));
        // A phase has its last tap first.
        let index = (rows - 1 - y / stride) * columns + columns - 1 - x / stride;
        TapPlace { before: taps_before(geometry, (y % stride, x % stride)), taps: rows * columns, index }
    };
    (0..kh).flat_map(|y| (0..kw).map(move |x| (y, x))).map(place).collect()
}

/// Taps of the phases before the one whose first tap is `first`, (row, column).
pub(super) fn taps_before(geometry: &ConvTranspose2d, first: (usize, usize)) -> usize {
    let ConvTranspose2d { kernel: (kh, kw), stride, .. } = *geometry;
    let before =
        |first: usize, kernel: usize| (0..first).map(|tap| taps_from(tap, kernel, stride)).sum::<usize>();
    before(first.0, kh) * kw + taps_from(first.0, kh, stride) * before(first.1, kw)
}

/// Taps of a phase on an axis.
fn taps_from(first: usize, kernel: usize, stride: usize) -> usize {
    kernel.saturating_sub(first).div_ceil(stride)
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
        let places = tap_places(&geometry).into_iter().map(|place| (place.before, place.taps, place.index));
        assert!(places.eq([(0, 2, 1), (2, 2, 1), (0, 2, 0), (2, 2, 0)]));
        assert_eq!(taps_before(&ConvTranspose2d::new(4, 2, 1), (1, 1)), 12);
    }

    #[test]
    fn a_stride_above_the_kernel_leaves_pixels_without_taps() {
        assert_eq!(Phase::new(2, (9, 2, 3, 0)), Phase { first: 2, count: 3, tap: 2, taps: 0, input: 1 });
        assert_eq!(taps_before(&ConvTranspose2d::new(2, 3, 0), (2, 0)), 4);
    }
}
