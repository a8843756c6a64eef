//! A training that is killed again and again ends with the weights of one that was left alone, bit for bit.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use candle_core::Tensor;
use common::numbers;
use madenet_candle::{
    AdamConfig, CheckpointConfig, EmaConfig, Engine, Error, Learner, Loss, MicroBatch, Optimiser, Policy,
    Result, Schedule, Tape, TapeOptions, Trainer,
};
use madenet_nets::{Builder, Net, Params, Shape, conv};
use madenet_rng::Stream;

/// Names the folder that a child trains in.
const FOLDER: &str = "MADENET_RESUME_FOLDER";
const STEPS: u64 = 1500;
const KILLS: u64 = 20;

/// A small network with everything that has a state: running statistics and dropout.
struct Task {
    net: Net,
    /// Slows the training down, so that it can be killed in the middle.
    pause: Duration,
}

impl Task {
    fn new(pause: Duration) -> Result<Self> {
        let mut b = Builder::new();
        let x = b.input("x", Shape::new(2, 6, 6));
        let y = b.conv2d("conv1", x, conv(20, 3, 1, 1))?;
        let y = b.batch_norm("bn", y)?;
        let y = b.relu(y)?;
        let y = b.dropout("dropout", y, 0.2)?;
        let y = b.conv2d("conv2", y, conv(1, 3, 1, 1).with_bias())?;
        b.output("y", y)?;
        Ok(Task { net: b.finish(), pause })
    }
}

impl Learner for Task {
    type Batch = Tensor;
    type Error = Error;

    fn net(&self) -> &Net {
        &self.net
    }

    fn collate(&self, at: MicroBatch) -> Result<Tensor> {
        std::thread::sleep(self.pause);
        Ok(numbers(at.number(), &[2, 2, 6, 6]))
    }

    fn inputs(&self, batch: &Tensor) -> Result<Vec<Tensor>> {
        Ok(vec![batch.clone()])
    }

    fn loss(&self, outputs: &[Tensor], batch: &Tensor) -> Result<Loss> {
        let target = batch.narrow(1, 0, 1)?.sqr()?;
        let total = (&outputs[0] - target)?.sqr()?.mean_all()?;
        let parts = vec![("mse", total.to_scalar()?)];
        Ok(Loss { total, parts, health: Vec::new() })
    }

    fn settings(&self) -> String {
        "squares".to_string()
    }
}

/// Trains, or goes on training, with a checkpoint in `folder` if there is one; gives weights and averages.
fn train(folder: Option<&Path>, steps: u64, pause: Duration) -> Result<(Params, Params)> {
    let task = Task::new(pause)?;
    let params = Params::init(&task.net, 3);
    let mut engine = Tape::new(&task.net, &params, &Policy::default(), TapeOptions::default())?;
    let mut optimiser = Optimiser::new(&engine, AdamConfig::adamw().lr(0.01))?;
    let trainer = Trainer {
        seed: 7,
        steps,
        schedule: Schedule::steps([(steps / 2, 0.5)]),
        accumulation: 2,
        clip: Some(1.0),
        ema: Some(EmaConfig::new(0.99)),
        workers: 2,
        checkpoint: folder.map(|folder| CheckpointConfig { path: folder.join("state"), every: 7 }),
        ..Trainer::default()
    };
    let trained = trainer.run(&task, &mut engine, &mut optimiser, &mut ())?;
    Ok((engine.export()?, trained.ema.unwrap()))
}

/// What the test starts as a process of its own.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let (weights, averages) = train(Some(&folder), STEPS, Duration::from_millis(3)).unwrap();
    for (name, params) in [("weights", weights), ("averages", averages)] {
        std::fs::write(folder.join(name), params.to_safetensors(None).unwrap()).unwrap();
    }
}

#[test]
fn killed_at_random_moments_it_goes_on_bit_for_bit() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["child", "--exact"]).env(FOLDER, folder.path()).stdout(Stdio::null());
        child.spawn().unwrap()
    };
    for kill in 0..KILLS {
        let mut child = start();
        let wait = 20.0 + 60.0 * Stream::new(1, "kill", kill, 0).uniform();
        std::thread::sleep(Duration::from_millis(wait as u64));
        // SIGKILL.
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success(), "it was done before it was killed for time {kill}");
    }
    assert!(start().wait().unwrap().success());
    let (weights, averages) = train(None, STEPS, Duration::ZERO)?;
    assert_eq!(Params::read(folder.path().join("weights"))?, weights);
    assert_eq!(Params::read(folder.path().join("averages"))?, averages);
    Ok(())
}

#[test]
fn threads_and_workers_do_not_change_a_bit() -> Result<()> {
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| train(None, 40, Duration::ZERO))
    };
    let one = on(1)?;
    assert_eq!(on(2)?, one);
    Ok(())
}

#[test]
fn other_trainings_and_damaged_files_are_refused() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    train(Some(folder.path()), 8, Duration::ZERO)?;
    // Half as many steps is another schedule.
    let other = train(Some(folder.path()), 4, Duration::ZERO);
    assert!(matches!(other, Err(Error::ReadCheckpoint { .. })), "{other:?}");
    let file = folder.path().join("state");
    let whole = std::fs::read(&file).unwrap();
    for damaged in [&whole[..whole.len() / 2], &[], b"not a checkpoint"] {
        std::fs::write(&file, damaged).unwrap();
        let refused = train(Some(folder.path()), 8, Duration::ZERO);
        assert!(matches!(refused, Err(Error::ReadCheckpoint { .. })), "{refused:?}");
        assert_eq!(std::fs::read(&file).unwrap(), damaged, "what is on disk stays");
    }
    Ok(())
}
