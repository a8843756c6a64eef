//! What an LPD model is. How it is trained is in [`LpdFitConfig`](crate::LpdFitConfig).

use madenet_core::{Error, Preprocessing, Result};
use madenet_nets::ResNet;
use serde::{Deserialize, Serialize};

use crate::Variant;

/// Network and inference rules of an LPD model; stored with it.
///
/// | field | default | range | source |
/// |---|---|---|---|
/// | `backbone` | `resnet18` | torchvision's ResNets | CutPaste |
/// | `preprocessing` | 256x256, ImageNet normalisation | sides from 32 | CutPaste |
/// | `hidden` | 128 | 1 to 65,536 | ours; MADE-Net says "light" |
/// | `dropout` | 0.2 | 0 to below 1 | ours |
/// | `variant` | `Normal` | | MADE-Net |
/// | `score` | `Density` | | CutPaste |
/// | `map` | `Dense` | | ours, after CutPaste's patch model |
/// | `patch` | 3 | odd, up to 15 | ours |
/// | `smoothing` | 4 | pixels, above 0 up to 1000 | ours |
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LpdConfig {
    /// torchvision's name of the backbone.
    pub backbone: String,
    /// From pixels to the backbone's input.
    pub preprocessing: Preprocessing,
    /// Width of the head's hidden layer.
    pub hidden: usize,
    /// Probability that a hidden value is dropped in training.
    pub dropout: f32,
    /// Kinds of patches, and with them the classes that the head tells apart.
    pub variant: Variant,
    /// What an image's score is.
    pub score: LpdScore,
    /// What a map is.
    pub map: LpdMap,
    /// Side of the neighbourhood over which the features of the dense map are averaged.
    pub patch: usize,
    /// Standard deviation of the Gaussian that smooths maps, in pixels of the model's input.
    pub smoothing: f32,
}

/// What an image's score is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LpdScore {
    /// The Mahalanobis distance of its embedding, of length 1, from those of normal images: for models that have only seen
    /// patches.
    Density,
    /// The probability that it is not normal: for models that have seen real defects.
    Probability,
}

/// What a map is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LpdMap {
    /// The Mahalanobis distance of the features of `layer3`, location by location, from those of normal images.
    Dense,
    /// Grad-CAM (Selvaraju et al. 2017): where the last feature maps speak for an anomaly. Coarser.
    GradCam,
}

impl Default for LpdConfig {
    fn default() -> Self {
        Self::paper()
    }
}

impl LpdConfig {
    /// CutPaste's and MADE-Net's choice: ResNet-18 at 256x256.
    #[must_use]
    pub fn paper() -> Self {
        LpdConfig {
            backbone: ResNet::ResNet18.name().to_string(),
            preprocessing: Preprocessing::imagenet(256, 256),
            hidden: 128,
            dropout: 0.2,
            variant: Variant::Normal,
            score: LpdScore::Density,
            map: LpdMap::Dense,
            patch: 3,
            smoothing: 4.0,
        }
    }

    /// For a plain CPU: 128x128, a quarter of [`paper`](Self::paper)'s multiply-adds.
    #[must_use]
    pub fn fast() -> Self {
        LpdConfig { preprocessing: Preprocessing::imagenet(128, 128), ..Self::paper() }
    }

    /// For tests, in seconds: 64x64.
    #[must_use]
    pub fn tiny() -> Self {
        LpdConfig { preprocessing: Preprocessing::imagenet(64, 64), hidden: 16, ..Self::paper() }
    }

    /// Checks the ranges of the fields.
    ///
    /// # Errors
    /// [`Error::Config`]; [`Error::Net`] for an unknown backbone.
    pub fn validate(&self) -> Result<()> {
        let check = |ok: bool, field, got: String, expected| {
            if ok { Ok(()) } else { Err(Error::Config { field, got, expected }) }
        };
        ResNet::from_name(&self.backbone)?;
        self.preprocessing.validate()?;
        let (height, width) = (self.preprocessing.height, self.preprocessing.width);
        check(height >= 32, "preprocessing.height", height.to_string(), "at least 32")?;
        check(width >= 32, "preprocessing.width", width.to_string(), "at least 32")?;
        let hidden = self.hidden;
        check((1..=65_536).contains(&hidden), "hidden", hidden.to_string(), "1 to 65,536")?;
        let dropout = self.dropout;
        check((0.0..1.0).contains(&dropout), "dropout", dropout.to_string(), "0 to below 1")?;
        let patch = self.patch;
        check(patch % 2 == 1 && patch <= 15, "patch", patch.to_string(), "an odd number up to 15")?;
        let smoothing = self.smoothing;
        let fits = smoothing > 0.0 && smoothing <= 1000.0;
        check(fits, "smoothing", smoothing.to_string(), "above 0 to 1000 pixels")
    }
}
