//! A sample with its exact mask.

use madenet_image::{Image, Mask};
use madenet_metrics::Label;

use crate::Drawn;

/// A synthetic sample.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Synthetic {
    /// The picture, as large as the normal one it was made from. Outside of the mask it is that one, bit for bit.
    pub image: Image,
    /// The anomaly, as large as the picture. Inside of it a pixel may still equal the normal one: where texture and picture
    /// have the same colour, or the opacity is too small for a difference.
    pub mask: Mask,
    /// [`Anomalous`](Label::Anomalous) if and only if the mask has a pixel.
    pub label: Label,
    /// The normal picture behind, where it was rotated first: a reconstruction's target. `None` means the picture that
    /// was given.
    pub normal: Option<Image>,
    /// What was drawn.
    pub drawn: Drawn,
}
