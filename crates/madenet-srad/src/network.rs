//! The networks of SRAD. All share parameter names, so that what one trains another deploys.

#[cfg(feature = "train")]
use madenet_core::{IMAGENET_MEAN, IMAGENET_STD};
#[cfg(feature = "train")]
use madenet_nets::Params;
use madenet_nets::{Builder, Decoder, HrNet, Interpolation, Net, Result, UNet, Val};

use crate::config::SradConfig;

/// Scope of the encoder's parameters.
pub(crate) const ENCODER: &str = "encoder";
/// Scope of the decoder's.
const DECODER: &str = "decoder";
/// Scope of the U-Net's.
const SEGMENTATION: &str = "segmentation";
/// Scope of ImageNet's mean and variance, as a normalisation that never trains.
pub(crate) const NORMALISE: &str = "normalise";

/// Name of the output of logits, normal and anomalous, `2 x height x width`.
pub(crate) const LOGITS: &str = "logits";
/// Name of the output of the reconstruction, `3 x height x width`.
pub(crate) const RECONSTRUCTION: &str = "reconstruction";

/// `image` to [`LOGITS`]: what is deployed.
pub(crate) fn deployed_net(config: &SradConfig) -> Result<Net> {
    record(config, |b, _, logits| b.output(LOGITS, logits))
}

/// `image` to [`RECONSTRUCTION`] and [`LOGITS`]. The loss of the segmentation reaches the reconstruction too.
#[cfg(feature = "train")]
pub(crate) fn training_net(config: &SradConfig) -> Result<Net> {
    record(config, |b, reconstruction, logits| {
        b.output(RECONSTRUCTION, reconstruction)?;
        b.output(LOGITS, logits)
    })
}

/// `image` to [`RECONSTRUCTION`] alone.
pub(crate) fn reconstruction_net(config: &SradConfig) -> Result<Net> {
    let mut b = Builder::new();
    let image = b.input("image", config.preprocessing.shape());
    let reconstruction = reconstruct(&mut b, config, image)?;
    b.output(RECONSTRUCTION, reconstruction)?;
    Ok(b.finish())
}

/// The whole network, of whose reconstruction and logits `outputs` names some.
fn record(config: &SradConfig, outputs: impl FnOnce(&mut Builder, Val, Val) -> Result<()>) -> Result<Net> {
    let mut b = Builder::new();
    let image = b.input("image", config.preprocessing.shape());
    let reconstruction = reconstruct(&mut b, config, image)?;
    let logits = segment(&mut b, config, reconstruction, image)?;
    outputs(&mut b, reconstruction, logits)?;
    Ok(b.finish())
}

/// The mean and variance of [`NORMALISE`], where the configuration has it.
#[cfg(feature = "train")]
pub(crate) fn normalisation(config: &SradConfig) -> Result<Params> {
    let mut params = Params::new();
    if config.imagenet_input {
        for (name, values) in [
            ("weight", [1.0; 3]),
            ("bias", [0.0; 3]),
            ("running_mean", IMAGENET_MEAN),
            ("running_var", IMAGENET_STD.map(|std| std * std)),
        ] {
            params.insert(format!("{NORMALISE}.{name}"), vec![3], values.to_vec())?;
        }
    }
    Ok(params)
}

fn reconstruct(b: &mut Builder, config: &SradConfig, image: Val) -> Result<Val> {
    // Small beside the variances, 0.05: other than by ImageNet's own constants by 1 in 10,000.
    let seen = if config.imagenet_input { b.batch_norm(NORMALISE, image)? } else { image };
    let encoder = HrNet::from_name(&config.encoder)?;
    let bilinear = Interpolation::Bilinear { align_corners: false };
    let taps = b.scope(ENCODER, |b| encoder.features(b, seen, bilinear))?;
    let finest = b.shape(taps[0].val)?;
    let mut maps = vec![taps[0].val];
    for tap in &taps[1..] {
        maps.push(b.interpolate(tap.val, (finest.h, finest.w), bilinear)?);
    }
    let encoding = b.concat(&maps)?;
    b.scope(DECODER, |b| Decoder { width: config.decoder_width, out: 3 }.image(b, encoding))
}

fn segment(b: &mut Builder, config: &SradConfig, reconstruction: Val, image: Val) -> Result<Val> {
    let both = b.concat(&[reconstruction, image])?;
    b.scope(SEGMENTATION, |b| UNet { width: config.segmentation_width, classes: 2 }.logits(b, both))
}

#[cfg(test)]
mod tests {
    use madenet_nets::{Shape, Summary};

    use super::*;

    /// Section 2 of the method's specification: 29.31 M + 3.14 M + 28.37 M parameters, 10.31 + 14.6 + 38.05 G multiply-adds.
    #[test]
    fn the_papers_network_has_its_size() -> Result<()> {
        let net = deployed_net(&SradConfig::paper())?;
        let summary = Summary::new(&net);
        assert!((summary.parameters as f64 / 1e6 - 60.82).abs() < 0.01, "{}", summary.parameters);
        assert!((summary.multiply_adds as f64 / 1e9 - 62.93).abs() < 0.05, "{}", summary.multiply_adds);
        assert_eq!(net.output_shape(LOGITS), Some(Shape::new(2, 256, 256)));
        assert_eq!(
            reconstruction_net(&SradConfig::paper())?.output_shape(RECONSTRUCTION),
            Some(Shape::new(3, 256, 256))
        );
        Ok(())
    }
}
