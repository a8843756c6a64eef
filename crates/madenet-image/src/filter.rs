//! The kernels of a resize.

/// The kernel of a resize.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Filter {
    /// A triangle of radius 1.
    Bilinear,
    /// Keys' cubic convolution (1981) with a = -1/2, radius 2; overshoots at edges, by design.
    Bicubic,
}

impl Filter {
    /// All filters.
    pub const ALL: [Filter; 2] = [Filter::Bilinear, Filter::Bicubic];

    /// The name in files: `bilinear`, `bicubic`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Filter::Bilinear => "bilinear",
            Filter::Bicubic => "bicubic",
        }
    }

    /// Beyond this distance the kernel is zero.
    pub(crate) fn radius(self) -> f64 {
        match self {
            Filter::Bilinear => 1.0,
            Filter::Bicubic => 2.0,
        }
    }

    pub(crate) fn kernel(self, x: f64) -> f64 {
        let x = x.abs();
        match self {
            Filter::Bilinear => (1.0 - x).max(0.0),
            Filter::Bicubic if x < 1.0 => (1.5 * x - 2.5) * x * x + 1.0,
            Filter::Bicubic if x < 2.0 => -0.5 * (((x - 5.0) * x + 8.0) * x - 4.0),
            Filter::Bicubic => 0.0,
        }
    }
}
