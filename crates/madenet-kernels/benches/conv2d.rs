//! Convolutions of the layers that dominate the networks: group = kind of layer, id = shape/threads.
//!
//! The throughput counts multiply-adds, so it reads as G multiply-adds per second ("Gelem/s").

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up has to stop")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use madenet_kernels::{Activation, Conv2d, Conv2dKernel, Shape};

fn layers() -> Vec<(&'static str, Conv2d, Shape, usize)> {
    let depthwise = Conv2d { groups: 192, ..Conv2d::new(3, 1, 1) };
    vec![
        ("conv2d_3x3", Conv2d::new(3, 1, 1), Shape::new(64, 64, 64), 64),
        ("conv2d_3x3", Conv2d::new(3, 1, 1), Shape::new(128, 32, 32), 128),
        ("conv2d_1x1", Conv2d::new(1, 1, 0), Shape::new(256, 64, 64), 64),
        ("conv2d_stem", Conv2d::new(7, 2, 3), Shape::new(3, 256, 256), 64),
        ("conv2d_depthwise", depthwise, Shape::new(192, 64, 64), 192),
    ]
}

fn conv2d(criterion: &mut Criterion) {
    for (name, geometry, input, out_channels) in layers() {
        let (kh, kw) = geometry.kernel;
        let weight = vec![0.01; out_channels * (input.c / geometry.groups) * kh * kw];
        let bias = vec![0.5; out_channels];
        let kernel =
            Conv2dKernel::new(geometry, input, out_channels, &weight, Some(&bias), Activation::Relu).unwrap();
        let (x, mut out) = (vec![0.3; input.len()], vec![0.0; kernel.output().len()]);
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements((weight.len() * kernel.output().plane()) as u64));
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            group.bench_function(format!("{input}->{out_channels}/{threads}"), |bencher| {
                pool.install(|| bencher.iter(|| kernel.run(&x, None, &mut out).unwrap()));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, conv2d);
criterion_main!(benches);
