//! SRAD: the submodel of MADE-Net that repairs an image and tells what it repaired.
//!
//! An encoder (HRNet) and a decoder reconstruct an image without its defect; a U-Net that sees both says for every pixel
//! whether it is anomalous. Both learn from normal images alone, with synthetic anomalies (`madenet-synth`) whose place is
//! known: after DRAEM (Zavrtanik et al., ICCV 2021) and MADE-Net (Appl. Sci. 2025, 15(20), 10885).
//!
//! ```text
//! image --encoder--> 4 maps --enlarge, join--> decoder --> reconstruction --+
//!   '--------------------------------------------------------------------- join --> U-Net --> logits --softmax--> map
//! ```
//!
//! `SradTrainer` (feature `train`) fits a model to normal images (stage 1) and tunes it with real defects and their masks
//! (stage 2). [`Srad`] loads, predicts, and shows the reconstruction.

mod config;
mod detector;
#[cfg(feature = "train")]
mod fit;
mod fit_config;
mod network;
mod score;

pub use config::SradConfig;
pub use detector::{Provenance, Srad, SradModel};
#[cfg(feature = "train")]
pub use fit::{FitError, SradTrainer};
pub use fit_config::{FineTuneConfig, Focal, SradFitConfig};
