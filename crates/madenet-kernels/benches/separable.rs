//! Separable filters: group = operation, id = shape/threads.
//!
//! The throughput counts pixels.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up has to stop")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use madenet_kernels::{Border, Result, SeparableFilter, Shape};

fn filters() -> Result<Vec<(&'static str, SeparableFilter, Shape)>> {
    let (map, picture, large) = (Shape::new(1, 256, 256), Shape::new(3, 256, 256), Shape::new(1, 1024, 1024));
    Ok(vec![
        ("gaussian_sigma4", SeparableFilter::gaussian(4.0, Border::Symmetric)?, map),
        ("gaussian_sigma4", SeparableFilter::gaussian(4.0, Border::Symmetric)?, large),
        ("gaussian_window11", SeparableFilter::gaussian_window(1.5, 5, Border::Exclude)?, picture),
        ("mean_7x7", SeparableFilter::mean((7, 7), Border::Exclude)?, picture),
        ("mean_31x31", SeparableFilter::mean((31, 31), Border::Exclude)?, map),
    ])
}

fn separable(criterion: &mut Criterion) {
    for (name, filter, shape) in filters().unwrap() {
        let (x, mut out, mut scratch) = (vec![0.3; shape.len()], vec![0.0; shape.len()], Vec::new());
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(shape.len() as u64));
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            group.bench_function(format!("{shape}/{threads}"), |bencher| {
                pool.install(|| {
                    bencher.iter(|| filter.run(shape.h, shape.w, &x, &mut out, &mut scratch).unwrap());
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, separable);
criterion_main!(benches);
