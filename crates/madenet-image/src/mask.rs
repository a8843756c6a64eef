//! The truth (or a verdict) per pixel.

use std::fmt;
use std::ops::Range;

use crate::{Error, Result};

/// For each pixel of a picture of at least one pixel, whether it is anomalous.
#[derive(Clone, PartialEq, Eq)]
pub struct Mask {
    width: usize,
    height: usize,
    data: Vec<bool>,
}

impl Mask {
    /// A mask of `width * height` verdicts, row by row from the top; `true` is anomalous.
    ///
    /// # Errors
    /// [`Error::NoPixels`], [`Error::SizeOverflow`] or [`Error::WrongLength`].
    pub fn new(width: usize, height: usize, data: Vec<bool>) -> Result<Self> {
        let expected = mask_len(width, height)?;
        if data.len() != expected {
            return Err(Error::WrongLength { width, height, expected, got: data.len() });
        }
        Ok(Mask { width, height, data })
    }

    /// For sizes that another raster, or a check of this crate, vouches for.
    pub(crate) fn from_parts(width: usize, height: usize, data: Vec<bool>) -> Self {
        debug_assert!(width > 0 && data.len() == width * height);
        Mask { width, height, data }
    }

    /// Width in pixels, at least 1.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels, at least 1.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// The `width * height` verdicts, rows from top to bottom.
    #[must_use]
    pub fn data(&self) -> &[bool] {
        &self.data
    }

    /// The number of anomalous pixels.
    ///
    /// ```
    /// use madenet_image::Mask;
    ///
    /// let mask = Mask::new(3, 1, vec![true, false, true])?;
    /// assert_eq!(mask.count(), 2);
    /// # Ok::<(), madenet_image::Error>(())
    /// ```
    #[must_use]
    pub fn count(&self) -> usize {
        self.data.iter().filter(|&&anomalous| anomalous).count()
    }

    /// The mask at another size, each new pixel taking the verdict of the old pixel under its centre: `src =
    /// floor((dst + 0.5) * old / new)`, Pillow's nearest. (Taking `floor(dst * old / new)`, as some libraries
    /// do, shifts the mask by up to half a pixel against the picture.)
    ///
    /// # Errors
    /// [`Error::NoPixels`] or [`Error::SizeOverflow`].
    ///
    /// ```
    /// use madenet_image::Mask;
    ///
    /// let mask = Mask::new(3, 1, vec![false, true, false])?;
    /// assert_eq!(mask.resize_nearest(1, 1)?.data(), [true]);
    /// # Ok::<(), madenet_image::Error>(())
    /// ```
    pub fn resize_nearest(&self, width: usize, height: usize) -> Result<Mask> {
        let mut data = Vec::with_capacity(mask_len(width, height)?);
        let columns = centres(self.width, width);
        for y in centres(self.height, height) {
            let row = &self.data[y * self.width..][..self.width];
            data.extend(columns.iter().map(|&x| row[x]));
        }
        Ok(Mask { width, height, data })
    }

    /// The mask at another size, each new pixel anomalous where any old pixel that it covers is, so that nothing thin is
    /// lost.
    ///
    /// # Errors
    /// [`Error::NoPixels`] or [`Error::SizeOverflow`].
    ///
    /// ```
    /// use madenet_image::Mask;
    ///
    /// let scratch = Mask::new(6, 1, vec![true, false, false, false, false, false])?;
    /// assert_eq!(scratch.resize_any(2, 1)?.data(), [true, false]);
    /// assert_eq!(scratch.resize_nearest(2, 1)?.data(), [false, false]);
    /// # Ok::<(), madenet_image::Error>(())
    /// ```
    pub fn resize_any(&self, width: usize, height: usize) -> Result<Mask> {
        let mut data = Vec::with_capacity(mask_len(width, height)?);
        let columns = covered(self.width, width);
        // Of each old column, whether any of the rows at hand has it.
        let mut any = vec![false; self.width];
        for rows in covered(self.height, height) {
            any.fill(false);
            for row in self.data[rows.start * self.width..rows.end * self.width].chunks_exact(self.width) {
                any.iter_mut().zip(row).for_each(|(any, &pixel)| *any |= pixel);
            }
            data.extend(columns.iter().map(|columns| any[columns.clone()].contains(&true)));
        }
        Ok(Mask { width, height, data })
    }
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mask")
            .field("width", &self.width)
            .field("height", &self.height)
            .field("count", &self.count())
            .finish_non_exhaustive()
    }
}

/// For each of `new` cells the one of `old` cells under its centre, exactly: in floating point a centre that
/// falls on a border could go either way.
fn centres(old: usize, new: usize) -> Vec<usize> {
    let (old, new) = (old as u128, new as u128);
    (0..new).map(|i| ((2 * i + 1) * old / (2 * new)) as usize).collect()
}

/// For each of `new` cells the `old` cells that it covers, wholly or in part.
fn covered(old: usize, new: usize) -> Vec<Range<usize>> {
    let (old, new) = (old as u128, new as u128);
    (0..new).map(|i| (i * old / new) as usize..((i + 1) * old).div_ceil(new) as usize).collect()
}

pub(crate) fn mask_len(width: usize, height: usize) -> Result<usize> {
    if width == 0 || height == 0 {
        return Err(Error::NoPixels { width, height });
    }
    width
        .checked_mul(height)
        .filter(|&bytes| bytes <= isize::MAX as usize)
        .ok_or(Error::SizeOverflow { width, height })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_samples_at_pixel_centres() {
        assert_eq!(centres(5, 3), [0, 2, 4]);
        assert_eq!(centres(4, 2), [1, 3]);
        assert_eq!(centres(2, 5), [0, 0, 1, 1, 1]);
        assert_eq!(centres(7, 1), [3]);
        assert_eq!(centres(1, 3), [0, 0, 0]);
    }

    #[test]
    fn resizing_keeps_rows_and_columns_apart() {
        let mask = Mask::new(2, 2, vec![true, false, false, false]).unwrap();
        let twice = mask.resize_nearest(4, 2).unwrap();
        assert_eq!(twice.data(), [true, true, false, false, false, false, false, false]);
        assert_eq!(mask.resize_nearest(2, 2).unwrap(), mask);
    }

    #[test]
    fn any_covers_whole_and_partial_cells() {
        assert_eq!(covered(5, 2), [0..3, 2..5]);
        assert_eq!(covered(2, 5), [0..1, 0..1, 0..2, 1..2, 1..2]);
        let mask = Mask::new(2, 2, vec![false, false, true, false]).unwrap();
        assert_eq!(mask.resize_any(1, 2).unwrap().data(), [false, true]);
        assert_eq!(mask.resize_any(4, 1).unwrap().data(), [true, true, false, false]);
        assert_eq!(mask.resize_any(2, 2).unwrap(), mask);
    }

    #[test]
    fn bad_sizes_are_refused() {
        let mask = Mask::new(1, 1, vec![true]).unwrap();
        assert!(matches!(mask.resize_any(0, 4), Err(Error::NoPixels { .. })));
        assert!(matches!(mask.resize_nearest(0, 4), Err(Error::NoPixels { .. })));
        assert!(matches!(mask.resize_nearest(usize::MAX, 2), Err(Error::SizeOverflow { .. })));
        assert!(matches!(
            Mask::new(2, 2, vec![true; 3]),
            Err(Error::WrongLength { expected: 4, got: 3, .. })
        ));
        assert!(matches!(Mask::new(2, 0, vec![]), Err(Error::NoPixels { .. })));
    }
}
