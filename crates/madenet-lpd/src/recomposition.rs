//! A patch cut out and pasted at its own place.

use madenet_image::{Image, Rect};

use crate::Result;

/// What a patch of `size`, rotated by `degrees` and pasted at `target`, has to show so that nothing seems to have moved: the
/// picture under it, turned upright, by bilinear interpolation; beyond the picture its border goes on.
pub(crate) fn cut_upright(image: &Image, target: Rect, size: (usize, usize), degrees: f32) -> Result<Image> {
    let (sin, cos) = f64::from(degrees).to_radians().sin_cos();
    let middle = |at: usize, len: usize| at as f64 + len as f64 / 2.0 - 0.5;
    let centre = (middle(target.x, target.width), middle(target.y, target.height));
    let mut pixels = Vec::with_capacity(3 * size.0 * size.1);
    for row in 0..size.1 {
        let down = row as f64 - middle(0, size.1);
        for column in 0..size.0 {
            let right = column as f64 - middle(0, size.0);
            // Counter-clockwise, as the patch will be; y points down.
            let (x, y) = (centre.0 + right * cos + down * sin, centre.1 - right * sin + down * cos);
            pixels.extend(interpolate(image, x, y));
        }
    }
    Ok(Image::new(size.0, size.1, pixels)?)
}

/// The colours between four pixels; (`x`, `y`) counts from the centre of the first pixel.
fn interpolate(image: &Image, x: f64, y: f64) -> [u8; 3] {
    let (right, bottom) = (image.width() - 1, image.height() - 1);
    let (x, y) = (x.clamp(0.0, right as f64), y.clamp(0.0, bottom as f64));
    let (left, top) = (x as usize, y as usize);
    let (across, down) = (x - left as f64, y - top as f64);
    let (pixels, _) = image.pixels().as_chunks::<3>();
    let pixel = |x: usize, y: usize| pixels[y.min(bottom) * image.width() + x.min(right)];
    let (upper, lower) =
        ([pixel(left, top), pixel(left + 1, top)], [pixel(left, top + 1), pixel(left + 1, top + 1)]);
    std::array::from_fn(|c| {
        let between = |[a, b]: [[u8; 3]; 2]| f64::from(a[c]) + across * (f64::from(b[c]) - f64::from(a[c]));
        let (upper, lower) = (between(upper), between(lower));
        (upper + down * (lower - upper) + 0.5) as u8
    })
}
