//! What was drawn for a sample.

use madenet_image::{ColorJitter, Rect};
use serde::{Serialize, Serializer};

use crate::Kind;

/// What was drawn for a sample: enough to see in a log why it looks as it does.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Drawn {
    /// What was moved.
    pub kind: Kind,
    /// Where the patch was cut out; written as `[x, y, width, height]` in pixels.
    #[serde(serialize_with = "rect")]
    pub source: Rect,
    /// Where it was pasted: the box around all pixels that it may have changed, likewise.
    #[serde(serialize_with = "rect")]
    pub target: Rect,
    /// Whether the patch was flipped, left to right and upside down; before its rotation.
    pub flips: [bool; 2],
    /// Rotation of the patch, counter-clockwise in degrees; 0 where it stayed upright.
    pub rotation: f32,
    /// The change of the patch's colours; written as brightness, contrast, saturation, hue.
    #[serde(serialize_with = "jitter")]
    pub jitter: ColorJitter,
}

fn rect<S: Serializer>(rect: &Rect, serializer: S) -> Result<S::Ok, S::Error> {
    [rect.x, rect.y, rect.width, rect.height].serialize(serializer)
}

fn jitter<S: Serializer>(jitter: &ColorJitter, serializer: S) -> Result<S::Ok, S::Error> {
    [jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue].serialize(serializer)
}
