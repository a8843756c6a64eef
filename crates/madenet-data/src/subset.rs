use std::ops::Range;

use crate::{Dataset, Error, Result, Sample};

/// A run of another data set's samples, for instance those to train on and those held out for the calibration.
///
/// ```
/// # #[cfg(feature = "smt")] {
/// use madenet_data::smt::{Component, SmtBoards, SmtConfig};
/// use madenet_data::{Dataset, Split, Subset};
///
/// let config = SmtConfig { width: 32, height: 32, normal: 10, ..SmtConfig::new(Component::Soic) };
/// let boards = SmtBoards::new(config, Split::Train)?;
/// let (training, validation) = (Subset::new(&boards, 0..8)?, Subset::new(&boards, 8..10)?);
/// assert_eq!((training.len(), validation.len()), (8, 2));
/// assert_eq!(validation.get(0)?.id, boards.get(8)?.id);
/// # }
/// # Ok::<(), madenet_data::Error>(())
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
    /// [`Error::NoSuchSample`] if the range reaches beyond the end, or ends before it starts.
    pub fn new(data: &'a dyn Dataset, range: Range<usize>) -> Result<Self> {
        let len = data.len();
        if range.end > len || range.start > range.end {
            return Err(Error::NoSuchSample { index: range.start.max(range.end), len });
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
