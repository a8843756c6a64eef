//! HRNet (Wang et al. 2020, "Deep High-Resolution Representation Learning for Visual Recognition"), with timm's parameter
//! names.

use std::cmp::Ordering;

use madenet_kernels::{Interpolation, Shape};

use crate::builder::{Builder, ConvSpec, Val, conv};
use crate::net::{Init, Net};
use crate::params::Params;
use crate::resnet::{basic_block, bottleneck};
use crate::tap::Tap;
use crate::{Error, Result};

/// The HRNets of timm with their usual widths: four branches, from a quarter of the image's resolution down to a 32nd, run
/// side by side and are fused again and again.
///
/// ```text
/// stride 4    layer1 --+--o---o--- branch0     C channels
/// stride 8             '--o---o--- branch1    2C
/// stride 16               '---o--- branch2    4C
/// stride 32                   '--- branch3    8C
///             stage1   2   3   4              o: one module and more; all branches fuse after each
/// ```
///
/// ```
/// use madenet_nets::{Builder, HrNet, Interpolation, Shape, Summary};
/// let mut b = Builder::new();
/// let image = b.input("image", Shape::new(3, 256, 256));
/// for tap in HrNet::W32.features(&mut b, image, Interpolation::Nearest)? {
///     b.output(tap.name, tap.val)?;
/// }
/// let net = b.finish();
/// assert_eq!(net.output_shape("branch0"), Some(Shape::new(32, 64, 64)));
/// assert_eq!(net.output_shape("branch3"), Some(Shape::new(256, 8, 8)));
/// assert_eq!(Summary::new(&net).parameters, 29_305_536);
/// # Ok::<(), madenet_nets::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum HrNet {
    /// 16, 32, 64 and 128 channels, the shallowest: one module a stage, two blocks a branch.
    W18Small,
    /// 18, 36, 72 and 144 channels, two blocks a branch.
    W18SmallV2,
    /// 18, 36, 72 and 144 channels.
    W18,
    /// 32, 64, 128 and 256 channels.
    W32,
    /// 48, 96, 192 and 384 channels.
    W48,
}

const BRANCHES: [&str; 4] = ["branch0", "branch1", "branch2", "branch3"];
/// What tells the networks apart: timm's configurations.
struct Layout {
    /// Channels of the branch of stride 4.
    channels: usize,
    /// Bottlenecks of stage 1, and their inner width; they give four times as many channels.
    stem: (usize, usize),
    /// Modules of stages 2, 3 and 4, which have as many branches as their number says.
    modules: [usize; 3],
    /// Blocks of every branch of a module.
    blocks: usize,
}

/// The networks that are not small, but for their channels.
const FULL: Layout = Layout { channels: 0, stem: (4, 64), modules: [1, 4, 3], blocks: 4 };

/// Inner widths of the classifier's bottlenecks, one a branch; they give four times as many channels.
const HEAD: [usize; 4] = [32, 64, 128, 256];

impl HrNet {
    /// All of them.
    pub const ALL: [HrNet; 5] = [HrNet::W18Small, HrNet::W18SmallV2, HrNet::W18, HrNet::W32, HrNet::W48];

    /// timm's name: `"hrnet_w32"`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            HrNet::W18Small => "hrnet_w18_small",
            HrNet::W18SmallV2 => "hrnet_w18_small_v2",
            HrNet::W18 => "hrnet_w18",
            HrNet::W32 => "hrnet_w32",
            HrNet::W48 => "hrnet_w48",
        }
    }

    /// Channels of the branch of stride 4; every further branch has twice as many.
    #[must_use]
    pub const fn channels(self) -> usize {
        self.layout().channels
    }

    const fn layout(self) -> Layout {
        match self {
            HrNet::W18Small => Layout { channels: 16, stem: (1, 32), modules: [1, 1, 1], blocks: 2 },
            HrNet::W18SmallV2 => Layout { channels: 18, stem: (2, 64), modules: [1, 3, 2], blocks: 2 },
            HrNet::W18 => Layout { channels: 18, ..FULL },
            HrNet::W32 => Layout { channels: 32, ..FULL },
            HrNet::W48 => Layout { channels: 48, ..FULL },
        }
    }

    /// The HRNet of this timm name.
    ///
    /// # Errors
    /// [`Error::Unknown`].
    pub fn from_name(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|h| h.name() == name).ok_or_else(|| Error::Unknown {
            what: "HRNet",
            name: name.to_string(),
            expected: Self::ALL.map(Self::name).join(", "),
        })
    }

    /// The HRNet that these weights are of: the width of the first branch tells them apart, and for the two of 18 channels the
    /// depth of stage 1.
    ///
    /// # Errors
    /// [`Error::MissingParam`] if there is no `transition1.0.0.weight`, [`Error::ParamShape`] if it has the shape of none.
    pub fn of_weights(params: &Params) -> Result<Self> {
        let name = "transition1.0.0.weight";
        let shape = |h: HrNet| vec![h.channels(), 4 * h.layout().stem.1, 3, 3];
        let Some(first) = params.get(name) else {
            return Err(Error::MissingParam { name: name.to_string(), expected: shape(HrNet::W32) });
        };
        let depth = |h: HrNet| params.get(&format!("layer1.{}.conv1.weight", h.layout().stem.0)).is_none();
        let is_it = |&h: &HrNet| first.shape() == shape(h) && (h != HrNet::W18SmallV2 || depth(h));
        Self::ALL.into_iter().find(is_it).ok_or_else(|| Error::ParamShape {
            name: name.to_string(),
            expected: shape(HrNet::W32),
            got: first.shape().to_vec(),
        })
    }

    /// Records the trunk and gives the maps of its four branches, called `branch0` to `branch3`, of strides 4, 8, 16 and 32
    /// with C, 2C, 4C and 8C channels ([`channels`](Self::channels)). Sides that are no multiples of 32 are rounded up at every
    /// halving. `x` has 3 channels, normalised with ImageNet's mean and deviation where its weights are used.
    ///
    /// `upsampling` is how a map of lower resolution joins one of higher: the authors' classifiers, whose ImageNet weights
    /// timm has, were trained with [`Interpolation::Nearest`], their segmentation networks with [`Interpolation::Bilinear`]
    /// (`align_corners` false). It has no parameters, so the weights fit both.
    ///
    /// # Errors
    /// [`Error::Shape`] if `x` has no pixels.
    pub fn features(self, b: &mut Builder, x: Val, upsampling: Interpolation) -> Result<[Tap; 4]> {
        let Layout { stem, modules, .. } = self.layout();
        let mut xs = vec![stage1(b, x, stem)?];
        for (stage, modules) in (2..).zip(modules) {
            xs = self.transition(b, &xs, stage - 1)?;
            for module in 0..modules {
                xs = b.scope(format!("stage{stage}.{module}"), |b| self.module(b, &xs, upsampling))?;
            }
        }
        let tap =
            |i: usize| Tap { name: BRANCHES[i], val: xs[i], channels: self.channels() << i, stride: 4 << i };
        Ok([tap(0), tap(1), tap(2), tap(3)])
    }

    /// The trunk alone, for images of `shape`: its parameters are what of a weight file a trunk needs
    /// ([`Params::select`]).
    ///
    /// # Errors
    /// As [`features`](Self::features).
    pub fn trunk(self, shape: &Shape) -> Result<Net> {
        let mut b = Builder::new();
        let image = b.input("image", *shape);
        for tap in self.features(&mut b, image, Interpolation::Nearest)? {
            b.output(tap.name, tap.val)?;
        }
        Ok(b.finish())
    }

    /// Records the classifier of `classes` classes, with nearest upsampling, and gives its logits, `classes x 1 x 1`. The
    /// linear layer `classifier` is a 1x1 convolution. The parameters are those of the authors' weights (timm's tag
    /// `ms_in1k`), whose head has biases in front of its normalisations.
    ///
    /// # Errors
    /// [`Error::Shape`] if `x` has no pixels.
    pub fn classifier(self, b: &mut Builder, x: Val, classes: usize) -> Result<Val> {
        let [finest, coarser @ ..] = self.features(b, x, Interpolation::Nearest)?;
        let mut x = widen(b, finest.val, 0)?;
        for (i, tap) in (1..).zip(coarser) {
            let y = widen(b, tap.val, i)?;
            let down = conv(4 * HEAD[i], 3, 2, 1).with_bias();
            let down = b.scope(format!("downsamp_modules.{}", i - 1), |b| unit(b, x, down))?;
            x = b.add(y, down)?;
        }
        let x = b.scope("final_layer", |b| unit(b, x, conv(2048, 1, 1, 0).with_bias()))?;
        let x = b.global_avg_pool(x)?;
        b.conv2d("classifier", x, conv(classes, 1, 1, 0).with_bias().init(Init::XavierNormal))
    }

    /// Branches for the stage behind transition `number`: one more than before.
    fn transition(self, b: &mut Builder, xs: &[Val], number: usize) -> Result<Vec<Val>> {
        let mut ys = xs.to_vec();
        // Only stage 1, bottlenecks, has another number of channels than its successor.
        if number == 1 {
            ys[0] = b.scope("transition1.0", |b| unit(b, xs[0], conv(self.channels(), 3, 1, 1)))?;
        }
        let spec = conv(self.channels() << number, 3, 2, 1);
        let path = format!("transition{number}.{number}.0");
        ys.push(b.scope(path, |b| unit(b, xs[number - 1], spec))?);
        Ok(ys)
    }

    /// Basic blocks on every branch, then every branch receives all others.
    fn module(self, b: &mut Builder, xs: &[Val], upsampling: Interpolation) -> Result<Vec<Val>> {
        let mut ys = Vec::with_capacity(xs.len());
        for (i, &x) in xs.iter().enumerate() {
            ys.push((0..self.layout().blocks).try_fold(x, |x, block| {
                let path = format!("branches.{i}.{block}");
                b.scope(path, |b| basic_block(b, x, self.channels() << i, 1))
            })?);
        }
        (0..ys.len()).map(|i| self.fuse(b, &ys, i, upsampling)).collect()
    }

    /// Branch `i` and all others at its shape, added.
    fn fuse(self, b: &mut Builder, xs: &[Val], i: usize, upsampling: Interpolation) -> Result<Val> {
        let mut sum = self.bring(b, xs, (0, i), upsampling)?;
        for j in 1..xs.len() {
            let y = self.bring(b, xs, (j, i), upsampling)?;
            sum = b.add(sum, y)?;
        }
        b.relu(sum)
    }

    /// Branch `j` at the shape of branch `i`.
    fn bring(
        self,
        b: &mut Builder,
        xs: &[Val],
        (j, i): (usize, usize),
        upsampling: Interpolation,
    ) -> Result<Val> {
        b.scope(format!("fuse_layers.{i}.{j}"), |b| match j.cmp(&i) {
            Ordering::Less => self.down(b, xs[j], j, i),
            Ordering::Equal => Ok(xs[i]),
            Ordering::Greater => {
                let y = conv_bn(b, xs[j], conv(self.channels() << i, 1, 1, 0))?;
                let to = b.shape(xs[i])?;
                b.interpolate(y, (to.h, to.w), upsampling)
            }
        })
    }

    /// Branch `j` halved until it has the resolution of branch `i`; the last halving changes the channels and has no ReLU.
    fn down(self, b: &mut Builder, x: Val, j: usize, i: usize) -> Result<Val> {
        (0..i - j).try_fold(x, |x, step| {
            b.scope(step.to_string(), |b| {
                if step + 1 == i - j {
                    conv_bn(b, x, conv(self.channels() << i, 3, 2, 1))
                } else {
                    unit(b, x, conv(self.channels() << j, 3, 2, 1))
                }
            })
        })
    }
}

/// Two halvings and stage 1: bottlenecks, a number of a width, at stride 4.
fn stage1(b: &mut Builder, x: Val, (blocks, width): (usize, usize)) -> Result<Val> {
    let x = b.conv2d("conv1", x, conv(64, 3, 2, 1))?;
    let x = b.batch_norm("bn1", x)?;
    let x = b.relu(x)?;
    let x = b.conv2d("conv2", x, conv(64, 3, 2, 1))?;
    let x = b.batch_norm("bn2", x)?;
    let x = b.relu(x)?;
    (0..blocks)
        .try_fold(x, |x, block| b.scope(format!("layer1.{block}"), |b| bottleneck(b, x, width, 4 * width, 1)))
}

/// Branch `i` for the classifier.
fn widen(b: &mut Builder, x: Val, i: usize) -> Result<Val> {
    b.scope(format!("incre_modules.{i}.0"), |b| bottleneck(b, x, HEAD[i], 4 * HEAD[i], 1))
}

/// Convolution, normalisation and ReLU, called by their places as in PyTorch's `Sequential`.
fn unit(b: &mut Builder, x: Val, spec: ConvSpec) -> Result<Val> {
    let x = conv_bn(b, x, spec)?;
    b.relu(x)
}

fn conv_bn(b: &mut Builder, x: Val, spec: ConvSpec) -> Result<Val> {
    let x = b.conv2d("0", x, spec)?;
    b.batch_norm("1", x)
}

#[cfg(test)]
mod tests;
