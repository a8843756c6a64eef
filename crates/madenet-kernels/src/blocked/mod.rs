//! Operations on channel-blocked tensors: the fast paths.
//!
//! A blocked tensor keeps [`LANES`] channels of a pixel side by side, so that one vector holds the same pixel of as many
//! channels and no operation has to shuffle. Its order is channel block, sample, row, column, lane. With samples inside the
//! channel blocks, a range of channel blocks is one contiguous slice for any batch, and joining channels can be free.
//!
//! A tensor may store a border of zeros around every plane ([`Layout`]), which convolutions read instead of testing for
//! edges. Whoever writes a tensor writes its border as well; how much of it a convolution needs, it says itself.

mod columns;
mod depthwise;
mod layout;
mod pointwise;
mod pool2d;
mod reorder;
mod sum;
mod tensor;

pub use depthwise::DepthwiseKernel;
pub use layout::{LANES, Layout};
pub use pointwise::{ScaleShiftKernel, activation, add, multiply};
pub use pool2d::{avg_pool2d, global_avg_pool, max_pool2d};
pub use reorder::{pack, unpack};
pub use tensor::{Block, Blocked, BlockedMut};
