//! Many pictures on one.

use crate::raster::value_count;
use crate::{Error, Filter, Image, Result, letterbox_rect, resize};

/// The pictures side by side, row by row from the upper left, each as large as its cell allows.
///
/// A picture keeps its proportions and is centred in its cell of `cell` (width, height) pixels; `gap` pixels
/// lie between cells, and what is left has the colour `background`. Where there are fewer pictures than
/// `columns`, the sheet has as many columns as pictures.
///
/// # Errors
/// [`Error::NoCells`] without pictures or columns, [`Error::NoPixels`] where a side of the cell is zero,
/// [`Error::SizeOverflow`] where the sheet would be too large.
///
/// ```
/// use madenet_image::{Image, contact_sheet};
///
/// let wide = Image::new(4, 2, vec![1; 4 * 2 * 3])?;
/// let high = Image::new(2, 4, vec![2; 2 * 4 * 3])?;
/// let sheet = contact_sheet(&[wide.clone(), high, wide], 2, (4, 4), 1, [0, 0, 0])?;
/// let red: Vec<u8> = sheet.pixels().iter().step_by(3).copied().collect();
/// assert_eq!(red, [
///     0, 0, 0, 0,  0,  0, 2, 2, 0,
///     1, 1, 1, 1,  0,  0, 2, 2, 0,
///     1, 1, 1, 1,  0,  0, 2, 2, 0,
///     0, 0, 0, 0,  0,  0, 2, 2, 0,
///
///     0, 0, 0, 0,  0,  0, 0, 0, 0,
///
///     0, 0, 0, 0,  0,  0, 0, 0, 0,
///     1, 1, 1, 1,  0,  0, 0, 0, 0,
///     1, 1, 1, 1,  0,  0, 0, 0, 0,
///     0, 0, 0, 0,  0,  0, 0, 0, 0,
/// ]);
/// # Ok::<(), madenet_image::Error>(())
/// ```
pub fn contact_sheet(
    images: &[Image],
    columns: usize,
    cell: (usize, usize),
    gap: usize,
    background: [u8; 3],
) -> Result<Image> {
    if images.is_empty() || columns == 0 {
        return Err(Error::NoCells { pictures: images.len(), columns });
    }
    if cell.0 == 0 || cell.1 == 0 {
        return Err(Error::NoPixels { width: cell.0, height: cell.1 });
    }
    let columns = columns.min(images.len());
    let rows = images.len().div_ceil(columns);
    let mut sheet = blank(side(columns, cell.0, gap), side(rows, cell.1, gap), background)?;
    for (index, image) in images.iter().enumerate() {
        let place = letterbox_rect((image.width(), image.height()), cell);
        let fitted = resize(&image.as_view(), place.width, place.height, Filter::Bilinear)?.to_rgb();
        // Inside the sheet, hence no overflow.
        let x = origin(index % columns, cell.0, gap) + place.x;
        let y = origin(index / columns, cell.1, gap) + place.y;
        paste(&mut sheet, &fitted, x, y);
    }
    Ok(sheet)
}

/// Length of `count` cells with gaps between; the largest number where `usize` does not hold it.
fn side(count: usize, cell: usize, gap: usize) -> usize {
    count.saturating_mul(cell).saturating_add((count - 1).saturating_mul(gap))
}

/// Where the cell `index` begins.
fn origin(index: usize, cell: usize, gap: usize) -> usize {
    index * cell + index * gap
}

fn blank(width: usize, height: usize, background: [u8; 3]) -> Result<Image> {
    Image::new(width, height, background.repeat(value_count::<u8>(width, height, 3)? / 3))
}

/// Copies `image` to (`x`, `y`), where it fits.
fn paste(sheet: &mut Image, image: &Image, x: usize, y: usize) {
    let (sheet_row, row) = (3 * sheet.width(), 3 * image.width());
    let below = sheet.pixels_mut().chunks_exact_mut(sheet_row).skip(y);
    for (to, from) in below.zip(image.pixels().chunks_exact(row)) {
        to[3 * x..][..row].copy_from_slice(from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_of_one_picture_of_the_cells_size_is_the_picture() {
        let image = Image::new(2, 1, vec![1, 2, 3, 4, 5, 6]).unwrap();
        assert_eq!(
            contact_sheet(std::slice::from_ref(&image), usize::MAX, (2, 1), usize::MAX, [0; 3]).unwrap(),
            image
        );
    }

    #[test]
    fn bad_sheets_are_refused() {
        let image = Image::new(1, 1, vec![1, 2, 3]).unwrap();
        let images = [image.clone(), image];
        let error = |images: &[Image], columns, cell, gap| {
            contact_sheet(images, columns, cell, gap, [0; 3]).unwrap_err()
        };
        assert_eq!(
            error(&images, 0, (1, 1), 0).to_string(),
            "a contact sheet needs a picture and a column, got 2 pictures and 0 columns"
        );
        assert!(matches!(error(&[], 1, (1, 1), 0), Error::NoCells { .. }));
        assert!(matches!(error(&images, 1, (1, 0), 5), Error::NoPixels { .. }));
        assert!(matches!(error(&images, 2, (1, 1), usize::MAX), Error::SizeOverflow { .. }));
        assert!(matches!(error(&images, 1, (usize::MAX / 2, 9), 0), Error::SizeOverflow { .. }));
    }
}
