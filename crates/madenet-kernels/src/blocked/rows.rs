//! How planes are cut into units of work, and their rows as slices of blocks.

use std::ops::Range;

use super::{Block, Blocked, BlockedMut, LANES, Layout, tensor::Target};
use crate::simd::Simd;
use crate::units::share;

/// Floats that a unit writes: 256 KiB, some 20 microseconds of streaming through memory.
const UNIT: usize = 1 << 16;

/// Consecutive rows of a plane that one unit of work writes, and nobody else.
pub(super) struct Stretch<'a> {
    target: Target<'a>,
    block: usize,
    sample: usize,
    rows: Range<usize>,
}

impl Stretch<'_> {
    /// The block of channels.
    pub(super) fn block(&self) -> usize {
        self.block
    }

    /// The sample.
    pub(super) fn sample(&self) -> usize {
        self.sample
    }

    /// The rows of the plane.
    pub(super) fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// One of the rows, without the border.
    #[inline(always)]
    pub(super) fn row(&mut self, y: usize) -> &mut [Block] {
        assert!(self.rows.contains(&y), "row {y} is not of {:?}", self.rows);
        let w = self.target.layout().shape.w;
        // SAFETY: `each_stretch` gives every row of the tensor to one stretch; a row has `w` pixels beside its border.
        unsafe {
            let start = self.target.row(self.block, self.sample, y).cast();
            std::slice::from_raw_parts_mut(start, w)
        }
    }

    /// Two of the rows, which must not be the same.
    #[inline(always)]
    pub(super) fn two_rows(&mut self, rows: [Option<usize>; 2]) -> [Option<&mut [Block]>; 2] {
        assert!(rows[0] != rows[1] || rows[0].is_none(), "row {rows:?} twice");
        let w = self.target.layout().shape.w;
        rows.map(|y| {
            let y = y?;
            assert!(self.rows.contains(&y), "row {y} is not of {:?}", self.rows);
            // SAFETY: as in `row`; the two are apart from each other.
            unsafe {
                let start = self.target.row(self.block, self.sample, y).cast();
                Some(std::slice::from_raw_parts_mut(start, w))
            }
        })
    }

    /// Writes what other readers of a tensor gave to its gradient, or zeros: what the gradient's sums begin with.
    #[inline(always)]
    pub(super) fn begin<S: Simd>(&mut self, simd: S, add: Option<Blocked<'_>>) {
        let (block, sample) = (self.block, self.sample);
        for y in self.rows() {
            let row = self.row(y);
            match add {
                Some(add) => row.copy_from_slice(add.row(block, sample, y)),
                None => row.iter_mut().for_each(|pixel| store(simd, simd.splat(0.0), &mut pixel.0)),
            }
        }
    }

    /// All rows as one, if there is no border between them.
    pub(super) fn joined(&mut self) -> Option<&mut [Block]> {
        let layout = self.target.layout();
        (layout.row() == layout.shape.w).then(|| {
            // SAFETY: as in `row`; the rows lie one after the other.
            unsafe {
                let start = self.target.row(self.block, self.sample, self.rows.start).cast();
                std::slice::from_raw_parts_mut(start, self.rows.len() * layout.shape.w)
            }
        })
    }
}

/// How many rows of `w` pixels make a unit.
pub(super) fn rows_of_unit(h: usize, w: usize) -> usize {
    (UNIT / (w * LANES)).clamp(1, h)
}

/// Cuts the planes of a result into stretches that threads share; their borders are already zero when `f` gets them.
pub(super) fn each_stretch(out: &mut BlockedMut<'_>, f: impl Fn(Stretch<'_>) + Sync) {
    let rows = rows_of_unit(out.layout().shape.h, out.layout().shape.w);
    cut(out, rows, f);
}

/// As [`each_stretch`], with a stretch for every plane.
pub(super) fn each_plane(out: &mut BlockedMut<'_>, f: impl Fn(Stretch<'_>) + Sync) {
    cut(out, out.layout().shape.h, f);
}

fn cut(out: &mut BlockedMut<'_>, rows: usize, f: impl Fn(Stretch<'_>) + Sync) {
    let (layout, batch) = (out.layout(), out.batch());
    let (h, w) = (layout.shape.h, layout.shape.w);
    let per_plane = h.div_ceil(rows);
    let stretches = layout.blocks() * batch * per_plane;
    // Planes of a few pixels are many: a unit has several.
    let together = (UNIT / (rows * w * LANES)).max(1);
    let target = out.target();
    share(stretches.div_ceil(together), together * rows * w * LANES, |unit| {
        for stretch in unit * together..stretches.min((unit + 1) * together) {
            let (plane, start) = (stretch / per_plane, stretch % per_plane * rows);
            let (block, sample, rows) = (plane / batch, plane % batch, start..h.min(start + rows));
            // SAFETY: block and sample are within the tensor, and no other stretch has these rows.
            unsafe { target.clear_border(block, sample, rows.clone()) };
            f(Stretch { target, block, sample, rows });
        }
    });
}

/// Pixels that a sum in `f32` runs over before it becomes a part of one in `f64`, as far as planes are not larger.
const SUMMED: usize = 1 << 11;

/// Channel blocks in groups of samples: what a sum over batch and plane is put together from. The same for every number of threads.
#[derive(Clone, Copy)]
pub(super) struct Groups {
    batch: usize,
    samples: usize,
    per_block: usize,
    blocks: usize,
}

impl Groups {
    pub(super) fn new(layout: &Layout, batch: usize) -> Self {
        let samples = (SUMMED / layout.shape.plane()).clamp(1, batch.max(1));
        Groups { batch, samples, per_block: batch.div_ceil(samples), blocks: layout.blocks() }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.blocks * self.per_block
    }

    /// The groups of a block of channels.
    pub(super) fn of_block(&self, block: usize) -> Range<usize> {
        block * self.per_block..(block + 1) * self.per_block
    }

    /// Block and samples of a group.
    pub(super) fn place(&self, group: usize) -> (usize, Range<usize>) {
        let first = group % self.per_block * self.samples;
        (group / self.per_block, first..self.batch.min(first + self.samples))
    }
}

/// Calls `f(group, planes)` for every group of planes of a tensor that is changed in place.
pub(super) fn each_group(out: &mut BlockedMut<'_>, groups: Groups, f: impl Fn(usize, Planes<'_>) + Sync) {
    let shape = out.layout().shape;
    let target = out.target();
    share(groups.count(), groups.samples * shape.plane() * LANES, |group| {
        let (block, samples) = groups.place(group);
        f(group, Planes { target, block, samples });
    });
}

/// The planes of a group.
pub(super) struct Planes<'a> {
    target: Target<'a>,
    block: usize,
    samples: Range<usize>,
}

impl<'a> Planes<'a> {
    /// The next plane, whole.
    pub(super) fn next_plane(&mut self) -> Option<Stretch<'a>> {
        let sample = self.samples.next()?;
        let rows = 0..self.target.layout().shape.h;
        Some(Stretch { target: self.target, block: self.block, sample, rows })
    }
}

impl<'a> Blocked<'a> {
    /// The pixels of a plane's row, without the border.
    pub(super) fn row(&self, block: usize, sample: usize, y: usize) -> &'a [Block] {
        let layout = self.layout();
        &self.blocks()[layout.origin(self.batch(), block, sample) + y * layout.row()..][..layout.shape.w]
    }
}

/// A pixel, or as many values of a plane.
#[inline(always)]
pub(super) fn load<S: Simd>(simd: S, from: &[f32; LANES]) -> S::V {
    // SAFETY: the array has sixteen floats.
    unsafe { simd.load(from.as_ptr()) }
}

#[inline(always)]
pub(super) fn store<S: Simd>(simd: S, v: S::V, to: &mut [f32; LANES]) {
    // SAFETY: the array has sixteen floats.
    unsafe { simd.store(v, to.as_mut_ptr()) }
}
