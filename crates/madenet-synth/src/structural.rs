//! Patches of a picture in another order.

use madenet_image::Image;
use madenet_rng::Stream;

use crate::{Error, Result};

/// The picture cut into `grid x grid` equal cells, put together in an order drawn uniformly: the structural anomalies of
/// MemSeg (Yang et al., "MemSeg", 2023).
///
/// # Errors
/// [`Error::Grid`] where `grid` is 0 or does not divide both sides.
///
/// ```
/// use madenet_image::Image;
/// use madenet_rng::Stream;
/// use madenet_synth::shuffle_cells;
///
/// let image = Image::new(2, 2, vec![1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4])?;
/// let shuffled = shuffle_cells(&image, 2, &mut Stream::new(0, "doc", 0, 0))?;
/// let mut cells: Vec<u8> = shuffled.pixels().iter().step_by(3).copied().collect();
/// cells.sort();
/// assert_eq!(cells, [1, 2, 3, 4]);
/// # Ok::<(), madenet_synth::Error>(())
/// ```
pub fn shuffle_cells(image: &Image, grid: usize, stream: &mut Stream) -> Result<Image> {
    let (width, height) = (image.width(), image.height());
    check_grid(grid, width, height)?;
    let (cell_width, cell_height) = (width / grid, height / grid);
    let (row, cell_row) = (3 * width, 3 * cell_width);
    let mut out = Vec::with_capacity(image.pixels().len());
    let order = stream.permutation(grid * grid);
    for cells in order.chunks_exact(grid) {
        for y in 0..cell_height {
            for &cell in cells {
                let (down, across) = (cell / grid * cell_height + y, cell % grid * cell_row);
                out.extend_from_slice(&image.pixels()[down * row + across..][..cell_row]);
            }
        }
    }
    Ok(Image::new(width, height, out)?)
}

/// # Errors
/// [`Error::Grid`] where `grid` is 0 or does not divide both sides.
pub(crate) fn check_grid(grid: usize, width: usize, height: usize) -> Result<()> {
    if grid > 0 && width.is_multiple_of(grid) && height.is_multiple_of(grid) {
        return Ok(());
    }
    Err(Error::Grid { grid, width, height })
}
