//! Windows sliding over a plane, for the operations that keep channels apart: depthwise convolution and pooling.
//!
//! A plane is computed in bands of rows that fit the first-level cache, tap by tap: under one tap the valid outputs of a row
//! are one run, so the borders need no test per pixel and the inner loop is a plain pass over two slices.

use std::ops::Range;

use crate::{Conv2d, Padding, Pool2d};

/// Values of a band: 16 KiB, half of a small first-level cache.
const BAND: usize = 4096;

/// A window of `kernel` taps, `dilation` apart, at every `stride`-th position of a padded plane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    kernel: (usize, usize),
    stride: usize,
    dilation: usize,
    padding: Padding,
    input: (usize, usize),
    output: (usize, usize),
}

impl Window {
    pub(crate) fn conv2d(geometry: &Conv2d, input: (usize, usize), output: (usize, usize)) -> Self {
        let Conv2d { kernel, stride, padding, dilation, .. } = *geometry;
        Window { kernel, stride, dilation, padding, input, output }
    }

    pub(crate) fn pool2d(geometry: &Pool2d, input: (usize, usize), output: (usize, usize)) -> Self {
        let Pool2d { kernel, stride, padding } = *geometry;
        Window { kernel, stride, dilation: 1, padding, input, output }
    }

    /// Folds the inputs under every window into `out`, which holds the start values: `f(tap, &mut out, x)` in the order of
    /// columns, then rows of taps. Taps in the padding are left out.
    pub(crate) fn fold(&self, plane: &[f32], out: &mut [f32], f: impl Fn(usize, &mut f32, f32)) {
        let rows = (BAND / self.output.1).max(1);
        for (index, band) in out.chunks_mut(rows * self.output.1).enumerate() {
            self.fold_band(index * rows, plane, band, &f);
        }
    }

    fn fold_band(&self, first: usize, plane: &[f32], band: &mut [f32], f: impl Fn(usize, &mut f32, f32)) {
        let (width, out_width) = (self.input.1, self.output.1);
        let rows = first..first + band.len() / out_width;
        for kx in 0..self.kernel.1 {
            let columns = inside(self.output.1, width, self.stride, kx * self.dilation, self.padding.left);
            if columns.is_empty() {
                continue;
            }
            let left = columns.start * self.stride + kx * self.dilation - self.padding.left;
            for ky in 0..self.kernel.0 {
                let tap = ky * self.kernel.1 + kx;
                let valid =
                    inside(self.output.0, self.input.0, self.stride, ky * self.dilation, self.padding.top);
                for y in valid.start.max(rows.start)..valid.end.min(rows.end) {
                    let row = y * self.stride + ky * self.dilation - self.padding.top;
                    let out = &mut band[(y - first) * out_width..][columns.clone()];
                    zip_strided(out, &plane[row * width + left..(row + 1) * width], self.stride, |out, x| {
                        f(tap, out, x);
                    });
                }
            }
        }
    }

    /// Taps of the window at output `(y, x)` that lie on the plane, not in its padding.
    pub(crate) fn covered(&self, y: usize, x: usize) -> usize {
        let side = |at: usize, kernel: usize, before: usize, inputs: usize| {
            let start = at * self.stride;
            (start + kernel).min(inputs + before) - start.max(before)
        };
        debug_assert_eq!(self.dilation, 1, "only pooling counts");
        side(y, self.kernel.0, self.padding.top, self.input.0)
            * side(x, self.kernel.1, self.padding.left, self.input.1)
    }
}

/// Outputs `o` whose input `o * stride + offset - before` lies on an axis of `inputs` pixels.
pub(crate) fn inside(
    outputs: usize,
    inputs: usize,
    stride: usize,
    offset: usize,
    before: usize,
) -> Range<usize> {
    let first = before.saturating_sub(offset).div_ceil(stride);
    let end = (inputs + before).saturating_sub(offset).div_ceil(stride).min(outputs);
    first.min(end)..end
}

/// `f(out[i], x[i * stride])`.
fn zip_strided(out: &mut [f32], x: &[f32], stride: usize, f: impl Fn(&mut f32, f32)) {
    match stride {
        1 => out.iter_mut().zip(x).for_each(|(out, &x)| f(out, x)),
        // A constant step is vectorised. The last input may stand alone.
        2 => {
            let (pairs, last) = x.as_chunks::<2>();
            let (paired, rest) = out.split_at_mut(out.len().min(pairs.len()));
            paired.iter_mut().zip(pairs).for_each(|(out, x)| f(out, x[0]));
            rest.iter_mut().zip(last).for_each(|(out, &x)| f(out, x));
        }
        _ => out.iter_mut().zip(x.iter().step_by(stride)).for_each(|(out, &x)| f(out, x)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_valid_outputs_agree_with_the_definition() {
        for (inputs, stride, offset, before) in
            [(5, 1, 0, 1), (5, 1, 2, 1), (5, 2, 0, 3), (5, 2, 6, 3), (1, 3, 4, 2), (2, 1, 9, 0), (7, 2, 1, 0)]
        {
            for outputs in 0..9 {
                let expected: Vec<usize> = (0..outputs)
                    .filter(|o| (before..inputs + before).contains(&(o * stride + offset)))
                    .collect();
                let got: Vec<usize> = inside(outputs, inputs, stride, offset, before).collect();
                assert_eq!(got, expected, "{outputs} {inputs} {stride} {offset} {before}");
            }
        }
    }
}
