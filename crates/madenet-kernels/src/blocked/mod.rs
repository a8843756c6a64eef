//! Operations on channel-blocked tensors: the fast paths.
//!
//! A blocked tensor keeps [`LANES`] channels of a pixel side by side, so that one vector holds the same pixel of as many
//! channels and no operation has to shuffle. Its order is channel block, sample, row, column, lane. With samples inside the
//! channel blocks, a range of channel blocks is one contiguous slice for any batch, and joining channels can be free.
//!
//! A tensor may store a border of zeros around every plane ([`Layout`]), which convolutions read instead of testing for
//! edges. Whoever writes a tensor writes its border as well; how much of it a convolution needs, it says itself.

#![allow(unsafe_code)]

mod columns;
mod concat;
mod conv2d;
mod depthwise;
mod interpolate;
mod layout;
mod pointwise;
mod pool2d;
mod reorder;
mod rows;
mod sum;
mod tensor;

pub use concat::{concat_batch, concat_channels};
pub use conv2d::{
    Conv2dInputGradient, Conv2dKernel, Conv2dWeightGradient, ConvMethod, ConvTranspose2dKernel, MethodCost,
    PlanarConv2dKernel, Tuning, WeightSource,
};
pub use depthwise::DepthwiseKernel;
pub use interpolate::interpolate;
pub use layout::{LANES, Layout};
pub use pointwise::{ScaleShiftKernel, activation, add, multiply};
pub use pool2d::{avg_pool2d, global_avg_pool, max_pool2d};
pub use reorder::{pack, unpack};
pub use tensor::{Block, Blocked, BlockedMut};

use crate::{Conv2d, Padding, Shape};

/// The border that windows on an input of shape `input` reach into.
fn window_border(geometry: &Conv2d, input: Shape, output: Shape) -> Padding {
    let Conv2d { kernel, stride, padding, dilation, .. } = *geometry;
    let after = |outputs: usize, kernel: usize, before: usize, inputs: usize| {
        ((outputs - 1) * stride + (kernel - 1) * dilation + 1).saturating_sub(before + inputs)
    };
    Padding {
        top: padding.top,
        left: padding.left,
        bottom: after(output.h, kernel.0, padding.top, input.h),
        right: after(output.w, kernel.1, padding.left, input.w),
    }
}
