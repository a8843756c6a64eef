//! Operations on blocked tensors: against the planar ones, which are held against naive f64 definitions, and between
//! instruction sets.

#![expect(clippy::unwrap_used, reason = "clippy allows it in test functions, not in what they share")]

mod concat;
mod interpolate;
mod reorder;
mod support;
