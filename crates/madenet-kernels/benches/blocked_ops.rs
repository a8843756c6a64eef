//! Depthwise convolution, pooling and operations on single values on blocked tensors: group = operation, id = shape/threads.
//!
//! The throughput counts output values; for depthwise convolution multiply-adds.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up has to stop")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use madenet_kernels::blocked::{
    Block, Blocked, BlockedMut, DepthwiseKernel, Layout, ScaleShiftKernel, activation, add, avg_pool2d,
    global_avg_pool, max_pool2d, multiply,
};
use madenet_kernels::{Activation, Conv2d, Isa, Padding, Pool2d, Shape};

/// A tensor of a sample, all 0.3.
struct Tensor(Layout, Vec<Block>);

impl Tensor {
    fn new(shape: Shape, border: Padding) -> Self {
        let layout = Layout { shape, border };
        Tensor(layout, vec![Block([0.3; 16]); layout.len(1)])
    }

    fn read(&self) -> Blocked<'_> {
        Blocked::new(self.0, 1, &self.1).unwrap()
    }

    fn write(&mut self) -> BlockedMut<'_> {
        BlockedMut::new(self.0, 1, &mut self.1).unwrap()
    }
}

/// Measures with one and two threads.
fn measure(criterion: &mut Criterion, name: &str, id: &str, elements: usize, mut run: impl FnMut() + Send) {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(elements as u64));
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        group.bench_function(format!("{id}/{threads}"), |bencher| pool.install(|| bencher.iter(&mut run)));
    }
    group.finish();
}

fn depthwise(criterion: &mut Criterion) {
    for (kernel, stride, input) in [
        (3, 1, Shape::new(192, 64, 64)),
        (3, 2, Shape::new(192, 64, 64)),
        (5, 1, Shape::new(336, 32, 32)),
        (5, 2, Shape::new(336, 32, 32)),
        (3, 1, Shape::new(48, 128, 128)),
        (5, 1, Shape::new(960, 16, 16)),
        (7, 1, Shape::new(192, 64, 64)),
    ] {
        let geometry = Conv2d { groups: input.c, ..Conv2d::new(kernel, stride, kernel / 2) };
        let weight = vec![0.01; input.c * kernel * kernel];
        for isa in Isa::available() {
            for (name, function) in [("relu", Activation::Relu), ("silu+means", Activation::Silu)] {
                let kernel = DepthwiseKernel::new(isa, geometry, input, &weight, None, function).unwrap();
                let x = Tensor::new(input, kernel.border());
                let mut out = Tensor::new(kernel.output(), Padding::all(0));
                let mut means = Tensor::new(Shape::new(input.c, 1, 1), Padding::all(0));
                let id = format!("{isa:?}/{name}/{input}/s{stride}");
                let group = format!("blocked_depthwise_{0}x{0}", geometry.kernel.0);
                measure(criterion, &group, &id, weight.len() * kernel.output().plane(), || {
                    if function == Activation::Relu {
                        kernel.run(x.read(), out.write()).unwrap();
                    } else {
                        kernel.run_with_means(x.read(), out.write(), means.write()).unwrap();
                    }
                });
            }
        }
    }
}

fn pool2d(criterion: &mut Criterion) {
    for isa in Isa::available() {
        for (geometry, input) in [
            (Pool2d::new(3, 2, 1), Shape::new(64, 128, 128)),
            (Pool2d::new(2, 2, 0), Shape::new(64, 128, 128)),
        ] {
            let (h, w) = geometry.output((input.h, input.w)).unwrap();
            let (x, mut out) =
                (Tensor::new(input, Padding::all(0)), Tensor::new(Shape { h, w, ..input }, Padding::all(1)));
            let id = format!("{isa:?}/{0}x{0}/{input}", geometry.kernel.0);
            measure(criterion, "blocked_max_pool2d", &id, input.c * h * w, || {
                max_pool2d(isa, geometry, x.read(), out.write()).unwrap();
            });
            measure(criterion, "blocked_avg_pool2d", &id, input.c * h * w, || {
                avg_pool2d(isa, geometry, true, x.read(), out.write()).unwrap();
            });
        }
        let input = Shape::new(512, 32, 32);
        let (x, mut out) =
            (Tensor::new(input, Padding::all(1)), Tensor::new(Shape::new(512, 1, 1), Padding::all(0)));
        measure(criterion, "blocked_global_avg_pool", &format!("{isa:?}/{input}"), input.len(), || {
            global_avg_pool(isa, x.read(), out.write()).unwrap();
        });
    }
}

fn pointwise(criterion: &mut Criterion) {
    let input = Shape::new(64, 64, 64);
    for isa in Isa::available() {
        for border in [0, 1] {
            let tensor = || Tensor::new(input, Padding::all(border));
            let (a, b, mut out) = (tensor(), tensor(), tensor());
            let factors = Tensor::new(Shape::new(input.c, 1, 1), Padding::all(0));
            let id = format!("{isa:?}/{input}+{border}");
            for function in [Activation::Relu, Activation::Silu] {
                measure(criterion, "blocked_activation", &format!("{function:?}/{id}"), input.len(), || {
                    activation(isa, function, a.read(), out.write()).unwrap();
                });
            }
            measure(criterion, "blocked_add", &id, input.len(), || {
                add(isa, a.read(), b.read(), Activation::Relu, out.write()).unwrap();
            });
            measure(criterion, "blocked_multiply", &id, input.len(), || {
                multiply(isa, a.read(), factors.read(), out.write()).unwrap();
            });
            let kernel = ScaleShiftKernel::new(isa, &[2.0; 64], &[0.1; 64], Activation::Relu).unwrap();
            measure(criterion, "blocked_scale_shift", &id, input.len(), || {
                kernel.run(a.read(), out.write()).unwrap();
            });
        }
    }
}

criterion_group!(benches, depthwise, pool2d, pointwise);
criterion_main!(benches);
