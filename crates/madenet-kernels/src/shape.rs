use std::fmt;

/// The size of one sample of a tensor: channels, height, width. The batch is free.
///
/// A tensor of a batch of `n` samples is a slice of `n * len()` values in the order sample, channel, row, column
/// ("NCHW").
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Shape {
    /// Channels.
    pub c: usize,
    /// Height: rows.
    pub h: usize,
    /// Width: columns.
    pub w: usize,
}

impl Shape {
    /// Shorthand for the struct literal.
    #[must_use]
    pub const fn new(c: usize, h: usize, w: usize) -> Self {
        Shape { c, h, w }
    }

    /// Values of one channel: `h * w`.
    #[must_use]
    pub const fn plane(self) -> usize {
        self.h * self.w
    }

    /// Values of one sample: `c * h * w`.
    #[must_use]
    pub const fn len(self) -> usize {
        self.c * self.h * self.w
    }

    /// Whether a sample has no values.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.c, self.h, self.w)
    }
}
