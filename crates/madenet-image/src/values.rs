//! The types that a pixel's values may have.

use sealed::Sealed;

/// A type of a pixel's values: `u8`, `u16` or `f32`.
///
/// Black is 0 in all of them; white is 255 in `u8`, `2^bits - 1` in `u16` (see
/// [`ImageView::with_bit_depth`](crate::ImageView::with_bit_depth)) and 1 in `f32`. The trait is sealed: no
/// other type can be a pixel's.
pub trait PixelValue: Sealed {}

impl PixelValue for u8 {}
impl PixelValue for u16 {}
impl PixelValue for f32 {}

/// The values of a picture where they lie, by their type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Values<'a> {
    /// 8 bits, white is 255.
    U8(&'a [u8]),
    /// 1 to 16 bits in words of 16, white is `2^bits - 1`.
    U16(&'a [u16]),
    /// Floating point, all within `0..=1`.
    F32(&'a [f32]),
}

/// The same expression for values of each type.
macro_rules! for_each_type {
    ($values:expr, $slice:ident => $body:expr) => {
        match $values {
            $crate::Values::U8($slice) => $body,
            $crate::Values::U16($slice) => $body,
            $crate::Values::F32($slice) => $body,
        }
    };
}
pub(crate) use for_each_type;

/// Owned values, by their type. Public, since a supertrait of [`PixelValue`] names it, but nobody outside can
/// name it.
#[derive(Clone, PartialEq)]
pub enum Stored {
    /// As [`Values::U8`].
    U8(Vec<u8>),
    /// As [`Values::U16`].
    U16(Vec<u16>),
    /// As [`Values::F32`].
    F32(Vec<f32>),
}

impl Stored {
    pub(crate) fn as_values(&self) -> Values<'_> {
        match self {
            Stored::U8(values) => Values::U8(values),
            Stored::U16(values) => Values::U16(values),
            Stored::F32(values) => Values::F32(values),
        }
    }
}

impl From<Vec<u8>> for Stored {
    fn from(values: Vec<u8>) -> Self {
        Stored::U8(values)
    }
}

impl From<Vec<u16>> for Stored {
    fn from(values: Vec<u16>) -> Self {
        Stored::U16(values)
    }
}

impl From<Vec<f32>> for Stored {
    fn from(values: Vec<f32>) -> Self {
        Stored::F32(values)
    }
}

mod sealed {
    use super::{Stored, Values};

    /// What the crate needs to know of a type of values; nobody outside can name it.
    pub trait Sealed: Copy + Default + PartialOrd + Send + Sync + 'static {
        /// The bits of a value, if nobody says otherwise.
        const BITS: u8;

        /// The same values, borrowed.
        fn borrowed(values: &[Self]) -> Values<'_>;
        /// The same values, owned.
        fn stored(values: Vec<Self>) -> Stored;
        /// `value / white * 255` to the nearest; values above white count as white. `bits` matters to `u16`
        /// alone.
        fn to_8_bits(self, bits: u8) -> u8;
    }

    impl Sealed for u8 {
        const BITS: u8 = 8;

        fn borrowed(values: &[u8]) -> Values<'_> {
            Values::U8(values)
        }

        fn stored(values: Vec<u8>) -> Stored {
            Stored::U8(values)
        }

        fn to_8_bits(self, _: u8) -> u8 {
            self
        }
    }

    impl Sealed for u16 {
        const BITS: u8 = 16;

        fn borrowed(values: &[u16]) -> Values<'_> {
            Values::U16(values)
        }

        fn stored(values: Vec<u16>) -> Stored {
            Stored::U16(values)
        }

        fn to_8_bits(self, bits: u8) -> u8 {
            // White is odd, so no quotient lies halfway between two levels.
            let white = u32::from(super::white_of(bits));
            ((u32::from(self).min(white) * 255 + white / 2) / white) as u8
        }
    }

    impl Sealed for f32 {
        const BITS: u8 = 32;

        fn borrowed(values: &[f32]) -> Values<'_> {
            Values::F32(values)
        }

        fn stored(values: Vec<f32>) -> Stored {
            Stored::F32(values)
        }

        fn to_8_bits(self, _: u8) -> u8 {
            (self * 255.0).round() as u8
        }
    }
}

/// White of `u16` values of `bits` bits, 1 to 16.
pub(crate) fn white_of(bits: u8) -> u16 {
    u16::MAX >> (16 - bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_depth_rounds_to_the_nearest_of_8_bits() {
        for bits in 1..=16 {
            let white = white_of(bits);
            for value in 0..=white {
                let exact = f64::from(value) / f64::from(white) * 255.0;
                assert_eq!(f64::from(value.to_8_bits(bits)), exact.round(), "{value} of {white}");
            }
            assert_eq!(u16::MAX.to_8_bits(bits), 255);
        }
        assert_eq!([0.0f32, 0.25, 0.5, 1.0].map(|v| v.to_8_bits(32)), [0, 64, 128, 255]);
        assert_eq!(7u8.to_8_bits(8), 7);
    }
}
