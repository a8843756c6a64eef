//! A hash of ids that is the same on every machine and in every version of this crate.

use madenet_rng::fnv1a64;

/// FNV-1a with 64 bits (Fowler, Noll, Vo) over the seed's bytes (little-endian) and the id's, then the output
/// function of SplitMix64 (Steele, Lea and Flood, 2014), since FNV alone spreads the last bytes poorly over
/// the upper bits.
pub(crate) fn hash(seed: u64, id: &str) -> u64 {
    mix(fnv1a64(&[&seed.to_le_bytes(), id.as_bytes()].concat()))
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_are_pinned() {
        // The first output of SplitMix64 with seed 0; its state is then the golden gamma.
        assert_eq!(mix(0x9E37_79B9_7F4A_7C15), 0xE220_A839_7B1D_CDAF);
        // FNV-1a goes on from the seed's bytes to the id's.
        assert_eq!(hash(0x6F66, "\0\0obar"), mix(fnv1a64(b"fo\0\0\0\0\0\0\0\0obar")));
    }
}
