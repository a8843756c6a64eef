//! All tests of the public interface, in one program: a dozen would each take seconds to compile and link.

#![allow(clippy::unwrap_used)]

mod anomalib;
mod aupimo;
mod bootstrap;
mod common;
mod curves;
mod frechet;
mod modes;
mod peers;
mod properties;
mod vectors;
