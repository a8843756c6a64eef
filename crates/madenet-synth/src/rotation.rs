//! Rotation about the centre onto a canvas of the same size, with nothing (0) outside.
//!
//! [`madenet_image::rotate`] grows its canvas and continues the border; augmentation wants neither. Pixels that a
//! rotation brings in from outside are 0, and at the border the interpolation runs towards 0 (OpenCV's constant border),
//! as in DRAEM's generator.

use std::ops::Range;

use madenet_image::Image;

/// One pixel. Places are whole numbers of 2^-24 pixels: adding them up is exact, and a number's upper bits are the pixel's
/// index, where converting a floating-point number takes several instructions.
const ONE: i64 = 1 << 24;

/// The map from a pixel of the result to a place in the source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rotation {
    /// In 2^-24.
    sin: i64,
    cos: i64,
    width: usize,
    height: usize,
}

impl Rotation {
    /// Counter-clockwise by `degrees`; what is no number turns by 0.
    pub(crate) fn new(degrees: f32, width: usize, height: usize) -> Self {
        let degrees = if degrees.is_finite() { degrees } else { 0.0 };
        let (sin, cos) = f64::from(degrees % 360.0).to_radians().sin_cos();
        let [sin, cos] = [sin, cos].map(|value| (value * ONE as f64).round() as i64);
        Rotation { sin, cos, width, height }
    }

    /// The columns of row `y` whose source lies less than a pixel outside of the picture at most, and a function from such
    /// a column to its source (x, y), counted from one pixel left of and above the first one, hence not negative.
    fn row(self, y: usize) -> (Range<usize>, impl Fn(usize) -> (u64, u64)) {
        // Twice the distances to the centre, which are halves.
        let (right, down) = (self.width as i64 - 1, 2 * y as i64 - (self.height as i64 - 1));
        let x0 = ONE + (right * (ONE - self.cos) - down * self.sin) / 2;
        let y0 = ONE + ((self.height as i64 - 1) * ONE - right * self.sin + down * self.cos) / 2;
        let (across, along) =
            (inside(x0, self.cos, self.width, self.width), inside(y0, self.sin, self.height, self.width));
        let (start, end) = (across.start.max(along.start), across.end.min(along.end));
        (start..end.max(start), move |x| {
            ((x0 + x as i64 * self.cos) as u64, (y0 + x as i64 * self.sin) as u64)
        })
    }

    /// Hands the rows of the rotated `padded` to `use_row`, from the top. `padded` has a border of one zero to the left and
    /// above, and of two to the right and below.
    pub(crate) fn plane_rows(self, padded: &[f32], mut use_row: impl FnMut(&[f32])) {
        let stride = padded_width(self.width);
        let mut row = vec![0.0; self.width];
        for y in 0..self.height {
            let (columns, source) = self.row(y);
            row[..columns.start].fill(0.0);
            row[columns.end..].fill(0.0);
            for (x, value) in columns.clone().zip(&mut row[columns]) {
                let (x, y) = source(x);
                let at = (y >> 24) as usize * stride + (x >> 24) as usize;
                let (x, y) = (fraction(x), fraction(y));
                let (upper, lower) = (&padded[at..at + 2], &padded[at + stride..at + stride + 2]);
                let (a, b) = (upper[0] + x * (upper[1] - upper[0]), lower[0] + x * (lower[1] - lower[0]));
                *value = a + y * (b - a);
            }
            use_row(&row);
        }
    }

    /// The rotated picture, rounded to the nearest code; places count in 1/64 of a pixel (OpenCV's in 1/32).
    pub(crate) fn image(self, image: &Image) -> Vec<u8> {
        let stride = padded_width(self.width);
        let padded = self.packed(image);
        let mut out = vec![0; image.pixels().len()];
        for (y, row) in out.chunks_exact_mut(3 * self.width).enumerate() {
            let (row, _) = row.as_chunks_mut::<3>();
            let (columns, source) = self.row(y);
            for (x, pixel) in columns.clone().zip(&mut row[columns]) {
                let (x, y) = source(x);
                let (x, y) = (x + (1 << 17), y + (1 << 17));
                let at = (y >> 24) as usize * stride + (x >> 24) as usize;
                let (x, y) = (x >> 18 & 63, y >> 18 & 63);
                let (upper, lower) = (&padded[at..at + 2], &padded[at + stride..at + stride + 2]);
                let (upper, lower) = (upper[0] * (64 - x) + upper[1] * x, lower[0] * (64 - x) + lower[1] * x);
                *pixel = unpack(upper * (64 - y) + lower * y + HALVES);
            }
        }
        out
    }

    /// A pixel per number, with a border of zeros as that of a plane.
    fn packed(self, image: &Image) -> Vec<u64> {
        let stride = padded_width(self.width);
        let mut padded = vec![0; stride * (self.height + 3)];
        let rows = padded.chunks_exact_mut(stride).skip(1);
        for (to, from) in rows.zip(image.pixels().as_chunks::<3>().0.chunks_exact(self.width)) {
            for (number, &pixel) in to[1..].iter_mut().zip(from) {
                *number = pack(pixel);
            }
        }
        padded
    }

    /// The rotated mask, every pixel taking the nearest verdict; none outside.
    pub(crate) fn mask(self, mask: &[bool]) -> Vec<bool> {
        let mut out = vec![false; mask.len()];
        for (y, row) in out.chunks_exact_mut(self.width).enumerate() {
            let (columns, source) = self.row(y);
            for (x, value) in columns.clone().zip(&mut row[columns]) {
                let (x, y) = source(x);
                let (x, y) = (((x + (1 << 23)) >> 24) as usize, ((y + (1 << 23)) >> 24) as usize);
                if (1..=self.width).contains(&x) && (1..=self.height).contains(&y) {
                    *value = mask[(y - 1) * self.width + x - 1];
                }
            }
        }
        out
    }
}

/// Values in a row of a plane with its border of zeros.
pub(crate) fn padded_width(width: usize) -> usize {
    width + 3
}

/// Red, green and blue in 20 bits each, which hold a code times 64 * 64: so three channels are interpolated at once.
fn pack([red, green, blue]: [u8; 3]) -> u64 {
    u64::from(red) | u64::from(green) << 20 | u64::from(blue) << 40
}

/// One half of a code times 64 * 64, in every channel.
const HALVES: u64 = 2048 | 2048 << 20 | 2048 << 40;

/// The codes of what is packed times 64 * 64, cut off.
fn unpack(packed: u64) -> [u8; 3] {
    [(packed >> 12) as u8, (packed >> 32) as u8, (packed >> 52) as u8]
}

/// The part of a place below whole pixels, exactly.
fn fraction(place: u64) -> f32 {
    (place & 0xff_ffff) as i32 as f32 * (1.0 / ONE as f32)
}

/// The columns, of `columns`, for which `start + column * step` lies in the picture's `len` pixels or less than one before or
/// behind, all with the border of one pixel: between 0 and `len + 1`, excluded.
fn inside(start: i64, step: i64, len: usize, columns: usize) -> Range<usize> {
    let limit = (len as i64 + 1) * ONE - 1;
    // Seen from the other end, a step back is one forward.
    let (start, step) = if step < 0 { (limit - start, -step) } else { (start, step) };
    if step == 0 {
        return if (0..=limit).contains(&start) { 0..columns } else { 0..0 };
    }
    let first = (-start + step - 1).div_euclid(step);
    let end = (limit - start).div_euclid(step) + 1;
    let column = |at: i64| at.clamp(0, columns as i64) as usize;
    column(first)..column(end)
}
