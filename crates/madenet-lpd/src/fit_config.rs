//! How an LPD model is trained.

use madenet_core::{Error, Result, ThresholdRules};
use serde::{Deserialize, Serialize};

use crate::{DistortionConfig, PreAugmentation};

/// First-stage training of an LPD model: normal images, and the same with patches moved.
///
/// | field | default | range | source |
/// |---|---|---|---|
/// | `seed` | 42 | | |
/// | `iterations` | 10,000 | at least 1 | ours; CutPaste: 65,536 |
/// | `batch` | 32 images | at least 1 | CutPaste: 64 with those distorted |
/// | `warm_up` | 500 | | ours: steps in which a pretrained backbone is frozen |
/// | `lr` | 0.03 | above 0 | CutPaste, from scratch (SGD) |
/// | `momentum` | 0.9 | 0 to below 1 | CutPaste |
/// | `weight_decay` | 3e-5 | at least 0 | CutPaste |
/// | `pretrained_lr` | 1e-4 | above 0 | ours (AdamW) |
/// | `augmentation` | [`PreAugmentation`] | | CutPaste |
/// | `distortion` | [`DistortionConfig`] | | MADE-Net |
/// | `thresholds` | quantiles of normals | | [`ThresholdRules`] |
/// | `cache_bytes` | 1 GiB | | |
///
/// A step learns from `batch` normal images and as many distorted ones of every class. From scratch SGD with momentum trains, a
/// pretrained backbone AdamW; the rate falls along half a cosine.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LpdFitConfig {
    /// Of every random number of the fit.
    pub seed: u64,
    /// Training steps, those of the warm-up included.
    pub iterations: u64,
    /// Normal images of a step.
    pub batch: usize,
    /// Steps in which a pretrained backbone is frozen, so that the head's first gradients do not spoil it.
    pub warm_up: u64,
    /// Learning rate from scratch.
    pub lr: f64,
    /// Momentum from scratch, Nesterov's off.
    pub momentum: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Learning rate of a pretrained backbone and its head.
    pub pretrained_lr: f64,
    /// What normal and distorted images have alike.
    pub augmentation: PreAugmentation,
    /// Of the patches; its variant is the model's.
    pub distortion: DistortionConfig,
    /// How the thresholds are found on the validation images.
    pub thresholds: ThresholdRules,
    /// Training images are kept at the model's size if they fit in this many bytes (3 a pixel); the others are decoded
    /// whenever a step needs them. The model is the same.
    pub cache_bytes: usize,
}

impl Default for LpdFitConfig {
    fn default() -> Self {
        Self::paper()
    }
}

impl LpdFitConfig {
    /// The table's values.
    #[must_use]
    pub fn paper() -> Self {
        LpdFitConfig {
            seed: 42,
            iterations: 10_000,
            batch: 32,
            warm_up: 500,
            lr: 0.03,
            momentum: 0.9,
            weight_decay: 3e-5,
            pretrained_lr: 1e-4,
            augmentation: PreAugmentation::default(),
            distortion: DistortionConfig::default(),
            thresholds: ThresholdRules::default(),
            cache_bytes: 1 << 30,
        }
    }

    /// For two cores: 1,000 steps of 16 and 16 images.
    #[must_use]
    pub fn fast() -> Self {
        LpdFitConfig { iterations: 1_000, batch: 16, warm_up: 50, ..Self::paper() }
    }

    /// For tests, in seconds.
    #[must_use]
    pub fn tiny() -> Self {
        LpdFitConfig { iterations: 10, batch: 4, warm_up: 3, ..Self::paper() }
    }

    /// Checks the ranges of the fields.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn validate(&self) -> Result<()> {
        at_least_one("iterations", self.iterations)?;
        at_least_one("batch", self.batch as u64)?;
        check("lr", self.lr, self.lr > 0.0, "a number above 0")?;
        check("pretrained_lr", self.pretrained_lr, self.pretrained_lr > 0.0, "a number above 0")?;
        check("momentum", self.momentum, (0.0..1.0).contains(&self.momentum), "0 to below 1")?;
        check("weight_decay", self.weight_decay, self.weight_decay >= 0.0, "a number from 0")?;
        let refused = |error: crate::Error| Error::Config {
            field: "distortion",
            got: error.to_string(),
            expected: "what a distortion allows",
        };
        self.augmentation.validate().map_err(refused)?;
        self.distortion.validate().map_err(refused)?;
        self.thresholds.validate()
    }
}

/// Second-stage training of an LPD model: real defects in place of patches.
///
/// | field | default | range | source |
/// |---|---|---|---|
/// | `seed` | 42 | | |
/// | `iterations` | 2,000 | at least 1 | ours: a fifth of stage 1 |
/// | `lr` | 1e-5 | above 0 | ours: a tenth of a pretrained backbone's |
/// | `distorted_share` | 0 | 0 to 1 | MADE-Net replaces synthetic anomalies |
///
/// Batches are half normal images and half real defects; AdamW trains everything. What stage 1 was told of batch, augmentation
/// and thresholds holds on. The tuned model scores by probability.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FineTuneConfig {
    /// Of every random number.
    pub seed: u64,
    /// Training steps.
    pub iterations: u64,
    /// Learning rate.
    pub lr: f64,
    /// Probability that a defect's place in a batch is taken by a normal image with a patch, so that defects of kinds without
    /// examples stay known.
    pub distorted_share: f32,
}

impl FineTuneConfig {
    /// The tuning of a model that was fitted so: a fifth of its steps at a tenth of its rate.
    #[must_use]
    pub fn after(fit: &LpdFitConfig) -> Self {
        FineTuneConfig {
            seed: fit.seed,
            iterations: (fit.iterations / 5).max(1),
            lr: fit.pretrained_lr / 10.0,
            distorted_share: 0.0,
        }
    }

    /// Checks the ranges of the fields.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn validate(&self) -> Result<()> {
        at_least_one("iterations", self.iterations)?;
        check("lr", self.lr, self.lr > 0.0, "a number above 0")?;
        let share = f64::from(self.distorted_share);
        check("distorted_share", share, (0.0..=1.0).contains(&share), "0 to 1")
    }
}

fn check(field: &'static str, got: f64, ok: bool, expected: &'static str) -> Result<()> {
    if ok && got.is_finite() { Ok(()) } else { Err(Error::Config { field, got: got.to_string(), expected }) }
}

fn at_least_one(field: &'static str, got: u64) -> Result<()> {
    if got > 0 { Ok(()) } else { Err(Error::Config { field, got: got.to_string(), expected: "at least 1" }) }
}
