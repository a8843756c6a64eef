//! How values of each type are summed in a resize.

use std::ops::{AddAssign, Mul};

use crate::PixelValue;
use crate::taps::{WEIGHT_BITS, fixed_point};

/// A type of weights and sums.
pub(crate) trait Number: Copy + Send + Sync + Mul<Output = Self> + AddAssign {}

impl Number for i32 {}
impl Number for f64 {}

/// The arithmetic of a convolution over values of one type: `START + sum of weight * load(value)`, then
/// `store`.
pub(crate) trait Depth: PixelValue {
    /// The type of weights and sums.
    type Number: Number;
    /// What lies between the two passes.
    type Between: Copy + Default + Send + Sync;

    const START: Self::Number;

    fn weight(exact: f64) -> Self::Number;
    /// Values above white count as white.
    fn load(self, white: Self) -> Self::Number;
    fn load_between(between: Self::Between) -> Self::Number;
    fn store_between(sum: Self::Number) -> Self::Between;
    /// Within black and `white`, which the bicubic kernel overshoots.
    fn store(sum: Self::Number, white: Self) -> Self;
}

/// Fixed point, rounded to 8 bits between the passes: to the byte what Pillow does.
impl Depth for u8 {
    type Number = i32;
    type Between = u8;

    /// One half: sums start here, so that dropping the fraction rounds.
    const START: i32 = 1 << (WEIGHT_BITS - 1);

    fn weight(exact: f64) -> i32 {
        fixed_point(exact)
    }

    fn load(self, _: u8) -> i32 {
        i32::from(self)
    }

    fn load_between(between: u8) -> i32 {
        i32::from(between)
    }

    fn store_between(sum: i32) -> u8 {
        (sum >> WEIGHT_BITS).clamp(0, 255) as u8
    }

    fn store(sum: i32, _: u8) -> u8 {
        Self::store_between(sum)
    }
}

/// Sums in `f64`, and `f32` between the passes: rounded once, at the end.
impl Depth for u16 {
    type Number = f64;
    type Between = f32;

    const START: f64 = 0.0;

    fn weight(exact: f64) -> f64 {
        exact
    }

    fn load(self, white: u16) -> f64 {
        f64::from(self.min(white))
    }

    fn load_between(between: f32) -> f64 {
        f64::from(between)
    }

    fn store_between(sum: f64) -> f32 {
        sum as f32
    }

    fn store(sum: f64, white: u16) -> u16 {
        // Casts of negative numbers saturate at 0.
        ((sum + 0.5) as u16).min(white)
    }
}

/// Sums in `f64`, and `f32` between the passes, as Pillow's mode `F`.
impl Depth for f32 {
    type Number = f64;
    type Between = f32;

    const START: f64 = 0.0;

    fn weight(exact: f64) -> f64 {
        exact
    }

    fn load(self, _: f32) -> f64 {
        f64::from(self)
    }

    fn load_between(between: f32) -> f64 {
        f64::from(between)
    }

    fn store_between(sum: f64) -> f32 {
        sum as f32
    }

    fn store(sum: f64, white: f32) -> f32 {
        (sum as f32).clamp(0.0, white)
    }
}
