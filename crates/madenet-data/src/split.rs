//! The parts of a data set.

use std::fmt;

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

    /// The part that folders and tables call `name`, exactly so.
    pub(crate) fn named(name: &str) -> Option<Split> {
        Split::BOTH.into_iter().find(|split| split.folder() == name)
    }
}

/// `train` or `test`, as folders and tables call it.
impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.folder())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_the_names_of_their_folders() {
        assert_eq!(Split::BOTH.map(|split| split.to_string()), ["train", "test"]);
        assert_eq!(["test", "Test", "val"].map(Split::named), [Some(Split::Test), None, None]);
    }
}
