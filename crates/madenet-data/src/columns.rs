//! Tables for people.

use std::fmt;

/// Writes rows in columns as wide as their widest cells: the last `numbers` columns to the right, the others to
/// the left.
pub(crate) fn write_columns<const N: usize>(
    f: &mut fmt::Formatter<'_>,
    rows: &[[String; N]],
    numbers: usize,
) -> fmt::Result {
    let mut widths = [0; N];
    for row in rows {
        widths.iter_mut().zip(row).for_each(|(width, cell)| *width = (*width).max(cell.chars().count()));
    }
    for row in rows {
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            let gap = if column == 0 { "" } else { "  " };
            if column + numbers < N {
                write!(f, "{gap}{cell:width$}")?;
            } else {
                write!(f, "{gap}{cell:>width$}")?;
            }
        }
        writeln!(f)?;
    }
    Ok(())
}
