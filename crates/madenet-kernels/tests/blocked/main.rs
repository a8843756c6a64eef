//! Operations on blocked tensors: against the planar ones, which are held against naive f64 definitions, and between
//! instruction sets.

#![expect(clippy::unwrap_used, reason = "clippy allows it in test functions, not in what they share")]

mod adjoint;
mod batch_norm;
mod concat;
mod conv2d;
mod conv2d_gradient;
#[path = "../operations/conv_case.rs"]
mod conv_case;
mod conv_transpose2d;
mod depthwise;
mod interpolate;
mod interpolate_gradient;
mod memory;
mod memory_gradients;
mod planar_conv2d;
mod pointwise;
mod pool2d;
mod pool2d_gradient;
mod reorder;
#[expect(dead_code, reason = "shared with the tests of planar operations")]
#[path = "../operations/support.rs"]
mod support;
mod tensor;
