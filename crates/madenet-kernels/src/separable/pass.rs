//! The passes along columns and rows.

use crate::Border;
use crate::units::{self, MIN_VALUES};

use super::border::{fill, source};
use super::taps::Taps;

/// Pixels of a tile: as sums they are half of the sixteen 128-bit registers of baseline x86-64.
const TILE: usize = 32;

/// Rows that one unit filters. Along columns it goes through them in strips of a tile's width, so that with a window of 33
/// rows it reads 6 KiB again and again.
const ROWS: usize = 16;

/// Columns of a row that are taken at once, and taps: the row is copied to the stack with its borders, in spans of 3 KiB.
const COLUMNS: usize = 512;
const TAPS: usize = 256;
const SPAN: usize = COLUMNS + TAPS;

/// What stands beyond a border that counts as 0.
const ZEROS: [f32; TILE] = [0.0; TILE];

/// One axis of a filter, for planes of one size.
#[derive(Clone, Copy)]
pub(super) struct Pass<'a> {
    weights: &'a [f32],
    equal: bool,
    border: Border,
    /// One factor per pixel of the axis.
    scales: &'a [f32],
}

impl<'a> Pass<'a> {
    pub(super) fn new(taps: &'a Taps, border: Border, scales: &'a [f32]) -> Self {
        let weights = match border {
            // Taps that never meet the plane.
            Border::Zero | Border::Exclude => &taps.weights[..taps.weights.len().min(scales.len())],
            Border::Symmetric | Border::Reflect => &taps.weights,
        };
        Pass { weights, equal: taps.equal, border, scales }
    }

    /// Filters the columns of all planes of `x`, of rows of `width` pixels.
    pub(super) fn along_columns(&self, width: usize, x: &[f32], out: &mut [f32]) {
        let band = match (self.equal, width) {
            (false, TILE..) => Self::band::<TILE, false>,
            (false, 8..) => Self::band::<8, false>,
            (false, _) => Self::band::<1, false>,
            (true, TILE..) => Self::band::<TILE, true>,
            (true, 8..) => Self::band::<8, true>,
            (true, _) => Self::band::<1, true>,
        };
        self.for_each_band(width, out, |first, out| band(self, first, width, x, out));
    }

    /// Filters all rows of `x`.
    pub(super) fn along_rows(&self, x: &[f32], out: &mut [f32]) {
        let row = if self.equal { Self::row::<true> } else { Self::row::<false> };
        let width = self.scales.len();
        self.for_each_band(width, out, |first, out| {
            let mut spans = [[0.0; SPAN]; 2];
            let rows = x[first * width..].chunks_exact(width);
            for (x, out) in rows.zip(out.chunks_exact_mut(width)) {
                row(self, x, out, &mut spans);
            }
        });
    }

    /// Calls `f(first row, rows)`; rows are counted through all planes.
    fn for_each_band(&self, width: usize, out: &mut [f32], f: impl Fn(usize, &mut [f32]) + Sync) {
        let band = width * ROWS;
        let min = units::items(MIN_VALUES, band.saturating_mul(self.weights.len()));
        units::for_each(out, band, min, |index, out| f(index * ROWS, out));
    }

    /// Rows `first ..` of all planes, in strips of `N` columns; the last strip is moved back onto the plane.
    fn band<const N: usize, const EQUAL: bool>(
        &self,
        first: usize,
        width: usize,
        x: &[f32],
        out: &mut [f32],
    ) {
        let height = self.scales.len();
        for start in (0..width).step_by(N) {
            let start = start.min(width - N);
            for (row, out) in out.chunks_exact_mut(width).enumerate() {
                let (plane, y) = ((first + row) / height, (first + row) % height);
                let plane = &x[plane * height * width..][..height * width];
                let line = |y: isize| match source(self.border, y, height) {
                    Some(y) => &plane[y * width + start..][..N],
                    None => &ZEROS[..N],
                };
                let y = y as isize;
                let mut tile = [0.0; N];
                begin::<N, EQUAL>(&mut tile, self.weights[0], line(y));
                add_pairs::<N, EQUAL>(&mut tile, &self.weights[1..], |k| {
                    (line(y - 1 - k as isize), line(y + 1 + k as isize))
                });
                let scale = self.scales[y as usize];
                for (out, sum) in out[start..][..N].iter_mut().zip(tile) {
                    *out = scale * sum;
                }
            }
        }
    }

    /// One row. Sums of more than [`TAPS`] are kept in `out` in between.
    fn row<const EQUAL: bool>(&self, x: &[f32], out: &mut [f32], [left, right]: &mut [[f32; SPAN]; 2]) {
        for ((block, scales), out) in self.scales.chunks(COLUMNS).enumerate().zip(out.chunks_mut(COLUMNS)) {
            let start = (block * COLUMNS) as isize;
            for (block, weights) in self.weights.chunks(TAPS).enumerate() {
                // Tap k of these reads the left span from `reach - k` on, the right one from k on.
                let (first, reach) = (block * TAPS, weights.len() - 1);
                let span = out.len() + reach;
                fill(self.border, x, start - (first + reach) as isize, &mut left[..span]);
                fill(self.border, x, start + first as isize, &mut right[..span]);
                let spans = Spans { weights, centre: first == 0, left: &left[..span], right: &right[..span] };
                let done = spans.add::<TILE, EQUAL>(0, out);
                let done = spans.add::<8, EQUAL>(done, out);
                spans.add::<1, EQUAL>(done, out);
            }
            for (out, scale) in out.iter_mut().zip(scales) {
                *out *= scale;
            }
        }
    }
}

/// What some of the taps read along a row.
struct Spans<'a> {
    weights: &'a [f32],
    /// Whether the first tap is the centre.
    centre: bool,
    left: &'a [f32],
    right: &'a [f32],
}

impl Spans<'_> {
    /// Adds the taps to `out` from pixel `start` on, in as many tiles of `N` as there are; gives where they end.
    fn add<const N: usize, const EQUAL: bool>(&self, mut start: usize, out: &mut [f32]) -> usize {
        let reach = self.weights.len() - 1;
        let (tiles, _) = out[start..].as_chunks_mut::<N>();
        for out in tiles {
            let (left, right) = (&self.left[start..], &self.right[start..]);
            if self.centre {
                begin::<N, EQUAL>(out, self.weights[0], right);
                add_pairs::<N, EQUAL>(out, &self.weights[1..], |k| (&left[reach - 1 - k..], &right[1 + k..]));
            } else {
                add_pairs::<N, EQUAL>(out, self.weights, |k| (&left[reach - k..], &right[k..]));
            }
            start += N;
        }
        start
    }
}

/// The centre's share of the sums.
#[inline(always)]
fn begin<const N: usize, const EQUAL: bool>(tile: &mut [f32; N], weight: f32, pixels: &[f32]) {
    for (sum, pixel) in tile.iter_mut().zip(&pixels[..N]) {
        *sum = if EQUAL { *pixel } else { weight * pixel };
    }
}

/// Adds what lies on both sides of the centre, one pair of slices for each weight.
#[inline(always)]
fn add_pairs<'a, const N: usize, const EQUAL: bool>(
    tile: &mut [f32; N],
    weights: &[f32],
    pair: impl Fn(usize) -> (&'a [f32], &'a [f32]),
) {
    let mut sums = *tile;
    for (k, &weight) in weights.iter().enumerate() {
        let (a, b) = pair(k);
        for ((sum, a), b) in sums.iter_mut().zip(&a[..N]).zip(&b[..N]) {
            *sum += if EQUAL { a + b } else { weight * (a + b) };
        }
    }
    *tile = sums;
}
