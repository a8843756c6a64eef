//! Hue and saturation.

use madenet_image::Image;

/// Pixels that are worked on together: channels apart, so that one instruction serves several pixels.
const LANES: usize = 16;

/// Adds to hue (1/255 of the circle) and to saturation (1/255 of full) of HSV; hue goes round, saturation is cut to 0 to 1.
pub(super) fn add(image: &mut Image, hue: f32, saturation: f32) {
    // In sixths of the circle, at most half of it to either side.
    let turn = (hue / 255.0 - (hue / 255.0).round()) * 6.0;
    let added = saturation / 255.0;
    for pixels in image.pixels_mut().as_chunks_mut::<3>().0.chunks_mut(LANES) {
        let mut channels = [[0.0; LANES]; 3];
        let [red, green, blue] = &mut channels;
        for (i, &[r, g, b]) in pixels.iter().enumerate() {
            (red[i], green[i], blue[i]) = (f32::from(r), f32::from(g), f32::from(b));
        }
        let lanes = red.iter_mut().zip(green).zip(blue);
        lanes.for_each(|((r, g), b)| [*r, *g, *b] = shifted([*r, *g, *b], turn, added));
        let [red, green, blue] = &channels;
        for (i, pixel) in pixels.iter_mut().enumerate() {
            *pixel = [red[i] as i32 as u8, green[i] as i32 as u8, blue[i] as i32 as u8];
        }
    }
}

/// One pixel, values 0 to 255 before and to 255.5 after, without branches. `turn` in sixths of the circle, -3 to 3.
fn shifted([r, g, b]: [f32; 3], turn: f32, added: f32) -> [f32; 3] {
    let value = r.max(g).max(b);
    let chroma = value - r.min(g).min(b);
    // Grey has no hue, red (0) by convention, and black no saturation; neither divides by zero.
    let scale = 1.0 / chroma.max(1.0);
    let hue = if value == r {
        (g - b) * scale
    } else if value == g {
        (b - r) * scale + 2.0
    } else {
        (r - g) * scale + 4.0
    };
    let saturation = chroma / value.max(1.0);
    // In -4 to 8, as `channel` expects.
    let hue = hue + turn;
    let chroma = value * (saturation + added).clamp(0.0, 1.0);
    [0.0, 2.0, 4.0].map(|offset| channel(hue - offset, value, chroma))
}

/// One channel, whose own hue lies `hue` sixths back, -8 to 8: full within one sixth of it, nothing beyond two.
fn channel(hue: f32, value: f32, chroma: f32) -> f32 {
    let away = hue.abs();
    // Around the circle the other way.
    let away = if away > 3.0 { (6.0 - away).abs() } else { away };
    value - chroma * (away - 1.0).clamp(0.0, 1.0) + 0.5
}
