//! Whether a patch can be seen.

mod config;
mod crop;
mod edge;
mod lab;
mod perceptibility;
mod ssim;
mod surround;
mod verdict;

pub use config::{ContextConfig, GateConfig};
pub use perceptibility::Perceptibility;
pub use verdict::Verdict;
