//! One training step of whole networks against PyTorch: outputs, every parameter's gradient, running statistics.
//! `tests/fixtures/generate.py` made the expected results.

use std::collections::BTreeMap;
use std::error::Error;

use candle_core::{DType, Device, Tensor};
use madenet_candle::{CandleNet, Engine, Policy, StepKey, Tape, TapeOptions, Treatment};
use madenet_nets::{
    Builder, EfficientNet, EfficientNetWeights, HrNet, Interpolation, Net, Params, ResNet, Shape, UNet, Val,
};
use madenet_testing::{assert_digests_close, damped_formula_params, fixture, formula_input, formula_values};

/// Largest difference of an output or a running statistic, relative to the tensor's largest value. PyTorch's float32 results
/// lie within 4e-6 of its float64 ones, as `generate.py` prints.
const OUTPUT_TOLERANCE: f64 = 4e-5;
/// The same for gradients, which are within 2.2e-5 there (EfficientNet; the others 7e-6).
const GRADIENT_TOLERANCE: f64 = 2e-4;

type Outcome = Result<(), Box<dyn Error>>;
type Recorded<T = ()> = Result<T, madenet_nets::Error>;

/// A network of the fixture `step_NAME`.
struct Network {
    name: &'static str,
    net: Net,
    params: Params,
    policy: Policy,
}

const BATCH: usize = 2;

#[test]
fn resnet18() -> Outcome {
    let net = record((3, 96), |b, x| {
        let [layer4] = ResNet::ResNet18.features(b, x, &["layer4"])?[..] else { return Ok(()) };
        b.output(layer4.name, layer4.val)
    })?;
    let params = shifted_formula_params(&net, 1.0, 1.0)?;
    agrees(Network { name: "resnet18", net, params, policy: Policy::default() })
}

#[test]
fn hrnet_w18_small() -> Outcome {
    let net = record((3, 96), |b, x| {
        let taps = HrNet::W18Small.features(b, x, Interpolation::Nearest)?;
        taps.into_iter().try_for_each(|tap| b.output(tap.name, tap.val))
    })?;
    let params = shifted_formula_params(&net, 0.5, 2.0)?;
    agrees(Network { name: "hrnet_w18_small", net, params, policy: Policy::default() })
}

#[test]
fn unet() -> Outcome {
    let net = record((6, 64), |b, x| {
        let logits = UNet { width: 16, classes: 2 }.logits(b, x)?;
        b.output("logits", logits)
    })?;
    let params = shifted_formula_params(&net, 1.0, 1.0)?;
    agrees(Network { name: "unet", net, params, policy: Policy::default() })
}

/// Nothing is dropped: what drops is frozen.
#[test]
fn efficientnet_b0() -> Outcome {
    let net = record((3, 96), |b, x| {
        let logits = EfficientNet::B0.classifier(b, x, EfficientNetWeights::PyTorch, 10)?;
        b.output("logits", logits)
    })?;
    let drops = net.nodes().iter().map(|node| &node.path).filter(|path| path.contains("drop"));
    let policy = drops.fold(Policy::default(), |policy, path| policy.with(path, Treatment::Freeze));
    let params = damped_formula_params(&net, 1.0);
    agrees(Network { name: "efficientnet_b0", net, params, policy })
}

/// Formula parameters with biases about `shift`: see `SHIFTS` of the script.
fn shifted_formula_params(net: &Net, gain: f32, shift: f32) -> Recorded<Params> {
    let mut params = Params::new();
    for (name, param) in damped_formula_params(net, gain).iter() {
        let shift = if name.ends_with(".bias") { shift } else { 0.0 };
        params.insert(name, param.shape().to_vec(), param.values().iter().map(|v| v + shift).collect())?;
    }
    Ok(params)
}

fn record(
    (channels, side): (usize, usize),
    network: impl FnOnce(&mut Builder, Val) -> Recorded,
) -> Recorded<Net> {
    let mut b = Builder::new();
    let image = b.input("image", Shape::new(channels, side, side));
    network(&mut b, image)?;
    Ok(b.finish())
}

fn agrees(network: Network) -> Outcome {
    // candle walks the graph by recursion.
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(move || {
        let Network { name, net, params, policy } = &network;
        let candle = CandleNet::new(net, params, policy, &Device::Cpu).map_err(|e| e.to_string())?;
        let tape = Tape::new(net, params, policy, TapeOptions::default()).map_err(|e| e.to_string())?;
        let engines: [(&str, Box<dyn Engine>); 2] =
            [("CandleNet", Box::new(candle)), ("Tape", Box::new(tape))];
        for (engine_name, mut engine) in engines {
            let errors = step(name, engine.as_mut()).map_err(|e| e.to_string())?;
            println!("{name} on {engine_name}: {errors}");
        }
        Ok::<_, String>(())
    })?;
    Ok(thread.join().map_err(|_| "a result is not PyTorch's")??)
}

/// Takes the step and compares; gives the largest errors in words.
fn step(name: &str, engine: &mut dyn Engine) -> Result<String, Box<dyn Error>> {
    let fixture = fixture(&format!("step_{name}"));
    let net = engine.net().clone();
    let shape = net.nodes()[net.inputs()[0].1].shape;
    let image = formula_input("image", BATCH * shape.len());
    let image = Tensor::from_vec(image, (BATCH, shape.c, shape.h, shape.w), &Device::Cpu)?;
    let outputs = engine.forward(&[image], StepKey { seed: 0, step: 0 })?;
    let mut loss = Tensor::zeros((), DType::F32, &Device::Cpu)?;
    for ((name, _), output) in net.outputs().iter().zip(&outputs) {
        let weights = formula_values(&format!("loss:{name}"), output.dims());
        let weights = Tensor::from_vec(weights, output.dims(), &Device::Cpu)?;
        loss = (loss + (output * weights)?.sum_all()?)?;
    }
    engine.backward(&loss)?;

    let names = net.outputs().iter().map(|(name, _)| name.clone());
    let values = outputs.iter().map(|output| output.flatten_all()?.to_vec1());
    let values = values.collect::<Result<Vec<_>, candle_core::Error>>()?;
    let (mut gradients, mut running) = (BTreeMap::new(), BTreeMap::new());
    engine.for_each(&mut |name, _, gradient| {
        gradients.insert(name.to_string(), gradient.to_vec());
        Ok(())
    })?;
    engine.for_each_statistic(&mut |name, statistic| {
        running.insert(name.to_string(), statistic.to_vec());
        Ok(())
    })?;
    Ok(format!(
        "outputs {:.1e}, gradients {:.1e}, running statistics {:.1e}",
        assert_digests_close(&fixture, "train", &names.zip(values).collect(), OUTPUT_TOLERANCE),
        assert_digests_close(&fixture, "grad", &gradients, GRADIENT_TOLERANCE),
        assert_digests_close(&fixture, "running", &running, OUTPUT_TOLERANCE),
    ))
}
