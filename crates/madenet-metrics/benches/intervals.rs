//! Figures of images, not of pixels: bootstrap intervals of 1000 images, and with the feature `frechet` the distance
//! of two sets of 1000 vectors of 512 features.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up has to stop")]

use criterion::{Criterion, criterion_group, criterion_main};
use madenet_metrics::{Bootstrap, Resample};
use madenet_rng::Stream;

const IMAGES: usize = 1000;

fn bootstrap(criterion: &mut Criterion) {
    let mut stream = Stream::new(0, "bench/bootstrap", 0, 0);
    let labels: Vec<bool> = (0..IMAGES).map(|image| image.is_multiple_of(2)).collect();
    let scores: Vec<f32> =
        labels.iter().map(|&label| stream.normal() + if label { 1.0 } else { 0.0 }).collect();
    let bootstrap = Bootstrap { resamples: 1000, ..Bootstrap::default() };
    let mut group = criterion.benchmark_group("bootstrap_1000_resamples");
    group.sample_size(10);
    group.bench_function("auroc", |bencher| {
        bencher.iter(|| bootstrap.ranking_interval(&scores, &labels, Resample::auroc).unwrap());
    });
    group.bench_function("average_precision", |bencher| {
        bencher.iter(|| bootstrap.ranking_interval(&scores, &labels, Resample::average_precision).unwrap());
    });
    group.finish();
}

#[cfg(feature = "frechet")]
fn frechet(criterion: &mut Criterion) {
    use madenet_metrics::{GaussianStats, frechet_distance};

    const DIM: usize = 512;
    let vectors = |set: u64| -> Vec<Vec<f32>> {
        let mut stream = Stream::new(set, "bench/frechet", 0, 0);
        (0..IMAGES).map(|_| (0..DIM).map(|_| stream.normal()).collect()).collect()
    };
    let stats = |vectors: &[Vec<f32>]| {
        let mut stats = GaussianStats::new(DIM).unwrap();
        vectors.iter().for_each(|vector| stats.push(vector).unwrap());
        stats
    };
    let sets = [vectors(0), vectors(1)];
    let [a, b] = [stats(&sets[0]), stats(&sets[1])];
    let mut group = criterion.benchmark_group("frechet_512");
    group.sample_size(10);
    group.bench_function("push", |bencher| bencher.iter(|| stats(&sets[0])));
    group.bench_function("distance", |bencher| bencher.iter(|| frechet_distance(&a, &b).unwrap()));
    group.finish();
}

#[cfg(not(feature = "frechet"))]
criterion_group!(benches, bootstrap);
#[cfg(feature = "frechet")]
criterion_group!(benches, bootstrap, frechet);
criterion_main!(benches);
