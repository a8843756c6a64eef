//! Operations and optimisers against PyTorch: see `fixtures/generate.py`.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use candle_core::{Device, Tensor, Var};
use common::{assert_close, numbers, weighted_sum};
use madenet_candle::{
    AdamConfig, CandleNet, Decay, Ema, EmaConfig, Engine, Optimiser, OptimiserConfig, Policy, Result,
    Schedule, Scoped, SgdConfig, StepKey, clip_factor, gradient_norm, ops,
};
use madenet_nets::{Builder, Conv2d, ConvTranspose2d, Interpolation, Padding, Params, Pool2d, Shape, conv};

/// Both sides add a few hundred products of numbers below 1 in `f32`, in different orders.
const OPERATION: f64 = 5e-6;
/// 50 steps of single precision arithmetic on both sides, at weights of about 1.
const OPTIMISER: f64 = 2e-6;

fn fixture(name: &str) -> Params {
    Params::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).unwrap()
}

fn tensor(params: &Params, name: &str) -> Tensor {
    let param = params.get(name).unwrap_or_else(|| panic!("the fixture lacks {name}"));
    Tensor::from_slice(param.values(), param.shape(), &Device::Cpu).unwrap()
}

/// Compares values and gradients of `f` on `numbers(0), numbers(1), ...` with the fixture's.
fn check(name: &str, f: impl Fn(&[Tensor]) -> ops::Result<Tensor>) {
    let fixture = fixture("operations.safetensors");
    let gradients = (0..).map_while(|i| fixture.get(&format!("{name}.grad{i}")));
    let shapes: Vec<Vec<usize>> = gradients.map(|g| g.shape().to_vec()).collect();
    assert!(!shapes.is_empty(), "{name}");
    let vars: Vec<Var> =
        shapes.iter().enumerate().map(|(i, s)| Var::from_tensor(&numbers(i as u64, s)).unwrap()).collect();
    let tensors: Vec<Tensor> = vars.iter().map(|v| v.as_tensor().clone()).collect();
    let y = f(&tensors).unwrap();
    assert_close(&y, &tensor(&fixture, &format!("{name}.y")), OPERATION, name);
    let store = weighted_sum(&y).unwrap().backward().unwrap();
    for (i, var) in vars.iter().enumerate() {
        let expected = tensor(&fixture, &format!("{name}.grad{i}"));
        assert_close(store.get(var).unwrap(), &expected, OPERATION, &format!("{name}: gradient {i}"));
    }
}

#[test]
fn convolutions() {
    let conv = |name, geometry: Conv2d| check(name, |a| ops::conv2d(&a[0], &a[1], a.get(2), &geometry));
    conv("conv_s2p1", Conv2d::new(3, 2, 1));
    conv("conv_dilated_groups", Conv2d { dilation: 2, groups: 2, ..Conv2d::new(3, 1, 2) });
    conv("conv_depthwise", Conv2d { groups: 3, ..Conv2d::new(5, 2, 2) });
    let padding = Padding { bottom: 1, right: 1, ..Padding::default() };
    conv("conv_same", Conv2d { padding, ..Conv2d::new(3, 2, 0) });
    conv("conv_rows", Conv2d::new(1, 1, 0));
}

#[test]
fn transposed_convolutions() {
    let transposed = |name, geometry: ConvTranspose2d| {
        check(name, |a| ops::conv_transpose2d(&a[0], &a[1], a.get(2), &geometry));
    };
    transposed("transposed_4s2p1", ConvTranspose2d::new(4, 2, 1));
    transposed(
        "transposed_groups",
        ConvTranspose2d {
            kernel: (3, 2),
            output_padding: (2, 1),
            dilation: 2,
            groups: 2,
            ..ConvTranspose2d::new(3, 3, 1)
        },
    );
}

/// Four values, so that most windows have ties, with the gradient of the identity.
fn coarse(x: &Tensor) -> ops::Result<Tensor> {
    let floor = x.affine(2.0, 0.0)?.floor()?.affine(0.5, 0.0)?;
    x + (floor - x)?.detach()
}

#[test]
fn pools() {
    check("max_pool_3s2p1", |a| ops::max_pool2d(&a[0], &Pool2d::new(3, 2, 1)));
    check("max_pool_ties", |a| ops::max_pool2d(&coarse(&a[0])?, &Pool2d::new(3, 2, 1)));
    check("max_pool_oblong_ties", |a| {
        ops::max_pool2d(&coarse(&a[0])?, &Pool2d { kernel: (2, 3), ..Pool2d::new(2, 1, 1) })
    });
    check("avg_pool_3s1p1", |a| ops::avg_pool2d(&a[0], &Pool2d::new(3, 1, 1), true));
    check("avg_pool_excluded", |a| {
        ops::avg_pool2d(&a[0], &Pool2d { kernel: (3, 2), ..Pool2d::new(3, 2, 1) }, false)
    });
    check("pool_channels", |a| ops::pool_channels(&a[0], 4));
}

#[test]
fn resizing_and_unfolding() {
    let half_pixel = Interpolation::Bilinear { align_corners: false };
    let corners = Interpolation::Bilinear { align_corners: true };
    for (name, size, mode) in [
        ("nearest_up", (7, 8), Interpolation::Nearest),
        ("nearest_down", (3, 4), Interpolation::Nearest),
        ("bilinear_up", (7, 9), half_pixel),
        ("bilinear_down", (2, 3), half_pixel),
        ("corners_up", (7, 9), corners),
        ("corners_down", (3, 1), corners),
    ] {
        check(name, |a| ops::interpolate(&a[0], size, mode));
    }
    check("unfold_3", |a| ops::unfold(&a[0], 3));
}

/// `numbers` holds zeros, so the gradients at 0 count.
#[test]
fn activations() {
    check("relu", |a| ops::relu(&a[0]));
    check("leaky_relu", |a| ops::leaky_relu(&a[0], 0.2));
    check("silu", |a| ops::silu(&a[0].affine(8.0, 0.0)?));
    check("sigmoid", |a| ops::sigmoid(&a[0].affine(100.0, 0.0)?));
}

#[test]
fn batch_norm() {
    check("batch_norm", |a| Ok(ops::batch_norm_train(&a[0], &a[1], &a[2], 1e-5)?.0));
    // The running ones started at 0.5 and 2 and moved by a tenth.
    let fixture = fixture("operations.safetensors");
    let (x, one) =
        (numbers(0, &[4, 3, 3, 2]), Tensor::ones(3, candle_core::DType::F32, &Device::Cpu).unwrap());
    let (_, batch) = ops::batch_norm_train(&x, &one, &one, 1e-5).unwrap();
    let moved = |start: f64, batch: &Tensor| batch.affine(0.1, 0.9 * start).unwrap();
    assert_close(&moved(0.5, &batch.mean), &tensor(&fixture, "batch_norm.running_mean"), OPERATION, "mean");
    assert_close(&moved(2.0, &batch.var), &tensor(&fixture, "batch_norm.running_var"), OPERATION, "variance");
}

/// Two weights, "a" and "b", which no input meets.
fn two_weights() -> Result<CandleNet> {
    let mut b = Builder::new();
    for (name, inputs, out) in [("a", 5, 3), ("b", 1, 7)] {
        let x = b.input(name, Shape::new(inputs, 1, 1));
        let y = b.conv2d(name, x, conv(out, 1, 1, 0))?;
        b.output(name, y)?;
    }
    let mut params = Params::new();
    params.insert("a.weight", vec![3, 5, 1, 1], numbers(1, &[15]).to_vec1()?)?;
    params.insert("b.weight", vec![7, 1, 1, 1], numbers(2, &[7]).to_vec1()?)?;
    CandleNet::new(&b.finish(), &params, &Policy::default(), &Device::Cpu)
}

/// Weights after every tenth of 50 steps, gradients of all weights bounded by `clip`, and averages at the end; "b" has a gradient
/// of 0 in odd steps.
fn check_training(name: &str, groups: Scoped<OptimiserConfig>, clip: Option<f64>) -> Result<()> {
    let fixture = fixture("optimisers.safetensors");
    let mut engine = two_weights()?;
    let mut optimiser = Optimiser::new(&engine, groups)?;
    let mut ema = Ema::new(EmaConfig { decay: 0.9, warm_up: false }, &engine)?;
    let agree = |params: &Params, key: &str| {
        for weight in ["a", "b"] {
            let expected = tensor(&fixture, &format!("{key}.{weight}"));
            let got = tensor(params, &format!("{weight}.weight")).reshape(expected.dims()).unwrap();
            assert_close(&got, &expected, OPTIMISER, &format!("{key}: {weight}"));
        }
    };
    for step in 0..50 {
        let mut loss = Tensor::zeros((), candle_core::DType::F32, &Device::Cpu)?;
        for ((_, w), factor) in engine.vars().zip([1.0, (1 - step % 2) as f64]) {
            let own = (w.as_tensor() * numbers(100 + step, w.dims()))?.sum_all()?;
            let own = (own + w.sqr()?.sum_all()?.affine(0.05, 0.0)?)?;
            loss = (loss + own.affine(factor, 0.0)?)?;
        }
        engine.clear_gradients();
        engine.backward(&loss)?;
        let factor = match clip {
            Some(most) => clip_factor(gradient_norm(&engine)?.norm, most),
            None => 1.0,
        };
        optimiser.step(&mut engine, 1.0, factor)?;
        ema.update(&engine)?;
        if step % 10 == 9 {
            agree(&engine.export()?, &format!("{name}.{step}"));
        }
    }
    if clip.is_some() {
        agree(&ema.export(&engine)?, "ema");
    }
    Ok(())
}

fn check_optimiser(name: &str, groups: impl Into<Scoped<OptimiserConfig>>) -> Result<()> {
    check_training(name, groups.into(), None)
}

#[test]
fn optimisers() -> Result<()> {
    check_optimiser("adam", AdamConfig::default())?;
    let l2 = AdamConfig {
        lr: 0.03,
        beta1: 0.5,
        beta2: 0.9,
        eps: 1e-4,
        weight_decay: 0.1,
        ..AdamConfig::default()
    };
    check_optimiser("adam_l2", l2)?;
    check_optimiser("adamw", AdamConfig::adamw().lr(0.01))?;
    let groups = Scoped::new(AdamConfig::adamw().lr(0.005).weight_decay(0.0));
    check_optimiser("groups", groups.with("a", AdamConfig::adamw().lr(0.02).weight_decay(0.3)))?;
    check_optimiser("sgd", SgdConfig { lr: 0.02, ..SgdConfig::default() })?;
    let momentum = SgdConfig { lr: 0.01, momentum: 0.9, weight_decay: 0.02, ..SgdConfig::default() };
    check_optimiser("sgd_momentum", momentum)?;
    let nesterov = SgdConfig { lr: 0.01, momentum: 0.8, nesterov: true, ..SgdConfig::default() };
    check_optimiser("sgd_nesterov", nesterov)?;
    let dampening =
        SgdConfig { lr: 0.01, momentum: 0.9, dampening: 0.4, weight_decay: 0.02, ..SgdConfig::default() };
    check_optimiser("sgd_dampening", dampening)
}

/// `clip_grad_norm_` and `AveragedModel`.
#[test]
fn clipped_and_averaged() -> Result<()> {
    check_training("sgd_clipped", SgdConfig::default().lr(0.1).momentum(0.5).into(), Some(2.5))
}

/// The groups that PyTorch's users make by hand: weight decay for some parameters and none for others.
#[test]
fn decay_of_kernels_is_a_parameter_group() -> Result<()> {
    let mut b = Builder::new();
    let x = b.input("x", Shape::new(3, 5, 5));
    let y = b.conv2d("conv", x, conv(4, 3, 1, 1).with_bias())?;
    let y = b.batch_norm("bn", y)?;
    let y = b.conv_transpose2d("up", y, madenet_nets::conv_transpose(2, 2, 2, 0).with_bias())?;
    b.output("y", y)?;
    let net = b.finish();
    let after = |groups: Scoped<OptimiserConfig>| -> Result<Params> {
        let mut engine = CandleNet::new(&net, &Params::init(&net, 5), &Policy::default(), &Device::Cpu)?;
        let mut optimiser = Optimiser::new(&engine, groups)?;
        for step in 0..3 {
            let y = engine.forward(&[numbers(step, &[2, 3, 5, 5])], StepKey { seed: 0, step })?;
            engine.clear_gradients();
            engine.backward(&weighted_sum(&y[0])?)?;
            optimiser.step(&mut engine, 1.0, 1.0)?;
        }
        engine.export()
    };
    let by_hand = |with: OptimiserConfig, without: OptimiserConfig| {
        Scoped::new(with).with("conv.bias", without).with("bn", without).with("up.bias", without)
    };
    let adam = AdamConfig::adamw().lr(0.01).weight_decay(0.5);
    let l2 = AdamConfig { decoupled: false, ..adam };
    let sgd = SgdConfig::default().lr(0.01).momentum(0.9).weight_decay(0.5);
    for (kernels, with, without) in [
        (AdamConfig { decay: Decay::Kernels, ..adam }.into(), adam.into(), adam.weight_decay(0.0).into()),
        (AdamConfig { decay: Decay::Kernels, ..l2 }.into(), l2.into(), l2.weight_decay(0.0).into()),
        (SgdConfig { decay: Decay::Kernels, ..sgd }.into(), sgd.into(), sgd.weight_decay(0.0).into()),
    ] {
        let kernels: OptimiserConfig = kernels;
        assert_eq!(after(Scoped::new(kernels))?, after(by_hand(with, without))?);
        assert_ne!(after(Scoped::new(kernels))?, after(Scoped::new(with))?);
    }
    Ok(())
}

#[test]
fn schedules() {
    let fixture = fixture("optimisers.safetensors");
    // PyTorch multiplies from step to step, and the fixture is in single precision.
    const TOLERANCE: f64 = 2e-7;
    for (name, schedule) in [
        ("cosine", Schedule::cosine(0.05)),
        ("steps", Schedule::steps([(20, 0.4), (35, 0.16)])),
        ("warm_up", Schedule::constant().warm_up(10, 0.1)),
        ("warm_up_cosine", Schedule::cosine(0.0).warm_up(10, 0.1)),
    ] {
        let expected = fixture.get(&format!("schedule.{name}")).unwrap().values();
        assert_eq!(expected.len(), 50);
        for (step, &expected) in expected.iter().enumerate() {
            let factor = schedule.factor(step as u64, 50);
            assert!(
                (factor - f64::from(expected)).abs() < TOLERANCE,
                "{name}, step {step}: {factor}, expected {expected}"
            );
        }
    }
}
