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
