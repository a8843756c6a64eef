//! `EfficientNet` against candle-transformers, another implementation of the same networks: with TensorFlow's "same" padding and
//! eps 1e-3, and with torchvision's names.

use std::collections::HashMap;
use std::error::Error;

use candle_core::{DType, Device, Module, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::efficientnet::{self, MBConvConfig};
use madenet_nets::{Builder, EfficientNet, EfficientNetWeights, Params, Plan, Shape};
use madenet_testing::{assert_close, formula_input, formula_params};

/// Largest error relative to the largest logit; both sum in single precision, in another order.
const TOLERANCE: f64 = 1e-5;
const BATCH: usize = 2;
const CLASSES: usize = 11;

type TestResult = Result<(), Box<dyn Error>>;

#[test]
fn b0_equals_candles() -> TestResult {
    agrees(EfficientNet::B0, MBConvConfig::b0(), (75, 94))
}

#[test]
fn b4_equals_candles() -> TestResult {
    agrees(EfficientNet::B4, MBConvConfig::b4(), (64, 75))
}

fn agrees(network: EfficientNet, theirs: Vec<MBConvConfig>, (h, w): (usize, usize)) -> TestResult {
    let mut b = Builder::new();
    let image = b.input("image", Shape::new(3, h, w));
    let logits = network.classifier(&mut b, image, EfficientNetWeights::TensorFlow, CLASSES)?;
    b.output("logits", logits)?;
    let net = b.finish();
    let params = formula_params(&net);
    let input = formula_input("image", BATCH * 3 * h * w);

    let theirs = efficientnet::EfficientNet::new(var_builder(&params)?, theirs, CLASSES)?;
    let expected = theirs.forward(&Tensor::from_slice(&input, (BATCH, 3, h, w), &Device::Cpu)?)?;
    let expected: Vec<f32> = expected.flatten_all()?.to_vec1()?;

    let plan = Plan::new(&net, &params)?;
    let mut workspace = plan.workspace();
    let outputs = plan.run(&[&input], &mut workspace)?;
    let got = outputs.get("logits").ok_or("no logits")?;
    assert_close(network.name(), got, &expected, TOLERANCE);
    Ok(())
}

fn var_builder(params: &Params) -> Result<VarBuilder<'static>, Box<dyn Error>> {
    let mut tensors = HashMap::new();
    for (name, param) in params.iter() {
        let theirs = torchvision_name(name).ok_or_else(|| format!("no name for {name}"))?;
        let shape = match param.shape() {
            // Their classifier is a linear layer.
            [out, c, 1, 1] if name == "classifier.weight" => vec![*out, *c],
            shape => shape.to_vec(),
        };
        tensors.insert(theirs, Tensor::from_slice(param.values(), shape, &Device::Cpu)?);
    }
    Ok(VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu))
}

const OUTSIDE: [(&str, &str); 5] = [
    ("conv_stem", "features.0.0"),
    ("bn1", "features.0.1"),
    ("conv_head", "features.8.0"),
    ("bn2", "features.8.1"),
    ("classifier", "classifier.1"),
];
/// Layers of a block of stage 0, which does not expand.
const PLAIN: [(&str, &str); 6] = [
    ("conv_dw", "0.0"),
    ("bn1", "0.1"),
    ("se.conv_reduce", "1.fc1"),
    ("se.conv_expand", "1.fc2"),
    ("conv_pw", "2.0"),
    ("bn2", "2.1"),
];
const EXPANDED: [(&str, &str); 8] = [
    ("conv_pw", "0.0"),
    ("bn1", "0.1"),
    ("conv_dw", "1.0"),
    ("bn2", "1.1"),
    ("se.conv_reduce", "2.fc1"),
    ("se.conv_expand", "2.fc2"),
    ("conv_pwl", "3.0"),
    ("bn3", "3.1"),
];

/// torchvision's name of a parameter that timm names so: `blocks.1.0.bn3.bias` is `features.2.0.block.3.1.bias`.
fn torchvision_name(name: &str) -> Option<String> {
    let (layer, parameter) = name.rsplit_once('.')?;
    let find = |table: &[(&str, &'static str)], layer| table.iter().find(|t| t.0 == layer).map(|t| t.1);
    let Some(inside) = layer.strip_prefix("blocks.") else {
        return Some(format!("{}.{parameter}", find(&OUTSIDE, layer)?));
    };
    let (stage, inside) = inside.split_once('.')?;
    let (block, layer) = inside.split_once('.')?;
    let table = if stage == "0" { &PLAIN[..] } else { &EXPANDED };
    let stage: usize = stage.parse().ok()?;
    Some(format!("features.{}.{block}.block.{}.{parameter}", stage + 1, find(table, layer)?))
}

#[test]
fn names_are_torchvisions() {
    let name = |timm| torchvision_name(timm).unwrap_or_default();
    assert_eq!(name("conv_stem.weight"), "features.0.0.weight");
    assert_eq!(name("blocks.0.1.conv_pw.weight"), "features.1.1.block.2.0.weight");
    assert_eq!(name("blocks.1.0.bn3.bias"), "features.2.0.block.3.1.bias");
    assert_eq!(name("blocks.6.1.se.conv_reduce.bias"), "features.7.1.block.2.fc1.bias");
}
