//! Comparison of tensors, relative to the size of the whole tensor.
//!
//! Single values near 0 carry the rounding noise of the large ones they were summed from, so an error relative to each
//! value would say little.

use madenet_nets::Params;

/// `max |got - expected| / max |expected|`, 0 for equal tensors, infinite where a value is not finite or the lengths differ.
///
/// ```
/// let error = madenet_testing::max_relative_error(&[1.0, 4.0], &[1.0, 5.0]);
/// assert_eq!(error, 0.2);
/// ```
#[must_use]
pub fn max_relative_error(got: &[f32], expected: &[f32]) -> f64 {
    error_at_scale(got, expected, max_abs(expected))
}

/// Panics unless `got` has the length of `expected` and [`max_relative_error`] is at most `tolerance`.
#[track_caller]
pub fn assert_close(name: &str, got: &[f32], expected: &[f32], tolerance: f64) {
    assert_close_at_scale(name, got, expected, max_abs(expected), tolerance);
}

/// Panics unless `got` is close to the gradient `grad.PARAMETER` of a fixture.
///
/// The gradient of a bias in front of a batch normalisation is 0 in exact arithmetic, since the normalisation takes every
/// constant away; what a framework gives is rounding noise of a sum over values as large as those of the weight's gradient.
/// A bias whose expected gradient is below 1e-5 of its layer's weight gradient is such a one, and its error is taken
/// relative to the weight's gradient. (Noise in the fixtures is below 1e-6 of it, true bias gradients are above 0.3.)
#[track_caller]
pub fn assert_gradient_close(fixture: &Params, parameter: &str, got: &[f32], tolerance: f64) {
    let name = format!("grad.{parameter}");
    let Some(expected) = fixture.get(&name) else { panic!("the fixture lacks {name}") };
    let largest = |name: &str| fixture.get(name).map(|gradient| max_abs(gradient.values()));
    let scale = gradient_scale(&name, max_abs(expected.values()), largest);
    assert_close_at_scale(&name, got, expected.values(), scale, tolerance);
}

/// What the error of a gradient is relative to: `own`, its largest magnitude, or its layer's where it is noise. `largest` gives
/// the one of the gradient of another name.
pub(crate) fn gradient_scale(name: &str, own: f64, largest: impl Fn(&str) -> Option<f64>) -> f64 {
    const NOISE: f64 = 1e-5;
    let layer = name.strip_suffix(".bias").and_then(|layer| largest(&format!("{layer}.weight")));
    layer.filter(|weight| own < NOISE * weight).unwrap_or(own)
}

#[track_caller]
fn assert_close_at_scale(name: &str, got: &[f32], expected: &[f32], scale: f64, tolerance: f64) {
    assert_eq!(got.len(), expected.len(), "{name}: {} values, expected {}", got.len(), expected.len());
    if let Some(i) = got.iter().zip(expected).position(|(a, b)| !a.is_finite() || !b.is_finite()) {
        panic!("{name}: value {i} is {}, expected {}", got[i], expected[i]);
    }
    let error = error_at_scale(got, expected, scale);
    if error <= tolerance {
        return;
    }
    let difference = |i: usize| (got[i] - expected[i]).abs();
    let worst = (0..got.len()).max_by(|&i, &j| difference(i).total_cmp(&difference(j))).unwrap_or(0);
    panic!(
        "{name}: relative error {error:.2e}, allowed {tolerance:.0e}; value {worst} of {} is {}, expected {}, where the \
         scale is {scale:.3e}",
        got.len(),
        got[worst],
        expected[worst],
    );
}

fn error_at_scale(got: &[f32], expected: &[f32], scale: f64) -> f64 {
    let is_finite = got.iter().chain(expected).all(|v| v.is_finite());
    if got.len() != expected.len() || !is_finite {
        return f64::INFINITY;
    }
    let difference =
        got.iter().zip(expected).map(|(a, b)| (f64::from(*a) - f64::from(*b)).abs()).fold(0.0, f64::max);
    if difference == 0.0 { 0.0 } else { difference / scale }
}

fn max_abs(values: &[f32]) -> f64 {
    values.iter().map(|v| f64::from(v.abs())).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_relative_to_the_largest_value() {
        assert_eq!(max_relative_error(&[0.5, -8.0], &[0.0, -8.0]), 0.0625);
        assert_eq!(max_relative_error(&[], &[]), 0.0);
        assert_eq!(max_relative_error(&[0.0], &[0.0]), 0.0);
        assert_eq!(max_relative_error(&[1e-30], &[0.0]), f64::INFINITY);
        assert_eq!(max_relative_error(&[1.0], &[1.0, 1.0]), f64::INFINITY);
        assert_eq!(max_relative_error(&[f32::NAN], &[1.0]), f64::INFINITY);
        assert_eq!(max_relative_error(&[1.0], &[f32::NAN]), f64::INFINITY);
        assert_eq!(max_relative_error(&[f32::INFINITY], &[f32::INFINITY]), f64::INFINITY);
        assert_close("equal to a tenth", &[1.1], &[1.0], 0.11);
    }

    #[test]
    #[should_panic(expected = "x: relative error 1.25e-1, allowed 1e-1; value 1 of 2 is -7, expected -8")]
    fn a_difference_fails() {
        assert_close("x", &[0.0, -7.0], &[0.0, -8.0], 0.1);
    }

    #[test]
    #[should_panic(expected = "x: value 1 is NaN, expected 2")]
    fn nan_fails() {
        assert_close("x", &[1.0, f32::NAN], &[1.0, 2.0], f64::INFINITY);
    }

    #[test]
    #[should_panic(expected = "x: value 0 is 1, expected NaN")]
    fn an_expected_nan_fails() {
        assert_close("x", &[1.0], &[f32::NAN], f64::INFINITY);
    }

    #[test]
    #[should_panic(expected = "x: 1 values, expected 2")]
    fn another_length_fails() {
        assert_close("x", &[1.0], &[1.0, 2.0], 0.1);
    }

    fn gradients(bias: f32) -> Params {
        let mut fixture = Params::new();
        fixture.insert("grad.a.weight", vec![1], vec![10.0]).unwrap();
        fixture.insert("grad.a.bias", vec![1], vec![bias]).unwrap();
        fixture
    }

    #[test]
    fn a_vanishing_gradient_is_measured_by_its_layer() {
        assert_gradient_close(&gradients(1e-6), "a.bias", &[-2e-6], 1e-6);
        assert_gradient_close(&gradients(1e-6), "a.weight", &[10.0], 0.0);
    }

    #[test]
    #[should_panic(expected = "grad.a.bias: relative error 2.00e0")]
    fn a_small_gradient_is_measured_by_itself() {
        assert_gradient_close(&gradients(1e-3), "a.bias", &[-1e-3], 1e-3);
    }

    #[test]
    #[should_panic(expected = "the fixture lacks grad.b.weight")]
    fn a_missing_gradient_fails() {
        assert_gradient_close(&gradients(1.0), "b.weight", &[1.0], 1.0);
    }
}
