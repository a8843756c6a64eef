//! A hash of ids that is the same on every machine and in every version of this crate.

/// FNV-1a with 64 bits (Fowler, Noll, Vo) over the seed's bytes (little-endian) and the id's, then the output
/// function of SplitMix64 (Steele, Lea and Flood, 2014), since FNV alone spreads the last bytes poorly over
/// the upper bits.
pub(crate) fn hash(seed: u64, id: &str) -> u64 {
    mix(fnv1a(seed.to_le_bytes().iter().chain(id.as_bytes())))
}

fn fnv1a<'a>(bytes: impl Iterator<Item = &'a u8>) -> u64 {
    bytes.fold(0xCBF2_9CE4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
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
    fn the_parts_give_the_published_values() {
        // Noll's test vectors.
        assert_eq!(fnv1a(b"".iter()), 0xCBF2_9CE4_8422_2325);
        assert_eq!(fnv1a(b"a".iter()), 0xAF63_DC4C_8601_EC8C);
        assert_eq!(fnv1a(b"foobar".iter()), 0x8594_4171_F739_67E8);
        // The first output of SplitMix64 with seed 0; its state is then the golden gamma.
        assert_eq!(mix(0x9E37_79B9_7F4A_7C15), 0xE220_A839_7B1D_CDAF);
    }
}
