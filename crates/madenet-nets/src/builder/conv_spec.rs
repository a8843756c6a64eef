//! What a convolution is told when it is recorded.

use madenet_kernels::{Conv2d, ConvTranspose2d, Padding};

use crate::net::Init;

/// Output channels, geometry, bias and start of a convolution. Made by [`conv`].
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ConvSpec {
    pub(super) out: usize,
    pub(super) geometry: Conv2d,
    pub(super) bias: bool,
    pub(super) init: Init,
}

/// A convolution to `out` channels with a square kernel `k`, stride `s` and padding `p`: no bias, one group, no dilation,
/// [`Init::KaimingNormalFanOut`].
#[must_use]
pub const fn conv(out: usize, k: usize, s: usize, p: usize) -> ConvSpec {
    ConvSpec { out, geometry: Conv2d::new(k, s, p), bias: false, init: Init::KaimingNormalFanOut }
}

impl ConvSpec {
    /// With a bias, which starts at 0.
    #[must_use]
    pub const fn with_bias(mut self) -> Self {
        self.bias = true;
        self
    }

    /// In this many groups.
    #[must_use]
    pub const fn groups(mut self, groups: usize) -> Self {
        self.geometry.groups = groups;
        self
    }

    /// With taps this far apart.
    #[must_use]
    pub const fn dilation(mut self, dilation: usize) -> Self {
        self.geometry.dilation = dilation;
        self
    }

    /// With this padding.
    #[must_use]
    pub const fn padding(mut self, padding: Padding) -> Self {
        self.geometry.padding = padding;
        self
    }

    /// With a kernel of this height and width.
    #[must_use]
    pub const fn kernel(mut self, height: usize, width: usize) -> Self {
        self.geometry.kernel = (height, width);
        self
    }

    /// With weights that start like this.
    #[must_use]
    pub const fn init(mut self, init: Init) -> Self {
        self.init = init;
        self
    }
}

/// Output channels, geometry, bias and start of a transposed convolution. Made by [`conv_transpose`].
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ConvTransposeSpec {
    pub(super) out: usize,
    pub(super) geometry: ConvTranspose2d,
    pub(super) bias: bool,
    pub(super) init: Init,
}

/// A transposed convolution to `out` channels with a square kernel `k`, stride `s` and padding `p`: no bias, one group,
/// [`Init::KaimingNormalFanOut`].
#[must_use]
pub const fn conv_transpose(out: usize, k: usize, s: usize, p: usize) -> ConvTransposeSpec {
    ConvTransposeSpec {
        out,
        geometry: ConvTranspose2d::new(k, s, p),
        bias: false,
        init: Init::KaimingNormalFanOut,
    }
}

impl ConvTransposeSpec {
    /// With a bias, which starts at 0.
    #[must_use]
    pub const fn with_bias(mut self) -> Self {
        self.bias = true;
        self
    }

    /// With this geometry.
    #[must_use]
    pub const fn geometry(mut self, geometry: ConvTranspose2d) -> Self {
        self.geometry = geometry;
        self
    }

    /// With weights that start like this.
    #[must_use]
    pub const fn init(mut self, init: Init) -> Self {
        self.init = init;
        self
    }
}
