//! Integers with the order of the scores.

/// Sign bit of a binary32.
const SIGN: u32 = 1 << 31;

/// An integer with the order of the scores: IEEE 754 binary32 is sign and magnitude, so positive numbers get the
/// top bit and negative ones are inverted.
pub(crate) fn key(score: f32) -> u32 {
    // -0.0 + 0.0 is 0.0: both zeros are one score.
    let bits = (score + 0.0).to_bits();
    // All ones under a negative number, the top bit alone under a positive one; no branch, so loops over it are
    // vector instructions.
    bits ^ (((bits as i32) >> 31) as u32 | SIGN)
}

/// The score of a key.
pub(crate) fn score(key: u32) -> f32 {
    f32::from_bits(if key & SIGN == 0 { !key } else { key ^ SIGN })
}

/// The first NaN or infinity, and its position.
pub(crate) fn first_non_finite(scores: &[f32]) -> Option<(usize, f32)> {
    // Adding one to the exponent carries into the sign bit only if the exponent is all ones. Collecting the
    // carries needs no exit from the loop, unlike a search.
    let exponent_one = 1 << (f32::MANTISSA_DIGITS - 1);
    let carries = scores.iter().fold(0, |all, score| all | ((score.to_bits() & !SIGN) + exponent_one));
    if carries & SIGN == 0 {
        return None;
    }
    scores.iter().copied().enumerate().find(|(_, score)| !score.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_the_order_of_scores() {
        let tiny = f32::from_bits(1);
        let ascending = [
            f32::NEG_INFINITY,
            f32::MIN,
            -2.0,
            -1.0,
            -f32::MIN_POSITIVE,
            -tiny,
            0.0,
            tiny,
            f32::MIN_POSITIVE,
            0.5,
            1.0,
            f32::MAX,
            f32::INFINITY,
        ];
        assert!(ascending.is_sorted_by(|a, b| key(*a) < key(*b)));
        assert_eq!(key(-0.0), key(0.0));
        assert!(ascending.iter().all(|&s| score(key(s)).to_bits() == s.to_bits()));
    }

    #[test]
    fn the_first_score_that_is_no_number_is_found() {
        let finite = [0.0, -0.0, f32::MIN, f32::MAX, f32::MIN_POSITIVE, -1e-45, 1.5];
        assert_eq!(first_non_finite(&finite), None);
        assert_eq!(first_non_finite(&[]), None);
        for bad in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::from_bits(0x7F80_0001)] {
            let (index, value) = first_non_finite(&[1.0, -2.0, bad, 3.0, bad]).unwrap();
            assert_eq!((index, value.to_bits()), (2, bad.to_bits()));
        }
    }
}
