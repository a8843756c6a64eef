//! Trains SFAD on a folder of photographs and saves the model.
//!
//! ```text
//! cargo run --release --example train_folder -- DIR --out MODEL --weights SOURCE --size N --seed S
//! ```
//!
//! `DIR` is a category of MVTec AD (`train/good`, `test/...`, `ground_truth/...`) or simply a folder of good images. What
//! every file was taken for is printed first; pictures that cannot be read are named and left out. With a test part, the
//! metrics on it are printed at the end, and it is told at the beginning if a test picture is among the training ones. `SOURCE` has ImageNet weights of a torchvision ResNet: a
//! `.safetensors` or `.pth` file, or `hub:timm/resnet18.tv_in1k` with the feature `hub`; which ResNet it is shows in the
//! shapes. Without it the backbone's weights are random, which costs much accuracy.
//!
//! `--fine-tune` goes on with the real defects of the training part and their masks (`train/scratch`), where there are some, and
//! prints the metrics once more; `--leave-out TYPE` keeps one type of them back, to see whether unknown defects are still found.

mod common;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use common::{VALIDATION_SHARE, progress, without};
use madenet::data::{Content, Entry, MvtecAd, Records, Split, leaks, scan};
use madenet::nets::{BackboneSource, Params, ResNet};
use madenet::sfad::FineTuneConfig;
use madenet::{ErrorChain, FitConfig, Preprocessing, Sfad, SfadConfig, evaluate};

const USAGE: &str = "train_folder DIR --out MODEL [--weights SOURCE] [--size N] [--seed S] [--fine-tune] \
                     [--leave-out TYPE] [--synthetic-share P]";
/// Threads that read pictures while these are checked.
const THREADS: usize = 2;

struct Arguments {
    folder: PathBuf,
    out: PathBuf,
    weights: Option<String>,
    size: usize,
    seed: u64,
    fine_tune: bool,
    leave_out: Option<String>,
    synthetic_share: f32,
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
    let folder = &arguments.folder;
    let scan = scan(folder)?;
    // What every file was taken for, before the minutes of a training.
    eprintln!("{}", scan.report());
    if let [_, _, ..] = scan.categories() {
        let names = scan.categories().join(", ");
        return Err(format!("a model is of one category, choose one of {names}: {}", folder.display()).into());
    }
    let images = readable(&scan.records(Split::Train)?.normal())?;
    let (training, validation) = images.hold_out(VALIDATION_SHARE, arguments.seed)?;
    let test = if MvtecAd::has_test(folder) { Some(readable(&scan.records(Split::Test)?)?) } else { None };
    for leak in test.iter().map(|test| leaks(&images, test, Content::Pixels, THREADS)) {
        leak?.iter().for_each(|leak| eprintln!("warning: {leak}"));
    }
    let (backbone, weights) = backbone(arguments)?;
    let config = SfadConfig {
        backbone: backbone.name().to_string(),
        preprocessing: Preprocessing::imagenet(arguments.size, arguments.size),
        ..SfadConfig::fast()
    };
    let fit = FitConfig { seed: arguments.seed, ..FitConfig::fast() };

    let started = Instant::now();
    let model = Sfad::fit(&config, &fit, weights, &training, &validation, &mut progress)?;
    model.save(&arguments.out)?;
    let seconds = started.elapsed().as_secs_f64();
    println!("{} fitted in {seconds:.1} s: {}", backbone.name(), arguments.out.display());

    if let Some(test) = &test {
        println!("{}", evaluate(&model, test)?);
    }
    if !arguments.fine_tune {
        return Ok(());
    }
    let is_left_out = |entry: &Entry| entry.defect_type.is_some() && entry.defect_type == arguments.leave_out;
    let known =
        readable(&without(&scan.records(Split::Train)?, &validation).filter(|entry| !is_left_out(entry)))?;
    let tuning = FineTuneConfig { synthetic_share: arguments.synthetic_share, ..FineTuneConfig::after(&fit) };
    let started = Instant::now();
    let model = model.fine_tune(&tuning, &known, &validation, &mut progress)?;
    model.save(&arguments.out)?;
    println!("tuned in {:.1} s: {}", started.elapsed().as_secs_f64(), arguments.out.display());
    if let Some(test) = &test {
        println!("{}", evaluate(&model, test)?);
    }
    Ok(())
}

/// The samples that can be read; the others are named, and left out.
fn readable(records: &Records) -> Result<Records, Box<dyn Error>> {
    let (readable, quarantined) = records.quarantine(THREADS)?;
    quarantined.iter().for_each(|bad| eprintln!("left out: {bad}"));
    Ok(readable)
}

fn parse() -> Result<Arguments, Box<dyn Error>> {
    use lexopt::prelude::*;
    let (mut folder, mut out, mut weights, mut size, mut seed) = (None, None, None, 256, 42);
    let (mut fine_tune, mut leave_out, mut synthetic_share) = (false, None, 0.0);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("out") => out = Some(PathBuf::from(parser.value()?)),
            Long("weights") => weights = Some(parser.value()?.string()?),
            Long("size") => size = parser.value()?.parse()?,
            Long("seed") => seed = parser.value()?.parse()?,
            Long("fine-tune") => fine_tune = true,
            Long("leave-out") => leave_out = Some(parser.value()?.string()?),
            Long("synthetic-share") => synthetic_share = parser.value()?.parse()?,
            Value(value) if folder.is_none() => folder = Some(PathBuf::from(value)),
            _ => return Err(format!("{}; usage: {USAGE}", argument.unexpected()).into()),
        }
    }
    match (folder, out) {
        (Some(folder), Some(out)) => {
            Ok(Arguments { folder, out, weights, size, seed, fine_tune, leave_out, synthetic_share })
        }
        _ => Err(format!("DIR or --out is missing; usage: {USAGE}").into()),
    }
}

/// The backbone and its weights.
fn backbone(arguments: &Arguments) -> Result<(ResNet, Params), Box<dyn Error>> {
    let Some(weights) = &arguments.weights else {
        eprintln!("no --weights: the backbone is a ResNet-18 with random weights, expect poor results");
        let scratch = BackboneSource::Scratch { backbone: ResNet::ResNet18, seed: arguments.seed };
        return Ok(scratch.load()?);
    };
    if Path::new(weights).extension().is_some_and(|e| e == "pth" || e == "pt") {
        let params = madenet::candle::read_pth(weights)?;
        return Ok((ResNet::of_weights(&params)?, params));
    }
    Ok(weights.parse::<BackboneSource>()?.load()?)
}
