//! Trains LPD on a folder of photographs and saves the model.
//!
//! ```text
//! cargo run --release --example train_lpd -- DIR --out MODEL --weights resnet18.safetensors
//! ```
//!
//! `DIR` is a category of MVTec AD (`train/good`, `test/...`, `ground_truth/...`), of a tree with real defects in its training
//! part too (`train/scratch`), or simply a folder of good images. `--weights` has ImageNet weights of a torchvision ResNet, to
//! layer3 at least; without them the network starts from scratch. `--fine-tune` goes on with the real defects of the training part. A
//! training that was interrupted goes on where its last checkpoint was, beside the model, when it is started again. With a test
//! part, the metrics on it are printed at the end of each stage.

mod common;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use common::{CHECKPOINT, VALIDATION_SHARE, beside, progress, without};
use madenet::candle::CheckpointConfig;
use madenet::data::{MvtecAd, Records, Split};
use madenet::lpd::{FineTuneConfig, Lpd, LpdConfig, LpdFitConfig, LpdMap, LpdTrainer};
use madenet::nets::Params;
use madenet::{ErrorChain, evaluate};

const USAGE: &str = "train_lpd DIR --out MODEL [--preset fast|paper|tiny] [--weights FILE] [--map dense|gradcam] \
                     [--steps N] [--batch N] [--seed S] [--fine-tune]";

struct Arguments {
    folder: PathBuf,
    out: PathBuf,
    config: LpdConfig,
    fit: LpdFitConfig,
    weights: Option<PathBuf>,
    fine_tune: bool,
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
    let (folder, out) = (&arguments.folder, &arguments.out);
    let train = MvtecAd::open(folder, Split::Train)?;
    let (normal, validation) = train.normal().hold_out(VALIDATION_SHARE, arguments.fit.seed)?;
    let test = if MvtecAd::has_test(folder) { Some(MvtecAd::open(folder, Split::Test)?) } else { None };
    let mut trainer = LpdTrainer::new(arguments.config.clone(), arguments.fit.clone());
    trainer.backbone = arguments.weights.as_deref().map(Params::read).transpose()?;
    let checkpoint = beside(out, "checkpoint");
    trainer.checkpoint = Some(CheckpointConfig { path: checkpoint.clone(), every: CHECKPOINT });

    let started = Instant::now();
    let model = trainer.fit(&normal, &validation, &mut progress)?;
    println!("stage 1 in {:.0} s", started.elapsed().as_secs_f64());
    model.save(out)?;
    // The model is saved: the states that led to it are of no more use.
    std::fs::remove_file(&checkpoint)?;
    if trainer.backbone.is_some() {
        std::fs::remove_file(beside(out, "checkpoint.warm-up"))?;
    }
    report(&model, test.as_ref())?;
    if !arguments.fine_tune {
        return Ok(());
    }
    let training = without(&train, &validation);
    trainer.checkpoint = None;
    let tuning = FineTuneConfig::after(&arguments.fit);
    let started = Instant::now();
    let model = trainer.fine_tune(&model, &tuning, &training, &validation, &mut progress)?;
    println!("stage 2 in {:.0} s", started.elapsed().as_secs_f64());
    model.save(out)?;
    report(&model, test.as_ref())
}

fn report(model: &Lpd, test: Option<&Records>) -> Result<(), Box<dyn Error>> {
    if let Some(test) = test {
        println!("{}", evaluate(model, test)?);
    }
    Ok(())
}

fn parse() -> Result<Arguments, Box<dyn Error>> {
    use lexopt::prelude::*;
    let (mut folder, mut out, mut weights, mut map) = (None, None, None, None);
    let (mut preset, mut steps, mut batch, mut seed) = ("fast".to_string(), None, None, 42);
    let mut fine_tune = false;
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("out") => out = Some(PathBuf::from(parser.value()?)),
            Long("preset") => preset = parser.value()?.string()?,
            Long("weights") => weights = Some(PathBuf::from(parser.value()?)),
            Long("map") => {
                map = Some(match parser.value()?.string()?.as_str() {
                    "dense" => LpdMap::Dense,
                    "gradcam" => LpdMap::GradCam,
                    other => return Err(format!("the map {other:?} is unknown; usage: {USAGE}").into()),
                })
            }
            Long("steps") => steps = Some(parser.value()?.parse()?),
            Long("batch") => batch = Some(parser.value()?.parse()?),
            Long("seed") => seed = parser.value()?.parse()?,
            Long("fine-tune") => fine_tune = true,
            Value(value) if folder.is_none() => folder = Some(PathBuf::from(value)),
            _ => return Err(format!("{}; usage: {USAGE}", argument.unexpected()).into()),
        }
    }
    let (config, fit) = match preset.as_str() {
        "fast" => (LpdConfig::fast(), LpdFitConfig::fast()),
        "paper" => (LpdConfig::paper(), LpdFitConfig::paper()),
        "tiny" => (LpdConfig::tiny(), LpdFitConfig::tiny()),
        other => return Err(format!("the preset {other:?} is unknown; usage: {USAGE}").into()),
    };
    let config = LpdConfig { map: map.unwrap_or(config.map), ..config };
    let fit = LpdFitConfig {
        seed,
        iterations: steps.unwrap_or(fit.iterations),
        batch: batch.unwrap_or(fit.batch),
        ..fit
    };
    let (Some(folder), Some(out)) = (folder, out) else {
        return Err(format!("DIR or --out is missing; usage: {USAGE}").into());
    };
    Ok(Arguments { folder, out, config, fit, weights, fine_tune })
}
