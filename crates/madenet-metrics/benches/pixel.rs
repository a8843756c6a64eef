//! Metrics of the pixels of a small test set: group = step, id = images x height x width.
//!
//! A third of the images is normal; the others have a round defect with higher scores, 2 % of all pixels. Scores have few
//! ties. The throughput counts pixels.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up has to stop")]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use madenet_metrics::{AUPIMO_FPR_BOUNDS, AUPRO_FPR_LIMIT, Aupimo, Connectivity, PixelMetrics, components};

const IMAGES: usize = 100;
const SIZE: usize = 256;

struct Image {
    map: Vec<f32>,
    mask: Vec<bool>,
}

/// A defect of radius 25 in two of three images.
fn image(number: usize) -> Image {
    let (centre, radius) = (SIZE as f32 * (0.3 + 0.004 * number as f32), 25.0);
    // Knuth's MMIX multiplier: noise is all that is asked for.
    let mut state = number as u64 + 1;
    let pixels = (0..SIZE * SIZE).map(|index| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let noise = (state >> 40) as f32 / (1 << 24) as f32;
        let (x, y) = ((index % SIZE) as f32, (index / SIZE) as f32);
        let anomalous = !number.is_multiple_of(3) && (x - centre).hypot(y - centre) < radius;
        (0.05 + noise * noise + if anomalous { 0.4 } else { 0.0 }, anomalous)
    });
    let (map, mask) = pixels.unzip();
    Image { map, mask }
}

fn collect(images: &[Image], exact_limit: usize) -> PixelMetrics {
    let mut metrics = PixelMetrics::with_exact_limit(exact_limit);
    for image in images {
        metrics.push(&image.map, &image.mask, SIZE, SIZE).unwrap();
    }
    metrics
}

fn collect_aupimo(images: &[Image]) -> Aupimo {
    let mut aupimo = Aupimo::new();
    for image in images {
        aupimo.push(&image.map, &image.mask, SIZE, SIZE).unwrap();
    }
    aupimo
}

fn pixel(criterion: &mut Criterion) {
    let images: Vec<Image> = (0..IMAGES).map(image).collect();
    let id = format!("{IMAGES}x{SIZE}x{SIZE}");
    let metrics = collect(&images, usize::MAX);
    let scores = metrics.clone().finish();
    let mut bench = |name: &str, routine: &mut dyn FnMut(&mut criterion::Bencher<'_>)| {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements((IMAGES * SIZE * SIZE) as u64));
        group.sample_size(10);
        group.bench_function(&id, |bencher| routine(bencher));
        group.finish();
    };
    bench("push", &mut |bencher| bencher.iter(|| collect(&images, usize::MAX)));
    bench("sort", &mut |bencher| {
        bencher.iter_batched(|| metrics.clone(), PixelMetrics::finish, BatchSize::PerIteration);
    });
    bench("auroc", &mut |bencher| bencher.iter(|| scores.auroc()));
    bench("average_precision", &mut |bencher| bencher.iter(|| scores.average_precision()));
    bench("aupro", &mut |bencher| bencher.iter(|| scores.aupro(AUPRO_FPR_LIMIT).unwrap()));
    bench("roc_curve", &mut |bencher| bencher.iter(|| scores.roc_curve(200)));
    bench("pro_curve", &mut |bencher| bencher.iter(|| scores.pro_curve(200)));
    bench("histogram", &mut |bencher| bencher.iter(|| collect(&images, 0).finish()));
    let aupimo = collect_aupimo(&images);
    let sorted = aupimo.clone().finish();
    bench("aupimo_sort", &mut |bencher| {
        bencher.iter_batched(|| aupimo.clone(), Aupimo::finish, BatchSize::PerIteration);
    });
    bench("aupimo", &mut |bencher| bencher.iter(|| sorted.between(AUPIMO_FPR_BOUNDS).unwrap()));
    bench("components", &mut |bencher| {
        bencher.iter(|| {
            let label =
                |image: &Image| components(&image.mask, SIZE, SIZE, Connectivity::Eight).unwrap().count();
            images.iter().map(label).sum::<usize>()
        });
    });
}

criterion_group!(benches, pixel);
criterion_main!(benches);
