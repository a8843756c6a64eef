//! The networks of SFAD. All share parameter names, so that what one trains another deploys.

#[cfg(feature = "train")]
use madenet_nets::Shape;
use madenet_nets::{Builder, Init, Interpolation, Net, Pool2d, ResNet, Result, Val, conv};

use crate::config::{Features, SfadConfig};

/// Scope of the backbone's parameters.
pub(crate) const BACKBONE: &str = "backbone";
/// Name of the adaptor, scope of its parameters.
pub(crate) const ADAPTOR: &str = "adaptor";

/// Image to feature vectors: `image` (3 x height x width) to `features` (D x H0 x W0), as [`Features`](crate::Features) says.
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

/// The trained part for real defects: rows of `features` and of `noise`, 0 where there is none (each D x 1 x 1), to `normality`.
#[cfg(feature = "train")]
pub(crate) fn tuning_net(config: &SfadConfig, dim: usize) -> Result<Net> {
    let mut b = Builder::new();
    let features = b.input("features", Shape::new(dim, 1, 1));
    let noise = b.input("noise", Shape::new(dim, 1, 1));
    let adapted = adaptor(&mut b, features)?;
    let noisy = b.add(adapted, noise)?;
    let normality = discriminator(&mut b, config, noisy)?;
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

#[cfg(all(test, feature = "train"))]
mod tests {
    use madenet_nets::{Params, Plan, Summary};

    use super::*;
    use crate::SfadConfig;

    /// Counted from SimpleNet's definition: 2,360,832 parameters of the adaptor, 1,576,960 of the discriminator.
    #[test]
    fn parameters_are_the_methods() -> Result<()> {
        let net = training_net(&SfadConfig::paper(), 1536)?;
        assert_eq!(Summary::new(&net).parameters, 2_360_832 + 1_576_960);
        assert_eq!(Summary::new(&adaptor_net(1536)?).parameters, 2_360_832);
        let deployed = Summary::new(&deployed_net(&SfadConfig::paper())?);
        assert_eq!(deployed.parameters, 24_862_528 + 2_360_832 + 1_576_960);
        Ok(())
    }

    #[test]
    fn grids_are_the_largest_maps() -> Result<()> {
        for (config, expected) in [
            (SfadConfig::paper(), Shape::new(1536, 36, 36)),
            (SfadConfig::fast(), Shape::new(384, 32, 32)),
            (
                SfadConfig { features: Features::Concat { upscale: 2 }, ..SfadConfig::fast() },
                Shape::new(384, 64, 64),
            ),
            (
                SfadConfig { features: Features::SimpleNet { dim: 1536 }, ..SfadConfig::fast() },
                Shape::new(1536, 32, 32),
            ),
        ] {
            assert_eq!(feature_net(&config)?.output_shape("features"), Some(expected));
        }
        Ok(())
    }

    /// The original code's way, step by step: unfold, resize every plane, average `9 c` values to `dim` per layer, stack,
    /// average to `dim`.
    #[test]
    fn simplenet_features_are_the_original_codes() -> Result<()> {
        // Windows that do not divide the channels, and those of the paper's dimensions for this backbone.
        for dim in [192, 100] {
            let config = SfadConfig { features: Features::SimpleNet { dim }, ..SfadConfig::tiny() };
            let net = feature_net(&config)?;
            let params = Params::init(&net, 3);
            let image: Vec<f32> = (0..3 * 64 * 64).map(|i| ((i * 37 % 101) as f32 - 50.0) / 50.0).collect();
            let plan = Plan::new(&net, &params)?;
            let mut workspace = plan.workspace();
            let outputs = plan.run(&[&image], &mut workspace)?;
            let got = outputs.get("features").unwrap_or_default();

            let mut b = Builder::new();
            let x = b.input("image", Shape::new(3, 64, 64));
            let taps = b.scope(BACKBONE, |b| ResNet::ResNet18.features(b, x, &["layer1", "layer2"]))?;
            for tap in taps {
                b.output(tap.name, tap.val)?;
            }
            let taps = Plan::new(&b.finish(), &params)?;
            let mut workspace = taps.workspace();
            let outputs = taps.run(&[&image], &mut workspace)?;
            let maps: Vec<_> = outputs.iter().map(|(_, shape, values)| (shape, values)).collect();
            for location in 0..16 * 16 {
                let stacked: Vec<f64> = maps
                    .iter()
                    .flat_map(|&(shape, map)| adaptive_average(&patch_at(shape, map, location), dim))
                    .collect();
                for (k, expected) in adaptive_average(&stacked, dim).into_iter().enumerate() {
                    let value = f64::from(got[k * 256 + location]);
                    assert!((value - expected).abs() < 1e-5 * expected.abs().max(1.0), "{k} at {location}");
                }
            }
        }
        Ok(())
    }

    /// The 3x3 neighbourhood, (c, ky, kx), at a location of the 16x16 grid; smaller maps are resized plane by plane.
    fn patch_at(shape: Shape, map: &[f32], location: usize) -> Vec<f64> {
        let (y, x) = (location / 16, location % 16);
        let source = |i: usize, n: usize| {
            let place = ((i as f64 + 0.5) * n as f64 / 16.0 - 0.5).max(0.0);
            let low = place.floor() as usize;
            (low, (low + 1).min(n - 1), place - low as f64)
        };
        let ((y0, y1, v), (x0, x1, u)) = (source(y, shape.h), source(x, shape.w));
        let mut patch = Vec::with_capacity(shape.c * 9);
        for c in 0..shape.c {
            for (dy, dx) in (0..9).map(|k| (k / 3, k % 3)) {
                let at = |y: usize, x: usize| {
                    let (y, x) = (y + dy, x + dx);
                    let inside = (1..=shape.h).contains(&y) && (1..=shape.w).contains(&x);
                    if inside { f64::from(map[(c * shape.h + y - 1) * shape.w + x - 1]) } else { 0.0 }
                };
                let row = |y| at(y, x0) * (1.0 - u) + at(y, x1) * u;
                patch.push(row(y0) * (1.0 - v) + row(y1) * v);
            }
        }
        patch
    }

    /// PyTorch's `adaptive_avg_pool1d`.
    fn adaptive_average(values: &[f64], out: usize) -> Vec<f64> {
        let n = values.len();
        (0..out)
            .map(|i| {
                let window = &values[i * n / out..((i + 1) * n).div_ceil(out)];
                window.iter().sum::<f64>() / window.len() as f64
            })
            .collect()
    }
}
