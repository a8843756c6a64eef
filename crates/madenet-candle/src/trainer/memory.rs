//! How a batch is made to fit in memory.

use std::fmt;

use crate::{Error, Result};

/// A batch in equal micro-batches that fit in memory: the settings for [`Trainer::accumulation`](crate::Trainer) and for
/// the samples of a [`Learner`](crate::Learner)'s batch.
///
/// What accumulation changes is told at [`Trainer`](crate::Trainer#accumulation).
///
/// ```
/// use madenet_candle::MemoryPlan;
/// const GIB: usize = 1 << 30;
/// // Weights of 0.5 GiB and 0.65 GiB a sample; with an engine: `|n| engine.bytes(n)`.
/// let bytes = |samples| Some(GIB / 2 + samples * GIB / 100 * 65);
/// let plan = MemoryPlan::new(16, 4 * GIB, bytes)?;
/// assert_eq!((plan.micro_batch, plan.accumulation), (4, 4));
/// assert_eq!(plan.to_string(), "batch 16 as 4 x 4: about 3.1 GiB of 4.0 GiB");
/// # Ok::<(), madenet_candle::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub struct MemoryPlan {
    /// Samples of a step.
    pub batch: usize,
    /// Samples that are in memory at once: the largest divisor of the batch that fits.
    pub micro_batch: usize,
    /// Micro-batches of a step.
    pub accumulation: u32,
    /// Estimated bytes at the peak of a step, if the engine can tell.
    pub bytes: Option<usize>,
    /// Bytes to spend.
    pub budget: usize,
}

impl MemoryPlan {
    /// The plan for `batch` samples in `budget` bytes, where a step on `n` takes `bytes(n)`, which does not fall with `n`: an
    /// [`Engine`](crate::Engine::bytes)'s estimate. If that cannot tell, the batch is left whole.
    ///
    /// # Errors
    /// [`Error::Memory`] if one sample does not fit; [`Error::Core`] if the batch is 0 or above `u32::MAX`.
    pub fn new(batch: usize, budget: usize, bytes: impl Fn(usize) -> Option<usize>) -> Result<Self> {
        if batch == 0 || u32::try_from(batch).is_err() {
            let (field, got) = ("batch", batch.to_string());
            return Err(madenet_core::Error::Config { field, got, expected: "1 to 4294967295" }.into());
        }
        let plan = |accumulation: usize, bytes| MemoryPlan {
            batch,
            micro_batch: batch / accumulation,
            accumulation: accumulation as u32,
            bytes,
            budget,
        };
        let mut least = 0;
        for accumulation in (1..=batch).filter(|&n| batch.is_multiple_of(n)) {
            match bytes(batch / accumulation) {
                None => return Ok(plan(1, None)),
                Some(needed) if needed <= budget => return Ok(plan(accumulation, Some(needed))),
                Some(needed) => least = needed,
            }
        }
        Err(Error::Memory { needed: least, budget })
    }
}

impl fmt::Display for MemoryPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gib = |bytes: usize| bytes as f64 / f64::from(1 << 30);
        write!(f, "batch {} as {} x {}: ", self.batch, self.accumulation, self.micro_batch)?;
        match self.bytes {
            Some(bytes) => write!(f, "about {:.1} GiB of {:.1} GiB", gib(bytes), gib(self.budget)),
            None => write!(f, "memory unknown, {:.1} GiB given", gib(self.budget)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_divisor_that_fits_is_taken() -> Result<()> {
        let linear = |n| Some(10 + 7 * n);
        for (batch, budget, micro_batch, accumulation) in
            [(12, 94, 12, 1), (12, 93, 6, 2), (12, 51, 4, 3), (12, 17, 1, 12), (7, 58, 1, 7), (1, 17, 1, 1)]
        {
            let plan = MemoryPlan::new(batch, budget, linear)?;
            assert_eq!((plan.micro_batch, plan.accumulation), (micro_batch, accumulation), "{plan}");
            assert_eq!(plan.bytes, linear(micro_batch));
        }
        assert_eq!(MemoryPlan::new(12, 1, |_| None)?.micro_batch, 12);
        let small = MemoryPlan::new(12, 16, linear);
        assert!(matches!(small, Err(Error::Memory { needed: 17, budget: 16 })), "{small:?}");
        assert!(matches!(MemoryPlan::new(0, 16, linear), Err(Error::Core(_))));
        Ok(())
    }
}
