//! Between planar tensors (sample, channel, row, column) and blocked ones.

use super::{Block, Blocked, BlockedMut, LANES};
use crate::units::share;
use crate::{Result, Shape, check};

/// Writes the planar samples `x` into a blocked tensor; spare lanes and the border become 0.
///
/// # Errors
/// [`Error::Length`](crate::Error::Length) if `x` is not as many samples of `out`'s shape.
///
/// ```
/// use madenet_kernels::{Shape, blocked::{Block, Blocked, BlockedMut, Layout, pack, unpack}};
///
/// let layout = Layout::new(Shape::new(2, 1, 3));
/// let mut blocks = vec![Block::ZERO; layout.len(1)];
/// pack(&[1.0, 2.0, 3.0, 10.0, 20.0, 30.0], BlockedMut::new(layout, 1, &mut blocks)?)?;
/// // Both channels of the second pixel.
/// assert_eq!(blocks[1].0[..2], [2.0, 20.0]);
///
/// let mut planar = [0.0; 6];
/// unpack(Blocked::new(layout, 1, &blocks)?, &mut planar)?;
/// assert_eq!(planar, [1.0, 2.0, 3.0, 10.0, 20.0, 30.0]);
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
pub fn pack(x: &[f32], mut out: BlockedMut<'_>) -> Result<()> {
    let (layout, batch) = (out.layout(), out.batch());
    let Shape { c, h, w } = layout.shape;
    check::length("pack: x", batch * layout.shape.len(), x.len())?;
    let target = out.target();
    share(layout.blocks() * batch, h * w * LANES, |unit| {
        let (block, sample) = (unit / batch, unit % batch);
        let planes = &x[(sample * c + block * LANES) * h * w..][..LANES.min(c - block * LANES) * h * w];
        // SAFETY: block and sample are within the tensor, and a unit has its plane to itself.
        unsafe { target.clear_border(block, sample, 0..h) };
        for y in 0..h {
            // SAFETY: a row of the unit's own plane has `w` pixels beside its border.
            let row =
                unsafe { std::slice::from_raw_parts_mut(target.row(block, sample, y).cast::<Block>(), w) };
            row.fill(Block::ZERO);
            for (lane, plane) in planes.chunks_exact(h * w).enumerate() {
                for (pixel, &value) in row.iter_mut().zip(&plane[y * w..]) {
                    pixel.0[lane] = value;
                }
            }
        }
    });
    Ok(())
}

/// Writes the samples of a blocked tensor to `out`, planar.
///
/// # Errors
/// [`Error::Length`](crate::Error::Length) if `out` is not as many samples of `x`'s shape.
pub fn unpack(x: Blocked<'_>, out: &mut [f32]) -> Result<()> {
    let (layout, batch) = (x.layout(), x.batch());
    let Shape { c, h, w } = layout.shape;
    check::length("unpack: out", batch * layout.shape.len(), out.len())?;
    let blocks = x.blocks();
    // All channels of a block, of one sample, are one piece of the planar tensor.
    crate::units::for_each(out, c * h * w, 1, |sample, out| {
        crate::units::for_each(
            out,
            LANES * h * w,
            crate::units::items(crate::units::MIN_VALUES, LANES * h * w),
            |block, out| {
                for (lane, plane) in out.chunks_exact_mut(h * w).enumerate() {
                    let mut at = layout.origin(batch, block, sample);
                    for row in plane.chunks_exact_mut(w) {
                        row.iter_mut().zip(&blocks[at..]).for_each(|(out, pixel)| *out = pixel.0[lane]);
                        at += layout.row();
                    }
                }
            },
        );
    });
    Ok(())
}
