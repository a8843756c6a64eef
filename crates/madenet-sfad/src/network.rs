//! The networks of SFAD. All share parameter names, so that what one trains another deploys.

#[cfg(feature = "train")]
use madenet_nets::Shape;
use madenet_nets::{Builder, Init, Interpolation, Net, Pool2d, ResNet, Result, Val, conv};

use crate::config::{Features, SfadConfig};

/// Scope of the backbone's parameters.
pub(crate) const BACKBONE: &str = "backbone";
/// Name of the adaptor, scope of its parameters.
pub(crate) const ADAPTOR: &str = "adaptor";

/// Image to feature vectors: `image` (3 x height x width) to `features` (D x H0 x W0), (F1) to (F4) of methods.md.
#[cfg(feature = "train")]
pub(crate) fn feature_net(config: &SfadConfig) -> Result<Net> {
    let mut b = Builder::new();
    let image = b.input("image", config.preprocessing.shape());
    let features = features(&mut b, config, image)?;
    b.output("features", features)?;
    Ok(b.finish())
}

/// The trained part: rows of `features` and of `noise` (each D x 1 x 1) to `normality`, of the features first, then of the
/// features with noise; BatchNorm sees both in one batch.
#[cfg(feature = "train")]
pub(crate) fn training_net(config: &SfadConfig, dim: usize) -> Result<Net> {
    let mut b = Builder::new();
    let features = b.input("features", Shape::new(dim, 1, 1));
    let noise = b.input("noise", Shape::new(dim, 1, 1));
    let adapted = adaptor(&mut b, features)?;
    let noisy = b.add(adapted, noise)?;
    let both = b.concat_batch(&[adapted, noisy])?;
    let normality = discriminator(&mut b, config, both)?;
    b.output("normality", normality)?;
    Ok(b.finish())
}

/// The adaptor alone, rows of `features` to `adapted`: to measure their spread.
#[cfg(feature = "train")]
pub(crate) fn adaptor_net(dim: usize) -> Result<Net> {
    let mut b = Builder::new();
    let features = b.input("features", Shape::new(dim, 1, 1));
    let adapted = adaptor(&mut b, features)?;
    b.output("adapted", adapted)?;
    Ok(b.finish())
}

/// What is deployed: `image` to `normality` (1 x H0 x W0).
pub(crate) fn deployed_net(config: &SfadConfig) -> Result<Net> {
    let mut b = Builder::new();
    let image = b.input("image", config.preprocessing.shape());
    let features = features(&mut b, config, image)?;
    let adapted = adaptor(&mut b, features)?;
    let normality = discriminator(&mut b, config, adapted)?;
    b.output("normality", normality)?;
    Ok(b.finish())
}

fn features(b: &mut Builder, config: &SfadConfig, image: Val) -> Result<Val> {
    let layers: Vec<&str> = config.layers.iter().map(String::as_str).collect();
    let backbone = ResNet::from_name(&config.backbone)?;
    let taps = b.scope(BACKBONE, |b| backbone.features(b, image, &layers))?;
    let mut maps = Vec::with_capacity(taps.len());
    let mut grid = (0, 0);
    for tap in &taps {
        let shape = b.shape(tap.val)?;
        grid = grid.max((shape.h, shape.w));
    }
    for tap in taps {
        maps.push(match config.features {
            Features::Concat { upscale: 1 } => {
                let map = average(b, config, tap.val)?;
                resize(b, map, grid)?
            }
            Features::Concat { upscale } => resize(b, tap.val, (grid.0 * upscale, grid.1 * upscale))?,
            Features::SimpleNet { dim } => {
                let map = b.unfold(tap.val, config.patch)?;
                let map = b.pool_channels(map, dim)?;
                resize(b, map, grid)?
            }
        });
    }
    let joined = b.concat(&maps)?;
    match config.features {
        Features::Concat { upscale: 1 } => Ok(joined),
        Features::Concat { .. } => average(b, config, joined),
        Features::SimpleNet { dim } => b.pool_channels(joined, dim),
    }
}

/// Mean over the patch, zeros outside counted, as the original code does.
fn average(b: &mut Builder, config: &SfadConfig, x: Val) -> Result<Val> {
    b.avg_pool2d(x, Pool2d::new(config.patch, 1, config.patch / 2), true)
}

fn resize(b: &mut Builder, x: Val, grid: (usize, usize)) -> Result<Val> {
    let shape = b.shape(x)?;
    if (shape.h, shape.w) == grid {
        return Ok(x);
    }
    b.interpolate(x, grid, Interpolation::Bilinear { align_corners: false })
}

/// One linear layer with bias on every location's vector.
fn adaptor(b: &mut Builder, x: Val) -> Result<Val> {
    let dim = b.shape(x)?.c;
    b.conv2d(ADAPTOR, x, conv(dim, 1, 1, 0).with_bias().init(Init::XavierNormal))
}

/// Normality of every location's vector: linear, BatchNorm, LeakyReLU, linear without bias, no sigmoid.
fn discriminator(b: &mut Builder, config: &SfadConfig, x: Val) -> Result<Val> {
    b.scope("discriminator", |b| {
        let x = b.conv2d("fc1", x, conv(config.hidden, 1, 1, 0).with_bias().init(Init::XavierNormal))?;
        let x = b.batch_norm("bn", x)?;
        let x = b.leaky_relu(x, config.slope)?;
        b.conv2d("fc2", x, conv(1, 1, 1, 0).init(Init::XavierNormal))
    })
}
