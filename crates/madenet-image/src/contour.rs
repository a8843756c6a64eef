//! Outlines of the regions of a mask.

use crate::Mask;

/// A closed outline along the edges of pixels.
///
/// Its points are corners of pixels: (0, 0) is the upper left corner of the picture, (width, height) the
/// lower right one. Consecutive points, and the last and the first one, are joined by horizontal or vertical
/// lines; every point is a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contour {
    points: Vec<(usize, usize)>,
    hole: bool,
}

impl Contour {
    /// The corners (x, y), at least four.
    #[must_use]
    pub fn points(&self) -> &[(usize, usize)] {
        &self.points
    }

    /// Whether this is the outline of a hole in a region; otherwise it is the outside of a region.
    #[must_use]
    pub fn is_hole(&self) -> bool {
        self.hole
    }

    /// The area in pixels by the shoelace formula, negative for a hole. The areas of all contours of a mask
    /// add up to its [`count`](Mask::count).
    #[must_use]
    pub fn signed_area(&self) -> i64 {
        let next = self.points.iter().cycle().skip(1);
        let twice: i128 = self.points.iter().zip(next).map(|(&from, &to)| cross(from, to)).sum();
        // No picture has more pixels than `i64` counts.
        (twice / 2) as i64
    }
}

fn cross(from: (usize, usize), to: (usize, usize)) -> i128 {
    from.0 as i128 * to.1 as i128 - to.0 as i128 * from.1 as i128
}

impl Mask {
    /// The outlines of all regions and of their holes.
    ///
    /// Regions are 8-connected: where two pixels touch at a corner only, the outline crosses over from one to
    /// the other (it turns left), so that both have one outline; holes are therefore 4-connected. The
    /// foreground lies to the right of the line: outsides run clockwise as seen on the screen, holes
    /// counter-clockwise.
    ///
    /// Each contour begins with the upper edge of a pixel, the first one in raster order (row by row) that it
    /// has, and contours are sorted by that pixel. Time and memory are linear in the number of pixels.
    ///
    /// ```
    /// use madenet_image::Mask;
    ///
    /// let mask = Mask::from_ascii("
    ///     ***..
    ///     *.*..
    ///     ***..
    ///     ...*.
    /// ")?;
    /// let contours = mask.contours();
    /// assert_eq!(contours.len(), 2);
    ///
    /// // A         B      A to H: the outside, and G: through it to the pixel at the corner.
    /// //  +-------+
    /// //  | +---+ |
    /// //  | |   | |
    /// //  | +---+ |
    /// //  +-------G---+ C
    /// //  F       |   |
    /// //        E +---+ D
    /// assert_eq!(contours[0].points(), [(0, 0), (3, 0), (3, 3), (4, 3), (4, 4), (3, 4), (3, 3), (0, 3)]);
    /// assert_eq!(contours[0].signed_area(), 10);
    ///
    /// // The hole begins with the upper edge of the pixel below it, and runs counter-clockwise.
    /// assert_eq!(contours[1].points(), [(1, 2), (2, 2), (2, 1), (1, 1)]);
    /// assert!(contours[1].is_hole());
    /// assert_eq!(contours[1].signed_area(), -1);
    /// # Ok::<(), madenet_image::Error>(())
    /// ```
    #[must_use]
    pub fn contours(&self) -> Vec<Contour> {
        let (width, height) = (self.width(), self.height());
        let mut walk = Walk { mask: self, seen: vec![false; width * height] };
        let mut contours = Vec::new();
        for y in 0..height {
            for x in 0..width {
                if walk.has_new_upper_edge(x, y) {
                    contours.push(walk.follow((x, y)));
                }
            }
        }
        contours
    }
}

/// The way from one corner of a pixel to the next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Right,
    Down,
    Left,
    Up,
}

impl Way {
    fn turned_right(self) -> Way {
        match self {
            Way::Right => Way::Down,
            Way::Down => Way::Left,
            Way::Left => Way::Up,
            Way::Up => Way::Right,
        }
    }

    fn turned_left(self) -> Way {
        self.turned_right().turned_right().turned_right()
    }
}

struct Walk<'a> {
    mask: &'a Mask,
    /// For each pixel, whether a contour with its upper edge has been found. Every contour has an upper edge.
    seen: Vec<bool>,
}

impl Walk<'_> {
    /// Whether the pixel whose upper left corner is (`x`, `y`) is foreground.
    fn set(&self, x: usize, y: usize) -> bool {
        x < self.mask.width() && y < self.mask.height() && self.mask.data()[y * self.mask.width() + x]
    }

    fn has_new_upper_edge(&self, x: usize, y: usize) -> bool {
        let above = y.checked_sub(1).is_some_and(|above| self.set(x, above));
        self.set(x, y) && !above && !self.seen[y * self.mask.width() + x]
    }

    /// The contour from `start` to the right, which is the first upper edge of a contour.
    fn follow(&mut self, start: (usize, usize)) -> Contour {
        let (mut at, mut way) = (start, Way::Right);
        // `start` is a turn: a straight line would have come from an earlier upper edge.
        let mut points = vec![start];
        loop {
            let (x, y) = at;
            at = match way {
                Way::Right => {
                    self.seen[y * self.mask.width() + x] = true;
                    (x + 1, y)
                }
                Way::Down => (x, y + 1),
                Way::Left => (x - 1, y),
                Way::Up => (x, y - 1),
            };
            let next = self.next_way(at, way);
            if at == start && next == Way::Right {
                break;
            }
            if next != way {
                points.push(at);
                way = next;
            }
        }
        let mut contour = Contour { points, hole: false };
        contour.hole = contour.signed_area() < 0;
        contour
    }

    /// Left where the pixel ahead on the left is foreground, which also crosses over to a pixel that touches
    /// at the corner only; else straight on along the pixel ahead on the right; else round the present pixel.
    fn next_way(&self, (x, y): (usize, usize), way: Way) -> Way {
        // Pixels around the corner; those beyond the upper and left border wrap to no pixel at all.
        let (west, north) = (x.wrapping_sub(1), y.wrapping_sub(1));
        let (left, right) = match way {
            Way::Right => ((x, north), (x, y)),
            Way::Down => ((x, y), (west, y)),
            Way::Left => ((west, y), (west, north)),
            Way::Up => ((west, north), (x, north)),
        };
        if self.set(left.0, left.1) {
            way.turned_left()
        } else if self.set(right.0, right.1) {
            way
        } else {
            way.turned_right()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::masks;

    fn contours(art: &str) -> Vec<Contour> {
        Mask::from_ascii(art).unwrap().contours()
    }

    #[test]
    fn one_pixel_has_four_corners_clockwise() {
        assert_eq!(contours("*")[0].points(), [(0, 0), (1, 0), (1, 1), (0, 1)]);
        assert!(contours(".").is_empty());
    }

    #[test]
    fn straight_lines_have_no_points_between() {
        assert_eq!(contours("***\n***")[0].points(), [(0, 0), (3, 0), (3, 2), (0, 2)]);
    }

    #[test]
    fn both_diagonals_join_pixels() {
        for art in ["*.\n.*", ".*\n*."] {
            let found = contours(art);
            assert_eq!(found.len(), 1, "{art}");
            assert_eq!(found[0].signed_area(), 2);
            assert_eq!(found[0].points().len(), 8);
        }
    }

    #[test]
    fn contours_come_in_raster_order() {
        let found = contours(
            "....*
             **...
             ...**",
        );
        let starts: Vec<_> = found.iter().map(|contour| contour.points()[0]).collect();
        assert_eq!(starts, [(4, 0), (0, 1), (3, 2)]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn areas_add_up_to_the_count(mask in masks()) {
            let sum: i64 = mask.contours().iter().map(Contour::signed_area).sum();
            prop_assert_eq!(sum, mask.count() as i64);
        }

        #[test]
        fn every_point_is_a_turn(mask in masks()) {
            for contour in mask.contours() {
                let points = contour.points();
                let along = |i: usize| {
                    let (from, to) = (points[i % points.len()], points[(i + 1) % points.len()]);
                    (from.0 == to.0, from.1 == to.1)
                };
                for i in 0..points.len() {
                    let (vertical, horizontal) = along(i);
                    prop_assert!(vertical != horizontal && (horizontal, vertical) == along(i + 1));
                }
            }
        }

        #[test]
        fn polygons_of_all_contours_are_the_mask(mask in masks()) {
            // Even-odd: a pixel lies within one more outside than holes, or in as many.
            let mut inside = vec![false; mask.data().len()];
            for contour in mask.contours() {
                let corners: Vec<_> = contour.points().iter().map(|&(x, y)| (x as f32, y as f32)).collect();
                let polygon = Mask::polygon(mask.width(), mask.height(), &corners).unwrap();
                inside.iter_mut().zip(polygon.data()).for_each(|(inside, &set)| *inside ^= set);
            }
            prop_assert_eq!(inside, mask.data());
        }
    }
}
