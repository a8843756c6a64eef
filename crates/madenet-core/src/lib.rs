//! The vocabulary of madenet: what every submodel shares and every user meets.
//!
//! A submodel is an [`AnomalyDetector`]: images in, [`Prediction`]s out. What lies around its network is the same for all
//! of them and lives here once: [`Preprocessing`] from pixels to tensors, the [`Recipe`] with its [`Calibration`] from raw
//! scores to `[0, 1]`, a label and [`Region`]s, the [`AnomalyMap`] at the image's own size, the model file that holds all
//! of it ([`write_model`], [`read_model`]), the [`Observer`] of long work and its budget of [`Threads`].
//!
//! ```
//! use madenet_core::{Calibration, Label, RawScores, Recipe};
//! // Scores of images known to be good, held out from training, and of their pixels.
//! let normal: Vec<f32> = (0..=100).map(|i| i as f32 / 100.0).collect();
//! let recipe = Recipe::new(Calibration::from_normals(&normal, &normal)?);
//! let raw = RawScores { score: 1.5, height: 1, width: 2, map: vec![0.5, 1.5] };
//! let prediction = recipe.prediction("sfad", &raw, (2, 4))?;
//! assert_eq!(prediction.label, Label::Anomalous);
//! assert_eq!(prediction.regions[0].area, 4);
//! # Ok::<(), madenet_core::Error>(())
//! ```

mod anomaly_map;
mod calibration;
mod canvas;
mod detector;
mod error;
mod error_chain;
mod model;
mod model_file;
mod observer;
mod prediction;
mod preprocessing;
mod recipe;
mod recipes;
mod region;
mod run_lengths;
mod scale;
mod threads;

pub use anomaly_map::AnomalyMap;
pub use calibration::{Calibration, Calibrator, ThresholdRules};
pub use canvas::{Canvas, Inspected, counted};
pub use detector::{AnomalyDetector, RawScores};
pub use error::{Error, Result};
pub use error_chain::ErrorChain;
pub use madenet_metrics::Label;
pub use model::{Inferred, Model, Submodel};
pub use model_file::{
    FORMAT_VERSION, model_from_bytes, model_kind, model_to_bytes, read_model, read_model_file, write_model,
};
pub use observer::{Event, Observer};
pub use prediction::{Prediction, Timings};
pub use preprocessing::{Fit, IMAGENET_MEAN, IMAGENET_STD, Preprocessing};
pub use recipe::Recipe;
pub use recipes::Recipes;
pub use region::Region;
pub use scale::{Scale, ThresholdRule};
pub use threads::Threads;
