//! Perlin noise, and the masks that are its peaks.

use std::f32::consts::{SQRT_2, TAU};

use madenet_image::{Mask, Plane};
use madenet_rng::Stream;
use serde::Serialize;

use crate::Result;
use crate::error::pixel_count;
use crate::rotation::{Rotation, padded_width};

/// The largest exponent of a grid: 1024 cells along a side.
pub(crate) const MAX_EXPONENT: u32 = 10;

/// Rows and columns of zeros before the noise, and all that are added.
const BEFORE: usize = 1;
const BORDER: usize = 3;

/// One octave of Perlin's gradient noise (K. Perlin, "Improving noise", 2002) over a picture, rotated about its centre: the
/// masks of DRAEM (Zavrtanik et al., "DRAEM", ICCV 2021, and its published code).
///
/// A grid of `2^ey x 2^ex` cells lies over the picture; at its `(2^ey + 1) x (2^ex + 1)` corners are unit vectors in
/// independent, uniform directions (not periodic). With (u, v) the place of a pixel in its cell, downwards and to the right,
/// and `n_ab = g_ab . (u - a, v - b)`, the noise is `sqrt(2) lerp(lerp(n00, n10, f(u)), lerp(n01, n11, f(u)), f(v))` with
/// Perlin's fade `f(t) = 6t^5 - 15t^4 + 10t^3`. It lies in `[-1, 1]`. The rotation is bilinear and gives 0 outside.
///
/// An axis that its number of cells does not divide is drawn at the next power of two (or the number of cells, where that
/// is more) and resized bilinearly, as SuperSimpleNet does.
///
/// ```
/// use madenet_rng::Stream;
/// use madenet_synth::PerlinNoise;
///
/// let noise = PerlinNoise::draw(&mut Stream::new(0, "doc", 0, 0), [2, 3], 45.0);
/// let plane = noise.plane(64, 64)?;
/// assert!(plane.values().iter().all(|value| value.abs() <= 1.0));
/// assert_eq!(plane.get(0, 0), Some(0.0)); // Turned in from outside.
/// assert_eq!(plane.above(0.5), noise.mask(64, 64, 0.5)?);
/// # Ok::<(), madenet_synth::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct PerlinNoise {
    drawn: DrawnPerlin,
    /// Components (down, right) of the corners' vectors, row by row.
    gradients: Vec<[f32; 2]>,
}

/// What was drawn for a [`PerlinNoise`], beside its gradients.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DrawnPerlin {
    /// The grid has `2^exponents[0]` cells downwards and `2^exponents[1]` to the right.
    pub exponents: [u32; 2],
    /// Counter-clockwise rotation.
    pub degrees: f32,
}

impl PerlinNoise {
    /// The noise of a grid of `2^exponents[0]` rows and `2^exponents[1]` columns of cells, rotated counter-clockwise by
    /// `degrees`: the directions of the gradients, row by row, are the next numbers of `stream`. Exponents above 10 count as
    /// 10, an angle that is not finite as 0.
    #[must_use]
    pub fn draw(stream: &mut Stream, exponents: [u32; 2], degrees: f32) -> Self {
        let exponents = exponents.map(|exponent| exponent.min(MAX_EXPONENT));
        let [rows, columns] = exponents.map(|exponent| (1 << exponent) + 1);
        let direction = |_| {
            let (sin, cos) = (TAU * stream.uniform()).sin_cos();
            [cos, sin]
        };
        let gradients = (0..rows * columns).map(direction).collect();
        let degrees = if degrees.is_finite() { degrees } else { 0.0 };
        PerlinNoise { drawn: DrawnPerlin { exponents, degrees }, gradients }
    }

    /// The grid and the angle.
    #[must_use]
    pub fn drawn(&self) -> DrawnPerlin {
        self.drawn
    }

    /// The noise at every pixel of a picture, each in `[-1, 1]`.
    ///
    /// # Errors
    /// [`Error::Size`](crate::Error::Size).
    pub fn plane(&self, width: usize, height: usize) -> Result<Plane> {
        let mut values = Vec::with_capacity(pixel_count(width, height)?);
        self.rows(width, height, |row| values.extend_from_slice(row));
        Ok(Plane::new(width, height, values)?)
    }

    /// The pixels of a picture whose noise lies above `threshold`; DRAEM's is 0.5.
    ///
    /// # Errors
    /// [`Error::Size`](crate::Error::Size).
    pub fn mask(&self, width: usize, height: usize, threshold: f32) -> Result<Mask> {
        let mut data = Vec::with_capacity(pixel_count(width, height)?);
        self.rows(width, height, |row| data.extend(row.iter().map(|&value| value > threshold)));
        Ok(Mask::new(width, height, data)?)
    }

    /// Hands the rows of the noise to `use_row`, from the top.
    fn rows(&self, width: usize, height: usize, use_row: impl FnMut(&[f32])) {
        Rotation::new(self.drawn.degrees, width, height).plane_rows(&self.padded(width, height), use_row);
    }

    /// The noise before its rotation, with a border of zeros: one row and column before, two behind.
    fn padded(&self, width: usize, height: usize) -> Vec<f32> {
        let [rows, columns] = self.drawn.exponents.map(|exponent| 1 << exponent);
        let (drawn_width, drawn_height) = (drawn_length(width, columns), drawn_length(height, rows));
        let stride = padded_width(drawn_width);
        let mut padded = vec![0.0; stride * (drawn_height + BORDER)];
        let axis = Axis::new(drawn_width / columns);
        let down = Axis::new(drawn_height / rows);
        // Per corner of a row of the picture: value at the corner and slope to the right, both with the factor sqrt(2).
        let mut corners = vec![[0.0; 2]; columns + 1];
        for (y, row) in padded.chunks_exact_mut(stride).skip(BEFORE).take(drawn_height).enumerate() {
            let (cell, at) = (y / down.offsets.len(), y % down.offsets.len());
            self.corners(cell, down.offsets[at], down.fades[at], &mut corners);
            let row = &mut row[BEFORE..][..drawn_width];
            for (values, pair) in row.chunks_exact_mut(axis.offsets.len()).zip(corners.windows(2)) {
                let ([left, left_slope], [right, right_slope]) = (pair[0], pair[1]);
                for ((value, &v), &fade) in values.iter_mut().zip(&axis.offsets).zip(&axis.fades) {
                    let (left, right) = (left + left_slope * v, right + right_slope * (v - 1.0));
                    *value = left + fade * (right - left);
                }
            }
        }
        if (drawn_width, drawn_height) == (width, height) {
            padded
        } else {
            resize(&padded, (drawn_width, drawn_height), (width, height))
        }
    }

    /// In a row of the picture, `u` below the corners of row `cell` of the grid, what depends on the column only by `v`.
    fn corners(&self, cell: usize, u: f32, fade: f32, corners: &mut [[f32; 2]]) {
        let (upper, lower) = self.gradients[cell * corners.len()..].split_at(corners.len());
        for ((corner, upper), lower) in corners.iter_mut().zip(upper).zip(lower) {
            let (above, below) = (upper[0] * u, lower[0] * (u - 1.0));
            let value = above + fade * (below - above);
            let slope = upper[1] + fade * (lower[1] - upper[1]);
            *corner = [SQRT_2 * value, SQRT_2 * slope];
        }
    }
}

/// The pixels of a cell along one axis.
struct Axis {
    /// From the cell's first corner, in cells.
    offsets: Vec<f32>,
    fades: Vec<f32>,
}

impl Axis {
    fn new(pixels: usize) -> Self {
        let offsets: Vec<f32> = (0..pixels).map(|i| i as f32 / pixels as f32).collect();
        let fades = offsets.iter().map(|&t| t * t * t * (t * (6.0 * t - 15.0) + 10.0)).collect();
        Axis { offsets, fades }
    }
}

/// The length at which an axis is drawn.
fn drawn_length(length: usize, cells: usize) -> usize {
    if length.is_multiple_of(cells) { length } else { length.next_power_of_two().max(cells) }
}

/// Bilinear, with centres of pixels on centres and no antialiasing; the border of zeros stays.
fn resize(padded: &[f32], from: (usize, usize), to: (usize, usize)) -> Vec<f32> {
    let (columns, rows) = (taps(from.0, to.0), taps(from.1, to.1));
    let (stride, new_stride) = (padded_width(from.0), padded_width(to.0));
    let mut out = vec![0.0; new_stride * (to.1 + BORDER)];
    for (row, &(top, weight)) in out.chunks_exact_mut(new_stride).skip(BEFORE).zip(&rows) {
        let line = |y: usize| &padded[(BEFORE + y) * stride + BEFORE..][..from.0];
        let (upper, lower) = (line(top), line((top + 1).min(from.1 - 1)));
        for (value, &(left, across)) in row[BEFORE..].iter_mut().zip(&columns) {
            let right = (left + 1).min(from.0 - 1);
            let a = upper[left] + across * (upper[right] - upper[left]);
            let b = lower[left] + across * (lower[right] - lower[left]);
            *value = a + weight * (b - a);
        }
    }
    out
}

/// For each of `new` pixels the old one before its centre, and how far beyond.
fn taps(old: usize, new: usize) -> Vec<(usize, f32)> {
    let tap = |i: usize| {
        let at = ((i as f32 + 0.5) * (old as f32 / new as f32) - 0.5).clamp(0.0, (old - 1) as f32);
        (at as usize, at.fract())
    };
    (0..new).map(tap).collect()
}
