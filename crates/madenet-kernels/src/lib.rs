//! CPU compute on slices for neural networks: convolution, pooling, interpolation, normalisation.
//!
//! ```
//! use madenet_kernels::{Activation, Conv2d, Conv2dKernel, Pool2d, Shape, max_pool2d};
//!
//! // A vertical edge, found by a Sobel filter, then the strongest response of each 2x2 window.
//! let input = Shape::new(1, 4, 4);
//! let x = [0.0, 0.0, 1.0, 1.0].repeat(4);
//! let sobel = [-1.0, 0.0, 1.0, -2.0, 0.0, 2.0, -1.0, 0.0, 1.0];
//! let conv = Conv2dKernel::new(Conv2d::new(3, 1, 1), input, 1, &sobel, None, Activation::Relu)?;
//!
//! let mut edges = vec![0.0; conv.output().len()];
//! conv.run(&x, None, &mut edges)?;
//! let mut strongest = [0.0; 4];
//! max_pool2d(Pool2d::new(2, 2, 0), conv.output(), &edges, &mut strongest)?;
//! assert_eq!(strongest, [4.0, 4.0, 4.0, 4.0]);
//! # Ok::<(), madenet_kernels::Error>(())
//! ```
//!
//! # Conventions
//!
//! - A planar tensor is a slice of f32 in the order sample, channel, row, column ("NCHW"). [`Shape`] is the size of one sample;
//!   the batch follows from the length of the slice and may be 0. [`blocked`] tensors have their own order.
//! - Sizes are (height, width). Semantics are PyTorch's; what differs says so.
//! - Every function validates the lengths of its slices and returns an [`Error`] instead of panicking.
//! - Memory is allocated when a kernel is built, not by a run; what needs scratch memory takes it from the caller. (Some gradients
//!   keep a list of partial sums, or a row.)
//! - Work is shared on rayon's ambient pool. Every output value is computed by one task in a fixed order, so results are the
//!   same for any number of threads, bit for bit. Instruction sets may round differently.
//!
//! # Design
//!
//! What has weights is a kernel, built once per layer: it validates, chooses a method and packs its weights for it.
//! Everything else is a function. Geometries ([`Conv2d`], [`Pool2d`], ..) are plain data that recorded networks share with the
//! kernels. There are two families:
//!
//! - The functions and kernels at the root work on planar tensors. They are safe code for the compiler's vectoriser, on any
//!   processor, for every geometry: groups and dilation of all kinds, filters, gathering windows. They are the reference that the
//!   others are held against, and the fallback where those have no kernel.
//! - [`blocked`] is fast: tensors in blocks of sixteen channels, code for AVX-512, AVX2 and anything else chosen at run time
//!   ([`Isa`]), Winograd convolution. Its modules and the private `simd` are the only ones with `unsafe` (docs/unsafe.md).
//!
//! Gradients are functions and kernels of their own beside the forward ones. Those with respect to an input give `gradient + add`,
//! what other readers of the input gave, and those with respect to weights add to what there is. A convolution's gradient with respect to
//! its input is a transposed convolution with the same weights, and the other way round.

// What needs it is listed, with its reasons, in docs/unsafe.md.
#![deny(unsafe_code)]

mod activation;
mod axis;
pub mod blocked;
mod channels;
mod check;
mod conv2d;
mod conv_transpose2d;
mod error;
mod geometry;
mod interpolate;
mod linear_gradient;
mod pointwise;
mod pool2d;
mod separable;
mod shape;
mod simd;
mod team;
mod tile;
mod units;
mod window;

pub use channels::{concat_channels, pool_channels, pool_channels_gradient, unfold, unfold_gradient};
pub use conv_transpose2d::ConvTranspose2dKernel;
pub use conv2d::Conv2dKernel;
pub use error::{Error, Result};
pub use geometry::{Activation, Border, Conv2d, ConvTranspose2d, Interpolation, Padding, Pool2d};
pub use interpolate::interpolate;
pub use linear_gradient::{
    conv_transpose2d_input_gradient, conv_transpose2d_weight_gradient, conv2d_input_gradient,
    conv2d_weight_gradient,
};
pub use pointwise::{activation, add, multiply, scale_shift};
pub use pool2d::{avg_pool2d, global_avg_pool, max_pool2d};
pub use separable::SeparableFilter;
pub use shape::Shape;
pub use simd::Isa;
pub use team::team;
