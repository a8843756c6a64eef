//! All tests of the public interface, in one program: a dozen would each take seconds to compile and link.

#![allow(clippy::unwrap_used)]

mod common;
mod folder;
mod hostile;
mod leak;
mod links;
mod loader;
mod masks;
mod mvtec;
mod report;
mod smt;
mod smt_nuisances;
mod smt_write;
mod visa;
