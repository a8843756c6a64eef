//! How an SFAD model is trained.

use madenet_core::{Error, Result, ThresholdRules};
use serde::{Deserialize, Serialize};

/// First-stage training of an SFAD model: normal images only.
///
/// | field | default | range | source |
/// |---|---|---|---|
/// | `seed` | 42 | | |
/// | `iterations` | 5,000 | at least 1 | SuperSimpleNet's order; SimpleNet: 160 epochs |
/// | `batch` | 8 images | at least 1 | SimpleNet's code |
/// | `locations` | all | per image, at least 1 | SimpleNet |
/// | `noise` | `Absolute(0.015)` | above 0 | SimpleNet |
/// | `margin` | 0.5 | above 0 | SimpleNet |
/// | `lr_adaptor` | 1e-4 | above 0 | SimpleNet |
/// | `lr_discriminator` | 2e-4 | above 0 | SimpleNet |
/// | `weight_decay` | 1e-5 | at least 0 | SimpleNet's paper |
/// | `thresholds` | quantiles of normals | | [`ThresholdRules`] |
/// | `cache_bytes` | 1 GiB | | |
///
/// AdamW trains adaptor and discriminator; both rates fall to 0.4 of themselves after 80 % and again after 90 % of the
/// iterations (SuperSimpleNet).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FitConfig {
    /// Of every random number of the fit.
    pub seed: u64,
    /// Training steps.
    pub iterations: u64,
    /// Images of a step.
    pub batch: usize,
    /// Locations of each image that a step takes, drawn at random; all of them where it is `None`.
    pub locations: Option<usize>,
    /// Deviation of the Gaussian noise that makes normal features anomalous.
    pub noise: Noise,
    /// Normality of normal features is to reach it, that of noisy ones its negative.
    pub margin: f32,
    /// Learning rate of the adaptor.
    pub lr_adaptor: f64,
    /// Learning rate of the discriminator.
    pub lr_discriminator: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// How the thresholds are found on the validation images.
    pub thresholds: ThresholdRules,
    /// Features of the training images are computed once and kept if they fit in this many bytes (4 D H0 W0 an image:
    /// 1.5 MiB with ResNet-18 at 256x256); else those of a step's images are computed in every step. The model is the
    /// same.
    pub cache_bytes: usize,
}

/// Deviation of the noise.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub enum Noise {
    /// In units of the adapted features, like SimpleNet's 0.015.
    Absolute(f32),
    /// In units of the adapted features' own spread: the root mean square, over their components, of the standard deviation
    /// over locations, measured with the adaptor as it starts.
    Relative(f32),
}

impl Default for FitConfig {
    fn default() -> Self {
        Self::paper()
    }
}

impl FitConfig {
    /// SimpleNet's values, as the table says.
    #[must_use]
    pub fn paper() -> Self {
        FitConfig {
            seed: 42,
            iterations: 5_000,
            batch: 8,
            locations: None,
            noise: Noise::Absolute(0.015),
            margin: 0.5,
            lr_adaptor: 1e-4,
            lr_discriminator: 2e-4,
            weight_decay: 1e-5,
            thresholds: ThresholdRules::default(),
            cache_bytes: 1 << 30,
        }
    }

    /// Minutes on two cores: 600 steps of 2,048 locations, a quarter of each image's, with noise of a quarter of the
    /// features' spread. SimpleNet's 0.015 suits its own backbone and schedule; on a ResNet-18's features it is not yet told
    /// apart after 600 steps (`p_true` 0.2 to 0.4), a quarter of the spread is (0.8 to 0.9). docs/sfad-study.md has the
    /// figures.
    #[must_use]
    pub fn fast() -> Self {
        FitConfig { iterations: 600, locations: Some(256), noise: Noise::Relative(0.25), ..Self::paper() }
    }

    /// For tests, in seconds.
    #[must_use]
    pub fn tiny() -> Self {
        FitConfig { iterations: 20, batch: 4, locations: Some(64), ..Self::paper() }
    }

    /// Checks the ranges of the fields.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn validate(&self) -> Result<()> {
        let check = |ok: bool, field, got: String, expected| {
            if ok { Ok(()) } else { Err(Error::Config { field, got, expected }) }
        };
        let positive = |x: f64| x.is_finite() && x > 0.0;
        check(self.iterations > 0, "iterations", self.iterations.to_string(), "at least 1")?;
        check(self.batch > 0, "batch", self.batch.to_string(), "at least 1")?;
        self.thresholds.validate()?;
        check(self.locations != Some(0), "locations", "0".to_string(), "at least 1")?;
        let (Noise::Absolute(noise) | Noise::Relative(noise)) = self.noise;
        for (field, value) in [
            ("noise", f64::from(noise)),
            ("margin", f64::from(self.margin)),
            ("lr_adaptor", self.lr_adaptor),
            ("lr_discriminator", self.lr_discriminator),
        ] {
            check(positive(value), field, value.to_string(), "a number above 0")?;
        }
        let decay = self.weight_decay;
        check(decay.is_finite() && decay >= 0.0, "weight_decay", decay.to_string(), "a number from 0 on")
    }
}

/// Second-stage training of an SFAD model: real defects and their masks.
///
/// | field | default | range | source |
/// |---|---|---|---|
/// | `seed` | 42 | | |
/// | `iterations` | 1,000 | at least 1 | ours: a fifth of stage 1 |
/// | `lr_adaptor`, `lr_discriminator` | those of stage 1 | above 0 | SuperSimpleNet |
/// | `min_share` | 0.05 | above 0 to 1 | ours |
/// | `focal_weight` | 1 | at least 0 | SuperSimpleNet |
/// | `focal_gamma` | 4 | at least 0 | SuperSimpleNet |
/// | `synthetic_share` | 0 | 0 to 1 | MADE-Net replaces synthetic anomalies; SuperSimpleNet: 0.5 |
///
/// Batches are half normal images and half real defects. What stage 1 was told of margin, batch, locations, weight decay and
/// thresholds holds on; gradients longer than 1 are scaled down (SuperSimpleNet).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FineTuneConfig {
    /// Of every random number.
    pub seed: u64,
    /// Training steps.
    pub iterations: u64,
    /// Learning rate of the adaptor.
    pub lr_adaptor: f64,
    /// Learning rate of the discriminator.
    pub lr_discriminator: f64,
    /// A location is anomalous if so much of it is; so is the best covered one of every region.
    pub min_share: f32,
    /// Weight of the focal loss beside the margin loss.
    pub focal_weight: f64,
    /// Its exponent.
    pub focal_gamma: f32,
    /// Share of the images that are learnt from once more, with noise under a Perlin mask, so that defects of kinds without
    /// examples stay known.
    pub synthetic_share: f32,
}

impl FineTuneConfig {
    /// The tuning of a model that was fitted so: a fifth of its steps at its rates.
    #[must_use]
    pub fn after(fit: &FitConfig) -> Self {
        FineTuneConfig {
            seed: fit.seed,
            iterations: (fit.iterations / 5).max(1),
            lr_adaptor: fit.lr_adaptor,
            lr_discriminator: fit.lr_discriminator,
            min_share: 0.05,
            focal_weight: 1.0,
            focal_gamma: 4.0,
            synthetic_share: 0.0,
        }
    }

    /// Checks the ranges of the fields.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn validate(&self) -> Result<()> {
        let check = |ok: bool, field, got: f64, expected| {
            if ok && got.is_finite() {
                Ok(())
            } else {
                Err(Error::Config { field, got: got.to_string(), expected })
            }
        };
        check(self.iterations > 0, "iterations", self.iterations as f64, "at least 1")?;
        check(self.lr_adaptor > 0.0, "lr_adaptor", self.lr_adaptor, "a number above 0")?;
        check(self.lr_discriminator > 0.0, "lr_discriminator", self.lr_discriminator, "a number above 0")?;
        let share = f64::from(self.min_share);
        check(share > 0.0 && share <= 1.0, "min_share", share, "above 0 to 1")?;
        check(self.focal_weight >= 0.0, "focal_weight", self.focal_weight, "a number from 0")?;
        let gamma = f64::from(self.focal_gamma);
        check(gamma >= 0.0, "focal_gamma", gamma, "a number from 0")?;
        let share = f64::from(self.synthetic_share);
        check((0.0..=1.0).contains(&share), "synthetic_share", share, "0 to 1")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_sound_and_bad_fields_are_named() -> Result<()> {
        let good = FitConfig::paper();
        good.validate()?;
        FitConfig::fast().validate()?;
        FitConfig::tiny().validate()?;
        let bad = [
            ("iterations", FitConfig { iterations: 0, ..good.clone() }),
            ("batch", FitConfig { batch: 0, ..good.clone() }),
            ("locations", FitConfig { locations: Some(0), ..good.clone() }),
            ("noise", FitConfig { noise: Noise::Relative(0.0), ..good.clone() }),
            ("margin", FitConfig { margin: f32::NAN, ..good.clone() }),
            ("lr_adaptor", FitConfig { lr_adaptor: -1.0, ..good.clone() }),
            ("weight_decay", FitConfig { weight_decay: f64::INFINITY, ..good }),
        ];
        for (name, config) in bad {
            assert!(matches!(config.validate(), Err(Error::Config { field, .. }) if field == name), "{name}");
        }
        Ok(())
    }
}
