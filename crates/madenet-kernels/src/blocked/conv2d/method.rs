//! Which method computes a convolution.

use super::{Conv2dKernel, Layer};
use crate::blocked::{Block, LANES};
use crate::{Conv2d, Isa, Shape};

/// What kernels are built for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tuning {
    /// The instruction set, by default the fastest there is.
    pub isa: Isa,
    /// The method for dense convolutions that it fits; by default the one that should be fastest.
    pub method: Option<ConvMethod>,
}

/// How a dense convolution is computed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ConvMethod {
    /// The definition.
    Direct,
    /// Winograd's F(2x2, 3x3): 2.25 times fewer multiplications for 3x3 windows at stride 1, weights 1.8 times as large.
    Winograd2,
    /// Winograd's F(4x4, 3x3): 4 times fewer multiplications, weights 4 times as large, rounding errors about 5 times as large.
    Winograd4,
}

/// What a method costs, to choose by. A multiply-add here is one of vectors of sixteen, of which a core with AVX-512 does some
/// six thousand million a second.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct MethodCost {
    /// The method.
    pub method: ConvMethod,
    /// Multiply-adds for one sample, those included that transforms could do in their time.
    pub multiply_adds: f64,
    /// Bytes of its packed weights.
    pub bytes: usize,
}

impl MethodCost {
    /// Estimated time for one sample in multiply-adds: weights stream in while the arithmetic is busy, so that the longer of both
    /// counts.
    #[must_use]
    pub fn time(&self, weights: WeightSource) -> f64 {
        self.multiply_adds.max((self.bytes / size_of::<Block>()) as f64 * weights.multiply_adds())
    }

    /// Estimated time for a step of training with `batch` samples, in multiply-adds: the weights are new and are packed first.
    #[must_use]
    pub fn training_time(&self, batch: usize) -> f64 {
        let blocks = (self.bytes / size_of::<Block>()) as f64;
        let weights = blocks * WeightSource::Memory.multiply_adds();
        (batch as f64 * self.multiply_adds).max(weights) + blocks * MACS_PER_PACKED
    }
}

/// Multiply-adds in the time that packing a block of weights takes: some 10 ns for Winograd's F(4x4) on a Xeon processor of the fifth
/// generation.
const MACS_PER_PACKED: f64 = 70.0;

/// Where weights come from at every run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WeightSource {
    /// The third-level cache: a network whose weights stay there.
    Cache,
    /// Main memory: a network whose weights are larger.
    Memory,
}

impl WeightSource {
    /// Multiply-adds in the time that a block of weights takes: 24 and 9 GB/s for two cores that do 11.5 thousand million a
    /// second, measured on a Xeon processor of the fifth generation within ResNet-18 and HRNet-W32.
    const fn multiply_adds(self) -> f64 {
        match self {
            WeightSource::Cache => 30.0,
            WeightSource::Memory => 80.0,
        }
    }
}

impl ConvMethod {
    /// All of them.
    pub const ALL: [ConvMethod; 3] = [ConvMethod::Direct, ConvMethod::Winograd2, ConvMethod::Winograd4];

    /// The fastest method for steps of training with `batch` samples, as [`MethodCost::training_time`] estimates them; the
    /// definition where there is no choice.
    #[must_use]
    pub fn for_training(geometry: Conv2d, input: Shape, out_channels: usize, batch: usize) -> Self {
        let costs = Conv2dKernel::costs(geometry, input, out_channels);
        let least = costs.iter().min_by(|a, b| a.training_time(batch).total_cmp(&b.training_time(batch)));
        least.map_or(ConvMethod::Direct, |cost| cost.method)
    }

    /// Outputs of a tile on each axis.
    pub(super) const fn outputs(self) -> usize {
        match self {
            ConvMethod::Direct => 1,
            ConvMethod::Winograd2 => 2,
            ConvMethod::Winograd4 => 4,
        }
    }
}

/// Multiply-adds in the time that a transform moves one block from cache to cache: measured for layers of 64 to 256 channels on
/// Xeon processors of the fifth generation with AVX-512, as what is left beside the products.
const MACS_PER_MOVE: f64 = 5.0;

/// The method for a layer: the one asked for if it fits, else the least estimate.
pub(super) fn choose(tuning: &Tuning, layer: &Layer) -> ConvMethod {
    let costs = costs(layer);
    if let Some(method) = tuning.method.filter(|method| costs.iter().any(|cost| cost.method == *method)) {
        return method;
    }
    let least =
        costs.iter().min_by(|a, b| a.time(WeightSource::Cache).total_cmp(&b.time(WeightSource::Cache)));
    least.map_or(ConvMethod::Direct, |cost| cost.method)
}

/// What the methods that fit a layer cost.
pub(super) fn costs(layer: &Layer) -> Vec<MethodCost> {
    let blocks = layer.input.c.div_ceil(LANES) + layer.output.c.div_ceil(LANES);
    let fitting =
        ConvMethod::ALL.into_iter().filter(|method| *method == ConvMethod::Direct || layer.is_3x3());
    let cost = |method: ConvMethod| {
        let size = method.outputs();
        let tiles = (layer.output.h.div_ceil(size) * layer.output.w.div_ceil(size)) as f64;
        let (points, moves) = match method {
            ConvMethod::Direct => (layer.taps(), 0),
            // Loaded and stored by the transforms, and once more by the products.
            _ => ((size + 2).pow(2), (size + 2).pow(2) * blocks * 3),
        };
        let weights = points * layer.input.c * layer.output.c.div_ceil(LANES);
        MethodCost {
            method,
            multiply_adds: tiles * (weights as f64 + moves as f64 * MACS_PER_MOVE),
            bytes: weights * size_of::<Block>(),
        }
    };
    fitting.map(cost).collect()
}
