//! One step: micro-batches forward and backward, then the optimiser.

use candle_core::{DType, Tensor};
use madenet_nets::Net;

use super::{Learner, Loss, Trainer};
use crate::{Engine, Error, Optimiser, Result, StepKey, clip_factor, gradient_norm};

/// What a step tells: means over its micro-batches.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) loss: f32,
    pub(super) parts: Vec<(&'static str, f32)>,
    pub(super) health: Vec<(&'static str, f32)>,
    pub(super) gradient_norm: f64,
}

impl Trainer {
    /// Takes the step with number `step`.
    pub(super) fn step<L: Learner>(
        &self,
        step: u64,
        batches: &mut dyn Iterator<Item = Result<L::Batch, L::Error>>,
        learner: &L,
        engine: &mut dyn Engine,
        optimiser: &mut Optimiser,
    ) -> Result<Taken, L::Error> {
        engine.clear_gradients();
        let mut taken = Taken::default();
        let parts = u64::from(self.accumulation);
        for (part, batch) in (0..parts).zip(batches) {
            let batch = batch?;
            // Numbers of their own for every micro-batch.
            let key = StepKey { seed: self.seed, step: step.wrapping_mul(parts).wrapping_add(part) };
            let outputs = engine.forward(&learner.inputs(&batch)?, key)?;
            let loss = match learner.loss(&outputs, &batch) {
                Ok(loss) => loss,
                // Losses refuse what is not finite, and know neither its step nor where it came from.
                Err(error) => return Err(non_finite(engine.net(), &outputs, step)?.map_or(error, Into::into)),
            };
            drop(outputs);
            self.backward(step, &loss, engine, &mut taken)?;
        }
        let norm = gradient_norm(engine)?;
        if let Some(name) = norm.non_finite {
            return Err(Error::NonFinite { what: format!("the gradient of {name}"), step }.into());
        }
        taken.gradient_norm = norm.norm;
        let clip = self.clip.map_or(1.0, |most| clip_factor(norm.norm, most));
        optimiser.step(engine, self.schedule.factor(step, self.steps), clip)?;
        Ok(taken)
    }

    /// The gradient of a micro-batch's share in the loss.
    fn backward(&self, step: u64, loss: &Loss, engine: &mut dyn Engine, taken: &mut Taken) -> Result<()> {
        let total = loss.total.to_dtype(DType::F32)?.to_scalar::<f32>()?;
        if let Some((name, _)) = loss.parts.iter().find(|(_, value)| !value.is_finite()) {
            return Err(Error::NonFinite { what: format!("the part {name} of the loss"), step });
        }
        if !total.is_finite() {
            return Err(Error::NonFinite { what: "the loss".to_string(), step });
        }
        let share = 1.0 / f64::from(self.accumulation);
        taken.loss += total * share as f32;
        add(&mut taken.parts, &loss.parts, share as f32);
        add(&mut taken.health, &loss.health, share as f32);
        if self.accumulation == 1 {
            engine.backward(&loss.total)
        } else {
            engine.backward(&loss.total.affine(share, 0.0)?)
        }
    }
}

/// The error that names the first output which is not finite.
fn non_finite(net: &Net, outputs: &[Tensor], step: u64) -> Result<Option<Error>> {
    for ((name, _), output) in net.outputs().iter().zip(outputs) {
        if !output.flatten_all()?.to_vec1::<f32>()?.iter().all(|v| v.is_finite()) {
            return Ok(Some(Error::NonFinite { what: format!("the output {name}"), step }));
        }
    }
    Ok(None)
}

/// Adds figures to those of the same names.
fn add(sums: &mut Vec<(&'static str, f32)>, figures: &[(&'static str, f32)], share: f32) {
    for &(name, value) in figures {
        match sums.iter_mut().find(|(other, _)| *other == name) {
            Some((_, sum)) => *sum += share * value,
            None => sums.push((name, share * value)),
        }
    }
}
