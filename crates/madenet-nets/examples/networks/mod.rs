//! The networks that are exported and timed against other runtimes, by name.

use madenet_nets::{
    Builder, EfficientNet, EfficientNetWeights, Error, HrNet, Interpolation, Net, ResNet, Result, Shape,
    UNet, Val,
};

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
    Network { name: "draem_unet", input: Shape::new(6, 256, 256), record: draem_unet },
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

/// DRAEM's discriminative network.
fn draem_unet(b: &mut Builder, x: Val) -> Result<Vec<Val>> {
    Ok(vec![UNet { width: 64, classes: 2 }.logits(b, x)?])
}
