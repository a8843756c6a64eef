//! Operations on single values: activation, sum, product, and scale with shift per channel.
//!
//! They stream through memory; each works in blocks that stay in the first-level cache between its arithmetic and the
//! activation after it.

use crate::units::{self, MIN_VALUES};
use crate::{Activation, Result, Shape, check};

/// Values of a block: 4 KiB.
const BLOCK: usize = 1024;

/// `out = activation(x)`; the slices are equally long.
///
/// # Errors
///
/// [`Error::Length`](crate::Error::Length) if they are not.
///
/// ```
/// use madenet_kernels::{Activation, activation};
///
/// let mut out = [0.0; 3];
/// activation(Activation::Relu, &[-1.0, 0.5, 2.0], &mut out)?;
/// assert_eq!(out, [0.0, 0.5, 2.0]);
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
pub fn activation(a: Activation, x: &[f32], out: &mut [f32]) -> Result<()> {
    check::length("activation: out", x.len(), out.len())?;
    for_each_block(out, |start, out| {
        out.copy_from_slice(&x[start..start + out.len()]);
        a.apply_to(out);
    });
    Ok(())
}

/// `out = activation(a + b)`; the slices are equally long.
///
/// # Errors
///
/// [`Error::Length`](crate::Error::Length) if they are not.
///
/// ```
/// use madenet_kernels::{Activation, add};
///
/// let mut out = [0.0; 2];
/// add(&[1.0, -3.0], &[1.0, 1.0], Activation::Relu, &mut out)?;
/// assert_eq!(out, [2.0, 0.0]);
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
pub fn add(a: &[f32], b: &[f32], activation: Activation, out: &mut [f32]) -> Result<()> {
    check::length("add: b", a.len(), b.len())?;
    check::length("add: out", a.len(), out.len())?;
    for_each_block(out, |start, out| {
        let terms = a[start..].iter().zip(&b[start..]);
        out.iter_mut().zip(terms).for_each(|(out, (a, b))| *out = a + b);
        activation.apply_to(out);
    });
    Ok(())
}

/// `out = a * b`, where `a` is a batch of samples of shape `input` and `b` either as long as `a` or one value per sample and
/// channel, which multiplies its plane (squeeze-and-excitation).
///
/// # Errors
///
/// [`Error::Geometry`](crate::Error::Geometry) if `input` is empty; [`Error::Length`](crate::Error::Length) if `a` is no
/// whole number of samples, `out` is not as long as `a`, or `b` is neither.
///
/// ```
/// use madenet_kernels::{Shape, multiply};
///
/// let (input, a, mut out) = (Shape::new(2, 1, 2), [1.0, 2.0, 3.0, 4.0], [0.0; 4]);
/// multiply(input, &a, &[10.0, 100.0], &mut out)?;
/// assert_eq!(out, [10.0, 20.0, 300.0, 400.0]);
/// multiply(input, &a, &a, &mut out)?;
/// assert_eq!(out, [1.0, 4.0, 9.0, 16.0]);
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
pub fn multiply(input: Shape, a: &[f32], b: &[f32], out: &mut [f32]) -> Result<()> {
    let sample = check::shape("multiply: input", input)?;
    let batch = check::batch("multiply: a", sample, a.len())?;
    check::length("multiply: out", a.len(), out.len())?;
    if b.len() == a.len() {
        for_each_block(out, |start, out| {
            let factors = a[start..].iter().zip(&b[start..]);
            out.iter_mut().zip(factors).for_each(|(out, (a, b))| *out = a * b);
        });
        return Ok(());
    }
    check::length("multiply: b", batch * input.c, b.len())?;
    let plane = input.plane();
    units::for_each(out, plane, units::items(MIN_VALUES, plane), |index, out| {
        let (a, b) = (&a[index * plane..], b[index]);
        out.iter_mut().zip(a).for_each(|(out, a)| *out = a * b);
    });
    Ok(())
}

/// `out = activation(x * scale[c] + shift[c])` for a batch of samples of shape `input`, `scale` and `shift` one value per
/// channel: a BatchNorm in evaluation that has no convolution before it to be folded into.
///
/// # Errors
///
/// [`Error::Geometry`](crate::Error::Geometry) if `input` is empty; [`Error::Length`](crate::Error::Length) if a slice has
/// another length.
///
/// ```
/// use madenet_kernels::{Activation, Shape, scale_shift};
///
/// let mut out = [0.0; 4];
/// let (scale, shift) = ([2.0, 1.0], [0.5, -5.0]);
/// scale_shift(Shape::new(2, 1, 2), &scale, &shift, Activation::Relu, &[1.0, 2.0, 3.0, 6.0], &mut out)?;
/// assert_eq!(out, [2.5, 4.5, 0.0, 1.0]);
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
pub fn scale_shift(
    input: Shape,
    scale: &[f32],
    shift: &[f32],
    activation: Activation,
    x: &[f32],
    out: &mut [f32],
) -> Result<()> {
    let sample = check::shape("scale_shift: input", input)?;
    check::length("scale_shift: scale", input.c, scale.len())?;
    check::length("scale_shift: shift", input.c, shift.len())?;
    check::batch("scale_shift: x", sample, x.len())?;
    check::length("scale_shift: out", x.len(), out.len())?;
    let plane = input.plane();
    if plane == 1 {
        // Rows of features: the channels of a sample are the vector.
        units::for_each(out, input.c, units::items(MIN_VALUES, input.c), |index, out| {
            let (x, affine) = (&x[index * input.c..], scale.iter().zip(shift));
            out.iter_mut().zip(x).zip(affine).for_each(|((out, x), (scale, shift))| *out = x * scale + shift);
            activation.apply_to(out);
        });
    } else {
        units::for_each(out, plane, units::items(MIN_VALUES, plane), |index, out| {
            let (scale, shift) = (scale[index % input.c], shift[index % input.c]);
            for (out, x) in out.chunks_mut(BLOCK).zip(x[index * plane..][..plane].chunks(BLOCK)) {
                out.iter_mut().zip(x).for_each(|(out, x)| *out = x * scale + shift);
                activation.apply_to(out);
            }
        });
    }
    Ok(())
}

/// Calls `f(start, block)` for the blocks of `out`.
fn for_each_block(out: &mut [f32], f: impl Fn(usize, &mut [f32]) + Sync) {
    units::for_each(out, BLOCK, MIN_VALUES / BLOCK, |index, out| f(index * BLOCK, out));
}
