//! Which pixel stands for a place beyond the end of a row or column.

use crate::Border;

/// The pixel read at place `at` of an axis of `len` pixels; `None` stands for 0.
#[inline]
pub(super) fn source(border: Border, at: isize, len: usize) -> Option<usize> {
    match usize::try_from(at) {
        Ok(inside) if inside < len => Some(inside),
        _ => outside(border, at, len),
    }
}

fn outside(border: Border, at: isize, len: usize) -> Option<usize> {
    let (period, turn) = match border {
        Border::Zero | Border::Exclude => return None,
        Border::Reflect if len == 1 => return Some(0),
        // a b c c b a, and a b c b: one period, and the sum of two places with the same pixel.
        Border::Symmetric => (2 * len as isize, 2 * len as isize - 1),
        Border::Reflect => (2 * len as isize - 2, 2 * len as isize - 2),
    };
    // Almost always within one reflection, where no division is needed.
    let position = match at {
        _ if at < -period || at >= period => at.rem_euclid(period),
        _ if at < 0 => at + period,
        _ => at,
    };
    Some(position.min(turn - position) as usize)
}

/// Fills `values` with `row` from place `from` on, which may lie outside.
pub(super) fn fill(border: Border, row: &[f32], from: isize, values: &mut [f32]) {
    let (len, count) = (row.len() as isize, values.len() as isize);
    let start = (-from).clamp(0, count) as usize;
    let end = (len - from).clamp(start as isize, count) as usize;
    if start < end {
        let inside = (from + start as isize) as usize;
        values[start..end].copy_from_slice(&row[inside..inside + end - start]);
    }
    for place in (0..start).chain(end..values.len()) {
        values[place] = source(border, from + place as isize, row.len()).map_or(0.0, |column| row[column]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The letters read from 7 places before a plane to 7 places behind it.
    fn read(border: Border, plane: &str) -> String {
        let len = plane.len();
        let letter = |at| source(border, at, len).map_or(".", |i| &plane[i..=i]);
        (-7..len as isize + 7).map(letter).collect()
    }

    #[test]
    fn the_plane_goes_on_as_drawn() {
        assert_eq!(read(Border::Zero, "abc"), ".......abc.......");
        assert_eq!(read(Border::Exclude, "abc"), ".......abc.......");
        assert_eq!(read(Border::Symmetric, "abc"), "aabccbaabccbaabcc");
        assert_eq!(read(Border::Reflect, "abc"), "bcbabcbabcbabcbab");
        assert_eq!(read(Border::Symmetric, "a"), "a".repeat(15));
        assert_eq!(read(Border::Reflect, "a"), "a".repeat(15));
        assert_eq!(read(Border::Reflect, "ab"), "babababababababa");
    }

    #[test]
    fn a_row_is_filled_in_from_any_place() {
        let row = [1.0, 2.0, 3.0];
        for border in [Border::Zero, Border::Exclude, Border::Symmetric, Border::Reflect] {
            for from in -9..9 {
                for len in 0..9 {
                    let mut values = vec![f32::NAN; len];
                    fill(border, &row, from, &mut values);
                    let at = |i| source(border, from + i as isize, 3).map_or(0.0, |column| row[column]);
                    assert_eq!(values, (0..len).map(at).collect::<Vec<_>>(), "{border:?} {from} {len}");
                }
            }
        }
    }
}
