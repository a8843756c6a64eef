//! ResNet and WideResNet (He et al. 2016, Zagoruyko and Komodakis 2016), with torchvision's parameter names.

use madenet_kernels::Pool2d;

use crate::builder::{Builder, Val, conv};
use crate::net::Init;
use crate::params::Params;
use crate::tap::{self, Tap};
use crate::{Error, Result};

/// The ResNets of torchvision that inspection methods build on.
///
/// ```
/// use madenet_nets::{Builder, ResNet, Shape, Summary};
/// let mut b = Builder::new();
/// let image = b.input("image", Shape::new(3, 256, 256));
/// for tap in ResNet::WideResNet50_2.features(&mut b, image, &["layer2", "layer3"])? {
///     b.output(tap.name, tap.val)?;
/// }
/// let net = b.finish();
/// assert_eq!(net.output_shape("layer3"), Some(Shape::new(1024, 16, 16)));
/// assert_eq!(Summary::new(&net).parameters, 24_862_528);
/// # Ok::<(), madenet_nets::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ResNet {
    /// 2, 2, 2, 2 basic blocks.
    ResNet18,
    /// 3, 4, 6, 3 basic blocks.
    ResNet34,
    /// 3, 4, 6, 3 bottlenecks.
    ResNet50,
    /// As ResNet-50 with 3x3 convolutions of twice the width.
    WideResNet50_2,
}

const LAYERS: [&str; 4] = ["layer1", "layer2", "layer3", "layer4"];

impl ResNet {
    /// All of them.
    pub const ALL: [ResNet; 4] =
        [ResNet::ResNet18, ResNet::ResNet34, ResNet::ResNet50, ResNet::WideResNet50_2];

    /// torchvision's name: `"wide_resnet50_2"`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            ResNet::ResNet18 => "resnet18",
            ResNet::ResNet34 => "resnet34",
            ResNet::ResNet50 => "resnet50",
            ResNet::WideResNet50_2 => "wide_resnet50_2",
        }
    }

    /// The ResNet of this torchvision name.
    ///
    /// # Errors
    /// [`Error::Unknown`].
    pub fn from_name(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|r| r.name() == name).ok_or_else(|| Error::Unknown {
            what: "ResNet",
            name: name.to_string(),
            expected: Self::ALL.map(Self::name).join(", "),
        })
    }

    /// The ResNet that these weights are of: what tells them apart is the shape of the first block and the number of blocks
    /// in the first layer.
    ///
    /// # Errors
    /// [`Error::MissingParam`] if there is no `layer1.0.conv1.weight`, [`Error::ParamShape`] if it has the shape of none.
    pub fn of_weights(params: &Params) -> Result<Self> {
        let name = "layer1.0.conv1.weight";
        let expected = || vec![64, 64, 3, 3];
        let Some(first) = params.get(name) else {
            return Err(Error::MissingParam { name: name.to_string(), expected: expected() });
        };
        match first.shape() {
            [64, 64, 3, 3] if params.get("layer1.2.conv1.weight").is_some() => Ok(ResNet::ResNet34),
            [64, 64, 3, 3] => Ok(ResNet::ResNet18),
            [64, 64, 1, 1] => Ok(ResNet::ResNet50),
            [128, 64, 1, 1] => Ok(ResNet::WideResNet50_2),
            got => Err(Error::ParamShape { name: name.to_string(), expected: expected(), got: got.to_vec() }),
        }
    }

    /// Records the trunk up to the deepest of `layers` (`"layer1"` to `"layer4"`, strides 4 to 32) and gives their maps in
    /// the order asked for. `x` has 3 channels, normalised with ImageNet's mean and deviation where its weights are used.
    ///
    /// # Errors
    /// [`Error::Unknown`] for another layer; [`Error::Shape`] if the image is too small.
    pub fn features(self, b: &mut Builder, x: Val, layers: &[&str]) -> Result<Vec<Tap>> {
        let taps = self.trunk(b, x, tap::depth(layers, &LAYERS)?)?;
        Ok(tap::select(&taps, layers))
    }

    /// Records the classifier of `classes` classes and gives its logits, `classes x 1 x 1`. The linear layer `fc` is a 1x1
    /// convolution.
    ///
    /// # Errors
    /// [`Error::Shape`] if the image is too small.
    pub fn classifier(self, b: &mut Builder, x: Val, classes: usize) -> Result<Val> {
        let x = match self.trunk(b, x, LAYERS.len())?.last() {
            Some(last) => b.global_avg_pool(last.val)?,
            None => x,
        };
        b.conv2d("fc", x, conv(classes, 1, 1, 0).with_bias().init(Init::XavierNormal))
    }

    fn trunk(self, b: &mut Builder, x: Val, depth: usize) -> Result<Vec<Tap>> {
        let x = b.conv2d("conv1", x, conv(64, 7, 2, 3))?;
        let x = b.batch_norm("bn1", x)?;
        let x = b.relu(x)?;
        let mut x = b.max_pool2d(x, Pool2d::new(3, 2, 1))?;
        let mut taps = Vec::with_capacity(depth);
        for (i, name) in LAYERS.into_iter().enumerate().take(depth) {
            x = b.scope(name, |b| self.layer(b, x, i))?;
            taps.push(Tap { name, val: x, channels: b.shape(x)?.c, stride: 4 << i });
        }
        Ok(taps)
    }

    fn layer(self, b: &mut Builder, mut x: Val, i: usize) -> Result<Val> {
        let blocks = match self {
            ResNet::ResNet18 => [2, 2, 2, 2],
            ResNet::ResNet34 | ResNet::ResNet50 | ResNet::WideResNet50_2 => [3, 4, 6, 3],
        };
        let width = 64 << i;
        for block in 0..blocks[i] {
            let stride = if block == 0 && i > 0 { 2 } else { 1 };
            x = b.scope(block.to_string(), |b| match self {
                ResNet::ResNet18 | ResNet::ResNet34 => basic_block(b, x, width, stride),
                ResNet::ResNet50 => bottleneck(b, x, width, width * 4, stride),
                ResNet::WideResNet50_2 => bottleneck(b, x, width * 2, width * 4, stride),
            })?;
        }
        Ok(x)
    }
}

/// Two 3x3 convolutions and a shortcut.
pub(crate) fn basic_block(b: &mut Builder, x: Val, out: usize, stride: usize) -> Result<Val> {
    let y = b.conv2d("conv1", x, conv(out, 3, stride, 1))?;
    let y = b.batch_norm("bn1", y)?;
    let y = b.relu(y)?;
    let y = b.conv2d("conv2", y, conv(out, 3, 1, 1))?;
    let y = b.batch_norm("bn2", y)?;
    let x = shortcut(b, x, out, stride)?;
    let y = b.add(y, x)?;
    b.relu(y)
}

/// 1x1 to `width`, 3x3 with the stride, 1x1 to `out`, and a shortcut.
pub(crate) fn bottleneck(b: &mut Builder, x: Val, width: usize, out: usize, stride: usize) -> Result<Val> {
    let y = b.conv2d("conv1", x, conv(width, 1, 1, 0))?;
    let y = b.batch_norm("bn1", y)?;
    let y = b.relu(y)?;
    let y = b.conv2d("conv2", y, conv(width, 3, stride, 1))?;
    let y = b.batch_norm("bn2", y)?;
    let y = b.relu(y)?;
    let y = b.conv2d("conv3", y, conv(out, 1, 1, 0))?;
    let y = b.batch_norm("bn3", y)?;
    let x = shortcut(b, x, out, stride)?;
    let y = b.add(y, x)?;
    b.relu(y)
}

fn shortcut(b: &mut Builder, x: Val, out: usize, stride: usize) -> Result<Val> {
    if stride == 1 && b.shape(x)?.c == out {
        return Ok(x);
    }
    b.scope("downsample", |b| {
        let x = b.conv2d("0", x, conv(out, 1, stride, 0))?;
        b.batch_norm("1", x)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Shape, Summary};

    /// Parameters with 1000 classes as torchvision's documentation gives them.
    #[test]
    fn parameter_counts_are_torchvisions() -> Result<()> {
        let published = [11_689_512, 21_797_672, 25_557_032, 68_883_240];
        for (resnet, parameters) in ResNet::ALL.into_iter().zip(published) {
            let mut b = Builder::new();
            let x = b.input("image", Shape::new(3, 224, 224));
            let logits = resnet.classifier(&mut b, x, 1000)?;
            b.output("logits", logits)?;
            let net = b.finish();
            assert_eq!(Summary::new(&net).parameters, parameters, "{}", resnet.name());
            assert_eq!(ResNet::of_weights(&Params::init(&net, 0))?, resnet);
            assert_eq!(ResNet::from_name(resnet.name())?, resnet);
        }
        Ok(())
    }

    /// Counted by hand: 9.19, 12.00 and 15.19 G multiply-adds to layer3 of WideResNet-50-2.
    #[test]
    fn multiply_adds_are_those_of_the_method() -> Result<()> {
        for (size, giga) in [(224, 9.19), (256, 12.00), (288, 15.19)] {
            let mut b = Builder::new();
            let x = b.input("image", Shape::new(3, size, size));
            let taps = ResNet::WideResNet50_2.features(&mut b, x, &["layer3", "layer2"])?;
            assert_eq!(
                taps.iter().map(|t| (t.name, t.channels, t.stride)).collect::<Vec<_>>(),
                [("layer3", 1024, 16), ("layer2", 512, 8)]
            );
            b.output("layer3", taps[0].val)?;
            assert!((Summary::new(&b.finish()).multiply_adds as f64 / 1e9 - giga).abs() < 0.005);
        }
        Ok(())
    }

    #[test]
    fn unknown_names_are_errors() {
        let mut b = Builder::new();
        let x = b.input("image", Shape::new(3, 64, 64));
        assert!(matches!(ResNet::ResNet18.features(&mut b, x, &["layer5"]), Err(Error::Unknown { .. })));
        assert!(matches!(ResNet::from_name("resnet19"), Err(Error::Unknown { .. })));
        assert!(matches!(ResNet::of_weights(&Params::new()), Err(Error::MissingParam { .. })));
    }
}
