//! What the gate said.

use serde::Serialize;

use crate::Perceptibility;

/// What the gate said about a sample: the mean of `accepted` over samples, and of `1 / tries`, are worth a log.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Verdict {
    /// Whether the patch passed, or there is no gate. If not, the sample is the most visible of those drawn.
    pub accepted: bool,
    /// Patches drawn, at least 1.
    pub tries: u32,
    /// The figures of the patch. `None` without a gate.
    pub figures: Option<Perceptibility>,
}
