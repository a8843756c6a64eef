//! What was drawn for a sample.

use serde::Serialize;

use crate::{Augmentation, DrawnPerlin};

/// What was drawn for a sample: enough to see in a log why it looks as it does.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Drawn {
    /// Rotation of the normal picture, counter-clockwise in degrees, where it was rotated.
    pub rotation: Option<f32>,
    /// Masks that were drawn, of which all but the last were empty: 0 where the sample was to stay normal.
    pub tries: u32,
    /// The anomaly. `None` where the sample was to stay normal, and where all masks were empty.
    pub anomaly: Option<DrawnAnomaly>,
}

/// What was drawn for an anomaly.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DrawnAnomaly {
    /// The noise that gave the mask.
    pub perlin: DrawnPerlin,
    /// What the anomaly consists of.
    pub source: Source,
    /// What was done to the texture, or to the picture before its cells were shuffled; in this order.
    pub augmentations: [Augmentation; 3],
    /// Weight of the anomaly in the blend, 0 to 1.
    pub opacity: f32,
}

/// What an anomaly consists of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Source {
    /// A texture.
    Texture {
        /// Its place in [`Textures`](crate::Textures).
        index: usize,
        /// Its name there.
        name: String,
    },
    /// Cells of the picture itself, in another order.
    Structural,
}
