//! Trains SRAD on a folder of photographs and saves the model.
//!
//! ```text
//! cargo run --release --example train_srad -- DIR --out MODEL
//! ```
//!
//! `DIR` is a category of MVTec AD (`train/good`, `test/...`, `ground_truth/...`), of a tree with real defects in its training
//! part too (`train/scratch`), or simply a folder of good images. Anomalies are synthetic; `--textures` names a folder of DTD
//! whose photographs fill them, procedural textures do without. `--foreground none` puts them anywhere, for surfaces and boards
//! that fill the frame; `--perlin-threshold` below 0.5 makes them larger. `--fine-tune` goes on with the real defects of the training part. A training that was interrupted goes on
//! where its last checkpoint was, beside the model, when it is started again. With a test part, the metrics on it are printed
//! at the end of each stage.

mod common;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use common::{CHECKPOINT, VALIDATION_SHARE, beside, progress, without};
use madenet::candle::CheckpointConfig;
use madenet::data::{MvtecAd, Records, Split};
use madenet::nets::Params;
use madenet::srad::{FineTuneConfig, Srad, SradConfig, SradFitConfig, SradTrainer};
use madenet::synth::{Foreground, SynthesisConfig, Synthesizer, Textures};
use madenet::{ErrorChain, evaluate};

const USAGE: &str = "train_srad DIR --out MODEL [--preset fast|paper|tiny] [--textures DTD] \
                     [--foreground otsu|none|DIR] [--perlin-threshold T] [--encoder WEIGHTS] [--steps N] [--batch N] [--lr RATE] [--seed S] [--fine-tune] [--tune-lr RATE] \
                     [--flips]";
/// Procedural textures that are drawn at the start, a second's work.
const TEXTURES: usize = 100;

struct Arguments {
    folder: PathBuf,
    out: PathBuf,
    config: SradConfig,
    fit: SradFitConfig,
    textures: Option<PathBuf>,
    synthesis: SynthesisConfig,
    encoder: Option<PathBuf>,
    fine_tune: bool,
    tune_lr: Option<f64>,
    flips: bool,
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

    let size = &arguments.config.preprocessing;
    let textures = match &arguments.textures {
        Some(dir) => Textures::open(dir, size.width, size.height)?,
        // Larger than a sample, which is a piece of one.
        None => Textures::procedural(TEXTURES, size.width * 3 / 2, size.height * 3 / 2, arguments.fit.seed)?,
    };
    // A damaged file is told now, not in the middle of the night.
    textures.preload()?;
    let synthesizer = Synthesizer::new(arguments.synthesis.clone(), textures)?;
    let mut trainer = SradTrainer::new(arguments.config.clone(), arguments.fit.clone(), synthesizer);
    trainer.encoder = arguments.encoder.as_deref().map(Params::read).transpose()?;

    let stage1 = beside(out, "stage1");
    let model = if arguments.fine_tune && stage1.exists() {
        println!("stage 1 is there: {}", stage1.display());
        Srad::load(&stage1)?
    } else {
        trainer.checkpoint = checkpoint(out, "fit");
        let started = Instant::now();
        let model = trainer.fit(&normal, &validation, &mut progress)?;
        println!("stage 1 in {:.0} s", started.elapsed().as_secs_f64());
        model.save(&stage1)?;
        done(&trainer)?;
        model
    };
    report(&model, test.as_ref())?;
    if !arguments.fine_tune {
        return Ok(std::fs::rename(stage1, out)?);
    }
    let training = without(&train, &validation);
    trainer.checkpoint = checkpoint(out, "fine-tune");
    let tuning = FineTuneConfig { flips: arguments.flips, ..FineTuneConfig::after(&arguments.fit) };
    let tuning = FineTuneConfig { lr: arguments.tune_lr.unwrap_or(tuning.lr), ..tuning };
    let started = Instant::now();
    let model = trainer.fine_tune(&model, &tuning, &training, &validation, &mut progress)?;
    println!("stage 2 in {:.0} s", started.elapsed().as_secs_f64());
    model.save(out)?;
    done(&trainer)?;
    report(&model, test.as_ref())
}

/// The model is saved: the state that led to it is of no more use.
fn done(trainer: &SradTrainer) -> std::io::Result<()> {
    trainer.checkpoint.iter().try_for_each(|checkpoint| std::fs::remove_file(&checkpoint.path))
}

fn report(model: &Srad, test: Option<&Records>) -> Result<(), Box<dyn Error>> {
    if let Some(test) = test {
        println!("{}", evaluate(model, test)?);
    }
    Ok(())
}

fn checkpoint(out: &Path, stage: &str) -> Option<CheckpointConfig> {
    Some(CheckpointConfig { path: beside(out, &format!("{stage}.checkpoint")), every: CHECKPOINT })
}

fn parse() -> Result<Arguments, Box<dyn Error>> {
    use lexopt::prelude::*;
    let (mut folder, mut out, mut textures, mut encoder) = (None, None, None, None);
    let (mut preset, mut synthesis) = ("fast".to_string(), SynthesisConfig::default());
    let (mut steps, mut batch, mut lr, mut seed) = (None, None, None, 42);
    let (mut fine_tune, mut tune_lr, mut flips) = (false, None, false);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("out") => out = Some(PathBuf::from(parser.value()?)),
            Long("preset") => preset = parser.value()?.string()?,
            Long("textures") => textures = Some(PathBuf::from(parser.value()?)),
            Long("encoder") => encoder = Some(PathBuf::from(parser.value()?)),
            Long("foreground") => {
                synthesis.foreground = match parser.value()?.string()?.as_str() {
                    "otsu" => Foreground::Otsu,
                    "none" => Foreground::None,
                    dir => Foreground::Files { dir: dir.into() },
                }
            }
            Long("perlin-threshold") => synthesis.perlin_threshold = parser.value()?.parse()?,
            Long("steps") => steps = Some(parser.value()?.parse()?),
            Long("batch") => batch = Some(parser.value()?.parse()?),
            Long("lr") => lr = Some(parser.value()?.parse()?),
            Long("seed") => seed = parser.value()?.parse()?,
            Long("fine-tune") => fine_tune = true,
            Long("tune-lr") => tune_lr = Some(parser.value()?.parse()?),
            Long("flips") => flips = true,
            Value(value) if folder.is_none() => folder = Some(PathBuf::from(value)),
            _ => return Err(format!("{}; usage: {USAGE}", argument.unexpected()).into()),
        }
    }
    let (config, fit) = match preset.as_str() {
        "fast" => (SradConfig::fast(), SradFitConfig::fast()),
        "paper" => (SradConfig::paper(), SradFitConfig::paper()),
        "tiny" => (SradConfig::tiny(), SradFitConfig::tiny()),
        other => return Err(format!("the preset {other:?} is unknown; usage: {USAGE}").into()),
    };
    // Public weights are ImageNet's.
    let config = SradConfig { imagenet_input: encoder.is_some(), ..config };
    let fit = SradFitConfig {
        seed,
        iterations: steps.unwrap_or(fit.iterations),
        batch: batch.unwrap_or(fit.batch),
        lr: lr.unwrap_or(fit.lr),
        ..fit
    };
    let (Some(folder), Some(out)) = (folder, out) else {
        return Err(format!("DIR or --out is missing; usage: {USAGE}").into());
    };
    Ok(Arguments { folder, out, config, fit, textures, synthesis, encoder, fine_tune, tune_lr, flips })
}
