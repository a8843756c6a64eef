//! LPD, localized patch discrimination: the submodel of MADE-Net that learns what belongs where, from patches of pictures moved
//! to another place.
//!
//! ```
//! use madenet_image::Image;
//! use madenet_lpd::{DistortionConfig, PatchDistorter, PreAugmentation};
//!
//! let photograph = Image::new(64, 64, (0..64 * 64 * 3).map(|i| (i * i / 7 % 251) as u8).collect())?;
//! let distorter = PatchDistorter::new(DistortionConfig::default())?;
//!
//! // Seed 42, step 0, sample 7: the same bytes on any thread.
//! let image = PreAugmentation::default().apply(&photograph, 42, 0, 7)?;
//! let normal = distorter.recompose(&image, 42, 0, 7)?; // Class 0.
//! let sample = distorter.distort(&image, 42, 0, 7)?;
//! assert_eq!(sample.class, 1);
//! assert!(sample.verdict.accepted);
//! let pixels = sample.image.pixels().chunks(3).zip(image.pixels().chunks(3)).zip(sample.mask.data());
//! assert!(pixels.filter(|&(_, &patch)| !patch).all(|((a, b), _)| a == b));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The method
//!
//! That of CutPaste (Li, Sohn, Yoon, Pfister, "CutPaste: self-supervised learning for anomaly detection and localization", CVPR
//! 2021) as MADE-Net has it: a classifier that tells pictures with a moved patch from normal ones learns what belongs where.
//!
//! ```text
//! size, aspect --cut out anywhere--> colours changed --> flipped, rotated --pasted elsewhere--> visible? --> Distorted
//!                                                                                 again, if not <--'
//! ```
//!
//! - [`PatchDistorter`] draws and pastes; [`DistortionConfig`] has the ranges of all that is drawn, [`Drawn`] what was drawn.
//!   [`Variant`] says whether patches are rectangles, small turned scars, or both, and which classes they make.
//! - A patch of a flat ground on the same ground is no anomaly. MADE-Net asks for perceptible patches: [`Perceptibility`] has
//!   the figures, [`GateConfig`] the thresholds, [`Verdict`] what came of them.
//! - Normal pictures pass through the same hands ([`PatchDistorter::recompose`]), and both kinds are moved and coloured alike
//!   first ([`PreAugmentation`]), so that nothing but the patch gives the class away.
//!
//! # The model
//!
//! `LpdTrainer` (feature `train`) trains a ResNet with a light head to tell the classes apart; the head then goes, and an image's
//! score is the Mahalanobis distance of its embedding from those of normal images ([`Gaussian`], Ledoit and Wolf's covariance), a
//! map that of the features of its locations, or Grad-CAM ([`LpdScore`], [`LpdMap`]). Tuned with real defects it scores by
//! probability. [`Lpd`] loads and predicts, and gives its backbone to others.
//!
//! Distortion works on 8-bit RGB at the size of a network's input, [`MIN_SIDE`] pixels or more a side. All numbers are uniform ones
//! of keyed streams (`madenet-rng`).

mod augmentation;
mod config;
mod density;
mod detector;
mod distorted;
mod distorter;
mod drawn;
mod error;
#[cfg(feature = "train")]
mod fit;
mod fit_config;
mod gate;
mod grad_cam;
mod jitter;
mod lpd_config;
mod network;
mod patch;
mod place;
mod recomposition;
mod score;
mod shape;
mod variant;

pub use augmentation::PreAugmentation;
pub use config::DistortionConfig;
pub use density::Gaussian;
pub use detector::{FineTuned, Lpd, LpdModel, Provenance};
pub use distorted::Distorted;
pub use distorter::{MIN_SIDE, PatchDistorter};
pub use drawn::Drawn;
pub use error::{Error, Result};
#[cfg(feature = "train")]
pub use fit::{FitError, LpdTrainer};
pub use fit_config::{FineTuneConfig, LpdFitConfig};
pub use gate::{ContextConfig, GateConfig, Perceptibility, Verdict};
pub use lpd_config::{LpdConfig, LpdMap, LpdScore};
pub use variant::{Kind, Variant};
