//! Samples read ahead by several threads.

mod loader;
mod ordered;
mod queue;

pub use loader::{Loader, Samples};
pub use ordered::{Ahead, Ordered, ordered};
