//! The training loop.

mod checkpoint;
mod fingerprint;
mod learner;
mod memory;
mod step;

use madenet_core::{Event, Observer};
use madenet_data::{Ahead, ordered};
use madenet_nets::Params;

use crate::optim::check;
use crate::{Ema, EmaConfig, Engine, Error, Optimiser, Result, Schedule};
pub use checkpoint::CheckpointConfig;
use checkpoint::State;
use fingerprint::Fingerprint;
pub use learner::{Learner, Loss, MicroBatch};
pub use memory::MemoryPlan;

/// A training: its length, its schedule, and how it is made to fit the machine.
///
/// | setting | default | purpose |
/// |---|---|---|
/// | `stage` | `"training"` | what observers are told |
/// | `seed` | 0 | of dropout and drop-path |
/// | `steps` | 0 | steps to take |
/// | `schedule` | constant | factor of the learning rates |
/// | `accumulation` | 1 | micro-batches of a step |
/// | `clip` | none | most that the norm of all gradients may be |
/// | `ema` | none | average of the weights |
/// | `workers` | 1 | threads that make batches ahead |
/// | `checkpoint` | none | file to go on from |
///
/// Every step is the same for any number of threads and workers, and a resumed training is the uninterrupted one, bit for
/// bit.
///
/// # Accumulation
/// A step of `accumulation` micro-batches takes the mean of their losses, so that a batch which does not fit in memory can
/// be learnt from in parts; [`MemoryPlan`] finds the parts. It is the gradient of the whole batch, but for two things: a
/// batch normalisation in training uses the statistics of each micro-batch on its own, which are noisier, and its running
/// ones move once for every micro-batch. Below about 8 samples rather freeze its statistics
/// ([`Treatment::FreezeStatistics`](crate::Treatment::FreezeStatistics)). Losses that compare samples of a batch see those
/// of one micro-batch.
#[derive(Clone, PartialEq, Debug)]
pub struct Trainer {
    /// What observers are told is being trained.
    pub stage: &'static str,
    /// Of dropout and drop-path.
    pub seed: u64,
    /// Steps to take.
    pub steps: u64,
    /// Factor of the learning rates by step.
    pub schedule: Schedule,
    /// Micro-batches of a step, at least 1.
    pub accumulation: u32,
    /// Most that the norm of all gradients may be, above 0: longer ones are scaled down.
    pub clip: Option<f64>,
    /// Averages weights and running statistics.
    pub ema: Option<EmaConfig>,
    /// Threads that make batches ahead of time; with 0 each is made when it is needed. Each may have one batch in work, and
    /// as many again may wait. They are not part of the caller's pool: a [`Learner`] whose
    /// [`collate`](Learner::collate) shares its work among threads is better off with 0.
    pub workers: usize,
    /// Where to keep the state.
    pub checkpoint: Option<CheckpointConfig>,
}

impl Default for Trainer {
    fn default() -> Self {
        Trainer {
            stage: "training",
            seed: 0,
            steps: 0,
            schedule: Schedule::constant(),
            accumulation: 1,
            clip: None,
            ema: None,
            workers: 1,
            checkpoint: None,
        }
    }
}

/// What a training gives beside the engine's weights.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct Trained {
    /// The step that the training went on from, if there was a checkpoint.
    pub resumed: Option<u64>,
    /// All parameters with averages in place of those that trained, if they were averaged.
    pub ema: Option<Params>,
}

impl Trainer {
    /// Trains the network of `engine`, which was made of [`learner.net()`](Learner::net), with an optimiser made for it.
    ///
    /// If there is a checkpoint of this training, it goes on from there: what `engine` and `optimiser` held is replaced.
    ///
    /// # Errors
    /// The learner's and the engine's; [`Error::Core`] if a setting is out of range.
    ///
    /// [`Error::NonFinite`] if a part of the loss, the loss or a gradient is not finite, or the loss fails on an output that is
    /// not: the engine then has the weights of the step before, with running statistics that have seen the failed one.
    ///
    /// [`Error::Cancelled`] if the observer ended it, after the checkpoint was written.
    ///
    /// [`Error::ReadCheckpoint`] if the checkpoint is unsound or of a training with other settings, and
    /// [`Error::WriteCheckpoint`]. A file is never replaced unless it was read.
    pub fn run<L: Learner>(
        &self,
        learner: &L,
        engine: &mut dyn Engine,
        optimiser: &mut Optimiser,
        observer: &mut dyn Observer,
    ) -> Result<Trained, L::Error> {
        self.validate()?;
        let mut ema = self.ema.map(|config| Ema::new(config, engine)).transpose()?;
        let keeper = match &self.checkpoint {
            Some(config) => Some((config, Fingerprint::new(self, learner, engine, optimiser)?)),
            None => None,
        };
        let mut resumed = None;
        if let Some((config, print)) = &keeper {
            resumed = config.resume(self, print, State { engine, optimiser, ema: &mut ema })?;
        }
        let (start, parts) = (resumed.unwrap_or(0), u64::from(self.accumulation));
        let left = (self.steps - start).checked_mul(parts).and_then(|n| usize::try_from(n).ok());
        let left = left.ok_or_else(|| self.too_long())?;
        let collate = |number: usize| {
            let number = number as u64;
            let part = (number % parts) as u32;
            learner.collate(MicroBatch { step: start + number / parts, part, of: self.accumulation })
        };
        let ahead = Ahead { results: self.workers, bytes: usize::MAX, size: |_| 0 };
        ordered(left, self.workers, ahead, collate, |mut batches| -> Result<(), L::Error> {
            for step in start..self.steps {
                let taken = self.step(step, &mut batches, learner, engine, optimiser)?;
                if let Some(ema) = &mut ema {
                    ema.update(engine)?;
                }
                let done = step + 1;
                let is_cancelled = observer.on_event(&self.event(done, optimiser, &taken)).is_break();
                if let Some((config, print)) = &keeper
                    && (is_cancelled || done == self.steps || config.is_due(done))
                {
                    config.write(done, print, State { engine, optimiser, ema: &mut ema })?;
                }
                if is_cancelled {
                    return Err(Error::Cancelled { stage: self.stage, step: done }.into());
                }
            }
            Ok(())
        })?;
        Ok(Trained { resumed, ema: ema.map(|ema| ema.export(engine)).transpose()? })
    }

    fn event<'a>(&self, done: u64, optimiser: &Optimiser, taken: &'a step::Taken) -> Event<'a> {
        let base = optimiser.groups().settings().next().map_or(0.0, crate::OptimiserConfig::lr);
        Event::Step {
            stage: self.stage,
            step: done,
            of: self.steps,
            loss: taken.loss,
            parts: &taken.parts,
            learning_rate: base * self.schedule.factor(done - 1, self.steps),
            gradient_norm: taken.gradient_norm,
            health: &taken.health,
        }
    }

    fn validate(&self) -> Result<()> {
        if self.accumulation == 0 {
            let (field, got) = ("accumulation", "0".to_string());
            return Err(madenet_core::Error::Config { field, got, expected: "at least 1" }.into());
        }
        if let Some(clip) = self.clip {
            check("clip", clip, clip > 0.0, "a finite number above 0")?;
        }
        if let Some(CheckpointConfig { every: 0, .. }) = self.checkpoint {
            let (field, got) = ("checkpoint.every", "0".to_string());
            return Err(madenet_core::Error::Config { field, got, expected: "at least 1" }.into());
        }
        Ok(self.schedule.validate()?)
    }

    fn too_long(&self) -> Error {
        let got = format!("{} of {} micro-batches", self.steps, self.accumulation);
        madenet_core::Error::Config { field: "steps", got, expected: "what this machine can count" }.into()
    }
}
