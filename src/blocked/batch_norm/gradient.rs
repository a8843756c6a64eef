use super::super::channel_sums::{RUN, RunSums, SumTask, Sums, Terms};
use super::super::parts::{Part, PartMut, reduce, reduce_mut};
use super::super::passes::{MapTile, load_tile, map_tiles};
use super::super::rows::{rows_of_span, store};
use super::super::{Block, Blocked, BlockedMut, LANES};
use super::Normalization;
use crate::simd::{Derivative, Logistic, LogisticOfValue, Silu, Simd, Slope, Step, Task};
use crate::{Activation, Isa, Padding, Result, check};

/// The gradient of [`normalize`](super::normalize) up to its sums over batch and plane: `dz`, which holds the result's gradient `dy`,
/// becomes `dy * activation'(z)`, with `z` what the activation was applied to, and `sums` take for every channel those of `dz` and of
/// `dz * (x - centre)`, from which [`GradientLines`](super::GradientLines) makes the gradients.
///
/// `dz` is also the gradient of what `normalize` added. For the identity it is not written. Without `y`, the result of `normalize`, `z` is
/// computed anew from `x`, as it was; where something was added, `y` is needed.
///
/// # Errors
///
/// [`Error::Geometry`](crate::Error::Geometry) if `x` has another number of channels than `normalization`, `y` or `dz` is not of the
/// shape and batch of `x`, or `y` does not determine the derivative (SiLU, leaky ReLU with a slope below 0);
/// [`Error::Length`](crate::Error::Length) if there are not two sums for each channel.
///
/// ```
/// use madenet_kernels::{Activation, Isa, Shape};
/// use madenet_kernels::blocked::{Block, Blocked, BlockedMut, Layout, Normalization, normalize_gradient};
///
/// let (layout, x, mut dz) = (Layout::new(Shape::new(1, 1, 2)), [[3.0; 16], [6.0; 16]].map(Block), [Block([2.0; 16]); 2]);
/// let mut normalization = Normalization::new(1);
/// normalization.set(&[4.0], &[1.0], 0.0, &[1.0], &[0.0])?;
/// let (x, mut sums, gradient) = (Blocked::new(layout, 1, &x)?, [[0.0; 2]], BlockedMut::new(layout, 1, &mut dz)?);
/// normalize_gradient(Isa::best(), &normalization, x, Activation::Relu, None, gradient, &mut sums)?;
/// assert_eq!((dz.map(|pixel| pixel.0[0]), sums), ([0.0, 2.0], [[2.0, 4.0]]));
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
pub fn normalize_gradient(
    isa: Isa,
    normalization: &Normalization,
    x: Blocked<'_>,
    activation: Activation,
    y: Option<Blocked<'_>>,
    dz: BlockedMut<'_>,
    sums: &mut [[f64; 2]],
) -> Result<()> {
    const WHAT: &str = "normalize_gradient: y";
    let (shape, batch) = (x.layout().shape, x.batch());
    normalization.expect("normalize_gradient: x", &x)?;
    dz.expect("normalize_gradient: dz", shape, batch)?;
    check::length("normalize_gradient: sums", shape.c, sums.len())?;
    if let Some(y) = &y {
        y.expect(WHAT, shape, Padding::all(0), batch)?;
    }
    let mut call = Call { isa, normalization, x, dz, sums };
    match (activation, y) {
        (Activation::Identity, _) => call.only_sums(),
        (Activation::Relu | Activation::LeakyRelu(0.0), None) => call.from_input(Step),
        (Activation::Relu | Activation::LeakyRelu(0.0), Some(y)) => call.from_result(Step, y),
        (Activation::LeakyRelu(slope), None) => call.from_input(Slope(slope)),
        (Activation::LeakyRelu(slope), Some(y)) if slope > 0.0 => call.from_result(Slope(slope), y),
        (Activation::Sigmoid, None) => call.from_input(Logistic),
        (Activation::Sigmoid, Some(y)) => call.from_result(LogisticOfValue, y),
        (Activation::Silu, None) => call.from_input(Silu),
        (activation, Some(_)) => {
            let reason = format!("the result of {activation:?} does not determine its derivative");
            return Err(check::geometry(WHAT, reason));
        }
    }
    Ok(())
}

/// The arguments that all cases share.
struct Call<'a> {
    isa: Isa,
    normalization: &'a Normalization,
    x: Blocked<'a>,
    dz: BlockedMut<'a>,
    sums: &'a mut [[f64; 2]],
}

impl Call<'_> {
    fn only_sums(&mut self) {
        let (isa, terms, inputs) = (self.isa, Centred(self.normalization), [self.x, self.dz.read()]);
        let digest = |part: Part| isa.run(SumTask { terms, inputs, block: part.block(), pieces: part });
        reduce(self.x.layout(), self.x.batch(), digest, |block, total| take(self.sums, block, &total));
    }

    fn from_input<D: Derivative>(&mut self, derivative: D) {
        self.run(derivative, [self.x]);
    }

    fn from_result<D: Derivative>(&mut self, derivative: D, y: Blocked<'_>) {
        self.run(derivative, [self.x, y]);
    }

    fn run<D: Derivative, const N: usize>(&mut self, derivative: D, inputs: [Blocked<'_>; N])
    where
        for<'a> Gradient<'a, D, N>: Task<Output = Sums<2>>,
    {
        let (isa, normalization) = (self.isa, self.normalization);
        let digest = |part: PartMut<'_>| isa.run(Gradient { normalization, derivative, inputs, part });
        reduce_mut(&mut self.dz, digest, |block, total| take(self.sums, block, &total));
    }
}

fn take(sums: &mut [[f64; 2]], block: usize, total: &Sums<2>) {
    for (lane, sums) in sums[block * LANES..].iter_mut().take(LANES).enumerate() {
        *sums = total.lane(lane);
    }
}

/// Sums of `dz` and of `dz * (x - centre)`.
#[derive(Clone, Copy)]
struct Centred<'a>(&'a Normalization);

impl Terms<2, 2> for Centred<'_> {
    type Constants<S: Simd> = S::V;

    #[inline(always)]
    fn constants<S: Simd>(self, simd: S, block: usize) -> S::V {
        self.0.constants(simd, block)[0]
    }

    #[inline(always)]
    fn tile<S: Simd, const P: usize>(
        self,
        simd: S,
        centre: S::V,
        sums: &mut RunSums<S, 2>,
        [x, dz]: [&[Block; P]; 2],
    ) {
        let (x, dz) = (load_tile(simd, x), load_tile(simd, dz));
        for (index, (x, dz)) in x.into_iter().zip(dz).enumerate() {
            sums.add(simd, 0, index, dz);
            sums.add_product(simd, 1, index, dz, simd.sub(x, centre));
        }
    }
}

/// A part of `dz`; `inputs` are `x`, and `y` if it is what the derivative is taken from.
struct Gradient<'a, D, const N: usize> {
    normalization: &'a Normalization,
    derivative: D,
    inputs: [Blocked<'a>; N],
    part: PartMut<'a>,
}
