//! Operators on the bits of a value.

use madenet_image::Image;

pub(super) fn invert(image: &mut Image) {
    image.pixels_mut().iter_mut().for_each(|value| *value = !*value);
}

/// Inverts the values that are not below `threshold`.
pub(super) fn solarize(image: &mut Image, threshold: Option<f32>) {
    let Some(threshold) = threshold else { return };
    // Whole codes reach a threshold where they reach the next whole number.
    let threshold = threshold.ceil().clamp(0.0, 256.0) as u16;
    let Ok(threshold) = u8::try_from(threshold) else { return };
    for value in image.pixels_mut() {
        *value = if *value >= threshold { !*value } else { *value };
    }
}

/// Keeps the upper `bits` of 8.
pub(super) fn posterize(image: &mut Image, bits: u32) {
    let kept = !(255_u32 >> bits.min(8)) as u8;
    image.pixels_mut().iter_mut().for_each(|value| *value &= kept);
}
