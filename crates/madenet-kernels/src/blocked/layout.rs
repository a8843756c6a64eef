use crate::{Padding, Shape};

/// Channels of a block: a cache line of 64 bytes, one AVX-512 or two AVX2 registers.
pub const LANES: usize = 16;

/// How a sample lies in a blocked tensor: its shape and the zeros stored around each of its planes.
///
/// ```
/// use madenet_kernels::{Padding, Shape, blocked::Layout};
///
/// let layout = Layout { shape: Shape::new(24, 6, 8), border: Padding::all(1) };
/// // Two blocks of channels, planes of 8 x 10 pixels, for a batch of three.
/// assert_eq!(layout.blocks(), 2);
/// assert_eq!(layout.plane(), 8 * 10);
/// assert_eq!(layout.len(3), 2 * 3 * 8 * 10);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Layout {
    /// Shape of a sample, at least 1 in all sizes. Lanes beyond the channels hold finite values of no meaning.
    pub shape: Shape,
    /// Rows and columns of zeros around every plane.
    pub border: Padding,
}

impl Layout {
    /// Without a border.
    #[must_use]
    pub const fn new(shape: Shape) -> Self {
        Layout { shape, border: Padding::all(0) }
    }

    /// Blocks of channels.
    #[must_use]
    pub const fn blocks(&self) -> usize {
        self.shape.c.div_ceil(LANES)
    }

    /// Pixels from one row to the next.
    #[must_use]
    pub const fn row(&self) -> usize {
        self.shape.w + self.border.left + self.border.right
    }

    /// Pixels of a plane with its border.
    #[must_use]
    pub const fn plane(&self) -> usize {
        (self.shape.h + self.border.top + self.border.bottom) * self.row()
    }

    /// Blocks ([`Block`](super::Block)) of a tensor of `batch` samples. Not checked for overflow, which
    /// [`Blocked::new`](super::Blocked::new) refuses.
    #[must_use]
    pub const fn len(&self, batch: usize) -> usize {
        self.blocks() * batch * self.plane()
    }

    /// Whether a tensor of `batch` samples has no values.
    #[must_use]
    pub const fn is_empty(&self, batch: usize) -> bool {
        self.len(batch) == 0
    }

    /// The block of the plane `(block, sample)`'s first pixel that is not border.
    pub(crate) const fn origin(&self, batch: usize, block: usize, sample: usize) -> usize {
        (block * batch + sample) * self.plane() + self.border.top * self.row() + self.border.left
    }

    /// Whether at least `border` is stored on every side.
    #[must_use]
    pub const fn holds(&self, border: Padding) -> bool {
        let own = self.border;
        own.top >= border.top
            && own.left >= border.left
            && own.bottom >= border.bottom
            && own.right >= border.right
    }
}
