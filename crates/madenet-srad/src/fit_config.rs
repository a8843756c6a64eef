//! How an SRAD model is trained.

use madenet_core::{Error, Result, ThresholdRules};
use serde::{Deserialize, Serialize};

/// First-stage training of an SRAD model: normal images and synthetic anomalies.
///
/// | field | default | range | source |
/// |---|---|---|---|
/// | `seed` | 42 | | |
/// | `iterations` | 20,000 | at least 1 | DRAEM's 700 epochs of MVTec AD |
/// | `batch` | 8 images | at least 1 | DRAEM |
/// | `lr` | 1e-4 | above 0 | DRAEM |
/// | `reconstruction_weight` | 1 | at least 0 | DRAEM |
/// | `segmentation_weight` | 1 | at least 0 | DRAEM |
/// | `focal` | `Draem` | | DRAEM's code |
/// | `gamma` | 2 | at least 0 | DRAEM, RetinaNet |
/// | `thresholds` | quantiles of normals | | [`ThresholdRules`] |
/// | `cache_bytes` | 1 GiB | | |
///
/// Adam trains everything, with a rate that falls to 0.2 of itself after 80 % and again after 90 % of the iterations (DRAEM's
/// code).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SradFitConfig {
    /// Of every random number of the fit.
    pub seed: u64,
    /// Training steps.
    pub iterations: u64,
    /// Images of a step.
    pub batch: usize,
    /// Learning rate.
    pub lr: f64,
    /// Weight of the reconstruction's loss, squared error and structural dissimilarity.
    pub reconstruction_weight: f64,
    /// Weight of the segmentation's loss.
    pub segmentation_weight: f64,
    /// The segmentation's loss.
    pub focal: Focal,
    /// Its exponent.
    pub gamma: f32,
    /// How the thresholds are found on the validation images.
    pub thresholds: ThresholdRules,
    /// Training images are kept at the model's size if they fit in this many bytes (3 a pixel); the others are decoded
    /// whenever a step needs them. The model is the same.
    pub cache_bytes: usize,
}

/// The focal loss of the segmentation.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub enum Focal {
    /// DRAEM's form, which weighs both classes alike.
    Draem,
    /// RetinaNet's.
    Retina {
        /// Weight of anomalous pixels, 1 - alpha being that of normal ones; both 1 without.
        alpha: Option<f32>,
    },
}

impl Default for SradFitConfig {
    fn default() -> Self {
        Self::paper()
    }
}

impl SradFitConfig {
    /// DRAEM's values, as the table says.
    #[must_use]
    pub fn paper() -> Self {
        SradFitConfig {
            seed: 42,
            iterations: 20_000,
            batch: 8,
            lr: 1e-4,
            reconstruction_weight: 1.0,
            segmentation_weight: 1.0,
            focal: Focal::Draem,
            gamma: 2.0,
            thresholds: ThresholdRules::default(),
            cache_bytes: 1 << 30,
        }
    }

    /// For two cores: 2,500 steps of 3 images at ten times the rate.
    #[must_use]
    pub fn fast() -> Self {
        SradFitConfig { iterations: 2_500, batch: 3, lr: 1e-3, ..Self::paper() }
    }

    /// For tests, in seconds.
    #[must_use]
    pub fn tiny() -> Self {
        SradFitConfig { iterations: 12, batch: 2, ..Self::fast() }
    }

    /// Checks the ranges of the fields.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn validate(&self) -> Result<()> {
        at_least_one("iterations", self.iterations)?;
        at_least_one("batch", self.batch as u64)?;
        check("lr", self.lr, self.lr > 0.0, "a number above 0")?;
        for (field, weight) in [
            ("reconstruction_weight", self.reconstruction_weight),
            ("segmentation_weight", self.segmentation_weight),
            ("gamma", f64::from(self.gamma)),
        ] {
            check(field, weight, weight >= 0.0, "a number from 0")?;
        }
        if let Focal::Retina { alpha: Some(alpha) } = self.focal {
            check("focal.alpha", f64::from(alpha), (0.0..=1.0).contains(&alpha), "0 to 1")?;
        }
        self.thresholds.validate()
    }
}

/// Second-stage training of an SRAD model: real defects and their masks in place of synthetic ones.
///
/// | field | default | range | source |
/// |---|---|---|---|
/// | `seed` | 42 | | |
/// | `iterations` | 4,000 | at least 1 | ours: a fifth of stage 1 |
/// | `lr` | 1e-5 | above 0 | ours: a tenth of stage 1's |
/// | `synthetic_share` | 0 | 0 to 1 | MADE-Net replaces synthetic anomalies |
/// | `margin` | 5 | pixels, up to 64 | the radius of SSIM's window |
/// | `flips` | false | | SuperSimpleNet: true; not where orientation counts |
///
/// Batches are half normal images and half real defects. What stage 1 was told of losses, batch and thresholds holds on.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FineTuneConfig {
    /// Of every random number.
    pub seed: u64,
    /// Training steps.
    pub iterations: u64,
    /// Learning rate.
    pub lr: f64,
    /// Probability that a normal image gets a synthetic anomaly, so that defects of kinds without examples stay known.
    pub synthetic_share: f32,
    /// Within so many pixels of a real defect structure is not compared, since windows there see the defect.
    pub margin: usize,
    /// Whether images are mirrored at random, in both directions.
    pub flips: bool,
}

impl FineTuneConfig {
    /// The tuning of a model that was fitted so: a fifth of its steps at a tenth of its rate.
    #[must_use]
    pub fn after(fit: &SradFitConfig) -> Self {
        FineTuneConfig {
            seed: fit.seed,
            iterations: (fit.iterations / 5).max(1),
            lr: fit.lr / 10.0,
            synthetic_share: 0.0,
            margin: 5,
            flips: false,
        }
    }

    /// Checks the ranges of the fields.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn validate(&self) -> Result<()> {
        at_least_one("iterations", self.iterations)?;
        check("lr", self.lr, self.lr > 0.0, "a number above 0")?;
        let share = f64::from(self.synthetic_share);
        check("synthetic_share", share, (0.0..=1.0).contains(&share), "0 to 1")?;
        check("margin", self.margin as f64, self.margin <= 64, "at most 64 pixels")
    }
}

fn check(field: &'static str, got: f64, ok: bool, expected: &'static str) -> Result<()> {
    if ok && got.is_finite() { Ok(()) } else { Err(Error::Config { field, got: got.to_string(), expected }) }
}

fn at_least_one(field: &'static str, got: u64) -> Result<()> {
    if got > 0 { Ok(()) } else { Err(Error::Config { field, got: got.to_string(), expected: "at least 1" }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_checked() {
        let good = SradFitConfig::fast();
        good.validate().unwrap();
        let tune = FineTuneConfig::after(&good);
        tune.validate().unwrap();
        assert_eq!((tune.iterations, tune.lr), (500, 1e-4));
        let bad = [
            SradFitConfig { iterations: 0, ..good.clone() },
            SradFitConfig { batch: 0, ..good.clone() },
            SradFitConfig { lr: f64::NAN, ..good.clone() },
            SradFitConfig { gamma: -1.0, ..good.clone() },
            SradFitConfig { focal: Focal::Retina { alpha: Some(2.0) }, ..good },
        ];
        assert!(bad.iter().all(|config| config.validate().is_err()));
        assert!(FineTuneConfig { synthetic_share: 1.5, ..tune.clone() }.validate().is_err());
        assert!(FineTuneConfig { margin: 65, ..tune }.validate().is_err());
    }
}
