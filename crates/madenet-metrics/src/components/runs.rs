//! Runs of anomalous pixels in a row of a mask.

/// Pixels per machine word.
const WORD: usize = u64::BITS as usize;

/// Calls `found` with the start and the end (exclusive) of every run, from left to right.
///
/// The row is read 64 pixels at a time, as the bits of a word; a run starts and ends where a bit differs from the
/// one before it, so empty stretches cost one comparison per 64 pixels.
pub(crate) fn in_row(row: &[bool], mut found: impl FnMut(usize, usize)) {
    let mut open: Option<usize> = None;
    let mut last = 0;
    for (word, pixels) in row.chunks(WORD).enumerate() {
        let bits = pack(pixels);
        let mut edges = bits ^ (bits << 1 | last);
        last = bits >> (WORD - 1);
        while edges != 0 {
            let x = word * WORD + edges.trailing_zeros() as usize;
            edges &= edges - 1;
            match open.take() {
                Some(start) => found(start, x),
                None => open = Some(x),
            }
        }
    }
    if let Some(start) = open {
        found(start, row.len());
    }
}

/// Up to 64 pixels as bits, the first one lowest.
fn pack(pixels: &[bool]) -> u64 {
    let (eights, rest) = pixels.as_chunks::<8>();
    let mut bits = 0;
    for (byte, eight) in eights.iter().enumerate() {
        bits |= gather(eight) << (8 * byte);
    }
    for (bit, &pixel) in rest.iter().enumerate() {
        bits |= u64::from(pixel) << (8 * eights.len() + bit);
    }
    bits
}

/// The lowest bits of 8 bytes side by side: the multiplication moves that of byte i, at bit 8 i, by 56 - 7 i to bit
/// 56 + i, and no two of the moved bits meet.
fn gather(pixels: &[bool; 8]) -> u64 {
    u64::from_le_bytes(pixels.map(u8::from)).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn runs_are_the_maximal_stretches(row in prop::collection::vec(prop::bool::weighted(0.8), 0..300)) {
            let mut runs = Vec::new();
            in_row(&row, |start, end| runs.push((start, end)));
            let mut drawn = vec![false; row.len()];
            for &(start, end) in &runs {
                prop_assert!(start < end);
                drawn[start..end].fill(true);
            }
            prop_assert_eq!(drawn, row);
            prop_assert!(runs.windows(2).all(|pair| pair[0].1 < pair[1].0), "runs do not touch");
        }
    }

    #[test]
    fn runs_cross_words_and_end_with_the_row() {
        for len in [1, 8, 63, 64, 65, 128, 130] {
            let mut runs = Vec::new();
            in_row(&vec![true; len], |start, end| runs.push((start, end)));
            assert_eq!(runs, [(0, len)]);
        }
    }
}
