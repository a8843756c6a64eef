//! Operations that move blocked tensors: group = operation, id = shape/threads.
//!
//! The throughput counts the bytes that are written. `copy` writes as much with the standard library's copy: the speed of memory.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up has to stop")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use madenet_kernels::blocked::{
    Block, Blocked, BlockedMut, Layout, concat_channels, interpolate, pack, unpack,
};
use madenet_kernels::{Activation, Interpolation, Isa, Padding, Shape};

/// A tensor with a border of one pixel, as convolutions want it.
struct Tensor(Layout, Vec<Block>);

impl Tensor {
    fn new(shape: Shape) -> Self {
        let layout = Layout { shape, border: Padding::all(1) };
        Tensor(layout, vec![Block([0.3; 16]); layout.len(1)])
    }

    fn read(&self) -> Blocked<'_> {
        Blocked::new(self.0, 1, &self.1).unwrap()
    }

    fn write(&mut self) -> BlockedMut<'_> {
        BlockedMut::new(self.0, 1, &mut self.1).unwrap()
    }

    fn bytes(&self) -> usize {
        size_of_val(&self.1[..])
    }
}

/// Measures `run`, which writes `bytes`, under one and two threads.
fn measure(criterion: &mut Criterion, name: &str, id: &str, bytes: usize, mut run: impl FnMut() + Send) {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Bytes(bytes as u64));
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        group.bench_function(format!("{id}/{threads}"), |bencher| pool.install(|| bencher.iter(&mut run)));
    }
    group.finish();
}

fn reorder(criterion: &mut Criterion) {
    let isa = Isa::best();
    for shape in [Shape::new(64, 64, 64), Shape::new(3, 256, 256)] {
        let (mut planar, mut tensor) = (vec![0.3; shape.len()], Tensor::new(shape));
        let (id, bytes) = (shape.to_string(), tensor.bytes());
        let copy = tensor.1.clone();
        measure(criterion, "copy", &id, bytes, || tensor.1.copy_from_slice(&copy));
        measure(criterion, "pack", &id, bytes, || pack(isa, &planar, tensor.write()).unwrap());
        let bytes = size_of_val(&planar[..]);
        measure(criterion, "unpack", &id, bytes, || unpack(isa, tensor.read(), &mut planar).unwrap());
    }
}

fn resize(criterion: &mut Criterion) {
    let half_pixel = Interpolation::Bilinear { align_corners: false };
    let output = Shape::new(32, 64, 64);
    for (name, mode, factor) in [
        ("nearest", Interpolation::Nearest, 2),
        ("nearest", Interpolation::Nearest, 8),
        ("bilinear", half_pixel, 2),
        ("bilinear", half_pixel, 4),
    ] {
        let x = Tensor::new(Shape::new(output.c, output.h / factor, output.w / factor));
        let (other, mut out) = (Tensor::new(output), Tensor::new(output));
        let (id, bytes) = (format!("{output} x{factor}"), out.bytes());
        for (suffix, other, activation) in
            [("", None, Activation::Identity), ("_add_relu", Some(&other), Activation::Relu)]
        {
            measure(criterion, &format!("{name}{suffix}"), &id, bytes, || {
                let other = other.map(Tensor::read);
                interpolate(Isa::best(), mode, x.read(), other, activation, out.write()).unwrap();
            });
        }
    }
}

fn concat(criterion: &mut Criterion) {
    for channels in [[32, 32], [24, 40]] {
        let parts = channels.map(|c| Tensor::new(Shape::new(c, 64, 64)));
        let mut out = Tensor::new(Shape::new(64, 64, 64));
        let (id, bytes) = (format!("{}+{}x64x64", channels[0], channels[1]), out.bytes());
        measure(criterion, "concat", &id, bytes, || {
            concat_channels(Isa::best(), &[parts[0].read(), parts[1].read()], out.write()).unwrap();
        });
    }
}

criterion_group!(benches, reorder, resize, concat);
criterion_main!(benches);
