//! The state of a batch normalisation between its forward and its backward pass.

use madenet_kernels::Result;
use madenet_kernels::blocked::{Normalization, NormalizationGradient};
use madenet_nets::BatchNorm;

/// One normalisation of a program: what its forward pass has found and its backward pass needs.
#[derive(Clone, Debug)]
pub(super) struct Norm {
    pub(super) norm: BatchNorm,
    /// Whether the statistics are the batch's own.
    pub(super) is_training: bool,
    /// Values per channel.
    pub(super) count: usize,
    /// Per channel: the statistics that are used, variance with divisor `n`.
    pub(super) mean: Vec<f64>,
    pub(super) var: Vec<f64>,
    pub(super) normalization: Normalization,
    /// Per channel: the sum of the gradient, and of its products with the centred input.
    pub(super) sums: Vec<[f64; 2]>,
}

impl Norm {
    /// A normalisation of `channels` channels, `count` values each.
    pub(super) fn new(norm: BatchNorm, is_training: bool, channels: usize, count: usize) -> Self {
        Norm {
            norm,
            is_training,
            count,
            mean: vec![0.0; channels],
            var: vec![0.0; channels],
            normalization: Normalization::new(channels),
            sums: vec![[0.0; 2]; channels],
        }
    }

    /// Takes the parameters, once mean and variance are there.
    pub(super) fn set(&mut self, scale: &[f32], shift: &[f32]) -> Result<()> {
        self.normalization.set(&self.mean, &self.var, self.norm.eps, scale, shift)
    }

    /// What becomes of the gradient in front of the normalisation, once the sums are there.
    pub(super) fn input_gradient(&self) -> NormalizationGradient {
        if self.is_training {
            self.normalization.gradient(&self.var, self.norm.eps, &self.sums, self.count)
        } else {
            self.normalization.fixed_gradient()
        }
    }

    /// The gradient of the channel's factor.
    pub(super) fn scale_gradient(&self, c: usize) -> f32 {
        (self.sums[c][1] / (self.var[c] + f64::from(self.norm.eps)).sqrt()) as f32
    }

    /// The gradient of the channel's offset.
    pub(super) fn shift_gradient(&self, c: usize) -> f32 {
        self.sums[c][0] as f32
    }
}
