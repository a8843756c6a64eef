//! Support for the tests of madenet: the parameter formula, the proof networks, fixtures, the shared data. Not published.
//!
//! Results of other frameworks are compared without storing their weights: [`formula_values`] and the script that made the
//! fixtures (`tests/fixtures/generate.py`) fill parameters and inputs by the same formula of a name and an index, so that a
//! fixture is a few KB of outputs. A [`Proof`] is a small network with such a fixture; every interpreter runs them all.
//!
//! ```
//! use madenet_testing::{assert_close, formula_params, nets};
//! let net = nets::discriminator();
//! let params = formula_params(&net);
//! let weight = params.get("fc2.weight").map(|p| p.values().to_vec()).unwrap_or_default();
//! assert_eq!(weight.len(), 16);
//! assert_close("fc2.weight", &weight[..2], &[-0.075_179_11, -0.484_507_2], 1e-6);
//! ```
//!
//! Helpers panic with a sentence that says what is wrong: they stand in tests, where a panic is the failure.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod compare;
mod digest;
mod fixtures;
mod formula;
pub mod nets;
mod proof;
mod shared;

pub use compare::{assert_close, assert_gradient_close, max_relative_error};
pub use digest::{Digest, assert_digests_close, digest};
pub use fixtures::{fixture, sampled};
pub use formula::{damped_formula_params, formula_input, formula_params, formula_values};
pub use proof::{Proof, ProofInput, proofs};
pub use shared::shared;
