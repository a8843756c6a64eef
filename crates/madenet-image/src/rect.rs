//! A rectangle of pixels.

/// The pixels `x..x + width` of the rows `y..y + height`. May be empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rect {
    /// Column of the first pixel.
    pub x: usize,
    /// Row of the first pixel.
    pub y: usize,
    /// Number of columns.
    pub width: usize,
    /// Number of rows.
    pub height: usize,
}

impl Rect {
    /// The `width * height` pixels whose upper left one is (`x`, `y`).
    ///
    /// Every rectangle can be named, even one that ends beyond what `usize` can count: what uses it cuts it off or
    /// refuses it.
    ///
    /// ```
    /// use madenet_image::Rect;
    ///
    /// // . . . .
    /// // . * * *
    /// let rect = Rect::new(1, 1, 3, 1);
    /// assert_eq!((rect.right(), rect.bottom()), (4, 2));
    /// ```
    #[must_use]
    pub const fn new(x: usize, y: usize, width: usize, height: usize) -> Rect {
        Rect { x, y, width, height }
    }

    /// The first column after the rectangle; `usize::MAX` where that is beyond what `usize` can count.
    #[must_use]
    pub const fn right(self) -> usize {
        self.x.saturating_add(self.width)
    }

    /// The first row after the rectangle; `usize::MAX` where that is beyond what `usize` can count.
    #[must_use]
    pub const fn bottom(self) -> usize {
        self.y.saturating_add(self.height)
    }

    /// Whether the pixel (`x`, `y`) is one of the rectangle's.
    #[must_use]
    pub const fn contains(self, x: usize, y: usize) -> bool {
        x >= self.x && x < self.right() && y >= self.y && y < self.bottom()
    }

    /// The pixels of both rectangles; none where they share no pixel.
    ///
    /// ```
    /// use madenet_image::Rect;
    ///
    /// // a a a . .
    /// // a * * b .    a: 3 x 2 at (0, 0)
    /// // . b b b .    b: 3 x 2 at (1, 1)    *: both
    /// let a = Rect::new(0, 0, 3, 2);
    /// let b = Rect::new(1, 1, 3, 2);
    /// assert_eq!(a.intersect(b), Some(Rect::new(1, 1, 2, 1)));
    /// assert!(b.contains(3, 2) && !b.contains(4, 2));
    /// assert_eq!(a.intersect(Rect { x: 3, ..b }), None);
    /// ```
    #[must_use]
    pub fn intersect(self, other: Rect) -> Option<Rect> {
        let (x, y) = (self.x.max(other.x), self.y.max(other.y));
        let width = self.right().min(other.right()).checked_sub(x).filter(|&width| width > 0)?;
        let height = self.bottom().min(other.bottom()).checked_sub(y).filter(|&height| height > 0)?;
        Some(Rect { x, y, width, height })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rectangles_beyond_what_can_be_counted_end_at_the_largest_number() {
        let far = Rect::new(usize::MAX, 3, 2, usize::MAX);
        assert_eq!((far.right(), far.bottom()), (usize::MAX, usize::MAX));
        assert_eq!(far.intersect(Rect::new(0, 0, 9, 9)), None);
        assert_eq!(
            Rect::new(3, 0, usize::MAX, 2).intersect(Rect::new(0, 0, 9, 9)),
            Some(Rect::new(3, 0, 6, 2))
        );
    }
}
