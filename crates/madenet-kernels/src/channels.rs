//! Operations that rearrange or merge channels: concatenation, neighbourhoods as channels, averages of neighbouring channels.

use crate::units::{self, MIN_VALUES};
use crate::window::inside;
use crate::{Error, Result, Shape, check};

/// Joins tensors along their channels: sample by sample, the channels of each part after those of the part before.
///
/// A part is (channels, values), and parts are gone through more than once; `plane` is the size of one channel, `height * width`, of all of them. The batch follows from
/// the length of `out`.
///
/// # Errors
///
/// [`Error::Geometry`] if there are no channels or planes are empty; [`Error::Length`] if `out` is no whole number of samples
/// or a part is not as many samples.
///
/// ```
/// use madenet_kernels::concat_channels;
///
/// // Two samples of a part with one channel and a part with two, 1x1 pixel each.
/// let mut out = [0.0; 6];
/// concat_channels([(1, &[1.0, 2.0][..]), (2, &[10.0, 11.0, 20.0, 21.0][..])], 1, &mut out)?;
/// assert_eq!(out, [1.0, 10.0, 11.0, 2.0, 20.0, 21.0]);
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
pub fn concat_channels<'a>(
    parts: impl IntoIterator<Item = (usize, &'a [f32]), IntoIter: Clone>,
    plane: usize,
    out: &mut [f32],
) -> Result<()> {
    const WHAT: &str = "concat_channels";
    const PART: &str = "concat_channels: part";
    let parts = parts.into_iter();
    let channels = parts.clone().try_fold(0_usize, |sum, part| sum.checked_add(part.0)).unwrap_or(usize::MAX);
    let sample = check::product(WHAT, &[channels, plane])?;
    if sample == 0 {
        return Err(check::geometry(WHAT, format!("{channels} channels of {plane} values hold nothing")));
    }
    let batch = check::batch("concat_channels: out", sample, out.len())?;
    for (channels, values) in parts.clone() {
        check::length(PART, check::product(PART, &[batch, channels, plane])?, values.len())?;
    }
    for (index, mut out) in out.chunks_exact_mut(sample).enumerate() {
        for (channels, values) in parts.clone() {
            let len = channels * plane;
            let (target, rest) = out.split_at_mut(len);
            target.copy_from_slice(&values[index * len..][..len]);
            out = rest;
        }
    }
    Ok(())
}

/// The `kernel` x `kernel` neighbourhood of every pixel as channels, in the order (channel, row, column of the
/// neighbourhood): `out` has `input.c * kernel * kernel` channels of the same size (PyTorch's `unfold` with stride 1 and
/// padding `kernel / 2`). Outside the plane is zero.
///
/// # Errors
///
/// [`Error::Geometry`] if `kernel` is even or `input` is empty; [`Error::Length`] if `x` or `out` has another length.
///
/// ```
/// use madenet_kernels::{Shape, unfold};
///
/// let mut out = [0.0; 18];
/// unfold(3, Shape::new(1, 1, 2), &[5.0, 7.0], &mut out)?;
/// assert_eq!(out[6..12], [0.0, 5.0, 5.0, 7.0, 7.0, 0.0]); // left, centre and right neighbours
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
pub fn unfold(kernel: usize, input: Shape, x: &[f32], out: &mut [f32]) -> Result<()> {
    const WHAT: &str = "unfold";
    const OUT: &str = "unfold: out";
    let sample = check::shape(WHAT, input)?;
    check::sides(WHAT, &[kernel])?;
    if kernel.is_multiple_of(2) {
        return Err(check::geometry(WHAT, format!("the neighbourhood's side must be odd, not {kernel}")));
    }
    let batch = check::batch("unfold: x", sample, x.len())?;
    let taps = kernel * kernel;
    check::length(OUT, check::product(OUT, &[batch, sample, taps])?, out.len())?;
    let (plane, before) = (input.plane(), kernel / 2);
    units::for_each(out, plane, units::items(MIN_VALUES, plane), |index, out| {
        let (x, tap) = (&x[index / taps * plane..][..plane], index % taps);
        let rows = inside(input.h, input.h, 1, tap / kernel, before);
        let columns = inside(input.w, input.w, 1, tap % kernel, before);
        out.fill(0.0);
        if columns.is_empty() {
            return;
        }
        let left = columns.start + tap % kernel - before;
        for y in rows {
            let row = &x[(y + tap / kernel - before) * input.w..][..input.w];
            out[y * input.w..][columns.clone()].copy_from_slice(&row[left..left + columns.len()]);
        }
    });
    Ok(())
}

/// Averages neighbouring channels to `out_channels` of them: channel `i` is the mean of the channels
/// `floor(i c / out) .. ceil((i + 1) c / out)` (PyTorch's `adaptive_avg_pool1d` along the channels), also for more channels
/// than there were.
///
/// # Errors
///
/// [`Error::Geometry`] if `input` or `out_channels` is empty; [`Error::Length`] if `x` or `out` has another length.
///
/// ```
/// use madenet_kernels::{Shape, pool_channels};
///
/// let mut out = [0.0; 2];
/// pool_channels(Shape::new(3, 1, 1), 2, &[1.0, 3.0, 7.0], &mut out)?;
/// assert_eq!(out, [2.0, 5.0]); // the windows 0..2 and 1..3
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
pub fn pool_channels(input: Shape, out_channels: usize, x: &[f32], out: &mut [f32]) -> Result<()> {
    const OUT: &str = "pool_channels: out";
    let sample = check::shape("pool_channels: input", input)?;
    let out_sample = check::shape(OUT, Shape { c: out_channels, ..input })?;
    if input.c.checked_mul(out_channels).is_none() {
        let reason = format!("{} channels times {out_channels} overflow", input.c);
        return Err(Error::Geometry { what: "pool_channels", reason });
    }
    let batch = check::batch("pool_channels: x", sample, x.len())?;
    check::length(OUT, check::product(OUT, &[batch, out_sample])?, out.len())?;
    let plane = input.plane();
    let cost = plane.saturating_mul(input.c.div_ceil(out_channels) + 1);
    units::for_each(out, plane, units::items(MIN_VALUES, cost), |index, out| {
        let (image, channel) = (index / out_channels, index % out_channels);
        let window = channel * input.c / out_channels..((channel + 1) * input.c).div_ceil(out_channels);
        let x = &x[image * sample..][window.start * plane..window.end * plane];
        out.fill(0.0);
        for x in x.chunks_exact(plane) {
            out.iter_mut().zip(x).for_each(|(out, x)| *out += x);
        }
        let count = window.len() as f32;
        out.iter_mut().for_each(|out| *out /= count);
    });
    Ok(())
}

/// Adds the gradient of [`unfold`] with respect to its input to `dx`: every pixel gets those of the places that it was copied to.
///
/// # Errors
/// As [`unfold`], with `dy` in place of its result and `dx` of its input.
pub fn unfold_gradient(kernel: usize, input: Shape, dy: &[f32], dx: &mut [f32]) -> Result<()> {
    const WHAT: &str = "unfold_gradient";
    let sample = check::shape(WHAT, input)?;
    check::sides(WHAT, &[kernel])?;
    if kernel.is_multiple_of(2) {
        return Err(check::geometry(WHAT, format!("the neighbourhood's side must be odd, not {kernel}")));
    }
    let batch = check::batch("unfold_gradient: dx", sample, dx.len())?;
    let (taps, plane, before) = (kernel * kernel, input.plane(), kernel / 2);
    check::length("unfold_gradient: dy", check::product(WHAT, &[batch, sample, taps])?, dy.len())?;
    units::for_each(dx, plane, units::items(MIN_VALUES, plane * taps), |index, dx| {
        for (tap, dy) in dy[index * taps * plane..][..taps * plane].chunks_exact(plane).enumerate() {
            let rows = inside(input.h, input.h, 1, tap / kernel, before);
            let columns = inside(input.w, input.w, 1, tap % kernel, before);
            if columns.is_empty() {
                continue;
            }
            let left = columns.start + tap % kernel - before;
            for y in rows {
                let row = &mut dx[(y + tap / kernel - before) * input.w + left..][..columns.len()];
                row.iter_mut().zip(&dy[y * input.w..][columns.clone()]).for_each(|(dx, dy)| *dx += dy);
            }
        }
    });
    Ok(())
}

/// Adds the gradient of [`pool_channels`] with respect to its input to `dx`.
///
/// # Errors
/// As [`pool_channels`], with `dy` in place of its result and `dx` of its input.
pub fn pool_channels_gradient(input: Shape, out_channels: usize, dy: &[f32], dx: &mut [f32]) -> Result<()> {
    const WHAT: &str = "pool_channels_gradient";
    let sample = check::shape(WHAT, input)?;
    let out_sample = check::shape(WHAT, Shape { c: out_channels, ..input })?;
    check::product(WHAT, &[input.c, out_channels])?;
    let batch = check::batch("pool_channels_gradient: dx", sample, dx.len())?;
    check::length("pool_channels_gradient: dy", check::product(WHAT, &[batch, out_sample])?, dy.len())?;
    let plane = input.plane();
    let windows: Vec<_> = (0..out_channels)
        .map(|i| i * input.c / out_channels..((i + 1) * input.c).div_ceil(out_channels))
        .collect();
    units::for_each(dx, plane, units::items(MIN_VALUES, plane), |index, dx| {
        let (image, channel) = (index / input.c, index % input.c);
        for (out, window) in windows.iter().enumerate().filter(|(_, window)| window.contains(&channel)) {
            let dy = &dy[(image * out_channels + out) * plane..][..plane];
            dx.iter_mut().zip(dy).for_each(|(dx, dy)| *dx += dy / window.len() as f32);
        }
    });
    Ok(())
}
