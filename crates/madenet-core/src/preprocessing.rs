use madenet_image::{Channels, Filter, ImageView, Raster, Rect, Values, letterbox, resize};
use madenet_nets::Shape;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Mean of ImageNet's red, green and blue in `[0, 1]`, which torchvision's weights expect to be subtracted.
pub const IMAGENET_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// Deviation of ImageNet's red, green and blue, by which torchvision's weights expect to be divided.
pub const IMAGENET_STD: [f32; 3] = [0.229, 0.224, 0.225];
/// Largest side that a model takes: sizes of tensors cannot overflow.
const MAX_SIDE: usize = 8192;

/// From pixels to a network's input. Stored with the model, so that training and deployment cannot differ.
///
/// The image is brought to `height x width` with antialiasing, at its own depth (16 bits stay 16), scaled to `[0, 1]` by
/// its white level, and normalised per channel: `(x - mean) / std`. Grey serves as red, green and blue.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// Height of the network's input, 1 to 8192.
    pub height: usize,
    /// Width of the network's input, 1 to 8192.
    pub width: usize,
    /// What becomes of images of another aspect ratio.
    pub fit: Fit,
    /// Filter of the resize.
    #[serde(with = "filter_name")]
    pub filter: Filter,
    /// Subtracted from red, green and blue.
    pub mean: [f32; 3],
    /// Divides red, green and blue; positive.
    pub std: [f32; 3],
}

/// How an image of another aspect ratio is brought to the network's input.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Fit {
    /// Height and width are scaled apart: the whole input is image, and defects are stretched as the parts are. What the
    /// published figures are measured with.
    #[default]
    Stretch,
    /// Both are scaled alike, and what is left of the input repeats the image's border. Bars are neither scored nor part
    /// of maps. For long parts, which stretching would squeeze.
    Letterbox,
}

impl Preprocessing {
    /// Stretched with the bilinear filter to `(height, width)`, and ImageNet's normalisation.
    #[must_use]
    pub const fn imagenet(height: usize, width: usize) -> Self {
        Preprocessing {
            height,
            width,
            fit: Fit::Stretch,
            filter: Filter::Bilinear,
            mean: IMAGENET_MEAN,
            std: IMAGENET_STD,
        }
    }

    /// Shape of the network's input: 3 channels.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        Shape::new(3, self.height, self.width)
    }

    /// Checks the ranges of the fields.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn validate(&self) -> Result<()> {
        for (field, side) in [("preprocessing.height", self.height), ("preprocessing.width", self.width)] {
            if !(1..=MAX_SIDE).contains(&side) {
                return Err(Error::Config { field, got: side.to_string(), expected: "1 to 8192" });
            }
        }
        if !self.mean.iter().all(|m| m.is_finite()) {
            let got = format!("{:?}", self.mean);
            return Err(Error::Config { field: "preprocessing.mean", got, expected: "finite numbers" });
        }
        if !self.std.iter().all(|&s| s.is_finite() && s > 0.0) {
            let got = format!("{:?}", self.std);
            return Err(Error::Config { field: "preprocessing.std", got, expected: "positive numbers" });
        }
        Ok(())
    }

    /// Writes the tensor of `image` to `out`, channel by channel: `3 * height * width` values. Gives the part of the
    /// input that the image covers.
    ///
    /// # Errors
    /// [`Error::Image`] if the image cannot be resized, [`Error::InputSize`] if `out` has another length.
    pub fn apply(&self, image: &ImageView<'_>, out: &mut [f32]) -> Result<Rect> {
        let expected = self.height.saturating_mul(self.width).saturating_mul(3);
        if out.len() != expected {
            return Err(Error::InputSize { expected, got: out.len() });
        }
        let (resized, content) = self.resized(image)?;
        match resized.values() {
            Values::U8(values) => self.normalise(&resized, values, out),
            Values::U16(values) => self.normalise(&resized, values, out),
            Values::F32(values) => self.normalise(&resized, values, out),
        }
        Ok(content)
    }

    /// The image at the network's size, not normalised yet, and the part of it that the image covers.
    ///
    /// # Errors
    /// [`Error::Image`] if the image cannot be resized.
    pub fn resized(&self, image: &ImageView<'_>) -> Result<(Raster, Rect)> {
        match self.fit {
            Fit::Stretch => {
                let whole = Rect { x: 0, y: 0, width: self.width, height: self.height };
                Ok((resize(image, self.width, self.height, self.filter)?, whole))
            }
            Fit::Letterbox => Ok(letterbox(image, self.width, self.height, self.filter)?),
        }
    }

    /// Writes the `values` of `resized`, grey or RGB, normalised.
    fn normalise<V: Copy + Into<f32>>(&self, resized: &Raster, values: &[V], out: &mut [f32]) {
        let white = resized.as_view().white();
        let (count, grey) = (resized.channels().count(), resized.channels() == Channels::Gray);
        for (c, channel) in out.chunks_exact_mut(self.height * self.width).enumerate() {
            let (scale, shift) = (1.0 / (white * self.std[c]), -self.mean[c] / self.std[c]);
            let first = if grey { 0 } else { c };
            for (out, &value) in channel.iter_mut().zip(values.iter().skip(first).step_by(count)) {
                *out = value.into() * scale + shift;
            }
        }
    }
}

/// Filters by name in files.
mod filter_name {
    use super::Filter;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(filter: &Filter, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(filter.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Filter, D::Error> {
        let name = String::deserialize(deserializer)?;
        Filter::ALL
            .into_iter()
            .find(|filter| filter.name() == name)
            .ok_or_else(|| D::Error::custom(format!("unknown filter {name:?}, expected bilinear or bicubic")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_become_normalised_planes() -> Result<()> {
        let grey = [0u8, 255, 51, 102];
        let view = ImageView::new(&grey, 2, 2, Channels::Gray, 2)?;
        let mut out = [0.0; 12];
        let preprocessing = Preprocessing::imagenet(2, 2);
        preprocessing.apply(&view, &mut out)?;
        for (c, plane) in out.chunks(4).enumerate() {
            for (value, unit) in plane.iter().zip([0.0, 1.0, 0.2, 0.4]) {
                let expected = (unit - IMAGENET_MEAN[c]) / IMAGENET_STD[c];
                assert!((value - expected).abs() < 1e-6, "channel {c}: {value} for {expected}");
            }
        }
        Ok(())
    }

    #[test]
    fn bytes_keep_their_formula_to_the_bit_and_grey_is_repeated() -> Result<()> {
        let preprocessing = Preprocessing::imagenet(16, 16);
        let grey: Vec<u8> = (0..=255).collect();
        let rgb: Vec<u8> = grey.iter().flat_map(|&v| [v, 255 - v, v ^ 0x55]).collect();
        let (mut from_grey, mut from_rgb) = (vec![0.0; 768], vec![0.0; 768]);
        preprocessing.apply(&ImageView::packed(&grey, 16, 16, Channels::Gray)?, &mut from_grey)?;
        preprocessing.apply(&ImageView::packed(&rgb, 16, 16, Channels::Rgb)?, &mut from_rgb)?;
        for (c, (mean, std)) in IMAGENET_MEAN.into_iter().zip(IMAGENET_STD).enumerate() {
            let expected = |pixel: u8| f32::from(pixel) * (1.0 / (255.0 * std)) - mean / std;
            for i in 0..256 {
                assert_eq!(from_grey[c * 256 + i].to_bits(), expected(grey[i]).to_bits());
                assert_eq!(from_rgb[c * 256 + i].to_bits(), expected(rgb[i * 3 + c]).to_bits());
            }
        }
        Ok(())
    }

    #[test]
    fn twelve_bits_keep_their_levels() -> Result<()> {
        let ramp: Vec<u16> = (0..4096).collect();
        let view = ImageView::packed(&ramp, 64, 64, Channels::Gray)?.with_bit_depth(12)?;
        let mut out = vec![0.0; 3 * 4096];
        Preprocessing::imagenet(64, 64).apply(&view, &mut out)?;
        let white = (1.0 - IMAGENET_MEAN[0]) / IMAGENET_STD[0];
        assert!((out[4095] - white).abs() < 1e-6, "{} for {white}", out[4095]);
        let distinct = out[..4096].windows(2).filter(|pair| pair[0] < pair[1]).count() + 1;
        assert_eq!(distinct, 4096);

        // The same ramp at half the size still has far more levels than 8 bits have.
        let mut out = vec![0.0; 3 * 1024];
        Preprocessing::imagenet(32, 32).apply(&view, &mut out)?;
        let levels: std::collections::BTreeSet<u32> = out[..1024].iter().map(|v| v.to_bits()).collect();
        assert!(levels.len() > 256, "{}", levels.len());

        let unit: Vec<f32> = ramp.iter().map(|&v| f32::from(v) / 4095.0).collect();
        let mut from_floats = vec![0.0; 3 * 1024];
        let view = ImageView::packed(&unit, 64, 64, Channels::Gray)?;
        Preprocessing::imagenet(32, 32).apply(&view, &mut from_floats)?;
        // Words are rounded to one of 4096 levels, floats are not.
        let half_level = 0.51 / (4095.0 * 0.224);
        assert!(out.iter().zip(&from_floats).all(|(a, b)| (a - b).abs() <= half_level));
        Ok(())
    }

    #[test]
    fn ranges_are_checked_and_files_come_back() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let good = Preprocessing::imagenet(256, 320);
        good.validate()?;
        assert_eq!(serde_json::from_str::<Preprocessing>(&serde_json::to_string(&good)?)?, good);
        let bad = [
            Preprocessing { height: 0, ..good },
            Preprocessing { width: 1 << 40, ..good },
            Preprocessing { std: [1.0, 0.0, 1.0], ..good },
            Preprocessing { mean: [f32::NAN; 3], ..good },
        ];
        assert!(bad.iter().all(|p| matches!(p.validate(), Err(Error::Config { .. }))));
        assert!(serde_json::from_str::<Preprocessing>(r#"{"height":1}"#).is_err());
        Ok(())
    }
}
