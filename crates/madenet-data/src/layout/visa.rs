//! The layout of VisA (Zou et al., ECCV 2022): photographs anywhere below a folder, and a table that names
//! them.
//!
//! ```text
//! split_csv/1cls.csv
//! candle/Data/Images/Normal/0000.JPG
//! candle/Data/Images/Anomaly/000.JPG
//! candle/Data/Masks/Anomaly/000.png
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::fault::{Faults, TableFault, shown};
use super::found::{Found, Purpose};
use super::listing::Place;
use super::table::{self, Row};
use crate::scan::{Contents, Source};
use crate::{Entry, Error, Ignored, Layout, Records, Result, Role, Scan, ScanWarning, Split};

/// A folder with the table `1cls.csv`, directly in it or in `split_csv`.
///
/// The table is a CSV file in UTF-8 with the header `object,split,label,image,mask`; the split is `train` or
/// `test`, the label `normal` or `anomaly`, and the paths are relative to the folder, with `/` between their
/// parts. The mask may be missing and is empty for normal images. An object is a category; types of defects
/// are not told. Ids are the paths of the images as they stand in the table.
///
/// A table may come from anywhere, so that its paths must not lead out of the folder, not over links either.
/// Nor may they have a colon, or names that end in a dot or space, since systems differ in what these mean. A
/// row that breaks these rules, or names a file that is not there or that another row names, is an error: it is
/// the sign of a damaged or incomplete data set, in which the rest cannot be trusted. A scan tells of up to 100
/// such rows, and gives no records.
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
    /// Those of [`scan`](Self::scan), [`Error::Table`] for any row that cannot be used,
    /// [`Error::NoSuchCategory`] and [`Error::NoRows`].
    pub fn open(root: impl AsRef<Path>, category: &str, split: Split) -> Result<Records> {
        let root = root.as_ref();
        let wanted = |row: &Row| row.object == category && row.split == split;
        let Read { found, table, categories, faults } = read(root, Purpose::Open, wanted)?;
        Contents::new(root, source(table, &faults), categories, found.entries).records_of(category, split)
    }

    /// All parts of all categories, and what became of every file.
    ///
    /// A row that cannot be used is a warning of the report, and [`Scan::records`] refuses the first of them.
    ///
    /// # Errors
    /// [`Error::MissingFolder`], [`Error::NotAFolder`], [`Error::NoTable`], [`Error::ReadTable`],
    /// [`Error::TableSize`]; [`Error::Table`] for another header, no rows, or bytes that are no text.
    pub fn scan(root: impl AsRef<Path>) -> Result<Scan> {
        let Read { found, table, categories, faults } = read(root.as_ref(), Purpose::Scan, |_| true)?;
        let source = source(table, &faults);
        let row = |(line, fault)| ScanWarning::TableRow { line, fault };
        let mut warnings: Vec<ScanWarning> = faults.first.into_iter().map(row).collect();
        if faults.more > 0 {
            warnings.push(ScanWarning::MoreTableRows { count: faults.more });
        }
        Ok(Scan::new(Layout::VisA, source, categories, found, warnings))
    }
}

/// The table of images in the folder `root`, if there is one.
pub(crate) fn table_in(root: &Path) -> Option<PathBuf> {
    TABLES.iter().map(|name| root.join(name)).find(|path| path.is_file())
}

struct Read {
    found: Found,
    table: PathBuf,
    categories: Vec<String>,
    faults: Faults,
}

fn source(table: PathBuf, faults: &Faults) -> Source {
    Source::Table { path: table, fault: faults.first.first().cloned() }
}

fn read(root: &Path, purpose: Purpose, wanted: impl Fn(&Row) -> bool) -> Result<Read> {
    let place = Place::open(root, EXPECTED)?;
    let path = table_in(root).ok_or_else(|| Error::NoTable { path: root.to_owned() })?;
    let table::Table { rows, mut faults } = table::read(&path)?;
    let categories: BTreeSet<String> = rows.iter().map(|row| row.object.clone()).collect();
    let mut found = Found::new(root, purpose);
    let mut files = BTreeMap::new();
    for row in rows.into_iter().filter(wanted) {
        let (split, line) = (row.split, row.line);
        match entry(&place, &mut files, row) {
            Ok(entry) => found.image(split, entry),
            Err(fault) => faults.add(line, fault),
        }
    }
    if purpose == Purpose::Scan {
        note_the_rest(&mut found, &place, &path);
    }
    Ok(Read { found, table: path, categories: categories.into_iter().collect(), faults })
}

/// The sample of a row. `files` are the lines of the rows before, by the paths of their files without links.
fn entry(
    place: &Place,
    files: &mut BTreeMap<PathBuf, u64>,
    row: Row,
) -> std::result::Result<Entry, TableFault> {
    let mut locate = |file: &String| {
        let located = table::locate(&place.path, place.real(), file)?;
        match files.get(&located.real) {
            Some(&line) => return Err(TableFault::Twice { file: shown(file), line }),
            None => drop(files.insert(located.real, row.line)),
        }
        Ok(located.path)
    };
    Ok(Entry {
        image: locate(&row.image)?,
        mask: row.mask.as_ref().map(locate).transpose()?,
        id: row.image,
        category: row.object,
        label: row.label,
        defect_type: None,
    })
}

fn note_the_rest(found: &mut Found, place: &Place, table: &Path) {
    found.note(table, Role::Table);
    let masks = found.entries.iter().filter_map(|(_, entry)| entry.mask.clone());
    let mut named: BTreeSet<PathBuf> = masks.collect();
    named.extend(found.entries.iter().map(|(_, entry)| entry.image.clone()));
    named.insert(table.to_owned());
    place.sweep(Ignored::NotInTable, &mut |path, reason| {
        if !named.contains(&path) {
            found.ignore(path, reason);
        }
    });
}
