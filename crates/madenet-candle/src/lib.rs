//! Training of madenet networks on candle tensors with correct gradients.
//!
//! ```
//! use candle_core::{Device, Tensor};
//! use madenet_candle::{AdamConfig, CandleNet, Engine, Optimiser, Policy, StepKey};
//! use madenet_nets::{Builder, Params, Shape, conv};
//!
//! let mut b = Builder::new();
//! let x = b.input("x", Shape::new(3, 8, 8));
//! let y = b.conv2d("conv", x, conv(4, 3, 2, 1))?;
//! let y = b.batch_norm("bn", y)?;
//! let y = b.relu(y)?;
//! b.output("y", y)?;
//! let net = b.finish();
//!
//! let mut net = CandleNet::new(&net, &Params::init(&net, 42), &Policy::default(), &Device::Cpu)?;
//! let mut optimiser = Optimiser::new(&net, AdamConfig::default().lr(0.1))?;
//! let x = Tensor::arange(0f32, 384.0, &Device::Cpu)?.affine(0.1, 0.0)?.sin()?.reshape((2, 3, 8, 8))?;
//! let mut losses = Vec::new();
//! for step in 0..20 {
//!     let y = net.forward(&[x.clone()], StepKey { seed: 42, step })?;
//!     let loss = (&y[0] - 0.5)?.sqr()?.mean_all()?;
//!     net.clear_gradients();
//!     net.backward(&loss)?;
//!     optimiser.step(&mut net, 1.0, 1.0)?;
//!     losses.push(loss.to_scalar::<f32>()?);
//! }
//! assert!(losses[19] < 0.5 * losses[0]);
//! assert_eq!(net.eval(&[x])?[0].dims(), [2, 4, 4, 4]);
//! let trained: Params = net.export()?;
//! assert_eq!(trained.len(), 5);
//! # Ok::<(), madenet_candle::Error>(())
//! ```
//!
//! Two engines train a recorded network, each an [`Engine`]: [`Tape`] on a CPU, forward and backward on the kernels of
//! `madenet-kernels`, and [`CandleNet`]. Both take the same policies, draw the same random numbers and move the same statistics.
//!
//! [`CandleNet`] interprets a recorded [`Net`](madenet_nets::Net) with autograd, on a CPU as the reference for the other
//! interpreters, on CUDA and Metal for training. What trains is no property of the network: a [`Policy`] gives every
//! scope a [`Treatment`]. All random numbers of a step are keyed by a [`StepKey`].
//!
//! Every operation is made of candle tensor operations whose backward pass holds; [`ops`] says which do not, and offers
//! the operations for other code. [`losses`] are one pass each, value and gradient together.
//!
//! What computes gradients is an [`Engine`]. An [`Optimiser`] (Adam, AdamW, descent with momentum; parameter groups by
//! scope) moves its weights, an [`Ema`] averages them. A [`Trainer`] runs a [`Learner`] on it step by step: batches made
//! ahead, accumulation, [`Schedule`]s, clipping, and checkpoints from which a killed training goes on bit for bit.
//! [`read_pth`] reads PyTorch's weight files.

mod calibrate;
mod candle_engine;
mod candle_net;
mod engine;
mod error;
mod forward;
mod host;
pub mod losses;
pub mod ops;
mod optim;
mod policy;
mod pth;
mod scope;
mod tape;
mod trainer;

pub use calibrate::calibrate;
pub use candle_net::{CandleNet, StepKey};
pub use engine::{Change, Engine, Visit};
pub use error::{Error, Result};
pub use optim::{
    AdamConfig, Curve, Decay, Ema, EmaConfig, GradientNorm, Optimiser, OptimiserConfig, Schedule, SgdConfig,
    clip_factor, gradient_norm,
};
pub use policy::{Policy, Treatment};
pub use pth::read_pth;
pub use scope::Scoped;
pub use tape::{Tape, TapeOptions};
pub use trainer::{CheckpointConfig, Learner, Loss, MemoryPlan, MicroBatch, Trained, Trainer};
