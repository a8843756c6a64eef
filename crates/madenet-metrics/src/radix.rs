//! Sorting by 32-bit keys without comparing them.

/// Bits per digit: 4 passes with 256 open ends each, which the caches and the TLB hold. Three digits of 11 bits
/// save a pass and lose more than it costs.
const DIGIT_BITS: u32 = 8;
const DIGITS: usize = (u32::BITS / DIGIT_BITS) as usize;
const BUCKETS: usize = 1 << DIGIT_BITS;

/// Below this length the standard sort is faster than counting digits.
const SMALL: usize = 1024;

/// Sorts keys upwards.
pub(crate) fn sort_keys(keys: &mut Vec<u32>) {
    if keys.len() < SMALL {
        keys.sort_unstable();
    } else {
        sort_by_key(keys, |key| key);
    }
}

/// Sorts items upwards by their high 32 bits. The order of equal ones is not defined.
pub(crate) fn sort_by_high_half(items: &mut Vec<u64>) {
    if items.len() < SMALL {
        items.sort_unstable();
    } else {
        sort_by_key(items, |item| (item >> 32) as u32);
    }
}

/// Least significant digit first, each pass stable, between the items and a scratch buffer of the same size.
fn sort_by_key<T: Copy + Default>(items: &mut Vec<T>, key: impl Fn(T) -> u32) {
    let counts = count_digits(items, &key);
    let mut scratch = vec![T::default(); items.len()];
    for (digit, counts) in counts.iter().enumerate() {
        // A digit that is the same everywhere orders nothing.
        if counts.contains(&items.len()) {
            continue;
        }
        let mut ends = starts(counts);
        for &item in items.iter() {
            let end = &mut ends[bucket(key(item), digit)];
            scratch[*end] = item;
            *end += 1;
        }
        std::mem::swap(items, &mut scratch);
    }
}

/// How often each value of each digit occurs: one pass for all digits, as the order does not change it.
fn count_digits<T: Copy>(items: &[T], key: impl Fn(T) -> u32) -> [[usize; BUCKETS]; DIGITS] {
    let mut counts = [[0; BUCKETS]; DIGITS];
    for &item in items {
        for (digit, counts) in counts.iter_mut().enumerate() {
            counts[bucket(key(item), digit)] += 1;
        }
    }
    counts
}

fn bucket(key: u32, digit: usize) -> usize {
    (key >> (digit as u32 * DIGIT_BITS)) as usize % BUCKETS
}

/// Where each bucket begins.
fn starts(counts: &[usize; BUCKETS]) -> [usize; BUCKETS] {
    let mut next = 0;
    counts.map(|count| {
        let start = next;
        next += count;
        start
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Keys in which none, some or all digits are the same, on both sides of the small case.
    fn keys() -> impl Strategy<Value = Vec<u32>> {
        let masks = prop_oneof![Just(u32::MAX), Just(0xFF), Just(0xFF00_0F00), Just(0)];
        (masks, 0..3 * SMALL, any::<u64>()).prop_map(|(mask, len, seed)| {
            let mut state = seed | 1;
            (0..len)
                .map(|_| {
                    // Knuth's MMIX multiplier; its high half is random enough to sort.
                    state =
                        state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    (state >> 32) as u32 & mask
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn sorted_keys_are_those_of_the_standard_sort(keys in keys()) {
            let (mut got, mut expected) = (keys.clone(), keys);
            sort_keys(&mut got);
            expected.sort_unstable();
            prop_assert_eq!(got, expected);
        }

        #[test]
        fn items_follow_their_high_half(keys in keys()) {
            let items: Vec<u64> = (0..).zip(&keys).map(|(low, &key)| u64::from(key) << 32 | low).collect();
            let (mut got, mut expected) = (items.clone(), items);
            sort_by_high_half(&mut got);
            expected.sort_unstable();
            // Stable passes over items numbered upwards; the small case compares whole items.
            prop_assert_eq!(got, expected);
        }
    }
}
