//! The parts of a data set.

/// The part of a data set that its authors meant for fitting or for testing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Split {
    /// `train`.
    Train,
    /// `test`.
    Test,
}

impl Split {
    pub(crate) const BOTH: [Split; 2] = [Split::Train, Split::Test];

    /// How folders and tables call the part.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Test => "test",
        }
    }

    /// The part that folders and tables call `name`.
    pub(crate) fn named(name: &str) -> Option<Split> {
        Split::BOTH.into_iter().find(|split| split.folder() == name)
    }
}
