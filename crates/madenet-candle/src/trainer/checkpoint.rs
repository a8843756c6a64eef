//! The state of a training in one file.
//!
//! It is a model file of the kind `checkpoint`: tensors `weights.NAME` (all parameters and running statistics),
//! `optimiser.KIND.NAME` and `ema.NAME`; step and settings in the header.

use std::collections::BTreeMap;
use std::path::PathBuf;

use madenet_core::{read_model, write_model};
use madenet_image::remove_unfinished;
use madenet_nets::Params;
use serde::{Deserialize, Serialize};

use super::Trainer;
use super::fingerprint::Fingerprint;
use crate::{Ema, Engine, Error, Optimiser, Result};

/// The kind of model file.
const KIND: &str = "checkpoint";

/// Where a training keeps its state, and how often.
///
/// The file is written beside its place, synced and renamed: however a process ends, its last whole checkpoint is there.
/// A training that finds it goes on from it; remove it to start again. One training at a time may use a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CheckpointConfig {
    /// The file, a `.safetensors`.
    pub path: PathBuf,
    /// Steps from one checkpoint to the next, at least 1. There is one at the end and on cancelling in any case.
    pub every: u64,
}

/// What a checkpoint holds, in its places.
pub(super) struct State<'a> {
    pub(super) engine: &'a mut dyn Engine,
    pub(super) optimiser: &'a mut Optimiser,
    pub(super) ema: &'a mut Option<Ema>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    /// Steps taken.
    step: u64,
    /// Updates of the average.
    ema_updates: u64,
    /// The [`Fingerprint`].
    training: BTreeMap<String, String>,
}

impl CheckpointConfig {
    /// Whether a checkpoint is written after this many steps.
    pub(super) fn is_due(&self, done: u64) -> bool {
        done.is_multiple_of(self.every)
    }

    /// Goes on from the file, if there is one: its step. Nothing changes if there is an error.
    pub(super) fn resume(
        &self,
        trainer: &Trainer,
        print: &Fingerprint,
        state: State<'_>,
    ) -> Result<Option<u64>> {
        let unread = |source| Error::ReadCheckpoint { path: self.path.clone(), source: Box::new(source) };
        let system = |source| madenet_core::Error::Read { path: self.path.clone(), source };
        if !self.path.try_exists().map_err(|e| unread(system(e).into()))? {
            return Ok(None);
        }
        remove_unfinished(&self.path).map_err(|e| unread(system(e).into()))?;
        self.read(trainer, print, state).map(Some).map_err(unread)
    }

    fn read(&self, trainer: &Trainer, print: &Fingerprint, state: State<'_>) -> Result<u64> {
        let (header, mut params): (Header, Params) = read_model(&self.path, KIND)?;
        print.check(&header.training)?;
        if header.step > trainer.steps {
            return Err(Error::CheckpointStep { step: header.step, of: trainer.steps });
        }
        let net = state.engine.net();
        let weights = params.take_under("weights");
        weights.all_used_by(net)?;
        let optimiser = state.optimiser.read(params.take_under("optimiser"))?;
        let mut ema = state.ema.clone();
        if let Some(ema) = &mut ema {
            ema.import(net, params.take_under("ema"), header.ema_updates)?;
        }
        if let Some((name, _)) = params.iter().next() {
            return Err(madenet_nets::Error::UnusedParam { name: name.to_string() }.into());
        }
        state.engine.import(&weights)?;
        state.optimiser.adopt(optimiser);
        *state.ema = ema;
        Ok(header.step)
    }

    /// Writes the state after `step` steps.
    pub(super) fn write(&self, step: u64, print: &Fingerprint, state: State<'_>) -> Result<()> {
        self.write_file(step, print, state)
            .map_err(|source| Error::WriteCheckpoint { path: self.path.clone(), source: Box::new(source) })
    }

    fn write_file(&self, step: u64, print: &Fingerprint, state: State<'_>) -> Result<()> {
        let mut params = state.engine.export()?.under("weights");
        params.extend(state.optimiser.export()?.under("optimiser"));
        let mut ema_updates = 0;
        if let Some(ema) = state.ema {
            params.extend(ema.state(state.engine.net())?.under("ema"));
            ema_updates = ema.updates();
        }
        let header = Header { step, ema_updates, training: print.0.clone() };
        Ok(write_model(&self.path, KIND, &header, &params)?)
    }
}
