//! Transposed convolution of blocked tensors, as one ordinary convolution per phase.
//!
//! Output pixels whose distance is the stride are reached by the same taps of the kernel: for a 4x4 kernel and stride 2 these
//! are four kinds of pixels with 2x2 taps each. Every kind is a small convolution with stride 1 of the input, whose
//! outputs lie `stride` pixels apart, and no output is touched twice. ("Sub-pixel convolution", Shi et al. 2016,
//! arXiv:1609.07009.)

use super::direct::STRETCH_BYTES;
use super::filters::{Filters, Group, TapPlace, no_bias, set_bias};
use super::phase::{Phase, tap_places, taps_before};
use super::tile::{Ends, Place, Walk, most_blocks, tile, width};
use super::weights::{Order, Weights};
use super::{MACS_PER_VALUE, MOST_WEIGHTS, Tuning};
use crate::blocked::tensor::{Source, Target};
use crate::blocked::{Block, Blocked, BlockedMut, LANES};
use crate::simd::{Isa, Simd, Task};
use crate::{Activation, ConvTranspose2d, Padding, Result, Shape, check, units};

/// Bytes of input that a band may have: half of the 1 MiB that a second-level cache has at least on current servers.
const BAND_BYTES: usize = 512 << 10;

const WHAT: &str = "blocked conv_transpose2d";
const WHAT_WEIGHT: &str = "blocked conv_transpose2d: weight";

/// A transposed convolution of one group without dilation, with fixed geometry, input size and weights (PyTorch's
/// `ConvTranspose2d`): `out = activation(conv_transpose(x) + bias + residual)`.
///
/// ```
/// use madenet_kernels::blocked::{Block, Blocked, BlockedMut, ConvTranspose2dKernel, Layout, Tuning, pack, unpack};
/// use madenet_kernels::{Activation, ConvTranspose2d, Isa, Shape};
///
/// // A 2x2 kernel with stride 2 puts a scaled copy of itself where each pixel was.
/// let (geometry, shape) = (ConvTranspose2d::new(2, 2, 0), Shape::new(1, 1, 2));
/// let weight = [1.0, 2.0, 3.0, 4.0];
/// let kernel = ConvTranspose2dKernel::new(
///     Tuning::default(), geometry, shape, 1, &weight, None, Activation::Identity,
/// )?;
/// let layout = Layout { shape, border: kernel.border() };
/// let mut x = vec![Block::ZERO; layout.len(1)];
/// pack(Isa::best(), &[1.0, 10.0], BlockedMut::new(layout, 1, &mut x)?)?;
///
/// let to = Layout::new(kernel.output());
/// let mut y = vec![Block::ZERO; to.len(1)];
/// kernel.run(Blocked::new(layout, 1, &x)?, BlockedMut::new(to, 1, &mut y)?)?;
/// let mut planar = [0.0; 8];
/// unpack(Isa::best(), Blocked::new(to, 1, &y)?, &mut planar)?;
/// assert_eq!(planar, [
///     1.0, 2.0, 10.0, 20.0,
///     3.0, 4.0, 30.0, 40.0,
/// ]);
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ConvTranspose2dKernel {
    isa: Isa,
    geometry: ConvTranspose2d,
    input: Shape,
    output: Shape,
    border: Padding,
    bias: Vec<Block>,
    activation: Activation,
    /// The sums of all phases, one behind another.
    filters: Filters,
    /// Where a tap of the kernel stands in them.
    places: Vec<TapPlace>,
}

/// The shape of the output and the number of weights, once the geometry is checked.
fn sizes(geometry: &ConvTranspose2d, input: Shape, out_channels: usize) -> Result<(Shape, usize)> {
    let ConvTranspose2d { kernel: (kh, kw), groups, dilation, .. } = *geometry;
    if groups != 1 || dilation != 1 {
        let reason = format!("groups and dilation of 1 are needed, they are {groups} and {dilation}");
        return Err(check::geometry(WHAT, reason));
    }
    let output = crate::conv_transpose2d::output_shape(geometry, input, out_channels)?;
    let weights = check::product(WHAT_WEIGHT, &[input.c, out_channels, kh, kw])?;
    if weights > MOST_WEIGHTS {
        return Err(check::geometry(WHAT, format!("{weights} weights are above {MOST_WEIGHTS}")));
    }
    Ok((output, weights))
}

/// Refuses other numbers of weights, and of bias than channels.
fn check_lengths(weights: usize, channels: usize, weight: &[f32], bias: Option<&[f32]>) -> Result<()> {
    check::length(WHAT_WEIGHT, weights, weight.len())?;
    bias.map_or(Ok(()), |bias| check::length("blocked conv_transpose2d: bias", channels, bias.len()))
}

impl ConvTranspose2dKernel {
    /// Prepares the transposed convolution of samples of shape `input` to `out_channels` channels.
    ///
    /// `weight` is `[input.c, out_channels, kernel height, kernel width]`, `bias` one value per output channel. Of `tuning`, only
    /// the instruction set matters.
    ///
    /// # Errors
    /// [`Error::Geometry`](crate::Error::Geometry) if the input or the output is empty, the output padding reaches the stride, or
    /// there are dilation or groups; [`Error::Length`](crate::Error::Length) if `weight` or `bias` has another length.
    pub fn new(
        tuning: Tuning,
        geometry: ConvTranspose2d,
        input: Shape,
        out_channels: usize,
        weight: &[f32],
        bias: Option<&[f32]>,
        activation: Activation,
    ) -> Result<Self> {
        // Before there is memory for them.
        let (_, weights) = sizes(&geometry, input, out_channels)?;
        check_lengths(weights, out_channels, weight, bias)?;
        let mut kernel = Self::unset(tuning.isa, geometry, input, out_channels, activation)?;
        kernel.set_weights(weight, bias)?;
        Ok(kernel)
    }

    /// As [`new`](Self::new), with weights that are all 0.
    pub(super) fn unset(
        isa: Isa,
        geometry: ConvTranspose2d,
        input: Shape,
        out_channels: usize,
        activation: Activation,
    ) -> Result<Self> {
        let (output, weights) = sizes(&geometry, input, out_channels)?;
        let depth = weights / out_channels;
        let mut kernel = ConvTranspose2dKernel {
            isa,
            geometry,
            input,
            output,
            border: Padding::default(),
            bias: no_bias(out_channels),
            activation,
            filters: Filters::new(out_channels, depth, most_blocks(isa.accumulators())),
            places: tap_places(&geometry),
        };
        kernel.border = kernel.reach();
        Ok(kernel)
    }

    /// Takes other weights and bias, as [`new`](Self::new) does, without allocating.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length) if `weight` or `bias` has another length than before.
    pub fn set_weights(&mut self, weight: &[f32], bias: Option<&[f32]>) -> Result<()> {
        let (inputs, outputs, taps) = (self.input.c, self.output.c, self.places.len());
        check_lengths(inputs * outputs * taps, outputs, weight, bias)?;
        self.set(&Weights { values: weight, outputs, inputs, taps, order: Order::InputsFirst });
        set_bias(&mut self.bias, bias);
        Ok(())
    }

    pub(super) fn set(&mut self, weights: &Weights<'_>) {
        let places = &self.places;
        self.filters.set(self.isa, weights, |channel, tap| places[tap].step(weights.inputs, channel));
    }

    /// The shape of an input sample.
    #[must_use]
    pub fn input(&self) -> Shape {
        self.input
    }

    /// The shape of an output sample.
    #[must_use]
    pub fn output(&self) -> Shape {
        self.output
    }

    /// The border of zeros that an input must store at least.
    #[must_use]
    pub fn border(&self) -> Padding {
        self.border
    }

    /// Bytes of the packed weights.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of_val(&self.filters.weights[..])
    }

    /// `out = activation(conv_transpose(x) + bias)` for a batch of any size.
    ///
    /// # Errors
    /// [`Error::Geometry`](crate::Error::Geometry) if a tensor has another shape or batch, or `x` less of a border than
    /// [`border`](Self::border).
    pub fn run(&self, x: Blocked<'_>, out: BlockedMut<'_>) -> Result<()> {
        self.run_with_residual(x, None, out)
    }

    /// `out = activation(conv_transpose(x) + bias + residual)` for a batch of any size.
    ///
    /// # Errors
    /// As [`run`](Self::run), also if `residual` is not of the shape and batch of `out`.
    pub fn run_with_residual(
        &self,
        x: Blocked<'_>,
        residual: Option<Blocked<'_>>,
        mut out: BlockedMut<'_>,
    ) -> Result<()> {
        let batch = x.batch();
        x.expect("blocked conv_transpose2d: x", self.input, self.border, batch)?;
        out.expect("blocked conv_transpose2d: out", self.output, batch)?;
        if let Some(residual) = residual {
            residual.expect("blocked conv_transpose2d: residual", self.output, Padding::all(0), batch)?;
        }
        if batch == 0 {
            return Ok(());
        }
        let (x, out) = (x.source(), out.target());
        let residual = residual.map(|residual| residual.source());
        let groups = self.filters.groups.len();
        let input_bytes = batch * self.input.len() * size_of::<f32>();
        // Where the weights are larger than the input, every thread should read its own ones only.
        let parts = if self.bytes() > input_bytes { groups } else { 1 };
        // Enough units for every thread to have four, and for a band to fit the cache. A row is `stride` rows of the output.
        let height = self.output.h.div_ceil(self.geometry.stride);
        let wanted = (4 * rayon::current_num_threads()).div_ceil(parts * batch);
        let bands = wanted.max((input_bytes / batch).div_ceil(BAND_BYTES)).clamp(1, height);
        let band = height.div_ceil(bands);
        let bands = height.div_ceil(band);
        let units = parts * batch * bands;
        let macs = batch * self.input.len() * self.output.c * self.geometry.kernel.0 * self.geometry.kernel.1;
        units::share(units, macs / units / MACS_PER_VALUE, |unit| {
            let (part, rest) = (unit % parts, unit / parts);
            let groups = if parts == 1 { 0..groups } else { part..part + 1 };
            let (sample, first) = (rest / bands, rest % bands * band);
            let rows = first..height.min(first + band);
            let groups = &self.filters.groups[groups];
            self.isa.run(Unit {
                kernel: self,
                x: &x,
                residual: residual.as_ref(),
                out: &out,
                groups,
                sample,
                rows,
            });
        });
        Ok(())
    }

    fn rows(&self, first: usize) -> Phase {
        let ConvTranspose2d { kernel, stride, padding, .. } = self.geometry;
        Phase::new(first, (self.output.h, kernel.0, stride, padding.top))
    }

    fn columns(&self, first: usize) -> Phase {
        let ConvTranspose2d { kernel, stride, padding, .. } = self.geometry;
        Phase::new(first, (self.output.w, kernel.1, stride, padding.left))
    }

    /// Phases of (rows, columns).
    fn phases(&self) -> (usize, usize) {
        (self.geometry.stride.min(self.output.h), self.geometry.stride.min(self.output.w))
    }

    /// The border that all phases together read.
    fn reach(&self) -> Padding {
        let larger = |a: (usize, usize), b: (usize, usize)| (a.0.max(b.0), a.1.max(b.1));
        let (rows, columns) = self.phases();
        let (top, bottom) = (0..rows).map(|y| self.rows(y).border(self.input.h)).fold((0, 0), larger);
        let (left, right) = (0..columns).map(|x| self.columns(x).border(self.input.w)).fold((0, 0), larger);
        Padding { top, left, bottom, right }
    }

    /// The first step of a phase's sum.
    fn first_step(&self, y: &Phase, x: &Phase) -> usize {
        let kernel = self.geometry.kernel;
        self.input.c * taps_before(&self.geometry, (y.tap.min(kernel.0), x.tap.min(kernel.1)))
    }
}

/// All phases of a band of one sample and some groups of output channels.
struct Unit<'a> {
    kernel: &'a ConvTranspose2dKernel,
    x: &'a Source,
    residual: Option<&'a Source>,
    out: &'a Target<'a>,
    groups: &'a [Group],
    sample: usize,
    /// In `stride` rows of the output.
    rows: std::ops::Range<usize>,
}

impl Task for Unit<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (rows, columns) = self.kernel.phases();
        for group in self.groups {
            for phase in 0..rows * columns {
                let (y, x) = (self.kernel.rows(phase / columns), self.kernel.columns(phase % columns));
                self.phase(simd, group, &y, &x);
            }
            self.clear_border(group);
        }
    }
}

impl Unit<'_> {
    /// The convolution of a phase, in stretches of input blocks whose weights fit the first-level cache.
    #[inline(always)]
    fn phase<S: Simd>(&self, simd: S, group: &Group, y: &Phase, x: &Phase) {
        let ConvTranspose2dKernel { geometry, input: Shape { c, .. }, .. } = self.kernel;
        let first_step = self.kernel.first_step(y, x);
        let (taps, blocks) = (y.taps * x.taps, c.div_ceil(LANES));
        let most = (STRETCH_BYTES / (taps.max(1) * LANES * group.blocks * size_of::<Block>())).max(1);
        // Stretches of even length.
        let stretch = blocks.div_ceil(blocks.div_ceil(most));
        for first in (0..blocks).step_by(stretch) {
            let end = blocks.min(first + stretch);
            let walk = Walk {
                channels: (*c).min(end * LANES) - first * LANES,
                block: self.x.block,
                lane: 1,
                taps: (y.taps, x.taps),
                tap: (self.x.row, LANES),
                pixel: LANES,
            };
            let ends = Ends {
                first: first == 0,
                activation: if end == blocks { self.kernel.activation } else { Activation::Identity },
                out_block: self.out.block(),
                out_pixel: geometry.stride * LANES,
                residual_block: self.residual.map_or(0, |residual| residual.block),
                residual_pixel: geometry.stride * LANES,
            };
            let plane = self.x.start.wrapping_add(first * self.x.block + self.sample * self.x.sample);
            for row in self.rows.start..self.rows.end.min(y.count) {
                let at = (y.input + row as isize) * self.x.row as isize + x.input * LANES as isize;
                // SAFETY: the group, sample and row are within the output, and the row is the unit's own.
                let out = unsafe { self.out.row(group.first, self.sample, y.first + row * geometry.stride) };
                let weights = self.kernel.filters.at(group, first_step + first * LANES * taps);
                let start = Place {
                    input: plane.wrapping_offset(at),
                    weights,
                    ahead: weights,
                    bias: self.kernel.bias[group.first..].as_ptr().cast(),
                    residual: self.residual_row(group, y.first + row * geometry.stride, x.first),
                    out: out.wrapping_add(x.first * LANES),
                };
                // SAFETY: `run` has checked that the border holds what phases read; the row's pixels of this phase are
                // within the output.
                unsafe { tiles(simd, (group.blocks, x.count), &walk, &ends, start) };
            }
        }
    }

    /// A pixel of the residual, null where there is none.
    fn residual_row(&self, group: &Group, y: usize, x: usize) -> *const f32 {
        self.residual.map_or(std::ptr::null(), |residual| {
            let plane = group.first * residual.block + self.sample * residual.sample;
            residual.start.wrapping_add(plane + y * residual.row + x * LANES)
        })
    }

    /// Zeros around the finished rows.
    fn clear_border(&self, group: &Group) {
        let stride = self.kernel.geometry.stride;
        let rows = self.rows.start * stride..self.kernel.output.h.min(self.rows.end * stride);
        for block in group.first..group.first + group.blocks {
            // SAFETY: within the output; the rows are the unit's own.
            unsafe { self.out.clear_border(block, self.sample, rows.clone()) };
        }
    }
}

/// Tiles of `blocks` output blocks along a row of `pixels` pixels of a phase.
///
/// # Safety
/// As for [`tile`], for all pixels of the row.
#[inline(always)]
unsafe fn tiles<S: Simd>(simd: S, (blocks, pixels): (usize, usize), walk: &Walk, ends: &Ends, start: Place) {
    let mut at = 0;
    while at < pixels {
        let pixels = width::<S, LANES>(blocks, pixels - at);
        let input = start.input.wrapping_add(at * LANES);
        let residual = if start.residual.is_null() {
            start.residual
        } else {
            start.residual.wrapping_add(at * ends.residual_pixel)
        };
        let place = Place { input, residual, out: start.out.wrapping_add(at * ends.out_pixel), ..start };
        // SAFETY: as the caller promises.
        unsafe { tile::<S, LANES>(simd, (blocks, pixels), walk, ends, place) };
        at += pixels;
    }
}
