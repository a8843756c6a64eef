//! What a synthesis draws, and how often.

use serde::{Deserialize, Serialize};

use crate::foreground::Foreground;
use crate::perlin::MAX_EXPONENT;
use crate::{Error, Result};

/// How [`Synthesizer`](crate::Synthesizer) makes anomalies.
///
/// | field | default | range | source |
/// |---|---|---|---|
/// | `normal_share` | 0.5 | 0 to 1 | DRAEM |
/// | `structural_share` | 0.5 | 0 to 1 | MADE-Net: texture or structure |
/// | `opacity` | 0.2, 1 | 0 to 1, upwards | DRAEM's code, (0.2, 1] |
/// | `perlin_exponents` | 0, 5 | 0 to 10, upwards | DRAEM |
/// | `perlin_rotation` | 90 | degrees, 0 to 180 | DRAEM |
/// | `perlin_threshold` | 0.5 | 0 to below 1 | DRAEM |
/// | `retries` | 5 | 0 to 1000 | ours: keeps the share of anomalies; DRAEM has none |
/// | `grid` | 8 | at least 1 | MemSeg |
/// | `foreground` | `Otsu` | | ours; MemSeg has a threshold per category |
/// | `rotation_share` | 0 | 0 to 1 | DRAEM has 0.3 |
/// | `rotation` | 3 | degrees, 0 to 180 | ours, for components whose orientation counts; DRAEM has 90 |
///
/// With the defaults at 256x256 masks cover 4.8 % of the picture on average, 5 % of those drawn are empty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SynthesisConfig {
    /// Probability that a sample stays normal.
    pub normal_share: f32,
    /// Probability that an anomaly is structural (patches of the picture itself in another order); else it is a texture.
    pub structural_share: f32,
    /// Weight of the anomaly in the blend: least and largest, drawn uniformly.
    pub opacity: [f32; 2],
    /// The grid of the noise has `2^e` cells along a side; least and largest e, drawn uniformly for each side.
    pub perlin_exponents: [u32; 2],
    /// Largest rotation of the noise to either side in degrees, drawn uniformly.
    pub perlin_rotation: f32,
    /// Where the noise, of -1 to 1, is larger, there is the anomaly.
    pub perlin_threshold: f32,
    /// How often another mask is drawn in place of an empty one; after that the sample is normal.
    pub retries: u32,
    /// A structural anomaly has `grid x grid` cells, which must divide the picture's sides.
    pub grid: usize,
    /// Where anomalies may lie. [`Foreground::mask`] computes it, once per picture, for
    /// [`Synthesizer::synthesize`](crate::Synthesizer::synthesize).
    pub foreground: Foreground,
    /// Probability that the normal picture is rotated first. 0 is off.
    pub rotation_share: f32,
    /// Largest rotation of the normal picture to either side in degrees, drawn uniformly; what comes in is black.
    pub rotation: f32,
}

impl Default for SynthesisConfig {
    fn default() -> Self {
        SynthesisConfig {
            normal_share: 0.5,
            structural_share: 0.5,
            opacity: [0.2, 1.0],
            perlin_exponents: [0, 5],
            perlin_rotation: 90.0,
            perlin_threshold: 0.5,
            retries: 5,
            grid: 8,
            foreground: Foreground::Otsu,
            rotation_share: 0.0,
            rotation: 3.0,
        }
    }
}

impl SynthesisConfig {
    /// DRAEM's published generator: textures only, anywhere, pictures in any orientation (Zavrtanik et al. 2021).
    #[must_use]
    pub fn draem() -> Self {
        SynthesisConfig {
            structural_share: 0.0,
            retries: 0,
            foreground: Foreground::None,
            rotation_share: 0.3,
            rotation: 90.0,
            ..Self::default()
        }
    }

    /// Checks the ranges of the fields.
    ///
    /// # Errors
    /// [`Error::Config`].
    ///
    /// ```
    /// use madenet_synth::SynthesisConfig;
    ///
    /// let config = SynthesisConfig { opacity: [0.2, f32::NAN], ..SynthesisConfig::default() };
    /// assert_eq!(
    ///     config.validate().unwrap_err().to_string(),
    ///     "opacity of a synthesis must be two numbers from 0 to 1, the lesser first, got [0.2, NaN]"
    /// );
    /// ```
    pub fn validate(&self) -> Result<()> {
        let share = |field, value: f32| check((0.0..=1.0).contains(&value), field, "from 0 to 1", value);
        let degrees =
            |field, value: f32| check((0.0..=180.0).contains(&value), field, "0 to 180 degrees", value);
        share("normal_share", self.normal_share)?;
        share("structural_share", self.structural_share)?;
        let [low, high] = self.opacity;
        let upwards = 0.0 <= low && low <= high && high <= 1.0;
        check(upwards, "opacity", "two numbers from 0 to 1, the lesser first", self.opacity)?;
        let [low, high] = self.perlin_exponents;
        let upwards = low <= high && high <= MAX_EXPONENT;
        check(
            upwards,
            "perlin_exponents",
            "two numbers of 0 to 10, the lesser first",
            self.perlin_exponents,
        )?;
        degrees("perlin_rotation", self.perlin_rotation)?;
        // Where the rotation brings in nothing, the noise is 0: that must not become an anomaly.
        let threshold = self.perlin_threshold;
        check((0.0..1.0).contains(&threshold), "perlin_threshold", "from 0 to below 1", threshold)?;
        check(self.retries <= 1000, "retries", "at most 1000", self.retries)?;
        check(self.grid > 0, "grid", "at least 1", self.grid)?;
        share("rotation_share", self.rotation_share)?;
        degrees("rotation", self.rotation)
    }
}

fn check(ok: bool, field: &'static str, expected: &'static str, got: impl std::fmt::Debug) -> Result<()> {
    if ok { Ok(()) } else { Err(Error::Config { field, expected, got: format!("{got:?}") }) }
}
