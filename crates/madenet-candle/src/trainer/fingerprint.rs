//! What makes two trainings the same.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use super::{Learner, Trainer};
use crate::{Engine, Error, Optimiser, Result};

/// The settings of a training that decide its weights, as text by name: short ones as they are, long ones as a sum.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Fingerprint(pub(super) BTreeMap<String, String>);

impl Fingerprint {
    pub(super) fn new<L: Learner>(
        trainer: &Trainer,
        learner: &L,
        engine: &dyn Engine,
        optimiser: &Optimiser,
    ) -> Result<Self> {
        // Named one by one, so that a new setting has to be thought about here.
        let Trainer { stage, seed, steps, schedule, accumulation, clip, ema, workers: _, checkpoint: _ } =
            trainer;
        let mut trained = Vec::new();
        engine.for_each(&mut |name, _, _| {
            trained.push(name.to_string());
            Ok(())
        })?;
        let settings: [(&str, &dyn fmt::Debug); 11] = [
            ("stage", stage),
            ("seed", seed),
            ("steps", steps),
            ("schedule", schedule),
            ("accumulation", accumulation),
            ("clip", clip),
            ("ema", ema),
            ("network", engine.net()),
            ("trained parameters", &trained),
            ("engine", &engine.settings()),
            ("optimiser", optimiser.groups()),
        ];
        let mut all: BTreeMap<_, _> =
            settings.iter().map(|(name, value)| (name.to_string(), shown(value))).collect();
        all.insert("learner".to_string(), shown(&learner.settings()));
        Ok(Fingerprint(all))
    }

    /// Refuses the fingerprint of another training.
    pub(super) fn check(&self, found: &BTreeMap<String, String>) -> Result<()> {
        let value = |of: &BTreeMap<String, String>, name: &String| {
            of.get(name).cloned().unwrap_or_else(|| "unknown".to_string())
        };
        match self.0.keys().chain(found.keys()).find(|name| self.0.get(*name) != found.get(*name)) {
            None => Ok(()),
            Some(name) => Err(Error::OtherTraining {
                setting: name.clone(),
                found: value(found, name),
                expected: value(&self.0, name),
            }),
        }
    }
}

/// A setting as text of bounded length.
fn shown(value: &dyn fmt::Debug) -> String {
    /// Longer texts nobody reads.
    const LONGEST: usize = 300;
    let mut sum = Sum { state: 0xcbf2_9ce4_8422_2325, start: String::new(), limit: LONGEST };
    // A sum takes all that is written.
    let _ = write!(sum, "{value:?}");
    if sum.start.len() < LONGEST { sum.start } else { format!("of the sum {:016x}", sum.state) }
}

/// FNV-1a of 64 bits (Fowler, Noll and Vo), which is to tell accidents and not attackers apart; with the beginning of the
/// text.
struct Sum {
    state: u64,
    start: String,
    limit: usize,
}

impl Write for Sum {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.state = (self.state ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
        if self.start.len() < self.limit {
            self.start.push_str(text);
        }
        Ok(())
    }
}
