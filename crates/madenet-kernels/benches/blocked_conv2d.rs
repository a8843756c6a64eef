//! Convolutions of blocked tensors: group = kind of layer, id = shape/method/threads.
//!
//! The throughput counts the multiply-adds of the definition, whatever the method, so it reads as G multiply-adds per second
//! ("Gelem/s").

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up has to stop")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use madenet_kernels::blocked::{
    Block, Blocked, BlockedMut, Conv2dKernel, ConvMethod, ConvTranspose2dKernel, Layout, PlanarConv2dKernel,
    Tuning,
};
use madenet_kernels::{Activation, Conv2d, ConvTranspose2d, Padding, Shape};

const METHODS: [(&str, ConvMethod); 3] = [
    ("direct", ConvMethod::Direct),
    ("winograd2", ConvMethod::Winograd2),
    ("winograd4", ConvMethod::Winograd4),
];

/// Values of both signs and of a trained layer's size.
fn values(len: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * 7919 % 1000) as f32 - 500.0) * 1e-4).collect()
}

fn tensor(shape: Shape, border: Padding) -> (Layout, Vec<Block>) {
    let layout = Layout { shape, border };
    (layout, vec![Block([0.3; 16]); layout.len(1)])
}

/// Measures `run` on one thread and on two; it gets the number of threads.
fn measure(criterion: &mut Criterion, group: &str, id: &str, macs: usize, mut run: impl FnMut(usize) + Send) {
    let mut group = criterion.benchmark_group(group);
    group.throughput(Throughput::Elements(macs as u64));
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        group.bench_function(format!("{id}/{threads}"), |bencher| {
            pool.install(|| bencher.iter(|| run(threads)));
        });
    }
    group.finish();
}

fn blocked(criterion: &mut Criterion, group: &str, geometry: Conv2d, input: Shape, out: usize) {
    let weight = values(out * input.c * geometry.kernel.0 * geometry.kernel.1);
    for (name, method) in METHODS {
        let tuning = Tuning { method: Some(method), ..Tuning::default() };
        let bias = vec![0.5; out];
        let kernel =
            Conv2dKernel::new(tuning, geometry, input, out, &weight, Some(&bias), Activation::Relu).unwrap();
        if kernel.method() != method {
            continue;
        }
        let (from, x) = tensor(input, kernel.border());
        let (to, mut y) = tensor(kernel.output(), Padding::all(geometry.kernel.0 / 2));
        let mut scratch = vec![Block::ZERO; kernel.scratch(1, 1).max(kernel.scratch(1, 2))];
        let id = format!("{input}->{out}/{name}");
        measure(criterion, group, &id, weight.len() * kernel.output().plane(), |threads| {
            let (x, y) = (Blocked::new(from, 1, &x).unwrap(), BlockedMut::new(to, 1, &mut y).unwrap());
            kernel.run(x, None, y, &mut scratch[..kernel.scratch(1, threads)]).unwrap();
        });
    }
}

fn conv2d_3x3(criterion: &mut Criterion) {
    for (inputs, out, stride, side) in [
        (64, 64, 1, 64),
        (128, 128, 1, 32),
        (256, 256, 1, 16),
        (512, 512, 1, 8),
        (32, 32, 1, 64),
        (64, 64, 1, 256),
        (64, 128, 2, 64),
    ] {
        let input = Shape::new(inputs, side, side);
        blocked(criterion, "conv2d_3x3", Conv2d::new(3, stride, 1), input, out);
    }
}

fn conv2d_1x1(criterion: &mut Criterion) {
    for (inputs, out, side) in [(256, 64, 64), (64, 256, 64), (1024, 256, 16), (24, 144, 95)] {
        let input = Shape::new(inputs, side, side);
        blocked(criterion, "conv2d_1x1", Conv2d::new(1, 1, 0), input, out);
    }
}

fn conv2d_stem(criterion: &mut Criterion) {
    for (geometry, input, out) in [
        (Conv2d::new(7, 2, 3), Shape::new(3, 256, 256), 64),
        (Conv2d::new(3, 2, 1), Shape::new(3, 256, 256), 48),
        (Conv2d::new(3, 1, 1), Shape::new(6, 256, 256), 64),
    ] {
        let (kh, kw) = geometry.kernel;
        let weight = values(out * input.c * kh * kw);
        let (tuning, activation) = (Tuning::default(), Activation::Relu);
        let kernel =
            PlanarConv2dKernel::new(tuning, geometry, input, out, &weight, None, activation).unwrap();
        let x = vec![0.3; input.len()];
        let (to, mut y) = tensor(kernel.output(), Padding::all(1));
        let mut scratch = vec![Block::ZERO; kernel.scratch(1, 1).max(kernel.scratch(1, 2))];
        let id = format!("{input}->{out} {kh}x{kw}/planar");
        measure(criterion, "conv2d_stem", &id, weight.len() * kernel.output().plane(), |threads| {
            let y = BlockedMut::new(to, 1, &mut y).unwrap();
            kernel.run(&x, y, &mut scratch[..kernel.scratch(1, threads)]).unwrap();
        });
    }
}

fn conv_transpose(criterion: &mut Criterion) {
    for (group, geometry, input, out) in [
        ("conv_transpose_4x4", ConvTranspose2d::new(4, 2, 1), Shape::new(64, 32, 32), 64),
        ("conv_transpose_4x4", ConvTranspose2d::new(4, 2, 1), Shape::new(128, 64, 64), 64),
        ("conv_transpose_2x2", ConvTranspose2d::new(2, 2, 0), Shape::new(256, 32, 32), 128),
    ] {
        let weight = values(out * input.c * geometry.kernel.0 * geometry.kernel.1);
        let (tuning, activation) = (Tuning::default(), Activation::Relu);
        let kernel =
            ConvTranspose2dKernel::new(tuning, geometry, input, out, &weight, None, activation).unwrap();
        let (from, x) = tensor(input, kernel.border());
        let (to, mut y) = tensor(kernel.output(), Padding::all(1));
        let id = format!("{input}->{out}/phases");
        measure(criterion, group, &id, weight.len() * input.plane(), |_| {
            let (x, y) = (Blocked::new(from, 1, &x).unwrap(), BlockedMut::new(to, 1, &mut y).unwrap());
            kernel.run(x, y).unwrap();
        });
    }
}

criterion_group!(benches, conv2d_3x3, conv2d_1x1, conv2d_stem, conv_transpose);
criterion_main!(benches);
