//! The whole way in minutes, offline: make a data set, train, measure, look at the pictures.
//!
//! ```text
//! cargo run --release --example quickstart [-- --out DIR] [--weights SOURCE] [--seed S]
//! ```
//!
//! Three categories of procedural SMT boards (drawings, a stand-in for photographs) are made in memory. For each, SFAD is
//! trained on good boards alone, calibrated on others, and measured on a test set of good and defective ones. A table is
//! printed; `DIR` (default `target/quickstart`) gets the models, annotated pictures and a contact sheet.
//!
//! `SOURCE` has pretrained weights of a torchvision ResNet: a `.safetensors` file, or `hub:timm/resnet18.tv_in1k` with the
//! feature `hub`. Without it the backbone's weights are random, and the table says so.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use madenet::data::smt::{Component, SmtBoards, SmtConfig};
use madenet::data::{Dataset, Split, Subset};
use madenet::image::{Image, contact_sheet, save_png};
use madenet::nets::{BackboneSource, Params, ResNet};
use madenet::{
    AnomalyDetector, ErrorChain, Figures, FitConfig, Label, Noise, Preprocessing, Sfad, SfadConfig, evaluate,
};

const USAGE: &str = "quickstart [--out DIR] [--weights SOURCE] [--seed S]";
/// Side of the boards' pictures, and of the network's input.
const SIDE: usize = 192;
/// Good boards of each category, of which the first are trained on and the others calibrated on.
const TRAINING: usize = 200;
const GOOD: usize = 240;
/// The categories: chips and leads.
const COMPONENTS: [Component; 3] = [Component::Resistor, Component::Capacitor, Component::Soic];
/// Good and defective boards of each category to test on.
const TEST: (usize, usize) = (30, 30);
/// Defective boards of each category on the contact sheet; as many good ones are beside them.
const SHOWN: usize = 4;

struct Arguments {
    out: PathBuf,
    weights: Option<BackboneSource>,
    seed: u64,
}

fn main() -> ExitCode {
    match parse().and_then(|arguments| run(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", ErrorChain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    let Arguments { out, weights, seed } = arguments;
    std::fs::create_dir_all(out)?;
    let scratch = BackboneSource::Scratch { backbone: ResNet::ResNet18, seed: *seed };
    let (backbone, params) = weights.as_ref().unwrap_or(&scratch).load()?;
    match weights {
        Some(source) => println!("Backbone: {} from {source}.", backbone.name()),
        None => println!(
            "Backbone: ResNet-18 with random weights, as no --weights are given. It needs no download, and costs accuracy:\n\
             it tells textures apart, not meanings. Here the mean image AUROC is about 0.94; with ImageNet's weights it is\n\
             higher, and on photographs by far."
        ),
    }
    println!(
        "Data: procedural SMT boards, drawn by this program; figures on them say nothing about photographs.\n"
    );
    println!("{:<16} {}", "category", Figures::HEADER);
    let (mut pictures, mut aurocs) = (Vec::new(), Vec::new());
    for component in COMPONENTS {
        let model = fit(component, backbone, params.clone(), *seed)?;
        model.save(out.join(format!("{}.model", component.name())))?;
        let test = boards(component, Split::Test, TEST, *seed)?;
        let report = evaluate(&model, &test)?;
        println!("{:<16} {}", component.name(), report.overall.row());
        aurocs.extend(report.overall.image_auroc);
        pictures.extend(annotate(&model, &test, out)?);
    }
    println!("mean image AUROC {:.4}", aurocs.iter().sum::<f64>() / aurocs.len() as f64);
    let sheet = contact_sheet(&pictures, 2 * SHOWN, (SIDE, SIDE), 4, [255; 3])?;
    save_png(&sheet, out.join("contact_sheet.png"))?;
    println!(
        "\n{:.0} s in all. Pictures and models are in {}.",
        started.elapsed().as_secs_f64(),
        out.display()
    );
    Ok(())
}

fn parse() -> Result<Arguments, Box<dyn Error>> {
    use lexopt::prelude::*;
    let mut arguments = Arguments { out: PathBuf::from("target/quickstart"), weights: None, seed: 42 };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("out") => arguments.out = PathBuf::from(parser.value()?),
            Long("weights") => arguments.weights = Some(parser.value()?.parse()?),
            Long("seed") => arguments.seed = parser.value()?.parse()?,
            _ => return Err(format!("{}; usage: {USAGE}", argument.unexpected()).into()),
        }
    }
    Ok(arguments)
}

/// Boards of one category, drawn when asked for.
fn boards(
    component: Component,
    split: Split,
    (normal, anomalous): (usize, usize),
    seed: u64,
) -> Result<SmtBoards, Box<dyn Error>> {
    let config =
        SmtConfig { width: SIDE, height: SIDE, normal, anomalous, seed, ..SmtConfig::new(component) };
    Ok(SmtBoards::new(config, split)?)
}

fn fit(component: Component, backbone: ResNet, params: Params, seed: u64) -> Result<Sfad, Box<dyn Error>> {
    let good = boards(component, Split::Train, (GOOD, 0), seed)?;
    // A threshold from boards that were trained on would be too low.
    let (training, validation) = (Subset::new(&good, 0..TRAINING)?, Subset::new(&good, TRAINING..GOOD)?);
    // A smaller head and larger steps than the presets', to fit in half a minute; early layers, as random weights lose
    // more of the picture with every layer.
    let config = SfadConfig {
        backbone: backbone.name().to_string(),
        layers: vec!["layer1".to_string(), "layer2".to_string()],
        preprocessing: Preprocessing::imagenet(SIDE, SIDE),
        hidden: 256,
        ..SfadConfig::fast()
    };
    let fit = FitConfig {
        seed,
        iterations: 400,
        noise: Noise::Relative(0.3),
        lr_adaptor: 1e-3,
        lr_discriminator: 2e-3,
        ..FitConfig::fast()
    };
    Ok(Sfad::fit(&config, &fit, params, &training, &validation, &mut ())?)
}

/// Writes an annotated picture of every defective board; gives the first of good and defective ones for the sheet.
fn annotate(model: &Sfad, test: &SmtBoards, out: &Path) -> Result<Vec<Image>, Box<dyn Error>> {
    let (mut good, mut defective) = (Vec::new(), Vec::new());
    for index in 0..test.len() {
        let sample = test.get(index)?;
        let shown = if sample.label == Label::Normal { &mut good } else { &mut defective };
        if sample.label == Label::Normal && shown.len() == SHOWN {
            continue;
        }
        let view = sample.image.as_view();
        let picture = model.predict_one(&view)?.annotate(&view)?;
        if sample.label == Label::Anomalous {
            save_png(&picture, out.join(format!("{}.png", sample.id.replace('/', "_"))))?;
        }
        if shown.len() < SHOWN {
            shown.push(picture);
        }
    }
    Ok(good.into_iter().chain(defective).collect())
}
