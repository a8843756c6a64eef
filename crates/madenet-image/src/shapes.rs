//! Masks that are drawn: regions of interest and regions to ignore.
//!
//! What counts on a part is often the same in every picture: inspect the seal, ignore the label. A drawn mask
//! says so once, [`Mask::and`] and [`Mask::invert`] apply it to what a detector has found.

use crate::mask::mask_len;
use crate::{Error, Mask, Rect, Result};

impl Mask {
    /// A mask of `width * height` pixels with those of `rect` filled. What lies outside of the mask is cut off.
    ///
    /// # Errors
    /// [`Error::NoPixels`] or [`Error::SizeOverflow`] of the mask; the rectangle may be empty.
    ///
    /// ```
    /// use madenet_image::{Mask, Rect};
    ///
    /// let region = Mask::rectangle(6, 4, Rect::new(1, 2, 3, 9))?;
    /// assert_eq!(region, Mask::from_ascii("
    ///     ......
    ///     ......
    ///     .***..
    ///     .***..
    /// ")?);
    /// # Ok::<(), madenet_image::Error>(())
    /// ```
    pub fn rectangle(width: usize, height: usize, rect: Rect) -> Result<Mask> {
        let mut data = vec![false; mask_len(width, height)?];
        if let Some(seen) = rect.intersect(Rect::new(0, 0, width, height)) {
            for row in data.chunks_exact_mut(width).take(seen.bottom()).skip(seen.y) {
                row[seen.x..seen.right()].fill(true);
            }
        }
        Ok(Mask::from_parts(width, height, data))
    }

    /// A mask of `width * height` pixels with a filled polygon: the pixels whose centres, at half
    /// coordinates, lie inside. The last corner is joined with the first one.
    ///
    /// Corners may lie outside of the mask. Where the outline crosses itself, what it goes round twice is
    /// outside (the even-odd rule). A centre right on the outline is inside if it is a left or an upper edge,
    /// so polygons that share an edge share no pixel. Fewer than three corners have no inside.
    ///
    /// # Errors
    /// [`Error::NoPixels`] or [`Error::SizeOverflow`] of the mask, [`Error::Corner`] where a coordinate is
    /// not finite.
    ///
    /// ```
    /// use madenet_image::Mask;
    ///
    /// let triangle = Mask::polygon(8, 5, &[(0.0, 0.0), (8.0, 0.0), (4.0, 4.0)])?;
    /// assert_eq!(triangle, Mask::from_ascii("
    ///     *******.
    ///     .*****..
    ///     ..***...
    ///     ...*....
    ///     ........
    /// ")?);
    /// # Ok::<(), madenet_image::Error>(())
    /// ```
    pub fn polygon(width: usize, height: usize, corners: &[(f32, f32)]) -> Result<Mask> {
        let finite = |&(x, y): &(f32, f32)| x.is_finite() && y.is_finite();
        if let Some(index) = corners.iter().position(|corner| !finite(corner)) {
            let (x, y) = corners[index];
            return Err(Error::Corner { index, x, y });
        }
        let mut data = vec![false; mask_len(width, height)?];
        for (&from, &to) in corners.iter().zip(corners.iter().cycle().skip(1)) {
            mark_crossings(&mut data, width, from, to);
        }
        // A pixel is inside if an odd number of edges has been crossed on the way to it.
        for row in data.chunks_exact_mut(width) {
            let mut inside = false;
            for pixel in row {
                inside ^= *pixel;
                *pixel = inside;
            }
        }
        Ok(Mask::from_parts(width, height, data))
    }
}

/// Flips in each row the first pixel whose centre is not to the left of the edge.
fn mark_crossings(data: &mut [bool], width: usize, from: (f32, f32), to: (f32, f32)) {
    // Always downwards: the same edge rounds the same way in both of its polygons.
    let (top, bottom) = if from.1 <= to.1 { (from, to) } else { (to, from) };
    let [x0, y0, x1, y1] = [top.0, top.1, bottom.0, bottom.1].map(f64::from);
    // The first row, or column, whose centre is not before a coordinate; casts saturate.
    let first = |coordinate: f64| (coordinate - 0.5).ceil() as usize;
    for (y, row) in data.chunks_exact_mut(width).enumerate().take(first(y1)).skip(first(y0)) {
        let crossing = x0 + (y as f64 + 0.5 - y0) * ((x1 - x0) / (y1 - y0));
        if let Some(pixel) = row.get_mut(first(crossing)) {
            *pixel ^= true;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rectangles_are_cut_off_at_the_mask() {
        let count = |x, y, w, h| Mask::rectangle(4, 3, Rect::new(x, y, w, h)).unwrap().count();
        assert_eq!(count(0, 0, usize::MAX, usize::MAX), 12);
        assert_eq!(count(3, 2, usize::MAX, usize::MAX), 1);
        assert_eq!(count(4, 0, 1, 1), 0);
        assert_eq!(count(usize::MAX, usize::MAX, usize::MAX, usize::MAX), 0);
        assert_eq!(count(1, 1, 0, 2), 0);
    }

    #[test]
    fn an_outline_that_crosses_itself_leaves_a_hole() {
        // Twice round: a square and a smaller one inside, drawn as one line.
        let corners = [
            (0., 0.),
            (5., 0.),
            (5., 5.),
            (0., 5.),
            (0., 0.),
            (1., 1.),
            (4., 1.),
            (4., 4.),
            (1., 4.),
            (1., 1.),
        ];
        let frame = Mask::polygon(5, 5, &corners).unwrap();
        assert_eq!(frame.to_string(), "*****\n*...*\n*...*\n*...*\n*****");
    }

    #[test]
    fn corners_outside_are_allowed_and_not_finite_ones_refused() {
        let all = [(-1e30, -1e30), (1e30, -1e30), (1e30, 1e30), (-1e30, 1e30)];
        assert_eq!(Mask::polygon(3, 2, &all).unwrap().count(), 6);
        let right = [(2.0, -5.0), (90.0, -5.0), (90.0, 50.0), (2.0, 50.0)];
        assert_eq!(Mask::polygon(3, 2, &right).unwrap().to_string(), "..*\n..*");
        let error = Mask::polygon(3, 2, &[(0.0, 0.0), (f32::NAN, 1.0)]).unwrap_err();
        assert_eq!(error.to_string(), "the corners of a polygon must be finite, but corner 1 is (NaN, 1)");
    }

    #[test]
    fn fewer_than_three_corners_have_no_inside() {
        let corners = [(0.0, 0.0), (3.0, 3.0)];
        for count in 0..=2 {
            assert_eq!(Mask::polygon(3, 3, &corners[..count]).unwrap().count(), 0);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_polygon_cut_in_two_has_each_pixel_once(
            corners in proptest::collection::vec((-3.0f32..12.0, -3.0f32..12.0), 4),
        ) {
            let mask = |indices: [usize; 3]| Mask::polygon(9, 9, &indices.map(|i| corners[i])).unwrap();
            let (one, other) = (mask([0, 1, 2]), mask([2, 3, 0]));
            let whole = Mask::polygon(9, 9, &corners).unwrap();
            // By the even-odd rule the whole has what is in one of the parts, not in both.
            let both = one.and(&other).unwrap();
            prop_assert_eq!(whole, one.or(&other).unwrap().and(&both.invert()).unwrap());
        }

        #[test]
        fn corners_of_pixels_make_rectangles(x in 0..6u8, y in 0..6u8, w in 0..6u8, h in 0..6u8) {
            let [left, top, right, bottom] = [x, y, x + w, y + h].map(f32::from);
            let polygon = [(left, top), (right, top), (right, bottom), (left, bottom)];
            let [x, y, w, h] = [x, y, w, h].map(usize::from);
            prop_assert_eq!(
                Mask::polygon(8, 7, &polygon).unwrap(),
                Mask::rectangle(8, 7, Rect::new(x, y, w, h)).unwrap()
            );
        }
    }
}
