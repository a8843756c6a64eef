//! The formula that fills parameters and inputs in both languages.
//!
//! A value depends on the tensor's name and its own index only. The index is spread by 2^32 divided by the golden ratio,
//! joined with the CRC-32 of the name, and mixed by the 32-bit finaliser of MurmurHash3 (Appleby 2011). Everything is
//! computed in `f64` from the upper 24 bits and rounded to `f32` once, so that both languages agree to the last bit.

use madenet_nets::{Net, Params};

/// The formula values of all parameters of `net`, buffers included.
#[must_use]
pub fn formula_params(net: &Net) -> Params {
    damped_formula_params(net, 1.0)
}

/// As [`formula_params`], with the weights of convolutions and linear layers times `gain`. Networks that add many maps up
/// (HRNet) need one below 1: their values would grow until no normalisation's shift shows in them. A power of two keeps the formula's digits.
#[must_use]
pub fn damped_formula_params(net: &Net, gain: f32) -> Params {
    let mut params = Params::new();
    for (name, spec) in net.params() {
        let factor = if spec.shape.len() > 1 { gain } else { 1.0 };
        let values = formula_values(name, &spec.shape).into_iter().map(|v| v * factor).collect();
        params
            .insert(name, spec.shape.clone(), values)
            .expect("the formula gives as many values as the shape has");
    }
    params
}

/// The formula values of a parameter, in ranges that keep activations near 1 through a deep network.
///
/// With `s` in `[-1, 1)` and `u = (s + 1) / 2`, by name and shape:
///
/// | tensor | value | range |
/// |---|---|---|
/// | name ends with `running_mean` | `0.2 s` | -0.2 to 0.2 |
/// | name ends with `running_var`, or with `.weight` and one axis | `0.75 + 0.5 u` | 0.75 to 1.25 |
/// | another with one axis | `0.1 s` | -0.1 to 0.1 |
/// | else | `s sqrt(6 / (product of all sizes but the first))` | variance `2 / fan-in` (He et al. 2015) |
///
/// ```
/// let values = madenet_testing::formula_values("bn1.running_var", &[2]);
/// assert_eq!(values, [0.925_903_6, 1.236_706_3]);
/// ```
#[must_use]
pub fn formula_values(name: &str, shape: &[usize]) -> Vec<f32> {
    let fan_in: usize = shape.iter().skip(1).product();
    let (is_vector, bound) = (shape.len() == 1, (6.0 / fan_in as f64).sqrt());
    let is_positive = name.ends_with("running_var") || (is_vector && name.ends_with(".weight"));
    let value = |s: f64| match () {
        () if name.ends_with("running_mean") => 0.2 * s,
        () if is_positive => 0.75 + 0.5 * ((s + 1.0) / 2.0),
        () if is_vector => 0.1 * s,
        () => s * bound,
    };
    signed(name, shape.iter().product()).map(|s| value(s) as f32).collect()
}

/// The first `len` values of the input called `name`, in `[-1, 1)`.
///
/// ```
/// assert_eq!(madenet_testing::formula_input("image", 2), [-0.098_113_894, -0.792_283_3]);
/// ```
#[must_use]
pub fn formula_input(name: &str, len: usize) -> Vec<f32> {
    signed(&format!("input:{name}"), len).map(|s| s as f32).collect()
}

/// Values in `[-1, 1)` of a name.
pub(crate) fn signed(name: &str, len: usize) -> impl Iterator<Item = f64> {
    let key = crc32fast::hash(name.as_bytes());
    (0..len).map(move |i| {
        let mut h = key ^ (i as u32).wrapping_mul(0x9E37_79B9);
        h ^= h >> 16;
        h = h.wrapping_mul(0x85EB_CA6B);
        h ^= h >> 13;
        h = h.wrapping_mul(0xC2B2_AE35);
        h ^= h >> 16;
        2.0 * (f64::from(h >> 8) / f64::from(1 << 24)) - 1.0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by `generate.py`: the formula is part of the fixtures.
    #[test]
    fn values_are_pinned() {
        assert_eq!(crc32fast::hash(b"conv1.weight"), 0xcb48_7135);
        assert_eq!(
            formula_values("conv1.weight", &[2, 1, 1, 2]),
            [-0.618_353_07, 1.493_279_1, -1.044_581_8, -0.495_278_6]
        );
        assert_eq!(formula_values("bn1.running_mean", &[2]), [0.180_465_39, -0.133_877_3]);
        assert_eq!(formula_values("bn1.weight", &[2]), [1.073_41, 1.086_866]);
        assert_eq!(formula_values("bn1.bias", &[2]), [0.039_983_608, -0.097_249_374]);
    }

    #[test]
    fn ranges_are_as_documented() {
        let within = |name, shape: &[usize], low: f32, high: f32| {
            let values = formula_values(name, shape);
            let (least, most) = values.iter().fold((f32::MAX, f32::MIN), |(a, b), &v| (a.min(v), b.max(v)));
            let slack = 0.01 * (high - low);
            assert!(low <= least && least < low + slack, "{name}: {least}");
            assert!(high - slack < most && most <= high, "{name}: {most}");
        };
        within("a.running_mean", &[4096], -0.2, 0.2);
        within("a.running_var", &[4096], 0.75, 1.25);
        within("a.weight", &[4096], 0.75, 1.25);
        within("a.bias", &[4096], -0.1, 0.1);
        within("a.weight", &[64, 6, 4, 4], -0.25, 0.25);
        within("a.weight", &[64, 24], -0.5, 0.5);
    }

    #[test]
    fn a_linear_layer_and_its_convolution_have_the_same_values() {
        assert_eq!(formula_values("fc.weight", &[10, 12]), formula_values("fc.weight", &[10, 12, 1, 1]));
        assert!(formula_values("fc.weight", &[0, 12]).is_empty());
    }
}
