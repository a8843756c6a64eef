//! Masks as text, for tests and examples that can be read as pictures.

use std::fmt;

use crate::{Error, Mask, Result};

impl Mask {
    /// A mask drawn with `*` (anomalous) and `.`, one line per row. White space around the lines and empty
    /// lines do not count. [`to_string`](ToString::to_string) is the way back.
    ///
    /// # Errors
    /// [`Error::Ascii`] where a row has another character or another length than the first one,
    /// [`Error::NoPixels`] where there is no row.
    ///
    /// ```
    /// use madenet_image::Mask;
    ///
    /// let mask = Mask::from_ascii("
    ///     .**.
    ///     ...*
    /// ")?;
    /// assert_eq!((mask.width(), mask.height(), mask.count()), (4, 2, 3));
    /// assert_eq!(mask.to_string(), ".**.\n...*");
    /// # Ok::<(), madenet_image::Error>(())
    /// ```
    pub fn from_ascii(drawing: &str) -> Result<Mask> {
        let rows: Vec<&str> = drawing.lines().map(str::trim).filter(|row| !row.is_empty()).collect();
        let width = rows.first().map_or(0, |row| row.chars().count());
        let mut data = Vec::with_capacity(drawing.len());
        for (index, row) in rows.iter().enumerate() {
            if row.len() != width || !row.bytes().all(|byte| matches!(byte, b'*' | b'.')) {
                return Err(Error::Ascii { row: index, expected: width, got: (*row).to_owned() });
            }
            data.extend(row.bytes().map(|byte| byte == b'*'));
        }
        Mask::new(width, rows.len(), data)
    }
}

/// The rows with `*` for anomalous pixels and `.` for the others, without a line break at the end.
impl fmt::Display for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (y, row) in self.data().chunks_exact(self.width()).enumerate() {
            let line: String = row.iter().map(|&set| if set { '*' } else { '.' }).collect();
            f.write_str(if y == 0 { "" } else { "\n" })?;
            f.write_str(&line)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_drawings_are_refused() {
        let error = Mask::from_ascii("..\n.x").unwrap_err();
        assert_eq!(
            error.to_string(),
            "row 1 of a drawn mask must be 2 characters of `*` and `.`, got \".x\""
        );
        assert!(matches!(Mask::from_ascii("..\n..."), Err(Error::Ascii { row: 1, .. })));
        assert!(matches!(Mask::from_ascii("é."), Err(Error::Ascii { row: 0, expected: 2, .. })));
        assert!(matches!(Mask::from_ascii(" \n "), Err(Error::NoPixels { .. })));
    }
}
