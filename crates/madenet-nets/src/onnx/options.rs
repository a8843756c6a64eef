//! What an ONNX model is told beside the network and its weights.

use std::collections::BTreeMap;

use crate::net::Net;
use crate::{Error, Result};

/// Name, metadata, and the inputs that take pixels.
///
/// ```
/// use madenet_nets::{OnnxOptions, OnnxPixels};
/// let imagenet = OnnxPixels {
///     white: 255.0,
///     mean: vec![0.485, 0.456, 0.406],
///     std: vec![0.229, 0.224, 0.225],
/// };
/// let options = OnnxOptions::new("resnet18").pixels("image", imagenet).metadata("classes", "good,scratch");
/// assert_eq!(options.metadata["classes"], "good,scratch");
/// ```
#[derive(Clone, PartialEq, Debug, Default)]
#[non_exhaustive]
pub struct OnnxOptions {
    /// Name of the graph, and the metadata entry `name`.
    pub name: String,
    /// Inputs that take pixels as they are, by name; the model normalises them itself. Others take what the network does.
    pub pixels: BTreeMap<String, OnnxPixels>,
    /// Text for whoever runs the model: names of classes, thresholds. Replaces an entry of
    /// [`OnnxModel`](crate::OnnxModel)'s own of the same key.
    pub metadata: BTreeMap<String, String>,
}

impl OnnxOptions {
    /// This name, nothing else.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// With an input that takes pixels.
    #[must_use]
    pub fn pixels(mut self, input: impl Into<String>, pixels: OnnxPixels) -> Self {
        self.pixels.insert(input.into(), pixels);
        self
    }

    /// With an entry of metadata.
    #[must_use]
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }

    /// Checks that the inputs are `net`'s.
    pub(super) fn check(&self, net: &Net) -> Result<()> {
        for (input, pixels) in &self.pixels {
            let Some((_, id)) = net.inputs().iter().find(|(name, _)| name == input) else {
                let names: Vec<&str> = net.inputs().iter().map(|(name, _)| name.as_str()).collect();
                return Err(Error::Unknown {
                    what: "input",
                    name: input.clone(),
                    expected: names.join(", "),
                });
            };
            pixels.check(input, net.nodes()[*id].shape.c)?;
        }
        Ok(())
    }
}

/// How an input's pixels become what the network takes: `(x / white - mean) / std`, in the model.
#[derive(Clone, PartialEq, Debug)]
pub struct OnnxPixels {
    /// The brightest value: 255 for pixels of 8 bits, 1 for pixels in `[0, 1]`. Positive.
    pub white: f32,
    /// Subtracted from each channel in `[0, 1]`; as many as the input's channels.
    pub mean: Vec<f32>,
    /// Divides each channel; as many, positive.
    pub std: Vec<f32>,
}

impl OnnxPixels {
    fn check(&self, input: &str, channels: usize) -> Result<()> {
        let is_positive = |v: &f32| v.is_finite() && *v > 0.0;
        let is_sound = (self.mean.len(), self.std.len()) == (channels, channels)
            && is_positive(&self.white)
            && self.mean.iter().all(|v| v.is_finite())
            && self.std.iter().all(is_positive)
            // The largest of all factors must still be a number.
            && self.shifts().chain(self.scales()).all(|v| v.is_finite())
            && self.scales().all(|v| v > 0.0);
        if is_sound {
            return Ok(());
        }
        Err(Error::Onnx {
            what: input.to_string(),
            expected: format!(
                "{channels} finite means and {channels} positive deviations over a positive white level"
            ),
            got: format!("mean {:?}, std {:?}, white {}", self.mean, self.std, self.white),
        })
    }

    /// What is subtracted from pixels: `white mean`.
    pub(super) fn shifts(&self) -> impl Iterator<Item = f32> {
        self.mean.iter().map(|&mean| (f64::from(self.white) * f64::from(mean)) as f32)
    }

    /// What then divides them: `white std`.
    pub(super) fn scales(&self) -> impl Iterator<Item = f32> {
        self.std.iter().map(|&std| (f64::from(self.white) * f64::from(std)) as f32)
    }
}
