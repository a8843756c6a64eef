//! Whole networks through `Plan`: one 3x256x256 image, group = network, id = threads.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use madenet::nets::{Builder, Net, Params, Plan, ResNet, Result, Shape};

fn features(resnet: ResNet) -> Result<Net> {
    let mut b = Builder::new();
    let image = b.input("image", Shape::new(3, 256, 256));
    for tap in resnet.features(&mut b, image, &["layer2", "layer3"])? {
        b.output(tap.name, tap.val)?;
    }
    Ok(b.finish())
}

fn run(c: &mut Criterion, resnet: ResNet) -> std::result::Result<(), Box<dyn std::error::Error>> {
    let net = features(resnet)?;
    let plan = Plan::new(&net, &Params::init(&net, 1))?;
    let image: Vec<f32> = (0..3 * 256 * 256).map(|i| (i as f32 * 0.37).sin()).collect();
    let mut group = c.benchmark_group(format!("plan/{}_to_layer3", resnet.name()));
    group.sample_size(10);
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        let mut workspace = plan.workspace();
        group.bench_function(BenchmarkId::from_parameter(threads), |b| {
            b.iter(|| pool.install(|| plan.run(black_box(&[&image]), &mut workspace).map(|_| ())));
        });
    }
    group.finish();
    Ok(())
}

fn networks(c: &mut Criterion) {
    for resnet in [ResNet::ResNet18, ResNet::WideResNet50_2] {
        if let Err(error) = run(c, resnet) {
            eprintln!("{}: {error}", resnet.name());
        }
    }
}

criterion_group!(benches, networks);
criterion_main!(benches);
