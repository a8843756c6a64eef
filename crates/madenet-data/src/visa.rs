//! The layout of VisA (Zou et al., ECCV 2022): photographs anywhere below a folder, and a table that names
//! them.
//!
//! ```text
//! split_csv/1cls.csv
//! candle/Data/Images/Normal/0000.JPG
//! candle/Data/Images/Anomaly/000.JPG
//! candle/Data/Masks/Anomaly/000.png
//! ```

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::found::{Found, Purpose};
use crate::listing::Place;
use crate::table::{self, Row};
use crate::{Entry, Error, Ignored, Layout, Records, Result, Role, Scan, Split};

/// A folder with the table `1cls.csv`, directly in it or in `split_csv`.
///
/// The table is a CSV file in UTF-8 with the header `object,split,label,image,mask`; the split is `train` or
/// `test`, the label `normal` or `anomaly`, and the paths are relative to the folder, with `/` between their
/// parts. The mask may be missing and is empty for normal images. An object is a category; types of defects
/// are not told. Ids are the paths of the images as they stand in the table.
///
/// A table may come from anywhere, so that its paths must not lead out of the folder, not over links either.
/// A row that breaks these rules, or names a file that is not there, is an error: it is the sign of a damaged
/// or incomplete data set, in which the rest cannot be trusted.
///
/// The tree that VisA's own script makes from it, with `test/bad` and `ground_truth/bad`, is one for
/// [`MvtecAd`](crate::MvtecAd).
pub enum VisA {}

const EXPECTED: &str = "VisA with 1cls.csv or split_csv/1cls.csv";
const TABLES: [&str; 2] = ["1cls.csv", "split_csv/1cls.csv"];

impl VisA {
    /// One part of one category. Only its files have to be there.
    ///
    /// # Errors
    /// Those of [`scan`](Self::scan), [`Error::NoSuchCategory`] and [`Error::NoRows`].
    pub fn open(root: impl AsRef<Path>, category: &str, split: Split) -> Result<Records> {
        let wanted = |row: &Row| row.object == category && row.split == split;
        read(root.as_ref(), Purpose::Open, wanted)?.records_of(category, split)
    }

    /// All parts of all categories, and what became of every file.
    ///
    /// # Errors
    /// [`Error::MissingFolder`], [`Error::NotAFolder`], [`Error::NoTable`], [`Error::ReadTable`],
    /// [`Error::TableSize`]; [`Error::Table`], which names the line; [`Error::NotUtf8`] for the name of `root`
    /// alone.
    pub fn scan(root: impl AsRef<Path>) -> Result<Scan> {
        read(root.as_ref(), Purpose::Scan, |_| true)
    }
}

/// The table of images in the folder `root`, if there is one.
pub(crate) fn table_in(root: &Path) -> Option<PathBuf> {
    TABLES.iter().map(|name| root.join(name)).find(|path| path.is_file())
}

fn read(root: &Path, purpose: Purpose, wanted: impl Fn(&Row) -> bool) -> Result<Scan> {
    let place = Place::open(root, EXPECTED)?;
    let table = table_in(root).ok_or_else(|| Error::NoTable { path: root.to_owned() })?;
    let rows = table::read(&table)?;
    let categories: BTreeSet<String> = rows.iter().map(|row| row.object.clone()).collect();
    let mut found = Found::new(root, purpose);
    for row in rows.into_iter().filter(wanted) {
        let (split, line) = (row.split, row.line);
        let entry = entry(&place, row).map_err(|fault| Error::Table { line, fault, path: table.clone() })?;
        found.image(split, entry);
    }
    if purpose == Purpose::Scan {
        note_the_rest(&mut found, &place, table);
    }
    Ok(Scan::new(Layout::VisA, &place, categories.into_iter().collect(), found, Vec::new()))
}

fn entry(place: &Place, row: Row) -> std::result::Result<Entry, table::TableFault> {
    let locate = |file: &String| table::locate(&place.path, place.real(), file);
    Ok(Entry {
        image: locate(&row.image)?,
        mask: row.mask.as_ref().map(locate).transpose()?,
        id: row.image,
        category: row.object,
        label: row.label,
        defect_type: None,
    })
}

fn note_the_rest(found: &mut Found, place: &Place, table: PathBuf) {
    found.note(&table, Role::Table);
    let masks = found.entries.iter().filter_map(|(_, entry)| entry.mask.clone());
    let mut named: BTreeSet<PathBuf> = masks.collect();
    named.extend(found.entries.iter().map(|(_, entry)| entry.image.clone()));
    named.insert(table);
    place.sweep(Ignored::NotInTable, &mut |path, reason| {
        if !named.contains(&path) {
            found.ignore(path, reason);
        }
    });
}
