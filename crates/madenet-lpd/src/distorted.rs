//! A sample with its patch.

use madenet_image::{Image, Mask};

use crate::{Drawn, Verdict};

/// A picture in which a patch was moved.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Distorted {
    /// The picture, as large as the one it was made from. Outside of the mask it is that one, bit for bit.
    pub image: Image,
    /// The pixels that the patch covers, wholly or in part; as large as the picture. Inside of it a pixel may still equal the
    /// former one.
    pub mask: Mask,
    /// The class of the sample, from 1: [`Variant::class`](crate::Variant::class) of what was drawn.
    pub class: usize,
    /// What was drawn.
    pub drawn: Drawn,
    /// What the gate said.
    pub verdict: Verdict,
}
