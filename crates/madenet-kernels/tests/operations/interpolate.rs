use madenet_kernels::{Error, Interpolation, Shape, interpolate};
use proptest::prelude::*;

use crate::support::{assert_same_on_all_threads, random, untouched};

const HALF_PIXEL: Interpolation = Interpolation::Bilinear { align_corners: false };
const CORNERS: Interpolation = Interpolation::Bilinear { align_corners: true };

/// Positions in f32 are off by a few units in the last place of the size; values lie within -1..1, so a value is off by at
/// most twice that per axis, plus the rounding of the four products.
fn tolerance(input: Shape) -> f64 {
    f64::from(f32::EPSILON) * (8.0 * (input.h + input.w) as f64 + 8.0)
}

fn resized(mode: Interpolation, input: Shape, out_hw: (usize, usize), x: &[f32]) -> Vec<f32> {
    let mut out = untouched(x.len() / input.plane() * out_hw.0 * out_hw.1);
    interpolate(mode, input, out_hw, x, &mut out).unwrap();
    out
}

/// The source position and the two pixels around it, from the definition.
fn position(align_corners: bool, at: usize, input: usize, output: usize) -> (usize, usize, f64) {
    let (at, n, m) = (at as f64, input as f64, output as f64);
    let position = match align_corners {
        true if output == 1 => 0.0,
        true => at * (n - 1.0) / (m - 1.0),
        false => ((at + 0.5) * n / m - 0.5).max(0.0),
    };
    let low = (position.floor() as usize).min(input - 1);
    (low, (low + 1).min(input - 1), (position - low as f64).min(1.0))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn bilinear_agrees_with_the_definition(
        (h, w) in prop_oneof![Just((1, 1)), Just((7, 13)), (1..=30_usize, 1..=30_usize)],
        out_hw in (1..=40_usize, 1..=150_usize),
        c in 1..=3_usize,
        batch in 1..=2_usize,
        align_corners: bool,
    ) {
        let (input, x) = (Shape::new(c, h, w), random(batch * c * h * w, 4));
        let got = resized(Interpolation::Bilinear { align_corners }, input, out_hw, &x);
        for (index, &got) in got.iter().enumerate() {
            let (column, row) = (index % out_hw.1, index / out_hw.1 % out_hw.0);
            let plane = &x[index / (out_hw.0 * out_hw.1) * input.plane()..][..input.plane()];
            let (y0, y1, wy) = position(align_corners, row, h, out_hw.0);
            let (x0, x1, wx) = position(align_corners, column, w, out_hw.1);
            let at = |y: usize, x: usize| f64::from(plane[y * w + x]);
            let upper = (1.0 - wx) * at(y0, x0) + wx * at(y0, x1);
            let lower = (1.0 - wx) * at(y1, x0) + wx * at(y1, x1);
            let truth = (1.0 - wy) * upper + wy * lower;
            prop_assert!((f64::from(got) - truth).abs() <= tolerance(input), "value {index} is {got}, not {truth}");
        }
    }

    /// Positions are f32 by definition: `floor(i * (in as f32 / out as f32))`.
    #[test]
    fn nearest_agrees_with_the_definition(
        h in 1..=30_usize, w in 1..=30_usize, out_hw in (1..=40_usize, 1..=150_usize), planes in 1..=4_usize,
    ) {
        let (input, x) = (Shape::new(1, h, w), random(planes * h * w, 4));
        let got = resized(Interpolation::Nearest, input, out_hw, &x);
        let source = |at: usize, n: usize, m: usize| ((at as f32 * (n as f32 / m as f32)).floor() as usize).min(n - 1);
        for (index, &got) in got.iter().enumerate() {
            let (column, row) = (index % out_hw.1, index / out_hw.1 % out_hw.0);
            let pixel = source(row, h, out_hw.0) * w + source(column, w, out_hw.1);
            prop_assert_eq!(got, x[index / (out_hw.0 * out_hw.1) * input.plane() + pixel]);
        }
    }

    #[test]
    fn the_same_size_is_a_copy(h in 1..30_usize, w in 1..200_usize) {
        let (input, x) = (Shape::new(2, h, w), random(2 * h * w, 8));
        for mode in [Interpolation::Nearest, HALF_PIXEL] {
            prop_assert_eq!(&resized(mode, input, (h, w), &x), &x);
        }
    }
}

#[test]
fn values_by_hand() {
    let row = Shape::new(1, 1, 3);
    let x = [0.0, 4.0, 8.0];
    // Positions -0.25 (held at 0), 0.25, 0.75, 1.25, 1.75, 2.25 (its upper neighbour repeats the border).
    assert_eq!(resized(HALF_PIXEL, row, (1, 6), &x), [0.0, 1.0, 3.0, 5.0, 7.0, 8.0]);
    assert_eq!(resized(CORNERS, row, (1, 5), &x), [0.0, 2.0, 4.0, 6.0, 8.0]);
    assert_eq!(resized(Interpolation::Nearest, row, (1, 6), &x), [0.0, 0.0, 4.0, 4.0, 8.0, 8.0]);
    // A single output: the first pixel with aligned corners, the centre without.
    assert_eq!(resized(CORNERS, row, (1, 1), &x), [0.0]);
    assert_eq!(resized(HALF_PIXEL, row, (1, 1), &x), [4.0]);
    assert_eq!(resized(Interpolation::Nearest, row, (1, 2), &x), [0.0, 4.0]);
    // Both axes: 2x2 to 3x3 with aligned corners has the mean of all four in the middle.
    let square = resized(CORNERS, Shape::new(1, 2, 2), (3, 3), &[0.0, 2.0, 4.0, 10.0]);
    assert_eq!(square, [0.0, 1.0, 2.0, 2.0, 4.0, 6.0, 4.0, 7.0, 10.0]);
}

#[test]
fn threads_do_not_change_a_bit() {
    let (input, x) = (Shape::new(20, 30, 31), random(2 * 20 * 30 * 31, 6));
    for mode in [Interpolation::Nearest, HALF_PIXEL, CORNERS] {
        assert_same_on_all_threads(|| resized(mode, input, (100, 150), &x));
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let input = Shape::new(2, 2, 2);
    let length = |what, expected, got| Err(Error::Length { what, expected, got });
    assert_eq!(interpolate(HALF_PIXEL, input, (4, 4), &[], &mut []), Ok(()));
    let x = interpolate(HALF_PIXEL, input, (4, 4), &[0.0; 9], &mut [0.0; 32]);
    assert_eq!(x, length("interpolate: x", 16, 9));
    let out = interpolate(HALF_PIXEL, input, (4, 4), &[0.0; 8], &mut [0.0; 31]);
    assert_eq!(out, length("interpolate: out", 32, 31));
    for (input, out_hw) in [
        (Shape::new(2, 0, 2), (4, 4)),
        (Shape::new(0, 2, 2), (4, 4)),
        (input, (0, 4)),
        (input, (4, 0)),
        (input, (usize::MAX, 4)),
    ] {
        let refused = interpolate(Interpolation::Nearest, input, out_hw, &[], &mut []);
        assert!(matches!(refused, Err(Error::Geometry { .. })), "{input} to {out_hw:?}");
    }
}
