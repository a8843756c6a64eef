//! SFAD: simple feature-based anomaly detection, the feature submodel of MADE-Net.
//!
//! A frozen, pretrained backbone turns an image into a grid of feature vectors, each averaged over its neighbourhood; a
//! linear adaptor brings them into the domain of the images at hand; a small discriminator says how normal each is. The
//! discriminator learns from normal images alone: its negatives are the same features with Gaussian noise (SimpleNet, Liu
//! et al. 2023). At inference the least normal location is the image's score and the whole grid its anomaly map.
//!
//! Only adaptor and discriminator are trained, so the backbone's features are computed once ([`FitConfig::cache_bytes`]).
//! Deployment needs no candle: without the feature `train` this crate loads and predicts.
//!
//! ```no_run
//! use madenet_core::AnomalyDetector;
//! use madenet_sfad::Sfad;
//! let model = Sfad::load("transistor.safetensors")?;
//! let image = madenet_image::decode("board.png")?;
//! let prediction = model.predict_one(&image.as_view())?;
//! println!("{} ({:.3})", prediction.label, prediction.score);
//! # Ok::<(), madenet_core::Error>(())
//! ```

mod config;
mod detector;
#[cfg(feature = "train")]
mod fit;
mod fit_config;
mod network;
mod score;

pub use config::{Features, ImageScore, SfadConfig, SmoothAt};
pub use detector::{FineTuned, Provenance, Sfad, SfadModel};
#[cfg(feature = "train")]
pub use fit::FitError;
pub use fit_config::{FineTuneConfig, FitConfig, Noise};
