//! Type numbers and lot codes that makers print.

use madenet_rng::Stream;

/// The letters in use: I, O and Q look too much like 1 and 0.
const LETTERS: &[u8] = b"ABCDEFGHJKLMNPRSTUVWXYZ";
/// Characters that can be told apart on the smallest bodies.
const CLEAR: &[u8] = b"ACJKRUWY123467";

/// A code of a pattern in which each `#` becomes a digit, each `@` a letter, and each `*` either.
pub(super) fn code(pattern: &str, random: &mut Stream) -> String {
    let mut fill = |mark| match mark {
        '#' => char::from(b'0' + random.below(10) as u8),
        '@' => char::from(LETTERS[random.below(LETTERS.len())]),
        '*' => char::from(CLEAR[random.below(CLEAR.len())]),
        other => other,
    };
    pattern.chars().map(&mut fill).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_the_form_of_its_pattern() {
        let mut random = Stream::new(7, "code", 0, 0);
        for _ in 0..50 {
            let got: Vec<char> = code("@#*-16V", &mut random).chars().collect();
            assert!(got[0].is_ascii_uppercase() && got[1].is_ascii_digit(), "{got:?}");
            assert!(got[2].is_ascii_uppercase() || got[2].is_ascii_digit(), "{got:?}");
            assert_eq!(got[3..], ['-', '1', '6', 'V']);
        }
    }
}
