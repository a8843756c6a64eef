//! A run of samples of a data set.

use std::ops::Range;

use crate::{Dataset, Error, Result, Sample};

/// A run of another data set's samples, for instance those to train on and those held out for the calibration.
///
/// ```
/// # use madenet_image::{Image, save_png};
/// use madenet_data::{Dataset, Folder, Subset};
///
/// # let folder = tempfile::tempdir()?;
/// # let dir = folder.path();
/// # for name in ["a.png", "b.png", "c.png", "d.png", "e.png"] {
/// #     save_png(&Image::new(1, 1, vec![0; 3])?, dir.join(name))?;
/// # }
/// // The pictures a.png to e.png.
/// let pictures = Folder::open(dir)?;
/// let (training, validation) = (Subset::new(&pictures, 0..3)?, Subset::new(&pictures, 3..5)?);
/// assert_eq!((training.len(), validation.len()), (3, 2));
/// assert_eq!((training.get(0)?.id, validation.get(0)?.id), ("a.png".to_owned(), "d.png".to_owned()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Subset<'a> {
    data: &'a dyn Dataset,
    range: Range<usize>,
}

impl<'a> Subset<'a> {
    /// The samples of `data` with an index in `range`.
    ///
    /// # Errors
    /// [`Error::Range`] if the range reaches beyond the end, or ends before it starts.
    pub fn new(data: &'a dyn Dataset, range: Range<usize>) -> Result<Self> {
        let (Range { start, end }, len) = (range.clone(), data.len());
        if end > len || start > end {
            return Err(Error::Range { start, end, len });
        }
        Ok(Subset { data, range })
    }
}

impl Dataset for Subset<'_> {
    fn len(&self) -> usize {
        self.range.len()
    }

    fn get(&self, index: usize) -> Result<Sample> {
        if index >= self.len() {
            return Err(Error::NoSuchSample { index, len: self.len() });
        }
        self.data.get(self.range.start + index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten samples, of which each is an error that holds its index.
    struct Ten;

    impl Dataset for Ten {
        fn len(&self) -> usize {
            10
        }

        fn get(&self, index: usize) -> Result<Sample> {
            Err(Error::NoSuchSample { index, len: 0 })
        }
    }

    #[test]
    fn indices_count_from_the_start_of_the_range() {
        let subset = Subset::new(&Ten, 7..9).unwrap();
        assert_eq!(subset.len(), 2);
        assert!(matches!(subset.get(0), Err(Error::NoSuchSample { index: 7, len: 0 })));
        assert!(matches!(subset.get(1), Err(Error::NoSuchSample { index: 8, len: 0 })));
        assert!(matches!(subset.get(2), Err(Error::NoSuchSample { index: 2, len: 2 })));
        assert!(matches!(subset.get(usize::MAX), Err(Error::NoSuchSample { len: 2, .. })));
    }

    #[test]
    fn a_range_may_be_empty_or_everything() {
        assert_eq!(Subset::new(&Ten, 0..10).unwrap().len(), 10);
        for at in [0, 5, 10] {
            let none = Subset::new(&Ten, at..at).unwrap();
            assert!(none.is_empty() && none.get(0).is_err());
        }
    }

    #[test]
    fn a_range_outside_of_the_data_set_is_refused() {
        let turned = Range { start: 8, end: 3 };
        for (range, got) in [(turned, "8..3"), (5..11, "5..11"), (11..11, "11..11")] {
            let text = Subset::new(&Ten, range).err().unwrap().to_string();
            assert_eq!(text, format!("a range of samples must run upwards within 0..10, got {got}"));
        }
    }
}
