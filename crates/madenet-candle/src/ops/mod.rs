//! Differentiable operations on `[n, c, h, w]` tensors whose gradients are right.
//!
//! Several operations of candle 0.11.1 have a backward pass that is wrong without a word (`max_pool2d`,
//! `upsample_nearest2d`), that fails (`conv2d` with unequal remainders, `upsample_bilinear2d`, pools with a stride other
//! than the window), or another convention than PyTorch at a kink (`relu` at 0). The functions here give PyTorch's
//! values and PyTorch's gradients. They are made of those candle operations whose backward pass holds, so they run
//! wherever candle does and in `f32` as well as `f64`; the crate's tests check every one against central differences.
//! The two that cost most on a CPU run there as one pass each (`fused.rs`).
//!
//! What is linear and separable (average pooling, resizing) is a product with two constant matrices, so that its
//! backward pass is a product as well. Channel sums are products too: candle's own sums over a leading axis are an
//! order of magnitude slower on a CPU.

mod activation;
mod batch_norm;
mod channels;
mod conv2d;
mod conv_transpose2d;
mod dropout;
mod fused;
mod interpolate;
mod max_pool2d;
mod mean;
mod separable;
mod unfold;
mod window;

pub use activation::{activation, leaky_relu, relu, sigmoid, silu};
pub use batch_norm::{BatchStatistics, batch_norm_eval, batch_norm_train};
pub use conv_transpose2d::conv_transpose2d;
pub use conv2d::conv2d;
pub use dropout::{drop_path, dropout};
pub use interpolate::interpolate;
pub use max_pool2d::max_pool2d;
pub use mean::{avg_pool2d, global_avg_pool, pool_channels};
pub use unfold::unfold;

/// The result of a tensor operation.
pub type Result<T> = candle_core::Result<T>;
