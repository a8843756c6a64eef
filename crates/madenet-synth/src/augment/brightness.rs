//! Brightness by its luma.

use madenet_image::Image;

/// Weights of red, green and blue in luma, in 1/65536: those of ITU-R BT.601 as Pillow rounds them.
const LUMA: [u32; 3] = [19595, 38470, 7471];

/// Multiplies luma by `factor` and adds `offset`. Every channel moves as luma does, which is the same in any colour space of
/// luma and differences to it (YCbCr, YUV).
pub(super) fn multiply_add(image: &mut Image, factor: f32, offset: f32) {
    // By how much a pixel of some luma moves.
    let moves: [i16; 256] = std::array::from_fn(|luma| {
        let moved = (luma as f32 * factor + offset).clamp(0.0, 255.0);
        (moved + 0.5) as i16 - luma as i16
    });
    for pixel in image.pixels_mut().as_chunks_mut::<3>().0 {
        let weighted: u32 = pixel.iter().zip(LUMA).map(|(&value, weight)| u32::from(value) * weight).sum();
        // At most 255, since the weights sum to 65536; the mask spares a check of bounds.
        let step = moves[((weighted + 32768) >> 16) as usize & 255];
        for value in pixel {
            *value = (i16::from(*value) + step).clamp(0, 255) as u8;
        }
    }
}
