//! Sharpness.

use madenet_image::Image;

use super::round::code_below;

/// `ImageEnhance.Sharpness` of Pillow: `smooth + factor * (picture - smooth)`, cut off to whole codes in 0 to 255.
///
/// Smooth is a window of 3x3 with the weights 5 (centre) and 1, over 13; pixels at the border stay as they are.
pub(super) fn sharpness(image: &mut Image, factor: f32) {
    let (width, height) = (image.width(), image.height());
    if width < 3 || height < 3 {
        return;
    }
    let row = 3 * width;
    let pixels = image.pixels_mut();
    // The rows above and at hand, as they were.
    let (mut above, mut here) = (pixels[..row].to_vec(), pixels[row..2 * row].to_vec());
    let mut sums = vec![0_u16; row];
    for y in 1..height - 1 {
        let (out, below) = pixels[y * row..].split_at_mut(row);
        let below = &below[..row];
        for (((sum, &a), &b), &c) in sums.iter_mut().zip(&above).zip(&here).zip(below) {
            *sum = u16::from(a) + u16::from(b) + u16::from(c);
        }
        let inner = &mut out[3..row - 3];
        let (left, middle, right) =
            (&sums[..inner.len()], &sums[3..][..inner.len()], &sums[6..][..inner.len()]);
        for (i, value) in inner.iter_mut().enumerate() {
            let weighted = left[i] + middle[i] + right[i] + 4 * u16::from(*value);
            *value = blend(smooth(weighted), *value, factor);
        }
        std::mem::swap(&mut above, &mut here);
        here.copy_from_slice(below);
    }
}

/// A sum with weights of 13 altogether, over 13, rounded: there are no halves.
fn smooth(weighted: u16) -> i16 {
    ((weighted + 6) / 13) as i16
}

/// Pillow's `Image.blend`, in single precision and not rounded, since it cuts off.
fn blend(from: i16, to: u8, factor: f32) -> u8 {
    let step = factor * f32::from(i16::from(to) - from);
    code_below((f32::from(from) + step).clamp(0.0, 255.0))
}
