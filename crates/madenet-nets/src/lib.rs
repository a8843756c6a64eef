//! Networks recorded once as plain data, with their interpreters: summary and CPU inference plan.
//!
//! ```
//! use madenet_nets::{Builder, Params, Plan, Result, Shape, Summary, Val, conv};
//!
//! /// A network is an ordinary function on a builder; it reads like the paper's table.
//! fn block(b: &mut Builder, x: Val, out: usize) -> Result<Val> {
//!     let y = b.conv2d("conv", x, conv(out, 3, 2, 1))?;
//!     let y = b.batch_norm("bn", y)?;
//!     b.relu(y)
//! }
//!
//! let mut b = Builder::new();
//! let image = b.input("image", Shape::new(3, 32, 32));
//! let x = b.scope("layer1", |b| block(b, image, 8))?;
//! let x = b.scope("layer2", |b| block(b, x, 16))?;
//! b.output("features", x)?;
//! let net = b.finish();
//!
//! assert_eq!(net.output_shape("features"), Some(Shape::new(16, 8, 8)));
//! assert_eq!(net.params()[0].0, "layer1.conv.weight");
//! assert_eq!(Summary::new(&net).parameters, 27 * 8 + 2 * 8 + 72 * 16 + 2 * 16);
//!
//! let plan = Plan::new(&net, &Params::init(&net, 42))?;
//! let mut workspace = plan.workspace();
//! let outputs = plan.run(&[&[0.5; 2 * 3 * 32 * 32]], &mut workspace)?; // a batch of two
//! assert_eq!(outputs.get("features").map(<[f32]>::len), Some(2 * 16 * 8 * 8));
//! # Ok::<(), madenet_nets::Error>(())
//! ```
//!
//! A [`Net`] is plain data: operations ([`Op`]), shapes and parameter specifications. Everything else is an interpreter, a
//! loop over its nodes with a match that names every operation, so that a new one does not compile until all of them know
//! it: [`Summary`] counts, [`Plan`] runs on a CPU, `OnnxModel` exports, and `madenet-candle` trains. Parameters are called
//! by their scope path, as in PyTorch's state dicts; [`Params`] holds them by name, reads and writes safetensors, and is
//! the only truth about weights.
//!
//! # Backbones
//!
//! | networks | names of the parameters | maps that others build on |
//! |---|---|---|
//! | [`ResNet`]: 18, 34, 50, WideResNet-50-2 | torchvision | `layer1` to `layer4`, strides 4 to 32 |
//! | [`HrNet`]: W18 small, W18, W32, W48 | timm | four branches, strides 4 to 32 |
//! | [`EfficientNet`]: B0 to B7 | timm | `blocks.0` to `blocks.6`, strides 2 to 32 |
//!
//! Public checkpoints load without a key map. [`BackboneSource`] says where the weights of a [`ResNet`] come from.
//!
//! # Features
//!
//! `hub` (off by default): pretrained backbones from the Hugging Face hub, `BackboneSource::Hub`.
//!
//! `onnx` (off by default, needs no other crate): networks as ONNX models for other runtimes, `OnnxModel`.

mod builder;
mod decoder;
mod draem_init;
mod efficientnet;
mod error;
mod hrnet;
#[cfg(feature = "hub")]
mod hub;
mod net;
#[cfg(feature = "onnx")]
mod onnx;
mod params;
mod plan;
mod resnet;
mod source;
mod summary;
mod tap;
mod unet;
#[cfg(any(feature = "hub", feature = "onnx"))]
mod unfinished;
mod weights;

pub use builder::{Builder, ConvSpec, ConvTransposeSpec, Val, conv, conv_transpose};
pub use decoder::Decoder;
pub use efficientnet::{EfficientNet, EfficientNetWeights};
pub use error::{Error, Result};
pub use hrnet::HrNet;
#[cfg(feature = "hub")]
pub use hub::{Hub, HubFile};
pub use madenet_kernels::{Activation, Conv2d, ConvTranspose2d, Interpolation, Padding, Pool2d, Shape};
pub use net::{BatchNorm, Init, Net, Node, NodeId, Op, ParamId, ParamSpec, Role};
#[cfg(feature = "onnx")]
pub use onnx::{OnnxModel, OnnxOptions, OnnxPixels};
pub use params::{Param, Params};
pub use plan::{Memory, Outputs, Plan, PlanCache, PlanOptions, Workspace};
pub use resnet::ResNet;
pub use source::BackboneSource;
pub use summary::{Row, Summary};
pub use tap::Tap;
pub use unet::UNet;
pub use weights::read_weight_file;
