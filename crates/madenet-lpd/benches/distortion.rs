//! Patch distortion at 256x256 on one core: group = stage, id = what is drawn.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up has to stop")]

use criterion::{Criterion, criterion_group, criterion_main};
use madenet_data::smt::{Component, SmtBoards, SmtConfig};
use madenet_data::{Dataset, Split};
use madenet_image::{Image, Mask, Rect};
use madenet_lpd::{DistortionConfig, PatchDistorter, Perceptibility, PreAugmentation, Variant};

const SIDE: usize = 256;

fn board() -> Image {
    let config = SmtConfig { width: SIDE, height: SIDE, normal: 1, ..SmtConfig::new(Component::Soic) };
    SmtBoards::new(config, Split::Train).unwrap().get(0).unwrap().image.to_rgb()
}

/// Whole samples; `rotate` uses rayon's pool.
fn distort(criterion: &mut Criterion) {
    let (image, default) = (board(), DistortionConfig::default());
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let mut group = criterion.benchmark_group("distort");
    for (name, config) in [
        ("default", default.clone()),
        ("without_gate", DistortionConfig { gate: None, ..default.clone() }),
        ("free_rotation", DistortionConfig { free_rotation: true, ..default.clone() }),
        ("scar", DistortionConfig { variant: Variant::Scar, ..default }),
    ] {
        let distorter = PatchDistorter::new(config).unwrap();
        let mut sample = 0;
        group.bench_function(name, |bencher| {
            one.install(|| {
                bencher.iter(|| {
                    sample += 1;
                    distorter.distort(&image, 0, 0, sample).unwrap()
                });
            });
        });
    }
    group.finish();
}

/// One measurement of a patch of 1/8 of the picture in its middle.
fn gate(criterion: &mut Criterion) {
    let before = board();
    let place = Rect::new(80, 80, 91, 90);
    let inside = (0..SIDE * SIDE).map(|i| place.contains(i % SIDE, i / SIDE)).collect();
    let mask = Mask::new(SIDE, SIDE, inside).unwrap();
    let mut after = before.clone();
    for (pixel, _) in after.pixels_mut().chunks_exact_mut(3).zip(mask.data()).filter(|(_, patch)| **patch) {
        pixel.reverse();
    }
    criterion.bench_function("gate/measure", |bencher| {
        bencher.iter(|| Perceptibility::measure(&before, &after, &mask, place).unwrap());
    });
}

fn normal(criterion: &mut Criterion) {
    let image = board();
    let free = DistortionConfig { free_rotation: true, rotation_share: 1.0, ..DistortionConfig::default() };
    let distorter = PatchDistorter::new(free).unwrap();
    let mut group = criterion.benchmark_group("normal");
    let mut sample = 0;
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    group.bench_function("recompose/free_rotation", |bencher| {
        one.install(|| {
            bencher.iter(|| {
                sample += 1;
                distorter.recompose(&image, 0, 0, sample).unwrap()
            });
        });
    });
    group.bench_function("pre_augmentation", |bencher| {
        bencher.iter(|| {
            sample += 1;
            PreAugmentation::default().apply(&image, 0, 0, sample).unwrap()
        });
    });
    group.finish();
}

criterion_group!(benches, distort, gate, normal);
criterion_main!(benches);
