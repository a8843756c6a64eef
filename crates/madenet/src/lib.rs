//! Industrial visual anomaly detection: point it at photographs of good parts, get a model that finds defects and shows
//! where, deploy it in a small binary without Python.
//!
//! This crate is a facade: the types that every user meets are at its top, the rest under the name of the crate that has
//! it ([`image`], [`metrics`], [`nets`], [`sfad`], [`srad`], [`lpd`]).
//!
//! # Train, evaluate, save
//!
#![cfg_attr(feature = "train", doc = "```no_run")]
#![cfg_attr(not(feature = "train"), doc = "```ignore")]
//! use madenet::data::{MvtecAd, Split};
//! use madenet::nets::Params;
//! use madenet::{FitConfig, Sfad, SfadConfig, evaluate};
//!
//! let (train, validation) = MvtecAd::open("transistor", Split::Train)?.normal().hold_out(0.15, 42)?;
//! let backbone = Params::read("resnet18.safetensors")?;
//! let (config, fit) = (SfadConfig::fast(), FitConfig::fast());
//! let model = Sfad::fit(&config, &fit, backbone, &train, &validation, &mut ())?;
//! println!("{}", evaluate(&model, &MvtecAd::open("transistor", Split::Test)?)?);
//! model.save("transistor.model")?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Deploy
//!
//! Needs neither candle nor any data set code: `default-features = false`, with the feature `image` for files, or without
//! it on frames from memory.
//!
//! ```no_run
//! use madenet::image::{Channels, ImageView};
//! use madenet::{AnomalyDetector, Sfad};
//!
//! let model = Sfad::load("transistor.model")?;
//! let frame: Vec<u8> = vec![0; 640 * 480];
//! let prediction = model.predict_one(&ImageView::packed(&frame, 640, 480, Channels::Gray)?)?;
//! println!("{} {:.3}", prediction.label, prediction.score);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Change verdicts without training
//!
//! What a line decides is in the model's [`Recipe`]: thresholds, the region of interest, the least area of a defect. A model
//! with another recipe shares the network of the first.
//!
//! ```no_run
//! use madenet::Sfad;
//! use madenet::image::{Mask, Rect};
//!
//! let model = Sfad::load("transistor.model")?;
//! let fiducial = Mask::rectangle(640, 480, Rect::new(0, 0, 60, 40))?;
//! let threshold = model.recipe().calibration.image.raw_at(0.7)?;
//! let recipe = model.recipe().clone().image_threshold(threshold).min_area(12).ignore(&fiducial)?;
//! model.with_recipe(recipe)?.save("stricter.model")?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `image` | yes | decoding and encoding of files, conversions from the crate `image` |
//! | `train` | yes | training on candle, data sets (procedural boards included), [`evaluate`] |
//! | `hub` | no | pretrained backbones from the Hugging Face hub |
//! | `onnx` | no | networks as ONNX models for other runtimes (`nets::OnnxModel`) |

#[cfg(feature = "train")]
mod evaluate;
mod load;
#[cfg(feature = "train")]
mod report;

#[cfg(feature = "train")]
pub use evaluate::{EvaluateError, evaluate};
pub use load::load;
pub use madenet_core::{
    AnomalyDetector, AnomalyMap, Calibration, Calibrator, Error, ErrorChain, Event, Fit, Label, Observer,
    Prediction, Preprocessing, RawScores, Recipe, Recipes, Region, Result, Scale, Threads, ThresholdRule,
    ThresholdRules, Timings,
};
#[cfg(feature = "train")]
pub use madenet_lpd::LpdTrainer;
pub use madenet_lpd::{Lpd, LpdConfig, LpdFitConfig};
pub use madenet_sfad::{FitConfig, Noise, Sfad, SfadConfig};
#[cfg(feature = "train")]
pub use madenet_srad::SradTrainer;
pub use madenet_srad::{Srad, SradConfig, SradFitConfig};
#[cfg(feature = "train")]
pub use report::{Figures, Report};

#[cfg(feature = "train")]
pub use madenet_candle as candle;
#[cfg(feature = "train")]
pub use madenet_data as data;
pub use madenet_image as image;
pub use madenet_lpd as lpd;
pub use madenet_metrics as metrics;
pub use madenet_nets as nets;
pub use madenet_sfad as sfad;
pub use madenet_srad as srad;
#[cfg(feature = "train")]
pub use madenet_synth as synth;
