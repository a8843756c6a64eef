//! What a distortion draws.

use serde::{Deserialize, Serialize};

use crate::{Error, GateConfig, Result, Variant};

/// Largest share of the picture that a patch may be asked to have: up to there an upright patch finds, wherever it comes from, a
/// place where source and target share less than half of what both cover. (From the middle of the picture that holds up to 0.53;
/// the rest is left for whole pixels.)
const MAX_AREA: f32 = 0.4;

/// Most draws for a sample.
const MAX_TRIES: u32 = 1000;

/// How [`PatchDistorter`](crate::PatchDistorter) draws patches.
///
/// | field | default | range | source |
/// |---|---|---|---|
/// | `variant` | `Normal` | | MADE-Net describes rectangles only |
/// | `area` | 0.05, 0.2 | above 0 to 0.4, upwards | MADE-Net, "typically 5-20 %"; CutPaste has 0.02 to 0.15 |
/// | `aspect` | 0.3 | above 0 to 1 | CutPaste: 0.3 to 1 or 1 to 3.3, one half each |
/// | `flip_share` | 0.5 | 0 to 1 | MADE-Net, "may be applied"; the share is ours |
/// | `rotation_share` | 0.5 | 0 to 1 | MADE-Net, "may be applied"; the share is ours |
/// | `free_rotation` | false | | ours: right angles keep pixels as they are |
/// | `rotation` | 45 | degrees, 0 to 180 | CutPaste, for scars |
/// | `jitter` | 0.1 | 0 to 0.5 | CutPaste |
/// | `scar_width` | 2, 16 | pixels at 256x256, 1 to 128, upwards | CutPaste |
/// | `scar_height` | 10, 25 | pixels at 256x256, 1 to 128, upwards | CutPaste |
/// | `tries` | 10 | 1 to 1000 | ours |
/// | `gate` | on | | MADE-Net; its thresholds are ours |
///
/// CutPaste is Li et al., CVPR 2021.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DistortionConfig {
    /// Which kinds of patches are drawn, and the classes they belong to.
    pub variant: Variant,
    /// Share of the picture's pixels that a patch has before it is turned: least and largest, drawn uniformly. Equal numbers fix
    /// it.
    pub area: [f32; 2],
    /// Width over height of a patch is drawn log-uniformly from `aspect` to `1 / aspect`.
    pub aspect: f32,
    /// Probability that a patch is flipped, in each direction.
    pub flip_share: f32,
    /// Probability that a patch is rotated. Where it would not fit into the picture it stays upright.
    pub rotation_share: f32,
    /// Whether patches are rotated by any angle up to `rotation`; else by 90, 180 or 270 degrees.
    pub free_rotation: bool,
    /// Largest free rotation to either side in degrees, drawn uniformly. Scars are always rotated so.
    pub rotation: f32,
    /// Largest change of the patch's brightness, contrast and saturation, as a part of 1, and of its hue, as a part of a turn;
    /// each drawn uniformly. 0 is off.
    pub jitter: f32,
    /// Width of a scar in pixels of a picture of 256x256: least and largest, drawn uniformly. Other pictures have it larger or
    /// smaller by the root of their area.
    pub scar_width: [f32; 2],
    /// Height of a scar, likewise.
    pub scar_height: [f32; 2],
    /// Most draws until the gate accepts one. Without a gate the first is taken.
    pub tries: u32,
    /// What a patch must be like to be seen. `None` takes every patch.
    pub gate: Option<GateConfig>,
}

impl Default for DistortionConfig {
    fn default() -> Self {
        DistortionConfig {
            variant: Variant::Normal,
            area: [0.05, 0.2],
            aspect: 0.3,
            flip_share: 0.5,
            rotation_share: 0.5,
            free_rotation: false,
            rotation: 45.0,
            jitter: 0.1,
            scar_width: [2.0, 16.0],
            scar_height: [10.0, 25.0],
            tries: 10,
            gate: Some(GateConfig::default()),
        }
    }
}

impl DistortionConfig {
    /// CutPaste as published (Li et al. 2021): patches of 2 to 15 % of the picture, only moved and jittered, each taken as it is
    /// drawn.
    #[must_use]
    pub fn cutpaste() -> Self {
        DistortionConfig {
            area: [0.02, 0.15],
            flip_share: 0.0,
            rotation_share: 0.0,
            gate: None,
            ..Self::default()
        }
    }

    /// Checks the ranges of the fields, and that patches of the areas drawn can pass the gate.
    ///
    /// # Errors
    /// [`Error::Config`].
    ///
    /// ```
    /// use madenet_lpd::DistortionConfig;
    ///
    /// let config = DistortionConfig { area: [0.05, f32::NAN], ..DistortionConfig::default() };
    /// assert_eq!(
    ///     config.validate().unwrap_err().to_string(),
    ///     "area of a patch distortion must be two numbers above 0 and up to 0.4, the lesser first, got [0.05, NaN]"
    /// );
    /// ```
    pub fn validate(&self) -> Result<()> {
        let share = |field, value: f32| check((0.0..=1.0).contains(&value), field, "from 0 to 1", value);
        let [low, high] = self.area;
        let upwards = 0.0 < low && low <= high && high <= MAX_AREA;
        check(upwards, "area", "two numbers above 0 and up to 0.4, the lesser first", self.area)?;
        check(0.0 < self.aspect && self.aspect <= 1.0, "aspect", "above 0 and up to 1", self.aspect)?;
        share("flip_share", self.flip_share)?;
        share("rotation_share", self.rotation_share)?;
        check((0.0..=180.0).contains(&self.rotation), "rotation", "0 to 180 degrees", self.rotation)?;
        check((0.0..=0.5).contains(&self.jitter), "jitter", "from 0 to 0.5", self.jitter)?;
        for (field, range) in [("scar_width", self.scar_width), ("scar_height", self.scar_height)] {
            let upwards = 1.0 <= range[0] && range[0] <= range[1] && range[1] <= 128.0;
            check(upwards, field, "two numbers of 1 to 128, the lesser first", range)?;
        }
        check((1..=MAX_TRIES).contains(&self.tries), "tries", "from 1 to 1000", self.tries)?;
        let Some(gate) = &self.gate else { return Ok(()) };
        gate.validate()?;
        let meets = low <= gate.area[1] && gate.area[0] <= high;
        let patches = self.variant != Variant::Scar;
        check(meets || !patches, "area", "within reach of the gate's, or no patch passes", self.area)
    }
}

pub(crate) fn check(
    ok: bool,
    field: &'static str,
    expected: &'static str,
    got: impl std::fmt::Debug,
) -> Result<()> {
    if ok { Ok(()) } else { Err(Error::Config { field, expected, got: format!("{got:?}") }) }
}
