//! Holding out a part of the training data.
//!
//! Data sets in the style of MVTec AD define a training and a test part only; what is chosen or calibrated
//! needs a third. The choice is made by ranking hashes of the ids, so it depends neither on the machine nor
//! on the order of the files, and hardly on new ones: a file that joins a group moves at most one other
//! across the border.

use std::collections::BTreeMap;

use crate::hash::hash;
use crate::{Class, Entry, Error, Result};

/// Which of `entries` to set aside for validation: in each group of equal category, label and defect type,
/// the `share` (rounded to whole samples) with the smallest hashes of (`seed`, id without `CATEGORY/`).
///
/// Ids begin with `CATEGORY/` where a folder of many categories was read. Without it, a category is split the
/// same way whether it is opened alone or as one of many.
///
/// In a group of two or more at least one is held out and at least one remains; a single sample remains.
/// `share` lies between 0 and 1, usually 0.15.
///
/// The hash is FNV-1a with 64 bits over the 8 bytes of the seed (little-endian) and the bytes of that id,
/// followed by the output function of SplitMix64.
///
/// # Errors
/// [`Error::Share`].
pub fn hold_out(entries: &[Entry], share: f64, seed: u64) -> Result<Vec<bool>> {
    if !(share > 0.0 && share < 1.0) {
        return Err(Error::Share(share));
    }
    let mut groups: BTreeMap<Class, Vec<usize>> = BTreeMap::new();
    for (index, entry) in entries.iter().enumerate() {
        groups.entry(entry.into()).or_default().push(index);
    }
    let mut held_out = vec![false; entries.len()];
    for group in groups.values_mut() {
        group.sort_by_cached_key(|&index| (hash(seed, below_category(&entries[index])), &entries[index].id));
        for &index in group.iter().take(count(group.len(), share)) {
            held_out[index] = true;
        }
    }
    Ok(held_out)
}

/// The id without a leading `CATEGORY/`.
fn below_category(entry: &Entry) -> &str {
    let below = entry.id.strip_prefix(entry.category.as_str()).and_then(|rest| rest.strip_prefix('/'));
    below.unwrap_or(&entry.id)
}

/// How many of `n` to hold out.
fn count(n: usize, share: f64) -> usize {
    match n {
        0 | 1 => 0,
        n => ((share * n as f64).round() as usize).clamp(1, n - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Label;

    fn entry(id: String, defect_type: Option<&str>) -> Entry {
        Entry {
            id,
            category: "part".to_owned(),
            label: if defect_type.is_some() { Label::Anomalous } else { Label::Normal },
            defect_type: defect_type.map(str::to_owned),
            image: "unused".into(),
            mask: None,
        }
    }

    fn normal(n: usize) -> Vec<Entry> {
        (0..n).map(|i| entry(format!("train/good/{i:03}.png"), None)).collect()
    }

    fn ids(entries: &[Entry], held_out: &[bool]) -> Vec<String> {
        entries.iter().zip(held_out).filter(|&(_, &held)| held).map(|(entry, _)| entry.id.clone()).collect()
    }

    #[test]
    fn the_share_is_met_within_rounding() {
        for (n, expected) in
            [(0, 0), (1, 0), (2, 1), (3, 1), (9, 1), (10, 2), (20, 3), (209, 31), (213, 32), (280, 42)]
        {
            let held_out = hold_out(&normal(n), 0.15, 7).unwrap();
            assert_eq!(held_out.iter().filter(|&&held| held).count(), expected, "{n}");
        }
        assert_eq!([0.01, 0.5, 0.99].map(|share| count(2, share)), [1, 1, 1]);
    }

    #[test]
    fn every_group_is_split_by_itself() {
        let mut entries = normal(10);
        entries.extend((0..20).map(|i| entry(format!("train/crack/{i:03}.png"), Some("crack"))));
        entries.push(entry("train/dent/000.png".to_owned(), Some("dent")));
        let held_out = ids(&entries, &hold_out(&entries, 0.15, 0).unwrap());
        let of = |part: &str| held_out.iter().filter(|id| id.contains(part)).count();
        assert_eq!([of("good"), of("crack"), of("dent")], [2, 3, 0]);
    }

    #[test]
    fn every_category_is_split_by_itself() {
        let mut entries = normal(30);
        for (index, entry) in entries.iter_mut().enumerate() {
            entry.category = if index < 10 { "screw" } else { "nut" }.to_owned();
        }
        let held_out = hold_out(&entries, 0.2, 0).unwrap();
        let of = |range: std::ops::Range<usize>| held_out[range].iter().filter(|&&held| held).count();
        assert_eq!([of(0..10), of(10..30)], [2, 4]);
        // What is held out of one category does not depend on the others.
        assert_eq!(hold_out(&entries[..10], 0.2, 0).unwrap(), held_out[..10]);
        assert_eq!(hold_out(&entries[10..], 0.2, 0).unwrap(), held_out[10..]);
    }

    #[test]
    fn the_choice_is_pinned_and_ignores_the_order() {
        let mut entries = normal(20);
        let held_out = ids(&entries, &hold_out(&entries, 0.15, 0).unwrap());
        // Computed with an implementation in another language.
        assert_eq!(held_out, ["train/good/001.png", "train/good/006.png", "train/good/016.png"]);
        entries.reverse();
        let mut reversed = ids(&entries, &hold_out(&entries, 0.15, 0).unwrap());
        reversed.reverse();
        assert_eq!(reversed, held_out);
        entries.reverse();
        // One category of many.
        entries.iter_mut().for_each(|entry| entry.id.insert_str(0, "part/"));
        let of_many = ids(&entries, &hold_out(&entries, 0.15, 0).unwrap());
        assert_eq!(of_many, held_out.iter().map(|id| format!("part/{id}")).collect::<Vec<_>>());
        // The name of a category ends at the slash.
        entries.iter_mut().for_each(|entry| entry.category = "par".to_owned());
        assert_ne!(ids(&entries, &hold_out(&entries, 0.15, 0).unwrap()), of_many);
        let entries = normal(20);
        assert_ne!(ids(&entries, &hold_out(&entries, 0.15, 1).unwrap()), held_out);
    }

    #[test]
    fn a_new_file_moves_at_most_one_other() {
        for n in 2..120 {
            let (before, after) = (normal(n), normal(n + 1));
            let old = hold_out(&before, 0.15, 3).unwrap();
            let new = hold_out(&after, 0.15, 3).unwrap();
            let moved = old.iter().zip(&new).filter(|(old, new)| old != new).count();
            assert!(moved <= 1, "{n}: {moved}");
        }
    }

    #[test]
    fn shares_that_leave_nothing_on_a_side_are_refused() {
        for share in [0.0, 1.0, -0.1, f64::NAN, f64::INFINITY] {
            let error = hold_out(&normal(4), share, 0).unwrap_err();
            assert!(matches!(error, Error::Share(_)), "{share}");
        }
    }
}
