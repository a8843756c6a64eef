use madenet_lpd::{Error, PreAugmentation};

use crate::common::{constant, noise};

#[test]
fn keys_decide_and_translations_stay_in_their_range() {
    let image = noise(50, 40, 1);
    let moving = PreAugmentation { jitter: 0.0, ..PreAugmentation::default() };
    let pixels =
        |image: &madenet_image::Image, x: usize, y: usize| image.pixels()[3 * (y * 50 + x)..][..3].to_vec();
    let mut seen = std::collections::BTreeSet::new();
    for b in 0..200 {
        let moved = moving.apply(&image, 0, 0, b).unwrap();
        assert_eq!(moved, moving.apply(&image, 0, 0, b).unwrap());
        // 4 % are 2 columns and 1 row.
        let step = (-2..=2_isize).flat_map(|across| (-1..=1_isize).map(move |down| (across, down))).find(
            |&(across, down)| {
                (10..15).all(|x| {
                    let from = ((x as isize - across) as usize, (20 - down) as usize);
                    pixels(&moved, x, 20) == pixels(&image, from.0, from.1)
                })
            },
        );
        seen.insert(step.unwrap());
    }
    assert_eq!(seen.len(), 15);
}

#[test]
fn jitter_changes_levels_by_a_tenth_at_most_twice() {
    let grey = constant(16, [100; 3]);
    let mut levels = std::collections::BTreeSet::new();
    for b in 0..300 {
        let level = PreAugmentation::default().apply(&grey, 0, 0, b).unwrap().pixels()[0];
        // A constant has no contrast, so that brightness alone counts.
        assert!((90..=110).contains(&level));
        levels.insert(level);
    }
    assert!(levels.len() > 15);
}

#[test]
fn bad_fields_are_named() {
    for (name, augmentation) in [
        ("translation", PreAugmentation { translation: 0.6, ..PreAugmentation::default() }),
        ("jitter", PreAugmentation { jitter: f32::NAN, ..PreAugmentation::default() }),
    ] {
        let error = augmentation.apply(&constant(16, [0; 3]), 0, 0, 0).unwrap_err();
        assert!(matches!(error, Error::Config { field, .. } if field == name), "{error}");
    }
}
