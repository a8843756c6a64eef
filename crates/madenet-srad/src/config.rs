//! What an SRAD model is. How it is trained is in [`SradFitConfig`](crate::SradFitConfig).

use madenet_core::{Error, Fit, Preprocessing, Result};
use madenet_image::Filter;
use madenet_nets::HrNet;
use serde::{Deserialize, Serialize};

/// Network and inference rules of an SRAD model; stored with it.
///
/// | field | default | range | source |
/// |---|---|---|---|
/// | `encoder` | `hrnet_w32` | timm's HRNets | MADE-Net |
/// | `preprocessing` | 256x256, values in [0, 1] | sides multiples of 32 | DRAEM |
/// | `imagenet_input` | false | | ours: for encoders with ImageNet's weights |
/// | `decoder_width` | 256 | a multiple of 4, 4 to 4096 | ours; MADE-Net has none |
/// | `segmentation_width` | 64 | 1 to 1024 | DRAEM |
/// | `score_window` | 21 | odd, 1 to 255 | MADE-Net |
/// | `exclude_pad` | false | | DRAEM's code: `false` |
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SradConfig {
    /// timm's name of the encoder.
    pub encoder: String,
    /// From pixels to the network's input, which is also what the reconstruction is compared with: keep mean 0 and
    /// deviation 1.
    pub preprocessing: Preprocessing,
    /// Whether the encoder sees its input normalised by ImageNet's mean and deviation, as its public weights expect; the
    /// reconstruction stays in [0, 1].
    pub imagenet_input: bool,
    /// Channels of the decoder's blocks: [`Decoder`](madenet_nets::Decoder).
    pub decoder_width: usize,
    /// Channels of the U-Net's first level: [`UNet`](madenet_nets::UNet).
    pub segmentation_width: usize,
    /// An image's score is the largest mean of its map over windows of this many pixels a side.
    pub score_window: usize,
    /// Whether the mean of a window that reaches beyond the border is taken over the pixels inside. By default those
    /// outside count as 0, as in DRAEM, which plays defects at the border down, up to 3.6 times in a corner.
    pub exclude_pad: bool,
}

impl Default for SradConfig {
    fn default() -> Self {
        Self::paper()
    }
}

impl SradConfig {
    /// MADE-Net's networks: HRNet-W32, and DRAEM's U-Net of width 64. 60.8 M parameters, 62.9 G multiply-adds.
    #[must_use]
    pub fn paper() -> Self {
        SradConfig {
            encoder: HrNet::W32.name().to_string(),
            preprocessing: unit(256, 256),
            imagenet_input: false,
            decoder_width: 256,
            segmentation_width: 64,
            score_window: 21,
            exclude_pad: false,
        }
    }

    /// For a plain CPU: the smallest HRNet, a decoder of width 64 and a U-Net of width 16. 3.5 M parameters, 4.2 G
    /// multiply-adds, a 15th of [`paper`](Self::paper)'s.
    #[must_use]
    pub fn fast() -> Self {
        SradConfig {
            encoder: HrNet::W18Small.name().to_string(),
            decoder_width: 64,
            segmentation_width: 16,
            ..Self::paper()
        }
    }

    /// For tests, in seconds: 64x64 pixels.
    #[must_use]
    pub fn tiny() -> Self {
        SradConfig {
            preprocessing: unit(64, 64),
            decoder_width: 16,
            segmentation_width: 4,
            score_window: 5,
            ..Self::fast()
        }
    }

    /// Checks the ranges of the fields.
    ///
    /// # Errors
    /// [`Error::Config`]; [`Error::Net`] for an unknown encoder.
    pub fn validate(&self) -> Result<()> {
        let check = |ok: bool, field, got: String, expected| {
            if ok { Ok(()) } else { Err(Error::Config { field, got, expected }) }
        };
        HrNet::from_name(&self.encoder)?;
        let preprocessing = &self.preprocessing;
        preprocessing.validate()?;
        for (field, side) in
            [("preprocessing.height", preprocessing.height), ("preprocessing.width", preprocessing.width)]
        {
            check(side.is_multiple_of(32), field, side.to_string(), "a multiple of 32")?;
        }
        let plain = preprocessing.mean == [0.0; 3] && preprocessing.std == [1.0; 3];
        let got = format!("{:?} and {:?}", preprocessing.mean, preprocessing.std);
        check(plain, "preprocessing.mean and std", got, "0 and 1: reconstructions are in [0, 1]")?;
        let width = self.decoder_width;
        let fits = width.is_multiple_of(4) && (4..=4096).contains(&width);
        check(fits, "decoder_width", width.to_string(), "a multiple of 4 up to 4096")?;
        let width = self.segmentation_width;
        check((1..=1024).contains(&width), "segmentation_width", width.to_string(), "1 to 1024")?;
        let window = self.score_window;
        let fits = window % 2 == 1 && window <= 255;
        check(fits, "score_window", window.to_string(), "an odd number up to 255")
    }
}

/// Stretched with the bilinear filter to `(height, width)`, values in [0, 1].
const fn unit(height: usize, width: usize) -> Preprocessing {
    Preprocessing {
        height,
        width,
        fit: Fit::Stretch,
        filter: Filter::Bilinear,
        mean: [0.0; 3],
        std: [1.0; 3],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_checked() {
        for preset in [SradConfig::paper(), SradConfig::fast(), SradConfig::tiny()] {
            preset.validate().unwrap();
        }
        let good = SradConfig::tiny();
        let bad = [
            SradConfig { encoder: "hrnet_w31".to_string(), ..good.clone() },
            SradConfig { preprocessing: unit(64, 80), ..good.clone() },
            SradConfig { preprocessing: Preprocessing::imagenet(64, 64), ..good.clone() },
            SradConfig { decoder_width: 6, ..good.clone() },
            SradConfig { segmentation_width: 0, ..good.clone() },
            SradConfig { score_window: 4, ..good },
        ];
        for config in bad {
            assert!(config.validate().is_err(), "{config:?}");
        }
    }
}
