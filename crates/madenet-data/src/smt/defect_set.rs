//! A choice of defects.

use super::Defect;

/// A set of defects, in the order of [`Defect::ALL`].
///
/// ```
/// use madenet_data::smt::{Component, Defect, DefectSet};
///
/// let chosen = DefectSet::from([Defect::Bridge, Defect::Missing, Defect::Bridge]);
/// assert_eq!(chosen.iter().collect::<Vec<_>>(), [Defect::Missing, Defect::Bridge]);
/// assert!(chosen.contains(Defect::Bridge) && !chosen.contains(Defect::Stain));
///
/// let all: DefectSet = Component::Soic.defects().iter().copied().collect();
/// assert_eq!(all.len(), 9);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DefectSet(u32);

impl DefectSet {
    /// No defect.
    pub const EMPTY: DefectSet = DefectSet(0);

    /// Whether `defect` is one of them.
    #[must_use]
    pub fn contains(self, defect: Defect) -> bool {
        self.0 & bit(defect) != 0
    }

    /// The number of defects.
    #[must_use]
    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The defects, in the order of [`Defect::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Defect> {
        Defect::ALL.iter().copied().filter(move |&defect| self.contains(defect))
    }
}

/// There are 21 defects, hence 32 bits are enough.
fn bit(defect: Defect) -> u32 {
    1 << defect as u32
}

impl FromIterator<Defect> for DefectSet {
    fn from_iter<I: IntoIterator<Item = Defect>>(defects: I) -> Self {
        DefectSet(defects.into_iter().fold(0, |bits, defect| bits | bit(defect)))
    }
}

impl From<&[Defect]> for DefectSet {
    fn from(defects: &[Defect]) -> Self {
        defects.iter().copied().collect()
    }
}

impl<const N: usize> From<[Defect; N]> for DefectSet {
    fn from(defects: [Defect; N]) -> Self {
        defects.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smt::Component;

    #[test]
    fn a_set_of_all_defects_has_them_in_their_order() {
        let all = DefectSet::from(Defect::ALL);
        assert_eq!(all.iter().collect::<Vec<_>>(), Defect::ALL);
        assert_eq!((all.len(), all.is_empty()), (21, false));
        assert!(DefectSet::EMPTY.is_empty() && DefectSet::EMPTY.iter().next().is_none());
    }

    /// So that the default set cycles as [`Component::defects`] is written.
    #[test]
    fn components_name_their_defects_in_that_order() {
        for component in Component::ALL {
            let defects = DefectSet::from(component.defects());
            assert_eq!(defects.iter().collect::<Vec<_>>(), component.defects());
        }
    }
}
