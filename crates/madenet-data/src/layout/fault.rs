//! What is wrong with a table of images.

use super::table::HEADER;

/// Characters of a wrong field that a message shows.
const SHOWN: usize = 60;

/// What is wrong with a row of a table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TableFault {
    /// Bytes that are no text.
    #[error("expected UTF-8")]
    NotUtf8,
    /// The first row is not the header.
    #[error("expected the header {}, got {}", HEADER.join(","), .0)]
    Header(String),
    /// Nothing follows the header.
    #[error("expected a row for each image, got none")]
    NoRows,
    /// A row over several lines, which no field should have.
    #[error("expected each row on one line, got one over several (is a quote not closed?)")]
    OpenQuote,
    /// A row that cannot be told into fields.
    #[error("expected comma-separated fields: {0}")]
    NotCsv(String),
    /// Another number of fields than the header has.
    #[error("expected the 5 fields {}, got {}", HEADER.join(","), .0)]
    Fields(usize),
    /// An object that is no name of a category.
    #[error("expected a plain name of an object, without /, \\ or : and no dot or space at its end, got {0}")]
    Object(String),
    /// A part that does not exist.
    #[error("expected the split train or test, got {0}")]
    Split(String),
    /// A label that does not exist.
    #[error("expected the label normal or anomaly, got {0}")]
    Label(String),
    /// A path that is empty, may lead out of the folder, or names different files on different systems.
    #[error(
        "expected a path of plain names below the folder, without \\ or : and no dot or space at their ends, got {0}"
    )]
    UnsafePath(String),
    /// A normal image with a mask.
    #[error("expected no mask for a normal image, got {0}")]
    MaskOfNormal(String),
    /// A file named twice, by one path or by two.
    #[error("the file {file} has been named on line {line} already")]
    Twice {
        /// As it stands in the table.
        file: String,
        /// The line of the first time.
        line: u64,
    },
    /// A file that is not there, as after an incomplete download.
    #[error("cannot find the file {0} (is the data set complete?)")]
    Missing(String),
    /// A file that the system does not let be looked at.
    #[error("cannot look at the file {file}: {answer}")]
    Unreadable {
        /// As it stands in the table.
        file: String,
        /// The operating system's answer.
        answer: String,
    },
    /// A link on the way to a file leads out of the folder.
    #[error("the file {0} is linked to a place outside of the folder")]
    Outside(String),
    /// Something else than a file, such as a folder.
    #[error("expected a file, but {0} is none")]
    NotAFile(String),
}

/// The first faults of a table with their lines, by line, and how many more there are.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    pub(crate) first: Vec<(u64, TableFault)>,
    pub(crate) more: usize,
}

impl Faults {
    /// A table of another format has a fault on each of many lines.
    const MOST: usize = 100;

    pub(crate) fn add(&mut self, line: u64, fault: TableFault) {
        let at = self.first.partition_point(|(before, _)| *before <= line);
        self.first.insert(at, (line, fault));
        if self.first.len() > Self::MOST {
            self.first.pop();
            self.more += 1;
        }
    }
}

/// The beginning of a field in quotes, with control characters escaped.
pub(crate) fn shown(field: &str) -> String {
    match field.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}...", field.get(..end).unwrap_or_default()),
        None => format!("{field:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_fields_are_cut_in_messages() {
        assert_eq!(shown("a\u{1b}"), "\"a\\u{1b}\"");
        assert_eq!(shown(&"ä".repeat(61)), format!("\"{}\"...", "ä".repeat(60)));
    }

    #[test]
    fn the_first_faults_are_kept_and_the_others_counted() {
        let mut faults = Faults::default();
        (1..=150).rev().for_each(|line| faults.add(line, TableFault::Fields(1)));
        faults.add(151, TableFault::Fields(2));
        assert_eq!((faults.first.len(), faults.more), (100, 51));
        assert!(faults.first.iter().map(|(line, _)| *line).eq(1..=100));
    }
}
