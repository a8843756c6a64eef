//! Colours in linear light, and their way to 8 bits.

use std::ops::{Add, Mul};
use std::sync::LazyLock;

/// Red, green and blue of the sRGB primaries in linear light; 1 is the sensor's full scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rgb(pub(crate) [f32; 3]);

impl Rgb {
    pub(crate) const fn grey(level: f32) -> Self {
        Rgb([level; 3])
    }

    /// `share` of `other` and the rest of `self`.
    pub(crate) fn mix(self, other: Rgb, share: f32) -> Rgb {
        self * (1.0 - share) + other * share
    }
}

impl Add for Rgb {
    type Output = Rgb;

    fn add(self, other: Rgb) -> Rgb {
        Rgb(std::array::from_fn(|i| self.0[i] + other.0[i]))
    }
}

impl Mul<f32> for Rgb {
    type Output = Rgb;

    fn mul(self, factor: f32) -> Rgb {
        Rgb(self.0.map(|v| v * factor))
    }
}

/// A light through a filter, or on a surface of that colour.
impl Mul for Rgb {
    type Output = Rgb;

    fn mul(self, other: Rgb) -> Rgb {
        Rgb(std::array::from_fn(|i| self.0[i] * other.0[i]))
    }
}

/// Steps of the table of codes: fine enough that the error, at most where the curve is steepest, is 0.1
/// codes.
const STEPS: usize = 1 << 14;

static CODES: LazyLock<Vec<u8>> =
    LazyLock::new(|| (0..=STEPS).map(|step| code(step as f32 / STEPS as f32)).collect());

/// The 8-bit code of a linear value; 0 for NaN.
pub(crate) fn encode(linear: f32) -> u8 {
    // The conversion cuts, and saturates below 0.
    CODES[((linear * STEPS as f32 + 0.5) as usize).min(STEPS)]
}

/// The transfer function of IEC 61966-2-1 (sRGB).
fn code(v: f32) -> u8 {
    let share = if v <= 0.003_130_8 { 12.92 * v } else { 1.055 * v.powf(1.0 / 2.4) - 0.055 };
    (255.0 * share).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoding_meets_known_points() {
        // 0.2140 is the linear value of the code 127.5; below 0 and above 1 the sensor clips.
        for (linear, code) in
            [(-1.0, 0), (0.0, 0), (0.003, 10), (0.2140, 127), (0.2159, 128), (1.0, 255), (9.0, 255)]
        {
            assert_eq!(encode(linear), code, "{linear}");
        }
        assert_eq!(encode(f32::NAN), 0);
    }

    #[test]
    fn mixing_is_linear() {
        let mixed = Rgb([0.0, 0.5, 1.0]).mix(Rgb::grey(1.0), 0.5);
        assert_eq!(mixed, Rgb([0.5, 0.75, 1.0]));
        assert_eq!(mixed * Rgb([2.0, 0.0, 1.0]), Rgb([1.0, 0.0, 1.0]));
    }
}
