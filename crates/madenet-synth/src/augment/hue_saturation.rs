//! Hue and saturation.

use madenet_image::Image;

use super::round::code;

/// Pixels that are worked on together: channels apart, so that one instruction serves several pixels.
const LANES: usize = 16;

/// Adds to hue (1/255 of the circle) and to saturation (1/255 of full) of HSV; hue goes round, saturation is cut to 0 to 1.
pub(super) fn add(image: &mut Image, hue: f32, saturation: f32) {
    // In sixths of the circle, at most half of it to either side.
    let turn = (hue / 255.0 - (hue / 255.0).round()) * 6.0;
    let added = saturation / 255.0;
    let (groups, rest) = image.pixels_mut().as_chunks_mut::<{ 3 * LANES }>();
    groups.iter_mut().for_each(|group| shift(group, turn, added));
    let mut last = [0; 3 * LANES];
    last[..rest.len()].copy_from_slice(rest);
    shift(&mut last, turn, added);
    rest.copy_from_slice(&last[..rest.len()]);
}

/// A group of pixels. Every loop is one over lanes without branches, which compilers turn into vector instructions.
fn shift(pixels: &mut [u8; 3 * LANES], turn: f32, added: f32) {
    let mut channels = [[0.0_f32; LANES]; 3];
    for (i, pixel) in pixels.as_chunks::<3>().0.iter().enumerate() {
        for (channel, &value) in channels.iter_mut().zip(pixel) {
            channel[i] = f32::from(value);
        }
    }
    let (mut hues, mut values, mut chromas) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
    let [red, green, blue] = &channels;
    for i in 0..LANES {
        let (r, g, b) = (red[i], green[i], blue[i]);
        let value = max(max(r, g), b);
        let chroma = value + max(max(-r, -g), -b);
        // Grey has no hue, red (0) by convention, and black no saturation; neither divides by zero.
        let scale = 1.0 / max(chroma, 1.0);
        let of_green = if value == g { (b - r) * scale + 2.0 } else { (r - g) * scale + 4.0 };
        let hue = if value == r { (g - b) * scale } else { of_green };
        let saturation = chroma / max(value, 1.0) + added;
        // In sixths, -4 to 8, as `channel` expects.
        hues[i] = hue + turn;
        values[i] = value;
        chromas[i] = value * saturation.clamp(0.0, 1.0);
    }
    for (channel, own) in channels.iter_mut().zip([0.0, 2.0, 4.0]) {
        for i in 0..LANES {
            channel[i] = of_channel(hues[i] - own, values[i], chromas[i]);
        }
    }
    for (i, pixel) in pixels.as_chunks_mut::<3>().0.iter_mut().enumerate() {
        for (channel, value) in channels.iter().zip(pixel) {
            *value = code(channel[i]);
        }
    }
}

/// One channel, whose own hue lies `hue` sixths back, -8 to 8: full within one sixth of it, nothing beyond two.
fn of_channel(hue: f32, value: f32, chroma: f32) -> f32 {
    let away = hue.abs();
    // Around the circle the other way.
    let away = if away > 3.0 { (6.0 - away).abs() } else { away };
    value - chroma * (away - 1.0).clamp(0.0, 1.0)
}

/// One instruction, other than `f32::max`, which looks after what is no number.
fn max(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}
