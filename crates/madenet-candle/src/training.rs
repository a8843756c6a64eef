//! The training loop.

use candle_core::Tensor;
use madenet_core::{Event, Observer};
use madenet_nets::Net;

use crate::{Adam, CandleNet, Error, StepKey};

/// What is to be learnt: a network, the inputs of every step, and a loss on its outputs.
pub trait Learner {
    /// What can go wrong with its data.
    type Error: From<Error>;

    /// The network that is trained.
    fn net(&self) -> &Net;

    /// The network's inputs for step `step`, counted from 0. They depend on the step alone, so that training can be
    /// taken up anywhere.
    ///
    /// # Errors
    /// Where the data cannot be had.
    fn collate(&mut self, step: u64) -> Result<Vec<Tensor>, Self::Error>;

    /// The loss of the network's outputs on what [`collate`](Self::collate) gave last.
    ///
    /// # Errors
    /// Where a tensor operation fails.
    fn loss(&self, outputs: &[Tensor]) -> Result<Loss, Self::Error>;
}

/// A loss and what it tells.
#[derive(Debug)]
pub struct Loss {
    /// A scalar, to be minimised.
    pub total: Tensor,
    /// Named figures that tell whether training is healthy.
    pub health: Vec<(&'static str, f32)>,
}

/// Length and schedule of a training.
#[derive(Clone, PartialEq, Debug)]
pub struct Training {
    /// What observers are told is being trained.
    pub stage: &'static str,
    /// Of dropout and drop-path.
    pub seed: u64,
    /// Steps to take.
    pub steps: u64,
    /// From each of these steps on, all learning rates are the configured ones times the factor; before them, times 1.
    pub decay: Vec<(u64, f64)>,
}

impl Training {
    /// Trains `net`, which was made of [`learner.net()`](Learner::net).
    ///
    /// # Errors
    /// The learner's; [`Error::NonFinite`] if a loss is not finite: `net` then has the weights of the step before, with
    /// running statistics that have seen the failed one; [`Error::Cancelled`] if the observer ended it.
    pub fn run<L: Learner>(
        &self,
        learner: &mut L,
        net: &mut CandleNet,
        optimiser: &mut Adam,
        observer: &mut dyn Observer,
    ) -> Result<(), L::Error> {
        for step in 0..self.steps {
            let factor = self.decay.iter().rev().find(|&&(from, _)| from <= step).map_or(1.0, |&(_, f)| f);
            optimiser.scale_lr(factor);
            let inputs = learner.collate(step)?;
            let outputs = net.train(&inputs, StepKey { seed: self.seed, step })?;
            let Loss { total, health } = learner.loss(&outputs)?;
            let loss = total.to_scalar::<f32>().map_err(Error::from)?;
            if !loss.is_finite() {
                return Err(Error::NonFinite { what: "the loss".to_string(), step }.into());
            }
            let gradients = total.backward().map_err(Error::from)?;
            optimiser.step(&gradients)?;
            let event =
                Event::Step { stage: self.stage, step: step + 1, of: self.steps, loss, health: &health };
            if observer.on_event(&event).is_break() {
                return Err(Error::Cancelled { stage: self.stage, step: step + 1 }.into());
            }
        }
        Ok(())
    }
}
