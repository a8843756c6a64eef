//! Resizing of feature maps with PyTorch's conventions.
//!
//! Positions are computed in f32 in the order of PyTorch's formulas: at sizes where a position falls next to a pixel border,
//! another precision would pick another pixel. Pictures are resized elsewhere, with antialiasing.

use crate::axis::{Axis, Tap};
use crate::units::{self, MIN_VALUES};
use crate::{Interpolation, Result, Shape, check};

/// Output columns whose positions are computed once for all planes of a unit.
const COLUMNS: usize = 128;

/// Resizes every plane of `x` to `out_hw` = (height, width) (PyTorch's `interpolate(x, size=out_hw, mode=...)`).
///
/// `x` is a batch of samples of shape `input`, `out` as many samples of `input.c` planes of the new size.
///
/// # Errors
///
/// [`Error::Geometry`](crate::Error::Geometry) if `input` or `out_hw` is empty; [`Error::Length`](crate::Error::Length) if
/// `x` or `out` has another length.
///
/// ```
/// use madenet_kernels::{Interpolation, Shape, interpolate};
///
/// let mut out = [0.0; 4];
/// let mode = Interpolation::Bilinear { align_corners: false };
/// interpolate(mode, Shape::new(1, 1, 2), (1, 4), &[0.0, 4.0], &mut out)?;
/// assert_eq!(out, [0.0, 1.0, 3.0, 4.0]);
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
pub fn interpolate(
    mode: Interpolation,
    input: Shape,
    out_hw: (usize, usize),
    x: &[f32],
    out: &mut [f32],
) -> Result<()> {
    const OUT: &str = "interpolate: out";
    check::shape("interpolate: input", input)?;
    let output = Shape::new(input.c, out_hw.0, out_hw.1);
    let sample = check::shape(OUT, output)?;
    let batch = check::batch("interpolate: x", input.len(), x.len())?;
    check::length(OUT, check::product(OUT, &[batch, sample])?, out.len())?;

    let rows = Axis { mode, input: input.h, output: output.h };
    let columns = Axis { mode, input: input.w, output: output.w };
    // Several planes in a unit share the positions of the columns.
    let planes = units::items(MIN_VALUES, output.plane()).min(output.c);
    units::for_each(out, planes * output.plane(), 1, |index, out| {
        let x = &x[index * planes * input.plane()..];
        for start in (0..output.w).step_by(COLUMNS) {
            let range = start..output.w.min(start + COLUMNS);
            let mut taps = [Tap::default(); COLUMNS];
            for (tap, column) in taps.iter_mut().zip(range.clone()) {
                *tap = columns.tap(column);
            }
            let taps = &taps[..range.len()];
            for (x, out) in x.chunks_exact(input.plane()).zip(out.chunks_exact_mut(output.plane())) {
                for (y, row) in out.chunks_exact_mut(output.w).enumerate() {
                    interpolate_row(mode, &rows.tap(y), taps, (x, input.w), &mut row[range.clone()]);
                }
            }
        }
    });
    Ok(())
}

/// One output row from the plane `x` = (values, width).
fn interpolate_row(mode: Interpolation, y: &Tap, columns: &[Tap], x: (&[f32], usize), out: &mut [f32]) {
    let row = |index: usize| &x.0[index * x.1..][..x.1];
    let (upper, lower) = (row(y.low), row(y.high));
    match mode {
        Interpolation::Nearest => {
            for (out, tap) in out.iter_mut().zip(columns) {
                *out = upper[tap.low];
            }
        }
        Interpolation::Bilinear { .. } => {
            for (out, tap) in out.iter_mut().zip(columns) {
                let between = |row: &[f32]| (1.0 - tap.weight) * row[tap.low] + tap.weight * row[tap.high];
                *out = (1.0 - y.weight) * between(upper) + y.weight * between(lower);
            }
        }
    }
}
