use madenet_image::{Filter, ImageView, resize};
use madenet_nets::Shape;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Mean of ImageNet's red, green and blue in `[0, 1]`, which torchvision's weights expect to be subtracted.
pub const IMAGENET_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// Deviation of ImageNet's red, green and blue, by which torchvision's weights expect to be divided.
pub const IMAGENET_STD: [f32; 3] = [0.229, 0.224, 0.225];
/// Largest side that a model takes; keeps a hostile file from asking for all memory.
const MAX_SIDE: usize = 8192;

/// From pixels to a network's input. Stored with the model, so that training and deployment cannot differ.
///
/// The image becomes RGB, is stretched to `height x width` with antialiasing, scaled to `[0, 1]`, and normalised per
/// channel: `(x - mean) / std`.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// Height of the network's input, 1 to 8192.
    pub height: usize,
    /// Width of the network's input, 1 to 8192.
    pub width: usize,
    /// Filter of the resize.
    #[serde(with = "filter_name")]
    pub filter: Filter,
    /// Subtracted from red, green and blue.
    pub mean: [f32; 3],
    /// Divides red, green and blue; positive.
    pub std: [f32; 3],
}

impl Preprocessing {
    /// Bilinear resize to `(height, width)` and ImageNet's normalisation.
    #[must_use]
    pub const fn imagenet(height: usize, width: usize) -> Self {
        Preprocessing { height, width, filter: Filter::Bilinear, mean: IMAGENET_MEAN, std: IMAGENET_STD }
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

    /// Writes the tensor of `image` to `out`, channel by channel: `3 * height * width` values.
    ///
    /// # Errors
    /// [`Error::Image`] if the image cannot be resized.
    pub fn apply(&self, image: &ImageView<'_>, out: &mut [f32]) -> Result<()> {
        let resized = resize(image, self.width, self.height, self.filter)?;
        let plane = self.height * self.width;
        for (c, channel) in out.chunks_exact_mut(plane).enumerate() {
            let (scale, shift) = (1.0 / (255.0 * self.std[c]), -self.mean[c] / self.std[c]);
            for (value, pixel) in channel.iter_mut().zip(resized.pixels().as_chunks::<3>().0) {
                *value = f32::from(pixel[c]) * scale + shift;
            }
        }
        Ok(())
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
    use madenet_image::PixelFormat;

    #[test]
    fn pixels_become_normalised_planes() -> Result<()> {
        let grey = [0, 255, 51, 102];
        let view = ImageView::new(&grey, 2, 2, PixelFormat::Gray8, 2)?;
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
