//! Normal or anomalous.

use std::fmt;

/// Whether a sample is as it should be: the truth about it, or what a detector says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Label {
    /// Without a defect.
    Normal,
    /// With a defect. Everywhere in madenet the positive class is the anomalous one.
    Anomalous,
}

impl Label {
    /// True for [`Anomalous`](Label::Anomalous): what the metrics take.
    #[must_use]
    pub const fn is_anomalous(self) -> bool {
        matches!(self, Label::Anomalous)
    }
}

/// `normal` or `anomalous`.
impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Label::Normal => "normal",
            Label::Anomalous => "anomalous",
        })
    }
}
