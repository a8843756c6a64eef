//! Which method computes a convolution, and what it may cost in memory.

use super::Layer;
use crate::Isa;
use crate::blocked::LANES;

/// What kernels are built for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tuning {
    /// The instruction set, by default the fastest there is.
    pub isa: Isa,
    /// How much memory speed may cost, by default [`Memory::Balanced`].
    pub memory: Memory,
    /// A method for all convolutions that it fits, for tests and comparisons; by default each gets the one that should be
    /// fastest.
    pub method: Option<ConvMethod>,
}

/// How much memory speed may cost.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Memory {
    /// Whatever is fastest: the weights of 3x3 convolutions may become four times as large.
    Speed,
    /// Faster methods where their weights stay small beside the activations, or grow little.
    #[default]
    Balanced,
    /// No weights larger than the network's own.
    Low,
}

/// How a convolution is computed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ConvMethod {
    /// The definition.
    Direct,
    /// Winograd's F(2x2, 3x3): 2.25 times fewer multiplications for 3x3 windows at stride 1, weights 1.8 times as large.
    Winograd2,
    /// Winograd's F(4x4, 3x3): 4 times fewer multiplications, weights 4 times as large, rounding errors about 5 times as large.
    Winograd4,
}

impl ConvMethod {
    /// Outputs of a tile on each axis.
    pub(super) const fn outputs(self) -> usize {
        match self {
            ConvMethod::Direct => 1,
            ConvMethod::Winograd2 => 2,
            ConvMethod::Winograd4 => 4,
        }
    }
}

/// Multiply-adds of vectors of an output block in the time that moving one block between cache and registers takes, as the
/// transforms do: measured on AVX-512, where a transform is bound by loads and stores.
const MACS_PER_TRANSFORM: f64 = 3.0;

/// The same for a block of weights, which comes from the third-level cache or main memory: 64 bytes at some 15 GB/s beside 100 G
/// multiply-adds a second, of sixteen lanes.
const MACS_PER_WEIGHT: f64 = 26.0;

/// Bytes of a layer's transformed weights that [`Memory::Balanced`] allows in any case: the whole of a second-level cache.
const BALANCED_BYTES: usize = 1 << 20;

/// The method for a layer: the least of an estimate of the time for one sample.
pub(super) fn choose(tuning: &Tuning, layer: &Layer) -> ConvMethod {
    let fits = |method: &ConvMethod| *method == ConvMethod::Direct || layer.is_3x3();
    if let Some(method) = tuning.method.filter(fits) {
        return method;
    }
    let allowed = |method: &ConvMethod| match (tuning.memory, method) {
        (_, ConvMethod::Direct) | (Memory::Speed, _) => true,
        (Memory::Low, _) => false,
        (Memory::Balanced, ConvMethod::Winograd2) => true,
        (Memory::Balanced, ConvMethod::Winograd4) => {
            let activations = (layer.input.len() + layer.output.len()) * size_of::<f32>();
            weight_blocks(layer, *method) * LANES * size_of::<f32>() <= activations.max(BALANCED_BYTES)
        }
    };
    [ConvMethod::Direct, ConvMethod::Winograd2, ConvMethod::Winograd4]
        .into_iter()
        .filter(|method| fits(method) && allowed(method))
        .min_by(|a, b| cost(layer, *a).total_cmp(&cost(layer, *b)))
        .unwrap_or(ConvMethod::Direct)
}

/// Blocks of packed weights.
fn weight_blocks(layer: &Layer, method: ConvMethod) -> usize {
    let points = match method {
        ConvMethod::Direct => layer.taps(),
        _ => (method.outputs() + 2).pow(2),
    };
    points * layer.input.c * layer.output.c.div_ceil(LANES)
}

/// Estimated time for one sample, in multiply-adds of vectors.
fn cost(layer: &Layer, method: ConvMethod) -> f64 {
    let size = method.outputs();
    let tiles = layer.output.h.div_ceil(size) * layer.output.w.div_ceil(size);
    let weights = weight_blocks(layer, method) as f64;
    let products = tiles as f64 * weights;
    let moved = match method {
        ConvMethod::Direct => 0.0,
        // Loaded and stored by the transforms, and once more by the products.
        _ => {
            let blocks = layer.input.c.div_ceil(LANES) + layer.output.c.div_ceil(LANES);
            (tiles * (size + 2).pow(2) * blocks * 3) as f64
        }
    };
    products + moved * MACS_PER_TRANSFORM + weights * MACS_PER_WEIGHT
}
