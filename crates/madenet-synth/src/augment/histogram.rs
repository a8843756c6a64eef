//! Operators that depend on the histograms of the channels.

use madenet_image::Image;

use super::lookup::{Table, look_up, table};

/// For each code the number of pixels that have it.
type Histogram = [usize; 256];

/// Stretches what lies between the codes that are reached when `cutoff` percent of the pixels are cut off at either end,
/// `ImageOps.autocontrast` of Pillow.
pub(super) fn autocontrast(image: &mut Image, cutoff: u32) {
    let tables = histograms(image).map(|histogram| stretched(histogram, cutoff));
    look_up(image, &tables);
}

/// Spreads the codes of every channel so that their histogram becomes flat, `ImageOps.equalize` of Pillow.
pub(super) fn equalize(image: &mut Image) {
    let tables = histograms(image).map(|histogram| flattened(&histogram));
    look_up(image, &tables);
}

fn histograms(image: &Image) -> [Histogram; 3] {
    let mut histograms = [[0; 256]; 3];
    let [red, green, blue] = &mut histograms;
    for &[r, g, b] in image.pixels().as_chunks::<3>().0 {
        red[usize::from(r)] += 1;
        green[usize::from(g)] += 1;
        blue[usize::from(b)] += 1;
    }
    histograms
}

fn stretched(mut histogram: Histogram, cutoff: u32) -> Table {
    let pixels: usize = histogram.iter().sum();
    let cut = (pixels as u128 * u128::from(cutoff) / 100).min(pixels as u128) as usize;
    take(histogram.iter_mut(), cut);
    take(histogram.iter_mut().rev(), cut);
    let low = histogram.iter().position(|&count| count > 0);
    let high = histogram.iter().rposition(|&count| count > 0);
    match (low, high) {
        (Some(low), Some(high)) if low < high => {
            let scale = 255.0 / (high - low) as f64;
            // In this order, with an offset that is rounded for itself, as Pillow computes it; casts cut off and saturate.
            let offset = -(low as f64) * scale;
            table(|code| (code as f64 * scale + offset) as u8)
        }
        _ => table(|code| code as u8),
    }
}

/// Takes `count` pixels off the first codes.
fn take<'a>(codes: impl Iterator<Item = &'a mut usize>, mut count: usize) {
    for pixels in codes {
        let taken = count.min(*pixels);
        *pixels -= taken;
        count -= taken;
    }
}

fn flattened(histogram: &Histogram) -> Table {
    let pixels: usize = histogram.iter().sum();
    let last = histogram.iter().rfind(|&&count| count > 0).copied().unwrap_or_default();
    // How many pixels a code of the result gets.
    let step = (pixels - last) / 255;
    if step == 0 {
        return table(|code| code as u8);
    }
    let mut below = step / 2;
    table(|code| {
        let level = below / step;
        below += histogram[code];
        level.min(255) as u8
    })
}
