//! What is wrong with the pictures themselves: files that cannot be read, and pictures that occur twice.

mod leak;
mod quarantine;

pub use leak::{Content, Leak, duplicates, leaks};
pub use quarantine::Quarantined;
