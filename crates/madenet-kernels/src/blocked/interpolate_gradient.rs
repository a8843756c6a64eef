//! The gradient of resizing: what every pixel was read for comes back to it.

use super::rows::{Stretch, each_plane, load, store};
use super::{Block, Blocked, BlockedMut};
use crate::axis::{Axis, Tap};
use crate::simd::{Simd, Task};
use crate::{Interpolation, Isa, Padding, Result, Shape};

/// The gradient of [`interpolate`](super::interpolate) with respect to its input: `dx = add` (0 without it) plus, for every pixel of
/// `dy`, its share at the pixels that it was read from. Sizes are those of `dx` and `dy`.
///
/// # Errors
/// [`Error::Geometry`](crate::Error::Geometry) if `dy` has other channels or another batch than `dx`, or `add` another shape or batch.
///
/// ```
/// use madenet_kernels::blocked::{Block, Blocked, BlockedMut, Layout, interpolate_gradient};
/// use madenet_kernels::{Interpolation, Isa, Shape};
///
/// // One pixel that was repeated twice gets both gradients.
/// let (small, large) = (Layout::new(Shape::new(16, 1, 1)), Layout::new(Shape::new(16, 1, 2)));
/// let (dy, mut dx) = ([Block([1.0; 16]), Block([2.0; 16])], [Block::ZERO]);
/// let dy = Blocked::new(large, 1, &dy)?;
/// let out = BlockedMut::new(small, 1, &mut dx)?;
/// interpolate_gradient(Isa::best(), Interpolation::Nearest, dy, None, out)?;
/// assert_eq!(dx, [Block([3.0; 16])]);
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
pub fn interpolate_gradient(
    isa: Isa,
    mode: Interpolation,
    dy: Blocked<'_>,
    add: Option<Blocked<'_>>,
    mut dx: BlockedMut<'_>,
) -> Result<()> {
    let (input, output) = (dx.layout().shape, dy.layout().shape);
    dy.expect("interpolate_gradient: dy", Shape { c: input.c, ..output }, Padding::all(0), dx.batch())?;
    dx.expect_add("interpolate_gradient: add", add)?;
    let rows = Axis { mode, input: input.h, output: output.h };
    let columns = Axis { mode, input: input.w, output: output.w };
    let columns: Vec<Tap> = (0..output.w).map(|at| columns.tap(at)).collect();
    each_plane(&mut dx, |stretch| {
        isa.run(Gather { dy, add, rows, columns: &columns, stretch });
    });
    Ok(())
}

/// One plane of the result.
struct Gather<'a> {
    dy: Blocked<'a>,
    add: Option<Blocked<'a>>,
    rows: Axis,
    columns: &'a [Tap],
    stretch: Stretch<'a>,
}

impl Task for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        self.stretch.begin(simd, self.add);
        let (block, sample) = (self.stretch.block(), self.stretch.sample());
        // A row of the gradient, brought to the columns of the input.
        let mut row = vec![Block::ZERO; self.stretch.row(0).len()];
        for y in 0..self.rows.output {
            row.fill(Block::ZERO);
            for (tap, dy) in self.columns.iter().zip(self.dy.row(block, sample, y)) {
                let dy = load(simd, &dy.0);
                add_to(simd, &mut row[tap.low], dy, 1.0 - tap.weight);
                if tap.weight != 0.0 {
                    add_to(simd, &mut row[tap.high], dy, tap.weight);
                }
            }
            let tap = self.rows.tap(y);
            for (at, weight) in [(tap.low, 1.0 - tap.weight), (tap.high, tap.weight)] {
                if weight != 0.0 {
                    for (pixel, value) in self.stretch.row(at).iter_mut().zip(&row) {
                        add_to(simd, pixel, load(simd, &value.0), weight);
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn add_to<S: Simd>(simd: S, pixel: &mut Block, value: S::V, weight: f32) {
    let sum = simd.mul_add(value, simd.splat(weight), load(simd, &pixel.0));
    store(simd, sum, &mut pixel.0);
}
