//! All tests of the public interface, in one program.

#![allow(clippy::unwrap_used)]

mod augmentation;
mod bad_input;
mod common;
mod config;
mod distorter;
mod gate;
mod normal;
mod shares;
