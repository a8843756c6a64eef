//! From floating-point numbers to codes of 8 bits, in vector instructions: Rust's casts look after numbers out of range, which
//! takes longer than the rounding.

/// Where the numbers of a single precision lie 1 apart.
const WHOLE: f32 = (1 << 23) as f32;

/// The code nearest to `value`, which is in 0 to 255.
pub(super) fn code(value: f32) -> u8 {
    // The sum is rounded to a whole number, which its lower bits are.
    (value + WHOLE).to_bits() as u8
}

/// The largest code not above `value`, which is in 0 to 255.
pub(super) fn code_below(value: f32) -> u8 {
    let nearest = (value + WHOLE) - WHOLE;
    code(if nearest > value { nearest - 1.0 } else { nearest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_casts() {
        for code_of in 0..=255_u8 {
            let exact = f32::from(code_of);
            assert_eq!((code(exact), code_below(exact)), (code_of, code_of));
            assert_eq!(code_below(exact.next_up()), code_of);
            assert_eq!(code_below(exact.next_down().max(0.0)), code_of.saturating_sub(1));
            if code_of < 255 {
                assert_eq!((code(exact + 0.49), code(exact + 0.51)), (code_of, code_of + 1));
                assert_eq!(code_below(exact + 0.5), code_of);
            }
        }
    }
}
