//! Random fields over the plane, the same at every size of the picture.

use super::geometry::{Point, point};

/// Smooth noise in `[-1, 1]` with one bump per unit: random values on whole coordinates, joined by cubics
/// ("value noise"). The grid is turned by 37 degrees, so that it does not show along edges. Fields of
/// different `key` are unrelated.
#[inline]
pub(crate) fn value_noise(p: Point, key: u32) -> f32 {
    let p = point(0.8 * p.x - 0.6 * p.y, 0.6 * p.x + 0.8 * p.y);
    let (x, y) = (floor(p.x), floor(p.y));
    let ease = |t: f32| t * t * (3.0 - 2.0 * t);
    let (tx, ty) = (ease(p.x - x as f32), ease(p.y - y as f32));
    let row = |y: i32| {
        let (left, right) = (lattice(x, y, key), lattice(x.wrapping_add(1), y, key));
        left + (right - left) * tx
    };
    let (top, bottom) = (row(y), row(y.wrapping_add(1)));
    top + (bottom - top) * ty
}

/// Noise of `octaves` scales, each twice as fine and half as strong as the one before; the first has
/// `frequency` bumps per unit.
pub(crate) fn fractal(p: Point, frequency: f32, octaves: u32, key: u32) -> f32 {
    let (mut sum, mut weight, mut q) = (0.0, 1.0, p * frequency);
    for octave in 0..octaves {
        sum += weight * value_noise(q, key.wrapping_add(octave));
        weight *= 0.5;
        q = point(q.x * 2.0 + 17.0, q.y * 2.0 + 31.0);
    }
    sum
}

/// Without `f32::floor`, which is a call into the C library on processors of the first 64-bit generation.
fn floor(v: f32) -> i32 {
    let whole = v as i32;
    whole - i32::from(v < whole as f32)
}

/// A number in `[-1, 1)` for each whole point: the coordinates times the first three primes of xxHash32
/// (Collet), mixed by the finaliser of MurmurHash3 (Appleby).
fn lattice(x: i32, y: i32, key: u32) -> f32 {
    let mut h = (x as u32).wrapping_mul(0x9E37_79B1)
        ^ (y as u32).wrapping_mul(0x85EB_CA77)
        ^ key.wrapping_mul(0xC2B2_AE3D);
    h = (h ^ (h >> 16)).wrapping_mul(0x85EB_CA6B);
    h = (h ^ (h >> 13)).wrapping_mul(0xC2B2_AE35);
    h ^= h >> 16;
    (h >> 8) as f32 * (2.0 / (1 << 24) as f32) - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_bounded_centred_and_keyed() {
        let at = |i: i32, key| value_noise(point(i as f32 * 0.37 - 500.0, i as f32 * 0.11 - 100.0), key);
        let values: Vec<f32> = (0..4000).map(|i| at(i, 1)).collect();
        assert!(values.iter().all(|v| (-1.0..=1.0).contains(v)));
        assert!((values.iter().sum::<f32>() / 4000.0).abs() < 0.05);
        assert!((0..100).any(|i| at(i, 1) != at(i, 2)));
    }

    #[test]
    fn noise_is_continuous() {
        for i in 0..2000 {
            let p = point(i as f32 * 0.01, 3.0 - i as f32 * 0.003);
            assert!((value_noise(p, 3) - value_noise(p + point(1e-3, 0.0), 3)).abs() < 0.01);
        }
        assert!(fractal(point(0.2, 0.3), 4.0, 3, 9).abs() <= 1.75);
    }
}
