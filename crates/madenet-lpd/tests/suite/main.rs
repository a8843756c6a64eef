//! All tests of the public interface, in one program.

#![allow(clippy::unwrap_used)]
