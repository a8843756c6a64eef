//! Operators that map every channel by a table.

use madenet_image::Image;

/// For each code of a channel the one that replaces it.
pub(super) type Table = [u8; 256];

/// A table from a function of the code.
pub(super) fn table(code: impl FnMut(usize) -> u8) -> Table {
    std::array::from_fn(code)
}

/// Replaces the codes of red, green and blue.
pub(super) fn look_up(image: &mut Image, [red, green, blue]: &[Table; 3]) {
    for [r, g, b] in image.pixels_mut().as_chunks_mut::<3>().0 {
        (*r, *g, *b) = (red[usize::from(*r)], green[usize::from(*g)], blue[usize::from(*b)]);
    }
}
