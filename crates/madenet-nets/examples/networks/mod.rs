//! The networks that are exported and timed against other runtimes, by name.

use madenet_nets::{
    Builder, EfficientNet, EfficientNetWeights, Error, HrNet, Interpolation, Net, Pool2d, ResNet, Result,
    Shape, Val, conv,
};

/// Width of the U-Net's first level, that of DRAEM.
const UNET_WIDTH: usize = 64;

/// A network that other runtimes are timed on.
struct Network {
    /// Its name in the benchmark.
    name: &'static str,
    /// Shape of its input.
    input: Shape,
    /// Records it and gives its outputs.
    record: fn(&mut Builder, Val) -> Result<Vec<Val>>,
}

/// All of them. A line here and a function in `benches/peers/networks.py` make another.
const NETWORKS: [Network; 5] = [
    Network { name: "resnet18", input: RGB, record: |b, x| layer3(ResNet::ResNet18, b, x) },
    Network { name: "wide_resnet50_2", input: RGB, record: |b, x| layer3(ResNet::WideResNet50_2, b, x) },
    Network { name: "hrnet_w32", input: RGB, record: hrnet_w32 },
    Network { name: "efficientnet_b4", input: Shape::new(3, 380, 380), record: efficientnet_b4 },
    Network { name: "draem_unet", input: Shape::new(6, 256, 256), record: |b, x| unet(b, x, UNET_WIDTH) },
];

const RGB: Shape = Shape::new(3, 256, 256);

/// The network called `name`, with an input `image` and outputs `features0`, `features1` ..
///
/// # Errors
/// [`Error::Unknown`], and those of recording it.
pub(crate) fn record(name: &str) -> Result<Net> {
    let network = NETWORKS.iter().find(|n| n.name == name).ok_or_else(|| Error::Unknown {
        what: "network",
        name: name.to_string(),
        expected: NETWORKS.map(|n| n.name).join(", "),
    })?;
    let mut b = Builder::new();
    let image = b.input("image", network.input);
    for (i, features) in (network.record)(&mut b, image)?.into_iter().enumerate() {
        b.output(&format!("features{i}"), features)?;
    }
    Ok(b.finish())
}

/// The trunk that inspection methods use: the third of four layers.
fn layer3(resnet: ResNet, b: &mut Builder, x: Val) -> Result<Vec<Val>> {
    Ok(resnet.features(b, x, &["layer3"])?.iter().map(|tap| tap.val).collect())
}

/// The four branches, fused as timm does.
fn hrnet_w32(b: &mut Builder, x: Val) -> Result<Vec<Val>> {
    Ok(HrNet::W32.features(b, x, Interpolation::Nearest)?.iter().map(|tap| tap.val).collect())
}

/// With its head of 1000 classes.
fn efficientnet_b4(b: &mut Builder, x: Val) -> Result<Vec<Val>> {
    Ok(vec![EfficientNet::B4.classifier(b, x, EfficientNetWeights::PyTorch, 1000)?])
}

/// DRAEM's discriminative network (Zavrtanik et al. 2021) of base width `w`: a U-Net of two 3x3 convolutions with bias a
/// block, widths w, 2w, 4w, 8w, 8w, 8w, bilinear upsampling with aligned corners, and logits of two classes. With `w` = 64
/// it has 28,374,146 parameters.
fn unet(b: &mut Builder, mut x: Val, w: usize) -> Result<Vec<Val>> {
    let mut skips = Vec::new();
    for (level, width) in [w, 2 * w, 4 * w, 8 * w, 8 * w].into_iter().enumerate() {
        let skip = block(b, &format!("encoder.{level}"), x, width)?;
        x = b.max_pool2d(skip, Pool2d::new(2, 2, 0))?;
        skips.push(skip);
    }
    x = block(b, "encoder.5", x, 8 * w)?;
    for (level, width) in [w, w, 2 * w, 4 * w, 8 * w].into_iter().enumerate().rev() {
        let skip = skips[level];
        let size = b.shape(skip)?;
        x = b.interpolate(x, (size.h, size.w), Interpolation::Bilinear { align_corners: true })?;
        x = conv_norm(b, &format!("up.{level}"), x, width)?;
        x = b.concat(&[x, skip])?;
        x = block(b, &format!("decoder.{level}"), x, width)?;
    }
    Ok(vec![b.conv2d("head", x, conv(2, 3, 1, 1).with_bias())?])
}

fn block(b: &mut Builder, name: &str, x: Val, width: usize) -> Result<Val> {
    let x = conv_norm(b, &format!("{name}.0"), x, width)?;
    conv_norm(b, &format!("{name}.1"), x, width)
}

/// 3x3 convolution, normalisation and ReLU, named as in a PyTorch `Sequential`.
fn conv_norm(b: &mut Builder, name: &str, x: Val, width: usize) -> Result<Val> {
    b.scope(name, |b| {
        let x = b.conv2d("0", x, conv(width, 3, 1, 1).with_bias())?;
        let x = b.batch_norm("1", x)?;
        b.relu(x)
    })
}
