//! The report of a scan as text.

use std::fmt;

use crate::columns::write_columns;
use crate::plain::{Plain, slashed};
use crate::{Group, Role, ScanReport, ScannedFile};

/// Paths shown for each reason.
const EXAMPLES: usize = 3;

impl fmt::Display for ScanReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |wanted: fn(&Role) -> bool| self.files().iter().filter(|file| wanted(&file.role)).count();
        let images = count(|role| matches!(role, Role::Image { .. }));
        let masks = count(|role| matches!(role, Role::Mask { .. }));
        let ignored = count(|role| matches!(role, Role::Ignored(_)));
        writeln!(f, "{}", self.layout())?;
        writeln!(f, "images {images}, masks {masks}, ignored {ignored}\n")?;
        let header = ["category", "split", "label", "defect type", "images", "masks"].map(str::to_owned);
        let rows: Vec<_> = std::iter::once(header).chain(self.groups().iter().map(cells)).collect();
        write_columns(f, &rows, 2)?;
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

fn cells(Group { split, class, count }: &Group) -> [String; 6] {
    [
        Plain(&class.category).to_string(),
        split.to_string(),
        class.label.to_string(),
        class.defect_type.as_deref().map_or("-".to_owned(), |defect| Plain(defect).to_string()),
        count.samples.to_string(),
        if class.label.is_anomalous() { count.with_mask.to_string() } else { "-".to_owned() },
    ]
}

impl fmt::Display for ScannedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", Plain(&slashed(&self.path)))?;
        match &self.role {
            Role::Image { split, class } => {
                write!(f, "image, {split}, {}", class.label)?;
                class.defect_type.iter().try_for_each(|defect| write!(f, ", {}", Plain(defect)))
            }
            Role::Mask { images } => write!(f, "mask of {}", Plain(&images.join(", "))),
            Role::Table => f.write_str("table of images"),
            Role::Ignored(reason) => write!(f, "ignored, {}", reason.of_one()),
        }
    }
}
