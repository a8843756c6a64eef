//! Rounding with trained weights: the ResNet-18 trunk on real photographs, against the same network in f64. Skipped where the weights
//! or photographs are not at hand.
#![allow(clippy::unwrap_used)]

use madenet::data::{Dataset, MvtecAd, Split};
use madenet::nets::{Activation, Builder, Memory, Net, Op, Params, Plan, PlanOptions, ResNet, Shape};
use madenet_testing::shared;
use rayon::prelude::*;

const SIZE: usize = 256;

/// Largest error relative to the largest value of a map: with Winograd's methods, and by the definition.
const WINOGRAD: f64 = 1e-4;
const DEFINITION: f64 = 1e-5;

/// The network in f64, by the definitions of its operations; the values of all nodes.
fn reference(net: &Net, params: &Params, x: &[f32]) -> Vec<Vec<f64>> {
    let weights: Vec<&[f32]> = params.values_for(net).unwrap();
    let mut values: Vec<Vec<f64>> = Vec::new();
    for node in net.nodes() {
        let arg = |i: usize| (&values[node.args[i]], net.nodes()[node.args[i]].shape);
        values.push(match &node.op {
            Op::Input => x.iter().map(|&v| f64::from(v)).collect(),
            Op::Conv2d { geometry, weight, bias: None } => {
                let (x, from) = arg(0);
                let (kh, kw) = geometry.kernel;
                windows(node.shape, geometry.stride, geometry.padding.top, (kh, kw), from, |c, taps| {
                    let weight = &weights[*weight][c * from.c * kh * kw..];
                    let channel = |i: usize| {
                        taps.iter().map(move |&(tap, at)| (i * kh * kw + tap, i * from.plane() + at))
                    };
                    (0..from.c).flat_map(channel).map(|(tap, at)| f64::from(weight[tap]) * x[at]).sum()
                })
            }
            Op::MaxPool2d(pool) => {
                let (x, from) = arg(0);
                windows(node.shape, pool.stride, pool.padding.top, pool.kernel, from, |c, taps| {
                    taps.iter().map(|&(_, at)| x[c * from.plane() + at]).fold(f64::NEG_INFINITY, f64::max)
                })
            }
            Op::BatchNorm(norm) => {
                let of = |id: usize, c: usize| f64::from(weights[id][c]);
                let value = |(i, x): (usize, &f64)| {
                    let c = i / node.shape.plane();
                    let deviation = (of(norm.var, c) + f64::from(norm.eps)).sqrt();
                    (x - of(norm.mean, c)) / deviation * of(norm.scale, c) + of(norm.shift, c)
                };
                arg(0).0.iter().enumerate().map(value).collect()
            }
            Op::Activation(Activation::Relu) => arg(0).0.iter().map(|x| x.max(0.0)).collect(),
            Op::Add => arg(0).0.iter().zip(arg(1).0).map(|(a, b)| a + b).collect(),
            other => panic!("a trunk of ResNet-18 has no {other:?}"),
        });
    }
    values
}

/// `f(channel, taps on the plane as (number, place))` for every output.
fn windows(
    to: Shape,
    stride: usize,
    padding: usize,
    (kh, kw): (usize, usize),
    from: Shape,
    f: impl Fn(usize, &[(usize, usize)]) -> f64 + Sync,
) -> Vec<f64> {
    let mut out = vec![0.0; to.len()];
    out.par_chunks_mut(to.plane()).enumerate().for_each(|(c, plane)| {
        for (i, out) in plane.iter_mut().enumerate() {
            let (y, x) = (i / to.w * stride, i % to.w * stride);
            let taps = (0..kh * kw).filter_map(|tap| {
                let (y, x) = ((y + tap / kw).checked_sub(padding)?, (x + tap % kw).checked_sub(padding)?);
                (y < from.h && x < from.w).then_some((tap, y * from.w + x))
            });
            *out = f(c, &taps.collect::<Vec<_>>());
        }
    });
    out
}

#[test]
fn maps_of_real_photographs_are_those_of_f64() {
    let Some(weights) = shared("weights/resnet18_imagenet_trunk.safetensors") else { return };
    let Some(photographs) = shared("data/mvtec_ad/transistor") else { return };
    let params = Params::read(weights).unwrap();
    let mut b = Builder::new();
    let image = b.input("image", Shape::new(3, SIZE, SIZE));
    for tap in ResNet::ResNet18.features(&mut b, image, &["layer2", "layer3"]).unwrap() {
        b.output(tap.name, tap.val).unwrap();
    }
    let net = b.finish();
    let plans = [(Memory::Speed, WINOGRAD), (Memory::Low, DEFINITION)].map(|(memory, bound)| {
        (Plan::with_options(&net, &params, PlanOptions { memory, ..PlanOptions::default() }).unwrap(), bound)
    });
    let data = MvtecAd::open(&photographs, Split::Test).unwrap();
    let preprocessing = madenet::SfadConfig::fast().preprocessing;
    for index in [0, data.len() - 1] {
        let mut x = vec![0.0; preprocessing.shape().len()];
        preprocessing.apply(&data.get(index).unwrap().image.as_view(), &mut x).unwrap();
        assert_eq!(x.len(), 3 * SIZE * SIZE);
        let exact = reference(&net, &params, &x);
        for (plan, bound) in &plans {
            let mut workspace = plan.workspace();
            let outputs = plan.run(&[&x], &mut workspace).unwrap();
            for (name, id) in net.outputs() {
                let largest = exact[*id].iter().fold(0.0, |m: f64, v| m.max(v.abs()));
                let pairs = outputs.get(name).unwrap().iter().zip(&exact[*id]);
                let error = pairs.map(|(got, exact)| (f64::from(*got) - exact).abs()).fold(0.0, f64::max);
                println!("{name}, bound {bound:.0e}: error {:.1e} of the largest value", error / largest);
                assert!(error <= bound * largest, "{name}: {error} of {largest}");
            }
        }
    }
}
