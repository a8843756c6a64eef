//! Rotation about the centre onto a canvas of the same size, with nothing (0) outside.
//!
//! [`madenet_image::rotate`] grows its canvas and continues the border; augmentation wants neither. Pixels that a
//! rotation brings in from outside are 0, and at the border the interpolation runs towards 0 (OpenCV's constant border),
//! as in DRAEM's generator.

use madenet_image::Image;

/// The map from a pixel of the result to a place in the source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rotation {
    sin: f32,
    cos: f32,
    width: usize,
    height: usize,
}

impl Rotation {
    /// Counter-clockwise by `degrees`.
    pub(crate) fn new(degrees: f32, width: usize, height: usize) -> Self {
        let (sin, cos) = f64::from(degrees).to_radians().sin_cos();
        Rotation { sin: sin as f32, cos: cos as f32, width, height }
    }

    /// Where row `y` of the result begins in the source; `x` and `y` in pixels from the centre of the first pixel.
    fn row_start(self, y: usize) -> (f32, f32) {
        let (middle_x, middle_y) = ((self.width - 1) as f32 / 2.0, (self.height - 1) as f32 / 2.0);
        let down = y as f32 - middle_y;
        (middle_x - middle_x * self.cos - down * self.sin, middle_y - middle_x * self.sin + down * self.cos)
    }

    /// The columns of row `y` whose source lies less than a pixel outside of the picture at most, and a function from such
    /// a column to its source counted from one pixel left of and above the first one, hence not negative.
    fn row(self, y: usize) -> (std::ops::Range<usize>, impl Fn(usize) -> (f32, f32)) {
        let (x0, y0) = self.row_start(y);
        let (left, right) = inside(x0, self.cos, self.width, self.width);
        let (top, bottom) = inside(y0, self.sin, self.height, self.width);
        let (start, end) = (left.max(top), right.min(bottom));
        (start..end.max(start), move |x| {
            let x = x as f32;
            // Rounding may lead a hair outside.
            ((x0 + 1.0 + x * self.cos).max(0.0), (y0 + 1.0 + x * self.sin).max(0.0))
        })
    }

    /// Writes the rotated `padded` to `out`. `padded` has a border of one zero to the left and above, and of two to the right
    /// and below.
    pub(crate) fn plane(self, padded: &[f32], out: &mut [f32]) {
        let stride = padded_width(self.width);
        for (y, row) in out.chunks_exact_mut(self.width).enumerate() {
            let (columns, source) = self.row(y);
            row[..columns.start].fill(0.0);
            row[columns.end..].fill(0.0);
            for (x, value) in columns.clone().zip(&mut row[columns]) {
                let (x, y) = source(x);
                // The conversion to `i32` is one instruction, that to `usize` is not.
                let (left, top) = (x as i32, y as i32);
                let (x, y) = (x - left as f32, y - top as f32);
                let at = top as usize * stride + left as usize;
                let (upper, lower) = (&padded[at..at + 2], &padded[at + stride..at + stride + 2]);
                let (a, b) = (upper[0] + x * (upper[1] - upper[0]), lower[0] + x * (lower[1] - lower[0]));
                *value = a + y * (b - a);
            }
        }
    }

    /// The rotated picture, rounded to the nearest code.
    pub(crate) fn image(self, image: &Image) -> Vec<u8> {
        let (pixels, _) = image.pixels().as_chunks::<3>();
        let mut out = vec![0; image.pixels().len()];
        let (width, height) = (self.width, self.height);
        for (y, row) in out.chunks_exact_mut(3 * width).enumerate() {
            let (row, _) = row.as_chunks_mut::<3>();
            let (columns, source) = self.row(y);
            for (x, pixel) in columns.clone().zip(&mut row[columns]) {
                let (x, y) = source(x);
                let (left, top) = (x as i32, y as i32);
                // Weights in units of 1/256, so that all is exact in integers.
                let (x, y) = (fraction(x, left), fraction(y, top));
                let (left, top) = (left as usize, top as usize);
                let weights = [(256 - x) * (256 - y), x * (256 - y), (256 - x) * y, x * y];
                let corners = if left >= 1 && top >= 1 && left < width && top < height {
                    let at = (top - 1) * width + left - 1;
                    let (upper, lower) = (&pixels[at..at + 2], &pixels[at + width..at + width + 2]);
                    [upper[0], upper[1], lower[0], lower[1]]
                } else {
                    let corner = |x: usize, y: usize| {
                        let inside = (1..=width).contains(&x) && (1..=height).contains(&y);
                        if inside { pixels[(y - 1) * width + x - 1] } else { [0; 3] }
                    };
                    [
                        corner(left, top),
                        corner(left + 1, top),
                        corner(left, top + 1),
                        corner(left + 1, top + 1),
                    ]
                };
                for (c, value) in pixel.iter_mut().enumerate() {
                    let sum: u32 =
                        corners.iter().zip(weights).map(|(p, weight)| u32::from(p[c]) * weight).sum();
                    *value = ((sum + 32768) >> 16) as u8;
                }
            }
        }
        out
    }

    /// The rotated mask, every pixel taking the nearest verdict; none outside.
    pub(crate) fn mask(self, mask: &[bool]) -> Vec<bool> {
        let mut out = vec![false; mask.len()];
        for (y, row) in out.chunks_exact_mut(self.width).enumerate() {
            let (columns, source) = self.row(y);
            for (x, value) in columns.clone().zip(&mut row[columns]) {
                let (x, y) = source(x);
                let (x, y) = ((x + 0.5) as usize, (y + 0.5) as usize);
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

/// What `at` lies beyond `floor`, in 1/256, rounded.
fn fraction(at: f32, floor: i32) -> u32 {
    ((at - floor as f32) * 256.0 + 0.5) as i32 as u32
}

/// The columns, of `columns`, for which `start + column * step` lies in `[-1, len]`.
fn inside(start: f32, step: f32, len: usize, columns: usize) -> (usize, usize) {
    let (low, high) = (-1.0 - start, len as f32 - start);
    if step.abs() < 1e-9 {
        return if low <= 0.0 && high >= 0.0 { (0, columns) } else { (0, 0) };
    }
    let (first, last) = if step > 0.0 { (low / step, high / step) } else { (high / step, low / step) };
    // Casts saturate: a negative number is column 0.
    let first = (first.ceil() as usize).min(columns);
    (first, if last < 0.0 { first } else { (last.floor() as usize).saturating_add(1).min(columns) })
}
