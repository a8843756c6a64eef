//! The thresholds of the gate.

use serde::{Deserialize, Serialize};

use crate::config::check;
use crate::{Kind, Perceptibility, Result};

/// What a pasted patch must be like to be seen, in figures of [`Perceptibility`].
///
/// ```text
/// accepted = area is in range AND ssim <= ssim_max AND (mse >= mse_min OR edge >= edge_min)
///            AND (color >= color_min OR texture >= texture_min OR edge >= context.edge_min)
/// ```
///
/// | field | default | range | source |
/// |---|---|---|---|
/// | `area` | 0.05, 0.2 | 0 to 1, upwards | MADE-Net; scars have no such rule |
/// | `ssim_max` | 0.95 | -1 to 1 | ours |
/// | `mse_min` | 0.001 | 0 to 1 | ours: a root of 8 grey levels |
/// | `edge_min` | 0.02 | 0 to 1 | ours: a step of 5 grey levels all around |
/// | `context` | on | | ours |
///
/// MADE-Net names the criteria (structural similarity, mean squared error, edge intensity, and the difference between a patch
/// and its surroundings) and no numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GateConfig {
    /// Least and largest share of the picture that a patch covers.
    pub area: [f32; 2],
    /// Largest structural similarity of the place before and after.
    pub ssim_max: f32,
    /// Least mean squared error between the place before and after.
    pub mse_min: f32,
    /// Least rise of the edge intensity around the patch.
    pub edge_min: f32,
    /// Least difference between the patch and its surroundings. `None` asks for none.
    pub context: Option<ContextConfig>,
}

impl Default for GateConfig {
    fn default() -> Self {
        GateConfig {
            area: [0.05, 0.2],
            ssim_max: 0.95,
            mse_min: 1e-3,
            edge_min: 0.02,
            context: Some(ContextConfig::default()),
        }
    }
}

/// The least difference between a patch and its surroundings: one of the three suffices.
///
/// Mean colours and contrasts agree by chance as well, above all of large patches with several parts; a clear outline then
/// still shows them.
///
/// | field | default | range | source |
/// |---|---|---|---|
/// | `color_min` | 2.3 | 0 to 100 | a just noticeable difference (Mahy, Van Eycken, Oosterlinck 1994) |
/// | `texture_min` | 0.01 | 0 to 1 | ours: 2.5 grey levels |
/// | `edge_min` | 0.05 | 0 to 1 | ours: a step of 13 grey levels all around |
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContextConfig {
    /// Least [`Perceptibility::color`].
    pub color_min: f32,
    /// Least [`Perceptibility::texture`].
    pub texture_min: f32,
    /// Least [`Perceptibility::edge`].
    pub edge_min: f32,
}

impl Default for ContextConfig {
    fn default() -> Self {
        ContextConfig { color_min: 2.3, texture_min: 0.01, edge_min: 0.05 }
    }
}

impl GateConfig {
    /// Checks the ranges of the fields.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config).
    pub fn validate(&self) -> Result<()> {
        let unit = |field, value: f32| check((0.0..=1.0).contains(&value), field, "from 0 to 1", value);
        let [low, high] = self.area;
        let upwards = 0.0 <= low && low <= high && high <= 1.0;
        check(upwards, "gate.area", "two numbers from 0 to 1, the lesser first", self.area)?;
        check((-1.0..=1.0).contains(&self.ssim_max), "gate.ssim_max", "from -1 to 1", self.ssim_max)?;
        unit("gate.mse_min", self.mse_min)?;
        unit("gate.edge_min", self.edge_min)?;
        let Some(context) = self.context else { return Ok(()) };
        let color = context.color_min;
        check((0.0..=100.0).contains(&color), "gate.context.color_min", "from 0 to 100", color)?;
        unit("gate.context.texture_min", context.texture_min)?;
        unit("gate.context.edge_min", context.edge_min)
    }

    /// Whether a patch with these figures is accepted.
    #[must_use]
    pub fn accepts(&self, kind: Kind, figures: &Perceptibility) -> bool {
        let [low, high] = self.area;
        let area = kind == Kind::Scar || (low..=high).contains(&figures.area);
        let visible = figures.mse >= self.mse_min || figures.edge >= self.edge_min;
        let differs = self.context.is_none_or(|context| {
            figures.color >= context.color_min
                || figures.texture >= context.texture_min
                || figures.edge >= context.edge_min
        });
        area && figures.ssim <= self.ssim_max && visible && differs
    }
}
