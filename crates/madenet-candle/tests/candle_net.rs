//! The interpreter: evaluation, training, policies, random numbers, errors.
#![allow(clippy::unwrap_used)]

mod common;

use candle_core::{DType, Device, Tensor};
use common::{assert_close, numbers, values};
use madenet_candle::{AdamConfig, CandleNet, Engine, Error, Optimiser, Policy, Result, StepKey, Treatment};
use madenet_nets::{Activation, Builder, Interpolation, Net, Params, Pool2d, Shape, conv, conv_transpose};

const KEY: StepKey = StepKey { seed: 42, step: 0 };

fn candle(net: &Net, policy: &Policy) -> Result<CandleNet> {
    CandleNet::new(net, &Params::init(net, 1), policy, &Device::Cpu)
}

fn names(net: &CandleNet) -> Vec<&str> {
    net.vars().map(|(name, _)| name).collect()
}

fn param<'a>(params: &'a Params, name: &str) -> &'a [f32] {
    params.get(name).unwrap().values()
}

/// A network with every operation, all of whose values are outputs.
fn everything() -> madenet_nets::Result<Net> {
    let mut b = Builder::new();
    let x = b.input("x", Shape::new(4, 8, 6));
    let mut made = vec![
        b.conv2d("conv", x, conv(6, 3, 2, 1).with_bias())?,
        b.conv_transpose2d("deconv", x, conv_transpose(2, 4, 2, 1).with_bias())?,
        b.batch_norm("bn", x)?,
        b.add(x, x)?,
        b.concat(&[x, x])?,
        b.concat_batch(&[x, x])?,
        b.max_pool2d(x, Pool2d::new(3, 2, 1))?,
        b.avg_pool2d(x, Pool2d::new(3, 2, 1), false)?,
        b.interpolate(x, (5, 9), Interpolation::Bilinear { align_corners: false })?,
        b.unfold(x, 3)?,
        b.pool_channels(x, 3)?,
        b.dropout("dropout", x, 0.5)?,
        b.drop_path("drop_path", x, 0.5)?,
        b.detach(x)?,
    ];
    let pooled = b.global_avg_pool(x)?;
    made.push(b.multiply(x, pooled)?);
    made.push(pooled);
    for activation in [
        Activation::Identity,
        Activation::Relu,
        Activation::LeakyRelu(0.2),
        Activation::Silu,
        Activation::Sigmoid,
    ] {
        made.push(b.activation(x, activation)?);
    }
    for (i, &value) in made.iter().enumerate() {
        b.output(&i.to_string(), value)?;
    }
    Ok(b.finish())
}

#[test]
fn every_operation_gives_the_recorded_shape() -> Result<()> {
    let net = everything()?;
    let mut candle = candle(&net, &Policy::new(Treatment::Freeze))?;
    let x = numbers(0, &[3, 4, 8, 6]);
    let eval = candle.eval(std::slice::from_ref(&x))?;
    let frozen = candle.train(std::slice::from_ref(&x), KEY)?;
    assert_eq!(eval.len(), 21);
    for ((y, frozen), (name, id)) in eval.iter().zip(&frozen).zip(net.outputs()) {
        let node = &net.nodes()[*id];
        let Shape { c, h, w } = node.shape;
        assert_eq!(y.dims(), [3 * node.copies, c, h, w], "{}", node.op.name());
        assert!(!y.track_op(), "{name}: no graph");
        assert_eq!(values(y), values(frozen), "{}: a frozen network evaluates", node.op.name());
    }
    Ok(())
}

#[test]
fn evaluation_keeps_no_graph_even_of_inputs_with_one() -> Result<()> {
    let net = everything()?;
    let candle = candle(&net, &Policy::default())?;
    let x = candle_core::Var::from_tensor(&numbers(0, &[1, 4, 8, 6]))?;
    for y in candle.eval(&[x.affine(2.0, 0.0)?])? {
        assert!(!y.track_op());
        assert!(y.sum_all()?.backward()?.get(&x).is_none());
    }
    Ok(())
}

#[test]
fn operations_of_several_values() -> Result<()> {
    let mut b = Builder::new();
    let x = b.input("x", Shape::new(2, 1, 2));
    let gate = b.input("gate", Shape::new(2, 1, 1));
    let scaled = b.multiply(x, gate)?;
    let sum = b.add(scaled, x)?;
    let channels = b.concat(&[x, sum])?;
    let batch = b.concat_batch(&[x, sum])?;
    b.output("channels", channels)?;
    b.output("batch", batch)?;
    let candle = candle(&b.finish(), &Policy::default())?;
    let x = Tensor::new(&[1f32, 2.0, 3.0, 4.0], &Device::Cpu)?.reshape((1, 2, 1, 2))?;
    let gate = Tensor::new(&[10f32, 100.0], &Device::Cpu)?.reshape((1, 2, 1, 1))?;
    let y = candle.eval(&[x, gate])?;
    let expected = [1.0, 2.0, 3.0, 4.0, 11.0, 22.0, 303.0, 404.0];
    assert_eq!((y[0].dims(), values(&y[0])), (&[1, 4, 1, 2][..], expected.to_vec()));
    assert_eq!((y[1].dims(), values(&y[1])), (&[2, 2, 1, 2][..], expected.to_vec()));
    Ok(())
}

#[test]
fn no_gradient_flows_through_detach() -> Result<()> {
    let mut b = Builder::new();
    let x = b.input("x", Shape::new(2, 3, 3));
    let y = b.conv2d("before", x, conv(2, 3, 1, 1))?;
    let y = b.detach(y)?;
    let y = b.conv2d("after", y, conv(2, 3, 1, 1))?;
    b.output("y", y)?;
    let mut candle = candle(&b.finish(), &Policy::default())?;
    let y = candle.train(&[numbers(0, &[1, 2, 3, 3])], KEY)?;
    let gradients = y[0].sum_all()?.backward()?;
    let has: Vec<bool> = candle.vars().map(|(_, var)| gradients.get(var).is_some()).collect();
    assert_eq!((names(&candle), has), (vec!["after.weight", "before.weight"], vec![true, false]));
    Ok(())
}

/// Mean and variance with divisor n - 1 of the values of channel `c` of all tensors.
fn moments(xs: &[&Tensor], c: usize) -> (f64, f64) {
    let channel: Vec<f64> = xs.iter().flat_map(|x| values(&x.narrow(1, c, 1).unwrap())).collect();
    let n = channel.len() as f64;
    let mean = channel.iter().sum::<f64>() / n;
    (mean, channel.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0))
}

#[test]
fn running_statistics_move_by_momentum() -> Result<()> {
    let mut b = Builder::new();
    let (x, e) = (b.input("x", Shape::new(2, 2, 1)), b.input("e", Shape::new(2, 2, 1)));
    // Two uses of one normalisation, the second on a joined batch, move the statistics one after the other.
    let y = b.batch_norm_with("bn", x, 1e-5, 0.3)?;
    let both = b.concat_batch(&[x, e])?;
    let z = b.batch_norm_with("bn", both, 1e-5, 0.3)?;
    b.output("y", y)?;
    b.output("z", z)?;
    let mut candle = candle(&b.finish(), &Policy::default())?;
    let mut expected = [(0.0, 1.0); 2];
    for step in 0..3 {
        let (x, e) = (numbers(step, &[3, 2, 2, 1]), numbers(step + 10, &[3, 2, 2, 1]));
        for xs in [&[&x][..], &[&x, &e]] {
            for (c, (mean, var)) in expected.iter_mut().enumerate() {
                let (batch_mean, batch_var) = moments(xs, c);
                *mean += 0.3 * (batch_mean - *mean);
                *var += 0.3 * (batch_var - *var);
            }
        }
        let y = candle.train(&[x, e], StepKey { seed: 1, step })?;
        assert!(y[0].track_op() && y[1].track_op());
        let export = candle.export()?;
        for (c, &(mean, var)) in expected.iter().enumerate() {
            assert!((f64::from(param(&export, "bn.running_mean")[c]) - mean).abs() < 1e-6);
            assert!((f64::from(param(&export, "bn.running_var")[c]) - var).abs() < 1e-6);
        }
    }
    Ok(())
}

#[test]
fn one_value_per_channel_is_refused_and_changes_nothing() -> Result<()> {
    let mut b = Builder::new();
    let x = b.input("x", Shape::new(3, 4, 4));
    let y = b.batch_norm("bn1", x)?;
    let y = b.global_avg_pool(y)?;
    let y = b.scope("head", |b| b.batch_norm("bn2", y))?;
    b.output("y", y)?;
    let net = b.finish();
    let mut candle = candle(&net, &Policy::default())?;
    let before = candle.export()?;
    let one = candle.train(&[numbers(0, &[1, 3, 4, 4])], KEY);
    assert!(matches!(one, Err(Error::OneValue { ref layer }) if layer == "head.bn2"), "{one:?}");
    assert_eq!(candle.export()?, before, "a failed run moves nothing");
    assert!(candle.train(&[numbers(0, &[2, 3, 4, 4])], KEY).is_ok());
    assert_ne!(candle.export()?, before);
    let policy = Policy::default().with("head", Treatment::FreezeStatistics);
    let mut frozen = CandleNet::new(&net, &before, &policy, &Device::Cpu)?;
    assert!(frozen.train(&[numbers(0, &[1, 3, 4, 4])], KEY).is_ok());
    Ok(())
}

/// Two blocks of convolution, normalisation and dropout, and a head.
fn blocks() -> madenet_nets::Result<Net> {
    let mut b = Builder::new();
    let mut y = b.input("x", Shape::new(2, 4, 4));
    for layer in ["layer1", "layer10"] {
        y = b.scope(layer, |b| {
            let y = b.conv2d("conv", y, conv(4, 3, 1, 1).with_bias())?;
            let y = b.batch_norm("bn", y)?;
            b.dropout("dropout", y, 0.5)
        })?;
        b.output(layer, y)?;
    }
    let y = b.conv2d("head", y, conv(1, 1, 1, 0))?;
    b.output("y", y)?;
    Ok(b.finish())
}

const OF_LAYER1: [&str; 4] = ["layer1.bn.bias", "layer1.bn.weight", "layer1.conv.bias", "layer1.conv.weight"];
const OF_LAYER10: [&str; 4] =
    ["layer10.bn.bias", "layer10.bn.weight", "layer10.conv.bias", "layer10.conv.weight"];

#[test]
fn frozen_parts_are_plain_tensors_in_evaluation() -> Result<()> {
    let mut candle = candle(&blocks()?, &Policy::default().with("layer1", Treatment::Freeze))?;
    assert_eq!(names(&candle), [&["head.weight"], &OF_LAYER10[..]].concat());
    let (x, before) = (numbers(0, &[3, 2, 4, 4]), candle.export()?);
    let eval = candle.eval(std::slice::from_ref(&x))?;
    let train = candle.train(std::slice::from_ref(&x), KEY)?;
    assert_eq!(values(&eval[0]), values(&train[0]));
    assert!(!train[0].track_op() && train[2].track_op());
    let after = candle.export()?;
    assert_eq!(param(&after, "layer1.bn.running_mean"), param(&before, "layer1.bn.running_mean"));
    assert_eq!(param(&after, "layer1.bn.running_var"), param(&before, "layer1.bn.running_var"));
    assert_ne!(param(&after, "layer10.bn.running_mean"), param(&before, "layer10.bn.running_mean"));
    Ok(())
}

#[test]
fn frozen_parts_pass_gradients_on() -> Result<()> {
    let policy = Policy::new(Treatment::Freeze).with("layer1", Treatment::Train);
    let mut candle = candle(&blocks()?, &policy)?;
    assert_eq!(names(&candle), OF_LAYER1);
    let y = candle.train(&[numbers(0, &[3, 2, 4, 4])], KEY)?;
    let gradients = y[2].sqr()?.sum_all()?.backward()?;
    // A bias in front of a normalisation by the batch's mean moves nothing.
    for (name, var) in candle.vars().filter(|(name, _)| *name != "layer1.conv.bias") {
        assert!(values(gradients.get(var).unwrap()).iter().any(|&g| g != 0.0), "{name}");
    }
    Ok(())
}

#[test]
fn frozen_statistics_leave_the_weights_training() -> Result<()> {
    let policy = Policy::new(Treatment::FreezeStatistics).with("layer1.dropout", Treatment::Freeze);
    let mut candle = candle(&blocks()?, &policy)?;
    assert_eq!(names(&candle), [&["head.weight"], &OF_LAYER1[..], &OF_LAYER10[..]].concat());
    let (x, before) = (numbers(0, &[3, 2, 4, 4]), candle.export()?);
    let eval = candle.eval(std::slice::from_ref(&x))?;
    let train = candle.train(std::slice::from_ref(&x), KEY)?;
    assert_eq!(values(&eval[0]), values(&train[0]), "no dropout, running statistics");
    assert_ne!(values(&eval[1]), values(&train[1]), "dropout");
    assert!(train[0].track_op());
    assert_eq!(candle.export()?, before);
    Ok(())
}

#[test]
fn rules_for_single_parameters_and_misspelt_ones() -> Result<()> {
    let policy = Policy::new(Treatment::Freeze).with("layer10.conv.bias", Treatment::Train);
    assert_eq!(names(&candle(&blocks()?, &policy)?), ["layer10.conv.bias"]);
    for scope in ["layer", "layer2", "layer1.conv.weights", "x.y"] {
        let policy = Policy::default().with("head", Treatment::Freeze).with(scope, Treatment::Freeze);
        let refused = candle(&blocks()?, &policy);
        assert!(matches!(refused, Err(Error::UnknownScope { scope: ref s }) if s == scope), "{refused:?}");
    }
    Ok(())
}

fn droppers() -> madenet_nets::Result<Net> {
    let mut b = Builder::new();
    let x = b.input("x", Shape::new(10, 10, 10));
    for i in 0..2 {
        let dropped = b.dropout("dropout", x, 0.25)?;
        b.output(&format!("dropout{i}"), dropped)?;
    }
    let dropped = b.drop_path("drop_path", x, 0.25)?;
    b.output("drop_path", dropped)?;
    Ok(b.finish())
}

#[test]
fn random_zeros_are_keyed_by_seed_step_and_path() -> Result<()> {
    let mut candle = candle(&droppers()?, &Policy::default())?;
    let x = Tensor::ones((40, 10, 10, 10), DType::F32, &Device::Cpu)?;
    let mut masks = |seed, step| -> Result<Vec<Vec<f64>>> {
        Ok(candle.train(std::slice::from_ref(&x), StepKey { seed, step })?.iter().map(values).collect())
    };
    let first = masks(1, 7)?;
    assert_eq!(first, masks(1, 7)?);
    assert_ne!(first[0], first[1], "repeated operations of one name draw other numbers");
    for other in [masks(2, 7)?, masks(1, 8)?] {
        for (a, b) in first.iter().zip(&other) {
            assert_ne!(a, b);
        }
    }
    // 40,000 draws: standard error of the share is 0.0022.
    let kept = f64::from(1.0 / 0.75_f32);
    let share = first[0].iter().filter(|&&v| v == kept).count() as f64 / 40_000.0;
    assert!(first[0].iter().all(|&v| v == 0.0 || v == kept) && (share - 0.75).abs() < 0.01, "{share}");
    // The first uniform number of the stream decides on the first value.
    let u = madenet_rng::Stream::new(1, "dropout", 7, 0).uniform();
    assert_eq!(first[0][0] == kept, u >= 0.25);
    let samples: Vec<&[f64]> = first[2].chunks(1000).collect();
    assert!(samples.iter().all(|s| s.iter().all(|v| v == &s[0]) && (s[0] == 0.0 || s[0] == kept)));
    assert!(samples.iter().any(|s| s[0] == 0.0) && samples.iter().any(|s| s[0] != 0.0));
    Ok(())
}

/// A few steps of training; gives the losses.
fn fit(candle: &mut CandleNet, adam: &mut Optimiser, steps: std::ops::Range<u64>) -> Result<Vec<f32>> {
    let step = |step| -> Result<f32> {
        candle.clear_gradients();
        let y = candle.forward(&[numbers(step, &[3, 2, 4, 4])], StepKey { seed: 5, step })?;
        let loss = (&y[2] - 1.0)?.sqr()?.mean_all()?;
        candle.backward(&loss)?;
        adam.step(candle, 1.0, 1.0)?;
        Ok(loss.to_scalar()?)
    };
    steps.map(step).collect()
}

#[test]
fn a_trained_network_is_its_export() -> Result<()> {
    let net = blocks()?;
    let mut candle = candle(&net, &Policy::default())?;
    let mut adam = Optimiser::new(&candle, AdamConfig::default().lr(0.01))?;
    let losses = fit(&mut candle, &mut adam, 0..40)?;
    assert!(losses[30..].iter().sum::<f32>() < 0.7 * losses[..10].iter().sum::<f32>(), "{losses:?}");
    let export = candle.export()?;
    assert_eq!(export.len(), net.params().len());
    let again = CandleNet::new(&net, &export, &Policy::new(Treatment::Freeze), &Device::Cpu)?;
    let x = numbers(99, &[2, 2, 4, 4]);
    let (a, b) = (candle.eval(std::slice::from_ref(&x))?, again.eval(&[x])?);
    assert_eq!(a.iter().map(values).collect::<Vec<_>>(), b.iter().map(values).collect::<Vec<_>>());
    assert_eq!(again.export()?, export);
    Ok(())
}

#[test]
fn an_interrupted_training_goes_on_bit_for_bit() -> Result<()> {
    let net = blocks()?;
    let config = AdamConfig::adamw().lr(0.01);
    let mut whole = candle(&net, &Policy::default())?;
    let mut adam = Optimiser::new(&whole, config)?;
    fit(&mut whole, &mut adam, 0..6)?;

    let mut first = candle(&net, &Policy::default())?;
    let mut adam = Optimiser::new(&first, config)?;
    fit(&mut first, &mut adam, 0..3)?;
    let (weights, state) = (first.export()?, adam.export()?);
    let mut second = CandleNet::new(&net, &weights, &Policy::default(), &Device::Cpu)?;
    let mut adam = Optimiser::new(&second, config)?;
    adam.import(state.clone())?;
    assert_eq!(adam.export()?, state);
    fit(&mut second, &mut adam, 3..6)?;
    assert_eq!(second.export()?, whole.export()?);
    Ok(())
}

#[test]
fn unfit_inputs_are_named() -> Result<()> {
    let mut b = Builder::new();
    let (x, y) = (b.input("image", Shape::new(3, 4, 5)), b.input("noise", Shape::new(3, 4, 5)));
    let z = b.add(x, y)?;
    b.output("z", z)?;
    let candle = candle(&b.finish(), &Policy::default())?;
    let fine = numbers(0, &[2, 3, 4, 5]);
    let count = candle.eval(std::slice::from_ref(&fine));
    assert!(matches!(count, Err(Error::InputCount { ref names, got: 1 }) if names == &["image", "noise"]));
    assert_eq!(count.unwrap_err().to_string(), "the network takes 2 inputs (image, noise), got 1");
    for (unfit, got) in [
        (numbers(0, &[2, 3, 5, 4]), "f32 [2, 3, 5, 4] on the CPU"),
        (numbers(0, &[3, 4, 5]), "f32 [3, 4, 5] on the CPU"),
        (numbers(0, &[3, 3, 4, 5]), "f32 [3, 3, 4, 5] on the CPU"),
        (fine.to_dtype(DType::F64)?, "f64 [2, 3, 4, 5] on the CPU"),
    ] {
        let refused = candle.eval(&[fine.clone(), unfit]).unwrap_err();
        let expected =
            format!("input \"noise\" is {got}, expected f32 [2, 3, 4, 5] with n above 0 on the CPU");
        assert_eq!(refused.to_string(), expected);
    }
    let empty = Tensor::zeros((0, 3, 4, 5), DType::F32, &Device::Cpu)?;
    let refused = candle.eval(&[empty.clone(), empty]);
    assert!(matches!(refused, Err(Error::Input { ref name, .. }) if name == "image"), "{refused:?}");
    Ok(())
}

#[test]
fn unfit_weights_are_named_and_linear_layers_fit() -> Result<()> {
    let net = blocks()?;
    let mut params = Params::init(&net, 1);
    params.insert("head.weight", vec![1, 4], vec![0.5; 4])?;
    let candle = CandleNet::new(&net, &params, &Policy::default(), &Device::Cpu)?;
    assert_eq!(candle.export()?.get("head.weight").unwrap().shape(), [1, 4, 1, 1]);
    params.remove("layer1.bn.weight");
    let refused = CandleNet::new(&net, &params, &Policy::default(), &Device::Cpu);
    assert!(
        matches!(refused, Err(Error::Nets(madenet_nets::Error::MissingParam { ref name, .. })) if name == "layer1.bn.weight")
    );
    Ok(())
}

/// Rows of features pass a network as `n x c x 1 x 1` and, as an image of them, location by location.
#[test]
fn rows_and_images_of_features_agree() -> Result<()> {
    let head = |h, w| {
        let mut b = Builder::new();
        let x = b.input("x", Shape::new(5, h, w));
        let y = b.conv2d("fc1", x, conv(6, 1, 1, 0).with_bias())?;
        let y = b.batch_norm("bn", y)?;
        let y = b.leaky_relu(y, 0.2)?;
        let y = b.conv2d("fc2", y, conv(1, 1, 1, 0))?;
        b.output("y", y)?;
        Ok::<_, madenet_nets::Error>(b.finish())
    };
    let mut rows = candle(&head(1, 1)?, &Policy::default())?;
    let mut image = candle(&head(3, 4)?, &Policy::default())?;
    let x = numbers(0, &[2, 5, 3, 4]);
    let as_rows = x.permute((0, 2, 3, 1))?.reshape((24, 5, 1, 1))?;
    let a = rows.train(&[as_rows], KEY)?;
    let b = image.train(&[x], KEY)?;
    // Sums of 24 values in different orders.
    assert_close(&a[0].flatten_all()?, &b[0].flatten_all()?, 1e-6, "outputs");
    let (a, b) = (a[0].sqr()?.sum_all()?.backward()?, b[0].sqr()?.sum_all()?.backward()?);
    for ((name, v), (_, w)) in rows.vars().zip(image.vars()) {
        assert_close(a.get(v).unwrap(), b.get(w).unwrap(), 2e-5, name);
    }
    Ok(())
}

#[test]
fn a_network_crosses_threads() {
    fn check<T: Send + Sync>() {}
    check::<CandleNet>();
    check::<Optimiser>();
    check::<Error>();
}
