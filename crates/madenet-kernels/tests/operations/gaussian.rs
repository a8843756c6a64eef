use madenet_kernels::{Activation, Error, gaussian_filter};
use proptest::prelude::*;

use crate::support::{Sum, assert_same_on_all_threads, assert_sums, random, untouched};

fn filtered(sigma: f32, height: usize, width: usize, x: &[f32]) -> Vec<f32> {
    // Scratch memory that another call left behind.
    let (mut out, mut scratch) = (untouched(x.len()), vec![f32::NAN; 100]);
    gaussian_filter(sigma, height, width, x, &mut out, &mut scratch).unwrap();
    out
}

/// The definition as one two-dimensional sum in f64, with every weight in f64.
fn reference(sigma: f32, height: usize, width: usize, x: &[f32]) -> Vec<Sum> {
    let sigma = f64::from(sigma);
    let radius = (4.0 * sigma + 0.5) as i64;
    let density = |k: i64| if k == 0 { 1.0 } else { (-0.5 * (k as f64 / sigma).powi(2)).exp() };
    let total: f64 = (-radius..=radius).map(density).sum();
    // Walking beyond an end turns around without a step: a b c | c b a | a b c.
    let reflect = |mut at: i64, len: usize| loop {
        match at {
            _ if at < 0 => at = -1 - at,
            _ if at >= len as i64 => at = 2 * len as i64 - 1 - at,
            _ => return at as usize,
        }
    };
    (0..x.len())
        .map(|index| {
            let (column, row) = (index % width, index / width % height);
            let plane = &x[index / (height * width) * height * width..];
            let mut sum = Sum::default();
            for dy in -radius..=radius {
                for dx in -radius..=radius {
                    let y = reflect(row as i64 + dy, height);
                    let weight = density(dy) * density(dx) / (total * total);
                    sum.add(weight * f64::from(plane[y * width + reflect(column as i64 + dx, width)]));
                }
            }
            // Two passes, each with the rounding of a weight, a sum of two, a product and a sum per tap.
            sum.operations = 2 * (2 * radius as usize + 4);
            sum
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    #[test]
    fn any_size_agrees_with_the_definition(
        sigma in prop_oneof![Just(0.0_f32), Just(1.0), Just(4.0), 0.05..3.0_f32],
        (height, width) in prop_oneof![Just((1, 1)), Just((7, 13)), (1..=40_usize, 1..=40_usize)],
        planes in 1..=2_usize,
    ) {
        let x = random(planes * height * width, 9);
        assert_sums(&filtered(sigma, height, width, &x), &reference(sigma, height, width, &x), Activation::Identity);
    }
}

#[test]
fn a_pixel_spreads_to_the_filters_weights() {
    let mut x = vec![0.0; 41 * 41];
    x[20 * 41 + 20] = 1.0;
    let out = filtered(4.0, 41, 41, &x);
    let centre = f64::from(out[20 * 41 + 20]).sqrt();
    assert!((centre - 0.099_739_1).abs() < 1e-7, "{centre}");
    // The radius is 16: nothing beyond.
    assert!(out[20 * 41 + 4] > 0.0 && out[4 * 41 + 20] > 0.0);
    assert_eq!([out[20 * 41 + 3], out[3 * 41 + 20], out[20 * 41 + 37]], [0.0; 3]);
}

#[test]
fn a_constant_stays_and_sigma_zero_copies() {
    for value in filtered(4.0, 5, 9, &[3.0; 45]) {
        assert!((value - 3.0).abs() < 1e-5, "{value}");
    }
    let x = random(45, 1);
    assert_eq!(filtered(0.0, 5, 9, &x), x);
}

#[test]
fn threads_do_not_change_a_bit() {
    let x = random(2 * 130 * 140, 1);
    assert_same_on_all_threads(|| filtered(4.0, 130, 140, &x));
}

#[test]
fn scratch_memory_is_kept() {
    let (x, mut out, mut scratch) = (random(64, 1), untouched(64), Vec::new());
    gaussian_filter(2.0, 8, 8, &x, &mut out, &mut scratch).unwrap();
    let (capacity, memory) = (scratch.capacity(), scratch.as_ptr());
    gaussian_filter(2.0, 8, 8, &x, &mut out, &mut scratch).unwrap();
    assert_eq!((capacity, memory), (scratch.capacity(), scratch.as_ptr()));
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut scratch = Vec::new();
    let mut run = |sigma, h, w, x: usize, out: usize| {
        gaussian_filter(sigma, h, w, &vec![0.0; x], &mut vec![0.0; out], &mut scratch)
    };
    assert_eq!(run(1.0, 3, 4, 0, 0), Ok(()));
    let length = |what, expected, got| Err(Error::Length { what, expected, got });
    assert_eq!(run(1.0, 3, 4, 13, 13), length("gaussian_filter: x", 24, 13));
    assert_eq!(run(1.0, 3, 4, 12, 24), length("gaussian_filter: out", 12, 24));
    for sigma in [-1.0, f32::NAN, f32::INFINITY, 1e30] {
        let refused = run(sigma, 3, 4, 12, 12);
        assert!(
            matches!(&refused, Err(Error::Geometry { reason, .. }) if reason.contains("sigma")),
            "{refused:?}"
        );
    }
    assert!(matches!(run(1.0, 0, 4, 0, 0), Err(Error::Geometry { .. })));
}
