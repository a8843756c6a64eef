//! What kinds of samples there are, and how many.

use std::collections::BTreeMap;
use std::fmt;

use crate::columns::write_columns;
use crate::plain::Plain;
use crate::{Entry, Label};

/// Samples of one kind. Classes are ordered by category, then normal before anomalous, then type of defect.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class {
    /// See [`Entry::category`].
    pub category: String,
    /// See [`Entry::label`].
    pub label: Label,
    /// See [`Entry::defect_type`].
    pub defect_type: Option<String>,
}

impl From<&Entry> for Class {
    fn from(entry: &Entry) -> Self {
        let Entry { category, label, defect_type, .. } = entry.clone();
        Class { category, label, defect_type }
    }
}

/// Numbers of samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// All.
    pub samples: usize,
    /// Those with a mask.
    pub with_mask: usize,
}

impl Count {
    fn add(&mut self, other: Count) {
        self.samples += other.samples;
        self.with_mask += other.with_mask;
    }
}

/// The number of samples of each class. Displayed as a table, with control characters in names escaped.
///
/// ```
/// use madenet_data::{ClassCounts, Entry, Label};
///
/// # let entry = |id: &str, defect_type: Option<&str>, mask: bool| Entry {
/// #     id: id.to_owned(), category: "screw".to_owned(),
/// #     label: if defect_type.is_some() { Label::Anomalous } else { Label::Normal },
/// #     defect_type: defect_type.map(str::to_owned), image: id.into(),
/// #     mask: mask.then(|| id.into()),
/// # };
/// // Two good ones, and three with a scratch, one of which nobody has outlined.
/// let entries = [
///     entry("good/0.png", None, false),
///     entry("good/1.png", None, false),
///     entry("scratch/0.png", Some("scratch"), true),
///     entry("scratch/1.png", Some("scratch"), false),
///     entry("scratch/2.png", Some("scratch"), true),
/// ];
/// assert_eq!(ClassCounts::of(&entries).to_string(), "\
/// category  label      defect   samples  with mask
/// screw     normal     -              2          0
/// screw     anomalous  scratch        3          2
/// all                                 5          2
/// ");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassCounts(BTreeMap<Class, Count>);

impl ClassCounts {
    /// The counts of some entries, such as [`Records::entries`](crate::Records::entries).
    #[must_use]
    pub fn of(entries: &[Entry]) -> Self {
        Self::count(entries)
    }

    pub(crate) fn count<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Self {
        let mut counts: BTreeMap<Class, Count> = BTreeMap::new();
        for entry in entries {
            let one = Count { samples: 1, with_mask: usize::from(entry.mask.is_some()) };
            counts.entry(entry.into()).or_default().add(one);
        }
        ClassCounts(counts)
    }

    /// The classes that occur, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Class, Count)> {
        self.0.iter().map(|(class, &count)| (class, count))
    }

    /// The count of one class, 0 where it does not occur.
    #[must_use]
    pub fn get(&self, class: &Class) -> Count {
        self.0.get(class).copied().unwrap_or_default()
    }

    /// The sum over all classes.
    #[must_use]
    pub fn total(&self) -> Count {
        let mut total = Count::default();
        self.0.values().for_each(|&count| total.add(count));
        total
    }

    /// The probability of each entry when the class is drawn first and then a sample of it, so that rare
    /// classes are seen as often as frequent ones: `1 / (classes * samples of its class)`. The sum is 1 if
    /// the counts are those of `entries`; an entry of a class that was not counted gets 0.
    ///
    /// ```
    /// # use madenet_data::{ClassCounts, Entry, Label};
    /// # let entry = |id: &str, defect_type: Option<&str>| Entry {
    /// #     id: id.to_owned(), category: "screw".to_owned(),
    /// #     label: if defect_type.is_some() { Label::Anomalous } else { Label::Normal },
    /// #     defect_type: defect_type.map(str::to_owned), image: id.into(), mask: None,
    /// # };
    /// let entries = [entry("good/0.png", None), entry("good/1.png", None), entry("0.png", Some("dent"))];
    /// assert_eq!(ClassCounts::of(&entries).balanced_weights(&entries), [0.25, 0.25, 0.5]);
    /// ```
    #[must_use]
    pub fn balanced_weights(&self, entries: &[Entry]) -> Vec<f64> {
        let weight = |entry: &Entry| match self.get(&entry.into()).samples {
            0 => 0.0,
            samples => 1.0 / (self.0.len() as f64 * samples as f64),
        };
        entries.iter().map(weight).collect()
    }
}

impl fmt::Display for ClassCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows = vec![["category", "label", "defect", "samples", "with mask"].map(str::to_owned)];
        rows.extend(self.0.iter().map(|(class, count)| {
            let defect = class.defect_type.as_deref().unwrap_or("-");
            row(&class.category, &class.label.to_string(), defect, *count)
        }));
        rows.push(row("all", "", "", self.total()));
        write_columns(f, &rows, 2)
    }
}

fn row(category: &str, label: &str, defect: &str, count: Count) -> [String; 5] {
    let [category, label, defect] = [category, label, defect].map(|name| Plain(name).to_string());
    [category, label, defect, count.samples.to_string(), count.with_mask.to_string()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(category: &str, label: Label, defect_type: Option<&str>) -> Entry {
        let (category, defect_type) = (category.to_owned(), defect_type.map(str::to_owned));
        Entry { id: String::new(), category, label, defect_type, image: "unused".into(), mask: None }
    }

    #[test]
    fn classes_are_in_order_whatever_the_order_of_entries() {
        let mut entries = vec![
            entry("b", Label::Normal, None),
            entry("a", Label::Anomalous, Some("dent")),
            entry("a", Label::Anomalous, None),
            entry("a", Label::Normal, None),
            entry("a", Label::Anomalous, Some("dent")),
        ];
        let counts = ClassCounts::of(&entries);
        let rows: Vec<_> = counts
            .iter()
            .map(|(class, count)| (class.category.as_str(), class.defect_type.as_deref(), count.samples))
            .collect();
        assert_eq!(rows, [("a", None, 1), ("a", None, 1), ("a", Some("dent"), 2), ("b", None, 1)]);
        entries.reverse();
        assert_eq!(ClassCounts::of(&entries), counts);
    }

    #[test]
    fn balanced_weights_give_every_class_the_same_share() {
        let mut entries = vec![entry("a", Label::Normal, None); 7];
        entries.extend(vec![entry("a", Label::Anomalous, Some("dent")); 3]);
        entries.push(entry("b", Label::Normal, None));
        let weights = ClassCounts::of(&entries).balanced_weights(&entries);
        for class in [0..7, 7..10, 10..11] {
            assert!((weights[class].iter().sum::<f64>() - 1.0 / 3.0).abs() < 1e-15);
        }
        assert_eq!(ClassCounts::default().balanced_weights(&entries[..1]), [0.0]);
    }

    #[test]
    fn names_cannot_drive_a_terminal() {
        let counts = ClassCounts::of(&[entry("a\u{1b}[2J", Label::Anomalous, Some("b\nc"))]);
        let table = "\
category    label      defect  samples  with mask
a\\u{1b}[2J  anomalous  b\\nc          1          0
all                                  1          0
";
        assert_eq!(counts.to_string(), table);
    }

    #[test]
    fn nothing_is_counted_as_nothing() {
        let counts = ClassCounts::of(&[]);
        assert_eq!((counts.iter().count(), counts.total()), (0, Count::default()));
        let table = "\
category  label  defect  samples  with mask
all                            0          0
";
        assert_eq!(counts.to_string(), table);
    }
}
