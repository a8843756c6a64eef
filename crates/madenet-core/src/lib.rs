//! The vocabulary of madenet: what every submodel shares and every user meets.
//!
//! A submodel is an [`AnomalyDetector`]: images in, [`Prediction`]s out. What lies around its network is the same for all
//! of them and lives here once: [`Preprocessing`] from pixels to tensors, [`Calibration`] from raw scores to `[0, 1]` and a
//! label, the [`AnomalyMap`] at the image's own size, the model file that holds all of it ([`write_model`],
//! [`read_model`]), and the [`Observer`] of long work.
//!
//! ```
//! use madenet_core::{Calibration, Label, RawScores};
//! // Scores of images known to be good, held out from training, and of their pixels.
//! let normal: Vec<f32> = (0..=100).map(|i| i as f32 / 100.0).collect();
//! let calibration = Calibration::from_normals(&normal, &normal)?;
//! let raw = RawScores { score: 1.5, height: 1, width: 2, map: vec![0.5, 1.5] };
//! let prediction = calibration.prediction("sfad", &raw, (4, 2))?;
//! assert_eq!(prediction.label, Label::Anomalous);
//! assert!(prediction.score > 0.5 && prediction.map.max() > 0.5);
//! # Ok::<(), madenet_core::Error>(())
//! ```

mod anomaly_map;
mod calibration;
mod detector;
mod error;
mod model_file;
mod observer;
mod prediction;
mod preprocessing;

pub use anomaly_map::AnomalyMap;
pub use calibration::{Calibration, Scale};
pub use detector::{AnomalyDetector, RawScores};
pub use error::{Error, Result};
pub use madenet_metrics::Label;
pub use model_file::{FORMAT_VERSION, model_from_bytes, model_to_bytes, read_model, write_model};
pub use observer::{Event, Observer};
pub use prediction::{Prediction, Timings};
pub use preprocessing::{IMAGENET_MEAN, IMAGENET_STD, Preprocessing};
