//! The networks of LPD. All share parameter names, so that what one trains another deploys.

use madenet_core::Result;
use madenet_nets::{Builder, Init, Net, Pool2d, ResNet, Tap, Val, conv};

use crate::Variant;
use crate::lpd_config::LpdConfig;

/// Scope of the backbone's parameters, under which they have torchvision's names.
pub(crate) const BACKBONE: &str = "backbone";
/// Scope of the classifier's head.
pub(crate) const HEAD: &str = "head";
/// The linear map that makes embeddings of normal images white: its weight is the inverse of the Cholesky factor of their
/// covariance, its bias what takes their mean to 0.
pub(crate) const IMAGE_DENSITY: &str = "density.image";
/// That of the features of locations.
pub(crate) const LOCAL_DENSITY: &str = "density.local";

pub(crate) const EMBEDDING: &str = "embedding";
pub(crate) const WHITE_EMBEDDING: &str = "white_embedding";
#[cfg(feature = "train")]
pub(crate) const LOCAL: &str = "local";
pub(crate) const WHITE_LOCAL: &str = "white_local";
pub(crate) const MAPS: &str = "maps";
pub(crate) const LOGITS: &str = "logits";

/// `image` to [`LOGITS`], one or, of three classes, three: what is trained.
#[cfg(feature = "train")]
pub(crate) fn training_net(config: &LpdConfig) -> Result<Net> {
    let mut b = Builder::new();
    let image = b.input("image", config.preprocessing.shape());
    let [_, last] = backbone(&mut b, config, image)?;
    let embedding = b.global_avg_pool(last.val)?;
    let logits = head(&mut b, config, embedding)?;
    b.output(LOGITS, logits)?;
    Ok(b.finish())
}

/// `image` to [`EMBEDDING`] and [`LOCAL`], whose densities are estimated.
#[cfg(feature = "train")]
pub(crate) fn feature_net(config: &LpdConfig) -> Result<Net> {
    let mut b = Builder::new();
    let image = b.input("image", config.preprocessing.shape());
    let [third, last] = backbone(&mut b, config, image)?;
    let embedding = b.global_avg_pool(last.val)?;
    let local = average(&mut b, config, third.val)?;
    b.output(EMBEDDING, embedding)?;
    b.output(LOCAL, local)?;
    Ok(b.finish())
}

/// What is deployed: `image` to [`EMBEDDING`] and [`WHITE_EMBEDDING`] (E x 1 x 1), [`WHITE_LOCAL`] (L x H3 x W3), [`MAPS`] (E x
/// H4 x W4) and [`LOGITS`].
pub(crate) fn deployed_net(config: &LpdConfig) -> Result<Net> {
    let mut b = Builder::new();
    let image = b.input("image", config.preprocessing.shape());
    let [third, last] = backbone(&mut b, config, image)?;
    let embedding = b.global_avg_pool(last.val)?;
    let white = conv(last.channels, 1, 1, 0).with_bias();
    let white_embedding = b.conv2d(IMAGE_DENSITY, embedding, white)?;
    let local = average(&mut b, config, third.val)?;
    let white_local = b.conv2d(LOCAL_DENSITY, local, conv(third.channels, 1, 1, 0).with_bias())?;
    let logits = head(&mut b, config, embedding)?;
    b.output(EMBEDDING, embedding)?;
    b.output(WHITE_EMBEDDING, white_embedding)?;
    b.output(WHITE_LOCAL, white_local)?;
    b.output(MAPS, last.val)?;
    b.output(LOGITS, logits)?;
    Ok(b.finish())
}

/// Logits of a head: one for "not normal" of two classes.
pub(crate) const fn logits(variant: Variant) -> usize {
    match variant.classes() {
        2 => 1,
        classes => classes,
    }
}

/// `layer3` and `layer4`.
fn backbone(b: &mut Builder, config: &LpdConfig, image: Val) -> Result<[Tap; 2]> {
    let resnet = ResNet::from_name(&config.backbone)?;
    let taps = b.scope(BACKBONE, |b| resnet.features(b, image, &["layer3", "layer4"]))?;
    Ok([taps[0], taps[1]])
}

/// Mean over the patch, of what lies inside.
fn average(b: &mut Builder, config: &LpdConfig, x: Val) -> Result<Val> {
    Ok(b.avg_pool2d(x, Pool2d::new(config.patch, 1, config.patch / 2), false)?)
}

/// Linear, BatchNorm, ReLU, dropout, linear.
fn head(b: &mut Builder, config: &LpdConfig, embedding: Val) -> Result<Val> {
    let linear = |out| conv(out, 1, 1, 0).with_bias().init(Init::XavierNormal);
    let logits = b.scope(HEAD, |b| {
        let x = b.conv2d("fc1", embedding, linear(config.hidden))?;
        let x = b.batch_norm("bn", x)?;
        let x = b.relu(x)?;
        let x = b.dropout("dropout", x, config.dropout)?;
        b.conv2d("fc2", x, linear(logits(config.variant)))
    })?;
    Ok(logits)
}
