//! The interpreters that train against PyTorch: outputs in evaluation and in training, gradients and running statistics of
//! every proof network. `tests/fixtures/generate.py` made the expected results.

use std::error::Error;

use candle_core::{DType, Device, Tensor, Var};
use madenet_candle::{CandleNet, Engine, Policy, StepKey, Tape, TapeOptions};
use madenet_nets::{Net, Params};
use madenet_testing::{Proof, assert_close, assert_gradient_close, proofs};

/// Largest difference of an output or a running statistic, relative to the tensor's largest value.
///
/// PyTorch's float32 results lie within 1e-6 of its float64 ones (`generate.py` prints it). Ten times that leaves room for
/// another order of summation, and none for a wrong constant, border or pixel.
const OUTPUT_TOLERANCE: f64 = 1e-5;

/// The same for gradients, which sum over the batch and all locations, and which a normalisation's backward pass takes
/// differences of: PyTorch's lie within 2e-6.
const GRADIENT_TOLERANCE: f64 = 1e-4;

type Outcome = Result<(), Box<dyn Error>>;

macro_rules! networks {
    ($($name:ident),*) => {
        $(
            #[test]
            fn $name() -> Outcome {
                agrees(stringify!($name))
            }
        )*

        #[test]
        fn no_network_is_left_out() {
            let names: Vec<&str> = proofs().iter().map(|proof| proof.name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

networks!(toy_resnet, hrnet_fusion, unet6, mbconv, discriminator);

fn agrees(name: &str) -> Outcome {
    let proof = proofs().into_iter().find(|proof| proof.name == name).ok_or("no such proof network")?;
    let fixture = proof.fixture();
    let candle = CandleNet::new(&proof.net, &proof.params(), &Policy::default(), &Device::Cpu)?;
    let inputs: Vec<Tensor> = input_vars(&proof)?.iter().map(|(_, var)| var.as_tensor().clone()).collect();
    outputs_agree("eval", &proof.net, &candle.eval(&inputs)?, &fixture)?;
    for step in [on_candle(&proof, candle)?, on_tape(&proof)?] {
        outputs_agree("train", &proof.net, &step.outputs, &fixture)?;
        gradients_agree(&proof, &step, &fixture)?;
        running_statistics_agree(&step.after, &fixture)?;
    }
    Ok(())
}

/// What a training step gives: outputs, gradients by the name of the parameter or input, all parameters after it.
struct Step {
    outputs: Vec<Tensor>,
    gradients: Vec<(String, Vec<f32>)>,
    input_gradients: Vec<(String, Vec<f32>)>,
    after: Params,
}

const KEY: StepKey = StepKey { seed: Proof::SEED, step: Proof::STEP };

fn on_candle(proof: &Proof, mut net: CandleNet) -> Result<Step, Box<dyn Error>> {
    let inputs = input_vars(proof)?;
    let tensors: Vec<Tensor> = inputs.iter().map(|(_, var)| var.as_tensor().clone()).collect();
    let outputs = net.train(&tensors, KEY)?;
    let found = loss(proof, &outputs)?.backward()?;
    let gradient = |name: &str, var: &Var| {
        let gradient = found.get(var).ok_or_else(|| format!("no gradient reached {name}"))?;
        assert_eq!(gradient.dims(), var.dims(), "gradient of {name}");
        Ok::<_, Box<dyn Error>>((name.to_string(), values(gradient)?))
    };
    Ok(Step {
        gradients: net.vars().map(|(name, var)| gradient(name, var)).collect::<Result<_, _>>()?,
        input_gradients: inputs.iter().map(|(name, var)| gradient(name, var)).collect::<Result<_, _>>()?,
        after: net.export()?,
        outputs,
    })
}

fn on_tape(proof: &Proof) -> Result<Step, Box<dyn Error>> {
    let options = TapeOptions { input_gradients: true, ..TapeOptions::default() };
    let mut tape = Tape::new(&proof.net, &proof.params(), &Policy::default(), options)?;
    let inputs = input_vars(proof)?;
    let tensors: Vec<Tensor> = inputs.iter().map(|(_, var)| var.as_tensor().clone()).collect();
    let outputs = tape.forward(&tensors, KEY)?;
    tape.backward(&loss(proof, &outputs)?)?;
    let mut gradients = Vec::new();
    tape.for_each(&mut |name, _, gradient| {
        gradients.push((name.to_string(), gradient.to_vec()));
        Ok(())
    })?;
    let names = inputs.into_iter().map(|(name, _)| name);
    let input_gradients = names.zip(tape.input_gradients().iter().cloned()).collect();
    Ok(Step { gradients, input_gradients, after: tape.export()?, outputs })
}

fn input_vars(proof: &Proof) -> Result<Vec<(String, Var)>, candle_core::Error> {
    let var = |values, shape: [usize; 4]| Var::from_vec(values, shape.to_vec(), &Device::Cpu);
    proof.inputs().into_iter().map(|input| Ok((input.name, var(input.values, input.shape)?))).collect()
}

fn outputs_agree(mode: &str, net: &Net, outputs: &[Tensor], fixture: &Params) -> Outcome {
    assert_eq!(outputs.len(), net.outputs().len());
    for ((name, _), output) in net.outputs().iter().zip(outputs) {
        let name = format!("{mode}.{name}");
        let expected = fixture.get(&name).ok_or_else(|| format!("the fixture lacks {name}"))?;
        assert_eq!(output.dims(), expected.shape(), "{name}");
        assert_close(&name, &values(output)?, expected.values(), OUTPUT_TOLERANCE);
    }
    Ok(())
}

/// The fixture's loss: the sum over all outputs of `sum(output * weights)`.
fn loss(proof: &Proof, outputs: &[Tensor]) -> Result<Tensor, candle_core::Error> {
    let mut loss = Tensor::zeros((), DType::F32, &Device::Cpu)?;
    for (output, weights) in outputs.iter().zip(proof.loss_weights()) {
        let weights = Tensor::from_vec(weights, output.dims().to_vec(), &Device::Cpu)?;
        loss = (loss + (output * weights)?.sum_all()?)?;
    }
    Ok(loss)
}

fn gradients_agree(proof: &Proof, step: &Step, fixture: &Params) -> Outcome {
    for (name, gradient) in &step.gradients {
        assert_gradient_close(fixture, name, gradient, GRADIENT_TOLERANCE);
    }
    let trained = proof.net.params().iter().filter(|(_, spec)| spec.role.is_trained()).count();
    assert_eq!(step.gradients.len(), trained);
    for (input, gradient) in &step.input_gradients {
        let name = format!("grad_input.{input}");
        let expected = fixture.get(&name).ok_or_else(|| format!("the fixture lacks {name}"))?;
        assert_close(&name, gradient, expected.values(), GRADIENT_TOLERANCE);
    }
    Ok(())
}

fn running_statistics_agree(exported: &Params, fixture: &Params) -> Outcome {
    for (name, expected) in fixture.iter() {
        if let Some(buffer) = name.strip_prefix("running.") {
            let got = exported.get(buffer).ok_or_else(|| format!("the export lacks {buffer}"))?;
            assert_eq!(got.shape(), expected.shape(), "{name}");
            assert_close(name, got.values(), expected.values(), OUTPUT_TOLERANCE);
        }
    }
    Ok(())
}

fn values(tensor: &Tensor) -> Result<Vec<f32>, candle_core::Error> {
    tensor.flatten_all()?.to_vec1()
}
