//! The training loop: accumulation, what it says when something goes wrong, and which checkpoints it goes on from.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use candle_core::{Device, Tensor};
use common::numbers;
use madenet_candle::{
    AdamConfig, CandleNet, CheckpointConfig, EmaConfig, Engine, Error, Learner, Loss, MicroBatch, Optimiser,
    OptimiserConfig, Policy, Result, Schedule, Scoped, SgdConfig, Tape, TapeOptions, Trained, Trainer,
    Treatment, losses,
};
use madenet_core::{Event, Observer, read_model, write_model};
use madenet_nets::{Builder, Net, Params, Shape, conv};
use serde::{Deserialize, Serialize};

/// Samples of a step.
const BATCH: usize = 8;
const SAMPLE: [usize; 3] = [2, 6, 6];
/// The step at which something goes wrong.
const FAULTY: u64 = 3;

#[derive(Clone, Copy, PartialEq, Debug)]
enum Fault {
    Data,
    Output,
    Part,
    Loss,
    Gradient,
}

/// A regression, which may fail at a step.
struct Task {
    net: Net,
    fault: Option<Fault>,
    settings: &'static str,
}

/// A learner's own error.
#[derive(Debug)]
enum TaskError {
    Training(Error),
    Data(u64),
}

impl From<Error> for TaskError {
    fn from(error: Error) -> Self {
        TaskError::Training(error)
    }
}

fn net(width: usize) -> Net {
    let mut b = Builder::new();
    let x = b.input("x", Shape::new(SAMPLE[0], SAMPLE[1], SAMPLE[2]));
    let y = b.conv2d("conv1", x, conv(width, 3, 1, 1).with_bias()).unwrap();
    let y = b.silu(y).unwrap();
    let y = b.conv2d("conv2", y, conv(1, 3, 1, 1).with_bias()).unwrap();
    b.output("y", y).unwrap();
    b.finish()
}

impl Task {
    fn new(fault: Option<Fault>) -> Self {
        Task { net: net(4), fault, settings: "regression" }
    }
}

impl Learner for Task {
    type Batch = (MicroBatch, Tensor);
    type Error = TaskError;

    fn net(&self) -> &Net {
        &self.net
    }

    fn collate(&self, at: MicroBatch) -> Result<Self::Batch, TaskError> {
        if self.fault == Some(Fault::Data) && at.step == FAULTY {
            return Err(TaskError::Data(at.step));
        }
        let [c, h, w] = SAMPLE;
        let size = BATCH / at.of as usize;
        let batch = numbers(at.step, &[BATCH, c, h, w]).narrow(0, at.part as usize * size, size);
        Ok((at, batch.map_err(Error::from)?))
    }

    fn inputs(&self, (at, batch): &Self::Batch) -> Result<Vec<Tensor>, TaskError> {
        let is_faulty = self.fault == Some(Fault::Output) && at.step == FAULTY;
        Ok(vec![batch.affine(if is_faulty { f64::NAN } else { 1.0 }, 0.0).map_err(Error::from)?])
    }

    fn loss(&self, outputs: &[Tensor], (at, batch): &Self::Batch) -> Result<Loss, TaskError> {
        let y = &outputs[0];
        let loss = || -> Result<Loss> {
            let mut total = losses::mse(y, &batch.narrow(1, 0, 1)?.sqr()?)?;
            let mut part = total.to_scalar()?;
            match self.fault.filter(|_| at.step == FAULTY) {
                Some(Fault::Part) => part = f32::INFINITY,
                Some(Fault::Loss) => total = total.affine(f64::INFINITY, 0.0)?,
                // The slope of a root at 0.
                Some(Fault::Gradient) => total = (total + y.sub(y)?.sqrt()?.sum_all()?)?,
                _ => {}
            }
            Ok(Loss { total, parts: vec![("mse", part)], health: Vec::new() })
        };
        Ok(loss()?)
    }

    fn settings(&self) -> String {
        self.settings.to_string()
    }
}

/// Everything that a training is given.
struct Setup {
    task: Task,
    trainer: Trainer,
    policy: Policy,
    groups: Scoped<OptimiserConfig>,
}

impl Setup {
    fn new(task: Task, trainer: Trainer) -> Self {
        Setup { task, trainer, policy: Policy::default(), groups: SgdConfig::default().lr(0.05).into() }
    }

    /// With averages and Adam, so that a checkpoint has all kinds of tensors.
    fn kept_in(path: &Path) -> Self {
        let trainer = Trainer {
            steps: 6,
            schedule: Schedule::cosine(0.1),
            clip: Some(10.0),
            ema: Some(EmaConfig::new(0.9)),
            checkpoint: Some(CheckpointConfig { path: path.to_path_buf(), every: 100 }),
            ..Trainer::default()
        };
        Setup { groups: AdamConfig::default().into(), ..Setup::new(Task::new(None), trainer) }
    }

    fn start(&self) -> (Tape, Optimiser) {
        let params = Params::init(&self.task.net, 1);
        let engine = Tape::new(&self.task.net, &params, &self.policy, TapeOptions::default()).unwrap();
        let optimiser = Optimiser::new(&engine, self.groups.clone()).unwrap();
        (engine, optimiser)
    }

    /// Trains from the start; gives what came of it and the weights.
    fn run(&self, observer: &mut dyn Observer) -> (Result<Trained, TaskError>, Params) {
        let (mut engine, mut optimiser) = self.start();
        let trained = self.trainer.run(&self.task, &mut engine, &mut optimiser, observer);
        (trained, engine.export().unwrap())
    }
}

fn assert_close(got: &Params, expected: &Params, tolerance: f32) {
    for ((name, got), (_, expected)) in got.iter().zip(expected.iter()) {
        for (g, e) in got.values().iter().zip(expected.values()) {
            assert!((g - e).abs() <= tolerance, "{name}: {g}, expected {e}");
        }
    }
}

#[test]
fn micro_batches_make_up_the_batch() {
    let weights = |accumulation| {
        let trainer = Trainer { steps: 10, accumulation, ..Trainer::default() };
        let (trained, weights) = Setup::new(Task::new(None), trainer).run(&mut ());
        trained.unwrap();
        weights
    };
    let whole = weights(1);
    for accumulation in [2, 4, 8] {
        // Ten steps of sums of some hundred values below 1, in another order.
        assert_close(&weights(accumulation), &whole, 2e-6);
    }
}

#[test]
fn what_goes_wrong_is_named_with_its_step() {
    let before = Trainer { steps: FAULTY, ..Trainer::default() };
    let (_, before) = Setup::new(Task::new(None), before).run(&mut ());
    for (fault, named) in [
        (Fault::Output, "the output y"),
        (Fault::Part, "the part mse of the loss"),
        (Fault::Loss, "the loss"),
        (Fault::Gradient, "the gradient of conv1.bias"),
    ] {
        let trainer = Trainer { steps: 10, ..Trainer::default() };
        let (failed, weights) = Setup::new(Task::new(Some(fault)), trainer).run(&mut ());
        match failed {
            Err(TaskError::Training(Error::NonFinite { what, step: FAULTY })) => assert_eq!(what, named),
            other => panic!("{fault:?}: {other:?}"),
        }
        assert_eq!(weights, before, "{fault:?}");
    }
}

#[test]
fn a_batch_that_cannot_be_had_ends_the_training_at_its_step() {
    let before = Trainer { steps: FAULTY, ..Trainer::default() };
    let (_, before) = Setup::new(Task::new(None), before).run(&mut ());
    for workers in [0, 1, 3] {
        let trainer = Trainer { steps: 10, workers, ..Trainer::default() };
        let (failed, weights) = Setup::new(Task::new(Some(Fault::Data)), trainer).run(&mut ());
        assert!(matches!(failed, Err(TaskError::Data(FAULTY))), "{failed:?}");
        assert_eq!(weights, before, "{workers} workers");
    }
}

/// Bit for bit, with every kind of state that an optimiser has.
#[test]
fn a_cancelled_training_goes_on() {
    let sgd = SgdConfig::default().lr(0.05).momentum(0.9);
    let mixed = Scoped::new(OptimiserConfig::from(AdamConfig::adamw())).with("conv1", sgd.into());
    for groups in [AdamConfig::default().into(), sgd.into(), SgdConfig::default().into(), mixed] {
        let folder = tempfile::tempdir().unwrap();
        let setup = |file| Setup { groups: groups.clone(), ..Setup::kept_in(&folder.path().join(file)) };
        let mut until_4 = |event: &Event<'_>| match event {
            Event::Step { step: 4, .. } => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        };
        let (cancelled, _) = setup("state").run(&mut until_4);
        assert!(
            matches!(cancelled, Err(TaskError::Training(Error::Cancelled { step: 4, .. }))),
            "{cancelled:?}"
        );
        let (continued, weights) = setup("state").run(&mut ());
        let (whole, expected) = setup("other").run(&mut ());
        let (continued, whole) = (continued.unwrap(), whole.unwrap());
        assert_eq!((continued.resumed, whole.resumed), (Some(4), None));
        assert_eq!((weights, continued.ema), (expected, whole.ema), "{groups:?}");
    }
}

#[test]
fn another_training_is_refused_by_the_setting_that_differs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    Setup::kept_in(&path).run(&mut ()).0.unwrap();
    let file = std::fs::read(&path).unwrap();
    type Change = fn(&mut Setup);
    let changes: [(&str, Change); 13] = [
        ("stage", |s| s.trainer.stage = "another"),
        ("seed", |s| s.trainer.seed = 1),
        ("steps", |s| s.trainer.steps = 7),
        ("schedule", |s| s.trainer.schedule = Schedule::cosine(0.2)),
        ("accumulation", |s| s.trainer.accumulation = 2),
        ("clip", |s| s.trainer.clip = None),
        ("ema", |s| s.trainer.ema = Some(EmaConfig::new(0.99))),
        ("ema", |s| s.trainer.ema = None),
        ("optimiser", |s| s.groups = AdamConfig::adamw().into()),
        ("optimiser", |s| s.groups = s.groups.clone().with("conv1", SgdConfig::default().into())),
        ("learner", |s| s.task.settings = "another regression"),
        ("network", |s| s.task.net = net(5)),
        // Policies are the engine's.
        ("engine", |s| s.policy = Policy::default().with("conv1", Treatment::Freeze)),
    ];
    for (setting, change) in changes {
        let mut setup = Setup::kept_in(&path);
        change(&mut setup);
        let start = Params::init(&setup.task.net, 1);
        let (refused, weights) = setup.run(&mut ());
        match refused {
            Err(TaskError::Training(Error::ReadCheckpoint { source, .. })) => match *source {
                Error::OtherTraining { setting: named, .. } => assert_eq!(named, setting),
                other => panic!("{setting}: {other:?}"),
            },
            other => panic!("{setting}: {other:?}"),
        }
        assert_eq!(weights, start, "{setting}");
        assert_eq!(std::fs::read(&path).unwrap(), file, "{setting}");
    }
    // What does not change the weights may change.
    let mut setup = Setup::kept_in(&path);
    setup.trainer.workers = 0;
    assert_eq!(setup.run(&mut ()).0.unwrap().resumed, Some(6));
}

/// The header of a checkpoint.
#[derive(Clone, Serialize, Deserialize)]
struct Header {
    step: u64,
    ema_updates: u64,
    training: BTreeMap<String, String>,
}

/// Shape and values of a tensor.
type Values = (Vec<usize>, Vec<f32>);

/// Replaces a tensor, or takes it away.
fn edit(params: &mut Params, name: &str, f: impl FnOnce(Vec<usize>, Vec<f32>) -> Option<Values>) {
    let param = params.remove(name).unwrap_or_else(|| panic!("a checkpoint lacks {name}"));
    if let Some((shape, values)) = f(param.shape().to_vec(), param.values().to_vec()) {
        params.insert(name, shape, values).unwrap();
    }
}

#[test]
fn hostile_checkpoints_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    Setup::kept_in(&path).run(&mut ()).0.unwrap();
    let (header, sound): (Header, Params) = read_model(&path, "checkpoint").unwrap();

    let mut hostile: Vec<(String, Header, Params)> = Vec::new();
    let mut add = |what: String, change: &dyn Fn(&mut Header, &mut Params)| {
        let (mut header, mut params) = (header.clone(), sound.clone());
        change(&mut header, &mut params);
        hostile.push((what, header, params));
    };
    for group in ["weights", "optimiser.mean", "optimiser.square", "ema"] {
        let name = format!("{group}.conv2.weight");
        add(format!("{name} missing"), &|_, params| edit(params, &name, |_, _| None));
        add(format!("{name} flat"), &|_, params| {
            edit(params, &name, |shape, values| Some((vec![shape.iter().product()], values)));
        });
        for poison in [f32::NAN, f32::NEG_INFINITY] {
            add(format!("{name} with {poison}"), &|_, params| {
                edit(params, &name, |shape, mut values| {
                    values[7] = poison;
                    Some((shape, values))
                });
            });
        }
        add(format!("{group}.stray"), &|_, params| {
            params.insert(format!("{group}.stray"), vec![1], vec![0.0]).unwrap();
        });
    }
    add("a stray tensor".to_string(), &|_, params| params.insert("stray", vec![1], vec![0.0]).unwrap());
    add("a negative square".to_string(), &|_, params| {
        edit(params, "optimiser.square.conv1.bias", |shape, values| {
            Some((shape, values.iter().map(|v| -v - 1.0).collect()))
        });
    });
    add("half a step".to_string(), &|_, params| {
        edit(params, "optimiser.step", |shape, _| Some((shape, vec![0.5; 4])));
    });
    add("a step beyond the end".to_string(), &|header, _| header.step = 7);
    add("another setting".to_string(), &|header, _| {
        header.training.insert("colour".to_string(), "green".to_string());
    });
    add("a setting too few".to_string(), &|header, _| drop(header.training.remove("seed")));

    let setup = Setup::kept_in(&path);
    let attempt = |header: &Header, params: &Params| {
        write_model(&path, "checkpoint", header, params).unwrap();
        let file = std::fs::read(&path).unwrap();
        let (mut engine, mut optimiser) = setup.start();
        let before = (engine.export().unwrap(), optimiser.export().unwrap());
        let trained = setup.trainer.run(&setup.task, &mut engine, &mut optimiser, &mut ());
        let is_unchanged = (engine.export().unwrap(), optimiser.export().unwrap()) == before;
        (trained, is_unchanged && std::fs::read(&path).unwrap() == file)
    };
    for (what, header, params) in &hostile {
        let (refused, is_unchanged) = attempt(header, params);
        assert!(
            matches!(refused, Err(TaskError::Training(Error::ReadCheckpoint { .. }))),
            "{what}: {refused:?}"
        );
        assert!(is_unchanged, "{what}");
    }
    // What the others were made of.
    assert_eq!(attempt(&header, &sound).0.unwrap().resumed, Some(6));
}

#[test]
fn a_failed_import_changes_nothing() -> Result<()> {
    let net = net(4);
    let (start, other) = (Params::init(&net, 1), Params::init(&net, 2));
    let candle = CandleNet::new(&net, &start, &Policy::default(), &Device::Cpu)?;
    let tape = Tape::new(&net, &start, &Policy::default(), TapeOptions::default())?;
    let engines: [Box<dyn Engine>; 2] = [Box::new(candle), Box::new(tape)];
    for mut engine in engines {
        type Change = fn(Vec<usize>, Vec<f32>) -> Option<Values>;
        let changes: [Change; 3] = [
            |_, _| None,
            |shape, values| Some((vec![shape.iter().product()], values)),
            |shape, values| Some((shape, vec![f32::NAN; values.len()])),
        ];
        for change in changes {
            for name in ["conv1.weight", "conv2.weight"] {
                let mut params = other.clone();
                edit(&mut params, name, change);
                let refused = engine.import(&params);
                assert!(matches!(refused, Err(Error::Nets(_))), "{refused:?}");
                assert_eq!(engine.export()?, start);
            }
        }
        engine.import(&other)?;
        assert_eq!(engine.export()?, other);
    }
    Ok(())
}
