//! How windows lie on an image: plain data shared by the recorded networks and the kernels that run them.
//!
//! Stride and dilation are equal on both axes, as in every network this project runs; kernels may be oblong and padding
//! differs per side, which TensorFlow's "same" rule needs. A side's output size is `None` where no window fits.

/// Zero padding of the four sides, in pixels.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Padding {
    /// Rows above.
    pub top: usize,
    /// Columns to the left.
    pub left: usize,
    /// Rows below.
    pub bottom: usize,
    /// Columns to the right.
    pub right: usize,
}

impl Padding {
    /// The same on all four sides.
    #[must_use]
    pub const fn all(p: usize) -> Self {
        Padding { top: p, left: p, bottom: p, right: p }
    }

    /// Whether nothing is padded.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.top + self.left + self.bottom + self.right == 0
    }
}

/// Geometry of a convolution (PyTorch's `Conv2d`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Conv2d {
    /// Kernel (height, width).
    pub kernel: (usize, usize),
    /// Step of the window on both axes, at least 1.
    pub stride: usize,
    /// Zero padding.
    pub padding: Padding,
    /// Distance of the kernel's taps on both axes, at least 1.
    pub dilation: usize,
    /// Channel groups, at least 1; input and output channels are multiples of it.
    pub groups: usize,
}

impl Conv2d {
    /// Square kernel `k`, stride `s`, padding `p` on all sides, no dilation, one group.
    #[must_use]
    pub const fn new(k: usize, s: usize, p: usize) -> Self {
        Conv2d { kernel: (k, k), stride: s, padding: Padding::all(p), dilation: 1, groups: 1 }
    }

    /// Output (height, width) for an input of `(h, w)`: `floor((h + pads - dilation (k - 1) - 1) / stride) + 1`.
    #[must_use]
    pub fn output(&self, (h, w): (usize, usize)) -> Option<(usize, usize)> {
        let Padding { top, left, bottom, right } = self.padding;
        Some((
            windows(h + top + bottom, extent(self.kernel.0, self.dilation)?, self.stride)?,
            windows(w + left + right, extent(self.kernel.1, self.dilation)?, self.stride)?,
        ))
    }
}

/// Geometry of a transposed convolution (PyTorch's `ConvTranspose2d`); weights are `[in, out / groups, kh, kw]`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ConvTranspose2d {
    /// Kernel (height, width).
    pub kernel: (usize, usize),
    /// Distance of the output windows of neighbouring inputs, at least 1.
    pub stride: usize,
    /// Rows and columns cut from the full output.
    pub padding: Padding,
    /// Rows and columns added at the bottom and the right, (height, width), each below `max(stride, dilation)`.
    pub output_padding: (usize, usize),
    /// Distance of the kernel's taps on both axes, at least 1.
    pub dilation: usize,
    /// Channel groups, at least 1.
    pub groups: usize,
}

impl ConvTranspose2d {
    /// Square kernel `k`, stride `s`, padding `p` on all sides, no output padding, no dilation, one group.
    #[must_use]
    pub const fn new(k: usize, s: usize, p: usize) -> Self {
        ConvTranspose2d {
            kernel: (k, k),
            stride: s,
            padding: Padding::all(p),
            output_padding: (0, 0),
            dilation: 1,
            groups: 1,
        }
    }

    /// Output (height, width) for an input of `(h, w)`:
    /// `(h - 1) stride + dilation (k - 1) + 1 + output_padding - pads`.
    #[must_use]
    pub fn output(&self, (h, w): (usize, usize)) -> Option<(usize, usize)> {
        let Padding { top, left, bottom, right } = self.padding;
        let limit = self.stride.max(self.dilation);
        let side = |n: usize, k: usize, extra: usize, cut: usize| {
            let full = n.checked_sub(1)? * self.stride + extent(k, self.dilation)?;
            (self.stride > 0 && extra < limit).then_some(())?;
            (full + extra).checked_sub(cut).filter(|&n| n > 0)
        };
        Some((
            side(h, self.kernel.0, self.output_padding.0, top + bottom)?,
            side(w, self.kernel.1, self.output_padding.1, left + right)?,
        ))
    }
}

/// Geometry of a pooling window (PyTorch's `MaxPool2d` and `AvgPool2d` without `ceil_mode`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Pool2d {
    /// Window (height, width).
    pub kernel: (usize, usize),
    /// Step of the window on both axes, at least 1.
    pub stride: usize,
    /// Padding: minus infinity for the maximum, zero for the average. Each side is smaller than the window, so that no
    /// window lies in the padding alone.
    pub padding: Padding,
}

impl Pool2d {
    /// Square window `k`, stride `s`, padding `p` on all sides.
    #[must_use]
    pub const fn new(k: usize, s: usize, p: usize) -> Self {
        Pool2d { kernel: (k, k), stride: s, padding: Padding::all(p) }
    }

    /// Output (height, width) for an input of `(h, w)`.
    #[must_use]
    pub fn output(&self, (h, w): (usize, usize)) -> Option<(usize, usize)> {
        let Padding { top, left, bottom, right } = self.padding;
        let (kh, kw) = self.kernel;
        if h == 0 || w == 0 || top.max(bottom) >= kh || left.max(right) >= kw {
            return None;
        }
        Some((windows(h + top + bottom, kh, self.stride)?, windows(w + left + right, kw, self.stride)?))
    }
}

/// What a [`SeparableFilter`](crate::SeparableFilter) reads beyond the ends of a row or column.
///
/// ```text
///            outside | plane | outside
/// Zero         0 0 0 | a b c | 0 0 0
/// Exclude      . . . | a b c | . . .
/// Symmetric    c b a | a b c | c b a
/// Reflect      b c b | a b c | b a b
/// ```
///
/// The last two turn back at every end, as often as the radius of the filter asks for; a plane may be smaller than it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Border {
    /// Outside counts as 0 (scipy's `constant`, PyTorch's zero padding): pixels at the border get darker.
    Zero,
    /// Outside is left out and the weights that are inside are scaled up to the sum of all.
    Exclude,
    /// The plane is mirrored and its end pixel repeated (scipy's `reflect`, numpy's `symmetric`).
    Symmetric,
    /// The plane is mirrored at its end pixel, which is not repeated (scipy's `mirror`, PyTorch's `reflect`). A side of one
    /// pixel repeats it.
    Reflect,
}

/// How [`interpolate`](crate::interpolate()) reads between pixels, with PyTorch's conventions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Interpolation {
    /// The source pixel `floor(i * in / out)` (PyTorch's `mode="nearest"`).
    Nearest,
    /// Linear between the two neighbours on each axis, the border repeated, not antialiased.
    Bilinear {
        /// True: the corner pixels' centres coincide, source position `i (in - 1) / (out - 1)`. False: the corner
        /// pixels' outer edges coincide, source position `(i + 0.5) in / out - 0.5`, not below 0.
        align_corners: bool,
    },
}

/// The function applied to every value.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Activation {
    /// `x`.
    Identity,
    /// `max(x, 0)`.
    Relu,
    /// `x` where positive, else `slope * x`.
    LeakyRelu(f32),
    /// `x * sigmoid(x)`, also called swish.
    Silu,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
}

/// Pixels that a dilated kernel of `k` taps spans.
fn extent(k: usize, dilation: usize) -> Option<usize> {
    (dilation > 0).then_some(())?;
    Some(k.checked_sub(1)? * dilation + 1)
}

/// Windows of `extent` pixels, `stride` apart, on `n` pixels.
fn windows(n: usize, extent: usize, stride: usize) -> Option<usize> {
    (stride > 0 && extent > 0).then_some(())?;
    Some(n.checked_sub(extent)? / stride + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_pytorchs() {
        assert_eq!(Conv2d::new(7, 2, 3).output((256, 255)), Some((128, 128)));
        assert_eq!(Conv2d { dilation: 6, ..Conv2d::new(3, 1, 6) }.output((13, 9)), Some((13, 9)));
        assert_eq!(Conv2d::new(3, 1, 0).output((2, 9)), None);
        assert_eq!(Conv2d::new(3, 0, 0).output((9, 9)), None);
        assert_eq!(Conv2d::new(0, 1, 0).output((9, 9)), None);
        assert_eq!(ConvTranspose2d::new(4, 2, 1).output((7, 5)), Some((14, 10)));
        let odd = ConvTranspose2d { output_padding: (1, 0), ..ConvTranspose2d::new(3, 2, 1) };
        assert_eq!(odd.output((7, 5)), Some((14, 9)));
        assert_eq!(ConvTranspose2d { output_padding: (2, 0), ..odd }.output((7, 5)), None);
        assert_eq!(Pool2d::new(3, 2, 1).output((128, 7)), Some((64, 4)));
        assert_eq!(Pool2d::new(2, 2, 2).output((8, 8)), None);
    }
}
