//! Work on the values of one parameter, shared by threads in pieces that do not depend on their number.

use rayon::prelude::*;

/// Values of a piece: 64 KiB of each slice, so that a piece of four slices stays in a core's own cache while it is worth
/// handing to a thread.
const CHUNK: usize = 1 << 14;

/// Calls `f` on pieces of two slices of one length.
pub(crate) fn each2(a: &mut [f32], g: &[f32], f: impl Fn(&mut [f32], &[f32]) + Sync) {
    if a.len() <= CHUNK {
        return f(a, g);
    }
    a.par_chunks_mut(CHUNK).zip(g.par_chunks(CHUNK)).for_each(|(a, g)| f(a, g));
}

/// Calls `f` on pieces of three slices of one length.
pub(crate) fn each3(
    a: &mut [f32],
    g: &[f32],
    b: &mut [f32],
    f: impl Fn(&mut [f32], &[f32], &mut [f32]) + Sync,
) {
    if a.len() <= CHUNK {
        return f(a, g, b);
    }
    let pieces = (a.par_chunks_mut(CHUNK), g.par_chunks(CHUNK), b.par_chunks_mut(CHUNK));
    pieces.into_par_iter().for_each(|(a, g, b)| f(a, g, b));
}

/// Calls `f` on pieces of four slices of one length.
pub(crate) fn each4(
    a: &mut [f32],
    g: &[f32],
    b: &mut [f32],
    c: &mut [f32],
    f: impl Fn(&mut [f32], &[f32], &mut [f32], &mut [f32]) + Sync,
) {
    if a.len() <= CHUNK {
        return f(a, g, b, c);
    }
    let pieces =
        (a.par_chunks_mut(CHUNK), g.par_chunks(CHUNK), b.par_chunks_mut(CHUNK), c.par_chunks_mut(CHUNK));
    pieces.into_par_iter().for_each(|(a, g, b, c)| f(a, g, b, c));
}

/// The sum of `f` of the pieces, added in their order.
pub(crate) fn sum(values: &[f32], f: impl Fn(&[f32]) -> f64 + Sync + Send) -> f64 {
    if values.len() <= CHUNK {
        return f(values);
    }
    let sums: Vec<f64> = values.par_chunks(CHUNK).map(f).collect();
    sums.iter().sum()
}
