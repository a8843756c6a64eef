//! The CPU trainer against the interpreter on candle's tensors, which is checked against PyTorch: every operation, alone and
//! in company; policies, checkpoints, accumulation, threads.
#![allow(clippy::unwrap_used)]

mod common;

use candle_core::{Device, Tensor, Var};
use common::{numbers, values};
use madenet_candle::{CandleNet, Engine, Error, Policy, Result, StepKey, Tape, TapeOptions, Treatment};
use madenet_nets::{
    Activation, Builder, ConvTranspose2d, Interpolation, Net, Padding, Params, Pool2d, Shape, Val, conv,
    conv_transpose,
};

const KEY: StepKey = StepKey { seed: 42, step: 3 };

/// Both sides sum some thousand products in `f32`, in different orders, relative to the largest value.
const TOLERANCE: f64 = 2e-5;

/// What one training step gives.
struct Step {
    outputs: Vec<Vec<f64>>,
    /// By name, then those of the inputs.
    gradients: Vec<(String, Vec<f64>)>,
    after: Params,
}

fn inputs(net: &Net, batch: usize) -> Vec<Var> {
    let input = |(i, (_, id)): (usize, &(String, usize))| {
        let Shape { c, h, w } = net.nodes()[*id].shape;
        Var::from_tensor(&numbers(i as u64, &[batch, c, h, w])).unwrap()
    };
    net.inputs().iter().enumerate().map(input).collect()
}

fn tensors(vars: &[Var]) -> Vec<Tensor> {
    vars.iter().map(|var| var.as_tensor().clone()).collect()
}

/// A loss to which every value of every output matters differently.
fn loss(outputs: &[Tensor]) -> Result<Tensor> {
    let mut loss = Tensor::zeros((), candle_core::DType::F32, &Device::Cpu)?;
    for (i, y) in outputs.iter().enumerate() {
        loss = (loss + (y * numbers(99 + i as u64, y.dims()))?.sum_all()?)?;
    }
    Ok(loss)
}

fn to_f64(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

fn on_candle(net: &Net, params: &Params, policy: &Policy, batch: usize) -> Result<Step> {
    let mut candle = CandleNet::new(net, params, policy, &Device::Cpu)?;
    let vars = inputs(net, batch);
    let outputs = candle.train(&tensors(&vars), KEY)?;
    let found = loss(&outputs)?.backward()?;
    let gradient = |name: String, var: &Var| {
        let gradient = found.get(var).map_or_else(|| vec![0.0; var.elem_count()], values);
        (name, gradient)
    };
    let mut gradients: Vec<_> = candle.vars().map(|(name, var)| gradient(name.to_string(), var)).collect();
    gradients.extend(vars.iter().zip(net.inputs()).map(|(var, (name, _))| gradient(name.clone(), var)));
    Ok(Step { outputs: outputs.iter().map(values).collect(), gradients, after: candle.export()? })
}

fn on_tape(net: &Net, params: &Params, policy: &Policy, batch: usize, checkpoint: &[&str]) -> Result<Step> {
    let checkpoint = checkpoint.iter().map(ToString::to_string).collect();
    let mut tape = Tape::new(net, params, policy, TapeOptions { checkpoint, input_gradients: true })?;
    let vars = inputs(net, batch);
    let outputs = tape.forward(&tensors(&vars), KEY)?;
    tape.backward(&loss(&outputs)?)?;
    let mut gradients = Vec::new();
    tape.for_each(&mut |name, _, gradient| {
        gradients.push((name.to_string(), to_f64(gradient)));
        Ok(())
    })?;
    for ((gradient, var), (name, _)) in tape.input_gradients().iter().zip(&vars).zip(net.inputs()) {
        let none = vec![0.0; var.elem_count()];
        gradients.push((name.clone(), if gradient.is_empty() { none } else { to_f64(gradient) }));
    }
    Ok(Step { outputs: outputs.iter().map(values).collect(), gradients, after: tape.export()? })
}

#[track_caller]
fn assert_close(what: &str, got: &[f64], expected: &[f64]) {
    assert_close_at_scale(what, got, expected, largest(expected));
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(1e-3, |m: f64, v| m.max(v.abs()))
}

#[track_caller]
fn assert_close_at_scale(what: &str, got: &[f64], expected: &[f64], scale: f64) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (i, (g, e)) in got.iter().zip(expected).enumerate() {
        assert!((g - e).abs() <= TOLERANCE * scale, "{what}: value {i} is {g}, expected {e} (scale {scale})");
    }
}

#[track_caller]
fn assert_agree(got: &Step, expected: &Step) {
    for (i, (g, e)) in got.outputs.iter().zip(&expected.outputs).enumerate() {
        assert_close(&format!("output {i}"), g, e);
    }
    assert_eq!(got.gradients.len(), expected.gradients.len());
    for ((name, g), (other, e)) in got.gradients.iter().zip(&expected.gradients) {
        assert_eq!(name, other);
        // The gradient of a bias in front of a normalisation is 0 but for rounding, which comes with the size of the weight's.
        let weight = name.strip_suffix("bias").map(|layer| format!("{layer}weight"));
        let weight = expected.gradients.iter().find(|(name, _)| Some(name) == weight.as_ref());
        let noise = 1e-5 * weight.map_or(0.0, |(_, weight)| largest(weight));
        let is_noise = e.iter().all(|v| v.abs() < noise);
        let scale = if is_noise { noise / 1e-5 } else { largest(e) };
        assert_close_at_scale(&format!("gradient of {name}"), g, e, scale);
    }
    for ((name, g), (_, e)) in got.after.iter().zip(expected.after.iter()) {
        assert_close(&format!("{name} after the step"), &to_f64(g.values()), &to_f64(e.values()));
    }
}

/// Compares the two engines on a network.
fn check(net: &Net, policy: &Policy) -> Result<()> {
    let params = Params::init(net, 1);
    for batch in [1, 3] {
        let expected = on_candle(net, &params, policy, batch)?;
        assert_agree(&on_tape(net, &params, policy, batch, &[])?, &expected);
    }
    Ok(())
}

/// A network of one operation behind a convolution, so that gradients flow on from it.
fn alone(shape: Shape, f: impl FnOnce(&mut Builder, Val) -> madenet_nets::Result<Val>) -> Result<()> {
    let mut b = Builder::new();
    let x = b.input("x", shape);
    let y = b.conv2d("before", x, conv(shape.c, 1, 1, 0).with_bias())?;
    let y = f(&mut b, y)?;
    b.output("y", y)?;
    check(&b.finish(), &Policy::default())
}

#[test]
fn convolutions() -> Result<()> {
    let shape = Shape::new(20, 9, 8);
    let padding = Padding { bottom: 1, right: 1, ..Padding::default() };
    for spec in [
        conv(24, 1, 1, 0),
        conv(24, 1, 2, 0),
        conv(24, 3, 1, 1).with_bias(),
        conv(24, 3, 2, 1),
        conv(7, 7, 2, 3),
        conv(7, 3, 1, 2).dilation(2),
        conv(7, 3, 2, 2).dilation(2),
        conv(7, 3, 2, 0).padding(padding),
        conv(5, 1, 1, 1),
        conv(33, 1, 1, 1).kernel(1, 3),
        conv(20, 3, 1, 1).groups(20).with_bias(),
        conv(20, 5, 2, 2).groups(20),
        conv(20, 3, 2, 0).groups(20).padding(padding),
        conv(40, 3, 1, 1).groups(20),
        conv(8, 3, 1, 1).groups(4).with_bias(),
    ] {
        alone(shape, |b, x| b.conv2d("conv", x, spec))?;
    }
    Ok(())
}

#[test]
fn transposed_convolutions() -> Result<()> {
    let odd = ConvTranspose2d { output_padding: (1, 0), ..ConvTranspose2d::new(3, 2, 1) };
    let grouped = ConvTranspose2d { groups: 2, dilation: 2, ..ConvTranspose2d::new(3, 2, 1) };
    for spec in [
        conv_transpose(17, 4, 2, 1),
        conv_transpose(17, 2, 2, 0).with_bias(),
        conv_transpose(17, 3, 2, 1).geometry(odd),
        conv_transpose(6, 3, 2, 1).geometry(grouped).with_bias(),
    ] {
        alone(Shape::new(18, 5, 6), |b, x| b.conv_transpose2d("deconv", x, spec))?;
    }
    Ok(())
}

#[test]
fn pools_and_resizes() -> Result<()> {
    let shape = Shape::new(18, 9, 8);
    for pool in [Pool2d::new(2, 2, 0), Pool2d::new(3, 2, 1), Pool2d::new(3, 1, 1)] {
        alone(shape, |b, x| b.max_pool2d(x, pool))?;
        alone(shape, |b, x| b.avg_pool2d(x, pool, true))?;
        alone(shape, |b, x| b.avg_pool2d(x, pool, false))?;
    }
    alone(shape, |b, x| b.global_avg_pool(x))?;
    for mode in [
        Interpolation::Nearest,
        Interpolation::Bilinear { align_corners: false },
        Interpolation::Bilinear { align_corners: true },
    ] {
        for size in [(18, 16), (36, 32), (5, 11), (9, 8)] {
            alone(shape, |b, x| b.interpolate(x, size, mode))?;
        }
    }
    Ok(())
}

#[test]
fn single_values_and_channels() -> Result<()> {
    let shape = Shape::new(18, 5, 6);
    for activation in [
        Activation::Identity,
        Activation::Relu,
        Activation::LeakyRelu(0.2),
        Activation::LeakyRelu(-0.5),
        Activation::Silu,
        Activation::Sigmoid,
    ] {
        alone(shape, |b, x| b.activation(x, activation))?;
        // Behind a normalisation, with and without a sum: fused where that can be.
        alone(shape, |b, x| {
            let y = b.batch_norm("bn", x)?;
            b.activation(y, activation)
        })?;
        alone(shape, |b, x| {
            let y = b.batch_norm("bn", x)?;
            let y = b.add(y, x)?;
            b.activation(y, activation)
        })?;
        alone(shape, |b, x| {
            let small = b.avg_pool2d(x, Pool2d::new(2, 2, 0), true)?;
            let y = b.interpolate(small, (5, 6), Interpolation::Bilinear { align_corners: false })?;
            let y = b.add(x, y)?;
            b.activation(y, activation)
        })?;
        alone(shape, |b, x| {
            let y = b.sigmoid(x)?;
            let y = b.add(y, x)?;
            b.activation(y, activation)
        })?;
    }
    alone(shape, |b, x| b.unfold(x, 3))?;
    alone(shape, |b, x| b.pool_channels(x, 7))?;
    alone(shape, |b, x| b.dropout("dropout", x, 0.3))?;
    alone(shape, |b, x| b.drop_path("drop", x, 0.5))?;
    alone(shape, |b, x| b.add(x, x))?;
    alone(shape, |b, x| b.multiply(x, x))?;
    alone(shape, |b, x| {
        let gate = b.global_avg_pool(x)?;
        b.multiply(x, gate)
    })?;
    alone(shape, |b, x| {
        let y = b.relu(x)?;
        b.concat(&[x, y, x])
    })?;
    alone(shape, |b, x| {
        let y = b.relu(x)?;
        let y = b.concat_batch(&[x, y, x])?;
        b.batch_norm("bn", y)
    })
}

/// A network in which values have several readers, outputs are read on, and weights are shared.
fn company() -> Result<Net> {
    let mut b = Builder::new();
    let image = b.input("image", Shape::new(3, 16, 12));
    let other = b.input("other", Shape::new(20, 8, 6));
    let x = b.scope("stem", |b| {
        let x = b.conv2d("conv", image, conv(20, 3, 2, 1))?;
        let x = b.batch_norm("bn", x)?;
        b.relu(x)
    })?;
    b.output("stem", x)?;
    let x = b.add(x, other)?;
    let block = |b: &mut Builder, x: Val| {
        let y = b.conv2d("conv1", x, conv(20, 3, 1, 1))?;
        let y = b.batch_norm("bn1", y)?;
        let y = b.relu(y)?;
        let y = b.dropout("dropout", y, 0.2)?;
        let y = b.conv2d("conv2", y, conv(20, 3, 1, 1).with_bias())?;
        let y = b.batch_norm("bn2", y)?;
        let y = b.add(y, x)?;
        b.relu(y)
    };
    let y = b.scope("block1", |b| block(b, x))?;
    let y = b.scope("block2", |b| block(b, y))?;
    // The weights of the first block once more.
    let z = b.scope("block1", |b| block(b, y))?;
    let z = b.add(z, z)?;
    let stopped = b.detach(z)?;
    let head = b.scope("head", |b| {
        let down = b.conv2d("down", z, conv(9, 3, 2, 1))?;
        let down = b.silu(down)?;
        let up = b.interpolate(down, (8, 6), Interpolation::Nearest)?;
        let joined = b.concat(&[up, z, stopped])?;
        b.conv2d("out", joined, conv(2, 1, 1, 0).with_bias())
    })?;
    b.output("head", head)?;
    b.output("y", y)?;
    b.output("again", head)?;
    Ok(b.finish())
}

#[test]
fn in_company_under_every_policy() -> Result<()> {
    let net = company()?;
    for policy in [
        Policy::default(),
        Policy::new(Treatment::FreezeStatistics),
        Policy::default().with("stem", Treatment::Freeze).with("block2", Treatment::FreezeStatistics),
        Policy::default().with("block1", Treatment::Freeze),
        Policy::new(Treatment::Freeze).with("head.out", Treatment::Train),
        Policy::new(Treatment::Freeze),
    ] {
        check(&net, &policy)?;
    }
    Ok(())
}

fn bits(step: &Step) -> Vec<u64> {
    let all = step.outputs.iter().chain(step.gradients.iter().map(|(_, g)| g)).flatten();
    all.map(|v| v.to_bits()).collect()
}

#[test]
fn checkpoints_change_no_bit() -> Result<()> {
    let net = company()?;
    let params = Params::init(&net, 1);
    let step = |scopes: &[&str]| on_tape(&net, &params, &Policy::default(), 3, scopes);
    let expected = step(&[])?;
    for scopes in [&["block1"][..], &["block1", "block2"], &["stem", "block2", "head"], &[""]] {
        let got = step(scopes)?;
        assert_eq!(bits(&got), bits(&expected), "{scopes:?}");
        assert_eq!(got.after, expected.after, "{scopes:?}");
    }
    Ok(())
}

#[test]
fn checkpoints_save_memory() -> Result<()> {
    let mut b = Builder::new();
    let mut x = b.input("x", Shape::new(16, 32, 32));
    for i in 0..4 {
        x = b.scope(format!("layer{i}"), |b| {
            (0..6).try_fold(x, |x, j| {
                let x = b.conv2d(&format!("conv{j}"), x, conv(16, 3, 1, 1))?;
                let x = b.batch_norm(&format!("bn{j}"), x)?;
                b.relu(x)
            })
        })?;
    }
    b.output("y", x)?;
    let net = b.finish();
    let bytes = |checkpoint: &[&str]| {
        let checkpoint = checkpoint.iter().map(ToString::to_string).collect();
        let options = TapeOptions { checkpoint, ..TapeOptions::default() };
        Tape::new(&net, &Params::init(&net, 1), &Policy::default(), options)
            .map(|tape| tape.bytes(16).unwrap())
    };
    let (kept, computed) = (bytes(&[])?, bytes(&["layer0", "layer1", "layer2", "layer3"])?);
    assert!(2 * computed < kept, "{computed} bytes with checkpoints, {kept} without");
    Ok(())
}

#[test]
fn threads_do_not_change_a_bit() -> Result<()> {
    let net = company()?;
    let params = Params::init(&net, 1);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| on_tape(&net, &params, &Policy::default(), 5, &[]))
    };
    let one = on(1)?;
    for threads in [2, 3] {
        let several = on(threads)?;
        assert_eq!(bits(&several), bits(&one), "{threads} threads");
        assert_eq!(several.after, one.after, "{threads} threads");
    }
    Ok(())
}

#[test]
fn gradients_add_up_until_they_are_cleared() -> Result<()> {
    let net = company()?;
    let mut tape = Tape::new(
        &net,
        &Params::init(&net, 1),
        &Policy::new(Treatment::FreezeStatistics),
        TapeOptions::default(),
    )?;
    let gradient = |tape: &Tape| {
        let mut all = Vec::new();
        tape.for_each(&mut |_, _, gradient| {
            all.extend_from_slice(gradient);
            Ok(())
        })?;
        Ok::<_, Error>(all)
    };
    let step = |tape: &mut Tape, batch: usize| {
        let outputs = tape.forward(&tensors(&inputs(&net, batch)), KEY)?;
        tape.backward(&loss(&outputs)?)
    };
    step(&mut tape, 2)?;
    let first = gradient(&tape)?;
    tape.clear_gradients();
    // Another size of batch in between.
    step(&mut tape, 3)?;
    let second = gradient(&tape)?;
    step(&mut tape, 2)?;
    let expected: Vec<f64> = first.iter().zip(&second).map(|(a, b)| f64::from(*a) + f64::from(*b)).collect();
    assert_close("sum", &to_f64(&gradient(&tape)?), &expected);
    Ok(())
}

#[test]
fn weights_are_changed_and_replaced() -> Result<()> {
    let net = company()?;
    let params = Params::init(&net, 1);
    let mut tape = Tape::new(&net, &params, &Policy::default(), TapeOptions::default())?;
    let x = tensors(&inputs(&net, 2));
    let before = values(&tape.forward(&x, KEY)?[1]);
    tape.update(&mut |_, weight, _| {
        weight.iter_mut().for_each(|w| *w *= 0.5);
        Ok(())
    })?;
    let halved = tape.export()?;
    assert_ne!(values(&tape.forward(&x, KEY)?[1]), before);
    let mut unfit = params.clone();
    unfit.remove("head.out.bias");
    assert!(tape.import(&unfit).is_err());
    tape.import(&params)?;
    assert_eq!(values(&tape.forward(&x, KEY)?[1]), before, "as at the start");
    let candle = on_candle(&net, &halved, &Policy::default(), 2)?;
    tape.import(&halved)?;
    assert_close("halved", &values(&tape.forward(&x, KEY)?[1]), &candle.outputs[1]);
    Ok(())
}

#[test]
fn what_does_not_fit_is_named() -> Result<()> {
    let net = company()?;
    let params = Params::init(&net, 1);
    let tape = |policy: &Policy, options| Tape::new(&net, &params, policy, options);
    let unknown = tape(&Policy::default().with("nothing", Treatment::Freeze), TapeOptions::default());
    assert!(matches!(unknown, Err(Error::UnknownScope { scope }) if scope == "nothing"));
    let options = TapeOptions { checkpoint: vec!["nowhere".to_string()], ..TapeOptions::default() };
    assert!(
        matches!(tape(&Policy::default(), options), Err(Error::UnknownScope { scope }) if scope == "nowhere")
    );
    let mut tape = tape(&Policy::default(), TapeOptions::default())?;
    assert!(matches!(tape.forward(&[], KEY), Err(Error::InputCount { got: 0, .. })));
    let unfit = [numbers(0, &[1, 3, 16, 11]), numbers(0, &[1, 20, 8, 6])];
    assert!(matches!(tape.forward(&unfit, KEY), Err(Error::Input { name, .. }) if name == "image"));

    let mut b = Builder::new();
    let x = b.input("x", Shape::new(4, 1, 1));
    let y = b.batch_norm("bn", x)?;
    b.output("y", y)?;
    let net = b.finish();
    let mut tape = Tape::new(&net, &Params::init(&net, 1), &Policy::default(), TapeOptions::default())?;
    let one = tape.forward(&[numbers(0, &[1, 4, 1, 1])], KEY);
    assert!(matches!(one, Err(Error::OneValue { layer }) if layer == "bn"));
    Ok(())
}
