//! Sorting by 32-bit keys without comparing them.
//!
//! A first pass over memory counts the items by their highest bits, a second one spreads them over buckets of about the same
//! size, each a run of neighbouring counts: scores are spread unevenly over the bits of a float, half of those between 0
//! and 1 are in the uppermost power of two. A bucket fits into the cache, where it is sorted digit by digit, from the
//! lowest to the highest.

/// Bits by which items are counted for the first pass: 65,536 counts fit into the second cache.
const COUNTED_BITS: u32 = 16;

/// Buckets of the first pass, about. More of them have too many open ends for the caches, fewer are too large for them.
const BUCKETS: usize = 1024;

/// Bits of a digit within a bucket, at most: its counts fit into the first cache.
const DIGIT_BITS: u32 = 9;

/// One in so many items is looked at for their range.
const SAMPLED: usize = 64;

/// Below this length the standard sort is faster than counting digits.
const SMALL: usize = 512;

/// Sorts keys upwards.
pub(crate) fn sort_keys(keys: &mut Vec<u32>) {
    let mut counts = Vec::new();
    sort_by_buckets(keys, |key| key, |bucket, scratch| sort_key_bucket(bucket, scratch, &mut counts));
}

/// Sorts items upwards by their high 32 bits. The order of equal ones is not defined.
pub(crate) fn sort_by_high_half(items: &mut Vec<u64>) {
    let high_half = |item| (item >> 32) as u32;
    sort_by_buckets(items, high_half, |bucket, scratch| sort_bucket(bucket, scratch, high_half));
}

/// Spreads the items over buckets, and sorts each by `sort`, which is given as much space again.
fn sort_by_buckets<T: Copy + Default>(
    items: &mut Vec<T>,
    key: impl Fn(T) -> u32 + Copy,
    mut sort: impl FnMut(&mut [T], &mut [T]),
) {
    let mut spread = vec![T::default(); items.len()];
    let mut rest = &mut items[..];
    let mut done = &mut spread[..];
    if rest.len() < BUCKETS * SMALL {
        sort(rest, done);
        return;
    }
    for size in distribute(rest, done, key) {
        let (bucket, scratch);
        (bucket, done) = done.split_at_mut(size);
        (scratch, rest) = rest.split_at_mut(size);
        sort(bucket, scratch);
    }
    *items = spread;
}

/// Copies the items into ascending buckets and gives their sizes.
fn distribute<T: Copy>(from: &[T], into: &mut [T], key: impl Fn(T) -> u32 + Copy) -> Vec<usize> {
    // The range of some of the items will do: what lies beyond it is counted at its ends.
    let (low, bits) = range(from.iter().step_by(SAMPLED).copied().map(key));
    let shift = bits.saturating_sub(COUNTED_BITS);
    let last = (1 << COUNTED_BITS) - 1;
    let bin = |item: T| (key(item).saturating_sub(low) >> shift).min(last) as usize;
    let mut counts = vec![0usize; 1 << COUNTED_BITS];
    from.iter().for_each(|&item| counts[bin(item)] += 1);

    // A bucket ends with the count that fills it, so there is at most one more than BUCKETS.
    let full = from.len() / BUCKETS;
    let mut sizes = vec![0];
    let mut bucket_of = vec![0u16; 1 << COUNTED_BITS];
    for (bucket, count) in bucket_of.iter_mut().zip(counts) {
        *bucket = (sizes.len() - 1) as u16;
        if let Some(size) = sizes.last_mut() {
            *size += count;
            if *size >= full {
                sizes.push(0);
            }
        }
    }
    let mut ends = starts(sizes.iter().copied());
    for &item in from {
        let end = &mut ends[usize::from(bucket_of[bin(item)])];
        into[*end] = item;
        *end += 1;
    }
    sizes
}

/// Sorts a bucket of keys. Most buckets hold many keys of a narrow range: these are counted and written down anew.
fn sort_key_bucket(keys: &mut [u32], scratch: &mut [u32], counts: &mut Vec<u32>) {
    let (low, bits) = range(keys.iter().copied());
    let is_dense = bits <= COUNTED_BITS && keys.len() >= 1 << bits.saturating_sub(2);
    if !is_dense || u32::try_from(keys.len()).is_err() {
        return sort_bucket(keys, scratch, |key| key);
    }
    counts.clear();
    counts.resize(1 << bits, 0);
    for key in keys.iter() {
        if let Some(count) = counts.get_mut((key - low) as usize) {
            *count += 1;
        }
    }
    let mut rest = keys;
    for (above, &count) in counts.iter().enumerate() {
        let run;
        (run, rest) = rest.split_at_mut(count as usize);
        run.fill(low.wrapping_add(above as u32));
    }
}

/// Sorts the items of a bucket.
fn sort_bucket<T: Copy>(items: &mut [T], scratch: &mut [T], key: impl Fn(T) -> u32 + Copy) {
    if items.len() < SMALL {
        items.sort_unstable_by_key(|&item| key(item));
        return;
    }
    let (low, bits) = range(items.iter().copied().map(key));
    let passes = bits.div_ceil(DIGIT_BITS);
    let digit_bits = bits.div_ceil(passes.max(1));
    for pass in 0..passes {
        let shift = pass * digit_bits;
        let digit =
            |item: T| ((key(item) - low) >> shift & ((1 << digit_bits) - 1)) as usize % (1 << DIGIT_BITS);
        let (from, into) =
            if pass % 2 == 0 { (&mut *items, &mut *scratch) } else { (&mut *scratch, &mut *items) };
        let mut counts = [0; 1 << DIGIT_BITS];
        from.iter().for_each(|&item| counts[digit(item)] += 1);
        let mut ends = starts(counts);
        for &item in from.iter() {
            let end = &mut ends[digit(item)];
            into[*end] = item;
            *end += 1;
        }
    }
    if passes % 2 == 1 {
        items.copy_from_slice(scratch);
    }
}

/// The lowest key, and how many bits the others differ from it in.
fn range(keys: impl Iterator<Item = u32>) -> (u32, u32) {
    let (low, high) = keys.fold((u32::MAX, 0), |(low, high), key| (low.min(key), high.max(key)));
    (low, u32::BITS - high.saturating_sub(low).leading_zeros())
}

/// Where each run of the given lengths starts.
fn starts(lengths: impl IntoIterator<Item = usize>) -> Vec<usize> {
    let mut next = 0;
    let start = |length| {
        next += length;
        next - length
    };
    lengths.into_iter().map(start).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Knuth's MMIX generator; its high half is random enough to sort.
    fn random(len: usize, seed: u64) -> impl Iterator<Item = u32> {
        let step = |state: &u64| {
            Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
        };
        std::iter::successors(Some(seed), step).skip(2).map(|state| (state >> 32) as u32).take(len)
    }

    /// Keys in which none, some or all digits are the same, on both sides of the small case.
    fn keys() -> impl Strategy<Value = Vec<u32>> {
        let masks = prop_oneof![Just(u32::MAX), Just(0xFF), Just(0xFF00_0F00), Just(0x8000_0001), Just(0)];
        (masks, 0..6 * SMALL, any::<u64>())
            .prop_map(|(mask, len, seed)| random(len, seed).map(|key| key & mask).collect())
    }

    #[test]
    fn large_sets_of_any_distribution_are_sorted() {
        let len = BUCKETS * SMALL + 77;
        let uniform = |key: u32| ((key >> 8) as f32 / (1 << 24) as f32).to_bits();
        // Far from all that the sample of the range sees.
        let outliers = |(i, key): (usize, u32)| if i % 1000 == 1 { key } else { 1 << 31 | key >> 20 };
        for keys in [
            random(len, 1).collect::<Vec<_>>(),
            random(len, 2).map(uniform).collect(),
            random(len, 3).enumerate().map(outliers).collect(),
            random(len, 4).map(|key| u32::MAX - (key & 1)).collect(),
            vec![7; len],
        ] {
            let mut items: Vec<u64> = keys.iter().map(|&key| u64::from(key) << 32).collect();
            let (mut got, mut expected) = (keys.clone(), keys);
            sort_keys(&mut got);
            expected.sort_unstable();
            assert!(got == expected);
            sort_by_high_half(&mut items);
            assert!(items.iter().map(|item| (item >> 32) as u32).eq(expected));
        }
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
            prop_assert!(got.is_sorted_by_key(|item| item >> 32));
            got.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(got, expected);
        }
    }
}
