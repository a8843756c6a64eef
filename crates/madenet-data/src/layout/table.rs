//! The table of images of VisA: a CSV file with one row for each image.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use csv::{ReaderBuilder, StringRecord};

use super::fault::{Faults, TableFault, shown};
use crate::{Error, Label, Result, Split};

/// 16 MiB; the table of VisA has 0.66 MB.
const MAX_BYTES: u64 = 1 << 24;
pub(crate) const HEADER: [&str; 5] = ["object", "split", "label", "image", "mask"];

/// One image.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) line: u64,
    pub(crate) object: String,
    pub(crate) split: Split,
    pub(crate) label: Label,
    pub(crate) image: String,
    pub(crate) mask: Option<String>,
}

/// The rows of a table that can be used, none of which leads out of its folder by its words alone, and the
/// faults of the others.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) rows: Vec<Row>,
    pub(crate) faults: Faults,
}

/// The table at `path`.
pub(crate) fn read(path: &Path) -> Result<Table> {
    let bytes = bytes(path)?;
    let fault = |line, fault| Error::Table { line, fault, path: path.to_owned() };
    let text = std::str::from_utf8(&bytes)
        .map_err(|error| fault(line_at(&bytes, error.valid_up_to()), TableFault::NotUtf8))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    parse(text).map_err(|(line, cause)| fault(line, cause))
}

fn bytes(path: &Path) -> Result<Vec<u8>> {
    let error = |source| Error::ReadTable { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    // One byte more than allowed is enough to refuse.
    File::open(path).map_err(error)?.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(error)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Error::TableSize { limit: MAX_BYTES, path: path.to_owned() });
    }
    Ok(bytes)
}

fn parse(text: &str) -> std::result::Result<Table, (u64, TableFault)> {
    // The number of fields is checked here, for messages that say what was expected.
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut lines = Lines { text: text.as_bytes(), byte: 0, line: 1 };
    let mut record = StringRecord::new();
    let mut table = Table::default();
    let mut named = BTreeMap::new();
    let mut header = true;
    loop {
        let line = lines.of_record_at(reader.position().byte());
        match reader.read_record(&mut record) {
            Err(error) => return Err((line, TableFault::NotCsv(error.to_string()))),
            Ok(false) if header => return Err((line, TableFault::Header("an empty file".to_owned()))),
            Ok(false) if table.rows.is_empty() && table.faults.first.is_empty() => {
                return Err((line, TableFault::NoRows));
            }
            Ok(false) => return Ok(table),
            Ok(true) if header => check_header(&record).map_err(|fault| (line, fault))?,
            Ok(true) => match row(&record, line).and_then(|row| once(&mut named, row)) {
                Ok(row) => table.rows.push(row),
                Err(fault) => table.faults.add(line, fault),
            },
        }
        header = false;
    }
}

/// The row, if no other names its files.
fn once(named: &mut BTreeMap<String, u64>, row: Row) -> std::result::Result<Row, TableFault> {
    for file in std::iter::once(&row.image).chain(&row.mask) {
        match named.get(file) {
            Some(&line) => return Err(TableFault::Twice { file: shown(file), line }),
            None => drop(named.insert(file.clone(), row.line)),
        }
    }
    Ok(row)
}

/// Counts lines. The crate `csv` counts them too low by one after a blank line and where lines end in CR LF.
struct Lines<'a> {
    text: &'a [u8],
    byte: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of the record that begins at `byte` or after the ends of lines that follow it.
    fn of_record_at(&mut self, byte: u64) -> u64 {
        let byte = usize::try_from(byte).unwrap_or(usize::MAX);
        let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
        while let Some(next) = self.text.get(self.byte).filter(|next| self.byte < byte || is_end(next)) {
            self.line += u64::from(*next == b'\n');
            self.byte += 1;
        }
        self.line
    }
}

fn line_at(bytes: &[u8], byte: usize) -> u64 {
    1 + bytes.iter().take(byte).filter(|&&byte| byte == b'\n').count() as u64
}

fn check_header(record: &StringRecord) -> std::result::Result<(), TableFault> {
    if record.iter().eq(HEADER) {
        return Ok(());
    }
    Err(TableFault::Header(shown(&record.iter().collect::<Vec<_>>().join(","))))
}

fn row(record: &StringRecord, line: u64) -> std::result::Result<Row, TableFault> {
    let fields: Vec<&str> = record.iter().collect();
    if fields.iter().any(|field| field.contains(['\r', '\n'])) {
        return Err(TableFault::OpenQuote);
    }
    let &[object, split, label, image, mask] = fields.as_slice() else {
        return Err(TableFault::Fields(fields.len()));
    };
    if !is_plain_name(object) {
        return Err(TableFault::Object(shown(object)));
    }
    let split = Split::named(split).ok_or_else(|| TableFault::Split(shown(split)))?;
    let label = match label {
        "normal" => Label::Normal,
        "anomaly" => Label::Anomalous,
        other => return Err(TableFault::Label(shown(other))),
    };
    let image = checked(image)?;
    let mask = if mask.is_empty() { None } else { Some(checked(mask)?) };
    match mask {
        Some(mask) if label == Label::Normal => Err(TableFault::MaskOfNormal(shown(&mask))),
        mask => Ok(Row { line, object: object.to_owned(), split, label, image, mask }),
    }
}

/// A path of plain names, so that it is absolute on no system and means the same file on each.
fn checked(path: &str) -> std::result::Result<String, TableFault> {
    if !path.split('/').all(is_plain_name) {
        return Err(TableFault::UnsafePath(shown(path)));
    }
    Ok(path.to_owned())
}

/// Windows takes what follows a colon for a stream of the file, and drops dots and spaces at the end.
fn is_plain_name(name: &str) -> bool {
    let allowed = |char: char| !matches!(char, '/' | '\\' | ':') && !char.is_control();
    !name.is_empty() && !name.ends_with(['.', ' ']) && name.chars().all(allowed)
}

/// A file that a row names: its path below the folder of the data set, and the one without links.
pub(crate) struct Located {
    pub(crate) path: PathBuf,
    pub(crate) real: PathBuf,
}

/// The file that a row names, below `root`, whose path without links is `real_root`.
pub(crate) fn locate(root: &Path, real_root: &Path, file: &str) -> std::result::Result<Located, TableFault> {
    let path = root.join(file);
    let fault = |answer: io::Error| match answer.kind() {
        io::ErrorKind::NotFound => TableFault::Missing(shown(file)),
        _ => TableFault::Unreadable { file: shown(file), answer: answer.to_string() },
    };
    let real = path.canonicalize().map_err(fault)?;
    if !real.starts_with(real_root) {
        return Err(TableFault::Outside(shown(file)));
    }
    if !real.metadata().map_err(fault)?.is_file() {
        return Err(TableFault::NotAFile(shown(file)));
    }
    Ok(Located { path, real })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_over_blank_ones_and_both_endings() {
        let row = "a,train,normal,";
        for end in ["\n", "\r\n"] {
            let text = format!("{}{end}{row}1,{end}{end}{end}{row}4,{end}{row}5,", HEADER.join(","));
            let table = parse(&text).unwrap();
            let lines: Vec<(u64, &str)> =
                table.rows.iter().map(|row| (row.line, row.image.as_str())).collect();
            assert_eq!(lines, [(2, "1"), (5, "4"), (6, "5")]);
        }
    }

    #[test]
    fn paths_lead_nowhere_else() {
        for safe in ["a", "a b/ä.JPG", "candle/Data/Images/Normal/0000.JPG", "...a"] {
            assert_eq!(checked(safe).unwrap(), safe);
        }
        let unsafe_paths = [
            "",
            "/etc/a",
            "..",
            "a/../b",
            "./a",
            "a//b",
            "a/",
            "a\\b",
            "\\\\host\\a",
            "C:a",
            "ab:c",
            "a\0b",
            "...",
            "a.",
            "a ",
            "a /b",
        ];
        for path in unsafe_paths {
            assert!(matches!(checked(path), Err(TableFault::UnsafePath(_))), "{path}");
        }
    }

    #[test]
    fn damaged_tables_give_rows_or_the_line_of_the_damage() {
        let text =
            format!("{}\n\"a\",train,normal,b/c.png,\r\na,test,anomaly,d.png,e.png\n", HEADER.join(","));
        for at in 0..text.len() {
            for damage in ["", ",", "\"", "\n", "\r", "\0", "..", "\u{feff}"] {
                let damaged = format!("{}{damage}{}", &text[..at], &text[at + 1..]);
                match parse(&damaged) {
                    Ok(Table { rows, faults }) => assert!(!rows.is_empty() || !faults.first.is_empty()),
                    Err((line, _)) => assert!((1..=4).contains(&line), "{line}: {damaged:?}"),
                }
                let _ = parse(&damaged[..at]);
            }
        }
    }
}
