//! Outlines on pictures.

use std::ops::Range;

use crate::{Contour, Image, Mask, Rect};

/// Draws the outlines of regions, as [`Mask::contours`] gives them.
///
/// A line of one pixel covers the pixels inside the outline, so that a defect of a single pixel, or one at
/// the border of the picture, is seen as well. A thicker line grows by one pixel to the outside, then by one
/// to the inside, and so on. What lies outside of the picture is cut off, and a thickness of 0 draws nothing.
///
/// ```
/// use madenet_image::{Image, Mask, draw_contours};
///
/// let defect = Mask::from_ascii("
///     ........
///     ..****..
///     ..****..
///     ..****..
///     .......*
/// ")?;
/// let mut image = Image::new(8, 5, vec![0; 8 * 5 * 3])?;
/// draw_contours(&mut image, &defect.contours(), [9, 0, 0], 1);
/// let red: Vec<u8> = image.pixels().iter().step_by(3).copied().collect();
/// assert_eq!(red, [
///     0, 0, 0, 0, 0, 0, 0, 0,
///     0, 0, 9, 9, 9, 9, 0, 0,
///     0, 0, 9, 0, 0, 9, 0, 0,
///     0, 0, 9, 9, 9, 9, 0, 0,
///     0, 0, 0, 0, 0, 0, 0, 9,
/// ]);
/// # Ok::<(), madenet_image::Error>(())
/// ```
pub fn draw_contours(image: &mut Image, contours: &[Contour], color: [u8; 3], thickness: usize) {
    if thickness == 0 {
        return;
    }
    let (width, height) = (image.width(), image.height());
    let mut line = vec![false; width * height];
    for contour in contours {
        let next = contour.points().iter().cycle().skip(1);
        for (&from, &to) in contour.points().iter().zip(next) {
            for beside in strips(from, to, thickness.is_multiple_of(2)) {
                fill(&mut line, width, beside, true);
            }
        }
    }
    let line = Mask::from_parts(width, height, line).dilate((thickness - 1) / 2);
    for (pixel, _) in image.pixels_mut().chunks_exact_mut(3).zip(line.data()).filter(|(_, drawn)| **drawn) {
        pixel.copy_from_slice(&color);
    }
}

/// Draws a frame `thickness` pixels thick along the inside of a rectangle.
///
/// What lies outside of the picture is cut off; a thickness of 0, or a rectangle without pixels, draws
/// nothing.
///
/// ```
/// use madenet_image::{Image, Rect, draw_rect};
///
/// let mut image = Image::new(7, 4, vec![0; 7 * 4 * 3])?;
/// draw_rect(&mut image, Rect::new(1, 0, 4, 3), [9, 0, 0], 1);
/// draw_rect(&mut image, Rect::new(6, 2, 5, 5), [7, 0, 0], 1);
/// let red: Vec<u8> = image.pixels().iter().step_by(3).copied().collect();
/// assert_eq!(red, [
///     0, 9, 9, 9, 9, 0, 0,
///     0, 9, 0, 0, 9, 0, 0,
///     0, 9, 9, 9, 9, 0, 7,
///     0, 0, 0, 0, 0, 0, 7,
/// ]);
/// # Ok::<(), madenet_image::Error>(())
/// ```
pub fn draw_rect(image: &mut Image, rect: Rect, color: [u8; 3], thickness: usize) {
    let (x, y, right, bottom) = (rect.x, rect.y, rect.right(), rect.bottom());
    let inner_left = x.saturating_add(thickness).min(right);
    let inner_top = y.saturating_add(thickness).min(bottom);
    let sides = [
        Strip { x: x..right, y: y..inner_top },
        Strip { x: x..right, y: bottom.saturating_sub(thickness).max(y)..bottom },
        Strip { x: x..inner_left, y: y..bottom },
        Strip { x: right.saturating_sub(thickness).max(x)..right, y: y..bottom },
    ];
    let row = image.width();
    // Pixels as triples, without a remainder.
    let (pixels, _) = image.pixels_mut().as_chunks_mut::<3>();
    for side in sides {
        fill(pixels, row, side, color);
    }
}

/// A filled rectangle of pixels.
struct Strip {
    x: Range<usize>,
    y: Range<usize>,
}

/// The pixels beside a straight line between pixels: on its right, where the foreground is, and if `both`
/// then also on its left, there one longer at each end so that outer corners are closed.
fn strips(from: (usize, usize), to: (usize, usize), both: bool) -> impl Iterator<Item = Strip> {
    let (x, y) = (from.0.min(to.0)..from.0.max(to.0), from.1.min(to.1)..from.1.max(to.1));
    // The pixel after and before a coordinate; none before 0.
    let after = |at: usize| at..at.saturating_add(1);
    let before = |at: usize| at.saturating_sub(1)..at;
    let longer = |range: &Range<usize>| range.start.saturating_sub(1)..range.end.saturating_add(1);
    let (inside, outside) = if from.1 == to.1 {
        let rows =
            if from.0 < to.0 { (after(from.1), before(from.1)) } else { (before(from.1), after(from.1)) };
        (Strip { x: x.clone(), y: rows.0 }, Strip { x: longer(&x), y: rows.1 })
    } else {
        let columns =
            if from.1 < to.1 { (before(from.0), after(from.0)) } else { (after(from.0), before(from.0)) };
        (Strip { x: columns.0, y: y.clone() }, Strip { x: columns.1, y: longer(&y) })
    };
    [inside].into_iter().chain(both.then_some(outside))
}

/// Fills what of `strip` lies in a raster with rows of `width` pixels.
fn fill<T: Copy>(raster: &mut [T], width: usize, strip: Strip, value: T) {
    for row in raster.chunks_exact_mut(width).take(strip.y.end).skip(strip.y.start) {
        if let Some(pixels) = row.get_mut(strip.x.start..strip.x.end.min(width)) {
            pixels.fill(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::masks;

    fn drawn(mask: &Mask, thickness: usize) -> Mask {
        let (width, height) = (mask.width(), mask.height());
        let mut image = Image::new(width, height, vec![0; width * height * 3]).unwrap();
        draw_contours(&mut image, &mask.contours(), [0, 255, 0], thickness);
        let (pixels, _) = image.pixels().as_chunks::<3>();
        Mask::new(width, height, pixels.iter().map(|&pixel| pixel == [0, 255, 0]).collect()).unwrap()
    }

    #[test]
    fn lines_grow_outwards_then_inwards() {
        let mask = Mask::rectangle(9, 9, Rect::new(2, 2, 5, 5)).unwrap();
        let line = |outside: usize, inside: usize| {
            let (first, side) = (2 - outside, 5 + 2 * outside);
            let around = Mask::rectangle(9, 9, Rect::new(first, first, side, side));
            around.unwrap().and(&mask.erode(inside).invert()).unwrap().to_string()
        };
        assert_eq!(drawn(&mask, 0).count(), 0);
        for (thickness, outside, inside) in [(1, 0, 1), (2, 1, 1), (3, 1, 2), (4, 2, 2)] {
            assert_eq!(drawn(&mask, thickness).to_string(), line(outside, inside), "{thickness}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_region_is_seen(mask in masks(), thickness in 1..5usize) {
            let line = drawn(&mask, thickness);
            // The pixels beside background, by 4-neighbours, as the definition of a line of one pixel.
            for (i, &set) in mask.data().iter().enumerate().filter(|(_, set)| **set) {
                let (width, x) = (mask.width(), i % mask.width());
                let neighbours = [
                    (x > 0).then(|| i - 1),
                    (x + 1 < width).then_some(i + 1),
                    i.checked_sub(width),
                    Some(i + width),
                ];
                let edge = neighbours.iter().any(|n| n.and_then(|n| mask.data().get(n)) != Some(&set));
                prop_assert!(line.data()[i] || !edge);
                prop_assert!(thickness > 1 || line.data()[i] == edge);
            }
            prop_assert!(thickness > 1 || line.and(&mask).unwrap() == line);
        }
    }

    #[test]
    fn contours_of_a_larger_picture_are_cut_off() {
        let large = Mask::rectangle(50, 40, Rect::new(1, 1, 45, 30)).unwrap();
        let mut image = Image::new(3, 2, vec![0; 18]).unwrap();
        draw_contours(&mut image, &large.contours(), [1, 1, 1], 1);
        assert_eq!(image.pixels(), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]);
        draw_contours(&mut image, &large.contours(), [2, 2, 2], usize::MAX);
        assert_eq!(image.pixels(), [2; 18]);
    }

    #[test]
    fn any_rectangle_is_allowed() {
        let sizes = [0, 1, 2, 5, usize::MAX];
        for (x, y) in sizes.into_iter().flat_map(|x| sizes.map(|y| (x, y))) {
            for (size, thickness) in sizes.into_iter().flat_map(|s| sizes.map(|t| (s, t))) {
                let mut image = Image::new(3, 2, vec![0; 18]).unwrap();
                draw_rect(&mut image, Rect::new(x, y, size, size), [1, 1, 1], thickness);
                let visible = x < 3 && y < 2 && size > 0 && thickness > 0;
                assert_eq!(image.pixels().contains(&1), visible, "{x} {y} {size} {thickness}");
            }
        }
    }
}
