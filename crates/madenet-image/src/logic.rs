//! Masks as sets of pixels.

use crate::{Error, Mask, Result};

impl Mask {
    /// The other pixels.
    ///
    /// ```
    /// use madenet_image::Mask;
    ///
    /// let mask = Mask::from_ascii("
    ///     *..
    ///     **.
    /// ")?;
    /// assert_eq!(mask.invert(), Mask::from_ascii("
    ///     .**
    ///     ..*
    /// ")?);
    /// # Ok::<(), madenet_image::Error>(())
    /// ```
    #[must_use]
    pub fn invert(&self) -> Mask {
        let data = self.data().iter().map(|&set| !set).collect();
        Mask::from_parts(self.width(), self.height(), data)
    }

    /// The pixels of both masks.
    ///
    /// # Errors
    /// [`Error::SizeMismatch`] where the sizes differ.
    ///
    /// ```
    /// use madenet_image::{Mask, Rect};
    ///
    /// let defects = Mask::from_ascii("
    ///     **..*
    ///     .*...
    /// ")?;
    /// let region = Mask::rectangle(5, 2, Rect::new(1, 0, 3, 2))?;
    /// assert_eq!(defects.and(&region)?, Mask::from_ascii("
    ///     .*...
    ///     .*...
    /// ")?);
    /// # Ok::<(), madenet_image::Error>(())
    /// ```
    pub fn and(&self, other: &Mask) -> Result<Mask> {
        self.zip(other, |here, there| here && there)
    }

    /// The pixels of at least one of both masks.
    ///
    /// # Errors
    /// [`Error::SizeMismatch`] where the sizes differ.
    ///
    /// ```
    /// use madenet_image::{Mask, Rect};
    ///
    /// let left = Mask::rectangle(5, 2, Rect::new(0, 0, 1, 2))?;
    /// let right = Mask::rectangle(5, 2, Rect::new(3, 0, 2, 1))?;
    /// assert_eq!(left.or(&right)?, Mask::from_ascii("
    ///     *..**
    ///     *....
    /// ")?);
    /// # Ok::<(), madenet_image::Error>(())
    /// ```
    pub fn or(&self, other: &Mask) -> Result<Mask> {
        self.zip(other, |here, there| here || there)
    }

    fn zip(&self, other: &Mask, verdict: impl Fn(bool, bool) -> bool) -> Result<Mask> {
        let (expected, got) = ((self.width(), self.height()), (other.width(), other.height()));
        if expected != got {
            return Err(Error::SizeMismatch { what: "second mask", reference: "first one", expected, got });
        }
        let pairs = self.data().iter().zip(other.data());
        let data = pairs.map(|(&here, &there)| verdict(here, there)).collect();
        Ok(Mask::from_parts(expected.0, expected.1, data))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_sizes_are_refused_even_with_as_many_pixels() {
        let (wide, high) = (Mask::from_ascii("*.").unwrap(), Mask::from_ascii("*\n.").unwrap());
        let error = wide.and(&high).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the second mask must be as large as the first one: expected 2 x 1, got 1 x 2"
        );
        assert!(matches!(high.or(&wide), Err(Error::SizeMismatch { .. })));
    }
}
