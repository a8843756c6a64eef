//! Convolution of planar samples of few channels to a blocked tensor: the first layer of a network.
//!
//! A blocked input of three channels would waste thirteen of sixteen lanes. The register tile broadcasts single floats of the
//! input, so it can read planes as well as blocks. A unit of work is a band of output rows of one sample; it copies the input
//! rows under its windows, zeros of the padding included, to its worker's scratch memory, and no window meets an edge.

use super::filters::{Filters, Group, no_bias, set_bias};
use super::tile::{Ends, Place, Walk, most_blocks, tile, width};
use super::weights::Order;
use super::winograd::Scratch;
use super::{Layer, MACS_PER_VALUE, Tuning};
use crate::blocked::tensor::Target;
use crate::blocked::{Block, BlockedMut, LANES};
use crate::simd::{Isa, Simd, Task};
use crate::{Activation, Conv2d, Error, Padding, Result, Shape, check, units};

/// Bytes that the copied rows of a band may have: a quarter of the 1 MiB that a second-level cache has at least on current
/// servers. Longer bands copy fewer rows twice.
const BAND_BYTES: usize = 256 << 10;

const WHAT: &str = "planar conv2d";

/// A convolution of planar samples (sample, channel, row, column) to a blocked tensor, of one group and with fixed geometry,
/// input size and weights (PyTorch's `Conv2d`, zero padding): `out = activation(conv(x) + bias)`.
///
/// It is made for the few channels that photographs have; from [`LANES`] channels on, [`Conv2dKernel`](super::Conv2dKernel) on
/// a packed input is as fast.
///
/// ```
/// use madenet_kernels::blocked::{Block, Blocked, BlockedMut, Layout, PlanarConv2dKernel, Tuning, unpack};
/// use madenet_kernels::{Activation, Conv2d, Isa, Shape};
///
/// // A 3x3 sum over a 3x3 picture of ones: the corner sees four pixels, the centre nine.
/// let shape = Shape::new(1, 3, 3);
/// let (geometry, bias) = (Conv2d::new(3, 1, 1), Some(&[0.5][..]));
/// let kernel = PlanarConv2dKernel::new(
///     Tuning::default(), geometry, shape, 1, &[1.0; 9], bias, Activation::Relu,
/// )?;
/// let layout = Layout::new(kernel.output());
/// let mut y = vec![Block::ZERO; layout.len(1)];
/// let mut scratch = vec![Block::ZERO; kernel.scratch(1, 1)];
/// kernel.run(&[1.0; 9], BlockedMut::new(layout, 1, &mut y)?, &mut scratch)?;
/// let mut planar = [0.0; 9];
/// unpack(Isa::best(), Blocked::new(layout, 1, &y)?, &mut planar)?;
/// assert_eq!(planar, [
///     4.5, 6.5, 4.5,
///     6.5, 9.5, 6.5,
///     4.5, 6.5, 4.5,
/// ]);
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct PlanarConv2dKernel {
    isa: Isa,
    layer: Layer,
    filters: Filters,
}

/// The place of a weight in the tile's sum, whose innermost loop runs along a kernel row, or a piece of it: neighbouring floats,
/// of which there are no fewer than channels in most first layers.
fn step(channels: usize, (kh, kw): (usize, usize), channel: usize, tap: usize) -> usize {
    let (row, column) = (channel * kh + tap / kw, tap % kw);
    let first = column / LANES * LANES;
    first * channels * kh + row * LANES.min(kw - first) + column - first
}

impl PlanarConv2dKernel {
    /// Prepares the convolution of samples of shape `input` to `out_channels` channels.
    ///
    /// `weight` is `[out_channels, input.c, kernel height, kernel width]`, `bias` one value per output channel. Of `tuning`, only
    /// the instruction set matters.
    ///
    /// # Errors
    /// [`Error::Geometry`] if the input is empty, no window fits on it, or there is more than one group; [`Error::Length`] if
    /// `weight` or `bias` has another length.
    pub fn new(
        tuning: Tuning,
        geometry: Conv2d,
        input: Shape,
        out_channels: usize,
        weight: &[f32],
        bias: Option<&[f32]>,
        activation: Activation,
    ) -> Result<Self> {
        if geometry.groups != 1 {
            return Err(check::geometry(WHAT, format!("one group is needed, there are {}", geometry.groups)));
        }
        let output = crate::conv2d::output_shape(&geometry, input, out_channels, weight, bias)?;
        let Padding { top, left, bottom, right } = geometry.padding;
        let padded = [input.c, input.h + top + bottom, input.w + left + right, size_of::<Block>()];
        check::product(WHAT, &padded)?;
        let layer = Layer { geometry, input, output, bias: no_bias(out_channels), activation };
        let most = most_blocks(tuning.isa.accumulators());
        let filters = Filters::new(out_channels, input.c * layer.taps(), most);
        let mut kernel = PlanarConv2dKernel { isa: tuning.isa, layer, filters };
        kernel.set_weights(weight, bias)?;
        Ok(kernel)
    }

    /// Takes other weights and bias, as [`new`](Self::new) does, without allocating.
    ///
    /// # Errors
    /// [`Error::Length`] if `weight` or `bias` has another length than before.
    pub fn set_weights(&mut self, weight: &[f32], bias: Option<&[f32]>) -> Result<()> {
        let weights = self.layer.weights(weight, bias, Order::OutputsFirst)?;
        let (channels, kernel) = (self.layer.input.c, self.layer.geometry.kernel);
        self.filters.set(self.isa, &weights, |channel, tap| step(channels, kernel, channel, tap));
        set_bias(&mut self.layer.bias, bias);
        Ok(())
    }

    /// The shape of an output sample.
    #[must_use]
    pub fn output(&self) -> Shape {
        self.layer.output
    }

    /// Bytes of the packed weights.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of_val(&self.filters.weights[..])
    }

    /// Blocks of scratch memory for a run of `batch` samples on `threads` threads.
    #[must_use]
    pub fn scratch(&self, batch: usize, threads: usize) -> usize {
        self.copy(self.band(batch, threads)).blocks().saturating_mul(threads)
    }

    /// `out = activation(conv(x) + bias)` for a batch of any size, on as many threads of rayon's ambient pool as `scratch`
    /// serves.
    ///
    /// # Errors
    /// [`Error::Length`] if `x` is no whole number of samples or `scratch` does not serve one thread; [`Error::Geometry`] if
    /// `out` has another shape or batch.
    pub fn run(&self, x: &[f32], mut out: BlockedMut<'_>, scratch: &mut [Block]) -> Result<()> {
        let Layer { input, output, .. } = self.layer;
        let batch = check::batch("planar conv2d: x", input.len(), x.len())?;
        out.expect("planar conv2d: out", output, batch)?;
        if batch == 0 {
            return Ok(());
        }
        let threads =
            (1..=rayon::current_num_threads()).rev().find(|&n| self.scratch(batch, n) <= scratch.len());
        let Some(threads) = threads else {
            let expected = self.scratch(batch, 1);
            return Err(Error::Length { what: "planar conv2d: scratch", expected, got: scratch.len() });
        };
        let band = self.band(batch, threads);
        let (copy, bands, target) = (self.copy(band), output.h.div_ceil(band), out.target());
        let scratch = Scratch(scratch.as_mut_ptr());
        let cost = band * output.w * output.c * input.c * self.layer.taps() / MACS_PER_VALUE;
        let workers = units::workers(batch * bands, cost).min(threads);
        units::share_among(workers, batch * bands, |worker, unit| {
            let (sample, first) = (unit / bands, unit % bands * band);
            let at = scratch.at(worker * copy.blocks());
            // SAFETY: there is scratch memory for every worker, and a worker is used by one thread at a time.
            let planes = unsafe { std::slice::from_raw_parts_mut(at, input.c * copy.plane()) };
            copy.fill(&self.layer, &x[sample * input.len()..][..input.len()], first, planes);
            let rows = first..output.h.min(first + band);
            self.isa.run(Unit { kernel: self, copy, planes, out: &target, sample, rows });
        });
        Ok(())
    }

    /// Output rows of a unit of work: few enough for every thread to have four units, and for their input to fit the cache.
    fn band(&self, batch: usize, threads: usize) -> usize {
        let height = self.layer.output.h;
        let wanted = (4 * threads).div_ceil(batch.max(1)).clamp(1, height);
        let one = self.copy(1);
        let row = self.layer.input.c * one.width * size_of::<f32>();
        let fitting = (BAND_BYTES / row).saturating_sub(one.height) / self.layer.geometry.stride + 1;
        height.div_ceil(wanted).min(fitting)
    }

    /// What a band of `rows` output rows copies.
    fn copy(&self, rows: usize) -> Copied {
        let Conv2d { kernel, stride, dilation, .. } = self.layer.geometry;
        let side = |outputs: usize, taps: usize| (outputs - 1) * stride + (taps - 1) * dilation + 1;
        Copied {
            channels: self.layer.input.c,
            height: side(rows, kernel.0),
            width: side(self.layer.output.w, kernel.1),
        }
    }
}

/// Size of the copied part of a sample, padding included.
#[derive(Clone, Copy)]
struct Copied {
    channels: usize,
    height: usize,
    width: usize,
}

impl Copied {
    fn plane(&self) -> usize {
        self.height * self.width
    }

    /// Whole blocks, so that no two workers share a cache line.
    fn blocks(&self) -> usize {
        (self.channels * self.plane()).div_ceil(LANES)
    }

    /// Copies what the output rows from `first` on see of a sample.
    fn fill(&self, layer: &Layer, sample: &[f32], first: usize, planes: &mut [f32]) {
        let (Shape { h, w, .. }, Padding { top, left, .. }) = (layer.input, layer.geometry.padding);
        let left = left.min(self.width);
        let inside = w.min(self.width - left);
        for (plane, copy) in sample.chunks_exact(h * w).zip(planes.chunks_exact_mut(self.plane())) {
            for (y, row) in copy.chunks_exact_mut(self.width).enumerate() {
                // Rows above the sample wrap to huge numbers, which are not below its height either.
                let y = (first * layer.geometry.stride + y).wrapping_sub(top);
                if y < h {
                    row[..left].fill(0.0);
                    row[left..left + inside].copy_from_slice(&plane[y * w..][..inside]);
                    row[left + inside..].fill(0.0);
                } else {
                    row.fill(0.0);
                }
            }
        }
    }
}

/// A band of output rows of one sample.
struct Unit<'a> {
    kernel: &'a PlanarConv2dKernel,
    copy: Copied,
    planes: &'a [f32],
    out: &'a Target<'a>,
    sample: usize,
    rows: std::ops::Range<usize>,
}

impl Task for Unit<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let stride = self.kernel.layer.geometry.stride;
        for group in &self.kernel.filters.groups {
            match stride {
                1 => self.rows::<S, 1>(simd, group),
                2 => self.rows::<S, 2>(simd, group),
                _ => self.rows::<S, 0>(simd, group),
            }
            for block in group.first..group.first + group.blocks {
                // SAFETY: within the output; the rows are the unit's own.
                unsafe { self.out.clear_border(block, self.sample, self.rows.clone()) };
            }
        }
    }
}

impl Unit<'_> {
    #[inline(always)]
    fn rows<S: Simd, const STEP: usize>(&self, simd: S, group: &Group) {
        let PlanarConv2dKernel { layer, filters, .. } = self.kernel;
        let Conv2d { kernel, stride, dilation, .. } = layer.geometry;
        // What are channels of blocks to a blocked input are columns of the kernel here.
        let walk = Walk {
            channels: kernel.1,
            block: LANES * dilation,
            lane: dilation,
            taps: (layer.input.c, kernel.0),
            tap: (self.copy.plane(), dilation * self.copy.width),
            pixel: stride,
        };
        let ends = Ends {
            first: true,
            activation: layer.activation,
            out_block: self.out.block(),
            out_pixel: LANES,
            residual_block: 0,
            residual_pixel: LANES,
        };
        let (weights, bias) = (filters.at(group, 0), layer.bias[group.first..].as_ptr().cast());
        for (y, row) in self.rows.clone().enumerate() {
            // SAFETY: within the output; the row is the unit's own.
            let out = unsafe { self.out.row(group.first, self.sample, row) };
            let mut at = 0;
            while at < layer.output.w {
                let pixels = width::<S, STEP>(group.blocks, layer.output.w - at);
                let place = Place {
                    input: self.planes[y * stride * self.copy.width + at * stride..].as_ptr(),
                    weights,
                    ahead: weights,
                    bias,
                    residual: std::ptr::null(),
                    out: out.wrapping_add(at * LANES),
                };
                // SAFETY: the copied planes hold all windows of the band; the output's rows are the unit's own.
                unsafe { tile::<S, STEP>(simd, (group.blocks, pixels), &walk, &ends, place) };
                at += pixels;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_name_every_weight_once_and_wide_kernels_in_pieces() {
        assert!((0..147).all(|index| step(3, (7, 7), index / 49, index % 49) == index));
        let places = |channel| [0, 15, 16].map(|tap| step(2, (1, 17), channel, tap));
        assert_eq!([places(0), places(1)], [[0, 15, 32], [16, 31, 33]]);
    }
}
