//! Where a backbone's weights come from.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use madenet_kernels::Shape;

use crate::builder::Builder;
#[cfg(feature = "hub")]
use crate::hub::{Hub, HubFile};
use crate::params::Params;
use crate::resnet::ResNet;
use crate::{Error, Result};

/// Where a backbone's weights come from: a file, the hub, or nowhere.
///
/// As a text, for command lines:
///
/// ```text
/// weights/resnet18.safetensors     a file
/// hub:timm/resnet18.tv_in1k        a file on the Hugging Face hub (feature `hub`)
/// hub:owner/name@revision?file=sub/weights.safetensors&sha256=64 digits
/// scratch:resnet18                 fresh weights with seed 42
/// scratch:resnet18@7               fresh weights with seed 7
/// ```
///
/// The text of a source gives the same source again, as long as a path is Unicode; that of a file whose name begins like
/// another source (`hub:x`) begins with `./`.
///
/// ```
/// use madenet_nets::{BackboneSource, ResNet};
/// let source: BackboneSource = "scratch:resnet18@7".parse()?;
/// assert_eq!(source, BackboneSource::Scratch { backbone: ResNet::ResNet18, seed: 7 });
/// assert_eq!(source.to_string(), "scratch:resnet18@7");
///
/// let (backbone, weights) = source.load()?;
/// assert_eq!(backbone, ResNet::ResNet18);
/// assert_eq!(weights.get("conv1.weight").map(|p| p.shape()), Some(&[64, 3, 7, 7][..]));
/// assert_eq!(weights.get("layer4.1.conv2.weight").map(|p| p.shape()), Some(&[512, 512, 3, 3][..]));
/// # Ok::<(), madenet_nets::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum BackboneSource {
    /// A safetensors file with torchvision's parameter names. More than a trunk's tensors may be in it (`fc.weight`).
    File(PathBuf),
    /// Such a file on the Hugging Face hub.
    #[cfg(feature = "hub")]
    Hub(HubFile),
    /// Fresh weights for the whole trunk, `conv1` to `layer4`. They cost much accuracy; they serve tests and comparisons.
    Scratch {
        /// The network.
        backbone: ResNet,
        /// Seed of the weights.
        seed: u64,
    },
}

const HUB: &str = "hub:";
const SCRATCH: &str = "scratch:";

impl BackboneSource {
    /// The seed that `scratch:resnet18` stands for, that of the examples.
    pub const DEFAULT_SEED: u64 = 42;

    /// The backbone and its weights. Which ResNet a file has is told by [`ResNet::of_weights`]. Files of the hub come from,
    /// and go to, the place that the environment names (`Hub::default`).
    ///
    /// # Errors
    /// Those of [`Params::read`] and [`ResNet::of_weights`], [`Error::PthFile`] for a `.pth` or `.pt` file, and those of
    /// `Hub::fetch`.
    pub fn load(&self) -> Result<(ResNet, Params)> {
        match self {
            Self::File(path) => read(path),
            #[cfg(feature = "hub")]
            Self::Hub(_) => self.load_with(&Hub::default()),
            Self::Scratch { backbone, seed } => Ok((*backbone, fresh(*backbone, *seed)?)),
        }
    }

    /// As [`load`](Self::load), with files of the hub from this hub and cache.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    #[cfg(feature = "hub")]
    pub fn load_with(&self, hub: &Hub) -> Result<(ResNet, Params)> {
        match self {
            Self::Hub(file) => {
                expect_safetensors(Path::new(&file.file))?;
                read(&hub.fetch(file)?)
            }
            Self::File(_) | Self::Scratch { .. } => self.load(),
        }
    }
}

fn read(path: &Path) -> Result<(ResNet, Params)> {
    expect_safetensors(path)?;
    let params = Params::read(path)?;
    Ok((ResNet::of_weights(&params)?, params))
}

/// Names the reader of PyTorch's own files, whose bytes would only give an obscure error here.
fn expect_safetensors(path: &Path) -> Result<()> {
    match path.extension() {
        Some(end) if end.eq_ignore_ascii_case("pth") || end.eq_ignore_ascii_case("pt") => {
            Err(Error::PthFile { path: path.to_path_buf() })
        }
        _ => Ok(()),
    }
}

fn fresh(backbone: ResNet, seed: u64) -> Result<Params> {
    let mut b = Builder::new();
    // Weights do not depend on the size of the image; 32 is the trunk's stride.
    let image = b.input("image", Shape::new(3, 32, 32));
    backbone.features(&mut b, image, &["layer4"])?;
    Ok(Params::init(&b.finish(), seed))
}

impl FromStr for BackboneSource {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.is_empty() {
            let expected = "a path, hub:owner/name or scratch:resnet18";
            return Err(Error::Source { text: text.to_string(), expected });
        }
        if let Some(name) = text.strip_prefix(SCRATCH) {
            let seed = |seed: &str| {
                let expected = "scratch:NETWORK@SEED with a seed from 0 to 2^64 - 1";
                seed.parse().map_err(|_| Error::Source { text: text.to_string(), expected })
            };
            return Ok(match name.split_once('@') {
                Some((name, text)) => Self::Scratch { backbone: ResNet::from_name(name)?, seed: seed(text)? },
                None => Self::Scratch { backbone: ResNet::from_name(name)?, seed: Self::DEFAULT_SEED },
            });
        }
        match text.strip_prefix(HUB) {
            Some(name) => on_hub(text, name),
            None => Ok(Self::File(PathBuf::from(text))),
        }
    }
}

#[cfg(feature = "hub")]
fn on_hub(_text: &str, name: &str) -> Result<BackboneSource> {
    name.parse().map(BackboneSource::Hub)
}

#[cfg(not(feature = "hub"))]
fn on_hub(text: &str, _name: &str) -> Result<BackboneSource> {
    let expected = "a path or scratch:resnet18, as this build of madenet-nets is without its feature `hub`";
    Err(Error::Source { text: text.to_string(), expected })
}

impl fmt::Display for BackboneSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => {
                let text = path.display().to_string();
                let here = if text.starts_with(HUB) || text.starts_with(SCRATCH) { "./" } else { "" };
                write!(f, "{here}{text}")
            }
            #[cfg(feature = "hub")]
            Self::Hub(file) => write!(f, "{HUB}{file}"),
            Self::Scratch { backbone, seed: Self::DEFAULT_SEED } => write!(f, "{SCRATCH}{}", backbone.name()),
            Self::Scratch { backbone, seed } => write!(f, "{SCRATCH}{}@{seed}", backbone.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::tensor::{Dtype, TensorView};

    #[test]
    fn texts_come_back() -> Result<()> {
        for text in
            ["a/b.safetensors", "./hub:x", "scratch:wide_resnet50_2", "scratch:resnet50@0", "C:\\x.pth"]
        {
            assert_eq!(text.parse::<BackboneSource>()?.to_string(), text);
        }
        assert_eq!(BackboneSource::File("scratch:x".into()).to_string(), "./scratch:x");
        let default = BackboneSource::Scratch { backbone: ResNet::ResNet34, seed: 42 };
        assert_eq!("scratch:resnet34".parse::<BackboneSource>()?, default);
        assert_eq!("scratch:resnet34@42".parse::<BackboneSource>()?.to_string(), "scratch:resnet34");
        Ok(())
    }

    #[test]
    fn texts_that_name_nothing_say_what_was_expected() {
        let message = |text: &str| text.parse::<BackboneSource>().unwrap_err().to_string();
        assert!(message("").contains("hub:owner/name"), "{}", message(""));
        assert!(message("scratch:resnet19").contains("resnet18, resnet34"));
        assert!(message("scratch:resnet18@-1").contains("a seed from 0"));
        assert!(message("scratch:resnet18@").contains("a seed from 0"));
        #[cfg(not(feature = "hub"))]
        assert!(message("hub:timm/resnet18.tv_in1k").contains("without its feature `hub`"));
    }

    #[test]
    fn fresh_weights_serve_every_layer() -> Result<()> {
        let (backbone, weights) = "scratch:resnet18@3".parse::<BackboneSource>()?.load()?;
        for layer in ["layer1", "layer4"] {
            let mut b = Builder::new();
            let image = b.input("image", Shape::new(3, 64, 64));
            backbone.features(&mut b, image, &[layer])?;
            let net = b.finish();
            assert_eq!(weights.select(&net)?, Params::init(&net, 3));
        }
        assert!(weights.get("fc.weight").is_none());
        Ok(())
    }

    /// Checkpoints hold the classifier and the counters of BatchNorm, too.
    #[test]
    fn files_may_have_more_than_the_trunk() -> Result<()> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let zeros = vec![0; 128 * 64 * 4];
        let tensor =
            |dtype, shape: &[usize], bytes| TensorView::new(dtype, shape.to_vec(), &zeros[..bytes]).unwrap();
        let tensors = [
            ("bn1.num_batches_tracked", tensor(Dtype::I64, &[], 8)),
            ("fc.bias", tensor(Dtype::F32, &[10], 40)),
            ("layer1.0.conv1.weight", tensor(Dtype::F32, &[128, 64, 1, 1], 128 * 64 * 4)),
        ];
        std::fs::write(&path, safetensors::serialize(tensors, None).unwrap()).unwrap();
        let (backbone, weights) = BackboneSource::File(path).load()?;
        assert_eq!((backbone, weights.len()), (ResNet::WideResNet50_2, 2));
        Ok(())
    }

    #[test]
    fn pth_files_are_pointed_to_their_reader() {
        for path in ["no/such/resnet18.pth", "model.PT"] {
            let error = BackboneSource::File(path.into()).load().unwrap_err();
            assert!(error.to_string().contains("madenet_candle::read_pth"), "{error}");
            assert!(error.to_string().ends_with(path), "{error}");
        }
        let error = BackboneSource::File("no/such.safetensors".into()).load().unwrap_err();
        assert!(matches!(error, Error::Read { .. }), "{error}");
    }
}
