//! Sums in a fixed order, in parallel, with a gradient from the same pass.

use std::ops::Range;

use rayon::prelude::*;

/// Values of a block: enough to be worth a task, and the same for every number of threads.
pub(super) const BLOCK: usize = 1 << 14;

/// Partial sums side by side, so that an addition need not wait for the one before it.
const LANES: usize = 16;

/// The sum of `part(places, their gradient)` over blocks of `block` places.
pub(super) fn blocks(
    len: usize,
    block: usize,
    gradient: Option<&mut [f32]>,
    part: impl Fn(Range<usize>, Option<&mut [f32]>) -> f64 + Sync,
) -> f64 {
    let places = |index: usize| index * block..((index + 1) * block).min(len);
    let parts: Vec<f64> = match gradient {
        Some(gradient) => {
            let blocks = gradient.par_chunks_mut(block).enumerate();
            blocks.map(|(index, gradient)| part(places(index), Some(gradient))).collect()
        }
        None => (0..len.div_ceil(block)).into_par_iter().map(|index| part(places(index), None)).collect(),
    };
    parts.iter().sum()
}

/// The sum over all places of what `point` gives first; what it gives second is the gradient there.
pub(super) fn pointwise<const N: usize>(
    inputs: [&[f32]; N],
    gradient: Option<&mut [f32]>,
    point: impl Fn([f32; N]) -> (f64, f32) + Sync,
) -> f64 {
    let len = inputs.iter().map(|values| values.len()).min().unwrap_or(0);
    blocks(len, BLOCK, gradient, |places, gradient| {
        block(inputs.map(|values| &values[places.clone()]), gradient, &point)
    })
}

/// As [`pointwise`], on one thread.
pub(super) fn block<const N: usize>(
    inputs: [&[f32]; N],
    gradient: Option<&mut [f32]>,
    point: impl Fn([f32; N]) -> (f64, f32),
) -> f64 {
    match gradient {
        Some(gradient) => {
            let (whole, rest) = gradient.as_chunks_mut::<LANES>();
            let done = whole.len() * LANES;
            let mut sums = [0.0; LANES];
            for (chunk, gradient) in whole.iter_mut().enumerate() {
                let inputs = chunk_of(&inputs, chunk);
                for lane in 0..LANES {
                    let (term, slope) = point(inputs.map(|values| values[lane]));
                    sums[lane] += term;
                    gradient[lane] = slope;
                }
            }
            for (at, gradient) in rest.iter_mut().enumerate() {
                let (term, slope) = point(inputs.map(|values| values[done + at]));
                sums[at] += term;
                *gradient = slope;
            }
            sums.iter().sum()
        }
        None => {
            let len = inputs.iter().map(|values| values.len()).min().unwrap_or(0);
            let mut sums = [0.0; LANES];
            for chunk in 0..len / LANES {
                let inputs = chunk_of(&inputs, chunk);
                for lane in 0..LANES {
                    sums[lane] += point(inputs.map(|values| values[lane])).0;
                }
            }
            for at in len / LANES * LANES..len {
                sums[at % LANES] += point(inputs.map(|values| values[at])).0;
            }
            sums.iter().sum()
        }
    }
}

fn chunk_of<'a, const N: usize>(inputs: &[&'a [f32]; N], chunk: usize) -> [&'a [f32; LANES]; N] {
    inputs.map(|values| &values.as_chunks::<LANES>().0[chunk])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_counts_once() {
        for len in [0, 1, 15, 16, 17, 100, BLOCK - 1, BLOCK + 37, 3 * BLOCK] {
            let x: Vec<f32> = (0..len).map(|i| (i % 1000) as f32).collect();
            let expected: f64 = x.iter().map(|&v| f64::from(v) + 1.0).sum();
            let mut gradient = vec![0.0; len];
            let point = |[a, b]: [f32; 2]| (f64::from(a) + 1.0, 2.0 * b);
            assert_eq!(pointwise([&x, &x], Some(&mut gradient), point), expected, "{len}");
            assert_eq!(pointwise([&x, &x], None, point), expected, "{len}");
            assert!(gradient.iter().zip(&x).all(|(&g, &x)| g == 2.0 * x), "{len}");
        }
    }
}
