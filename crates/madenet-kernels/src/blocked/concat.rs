//! Joining tensors, along their channels or as one batch.

use super::rows::{Stretch, each_stretch, load, store};
use super::{Block, Blocked, BlockedMut, LANES};
use crate::simd::{Simd, Task};
use crate::{Isa, Padding, Result, Shape};

/// Joins tensors along their channels: the channels of each part after those of the part before. Borders may differ.
///
/// Parts of whole blocks are copied row by row; behind a part that does not fill its last block, channels move to other lanes.
///
/// # Errors
/// [`Error::Geometry`](crate::Error::Geometry) if the parts' channels are not as many as `out`'s, or a part has another height,
/// width or batch.
///
/// ```
/// use madenet_kernels::blocked::{Block, Blocked, BlockedMut, Layout, concat_channels};
/// use madenet_kernels::{Isa, Shape};
///
/// let layout = |c| Layout::new(Shape::new(c, 1, 1));
/// let (a, b) = ([Block([1.0; 16])], [Block([2.0; 16])]);
/// let mut out = [Block::ZERO];
/// concat_channels(
///     Isa::best(),
///     &[Blocked::new(layout(3), 1, &a)?, Blocked::new(layout(2), 1, &b)?],
///     BlockedMut::new(layout(5), 1, &mut out)?,
/// )?;
/// assert_eq!(out[0].0[..5], [1.0, 1.0, 1.0, 2.0, 2.0]);
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
pub fn concat_channels(isa: Isa, parts: &[Blocked<'_>], mut out: BlockedMut<'_>) -> Result<()> {
    const WHAT: &str = "blocked concat_channels";
    let (shape, batch) = (out.layout().shape, out.batch());
    let mut channels = 0_usize;
    for part in parts {
        let c = part.layout().shape.c;
        part.expect(WHAT, Shape { c, ..shape }, Padding::all(0), batch)?;
        channels = channels.saturating_add(c);
    }
    out.expect(WHAT, Shape { c: channels, ..shape }, batch)?;
    each_stretch(&mut out, |stretch| isa.run(Join { parts, stretch }));
    Ok(())
}

/// Joins batches: the samples of each part after those of the part before. Borders may differ.
///
/// # Errors
/// [`Error::Geometry`](crate::Error::Geometry) if the parts' samples are not as many as `out`'s, or a part has another shape.
pub fn concat_batch(parts: &[Blocked<'_>], mut out: BlockedMut<'_>) -> Result<()> {
    const WHAT: &str = "blocked concat_batch";
    let shape = out.layout().shape;
    let mut batch = 0_usize;
    for part in parts {
        part.expect(WHAT, shape, Padding::all(0), part.batch())?;
        batch = batch.saturating_add(part.batch());
    }
    out.expect(WHAT, shape, batch)?;
    each_stretch(&mut out, |mut stretch| {
        let mut sample = stretch.sample();
        for part in parts {
            if sample < part.batch() {
                return copy(part, stretch.block(), sample, &mut stretch);
            }
            sample -= part.batch();
        }
    });
    Ok(())
}

/// Copies the rows of a plane.
fn copy(part: &Blocked<'_>, block: usize, sample: usize, stretch: &mut Stretch<'_>) {
    for y in stretch.rows() {
        stretch.row(y).copy_from_slice(part.row(block, sample, y));
    }
}

/// A block of the joined tensor.
struct Join<'a> {
    parts: &'a [Blocked<'a>],
    stretch: Stretch<'a>,
}

impl Task for Join<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let (block, sample) = (self.stretch.block(), self.stretch.sample());
        let mut lane = 0;
        // The first channel of the block that is still missing, counted from the start of the part.
        let mut channel = block * LANES;
        for part in self.parts {
            let channels = part.layout().shape.c;
            while channel < channels && lane < LANES {
                let from = channel % LANES;
                let len = (LANES - from.max(lane)).min(channels - channel);
                if lane == 0 && from == 0 {
                    copy(part, channel / LANES, sample, &mut self.stretch);
                } else {
                    let piece = Piece { part, block: channel / LANES, sample, from, to: lane, len };
                    piece.write(simd, &mut self.stretch);
                }
                (channel, lane) = (channel + len, lane + len);
            }
            if lane == LANES {
                break;
            }
            channel = channel.saturating_sub(channels);
        }
    }
}

/// Lanes `from..from + len` of a part's block that become lanes `to..to + len`.
struct Piece<'a> {
    part: &'a Blocked<'a>,
    block: usize,
    sample: usize,
    from: usize,
    to: usize,
    len: usize,
}

impl Piece<'_> {
    /// Writes these lanes of the stretch's rows. The first lanes of a block bring zeros for the others.
    #[inline(always)]
    fn write<S: Simd>(&self, simd: S, stretch: &mut Stretch<'_>) {
        let Piece { from, to, len, .. } = *self;
        let mut mask = [0.0; LANES];
        mask[to..to + len].fill(-1.0);
        let (mask, zero) = (load(simd, &mask), simd.splat(0.0));
        for y in stretch.rows() {
            let x = self.part.row(self.block, self.sample, y);
            let out = stretch.row(y);
            // A vector that starts in the pixel before or ends in the one after has the lanes in place. Where the row has no such
            // pixel, they are moved one by one.
            let values = Block::floats(x);
            for (index, pixel) in out.iter_mut().enumerate() {
                let shifted = (index * LANES + from).checked_sub(to);
                let before = if to == 0 { zero } else { load(simd, &pixel.0) };
                match shifted.and_then(|start| values.get(start..)?.first_chunk()) {
                    Some(shifted) => {
                        let joined = simd.select_negative(mask, load(simd, shifted), before);
                        store(simd, joined, &mut pixel.0);
                    }
                    None => {
                        store(simd, before, &mut pixel.0);
                        pixel.0[to..to + len].copy_from_slice(&x[index].0[from..from + len]);
                    }
                }
            }
        }
    }
}
