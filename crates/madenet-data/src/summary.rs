//! The report of a scan as text.

use std::fmt::{self, Write as _};
use std::path::Path;

use crate::{Group, Role, ScanReport};

/// Paths shown for each reason.
const EXAMPLES: usize = 3;

/// A name from a file system, with its control characters escaped: it must not break lines or drive a
/// terminal.
pub(crate) struct Plain<'a>(pub(crate) &'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for char in self.0.chars() {
            if char.is_control() {
                write!(f, "{}", char.escape_default())?;
            } else {
                f.write_char(char)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for ScanReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |wanted: fn(&Role) -> bool| self.files().iter().filter(|file| wanted(&file.role)).count();
        let images = count(|role| matches!(role, Role::Image { .. }));
        let masks = count(|role| matches!(role, Role::Mask { .. }));
        let ignored = count(|role| matches!(role, Role::Ignored(_)));
        writeln!(f, "{}", self.layout())?;
        writeln!(f, "images {images}, masks {masks}, ignored {ignored}\n")?;
        write_table(f, self.groups())?;
        if ignored > 0 {
            writeln!(f, "\nignored")?;
        }
        for (reason, files) in self.ignored() {
            write!(f, "  {reason} ({}): ", files.len())?;
            let shown: Vec<String> = files.iter().take(EXAMPLES).map(|file| slashed(&file.path)).collect();
            let more = if files.len() > shown.len() { ", ..." } else { "" };
            writeln!(f, "{}{more}", Plain(&shown.join(", ")))?;
        }
        if !self.warnings().is_empty() {
            writeln!(f, "\nwarnings")?;
        }
        self.warnings().iter().try_for_each(|warning| writeln!(f, "  {warning}"))
    }
}

/// Names to the left, numbers to the right, every column as wide as its widest cell.
fn write_table(f: &mut fmt::Formatter<'_>, groups: &[Group]) -> fmt::Result {
    let header = ["category", "split", "label", "defect type", "images", "masks"].map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(header).chain(groups.iter().map(cells)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let w: [usize; 6] = std::array::from_fn(width);
    for [category, split, label, defect, images, masks] in &rows {
        write!(f, "{category:0$}  {split:1$}  {label:2$}  {defect:3$}  ", w[0], w[1], w[2], w[3])?;
        writeln!(f, "{images:>0$}  {masks:>1$}", w[4], w[5])?;
    }
    Ok(())
}

fn cells(group: &Group) -> [String; 6] {
    [
        Plain(&group.category).to_string(),
        group.split.folder().to_owned(),
        group.label.to_string(),
        group.defect_type.as_deref().map_or("-".to_owned(), |defect| Plain(defect).to_string()),
        group.images.to_string(),
        if group.label.is_anomalous() { group.masks.to_string() } else { "-".to_owned() },
    ]
}

/// A path with `/` between its parts on every system.
pub(crate) fn slashed(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}
