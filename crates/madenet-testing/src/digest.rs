//! Digests: what a fixture holds of tensors that are too large for it.

use std::collections::BTreeMap;

use madenet_nets::Params;

use crate::compare::gradient_scale;
use crate::formula::signed;

/// Values of a tensor that its digest holds as they are.
const SAMPLES: usize = 4;

/// Largest magnitude of a tensor, the sum of its values times the formula's of `digest:NAME`, to which every value counts
/// differently, and four values at equal distances.
pub type Digest = [f64; 2 + SAMPLES];

/// The digest of a tensor's values.
///
/// ```
/// let digest = madenet_testing::digest("a.weight", &[1.0, -2.0, 3.0, 4.0, -5.0, 6.0, 7.0]);
/// assert_eq!(digest.map(|v| v as f32), [7.0, -3.8511252, 1.0, -2.0, 4.0, 6.0]);
/// ```
///
/// # Panics
/// If there are none.
#[must_use]
pub fn digest(name: &str, values: &[f32]) -> Digest {
    assert!(!values.is_empty(), "{name} has no values");
    let value = |i: usize| f64::from(values[i]);
    let name = format!("digest:{name}");
    let mut digest = [0.0; 2 + SAMPLES];
    // Passes over NaN, which the sum does not.
    digest[0] = values.iter().map(|v| f64::from(v.abs())).fold(0.0, f64::max);
    digest[1] = signed(&name, values.len()).enumerate().map(|(i, weight)| weight * value(i)).sum();
    (0..SAMPLES).for_each(|i| digest[2 + i] = value(i * values.len() / SAMPLES));
    digest
}

/// Compares tensors with the digests `kind` of a fixture, which has one row for each in the order of the names. Gives the
/// largest error, relative to a tensor's largest value, that of the weighted sum to as much times the root of the number of values.
/// Gradients (kind `grad`) that are noise are measured as [`assert_gradient_close`](crate::assert_gradient_close) does.
///
/// # Panics
/// If it is above `tolerance`, or the fixture has other tensors.
#[track_caller]
pub fn assert_digests_close(
    fixture: &Params,
    kind: &str,
    tensors: &BTreeMap<String, Vec<f32>>,
    tolerance: f64,
) -> f64 {
    let Some(rows) = fixture.get(kind) else { panic!("the fixture lacks {kind}") };
    assert_eq!(rows.shape(), [tensors.len(), 2 + SAMPLES], "{kind}: tensors of a digest");
    let expected: BTreeMap<&str, &[f32]> =
        tensors.keys().map(String::as_str).zip(rows.values().chunks(2 + SAMPLES)).collect();
    let mut worst = 0.0_f64;
    for (name, values) in tensors {
        let (got, row) = (digest(name, values), expected[name.as_str()]);
        let largest = |name: &str| expected.get(name).map(|row| f64::from(row[0]));
        let own = f64::from(row[0]);
        let scale = if kind == "grad" { gradient_scale(name, own, largest) } else { own };
        for (place, (got, &expected)) in got.into_iter().zip(row).enumerate() {
            let unit = if place == 1 { scale * (values.len() as f64).sqrt() } else { scale };
            let difference = (got - f64::from(expected)).abs();
            let error = if difference == 0.0 { 0.0 } else { difference / unit };
            assert!(
                error <= tolerance,
                "{kind}.{name}: relative error {error:.2e}, allowed {tolerance:.0e}; place {place} of the digest is {got}, \
                 expected {expected}, where the scale is {unit:.3e}"
            );
            worst = worst.max(error);
        }
    }
    worst
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compare(kind: &str, row: [f32; 6], values: &[f32]) -> f64 {
        let mut fixture = Params::new();
        fixture.insert(kind, vec![1, 6], row.to_vec()).unwrap();
        assert_digests_close(&fixture, kind, &BTreeMap::from([("b".to_string(), values.to_vec())]), 0.01)
    }

    /// Made by `generate.py`.
    const ROW: [f32; 6] = [0.5, 0.328_861_06, 0.5, 0.5, 0.5, 0.5];

    #[test]
    fn a_tensor_has_its_digest() {
        assert!(compare("grad", ROW, &[0.5]) < 1e-7);
        assert!((compare("train", ROW, &[0.504]) - 0.008).abs() < 1e-6);
    }

    #[test]
    #[should_panic(expected = "grad.b: relative error 1.20e-2, allowed 1e-2; place 0 of the digest")]
    fn another_value_fails() {
        compare("grad", ROW, &[0.506]);
    }

    #[test]
    #[should_panic(expected = "place 1 of the digest is NaN")]
    fn nan_fails() {
        compare("grad", [1.0, 1.2, 0.0, 0.0, 0.0, 0.0], &[0.0, 0.0, 0.0, 0.0, 0.0, 1.0, f32::NAN]);
    }

    /// The largest value and the samples are the same.
    #[test]
    #[should_panic(expected = "place 1 of the digest")]
    fn every_value_counts() {
        let mut values = vec![1.0; 64];
        let row = digest("b", &values).map(|v| v as f32);
        values[5] = -1.0;
        compare("running", row, &values);
    }
}
