//! EfficientNet (Tan and Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks"), with timm's
//! parameter names.

mod block;
mod weights;

use block::{Block, norm_silu};
pub use weights::EfficientNetWeights;

use crate::builder::{Builder, Val, conv};
use crate::net::Init;
use crate::params::Params;
use crate::tap::{self, Tap};
use crate::{Error, Result};

/// The EfficientNets: one network, scaled in width, depth and resolution together.
///
/// ```
/// use madenet_nets::{Builder, EfficientNet, Shape, Summary};
/// let (net, weights) = EfficientNet::from_tag("timm/tf_efficientnet_b4.ns_jft_in1k")?;
/// assert_eq!((net, net.resolution(), net.dropout()), (EfficientNet::B4, 380, 0.4));
///
/// let mut b = Builder::new();
/// let image = b.input("image", Shape::new(3, 380, 380));
/// let logits = net.classifier(&mut b, image, weights, 1000)?;
/// b.output("logits", logits)?;
/// assert_eq!(Summary::new(&b.finish()).parameters, 19_341_616);
/// # Ok::<(), madenet_nets::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum EfficientNet {
    /// 5.3 million parameters with 1000 classes.
    B0,
    /// 7.8 million.
    B1,
    /// 9.1 million.
    B2,
    /// 12.2 million.
    B3,
    /// 19.3 million.
    B4,
    /// 30.4 million.
    B5,
    /// 43.0 million.
    B6,
    /// 66.3 million.
    B7,
}

struct Scale {
    name: &'static str,
    /// Factors of the channels and of the blocks, in tenths.
    width: usize,
    depth: usize,
    resolution: usize,
    dropout: f32,
}

const fn scale(name: &'static str, width: usize, depth: usize, resolution: usize, dropout: f32) -> Scale {
    Scale { name, width, depth, resolution, dropout }
}

/// As the authors' code gives them (`efficientnet_builder.py` of the TensorFlow TPU models).
const SCALES: [Scale; 8] = [
    scale("efficientnet_b0", 10, 10, 224, 0.2),
    scale("efficientnet_b1", 10, 11, 240, 0.2),
    scale("efficientnet_b2", 11, 12, 260, 0.3),
    scale("efficientnet_b3", 12, 14, 300, 0.3),
    scale("efficientnet_b4", 14, 18, 380, 0.4),
    scale("efficientnet_b5", 16, 22, 456, 0.4),
    scale("efficientnet_b6", 18, 26, 528, 0.5),
    scale("efficientnet_b7", 20, 31, 600, 0.5),
];

struct Stage {
    blocks: usize,
    kernel: usize,
    stride: usize,
    expand: usize,
    out: usize,
}

const fn stage(blocks: usize, kernel: usize, stride: usize, expand: usize, out: usize) -> Stage {
    Stage { blocks, kernel, stride, expand, out }
}

/// Table 1 of the paper: B0.
const STAGES: [Stage; 7] = [
    stage(1, 3, 1, 1, 16),
    stage(2, 3, 2, 6, 24),
    stage(2, 5, 2, 6, 40),
    stage(3, 3, 2, 6, 80),
    stage(3, 5, 1, 6, 112),
    stage(4, 5, 2, 6, 192),
    stage(1, 3, 1, 6, 320),
];
const STEM: usize = 32;
const HEAD: usize = 1280;
/// The last block's probability of being skipped in training ("survival probability 0.8", section 5.2 of the paper).
const DROP_PATH: f32 = 0.2;

const LAYERS: [&str; 7] =
    ["blocks.0", "blocks.1", "blocks.2", "blocks.3", "blocks.4", "blocks.5", "blocks.6"];

impl EfficientNet {
    /// All of them.
    pub const ALL: [EfficientNet; 8] =
        [Self::B0, Self::B1, Self::B2, Self::B3, Self::B4, Self::B5, Self::B6, Self::B7];

    /// timm's name: `"efficientnet_b4"`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.scale().name
    }

    /// Side of the square images that it was designed for, in pixels: 224, 240, 260, 300, 380, 456, 528 and 600. Weights of
    /// [`EfficientNetWeights::TensorFlow`] were trained at it. timm's own were trained at others (B4: 320), as their pages say.
    #[must_use]
    pub const fn resolution(self) -> usize {
        self.scale().resolution
    }

    /// Probability of dropout in front of the linear layer: 0.2 (B0, B1) to 0.5 (B6, B7).
    #[must_use]
    pub const fn dropout(self) -> f32 {
        self.scale().dropout
    }

    /// The EfficientNet of this timm name.
    ///
    /// # Errors
    /// [`Error::Unknown`].
    pub fn from_name(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|e| e.name() == name).ok_or_else(|| Error::Unknown {
            what: "EfficientNet",
            name: name.to_string(),
            expected: Self::ALL.map(Self::name).join(", "),
        })
    }

    /// The EfficientNet and the kind of weights that timm's tag names, with or without an owner and a training recipe:
    /// `timm/tf_efficientnet_b4.ns_jft_in1k` is B4 of TensorFlow, `efficientnet_b0` is B0 of PyTorch.
    ///
    /// # Errors
    /// [`Error::Unknown`].
    pub fn from_tag(tag: &str) -> Result<(Self, EfficientNetWeights)> {
        let name = tag.rsplit_once('/').map_or(tag, |(_, name)| name);
        let name = name.split_once('.').map_or(name, |(name, _)| name);
        match name.strip_prefix("tf_") {
            Some(name) => Ok((Self::from_name(name)?, EfficientNetWeights::TensorFlow)),
            None => Ok((Self::from_name(name)?, EfficientNetWeights::PyTorch)),
        }
    }

    /// The EfficientNet that these weights are of: what tells them apart is the width of the last stage, and for B0 and B1 the
    /// number of blocks in the first. [`EfficientNetWeights`] cannot be told from them.
    ///
    /// # Errors
    /// [`Error::MissingParam`] if there is no `blocks.6.0.conv_pwl.weight`, [`Error::ParamShape`] if it has the shape of none.
    pub fn of_weights(params: &Params) -> Result<Self> {
        let name = "blocks.6.0.conv_pwl.weight";
        let shape = |e: EfficientNet| {
            let last_but_one = e.width(STAGES[5].out);
            vec![e.width(STAGES[6].out), last_but_one * STAGES[6].expand, 1, 1]
        };
        let Some(last) = params.get(name) else {
            return Err(Error::MissingParam { name: name.to_string(), expected: shape(Self::B0) });
        };
        match Self::ALL.into_iter().find(|&e| last.shape() == shape(e)) {
            Some(Self::B0) if params.get("blocks.0.1.conv_dw.weight").is_some() => Ok(Self::B1),
            Some(found) => Ok(found),
            None => Err(Error::ParamShape {
                name: name.to_string(),
                expected: shape(Self::B0),
                got: last.shape().to_vec(),
            }),
        }
    }

    /// Records the trunk up to the deepest of `layers` and gives their maps in the order asked for. The layers are the
    /// stages, `blocks.0` to `blocks.6`, with strides 2, 4, 8, 16, 16, 32 and 32; the last of each stride are `blocks.0`, `.1`,
    /// `.2`, `.4` and `.6`.
    ///
    /// `x` has 3 channels. Most weights take it normalised with ImageNet's mean and deviation, those with the tags `ap_in1k` and
    /// `ra4_e3600` with 0.5 and 0.5. Padding depends on the size where `weights` are TensorFlow's, so that such a network is
    /// recorded for one size. In training, a block with a shortcut is skipped (drop-path) with a probability that rises with
    /// its place, from 0 for the first to almost 0.2 for the last.
    ///
    /// # Errors
    /// [`Error::Unknown`] for another layer; [`Error::Shape`] if the image is too small.
    pub fn features(
        self,
        b: &mut Builder,
        x: Val,
        weights: EfficientNetWeights,
        layers: &[&str],
    ) -> Result<Vec<Tap>> {
        let taps = self.trunk(b, x, weights, tap::depth(layers, &LAYERS)?)?;
        Ok(tap::select(&taps, layers))
    }

    /// Records the classifier of `classes` classes and gives its logits, `classes x 1 x 1`. The linear layer `classifier` is a
    /// 1x1 convolution behind [`dropout`](Self::dropout).
    ///
    /// # Errors
    /// [`Error::Shape`] if the image is too small.
    pub fn classifier(
        self,
        b: &mut Builder,
        x: Val,
        weights: EfficientNetWeights,
        classes: usize,
    ) -> Result<Val> {
        let x = self.trunk(b, x, weights, LAYERS.len())?.last().map_or(x, |last| last.val);
        let x = b.conv2d("conv_head", x, conv(self.width(HEAD), 1, 1, 0))?;
        let x = norm_silu(b, "bn2", x, weights)?;
        let x = b.global_avg_pool(x)?;
        let x = b.dropout("drop", x, self.dropout())?;
        b.conv2d("classifier", x, conv(classes, 1, 1, 0).with_bias().init(Init::XavierNormal))
    }

    fn trunk(self, b: &mut Builder, x: Val, weights: EfficientNetWeights, depth: usize) -> Result<Vec<Tap>> {
        let size = b.shape(x)?;
        let stem = conv(self.width(STEM), 3, 2, 0).padding(weights.padding(3, 2, (size.h, size.w)));
        let x = b.conv2d("conv_stem", x, stem)?;
        let mut x = norm_silu(b, "bn1", x, weights)?;
        let blocks: usize = STAGES.iter().map(|s| self.blocks(s)).sum();
        let (mut index, mut stride, mut taps) = (0, 2, Vec::with_capacity(depth));
        for (name, stage) in LAYERS.into_iter().zip(&STAGES).take(depth) {
            for i in 0..self.blocks(stage) {
                let block = Block {
                    kernel: stage.kernel,
                    stride: if i == 0 { stage.stride } else { 1 },
                    expand: stage.expand,
                    out: self.width(stage.out),
                    drop_path: DROP_PATH * index as f32 / blocks as f32,
                    weights,
                };
                x = b.scope(format!("{name}.{i}"), |b| block.record(b, x))?;
                index += 1;
            }
            stride *= stage.stride;
            taps.push(Tap { name, val: x, channels: self.width(stage.out), stride });
        }
        Ok(taps)
    }

    const fn scale(self) -> &'static Scale {
        &SCALES[self as usize]
    }

    fn blocks(self, stage: &Stage) -> usize {
        (stage.blocks * self.scale().depth).div_ceil(10)
    }

    /// Channels times the width's factor, to the nearest multiple of 8 that does not lose more than a tenth.
    fn width(self, channels: usize) -> usize {
        let tenths = channels * self.scale().width;
        let near = ((tenths + 40) / 80 * 8).max(8);
        if near * 100 < tenths * 9 { near + 8 } else { near }
    }
}

#[cfg(test)]
mod tests;
