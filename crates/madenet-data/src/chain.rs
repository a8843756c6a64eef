//! Data sets one after the other.

use crate::{Dataset, Error, Result, Sample};

/// Data sets as one: first all samples of the first, then those of the second, and so on. For instance the categories of
/// a benchmark.
///
/// ```
/// # use madenet_image::{Image, save_png};
/// use madenet_data::{Chain, Dataset, Folder, Subset};
///
/// # let folder = tempfile::tempdir()?;
/// # let dir = folder.path();
/// # for name in ["nuts/a.png", "nuts/b.png", "screws/a.png", "screws/b.png", "screws/c.png"] {
/// #     std::fs::create_dir_all(dir.join(name).parent().unwrap())?;
/// #     save_png(&Image::new(1, 1, vec![0; 3])?, dir.join(name))?;
/// # }
/// // The pictures a.png and b.png of nuts, a.png to c.png of screws.
/// let (nuts, screws) = (Folder::open(dir.join("nuts"))?, Folder::open(dir.join("screws"))?);
/// let last = Subset::new(&screws, 1..3)?;
///
/// let both = Chain::new(vec![nuts.clone(), screws.clone()]);
/// assert_eq!(both.len(), 5);
/// let categories: Vec<String> = (0..5).map(|i| both.get(i).map(|s| s.category)).collect::<Result<_, _>>()?;
/// assert_eq!(categories, ["nuts", "nuts", "screws", "screws", "screws"]);
/// assert_eq!(both.locate(4)?, (1, 2));
///
/// // Of different kinds: borrowed, or in a Box<dyn Dataset>.
/// let mixed: Chain<&dyn Dataset> = Chain::new(vec![&last, &nuts]);
/// let ids: Vec<String> = (0..4).map(|i| mixed.get(i).map(|s| s.id)).collect::<Result<_, _>>()?;
/// assert_eq!(ids, ["b.png", "c.png", "a.png", "b.png"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Chain<D> {
    parts: Vec<D>,
    /// For each part the number of samples up to its end.
    ends: Vec<usize>,
}

impl<D: Dataset> Chain<D> {
    /// The samples of all `parts`; those beyond `usize::MAX` are not reached.
    #[must_use]
    pub fn new(parts: Vec<D>) -> Self {
        let grow = |end: &mut usize, part: &D| {
            *end = end.saturating_add(part.len());
            Some(*end)
        };
        let ends = parts.iter().scan(0, grow).collect();
        Chain { parts, ends }
    }

    /// The data sets, in order.
    #[must_use]
    pub fn parts(&self) -> &[D] {
        &self.parts
    }

    /// Which part sample `index` comes from, and its index there.
    ///
    /// # Errors
    /// [`Error::NoSuchSample`] beyond the end.
    pub fn locate(&self, index: usize) -> Result<(usize, usize)> {
        let len = self.len();
        if index >= len {
            return Err(Error::NoSuchSample { index, len });
        }
        let part = self.ends.partition_point(|&end| end <= index);
        let start = part.checked_sub(1).map_or(0, |before| self.ends[before]);
        Ok((part, index - start))
    }
}

impl<D: Dataset> Dataset for Chain<D> {
    fn len(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    fn get(&self, index: usize) -> Result<Sample> {
        let (part, index) = self.locate(index)?;
        self.parts[part].get(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nothing(usize);

    impl Dataset for Nothing {
        fn len(&self) -> usize {
            self.0
        }

        fn get(&self, index: usize) -> Result<Sample> {
            Err(Error::NoSuchSample { index, len: 0 })
        }
    }

    #[test]
    fn empty_parts_are_passed_over() {
        let chain = Chain::new([0, 2, 0, 1, 0].map(Nothing).into());
        let places: Vec<(usize, usize)> = (0..3).map(|i| chain.locate(i).unwrap()).collect();
        assert_eq!(places, [(1, 0), (1, 1), (3, 0)]);
        assert!(matches!(chain.locate(3), Err(Error::NoSuchSample { index: 3, len: 3 })));
        assert!(Chain::<Nothing>::new(Vec::new()).is_empty());
    }

    #[test]
    fn more_samples_than_can_be_counted_are_cut_off() {
        assert_eq!(Chain::new(vec![Nothing(usize::MAX), Nothing(2)]).len(), usize::MAX);
    }

    #[test]
    fn borrowed_and_boxed_parts_are_the_data_sets_themselves() {
        let two = Nothing(2);
        let borrowed: Chain<&dyn Dataset> = Chain::new(vec![&two, &Nothing(0)]);
        assert_eq!((borrowed.len(), borrowed.parts()[1].is_empty()), (2, true));
        let boxed: Chain<Box<dyn Dataset>> =
            Chain::new(vec![Box::new(Chain::new(vec![Nothing(3)])), Box::new(two)]);
        assert_eq!((boxed.len(), boxed.locate(4).unwrap()), (5, (1, 1)));
        assert!(matches!(boxed.get(4), Err(Error::NoSuchSample { index: 1, len: 0 })));
    }
}
