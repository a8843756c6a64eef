//! Convolutions of blocked tensors: group = kind of layer, id = shape/method/threads.
//!
//! The throughput counts the multiply-adds of the definition, whatever the method, so it reads as G multiply-adds per second
//! ("Gelem/s").

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up has to stop")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use madenet_kernels::blocked::{
    Block, Blocked, BlockedMut, Conv2dInputGradient, Conv2dKernel, Conv2dWeightGradient, ConvMethod,
    ConvTranspose2dKernel, Layout, PlanarConv2dKernel, Tuning,
};
use madenet_kernels::{Activation, Conv2d, ConvTranspose2d, Isa, Padding, Shape};

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
    tensors(shape, border, 1)
}

fn tensors(shape: Shape, border: Padding, batch: usize) -> (Layout, Vec<Block>) {
    let layout = Layout { shape, border };
    (layout, vec![Block([0.3; 16]); layout.len(batch)])
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

/// Layers as they are trained: geometry, input, output channels, batch.
fn trained() -> Vec<(Conv2d, Shape, usize, usize)> {
    let (k3, k1) = (Conv2d::new(3, 1, 1), Conv2d::new(1, 1, 0));
    let square = |c, side| Shape::new(c, side, side);
    vec![
        (k3, square(64, 64), 64, 16),
        (k3, square(128, 32), 128, 16),
        (k3, square(256, 16), 256, 16),
        (k3, square(512, 8), 512, 16),
        (k3, square(32, 64), 32, 4),
        (k3, square(64, 32), 64, 4),
        (k3, square(128, 16), 128, 4),
        (k3, square(256, 8), 256, 4),
        (Conv2d::new(3, 2, 1), square(64, 64), 128, 16),
        (Conv2d::new(7, 2, 3), square(3, 256), 64, 4),
        (k1, square(64, 64), 256, 4),
        (k1, square(480, 64), 256, 4),
        (Conv2d::new(1, 2, 0), square(64, 64), 128, 16),
    ]
}

fn id(geometry: Conv2d, input: Shape, out: usize, batch: usize) -> String {
    let Conv2d { kernel: (kh, kw), stride, .. } = geometry;
    format!("{kh}x{kw} s{stride} {batch}x{input}->{out}")
}

fn weight_gradient(criterion: &mut Criterion) {
    for (geometry, input, out, batch) in trained() {
        let gradient = Conv2dWeightGradient::new(Isa::best(), geometry, input, out).unwrap();
        let (from, x) = tensors(input, gradient.border(), batch);
        let (to, dy) = tensors(gradient.output(), Padding::all(1), batch);
        let mut dw = vec![0.0; out * input.c * geometry.kernel.0 * geometry.kernel.1];
        let macs = dw.len() * batch * gradient.output().plane();
        let mut scratch = vec![Block::ZERO; gradient.scratch(batch, 2)];
        measure(criterion, "conv2d_weight_gradient", &id(geometry, input, out, batch), macs, |_| {
            let (x, dy) = (Blocked::new(from, batch, &x).unwrap(), Blocked::new(to, batch, &dy).unwrap());
            gradient.run(x, dy, &mut dw, &mut scratch).unwrap();
        });
    }
}

fn input_gradient(criterion: &mut Criterion) {
    for (geometry, input, out, batch) in trained() {
        let weight = values(out * input.c * geometry.kernel.0 * geometry.kernel.1);
        let mut gradient = Conv2dInputGradient::new(Isa::best(), geometry, input, out, batch).unwrap();
        gradient.set_weights(&weight).unwrap();
        let (from, dy) = tensors(gradient.output(), gradient.border(), batch);
        let (to, mut dx) = tensors(input, Padding::all(1), batch);
        let mut scratch = vec![Block::ZERO; gradient.scratch(batch, 1).max(gradient.scratch(batch, 2))];
        let macs = weight.len() * batch * gradient.output().plane();
        measure(criterion, "conv2d_input_gradient", &id(geometry, input, out, batch), macs, |threads| {
            let dy = Blocked::new(from, batch, &dy).unwrap();
            let dx = BlockedMut::new(to, batch, &mut dx).unwrap();
            gradient.run(dy, None, dx, &mut scratch[..gradient.scratch(batch, threads)]).unwrap();
        });
    }
}

/// The throughput counts weights.
fn set_weights(criterion: &mut Criterion) {
    let (geometry, input, out) = (Conv2d::new(3, 1, 1), Shape::new(512, 8, 8), 512);
    let weight = values(out * input.c * 9);
    for (name, method) in METHODS {
        let tuning = Tuning { method: Some(method), ..Tuning::default() };
        let mut kernel =
            Conv2dKernel::new(tuning, geometry, input, out, &weight, None, Activation::Identity).unwrap();
        measure(criterion, "conv2d_set_weights", &format!("3x3/{name}"), weight.len(), |_| {
            kernel.set_weights(&weight, None).unwrap();
        });
    }
    for (name, stride) in [("flipped", 1), ("transposed", 2)] {
        let geometry = Conv2d::new(3, stride, 1);
        let mut gradient = Conv2dInputGradient::new(Isa::best(), geometry, input, out, 16).unwrap();
        measure(criterion, "conv2d_set_weights", &format!("input gradient/{name}"), weight.len(), |_| {
            gradient.set_weights(&weight).unwrap();
        });
    }
    let (input, geometry) = (Shape::new(1024, 8, 8), Conv2d::new(1, 1, 0));
    let weight = values(512 * input.c);
    let tuning = Tuning::default();
    let mut kernel =
        Conv2dKernel::new(tuning, geometry, input, 512, &weight, None, Activation::Identity).unwrap();
    measure(criterion, "conv2d_set_weights", "1x1/direct", weight.len(), |_| {
        kernel.set_weights(&weight, None).unwrap();
    });
}

criterion_group!(
    benches,
    conv2d_3x3,
    conv2d_1x1,
    conv2d_stem,
    conv_transpose,
    weight_gradient,
    input_gradient,
    set_weights
);
criterion_main!(benches);
