//! Writes networks as ONNX models, with weights by formula, inputs, and what `Plan` gives for them.
//!
//! ```sh
//! cargo run --release -p madenet-nets --features onnx --example export_onnx -- FOLDER checks
//! cargo run --release -p madenet-nets --features onnx --example export_onnx -- FOLDER resnet18 draem_unet@8
//! ```
//!
//! `checks` stands for all that `tests/fixtures/check_onnx.py` compares: the backbones at 64x64, the proof networks, the
//! remaining operations, and a network that takes pixels. Other names are those of the benchmark, `benches/peers/networks.py`,
//! with the size of the batch behind `@`, 1 without.
//!
//! Of each network it writes `NAME.onnx`; `NAME.batchN.safetensors` with the tensors `input.INPUT` and `output.OUTPUT`; and
//! of the benchmark's `NAME.weights.safetensors`. A line a network says how it was written.

mod networks;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use madenet_nets::{
    Builder, EfficientNet, EfficientNetWeights, HrNet, Interpolation, Net, OnnxModel, OnnxOptions,
    OnnxPixels, Params, Plan, ResNet, Result, Shape, Tap, Val,
};
use madenet_testing::{formula_input, formula_params, nets, proofs};

type Outcome = std::result::Result<(), Box<dyn Error>>;

/// ImageNet's statistics, and pixels of 8 bits.
const WHITE: f32 = 255.0;
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const STD: [f32; 3] = [0.229, 0.224, 0.225];

fn main() -> Outcome {
    let mut arguments = std::env::args().skip(1);
    let folder =
        PathBuf::from(arguments.next().ok_or("expected a folder, then names of networks or checks")?);
    fs::create_dir_all(&folder)?;
    for name in arguments {
        if name == "checks" {
            write_checks(&folder)?;
        } else {
            let (name, batch) = name.split_once('@').unwrap_or((&name, "1"));
            let export = Export::new(name, networks::record(name)?);
            export.write(&folder, &[batch.parse()?])?;
            let weights = export.params.to_safetensors(None)?;
            fs::write(folder.join(format!("{name}.weights.safetensors")), weights)?;
        }
    }
    Ok(())
}

fn write_checks(folder: &Path) -> Outcome {
    for (name, net) in backbones()? {
        Export::new(name, net).write(folder, &[1, 2])?;
    }
    for proof in proofs() {
        Export::new(proof.name, proof.net.clone()).write(folder, &[1, proof.batch])?;
    }
    Export::new("patchwork", nets::patchwork()).write(folder, &[1, 2])?;
    let pixels = OnnxPixels { white: WHITE, mean: MEAN.to_vec(), std: STD.to_vec() };
    let mut export = Export::new("toy_resnet_of_pixels", nets::toy_resnet());
    export.options = export.options.pixels("image", pixels).metadata("classes", "good,scratch");
    export.write(folder, &[1, 2])
}

/// The backbones with the maps that others build on. A line makes another family.
fn backbones() -> Result<Vec<(&'static str, Net)>> {
    let mut nets = Vec::new();
    for net in ResNet::ALL {
        let layers = ["layer1", "layer2", "layer3", "layer4"];
        nets.push((net.name(), backbone(|b, x| net.features(b, x, &layers))?));
    }
    for net in HrNet::ALL {
        let features = |b: &mut Builder, x| Ok(net.features(b, x, Interpolation::Nearest)?.to_vec());
        nets.push((net.name(), backbone(features)?));
    }
    for (net, weights) in [
        (EfficientNet::B0, EfficientNetWeights::TensorFlow),
        (EfficientNet::B4, EfficientNetWeights::PyTorch),
    ] {
        let layers = ["blocks.0", "blocks.1", "blocks.2", "blocks.4", "blocks.6"];
        nets.push((net.name(), backbone(|b, x| net.features(b, x, weights, &layers))?));
    }
    Ok(nets)
}

fn backbone(features: impl FnOnce(&mut Builder, Val) -> Result<Vec<Tap>>) -> Result<Net> {
    let mut b = Builder::new();
    let image = b.input("image", Shape::new(3, 64, 64));
    for tap in features(&mut b, image)? {
        b.output(tap.name, tap.val)?;
    }
    Ok(b.finish())
}

/// A network with its weights, to be written.
struct Export {
    net: Net,
    params: Params,
    options: OnnxOptions,
}

impl Export {
    fn new(name: &str, net: Net) -> Self {
        let params = formula_params(&net);
        Export { net, params, options: OnnxOptions::new(name) }
    }

    /// Writes the model, and for each size of batch inputs and results.
    fn write(&self, folder: &Path, batches: &[usize]) -> Outcome {
        let name = &self.options.name;
        let model = OnnxModel::new(&self.net, &self.params, &self.options)?;
        model.write(folder.join(format!("{name}.onnx")))?;
        for &batch in batches {
            let results = self.results(batch)?.to_safetensors(None)?;
            fs::write(folder.join(format!("{name}.batch{batch}.safetensors")), results)?;
        }
        println!("{name}: {} operations, {} bytes", self.net.nodes().len(), model.size());
        Ok(())
    }

    /// The inputs as the model takes them, and the outputs.
    fn results(&self, batch: usize) -> Result<Params> {
        let mut tensors = Params::new();
        let mut inputs = Vec::new();
        for (name, id) in self.net.inputs() {
            let Shape { c, h, w } = self.net.nodes()[*id].shape;
            let mut values = formula_input(name, batch * c * h * w);
            let given = match self.options.pixels.get(name) {
                Some(pixels) => {
                    // Whole values from 0 to white, and what the network takes for them.
                    let given: Vec<f32> =
                        values.iter().map(|v| ((v + 1.0) / 2.0 * pixels.white).round()).collect();
                    for (i, (value, given)) in values.iter_mut().zip(&given).enumerate() {
                        let channel = i / (h * w) % c;
                        *value = (given / pixels.white - pixels.mean[channel]) / pixels.std[channel];
                    }
                    given
                }
                None => values.clone(),
            };
            tensors.insert(format!("input.{name}"), vec![batch, c, h, w], given)?;
            inputs.push(values);
        }
        let plan = Plan::new(&self.net, &self.params)?;
        let mut workspace = plan.workspace();
        let slices: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
        for (name, Shape { c, h, w }, values) in plan.run(&slices, &mut workspace)?.iter() {
            let samples = values.len() / (c * h * w);
            tensors.insert(format!("output.{name}"), vec![samples, c, h, w], values.to_vec())?;
        }
        Ok(tensors)
    }
}
