//! Between planar tensors (sample, channel, row, column) and blocked ones: transposes of sixteen pixels of sixteen channels.

use super::rows::{Stretch, each_stretch, load, rows_of_unit, store};
use super::{Block, Blocked, BlockedMut, LANES};
use crate::simd::{Simd, Task};
use crate::units::share;
use crate::{Isa, Result, Shape, check};

/// Writes the planar samples `x` into a blocked tensor; spare lanes and the border become 0.
///
/// # Errors
/// [`Error::Length`](crate::Error::Length) if `x` is not as many samples of `out`'s shape.
///
/// ```
/// use madenet_kernels::{Isa, Shape, blocked::{Block, Blocked, BlockedMut, Layout, pack, unpack}};
///
/// let (isa, layout) = (Isa::best(), Layout::new(Shape::new(2, 1, 3)));
/// let mut blocks = vec![Block::ZERO; layout.len(1)];
/// pack(isa, &[1.0, 2.0, 3.0, 10.0, 20.0, 30.0], BlockedMut::new(layout, 1, &mut blocks)?)?;
/// // Both channels of the second pixel.
/// assert_eq!(blocks[1].0[..2], [2.0, 20.0]);
///
/// let mut planar = [0.0; 6];
/// unpack(isa, Blocked::new(layout, 1, &blocks)?, &mut planar)?;
/// assert_eq!(planar, [1.0, 2.0, 3.0, 10.0, 20.0, 30.0]);
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
pub fn pack(isa: Isa, x: &[f32], mut out: BlockedMut<'_>) -> Result<()> {
    let (shape, batch) = (out.layout().shape, out.batch());
    check::length("pack: x", batch * shape.len(), x.len())?;
    each_stretch(&mut out, |stretch| isa.run(Pack { x, shape, stretch }));
    Ok(())
}

/// Writes the samples of a blocked tensor to `out`, planar.
///
/// # Errors
/// [`Error::Length`](crate::Error::Length) if `out` is not as many samples of `x`'s shape.
pub fn unpack(isa: Isa, x: Blocked<'_>, out: &mut [f32]) -> Result<()> {
    let (layout, batch) = (x.layout(), x.batch());
    let Shape { c, h, w } = layout.shape;
    check::length("unpack: out", batch * layout.shape.len(), out.len())?;
    let out = Planes(out.as_mut_ptr());
    let rows = rows_of_unit(h, w);
    let per_plane = h.div_ceil(rows);
    share(layout.blocks() * batch * per_plane, rows * w * LANES, |unit| {
        let (plane, start) = (unit / per_plane, unit % per_plane * rows);
        let (block, sample, rows) = (plane / batch, plane % batch, start..h.min(start + rows));
        let channels = LANES.min(c - block * LANES);
        let first = (sample * c + block * LANES) * h * w + start * w;
        let lanes: [&mut [f32]; LANES] = std::array::from_fn(|lane| {
            if lane >= channels {
                return &mut [][..];
            }
            // SAFETY: rows of a channel of a sample, within `out`, whose length was checked; no other unit has them.
            unsafe { out.slice(first + lane * h * w, rows.len() * w) }
        });
        isa.run(Unpack { x, block, sample, start, lanes });
    });
    Ok(())
}

/// The start of planes that several threads write, each its own rows.
#[derive(Clone, Copy)]
struct Planes(*mut f32);

// SAFETY: an exclusive borrow that is split between threads; `slice` asks for disjoint pieces.
unsafe impl Send for Planes {}
// SAFETY: as above.
unsafe impl Sync for Planes {}

impl Planes {
    /// # Safety
    /// The piece is within the planes, which outlive it, and nobody else uses it.
    unsafe fn slice<'a>(&self, start: usize, len: usize) -> &'a mut [f32] {
        // SAFETY: as the caller promises.
        unsafe { std::slice::from_raw_parts_mut(self.0.add(start), len) }
    }
}

/// Where the tiles of a line of `len` pixels begin, at least one tile long: one after the other, the last one flush with the end,
/// so that it may overlap the one before.
#[inline(always)]
fn tiles(len: usize) -> impl Iterator<Item = usize> {
    (0..len).step_by(LANES).map(move |at| at.min(len - LANES))
}

/// Sixteen values of a lane.
#[inline(always)]
fn tile(values: &[f32], at: usize) -> &[f32; LANES] {
    values[at..].first_chunk().unwrap_or(&Block::ZERO.0)
}

struct Pack<'a> {
    x: &'a [f32],
    shape: Shape,
    stretch: Stretch<'a>,
}

impl Task for Pack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let Shape { c, h, w } = self.shape;
        let block = self.stretch.block();
        let channels = LANES.min(c - block * LANES);
        let planes = &self.x[(self.stretch.sample() * c + block * LANES) * h * w..][..channels * h * w];
        let rows = self.stretch.rows();
        if let Some(line) = self.stretch.joined() {
            pack_line(simd, &planes[rows.start * w..], h * w, channels, line);
            return;
        }
        for y in rows {
            pack_line(simd, &planes[y * w..], h * w, channels, self.stretch.row(y));
        }
    }
}

/// Consecutive pixels, from channels that begin every `plane` values of `x`.
#[inline(always)]
fn pack_line<S: Simd>(simd: S, x: &[f32], plane: usize, channels: usize, out: &mut [Block]) {
    if out.len() < LANES {
        // A tile of its own, of which only the first columns count.
        let mut lanes = [Block::ZERO; LANES];
        for (lane, values) in lanes.iter_mut().zip(x.chunks(plane)).take(channels) {
            lane.0[..out.len()].copy_from_slice(&values[..out.len()]);
        }
        transpose(simd, &mut lanes);
        out.copy_from_slice(&lanes[..out.len()]);
        return;
    }
    for at in tiles(out.len()) {
        let mut v = [simd.splat(0.0); LANES];
        for (lane, v) in v.iter_mut().enumerate().take(channels) {
            *v = load(simd, tile(x, lane * plane + at));
        }
        let v = simd.transpose(v);
        // By reference: moving an array of vectors copies it through memory in smaller pieces.
        for (pixel, v) in out[at..at + LANES].iter_mut().zip(&v) {
            store(simd, *v, &mut pixel.0);
        }
    }
}

#[inline(always)]
fn transpose<S: Simd>(simd: S, tile: &mut [Block; LANES]) {
    let mut v = [simd.splat(0.0); LANES];
    for (v, row) in v.iter_mut().zip(&*tile) {
        *v = load(simd, &row.0);
    }
    for (v, row) in simd.transpose(v).iter().zip(tile) {
        store(simd, *v, &mut row.0);
    }
}

struct Unpack<'a> {
    x: Blocked<'a>,
    block: usize,
    sample: usize,
    /// The first row.
    start: usize,
    /// The rows of each channel, none for spare lanes.
    lanes: [&'a mut [f32]; LANES],
}

impl Task for Unpack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let layout = self.x.layout();
        let w = layout.shape.w;
        let len = self.lanes[0].len();
        if layout.row() == w {
            let first = layout.origin(self.x.batch(), self.block, self.sample) + self.start * w;
            unpack_line(simd, &self.x.blocks()[first..first + len], 0, &mut self.lanes);
            return;
        }
        for row in 0..len / w {
            let line = self.x.row(self.block, self.sample, self.start + row);
            unpack_line(simd, line, row * w, &mut self.lanes);
        }
    }
}

/// Consecutive pixels, to the values from `to` on of each lane.
#[inline(always)]
fn unpack_line<S: Simd>(simd: S, x: &[Block], to: usize, lanes: &mut [&mut [f32]; LANES]) {
    if x.len() < LANES {
        let mut rows = [Block::ZERO; LANES];
        rows[..x.len()].copy_from_slice(x);
        transpose(simd, &mut rows);
        for (lane, row) in lanes.iter_mut().zip(&rows).filter(|(lane, _)| !lane.is_empty()) {
            lane[to..to + x.len()].copy_from_slice(&row.0[..x.len()]);
        }
        return;
    }
    for at in tiles(x.len()) {
        let mut v = [simd.splat(0.0); LANES];
        for (v, pixel) in v.iter_mut().zip(&x[at..at + LANES]) {
            *v = load(simd, &pixel.0);
        }
        let v = simd.transpose(v);
        for (lane, v) in lanes.iter_mut().zip(&v) {
            // Spare lanes have nowhere to go.
            if let Some(values) = lane.get_mut(to + at..).and_then(|lane| lane.first_chunk_mut()) {
                store(simd, *v, values);
            }
        }
    }
}
