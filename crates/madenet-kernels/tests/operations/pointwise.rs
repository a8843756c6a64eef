use madenet_kernels::{Activation, Error, Shape, activation, add, multiply, scale_shift};

use crate::support::{ACTIVATIONS, Sum, assert_same_on_all_threads, assert_sums, random, untouched};

/// Lengths around the size of a block.
const LENGTHS: [usize; 5] = [0, 1, 7, 1024, 3001];

fn sum(terms: &[f32]) -> Sum {
    let mut sum = Sum::default();
    terms.iter().for_each(|&term| sum.add(f64::from(term)));
    sum
}

#[test]
fn activations_and_sums_agree_with_the_definition() {
    for a in ACTIVATIONS {
        for len in LENGTHS {
            let (x, y) = (random(len, 1), random(len, 2));
            let mut out = untouched(len);
            activation(a, &x, &mut out).unwrap();
            assert_sums(&out, &x.iter().map(|&x| sum(&[x])).collect::<Vec<_>>(), a);
            add(&x, &y, a, &mut out).unwrap();
            assert_sums(&out, &x.iter().zip(&y).map(|(&x, &y)| sum(&[x, y])).collect::<Vec<_>>(), a);
        }
    }
}

#[test]
fn products_and_scales_take_one_value_per_channel() {
    for (c, h, w, batch) in [(1, 1, 1, 1), (3, 7, 13, 2), (5, 1, 1, 3), (2, 40, 41, 2), (4, 2, 2, 0)] {
        let input = Shape::new(c, h, w);
        let (a, plane) = (random(batch * input.len(), 1), input.plane());
        let mut out = untouched(a.len());

        let per_channel = random(batch * c, 2);
        multiply(input, &a, &per_channel, &mut out).unwrap();
        let expected: Vec<f32> = a.iter().enumerate().map(|(i, a)| a * per_channel[i / plane]).collect();
        assert_eq!(out, expected);
        let full = random(a.len(), 3);
        multiply(input, &a, &full, &mut out).unwrap();
        assert_eq!(out, a.iter().zip(&full).map(|(a, b)| a * b).collect::<Vec<_>>());

        for activation in ACTIVATIONS {
            let (scale, shift) = (random(c, 4), random(c, 5));
            scale_shift(input, &scale, &shift, activation, &a, &mut out).unwrap();
            let expected: Vec<Sum> = a
                .iter()
                .enumerate()
                .map(|(i, &a)| {
                    let mut sum = sum(&[shift[i / plane % c]]);
                    sum.add(f64::from(a) * f64::from(scale[i / plane % c]));
                    sum
                })
                .collect();
            assert_sums(&out, &expected, activation);
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let input = Shape::new(30, 70, 71);
    let (a, b) = (random(2 * input.len(), 1), random(2 * input.len(), 2));
    assert_same_on_all_threads(|| {
        let mut all = Vec::new();
        let mut out = untouched(a.len());
        activation(Activation::Silu, &a, &mut out).unwrap();
        all.extend_from_slice(&out);
        add(&a, &b, Activation::Sigmoid, &mut out).unwrap();
        all.extend_from_slice(&out);
        multiply(input, &a, &b[..60], &mut out).unwrap();
        all.extend_from_slice(&out);
        scale_shift(input, &b[..30], &b[30..60], Activation::Relu, &a, &mut out).unwrap();
        all.extend_from_slice(&out);
        all
    });
}

#[test]
fn what_does_not_fit_is_refused() {
    let length = |what, expected, got| Err(Error::Length { what, expected, got });
    let (identity, input) = (Activation::Identity, Shape::new(2, 1, 2));
    let (v, mut out) = ([0.0; 8], [0.0; 8]);
    assert_eq!(activation(identity, &v, &mut out[..7]), length("activation: out", 8, 7));
    assert_eq!(add(&v, &v[..7], identity, &mut out), length("add: b", 8, 7));
    assert_eq!(add(&v, &v, identity, &mut out[..7]), length("add: out", 8, 7));
    assert_eq!(multiply(input, &v[..7], &v, &mut out), length("multiply: a", 8, 7));
    assert_eq!(multiply(input, &v, &v[..5], &mut out), length("multiply: b", 4, 5));
    assert_eq!(multiply(input, &v, &v, &mut out[..4]), length("multiply: out", 8, 4));
    let mut affine = |input, scale, shift, x: &[f32], len: usize| {
        scale_shift(input, &v[..scale], &v[..shift], identity, x, &mut out[..len])
    };
    assert_eq!(affine(input, 3, 2, &v, 8), length("scale_shift: scale", 2, 3));
    assert_eq!(affine(input, 2, 1, &v, 8), length("scale_shift: shift", 2, 1));
    assert_eq!(affine(input, 2, 2, &v[..7], 8), length("scale_shift: x", 8, 7));
    assert_eq!(affine(input, 2, 2, &v, 4), length("scale_shift: out", 8, 4));
    let empty = Shape::new(2, 0, 2);
    assert!(matches!(affine(empty, 2, 2, &[], 0), Err(Error::Geometry { .. })));
    assert!(matches!(multiply(empty, &[], &[], &mut []), Err(Error::Geometry { .. })));
}
