//! Samples read ahead by several threads.

mod loader;
mod ordered;
mod queue;

pub use loader::{Loader, Samples};
pub(crate) use ordered::{Ahead, ordered};
