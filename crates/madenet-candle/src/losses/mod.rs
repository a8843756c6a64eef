//! Losses on the outputs of networks, each with its gradient from the same pass.
//!
//! ```
//! use candle_core::{Device, Var};
//! use madenet_candle::losses::{MarginLoss, margin};
//!
//! // Two normal rows, then two anomalous ones. One of each is beyond its margin of 0.5.
//! let normality = Var::from_slice(&[0.25_f32, 1.0, -1.0, 0.5], (4, 1, 1, 1), &Device::Cpu)?;
//! let MarginLoss { total, p_true, p_fake } = margin(&normality, 0.5)?;
//! assert_eq!((total.to_scalar::<f32>()?, p_true, p_fake), (0.625, 0.5, 0.5));
//! let gradients = total.backward()?;
//! let gradient = gradients.get(&normality).map(|g| g.flatten_all()?.to_vec1::<f32>()).transpose()?;
//! assert_eq!(gradient, Some(vec![-0.5, 0.0, 0.0, 0.5]));
//! # Ok::<(), madenet_candle::Error>(())
//! ```
//!
//! # Conventions
//!
//! - Tensors are `f32`. A loss is a scalar of the device of its first argument, the network's output, and only that one gets a
//!   gradient; targets and weights get none. If nothing upstream is a [`Var`](candle_core::Var), no gradient is computed.
//! - A loss reads its arguments and writes its gradient once, in parallel on rayon's ambient pool. Sums run in `f64` over fixed
//!   blocks, so results do not depend on the number of threads, bit for bit. Tensors of other devices are copied to the CPU.
//! - Where the shapes do not fit, a target is out of range or the loss is not finite, [`Error::Loss`](crate::Error::Loss) says
//!   what was expected; anything else that a function's list of errors leaves out is a failure of the device.

mod bce;
mod check;
mod cross_entropy;
mod focal;
mod known;
mod margin;
mod mse;
mod ssim;
mod sums;
mod weights;

pub use bce::bce_with_logits;
pub use cross_entropy::{CrossEntropyConfig, cross_entropy};
pub use focal::{FocalConfig, FocalVariant, focal, focal_with_logits};
pub use margin::{MarginLoss, margin, margin_by_mask};
pub use mse::{masked_mse, mse};
pub use ssim::{SsimConfig, masked_ssim, ssim, ssim_map};
