//! Pooling of planes: maximum, average, and the average of a whole plane.

use crate::units::{self, MIN_VALUES};
use crate::window::Window;
use crate::{Error, Pool2d, Result, Shape, check};

/// Partial sums of [`global_avg_pool`]: enough for the compiler to keep several vectors busy.
const LANES: usize = 8;

/// The largest value under each window (PyTorch's `MaxPool2d`); a NaN under the window wins.
///
/// `x` is a batch of samples of shape `input`, `out` as many samples of the channels of `input` and the size that
/// [`Pool2d::output`] gives.
///
/// # Errors
///
/// [`Error::Geometry`] if no window fits; [`Error::Length`] if `x` or `out` has another length.
///
/// ```
/// use madenet_kernels::{Pool2d, Shape, max_pool2d};
///
/// let mut out = [0.0; 2];
/// max_pool2d(Pool2d::new(2, 2, 0), Shape::new(1, 2, 4), &[1.0, 5.0, 2.0, 0.0, 3.0, 4.0, -1.0, 1.0], &mut out)?;
/// assert_eq!(out, [5.0, 2.0]);
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
pub fn max_pool2d(geometry: Pool2d, input: Shape, x: &[f32], out: &mut [f32]) -> Result<()> {
    const WHAT: &str = "max_pool2d";
    let output = output_shape(WHAT, &geometry, input)?;
    lengths(["max_pool2d: x", "max_pool2d: out"], input, output, x, out)?;
    let window = Window::pool2d(&geometry, (input.h, input.w), (output.h, output.w));
    for_each_plane(input, output, x, out, geometry.kernel.0 * geometry.kernel.1, |x, out| {
        out.fill(f32::NEG_INFINITY);
        // Not `f32::max`, which would drop NaN.
        window.fold(x, out, |_, out, x| *out = if (x > *out) | x.is_nan() { x } else { *out });
    });
    Ok(())
}

/// The mean under each window (PyTorch's `AvgPool2d`): with `count_include_pad` (PyTorch's default) the divisor is the size
/// of the window, otherwise the number of its taps on the plane.
///
/// Shapes and errors as in [`max_pool2d`].
///
/// # Errors
///
/// [`Error::Geometry`] if no window fits; [`Error::Length`] if `x` or `out` has another length.
///
/// ```
/// use madenet_kernels::{Pool2d, Shape, avg_pool2d};
///
/// let (input, x, mut out) = (Shape::new(1, 2, 2), [1.0, 2.0, 3.0, 6.0], [0.0; 4]);
/// avg_pool2d(Pool2d::new(3, 1, 1), true, input, &x, &mut out)?;
/// assert_eq!(out, [12.0 / 9.0; 4]);
/// avg_pool2d(Pool2d::new(3, 1, 1), false, input, &x, &mut out)?;
/// assert_eq!(out, [3.0; 4]);
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
pub fn avg_pool2d(
    geometry: Pool2d,
    count_include_pad: bool,
    input: Shape,
    x: &[f32],
    out: &mut [f32],
) -> Result<()> {
    let output = output_shape("avg_pool2d", &geometry, input)?;
    lengths(["avg_pool2d: x", "avg_pool2d: out"], input, output, x, out)?;
    let window = Window::pool2d(&geometry, (input.h, input.w), (output.h, output.w));
    let taps = geometry.kernel.0 * geometry.kernel.1;
    for_each_plane(input, output, x, out, taps, |x, out| {
        out.fill(0.0);
        window.fold(x, out, |_, out, x| *out += x);
        for (y, row) in out.chunks_exact_mut(output.w).enumerate() {
            for (x, out) in row.iter_mut().enumerate() {
                *out /= if count_include_pad { taps } else { window.covered(y, x) } as f32;
            }
        }
    });
    Ok(())
}

/// The mean of every plane: `out` holds one value per sample and channel (PyTorch's `AdaptiveAvgPool2d(1)`). Sums are kept in
/// f64, so the result is exact to the last place or nearly so at any size.
///
/// # Errors
///
/// [`Error::Geometry`] if `input` is empty; [`Error::Length`] if `x` or `out` has another length.
///
/// ```
/// use madenet_kernels::{Shape, global_avg_pool};
///
/// let mut out = [0.0; 2];
/// global_avg_pool(Shape::new(2, 1, 2), &[1.0, 2.0, 10.0, 30.0], &mut out)?;
/// assert_eq!(out, [1.5, 20.0]);
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
pub fn global_avg_pool(input: Shape, x: &[f32], out: &mut [f32]) -> Result<()> {
    check::shape("global_avg_pool", input)?;
    lengths(["global_avg_pool: x", "global_avg_pool: out"], input, Shape::new(input.c, 1, 1), x, out)?;
    let plane = input.plane();
    units::for_each(out, 1, units::items(MIN_VALUES, plane), |index, out| {
        out.fill((sum(&x[index * plane..][..plane]) / plane as f64) as f32);
    });
    Ok(())
}

fn sum(values: &[f32]) -> f64 {
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane += f64::from(value);
        }
    }
    lanes.iter().sum::<f64>() + rest.iter().copied().map(f64::from).sum::<f64>()
}

fn output_shape(what: &'static str, geometry: &Pool2d, input: Shape) -> Result<Shape> {
    let Pool2d { kernel, stride, padding } = *geometry;
    check::shape(what, input)?;
    check::sides(what, &[kernel.0, kernel.1, stride])?;
    check::sides(what, &[padding.top, padding.left, padding.bottom, padding.right])?;
    match geometry.output((input.h, input.w)) {
        Some((h, w)) => Ok(Shape::new(input.c, h, w)),
        None => Err(Error::Geometry { what, reason: format!("no window fits: input {input}, {geometry:?}") }),
    }
}

/// Checks that `x` and `out` are batches of the same size.
fn lengths(what: [&'static str; 2], input: Shape, output: Shape, x: &[f32], out: &[f32]) -> Result<()> {
    let batch = check::batch(what[0], input.len(), x.len())?;
    check::length(what[1], check::product(what[1], &[batch, check::shape(what[1], output)?])?, out.len())
}

/// Calls `f(x, out)` for every plane; `cost` operations make an output value.
fn for_each_plane(
    input: Shape,
    output: Shape,
    x: &[f32],
    out: &mut [f32],
    cost: usize,
    f: impl Fn(&[f32], &mut [f32]) + Sync,
) {
    let min = units::items(MIN_VALUES, output.plane().saturating_mul(cost));
    units::for_each(out, output.plane(), min, |index, out| {
        f(&x[index * input.plane()..][..input.plane()], out);
    });
}
