//! What an SFAD model is. How it is trained is in [`FitConfig`](crate::FitConfig).

use madenet_core::{Error, Preprocessing, Result};
use madenet_nets::ResNet;
use serde::{Deserialize, Serialize};

/// Network and inference rules of an SFAD model; stored with it.
///
/// | field | default | range | source |
/// |---|---|---|---|
/// | `backbone` | `wide_resnet50_2` | torchvision's ResNets | SimpleNet |
/// | `layers` | `layer2`, `layer3` | one or more of `layer1` to `layer4` | SimpleNet |
/// | `preprocessing` | 288x288, ImageNet normalisation | | SimpleNet, which crops what we keep: defects at borders count |
/// | `patch` | 3 | odd, up to 15 | SimpleNet |
/// | `features` | `Concat { upscale: 1 }` | | MADE-Net's text; see [`Features`] |
/// | `hidden` | 1024 | 1 to 65,536 | SimpleNet |
/// | `slope` | 0.2 | at least 0 | SimpleNet |
/// | `image_score` | `GridMax` | | SimpleNet's code; [`ImageScore`] has another |
/// | `smoothing` | 4 | pixels, above 0 up to 1000 | SimpleNet |
/// | `smooth_at` | `Model` | | SimpleNet's code; MADE-Net's text smooths at the original size |
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SfadConfig {
    /// torchvision's name of the frozen backbone.
    pub backbone: String,
    /// Layers of it whose feature maps are used.
    pub layers: Vec<String>,
    /// From pixels to the backbone's input.
    pub preprocessing: Preprocessing,
    /// Side of the neighbourhood over which features are averaged.
    pub patch: usize,
    /// How the layers' maps become one feature vector per location.
    pub features: Features,
    /// Width of the discriminator's hidden layer.
    pub hidden: usize,
    /// Slope of its LeakyReLU.
    pub slope: f32,
    /// How an image's score comes from its locations'.
    pub image_score: ImageScore,
    /// Standard deviation of the Gaussian that smooths maps, in pixels of the model's input.
    pub smoothing: f32,
    /// Where maps are smoothed.
    pub smooth_at: SmoothAt,
}

/// From feature maps to one vector per location of the grid, which is the largest selected map's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Features {
    /// Every layer averaged over the patch, brought to the grid (bilinear), concatenated. MADE-Net's text, and with
    /// `upscale: 2` SuperSimpleNet's form, which brings layers to a grid of twice the size first and averages last.
    Concat {
        /// Factor of the grid's height and width, 1 to 4.
        upscale: usize,
    },
    /// SimpleNet's code: the patch's values in the order (channel, row, column), adaptively averaged to `dim` numbers per
    /// layer, brought to the grid, and once more averaged to `dim` numbers over all layers. The averages run over
    /// neighbouring channels. (The code resizes before it averages; both are linear, and in this order it is cheaper.)
    SimpleNet {
        /// Numbers per location, 1 to 65,536; 1536 in SimpleNet's code.
        dim: usize,
    },
}

/// How an image's score comes from its locations'.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum ImageScore {
    /// The largest of the raw grid, before it is enlarged and smoothed.
    GridMax,
    /// The mean of this share of the map's pixels, the largest ones, at the model's size: one pixel at least. Steadier
    /// than a maximum where defects are large or good surfaces vary (docs/sfad-study.md).
    MapTop {
        /// In (0, 1].
        share: f32,
    },
}

/// Where maps are smoothed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum SmoothAt {
    /// At the model's input size; maps are then enlarged to the image's own.
    Model,
    /// At the image's own size, with a deviation scaled like the root of the area.
    Original,
}

impl Default for SfadConfig {
    fn default() -> Self {
        Self::paper()
    }
}

impl SfadConfig {
    /// SimpleNet's and MADE-Net's choice: WideResNet-50-2 at 288x288.
    #[must_use]
    pub fn paper() -> Self {
        SfadConfig {
            backbone: ResNet::WideResNet50_2.name().to_string(),
            layers: vec!["layer2".to_string(), "layer3".to_string()],
            preprocessing: Preprocessing::imagenet(288, 288),
            patch: 3,
            features: Features::Concat { upscale: 1 },
            hidden: 1024,
            slope: 0.2,
            image_score: ImageScore::GridMax,
            smoothing: 4.0,
            smooth_at: SmoothAt::Model,
        }
    }

    /// For a plain CPU: ResNet-18 at 256x256, a seventh of [`paper`](Self::paper)'s multiply-adds.
    #[must_use]
    pub fn fast() -> Self {
        SfadConfig {
            backbone: ResNet::ResNet18.name().to_string(),
            preprocessing: Preprocessing::imagenet(256, 256),
            ..Self::paper()
        }
    }

    /// For tests, in seconds: ResNet-18 at 64x64 with its first two layers.
    #[must_use]
    pub fn tiny() -> Self {
        SfadConfig {
            layers: vec!["layer1".to_string(), "layer2".to_string()],
            preprocessing: Preprocessing::imagenet(64, 64),
            hidden: 64,
            ..Self::fast()
        }
    }

    /// Checks the ranges of the fields.
    ///
    /// # Errors
    /// [`Error::Config`]; [`Error::Net`] for a backbone that there is not.
    pub fn validate(&self) -> Result<()> {
        let check = |ok: bool, field, got: String, expected| {
            if ok { Ok(()) } else { Err(Error::Config { field, got, expected }) }
        };
        ResNet::from_name(&self.backbone)?;
        self.preprocessing.validate()?;
        check(!self.layers.is_empty(), "layers", "empty".to_string(), "at least one layer")?;
        let repeated = self.layers.iter().enumerate().any(|(i, layer)| self.layers[..i].contains(layer));
        check(!repeated, "layers", format!("{:?}", self.layers), "every layer once")?;
        check(
            self.patch % 2 == 1 && self.patch <= 15,
            "patch",
            self.patch.to_string(),
            "an odd number up to 15",
        )?;
        match self.features {
            Features::Concat { upscale: n } => {
                check((1..=4).contains(&n), "features.upscale", n.to_string(), "1 to 4")?;
            }
            Features::SimpleNet { dim: n } => {
                check((1..=65536).contains(&n), "features.dim", n.to_string(), "1 to 65536")?;
            }
        }
        check((1..=65536).contains(&self.hidden), "hidden", self.hidden.to_string(), "1 to 65536")?;
        check(
            self.slope.is_finite() && self.slope >= 0.0,
            "slope",
            self.slope.to_string(),
            "a number from 0 on",
        )?;
        if let ImageScore::MapTop { share } = self.image_score {
            check(share > 0.0 && share <= 1.0, "image_score.share", share.to_string(), "in (0, 1]")?;
        }
        check(
            self.smoothing > 0.0 && self.smoothing <= 1000.0,
            "smoothing",
            self.smoothing.to_string(),
            "above 0, at most 1000 pixels",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_sound_and_bad_fields_are_named() -> Result<()> {
        for config in [SfadConfig::paper(), SfadConfig::fast(), SfadConfig::tiny()] {
            config.validate()?;
        }
        let good = SfadConfig::fast();
        let bad = [
            SfadConfig { layers: vec![], ..good.clone() },
            SfadConfig { layers: vec!["layer2".to_string(); 2], ..good.clone() },
            SfadConfig { patch: 2, ..good.clone() },
            SfadConfig { features: Features::Concat { upscale: 0 }, ..good.clone() },
            SfadConfig { features: Features::Concat { upscale: 65536 }, ..good.clone() },
            SfadConfig { hidden: 0, ..good.clone() },
            SfadConfig { slope: f32::NAN, ..good.clone() },
            SfadConfig { smoothing: 0.0, ..good.clone() },
            SfadConfig { image_score: ImageScore::MapTop { share: f32::NAN }, ..good.clone() },
        ];
        assert!(bad.iter().all(|c| matches!(c.validate(), Err(Error::Config { .. }))));
        assert!(SfadConfig { backbone: "vgg".to_string(), ..good }.validate().is_err());
        Ok(())
    }
}
