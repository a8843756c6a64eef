//! Synthesis at 256x256 on one core, textures in memory: group = stage, id = what is drawn.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up has to stop")]

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use madenet_data::smt::{Component, SmtBoards, SmtConfig};
use madenet_data::{Dataset, Split};
use madenet_image::Image;
use madenet_rng::Stream;
use madenet_synth::{
    Augmentation, PerlinNoise, SynthesisConfig, Synthesizer, Textures, foreground, shuffle_cells,
};

const SIDE: usize = 256;

fn board() -> Image {
    let config = SmtConfig { width: SIDE, height: SIDE, normal: 1, ..SmtConfig::new(Component::Soic) };
    SmtBoards::new(config, Split::Train).unwrap().get(0).unwrap().image.to_rgb()
}

fn masks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("perlin");
    for exponent in [0, 3, 5] {
        let noise = PerlinNoise::draw(&mut Stream::new(0, "bench", 0, 0), [exponent; 2], 30.0);
        group.bench_function(format!("mask/{0}x{0}", 1 << exponent), |bencher| {
            bencher.iter(|| noise.mask(SIDE, SIDE, 0.5).unwrap());
        });
    }
    group.bench_function("draw/32x32", |bencher| {
        let mut stream = Stream::new(0, "bench", 0, 0);
        bencher.iter(|| PerlinNoise::draw(&mut stream, [5, 5], 30.0));
    });
    group.finish();
}

fn augmentations(criterion: &mut Criterion) {
    let image = board();
    let mut group = criterion.benchmark_group("augmentation");
    for (name, augmentation) in [
        ("gamma_contrast", Augmentation::GammaContrast { exponents: [0.7, 1.2, 1.9] }),
        ("brightness", Augmentation::Brightness { factor: 1.1, offset: -7.0 }),
        ("sharpness", Augmentation::Sharpness { factor: 1.7 }),
        ("hue_saturation", Augmentation::HueSaturation { hue: 30.0, saturation: -20.0 }),
        ("solarize", Augmentation::Solarize { threshold: Some(90.5) }),
        ("posterize", Augmentation::Posterize { bits: 4 }),
        ("invert", Augmentation::Invert),
        ("autocontrast", Augmentation::Autocontrast { cutoff: 10 }),
        ("equalize", Augmentation::Equalize),
        ("rotate", Augmentation::Rotate { degrees: 20.0 }),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter_batched_ref(
                || image.clone(),
                |image| augmentation.apply(image),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

fn stages(criterion: &mut Criterion) {
    let image = board();
    let mut group = criterion.benchmark_group("stage");
    group.bench_function("foreground", |bencher| bencher.iter(|| foreground(&image)));
    group.bench_function("procedural/8x384x384", |bencher| {
        let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        one.install(|| bencher.iter(|| Textures::procedural(8, 384, 384, 0).unwrap()));
    });
    group.bench_function("shuffle_cells", |bencher| {
        let mut stream = Stream::new(0, "bench", 0, 0);
        bencher.iter(|| shuffle_cells(&image, 8, &mut stream).unwrap());
    });
    group.finish();
}

fn synthesize(criterion: &mut Criterion) {
    let image = board();
    let product = foreground(&image);
    let mut group = criterion.benchmark_group("synthesize");
    let default = SynthesisConfig::default();
    let anomalous = SynthesisConfig { normal_share: 0.0, ..default.clone() };
    for (name, config) in [
        ("default", default),
        ("texture", SynthesisConfig { structural_share: 0.0, ..anomalous.clone() }),
        ("structural", SynthesisConfig { structural_share: 1.0, ..anomalous }),
    ] {
        let textures = Textures::procedural(16, SIDE, SIDE, 0).unwrap();
        let synthesizer = Synthesizer::new(config, textures).unwrap();
        let mut sample = 0;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                sample += 1;
                synthesizer.synthesize(&image, Some(&product), 0, 0, sample).unwrap()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, masks, augmentations, stages, synthesize);
criterion_main!(benches);
