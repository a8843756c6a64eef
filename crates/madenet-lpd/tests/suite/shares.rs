use madenet_lpd::{Distorted, DistortionConfig, Kind, Variant};

use crate::common::{distorter, noise};

const SAMPLES: usize = 2000;

fn samples(config: DistortionConfig) -> Vec<Distorted> {
    let normal = noise(128, 128, 5);
    let distorter = distorter(DistortionConfig { gate: None, ..config });
    (0..SAMPLES as u64).map(|b| distorter.distort(&normal, 1, 0, b).unwrap()).collect()
}

fn share(samples: &[Distorted], of: impl Fn(&Distorted) -> bool) -> f64 {
    samples.iter().filter(|sample| of(sample)).count() as f64 / samples.len() as f64
}

fn mean(samples: &[Distorted], of: impl Fn(&Distorted) -> f64) -> f64 {
    samples.iter().map(of).sum::<f64>() / samples.len() as f64
}

/// Four deviations of a share of one half are 0.045.
#[test]
fn areas_aspects_flips_and_rotations_are_as_configured() {
    let samples = samples(DistortionConfig::default());
    let area = |sample: &Distorted| sample.mask.count() as f64 / (128.0 * 128.0);
    let aspect =
        |sample: &Distorted| (sample.drawn.source.width as f64 / sample.drawn.source.height as f64).ln();
    // Sides are whole pixels: 16 of them for the narrowest.
    assert!(samples.iter().all(|sample| (0.05 / 1.04..0.2 * 1.04).contains(&area(sample))));
    // Of uniform numbers: deviations of the means are 0.001 and 0.0155.
    assert!((mean(&samples, area) - 0.125).abs() < 0.004);
    assert!(mean(&samples, aspect).abs() < 0.062);
    let least = 0.3_f64.ln();
    assert!(samples.iter().all(|sample| aspect(sample).abs() < -least + 0.05));
    assert!((share(&samples, |sample| aspect(sample) < least / 2.0) - 0.25).abs() < 0.045);
    for direction in 0..2 {
        assert!((share(&samples, |sample| sample.drawn.flips[direction]) - 0.5).abs() < 0.045);
    }
    for (degrees, expected) in [(0.0, 0.5), (90.0, 1.0 / 6.0), (180.0, 1.0 / 6.0), (270.0, 1.0 / 6.0)] {
        assert!((share(&samples, |sample| sample.drawn.rotation == degrees) - expected).abs() < 0.045);
    }
    let jitter = |sample: &Distorted| f64::from(sample.drawn.jitter.brightness);
    assert!(samples.iter().all(|sample| (0.9..=1.1).contains(&jitter(sample))));
    assert!(samples.iter().all(|sample| sample.drawn.jitter.hue.abs() <= 0.1));
    assert!((mean(&samples, jitter) - 1.0).abs() < 0.006);
}

#[test]
fn a_fixed_area_is_met() {
    for sample in samples(DistortionConfig { area: [0.1, 0.1], ..DistortionConfig::default() }) {
        let area = sample.mask.count() as f64 / (128.0 * 128.0);
        assert!((area - 0.1).abs() < 0.003, "{area}");
    }
}

#[test]
fn free_rotations_fill_their_range() {
    let config = DistortionConfig { free_rotation: true, rotation_share: 1.0, ..DistortionConfig::default() };
    let samples = samples(config);
    assert!(samples.iter().all(|sample| sample.drawn.rotation.abs() <= 45.0));
    // Deviation of the mean: 0.6 degrees.
    assert!(mean(&samples, |sample| f64::from(sample.drawn.rotation)).abs() < 2.4);
    // The long ones, turned, fit into a square as well.
    assert!(share(&samples, |sample| sample.drawn.rotation == 0.0) < 0.01);
    // Soft edges are half a pixel wider than what was cut out.
    let area = |sample: &Distorted| sample.mask.count() as f64 / (128.0 * 128.0);
    assert!((0.125..0.14).contains(&mean(&samples, area)));
}

#[test]
fn variants_draw_their_kinds() {
    for (variant, patches, classes) in [
        (Variant::Normal, 1.0, 2),
        (Variant::Scar, 0.0, 2),
        (Variant::Union, 0.5, 2),
        (Variant::ThreeWay, 0.5, 3),
    ] {
        let samples = samples(DistortionConfig { variant, ..DistortionConfig::default() });
        assert!((share(&samples, |sample| sample.drawn.kind == Kind::Patch) - patches).abs() < 0.045);
        assert_eq!(variant.classes(), classes);
        assert!(samples.iter().all(|sample| (1..classes).contains(&sample.class)));
        for sample in samples.iter().filter(|sample| sample.drawn.kind == Kind::Scar) {
            // Half of the sizes at 256.
            assert!((1..=8).contains(&sample.drawn.source.width));
            assert!((5..=13).contains(&sample.drawn.source.height));
            assert!(sample.drawn.rotation.abs() <= 45.0 && sample.drawn.flips == [false; 2]);
        }
    }
}
