use super::{LANES, Layout};
use crate::{Error, Padding, Result, Shape, check};

/// [`LANES`] channels of one pixel, a cache line.
#[derive(Clone, Copy, PartialEq, Debug)]
#[repr(C, align(64))]
pub struct Block(pub [f32; LANES]);

impl Block {
    /// Zeros.
    pub const ZERO: Block = Block([0.0; LANES]);

    /// The lanes of all blocks, one after another.
    #[must_use]
    pub fn floats(blocks: &[Block]) -> &[f32] {
        // SAFETY: a block is `LANES` floats and nothing else.
        unsafe { std::slice::from_raw_parts(blocks.as_ptr().cast(), blocks.len() * LANES) }
    }

    /// As [`floats`](Self::floats), to write.
    #[must_use]
    pub fn floats_mut(blocks: &mut [Block]) -> &mut [f32] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(blocks.as_mut_ptr().cast(), blocks.len() * LANES) }
    }
}

/// A blocked tensor to read.
#[derive(Clone, Copy, Debug)]
pub struct Blocked<'a> {
    layout: Layout,
    batch: usize,
    blocks: &'a [Block],
}

/// A blocked tensor to write: all of its blocks, border and spare lanes included.
#[derive(Debug)]
pub struct BlockedMut<'a> {
    layout: Layout,
    batch: usize,
    blocks: &'a mut [Block],
}

fn checked(layout: &Layout, batch: usize, got: usize) -> Result<()> {
    const WHAT: &str = "blocked tensor";
    let Padding { top, left, bottom, right } = layout.border;
    check::sides(WHAT, &[top, left, bottom, right])?;
    let Shape { c, h, w } = layout.shape;
    check::shape(WHAT, layout.shape)?;
    // Distances between planes are computed for a batch of none too.
    let sizes = [c.div_ceil(LANES), batch.max(1), h + top + bottom, w + left + right, size_of::<Block>()];
    let expected = check::product(WHAT, &sizes)? / size_of::<Block>();
    check::length(WHAT, if batch == 0 { 0 } else { expected }, got)
}

impl<'a> Blocked<'a> {
    /// # Errors
    /// [`Error::Length`] if there are not [`Layout::len`] blocks, [`Error::Geometry`] if the layout is empty or too large.
    pub fn new(layout: Layout, batch: usize, blocks: &'a [Block]) -> Result<Self> {
        checked(&layout, batch, blocks.len())?;
        Ok(Blocked { layout, batch, blocks })
    }

    /// How samples lie.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Number of samples.
    #[must_use]
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// All blocks.
    #[must_use]
    pub fn blocks(&self) -> &'a [Block] {
        self.blocks
    }

    /// Refuses a tensor of another shape or batch, or with less of a border than `border`.
    pub(crate) fn expect(
        &self,
        what: &'static str,
        shape: Shape,
        border: Padding,
        batch: usize,
    ) -> Result<()> {
        same(what, (shape, batch), (self.layout.shape, self.batch))?;
        if self.layout.holds(border) {
            return Ok(());
        }
        let reason = format!("a border of {border:?} is needed, there is {:?}", self.layout.border);
        Err(check::geometry(what, reason))
    }

    /// The floats, from the first pixel on that is not border, and the distances between them.
    pub(crate) fn source(&self) -> Source {
        let layout = self.layout;
        Source {
            start: self.blocks.as_ptr().wrapping_add(layout.origin(self.batch, 0, 0)).cast(),
            block: self.batch * layout.plane() * LANES,
            sample: layout.plane() * LANES,
            row: layout.row() * LANES,
        }
    }
}

impl<'a> BlockedMut<'a> {
    /// # Errors
    /// As [`Blocked::new`].
    pub fn new(layout: Layout, batch: usize, blocks: &'a mut [Block]) -> Result<Self> {
        checked(&layout, batch, blocks.len())?;
        Ok(BlockedMut { layout, batch, blocks })
    }

    /// How samples lie.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Number of samples.
    #[must_use]
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// As [`Blocked::expect`], for a result, of which no border is asked.
    pub(crate) fn expect(&self, what: &'static str, shape: Shape, batch: usize) -> Result<()> {
        same(what, (shape, batch), (self.layout.shape, self.batch))
    }

    /// Refuses an `add`, what other readers of a tensor gave to its gradient, of another shape or batch.
    pub(crate) fn expect_add(&self, what: &'static str, add: Option<Blocked<'_>>) -> Result<()> {
        add.map_or(Ok(()), |add| add.expect(what, self.layout.shape, Padding::all(0), self.batch))
    }

    pub(crate) fn target(&mut self) -> Target<'_> {
        Target {
            layout: self.layout,
            batch: self.batch,
            start: self.blocks.as_mut_ptr(),
            tensor: std::marker::PhantomData,
        }
    }
}

fn same(what: &'static str, expected: (Shape, usize), got: (Shape, usize)) -> Result<()> {
    if expected == got {
        return Ok(());
    }
    let reason = format!("expected {} samples of {}, got {} of {}", expected.1, expected.0, got.1, got.0);
    Err(Error::Geometry { what, reason })
}

/// Where a tensor is read: pointers are made from it by adding distances, all in floats.
#[derive(Clone, Copy)]
pub(crate) struct Source {
    /// The first pixel that is not border.
    pub(crate) start: *const f32,
    /// From one block of channels to the next.
    pub(crate) block: usize,
    /// From one sample to the next.
    pub(crate) sample: usize,
    /// From one row to the next.
    pub(crate) row: usize,
}

// SAFETY: a `Source` is a shared borrow of floats for as long as the `Blocked` lives, which the kernels' calls do not outlast.
unsafe impl Send for Source {}
// SAFETY: as above; nothing is written through it.
unsafe impl Sync for Source {}

/// A tensor that several threads write, each its own planes or rows of planes.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    layout: Layout,
    batch: usize,
    start: *mut Block,
    tensor: std::marker::PhantomData<&'a mut [Block]>,
}

// SAFETY: a `Target` is an exclusive borrow that is split between threads; every method that gives a pointer asks its caller to
// write only rows that no other thread writes.
unsafe impl Send for Target<'_> {}
// SAFETY: as above.
unsafe impl Sync for Target<'_> {}

impl Target<'_> {
    pub(crate) fn layout(&self) -> Layout {
        self.layout
    }

    /// The floats at the first pixel of a plane's row that is not border.
    ///
    /// # Safety
    /// The block, sample and row are within the tensor, and only rows of one thread's own are written through the pointer.
    pub(crate) unsafe fn row(&self, block: usize, sample: usize, y: usize) -> *mut f32 {
        debug_assert!(block < self.layout.blocks() && sample < self.batch && y < self.layout.shape.h);
        // SAFETY: within the tensor, as the caller promises.
        unsafe {
            self.start.add(self.layout.origin(self.batch, block, sample) + y * self.layout.row()).cast()
        }
    }

    /// From one block of channels to the next, in floats.
    pub(crate) fn block(&self) -> usize {
        self.batch * self.layout.plane() * LANES
    }

    /// Writes zeros to the border beside the rows `rows` of a plane, above them if they are its first and below if its last.
    ///
    /// # Safety
    /// The block and sample are within the tensor, and no other thread writes these rows.
    pub(crate) unsafe fn clear_border(&self, block: usize, sample: usize, rows: std::ops::Range<usize>) {
        let Layout { shape, border } = self.layout;
        if border.is_zero() {
            return;
        }
        let row = self.layout.row();
        // SAFETY: the plane of a block and sample within the tensor; all writes below are inside of it.
        let plane = unsafe { self.start.add((block * self.batch + sample) * self.layout.plane()) };
        let fill = |from: usize, len: usize| {
            debug_assert!(from + len <= self.layout.plane());
            // SAFETY: pixels of the plane. Zero bytes are the float 0.
            unsafe { plane.add(from).write_bytes(0, len) };
        };
        // One stretch from the end of a row to the start of the next.
        if rows.start == 0 {
            fill(0, border.top * row + border.left);
        } else {
            fill((border.top + rows.start) * row, border.left);
        }
        for y in rows.clone() {
            let end = (border.top + y) * row + border.left + shape.w;
            let next = if y + 1 < rows.end { border.left } else { 0 };
            fill(end, border.right + next);
        }
        if rows.end == shape.h {
            fill((border.top + shape.h) * row, border.bottom * row);
        }
    }
}
