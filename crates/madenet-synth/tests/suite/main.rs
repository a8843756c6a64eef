//! All tests of the public interface, in one program.

#![allow(clippy::unwrap_used)]

mod augmentations;
mod bad_input;
mod common;
mod config;
mod foregrounds;
mod perlin;
mod shares;
mod structural;
mod synthesizer;
mod textures;
