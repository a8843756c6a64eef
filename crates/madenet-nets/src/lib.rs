//! Networks recorded once as plain data, with their interpreters: summary and CPU inference plan.

mod builder;
mod error;
mod net;
mod params;
mod plan;
mod resnet;
mod summary;
mod weights;

pub use builder::{Builder, ConvSpec, ConvTransposeSpec, Val, conv, conv_transpose};
pub use error::{Error, Result};
pub use madenet_kernels::{Activation, Conv2d, ConvTranspose2d, Interpolation, Padding, Pool2d, Shape};
pub use net::{BatchNorm, Init, Net, Node, NodeId, Op, ParamId, ParamSpec, Role};
pub use params::{Param, Params};
pub use plan::{Outputs, Plan, Workspace};
pub use resnet::{ResNet, Tap};
pub use summary::{Row, Summary};
