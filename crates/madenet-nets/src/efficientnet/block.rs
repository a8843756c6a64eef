//! EfficientNet's block: expand, filter each channel, weigh the channels, project.

use super::weights::EfficientNetWeights;
use crate::Result;
use crate::builder::{Builder, Val, conv};
use crate::net::Init;

/// An inverted residual (Sandler et al. 2018) with squeeze and excitation (Hu et al. 2018).
///
/// ```text
/// x ---+-- conv_pw --- conv_dw --- se --- conv_pwl --- drop_path --(+)--
///      |    in x e      in x e   in x e      out                    |
///      '------------------- if in = out and stride = 1 -------------'
/// ```
///
/// Without expansion there is no first convolution, and the last one is called `conv_pw`.
pub(super) struct Block {
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) expand: usize,
    pub(super) out: usize,
    pub(super) drop_path: f32,
    pub(super) weights: EfficientNetWeights,
}

impl Block {
    pub(super) fn record(&self, b: &mut Builder, x: Val) -> Result<Val> {
        let c = b.shape(x)?.c;
        let is_plain = self.expand == 1;
        let (filtered, project, projected) =
            if is_plain { ("bn1", "conv_pw", "bn2") } else { ("bn2", "conv_pwl", "bn3") };
        let mut y = x;
        if !is_plain {
            y = b.conv2d("conv_pw", y, conv(c * self.expand, 1, 1, 0))?;
            y = norm_silu(b, "bn1", y, self.weights)?;
        }
        y = self.depthwise(b, y)?;
        y = norm_silu(b, filtered, y, self.weights)?;
        y = b.scope("se", |b| squeeze_excite(b, y, c / 4))?;
        y = b.conv2d(project, y, conv(self.out, 1, 1, 0))?;
        y = norm(b, projected, y, self.weights)?;
        if self.stride > 1 || c != self.out {
            return Ok(y);
        }
        let y = b.drop_path("drop_path", y, self.drop_path)?;
        b.add(y, x)
    }

    fn depthwise(&self, b: &mut Builder, x: Val) -> Result<Val> {
        let (k, s) = (self.kernel, b.shape(x)?);
        let padding = self.weights.padding(k, self.stride, (s.h, s.w));
        // TensorFlow's start takes the fan-out of one channel's own filter.
        let init = Init::Normal { mean: 0.0, std: (2.0 / (k * k) as f32).sqrt() };
        b.conv2d("conv_dw", x, conv(s.c, k, self.stride, 0).padding(padding).groups(s.c).init(init))
    }
}

/// Normalisation with the constants of these weights.
pub(super) fn norm(b: &mut Builder, name: &str, x: Val, weights: EfficientNetWeights) -> Result<Val> {
    let (eps, momentum) = weights.normalisation();
    b.batch_norm_with(name, x, eps, momentum)
}

pub(super) fn norm_silu(b: &mut Builder, name: &str, x: Val, weights: EfficientNetWeights) -> Result<Val> {
    let x = norm(b, name, x, weights)?;
    b.silu(x)
}

/// Every channel times a factor in (0, 1) that follows from the means of all of them.
fn squeeze_excite(b: &mut Builder, x: Val, reduced: usize) -> Result<Val> {
    let c = b.shape(x)?.c;
    let gate = b.global_avg_pool(x)?;
    let gate = b.conv2d("conv_reduce", gate, conv(reduced, 1, 1, 0).with_bias())?;
    let gate = b.silu(gate)?;
    let gate = b.conv2d("conv_expand", gate, conv(c, 1, 1, 0).with_bias())?;
    let gate = b.sigmoid(gate)?;
    b.multiply(x, gate)
}
