//! The activation functions, written without branches and without calls into the mathematics library, so that the compiler
//! turns a loop over a slice into vector code.

use crate::Activation;

impl Activation {
    /// The function at one value. NaN stays NaN; infinities give the function's limit, never NaN.
    ///
    /// ```
    /// use madenet_kernels::Activation;
    ///
    /// assert_eq!(Activation::Relu.apply(-2.0), 0.0);
    /// assert_eq!(Activation::LeakyRelu(0.25).apply(-2.0), -0.5);
    /// assert_eq!(Activation::Sigmoid.apply(0.0), 0.5);
    /// ```
    #[must_use]
    pub fn apply(self, x: f32) -> f32 {
        match self {
            Activation::Identity => x,
            Activation::Relu => relu(x),
            // Zero times minus infinity would be NaN.
            Activation::LeakyRelu(0.0) => relu(x),
            Activation::LeakyRelu(slope) => leaky_relu(slope, x),
            Activation::Silu => silu(x),
            Activation::Sigmoid => sigmoid(x),
        }
    }

    /// [`apply`](Self::apply) to every value, with the choice of the function outside the loop.
    pub(crate) fn apply_to(self, values: &mut [f32]) {
        match self {
            Activation::Identity => {}
            Activation::Relu | Activation::LeakyRelu(0.0) => map(values, relu),
            Activation::LeakyRelu(slope) => map(values, |x| leaky_relu(slope, x)),
            Activation::Silu => map(values, silu),
            Activation::Sigmoid => map(values, sigmoid),
        }
    }
}

/// ln of the smallest normal number, 2^-126, rounded up.
pub(crate) const SMALLEST: f32 = -87.336_54;
/// 1.5 * 2^23: adding it rounds to an integer, which then stands in the low bits.
pub(crate) const ROUND: f32 = 12_582_912.0;
/// ln 2 in two parts, the first with 9 significant bits, so that `n * LN2_HIGH` is exact.
pub(crate) const LN2_HIGH: f32 = 355.0 / 512.0;
pub(crate) const LN2_LOW: f32 = -2.121_944_4e-4;
/// 1 / k! for k = 7 down to 0.
pub(crate) const TAYLOR: [f32; 8] =
    [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];

fn map(values: &mut [f32], f: impl Fn(f32) -> f32) {
    for value in values {
        *value = f(*value);
    }
}

/// Not `x.max(0.0)`, which would turn NaN into 0.
fn relu(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}

fn leaky_relu(slope: f32, x: f32) -> f32 {
    if x > 0.0 { x } else { slope * x }
}

/// The limit at minus infinity is 0; the largest finite value in its place keeps `-inf * 0` from becoming NaN.
fn silu(x: f32) -> f32 {
    x.max(f32::MIN) * sigmoid(x)
}

/// `1 / (1 + exp(-x))`, with the exponential only ever taken of `-|x|`: it cannot overflow.
fn sigmoid(x: f32) -> f32 {
    let e = exp_of_negative(-x.abs());
    (if x < 0.0 { e } else { 1.0 }) / (1.0 + e)
}

/// `exp(x)` for `x <= 0`, with a relative error of a few units in the last place; 0 where the result would be subnormal.
///
/// `x = n ln 2 + r` with `|r| <= ln 2 / 2` in two steps (the reduction of Cody and Waite), then the Taylor polynomial of
/// degree 7, whose first omitted term is below `0.3466^8 / 8! = 5.2e-9`.
fn exp_of_negative(x: f32) -> f32 {
    let limited = if x < SMALLEST { SMALLEST } else { x };
    let rounded = limited * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = (limited - n * LN2_HIGH) - n * LN2_LOW;
    let power = TAYLOR.iter().fold(0.0, |sum, term| sum * r + term);
    let exponent = rounded.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127);
    let value = power * f32::from_bits(exponent.wrapping_shl(23));
    if x < SMALLEST { 0.0 } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Activation; 6] = [
        Activation::Identity,
        Activation::Relu,
        Activation::LeakyRelu(0.2),
        Activation::LeakyRelu(0.0),
        Activation::Silu,
        Activation::Sigmoid,
    ];

    /// Rounding of the reduction, of the polynomial's last steps, of the sum and of the quotient: five units in the last
    /// place.
    const RELATIVE: f64 = 5.0 * f32::EPSILON as f64;

    #[test]
    fn sigmoid_and_silu_are_exact_to_a_few_units_in_the_last_place() {
        for i in -870..=1000 {
            let x = i as f32 * 0.1;
            let truth = 1.0 / (1.0 + (-f64::from(x)).exp());
            let got = f64::from(Activation::Sigmoid.apply(x));
            assert!((got - truth).abs() <= RELATIVE * truth, "sigmoid({x}) is {got}, not {truth}");
            let truth = f64::from(x) * truth;
            let got = f64::from(Activation::Silu.apply(x));
            assert!((got - truth).abs() <= RELATIVE * truth.abs(), "silu({x}) is {got}, not {truth}");
        }
    }

    #[test]
    fn infinities_give_the_limit_and_nan_stays() {
        let limits = [
            (f32::NEG_INFINITY, f32::INFINITY),
            (0.0, f32::INFINITY),
            (f32::NEG_INFINITY, f32::INFINITY),
            (0.0, f32::INFINITY),
            (0.0, f32::INFINITY),
            (0.0, 1.0),
        ];
        for (activation, (low, high)) in ALL.into_iter().zip(limits) {
            assert_eq!(activation.apply(f32::NEG_INFINITY), low, "{activation:?}");
            assert_eq!(activation.apply(f32::INFINITY), high, "{activation:?}");
            assert!(activation.apply(f32::NAN).is_nan(), "{activation:?}");
        }
        assert_eq!(Activation::Sigmoid.apply(-1e30), 0.0);
        assert_eq!(Activation::Silu.apply(f32::MIN), 0.0);
    }

    #[test]
    fn a_slice_gets_the_values_of_the_function_bit_for_bit() {
        let x: Vec<f32> = (-300..300).map(|i| i as f32 * 0.37).chain([f32::NAN, f32::INFINITY]).collect();
        for activation in ALL {
            let mut got = x.clone();
            activation.apply_to(&mut got);
            for (&x, got) in x.iter().zip(got) {
                assert_eq!(activation.apply(x).to_bits(), got.to_bits(), "{activation:?}({x})");
            }
        }
    }
}
