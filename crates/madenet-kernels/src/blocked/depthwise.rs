//! Depthwise convolution: every channel has a window of its own.

use std::ops::Range;

use super::columns::{Any, Columns, Fixed, Step, Tile, tiles};
use super::sum::{activate_row, sum_row};
use super::tensor::{Source, Target};
use super::{Block, Blocked, BlockedMut, LANES};
use crate::simd::{Simd, Task};
use crate::{Activation, Conv2d, Isa, Padding, Result, Shape, check, units};

/// Pixels that are computed without a look at who else is free: some microseconds.
const BAND: usize = 4096;

/// A depthwise convolution of fixed geometry, input size and weights (PyTorch's `Conv2d` with as many groups as input and output
/// channels): `out = activation(conv(x) + bias)`.
///
/// ```
/// use madenet_kernels::{Activation, Conv2d, Isa, Shape};
/// use madenet_kernels::blocked::{Block, Blocked, BlockedMut, DepthwiseKernel, Layout, pack};
///
/// // A 3x3 sum over a 3x3 picture of ones: the corner sees four pixels, the centre nine.
/// let (geometry, input) = (Conv2d::new(3, 1, 1), Shape::new(1, 3, 3));
/// let kernel = DepthwiseKernel::new(Isa::best(), geometry, input, &[1.0; 9], Some(&[0.5]), Activation::Relu)?;
/// let layout = Layout { shape: input, border: kernel.border() };
/// let mut x = vec![Block::ZERO; layout.len(1)];
/// pack(&[1.0; 9], BlockedMut::new(layout, 1, &mut x)?)?;
///
/// let (mut out, mut means) = ([Block::ZERO; 9], [Block::ZERO; 1]);
/// kernel.run_with_means(
///     Blocked::new(layout, 1, &x)?,
///     BlockedMut::new(Layout::new(kernel.output()), 1, &mut out)?,
///     BlockedMut::new(Layout::new(Shape::new(1, 1, 1)), 1, &mut means)?,
/// )?;
/// assert_eq!(out.map(|pixel| pixel.0[0]), [4.5, 6.5, 4.5, 6.5, 9.5, 6.5, 4.5, 6.5, 4.5]);
/// assert!((means[0].0[0] - 53.5 / 9.0).abs() < 1e-6);
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct DepthwiseKernel {
    isa: Isa,
    geometry: Conv2d,
    input: Shape,
    output: Shape,
    border: Padding,
    /// Of every block of channels, its taps.
    weights: Vec<Block>,
    /// Of every block of channels.
    bias: Vec<Block>,
    activation: Activation,
}

impl DepthwiseKernel {
    /// Prepares the convolution of samples of shape `input`. The number of groups in `geometry` does not matter: it is the number
    /// of channels.
    ///
    /// `weight` is `[input.c, 1, kernel height, kernel width]`, `bias` one value per channel.
    ///
    /// # Errors
    ///
    /// [`Error::Geometry`](crate::Error::Geometry) if the input is empty or no window fits on it;
    /// [`Error::Length`](crate::Error::Length) if `weight` or `bias` has another length.
    pub fn new(
        isa: Isa,
        geometry: Conv2d,
        input: Shape,
        weight: &[f32],
        bias: Option<&[f32]>,
        activation: Activation,
    ) -> Result<Self> {
        let (kh, kw) = geometry.kernel;
        let output = output_shape(&geometry, input)?;
        let taps = check::product("depthwise: weight", &[kh, kw])?;
        check::length(
            "depthwise: weight",
            check::product("depthwise: weight", &[input.c, taps])?,
            weight.len(),
        )?;
        if let Some(bias) = bias {
            check::length("depthwise: bias", input.c, bias.len())?;
        }
        // Spare lanes are 0.
        let mut weights = vec![Block::ZERO; input.c.div_ceil(LANES) * taps];
        for (channel, window) in weight.chunks_exact(taps).enumerate() {
            let blocks = &mut weights[channel / LANES * taps..];
            blocks.iter_mut().zip(window).for_each(|(block, weight)| block.0[channel % LANES] = *weight);
        }
        let mut packed_bias = vec![Block::ZERO; input.c.div_ceil(LANES)];
        for (block, bias) in packed_bias.iter_mut().zip(bias.unwrap_or_default().chunks(LANES)) {
            block.0[..bias.len()].copy_from_slice(bias);
        }
        let border = border(&geometry, input, output);
        Ok(DepthwiseKernel { isa, geometry, input, output, border, weights, bias: packed_bias, activation })
    }

    /// The shape of an output sample.
    #[must_use]
    pub fn output(&self) -> Shape {
        self.output
    }

    /// The border of zeros that the input must store: what windows read outside of the planes.
    #[must_use]
    pub fn border(&self) -> Padding {
        self.border
    }

    /// `out = activation(conv(x) + bias)`.
    ///
    /// # Errors
    ///
    /// [`Error::Geometry`](crate::Error::Geometry) if `x` or `out` has another shape, `out` another batch than `x`, or `x` stores
    /// less of a border than [`border`](Self::border).
    pub fn run(&self, x: Blocked<'_>, mut out: BlockedMut<'_>) -> Result<()> {
        self.check(&x, &out)?;
        self.planes(x, out.target(), false, |_, _, _| {});
        Ok(())
    }

    /// As [`run`](Self::run), and writes the mean of every output channel to `means`, of one pixel for each channel: what
    /// squeeze-and-excitation asks for, without another pass over the map.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run), also for `means`.
    pub fn run_with_means(
        &self,
        x: Blocked<'_>,
        mut out: BlockedMut<'_>,
        mut means: BlockedMut<'_>,
    ) -> Result<()> {
        self.check(&x, &out)?;
        means.expect("depthwise: means", Shape::new(self.output.c, 1, 1), x.batch())?;
        let means = means.target();
        let share = 1.0 / self.output.plane() as f32;
        self.planes(x, out.target(), true, |block, sample, sum| {
            // SAFETY: the pixel of this block and sample, which no other plane writes.
            unsafe {
                means.clear_border(block, sample, 0..1);
                means.row(block, sample, 0).cast::<Block>().write(Block(sum.0.map(|sum| sum * share)));
            }
        });
        Ok(())
    }

    fn check(&self, x: &Blocked<'_>, out: &BlockedMut<'_>) -> Result<()> {
        x.expect("depthwise: x", self.input, self.border, x.batch())?;
        out.expect("depthwise: out", self.output, x.batch())
    }

    /// Computes all planes and calls `f(block, sample, sum)` for each, the sum only if it is `wanted`.
    fn planes(
        &self,
        x: Blocked<'_>,
        target: Target<'_>,
        wanted: bool,
        f: impl Fn(usize, usize, Block) + Sync,
    ) {
        let (batch, source) = (x.batch(), x.source());
        let planes = self.bias.len() * batch;
        let threads = rayon::current_num_threads();
        let split = threads > 1 && planes < 4 * threads;
        let cost = self.output.plane() * LANES * self.geometry.kernel.0 * self.geometry.kernel.1;
        units::share(planes, cost, |plane| {
            let rows =
                Rows { kernel: self, source, target, block: plane / batch, sample: plane % batch, wanted };
            f(rows.block, rows.sample, rows.band(0..self.output.h, split));
        });
    }
}

/// What windows read outside of the planes.
fn border(geometry: &Conv2d, input: Shape, output: Shape) -> Padding {
    let Conv2d { kernel, stride, padding, dilation, .. } = *geometry;
    let after = |outputs: usize, taps: usize, before: usize, inputs: usize| {
        ((outputs - 1) * stride + (taps - 1) * dilation + 1).saturating_sub(before + inputs)
    };
    Padding {
        bottom: after(output.h, kernel.0, padding.top, input.h),
        right: after(output.w, kernel.1, padding.left, input.w),
        ..padding
    }
}

fn output_shape(geometry: &Conv2d, input: Shape) -> Result<Shape> {
    const WHAT: &str = "depthwise";
    let Conv2d { kernel, stride, padding, dilation, .. } = *geometry;
    check::shape(WHAT, input)?;
    check::sides(WHAT, &[padding.top, padding.left, padding.bottom, padding.right])?;
    check::sides(WHAT, &[kernel.0, kernel.1, stride, dilation])?;
    let Some((h, w)) = geometry.output((input.h, input.w)) else {
        return Err(check::geometry(WHAT, format!("no window fits: input {input}, {geometry:?}")));
    };
    let output = Shape { h, w, ..input };
    check::shape(WHAT, output)?;
    Ok(output)
}

/// A plane of the output.
#[derive(Clone, Copy)]
struct Rows<'a> {
    kernel: &'a DepthwiseKernel,
    source: Source,
    target: Target<'a>,
    block: usize,
    sample: usize,
    /// Whether the sum of the outputs is.
    wanted: bool,
}

impl Rows<'_> {
    /// Halves the rows until a band is left, then computes it: the order of sums depends on the size of the plane only, `split`
    /// says whether another thread may take a half.
    fn band(self, rows: Range<usize>, split: bool) -> Block {
        if rows.len() * self.kernel.output.w <= BAND || rows.len() == 1 {
            return self.kernel.isa.run(Band { plane: self, rows });
        }
        let half = rows.start + rows.len() / 2;
        let (above, below) = (rows.start..half, half..rows.end);
        let (above, below) = if split {
            rayon::join(|| self.band(above, split), || self.band(below, split))
        } else {
            (self.band(above, split), self.band(below, split))
        };
        Block(std::array::from_fn(|lane| above.0[lane] + below.0[lane]))
    }
}

struct Band<'a> {
    plane: Rows<'a>,
    rows: Range<usize>,
}

impl Task for Band<'_> {
    type Output = Block;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Block {
        let Conv2d { kernel: (_, columns), stride, dilation, .. } = self.plane.kernel.geometry;
        match (columns, stride, dilation) {
            (3, 1, 1) => self.compute(simd, Fixed::<3, 1>),
            (3, 2, 1) => self.compute(simd, Fixed::<3, 2>),
            (5, 1, 1) => self.compute(simd, Fixed::<5, 1>),
            (5, 2, 1) => self.compute(simd, Fixed::<5, 2>),
            _ => self.compute(simd, Any { columns, stride, dilation }),
        }
    }
}

impl Band<'_> {
    #[inline(always)]
    fn compute<S: Simd, C: Columns>(self, simd: S, columns: C) -> Block {
        let Rows { kernel, source, target, block, sample, wanted } = self.plane;
        let Conv2d { kernel: (kh, kw), stride, padding, dilation, .. } = kernel.geometry;
        let relu = matches!(kernel.activation, Activation::Relu);
        let later = !relu && kernel.activation != Activation::Identity;
        // SAFETY: the band's rows are this call's.
        unsafe { target.clear_border(block, sample, self.rows.clone()) };
        // The border holds what the first window reads.
        let plane = source.start.wrapping_add(block * source.block + sample * source.sample);
        let corner = plane.wrapping_sub(padding.top * source.row + padding.left * LANES);
        let mut sum = simd.splat(0.0);
        for y in self.rows {
            let weights = kernel.weights[block * kh * kw..][..kh * kw].as_ptr().cast();
            let window = corner.wrapping_add(y * stride * source.row);
            // SAFETY: a row of the band, and as many windows as it has pixels, all within the tensor and its border.
            unsafe {
                let out = target.row(block, sample, y);
                let tile = Windows {
                    columns,
                    window,
                    down: dilation * source.row,
                    weights,
                    taps: (kh, kw),
                    bias: kernel.bias[block].0.as_ptr(),
                    relu,
                    out,
                };
                tiles(simd, tile, 0, kernel.output.w);
                if later {
                    activate_row(simd, kernel.activation, out, kernel.output.w);
                }
                if wanted {
                    sum = simd.add(sum, sum_row(simd, out, kernel.output.w));
                }
            }
        }
        let mut total = Block::ZERO;
        // SAFETY: a block is sixteen floats.
        unsafe { simd.store(sum, total.0.as_mut_ptr()) };
        total
    }
}

/// The windows of one row of the output.
#[derive(Clone, Copy)]
struct Windows<C> {
    columns: C,
    /// The first pixel of the first window.
    window: *const f32,
    /// From a row of taps to the next.
    down: usize,
    weights: *const f32,
    taps: (usize, usize),
    bias: *const f32,
    relu: bool,
    out: *mut f32,
}

impl<S: Simd, C: Columns> Tile<S> for Windows<C> {
    const WIDEST: usize = C::WIDEST;

    #[inline(always)]
    unsafe fn tile<const P: usize>(self, simd: S, at: usize) {
        // SAFETY: the bias is a block; windows `at..at + P` exist, their rows are `down` apart, and a row has `taps.1` weights.
        unsafe {
            let mut values = [simd.load(self.bias); P];
            for row in 0..self.taps.0 {
                let x = self.window.add(at * self.columns.stride() * LANES + row * self.down);
                let weights = Weights(self.weights.add(row * self.taps.1 * LANES));
                self.columns.row(simd, weights, x, &mut values);
            }
            // The order of the arguments keeps NaN. Other functions are too long for the registers: they follow in a pass over
            // the row.
            if self.relu {
                for value in &mut values {
                    *value = simd.max(simd.splat(0.0), *value);
                }
            }
            for (index, value) in values.iter().enumerate() {
                simd.store(*value, self.out.add((at + index) * LANES));
            }
        }
    }
}

/// One row of weights.
#[derive(Clone, Copy)]
struct Weights(*const f32);

impl<S: Simd> Step<S> for Weights {
    #[inline(always)]
    unsafe fn step(self, simd: S, tap: usize, value: S::V, x: S::V) -> S::V {
        // SAFETY: the row has this tap, as the caller promises.
        simd.mul_add(x, unsafe { simd.load(self.0.add(tap * LANES)) }, value)
    }
}
