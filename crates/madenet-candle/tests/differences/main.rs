//! Outputs and gradients of `Tape`, of every operation in every argument, against definitions in double precision and their
//! central differences.
#![allow(clippy::unwrap_used)]

mod naive;

use candle_core::{DType, Device, Tensor};
use madenet_candle::{Engine, Policy, Result, StepKey, Tape, TapeOptions};
use madenet_nets::{
    Activation, Builder, ConvTranspose2d, Interpolation, Net, Padding, Pool2d, Shape, Val, conv,
    conv_transpose,
};
use madenet_testing::{formula_input, formula_params, formula_values};
use naive::Value;

/// Largest difference relative to a tensor's largest value. `Tape` sums up to a thousand products in single precision; it was found
/// to be within 1e-6, and other instruction sets sum in another order. Differences are far more exact: with a step of 1e-4,
/// truncation is 1e-8 of third derivatives near 1, and rounding 1e-12.
const TOLERANCE: f64 = 5e-6;
const STEP: f64 = 1e-4;

/// Values of a tensor at which differences are taken, spread over it.
const PLACES: usize = 48;

const BATCH: usize = 2;

fn to_f64(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

/// The weights of output number `i` in the loss.
fn loss_weights(i: usize, dims: &[usize]) -> Vec<f32> {
    formula_values(&format!("loss{i}"), &[dims.iter().product::<usize>(), 1])
        .iter()
        .map(|v| 0.4 * v)
        .collect()
}

#[track_caller]
fn assert_close(what: &str, got: &[f64], expected: &[f64], scale: f64) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (i, (g, e)) in got.iter().zip(expected).enumerate() {
        let error = (g - e).abs() / scale;
        assert!(error <= TOLERANCE, "{what}: value {i} is {g}, expected {e}, an error of {error:.1e}");
    }
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(1e-3, |m: f64, v| m.max(v.abs()))
}

/// Compares `Tape` with the definitions on a network.
fn check(what: &str, net: &Net) -> Result<()> {
    let params = formula_params(net);
    let inputs = net.inputs().iter().map(|(name, id)| {
        let Shape { c, h, w } = net.nodes()[*id].shape;
        (name.clone(), [BATCH, c, h, w], formula_input(name, BATCH * c * h * w))
    });
    let inputs: Vec<_> = inputs.collect();

    let options = TapeOptions { input_gradients: true, ..TapeOptions::default() };
    let mut tape = Tape::new(net, &params, &Policy::default(), options)?;
    let tensors = inputs.iter().map(|(_, dims, values)| Tensor::from_slice(values, dims, &Device::Cpu));
    let outputs =
        tape.forward(&tensors.collect::<candle_core::Result<Vec<_>>>()?, StepKey { seed: 0, step: 0 })?;
    let mut loss = Tensor::zeros((), DType::F32, &Device::Cpu)?;
    for (i, y) in outputs.iter().enumerate() {
        loss = (loss
            + (y * Tensor::from_vec(loss_weights(i, y.dims()), y.dims(), &Device::Cpu)?)?.sum_all()?)?;
    }
    tape.backward(&loss)?;

    let mut values: Vec<Value> =
        inputs.iter().map(|(_, dims, values)| Value { dims: *dims, values: to_f64(values) }).collect();
    let mut weights: Vec<Vec<f64>> =
        net.params().iter().map(|(name, _)| to_f64(params.get(name).unwrap().values())).collect();
    for (i, (got, expected)) in outputs.iter().zip(naive::run(net, &values, &weights)).enumerate() {
        assert_eq!(got.dims(), expected.dims, "{what}: output {i}");
        let got = to_f64(&got.flatten_all()?.to_vec1()?);
        assert_close(&format!("{what}: output {i}"), &got, &expected.values, largest(&expected.values));
    }

    let loss = |values: &[Value], weights: &[Vec<f64>]| -> f64 {
        let outputs = naive::run(net, values, weights);
        let terms = outputs.iter().enumerate().flat_map(|(i, y)| {
            let weights = loss_weights(i, &y.dims);
            y.values.iter().zip(weights).map(|(y, w)| y * f64::from(w)).collect::<Vec<_>>()
        });
        terms.sum()
    };
    let compare = |name: &str, gradient: &[f32], loss_at: &mut dyn FnMut(usize, f64) -> f64| {
        // Odd, so that the places wander over rows and columns.
        let stride = (gradient.len() / PLACES) | 1;
        let gradient = to_f64(gradient);
        let got: Vec<f64> = gradient.iter().step_by(stride).copied().collect();
        let places = (0..gradient.len()).step_by(stride);
        let expected: Vec<f64> =
            places.map(|at| (loss_at(at, STEP) - loss_at(at, -STEP)) / (2.0 * STEP)).collect();
        assert_close(&format!("{what}: gradient of {name}"), &got, &expected, largest(&gradient));
    };
    for (i, (name, ..)) in inputs.iter().enumerate() {
        let weights = &weights;
        compare(name, &tape.input_gradients()[i], &mut |at, step| {
            let exact = values[i].values[at];
            values[i].values[at] = exact + step;
            let loss = loss(&values, weights);
            values[i].values[at] = exact;
            loss
        });
    }
    tape.for_each(&mut |name, _, gradient| {
        let id = net.params().iter().position(|(other, _)| other == name).unwrap();
        compare(name, gradient, &mut |at, step| {
            let exact = weights[id][at];
            weights[id][at] = exact + step;
            let loss = loss(&values, &weights);
            weights[id][at] = exact;
            loss
        });
        Ok(())
    })
}

/// Compares on a network of one operation.
fn alone(
    what: &str,
    shape: Shape,
    f: impl FnOnce(&mut Builder, Val) -> madenet_nets::Result<Val>,
) -> Result<()> {
    let mut b = Builder::new();
    let x = b.input("x", shape);
    let y = f(&mut b, x)?;
    b.output("y", y)?;
    check(what, &b.finish())
}

#[test]
fn convolutions() -> Result<()> {
    let same = Padding { bottom: 1, right: 1, ..Padding::default() };
    for spec in [
        conv(18, 1, 1, 0).with_bias(),
        conv(18, 1, 2, 0),
        conv(18, 3, 1, 1).with_bias(),
        conv(5, 3, 2, 1),
        conv(5, 3, 2, 0).padding(same).with_bias(),
        conv(5, 3, 1, 2).dilation(2),
        conv(7, 7, 2, 3),
        conv(6, 1, 1, 1).kernel(1, 3),
        conv(18, 3, 1, 1).groups(18).with_bias(),
        conv(18, 5, 2, 2).groups(18),
        conv(18, 3, 2, 0).padding(same).groups(18),
        conv(36, 3, 1, 1).groups(18),
        conv(8, 3, 1, 1).groups(2).with_bias(),
    ] {
        alone(&format!("{spec:?}"), Shape::new(18, 7, 6), |b, x| b.conv2d("conv", x, spec))?;
    }
    // Large enough for Winograd's methods, and few channels as in a first layer.
    alone("winograd", Shape::new(16, 13, 14), |b, x| b.conv2d("conv", x, conv(16, 3, 1, 1)))?;
    alone("stem", Shape::new(3, 13, 14), |b, x| b.conv2d("conv", x, conv(16, 7, 2, 3)))
}

#[test]
fn transposed_convolutions() -> Result<()> {
    let odd = ConvTranspose2d { output_padding: (1, 0), ..ConvTranspose2d::new(3, 2, 1) };
    let grouped = ConvTranspose2d { groups: 2, dilation: 2, ..ConvTranspose2d::new(3, 2, 1) };
    for spec in [
        conv_transpose(17, 4, 2, 1),
        conv_transpose(17, 2, 2, 0).with_bias(),
        conv_transpose(5, 3, 1, 1),
        conv_transpose(17, 3, 2, 1).geometry(odd),
        conv_transpose(6, 3, 2, 1).geometry(grouped).with_bias(),
    ] {
        alone(&format!("{spec:?}"), Shape::new(18, 4, 5), |b, x| b.conv_transpose2d("deconv", x, spec))?;
    }
    Ok(())
}

#[test]
fn pools_and_resizes() -> Result<()> {
    let shape = Shape::new(18, 7, 6);
    let oblong =
        Pool2d { kernel: (3, 2), padding: Padding { top: 1, ..Padding::default() }, ..Pool2d::new(3, 2, 0) };
    for pool in [Pool2d::new(2, 2, 0), Pool2d::new(3, 2, 1), Pool2d::new(3, 1, 1), oblong] {
        alone(&format!("max {pool:?}"), shape, |b, x| b.max_pool2d(x, pool))?;
        for padding in [true, false] {
            alone(&format!("mean {padding} {pool:?}"), shape, |b, x| b.avg_pool2d(x, pool, padding))?;
        }
    }
    alone("global mean", shape, |b, x| b.global_avg_pool(x))?;
    alone("fewer channels", shape, |b, x| b.pool_channels(x, 7))?;
    alone("more channels", shape, |b, x| b.pool_channels(x, 23))?;
    for kernel in [1, 3] {
        alone(&format!("unfold {kernel}"), Shape::new(3, 7, 6), |b, x| b.unfold(x, kernel))?;
    }
    for mode in [
        Interpolation::Nearest,
        Interpolation::Bilinear { align_corners: false },
        Interpolation::Bilinear { align_corners: true },
    ] {
        for size in [(14, 12), (28, 24), (5, 11), (7, 6), (3, 1)] {
            alone(&format!("{mode:?} to {size:?}"), shape, |b, x| b.interpolate(x, size, mode))?;
        }
    }
    Ok(())
}

#[test]
fn single_values_and_channels() -> Result<()> {
    let shape = Shape::new(18, 4, 5);
    for activation in [
        Activation::Identity,
        Activation::Relu,
        Activation::LeakyRelu(0.2),
        Activation::LeakyRelu(-0.5),
        Activation::Silu,
        Activation::Sigmoid,
    ] {
        alone(&format!("{activation:?}"), shape, |b, x| b.activation(x, activation))?;
        // Fused with what stands before.
        alone(&format!("norm, sum and {activation:?}"), shape, |b, x| {
            let y = b.batch_norm("bn", x)?;
            let y = b.add(y, x)?;
            b.activation(y, activation)
        })?;
    }
    alone("batch norm", shape, |b, x| b.batch_norm("bn", x))?;
    alone("sum with itself", shape, |b, x| b.add(x, x))?;
    alone("square", shape, |b, x| b.multiply(x, x))?;
    alone("gate", shape, |b, x| {
        let gate = b.global_avg_pool(x)?;
        b.multiply(x, gate)
    })?;
    alone("joined channels", shape, |b, x| {
        let y = b.sigmoid(x)?;
        b.concat(&[x, y, x])
    })?;
    alone("joined samples", shape, |b, x| {
        let y = b.sigmoid(x)?;
        let y = b.concat_batch(&[x, y, x])?;
        b.batch_norm("bn", y)
    })?;
    let mut b = Builder::new();
    let (x, y) = (b.input("x", shape), b.input("y", shape));
    let sum = b.add(x, y)?;
    let product = b.multiply(x, y)?;
    b.output("sum", sum)?;
    b.output("product", product)?;
    check("two inputs", &b.finish())
}
