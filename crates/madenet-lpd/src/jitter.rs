//! Colours of a patch, or a picture, drawn.

use madenet_image::ColorJitter;
use madenet_rng::Stream;

/// Brightness, contrast and saturation changed by at most `jitter` of 1, the hue by at most `jitter` of a turn: the four numbers of
/// torchvision's `ColorJitter`, all the same, as CutPaste has them (Li et al. 2021).
pub(crate) fn draw_jitter(stream: &mut Stream, jitter: f32) -> ColorJitter {
    let mut by = || between(stream, -jitter, jitter);
    ColorJitter { brightness: 1.0 + by(), contrast: 1.0 + by(), saturation: 1.0 + by(), hue: by() }
}

/// A number of `[low, high)`, or `low` where both are equal.
pub(crate) fn between(stream: &mut Stream, low: f32, high: f32) -> f32 {
    low + (high - low) * stream.uniform()
}
