//! What a training loop is given to learn.

use candle_core::Tensor;
use madenet_nets::Net;

use crate::Error;

/// What is to be learnt: a network, the batches of every step, and a loss on its outputs.
pub trait Learner: Sync {
    /// Inputs and targets of one micro-batch.
    type Batch: Send;

    /// What can go wrong with its data.
    type Error: From<Error> + Send;

    /// The network that is trained.
    fn net(&self) -> &Net;

    /// The data of a micro-batch. It depends on `at` alone, so that training can be taken up anywhere, and is made ahead of
    /// time by [`Trainer::workers`](crate::Trainer::workers) threads.
    ///
    /// # Errors
    /// Where the data cannot be had; the training then ends at its step.
    fn collate(&self, at: MicroBatch) -> Result<Self::Batch, Self::Error>;

    /// The network's inputs, in its order.
    ///
    /// # Errors
    /// Where a tensor cannot be made.
    fn inputs(&self, batch: &Self::Batch) -> Result<Vec<Tensor>, Self::Error>;

    /// The loss of the network's outputs for a batch. It may use the outputs of the network only through tensor operations
    /// that candle can differentiate.
    ///
    /// # Errors
    /// Where a tensor operation fails.
    fn loss(&self, outputs: &[Tensor], batch: &Self::Batch) -> Result<Loss, Self::Error>;

    /// All that decides the batches and the loss, in words: the size of a batch, the data set, weights of the loss's parts.
    /// A checkpoint is only continued by a learner that says the same.
    fn settings(&self) -> String;
}

/// Which part of which step a batch is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct MicroBatch {
    /// Number of the step, from 0.
    pub step: u64,
    /// Number of the part, from 0.
    pub part: u32,
    /// Parts of the step, of about one size: see [`Trainer::accumulation`](crate::Trainer::accumulation).
    pub of: u32,
}

impl MicroBatch {
    /// The number of this micro-batch among all of the training, from 0: what samples may be drawn by.
    ///
    /// ```
    /// use madenet_candle::MicroBatch;
    /// assert_eq!(MicroBatch { step: 5, part: 1, of: 4 }.number(), 21);
    /// ```
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.step.wrapping_mul(self.of as u64).wrapping_add(self.part as u64)
    }
}

/// A loss and what it tells.
#[derive(Debug)]
pub struct Loss {
    /// A scalar, to be minimised.
    pub total: Tensor,
    /// The named terms that it is made of, so that one which is not finite can be named.
    pub parts: Vec<(&'static str, f32)>,
    /// Named figures that tell whether training is healthy.
    pub health: Vec<(&'static str, f32)>,
}
