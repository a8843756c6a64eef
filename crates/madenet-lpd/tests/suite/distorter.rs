use madenet_image::{Image, Mask, Rect};
use madenet_lpd::{Distorted, DistortionConfig, Kind, Variant};
use rayon::prelude::*;

use crate::common::{distorter, noise, smooth};

fn configs() -> [DistortionConfig; 6] {
    let good = DistortionConfig::default;
    [
        good(),
        DistortionConfig { free_rotation: true, rotation: 180.0, ..good() },
        DistortionConfig { variant: Variant::Union, free_rotation: true, ..good() },
        DistortionConfig { variant: Variant::ThreeWay, ..good() },
        DistortionConfig { area: [0.4, 0.4], gate: None, free_rotation: true, ..good() },
        DistortionConfig::cutpaste(),
    ]
}

fn inside(rect: Rect, image: &Image) -> bool {
    rect.width > 0 && rect.height > 0 && rect.right() <= image.width() && rect.bottom() <= image.height()
}

fn iou(a: Rect, b: Rect) -> f64 {
    let area = |rect: Rect| (rect.width * rect.height) as f64;
    let shared = a.intersect(b).map_or(0.0, area);
    shared / (area(a) + area(b) - shared)
}

fn check(sample: &Distorted, normal: &Image) {
    let width = normal.width();
    let drawn = &sample.drawn;
    assert!(inside(drawn.source, normal) && inside(drawn.target, normal), "{drawn:?}");
    let pairs = sample.image.pixels().chunks(3).zip(normal.pixels().chunks(3)).zip(sample.mask.data());
    for (i, ((a, b), &patch)) in pairs.enumerate() {
        assert!(patch || a == b);
        assert!(!patch || drawn.target.contains(i % width, i / width));
    }
    assert!(sample.mask.count() > 0);
    let whole = sample.mask.count() == drawn.target.width * drawn.target.height;
    assert!(whole || drawn.rotation % 90.0 != 0.0, "{drawn:?}");
}

#[test]
fn outside_of_the_mask_nothing_changes_and_boxes_lie_in_the_picture() {
    let sizes = [(64, 64), (16, 16), (17, 90), (120, 40)];
    for config in configs() {
        let distorter = distorter(config);
        for (width, height) in sizes {
            let normal = noise(width, height, 3);
            for b in 0..60 {
                let sample = distorter.distort(&normal, 1, 2, b).unwrap();
                check(&sample, &normal);
                let kind = sample.drawn.kind;
                assert_eq!(sample.class, distorter.config().variant.class(Some(kind)));
                assert_eq!(sample.verdict.figures.is_some(), distorter.config().gate.is_some());
                // The box around a large turned patch may fill most of the picture.
                if width == height
                    && (sample.drawn.rotation % 90.0 == 0.0 || distorter.config().area[1] <= 0.2)
                {
                    assert!(iou(sample.drawn.source, sample.drawn.target) < 0.5, "{:?}", sample.drawn);
                }
            }
        }
    }
}

#[test]
fn a_plain_patch_is_what_was_cut_out() {
    let plain =
        DistortionConfig { flip_share: 0.0, rotation_share: 0.0, jitter: 0.0, ..DistortionConfig::default() };
    let (distorter, normal) = (distorter(plain), smooth(80, 60));
    let part = |image: &Image, rect| image.as_view().crop(rect).unwrap().to_rgb();
    for b in 0..50 {
        let sample = distorter.distort(&normal, 0, 0, b).unwrap();
        assert_eq!(part(&sample.image, sample.drawn.target), part(&normal, sample.drawn.source));
    }
}

#[test]
fn the_same_key_gives_the_same_bytes_on_any_number_of_threads() {
    let distorter = distorter(DistortionConfig {
        variant: Variant::Union,
        free_rotation: true,
        ..DistortionConfig::default()
    });
    let normals: Vec<Image> = (0..4).map(|i| noise(64, 64, i)).collect();
    let run = |threads: usize| -> Vec<(Vec<u8>, Mask, String)> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let sample = |i: u64| {
            let sample = distorter.distort(&normals[i as usize % 4], 7, 2, i).unwrap();
            (sample.image.into_pixels(), sample.mask, format!("{:?} {:?}", sample.drawn, sample.verdict))
        };
        pool.install(|| (0..100).into_par_iter().map(sample).collect())
    };
    let one = run(1);
    assert!(one == run(2));
    let differing = one.iter().enumerate().filter(|&(i, sample)| {
        distorter.distort(&normals[i % 4], 8, 2, i as u64).unwrap().image.into_pixels() != sample.0
    });
    assert_eq!(differing.count(), 100);
}

/// The bytes of a sample are part of what a training can be repeated with.
#[test]
fn draws_are_pinned() {
    let sample = distorter(DistortionConfig::default()).distort(&smooth(64, 64), 42, 1, 2).unwrap();
    assert_eq!(serde_json::to_string(&sample.drawn).unwrap(), PINNED);
}
const PINNED: &str = concat!(
    r#"{"kind":"patch","source":[1,26,22,24],"target":[8,2,22,24],"flips":[false,false],"rotation":0.0,"#,
    r#""jitter":[0.90607005,0.9242547,0.94641674,0.025567956]}"#,
);

#[test]
fn a_kind_can_be_asked_for() {
    let distorter = distorter(DistortionConfig { variant: Variant::ThreeWay, ..DistortionConfig::default() });
    let normal = noise(64, 64, 0);
    for (kind, class) in [(Kind::Patch, 1), (Kind::Scar, 2)] {
        let sample = distorter.distort_with(&normal, kind, 0, 0, 0).unwrap();
        assert_eq!((sample.drawn.kind, sample.class), (kind, class));
    }
}
