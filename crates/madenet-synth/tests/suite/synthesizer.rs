use madenet_image::{Image, Mask};
use madenet_metrics::Label;
use madenet_synth::{
    Augmentation, Foreground, Source, SynthesisConfig, Synthesizer, Synthetic, Textures, foreground,
};
use rayon::prelude::*;

use crate::common::{noise, synthesizer, textures};

fn anomalous() -> SynthesisConfig {
    SynthesisConfig { normal_share: 0.0, ..SynthesisConfig::default() }
}

fn pixels_outside_equal(sample: &Synthetic, normal: &Image) -> bool {
    let pairs = sample.image.pixels().chunks(3).zip(normal.pixels().chunks(3)).zip(sample.mask.data());
    pairs.filter(|&(_, &inside)| !inside).all(|((a, b), _)| a == b)
}

#[test]
fn outside_of_the_mask_nothing_changes_and_the_label_is_the_masks() {
    let left = Mask::new(64, 64, (0..64 * 64).map(|i| i % 64 < 20).collect()).unwrap();
    let normal = noise(64, 64, 1);
    let configs = [
        SynthesisConfig::default(),
        anomalous(),
        SynthesisConfig { retries: 0, perlin_exponents: [0, 0], ..anomalous() },
        SynthesisConfig { structural_share: 1.0, opacity: [1.0, 1.0], ..anomalous() },
        SynthesisConfig { opacity: [0.0, 0.0], ..anomalous() },
        SynthesisConfig { rotation_share: 0.5, rotation: 90.0, ..SynthesisConfig::default() },
    ];
    for config in configs {
        let synthesizer = synthesizer(config);
        let (mut labels, mut changed) = ([0; 2], 0);
        for (i, mask) in (0..300).zip([None, Some(&left)].into_iter().cycle()) {
            let sample = synthesizer.synthesize(&normal, mask, 3, 1, i).unwrap();
            let normal = sample.normal.as_ref().unwrap_or(&normal);
            assert_eq!(sample.normal.is_some(), sample.drawn.rotation.is_some());
            assert!(pixels_outside_equal(&sample, normal));
            assert_eq!(sample.label.is_anomalous(), sample.mask.count() > 0);
            assert_eq!(sample.label.is_anomalous(), sample.drawn.anomaly.is_some());
            if mask.is_some() && sample.normal.is_none() {
                assert!(
                    sample
                        .mask
                        .data()
                        .iter()
                        .zip(left.data())
                        .all(|(&anomaly, &product)| product || !anomaly)
                );
            }
            labels[usize::from(sample.label == Label::Anomalous)] += 1;
            changed += usize::from(sample.image != *normal);
        }
        let invisible = synthesizer.config().opacity == [0.0, 0.0];
        assert_eq!(changed == 0, invisible);
        assert!(labels[1] > 0, "{labels:?}");
    }
}

#[test]
fn blends_are_the_formula_rounded() {
    let normal = noise(64, 64, 2);
    let texture = noise(64, 64, 9);
    let textures = Textures::from_images([("one".to_owned(), texture.clone())]);
    let synthesizer =
        Synthesizer::new(SynthesisConfig { structural_share: 0.0, ..anomalous() }, textures).unwrap();
    for i in 0..50 {
        let sample = synthesizer.synthesize(&normal, None, 0, 0, i).unwrap();
        let Some(anomaly) = sample.drawn.anomaly else { continue };
        assert_eq!(anomaly.source, Source::Texture { index: 0, name: "one".to_owned() });
        let mut source = texture.clone();
        anomaly.augmentations.iter().for_each(|augmentation| augmentation.apply(&mut source));
        let opacity = f64::from(anomaly.opacity);
        assert!((0.2..=1.0).contains(&opacity));
        for (p, _) in sample.mask.data().iter().enumerate().filter(|&(_, &inside)| inside) {
            for c in 3 * p..3 * p + 3 {
                let (n, s) = (f64::from(normal.pixels()[c]), f64::from(source.pixels()[c]));
                let exact = (1.0 - opacity) * n + opacity * s;
                assert!((f64::from(sample.image.pixels()[c]) - exact).abs() < 0.501);
            }
        }
    }
}

#[test]
fn the_same_key_gives_the_same_bytes_on_any_number_of_threads() {
    let synthesizer = synthesizer(SynthesisConfig { rotation_share: 0.3, ..SynthesisConfig::default() });
    let normals: Vec<Image> = (0..4).map(|i| noise(64, 64, i)).collect();
    let run = |threads: usize| -> Vec<(Vec<u8>, Mask, String)> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let sample = |i: u64| {
            let sample = synthesizer.synthesize(&normals[i as usize % 4], None, 7, 2, i).unwrap();
            (sample.image.into_pixels(), sample.mask, format!("{:?}", sample.drawn))
        };
        pool.install(|| (0..200).into_par_iter().map(sample).collect())
    };
    let one = run(1);
    assert!(one == run(2));
    let differing = one.iter().enumerate().filter(|&(i, sample)| {
        let other = synthesizer.synthesize(&normals[i % 4], None, 8, 2, i as u64).unwrap();
        other.image.into_pixels() != sample.0
    });
    assert!(differing.count() > 60);
}

/// The bytes of a sample are part of what a training can be repeated with.
#[test]
fn draws_are_pinned() {
    let synthesizer = synthesizer(anomalous());
    let sample = synthesizer.synthesize(&noise(64, 64, 0), None, 42, 1, 2).unwrap();
    assert_eq!(serde_json::to_string(&sample.drawn).unwrap(), PINNED);
}
const PINNED: &str = concat!(
    r#"{"rotation":null,"tries":1,"anomaly":{"perlin":{"exponents":[3,5],"degrees":-87.94505},"#,
    r#""source":{"texture":{"index":1,"name":"noise-1"}},"augmentations":[{"sharpness":{"factor":1.7181599}},"#,
    r#"{"posterize":{"bits":6}},"equalize"],"opacity":0.7307663}}"#,
);

#[test]
fn retries_keep_the_share_of_anomalies() {
    // One cell of noise is often below the threshold.
    let config = SynthesisConfig { perlin_exponents: [0, 0], foreground: Foreground::None, ..anomalous() };
    let normals = |retries| {
        let synthesizer = synthesizer(SynthesisConfig { retries, ..config.clone() });
        let normal = noise(32, 32, 0);
        let samples = (0..400).map(|i| synthesizer.synthesize(&normal, None, 0, 0, i).unwrap());
        let mut normals = 0;
        for sample in samples {
            assert!((1..=retries + 1).contains(&sample.drawn.tries));
            normals += usize::from(sample.label == Label::Normal);
        }
        normals
    };
    let (none, five) = (normals(0), normals(5));
    assert!(none > 20 && five < none / 4, "{none} {five}");
}

#[test]
fn an_empty_foreground_gives_normal_samples() {
    let nowhere = Mask::new(64, 64, vec![false; 64 * 64]).unwrap();
    let normal = noise(64, 64, 0);
    let sample = synthesizer(anomalous()).synthesize(&normal, Some(&nowhere), 0, 0, 0).unwrap();
    assert_eq!((sample.label, sample.mask.count(), sample.drawn.tries), (Label::Normal, 0, 6));
    assert_eq!(sample.image, normal);
}

#[test]
fn structural_anomalies_need_no_texture() {
    let config = SynthesisConfig { structural_share: 1.0, ..anomalous() };
    let synthesizer = Synthesizer::new(config, Textures::none()).unwrap();
    let normal = noise(64, 64, 0);
    let product = foreground(&normal);
    let sample = synthesizer.synthesize(&normal, Some(&product), 0, 0, 0).unwrap();
    assert_eq!(sample.drawn.anomaly.unwrap().source, Source::Structural);
}

#[test]
fn what_was_drawn_lies_in_its_ranges() {
    let synthesizer =
        synthesizer(SynthesisConfig { perlin_exponents: [2, 3], rotation_share: 1.0, ..anomalous() });
    assert_eq!(textures(64).len(), 3);
    let mut seen = std::collections::BTreeSet::new();
    for i in 0..200 {
        let drawn = synthesizer.synthesize(&noise(64, 64, 0), None, 0, 0, i).unwrap().drawn;
        assert!(drawn.rotation.unwrap().abs() <= 3.0);
        let Some(anomaly) = drawn.anomaly else { continue };
        assert!(anomaly.perlin.exponents.iter().all(|e| (2..=3).contains(e)));
        assert!(anomaly.perlin.degrees.abs() <= 90.0);
        seen.insert(format!("{:?}", anomaly.source));
        for augmentation in anomaly.augmentations {
            if let Augmentation::Posterize { bits } = augmentation {
                assert!((1..=8).contains(&bits));
            }
        }
    }
    assert_eq!(seen.len(), 4, "{seen:?}");
}

#[test]
fn grey_pictures_get_grey_anomalies() {
    let synthesizer = Synthesizer::new(anomalous(), Textures::procedural(3, 96, 96, 1).unwrap()).unwrap();
    let grey = Image::new(64, 64, (0..64 * 64).flat_map(|i| [(i % 200) as u8; 3]).collect()).unwrap();
    let mut tinted = grey.clone();
    tinted.pixels_mut()[0] += 1;
    let has_colour =
        |image: &Image| image.pixels().chunks(3).filter(|p| p[0] != p[1] || p[1] != p[2]).count();
    let (mut of_grey, mut of_tinted) = (0, 0);
    for i in 0..20 {
        of_grey += has_colour(&synthesizer.synthesize(&grey, None, 5, 0, i).unwrap().image);
        of_tinted += has_colour(&synthesizer.synthesize(&tinted, None, 5, 0, i).unwrap().image);
    }
    assert_eq!(of_grey, 0);
    assert!(of_tinted > 100, "{of_tinted}");
}
