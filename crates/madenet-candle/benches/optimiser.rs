//! What a step takes beside the gradients, for 30 million weights in 120 tensors: id = work/threads.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up has to stop")]

use candle_core::{DType, Device, Tensor};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use madenet_candle::{
    AdamConfig, Ema, EmaConfig, Engine, Optimiser, Policy, SgdConfig, StepKey, Tape, TapeOptions,
    gradient_norm,
};
use madenet_nets::{Builder, Params, Shape, conv};

const WIDTH: usize = 1000;
const LAYERS: usize = 30;

/// An engine that has gradients.
fn engine() -> Tape {
    let mut b = Builder::new();
    let mut x = b.input("x", Shape::new(WIDTH, 1, 1));
    for layer in 0..LAYERS {
        x = b.conv2d(&format!("conv{layer}"), x, conv(WIDTH, 1, 1, 0).with_bias()).unwrap();
        x = b.batch_norm(&format!("bn{layer}"), x).unwrap();
    }
    b.output("y", x).unwrap();
    let net = b.finish();
    let mut engine =
        Tape::new(&net, &Params::init(&net, 1), &Policy::default(), TapeOptions::default()).unwrap();
    let x = Tensor::arange(0.0, (4 * WIDTH) as f32, &Device::Cpu).unwrap().sin().unwrap();
    let x = x.reshape((4, WIDTH, 1, 1)).unwrap().to_dtype(DType::F32).unwrap();
    let y = engine.forward(&[x], StepKey { seed: 0, step: 0 }).unwrap();
    engine.backward(&y[0].powf(3.0).unwrap().sum_all().unwrap()).unwrap();
    engine
}

fn step(criterion: &mut Criterion) {
    let mut engine = engine();
    let mut adamw = Optimiser::new(&engine, AdamConfig::adamw().lr(1e-6)).unwrap();
    let mut sgd = Optimiser::new(&engine, SgdConfig::default().lr(1e-6).momentum(0.9)).unwrap();
    let mut ema = Ema::new(EmaConfig::new(0.999), &engine).unwrap();
    let mut group = criterion.benchmark_group("optimiser");
    group.throughput(Throughput::Elements((LAYERS * WIDTH * (WIDTH + 3)) as u64)).sample_size(20);
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        group.bench_function(format!("adamw/{threads}"), |bencher| {
            pool.install(|| bencher.iter(|| adamw.step(&mut engine, 1.0, 1.0).unwrap()));
        });
        group.bench_function(format!("sgd/{threads}"), |bencher| {
            pool.install(|| bencher.iter(|| sgd.step(&mut engine, 1.0, 1.0).unwrap()));
        });
        group.bench_function(format!("gradient_norm/{threads}"), |bencher| {
            pool.install(|| bencher.iter(|| gradient_norm(&engine).unwrap()));
        });
        group.bench_function(format!("ema/{threads}"), |bencher| {
            pool.install(|| bencher.iter(|| ema.update(&engine).unwrap()));
        });
    }
    group.finish();
}

criterion_group!(benches, step);
criterion_main!(benches);
