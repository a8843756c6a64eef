//! Operations on blocked tensors: against the planar ones, which are held against naive f64 definitions, and between
//! instruction sets.

#![expect(clippy::unwrap_used, reason = "clippy allows it in test functions, not in what they share")]

mod depthwise;
mod pointwise;
mod pool2d;
#[path = "../operations/support.rs"]
#[allow(dead_code, reason = "what blocked operations do not need")]
mod reference;
mod reorder;
mod support;
