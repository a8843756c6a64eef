use madenet_lpd::{DistortionConfig, Variant};

use crate::common::{constant, distorter, noise, smooth};

#[test]
fn recomposition_without_interpolation_is_the_picture() {
    let distorter = distorter(DistortionConfig::default());
    let normal = noise(64, 64, 0);
    for b in 0..20 {
        assert_eq!(distorter.recompose(&normal, 0, 0, b).unwrap(), normal);
    }
}

#[test]
fn recomposition_with_interpolation_moves_nothing() {
    let config = DistortionConfig { free_rotation: true, rotation_share: 1.0, ..DistortionConfig::default() };
    for variant in [Variant::Normal, Variant::Scar] {
        let distorter = distorter(DistortionConfig { variant, ..config.clone() });
        let (flat, ramp, rough) = (constant(64, [9, 80, 200]), smooth(64, 64), noise(64, 64, 0));
        for b in 0..30 {
            assert_eq!(distorter.recompose(&flat, 0, 0, b).unwrap(), flat);
            // Interpolation is exact on a ramp, but for rounding and the picture's border; half a pixel is 1.6 codes.
            let recomposed = distorter.recompose(&ramp, 0, 0, b).unwrap();
            for (i, (a, b)) in recomposed.pixels().iter().zip(ramp.pixels()).enumerate() {
                let (x, y) = (i / 3 % 64, i / 3 / 64);
                let most = if (1..63).contains(&x) && (1..63).contains(&y) { 1 } else { 3 };
                assert!(a.abs_diff(*b) <= most, "{x} {y}: {a} {b}");
            }
            // What is rough is smoothed, as in a rotated patch.
            assert_ne!(distorter.recompose(&rough, 0, 0, b).unwrap(), rough);
        }
    }
}
