//! Edge intensity along the outline of a patch.

use madenet_image::{Mask, Plane};

/// The mean Sobel magnitude of `grey` over the pixels on both sides of the mask's outline, in heights of a step; 0 without an
/// outline.
pub(super) fn edge_intensity(grey: &Plane, mask: &Mask) -> f32 {
    let (mut sum, mut count) = (0.0, 0);
    for y in 0..mask.height() {
        for x in 0..mask.width() {
            if on_outline(mask, x, y) {
                sum += f64::from(magnitude(grey, x, y));
                count += 1;
            }
        }
    }
    // A step has four times its height on both of its sides.
    if count == 0 { 0.0 } else { (sum / f64::from(count) / 4.0) as f32 }
}

/// Whether one of the four neighbours lies on the other side. The picture's border is no outline.
fn on_outline(mask: &Mask, x: usize, y: usize) -> bool {
    let (width, inside) = (mask.width(), mask.data());
    let (at, here) = (y * width + x, inside[y * width + x]);
    (x > 0 && inside[at - 1] != here)
        || (x + 1 < width && inside[at + 1] != here)
        || (y > 0 && inside[at - width] != here)
        || (y + 1 < mask.height() && inside[at + width] != here)
}

/// The Sobel magnitude at one pixel, as [`madenet_image::sobel`] has it for all: outlines are a small part of a picture.
fn magnitude(grey: &Plane, x: usize, y: usize) -> f32 {
    let (width, height) = (grey.width(), grey.height());
    let row = |y: usize| &grey.values()[y * width..][..width];
    let rows = [row(y.saturating_sub(1)), row(y), row((y + 1).min(height - 1))];
    let (left, right) = (x.saturating_sub(1), (x + 1).min(width - 1));
    let column = |x: usize| rows[0][x] + 2.0 * rows[1][x] + rows[2][x];
    let line = |row: &[f32]| row[left] + 2.0 * row[x] + row[right];
    let (dx, dy) = (column(right) - column(left), line(rows[2]) - line(rows[0]));
    (dx * dx + dy * dy).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magnitudes_are_those_of_the_whole_picture() {
        let grey = Plane::new(9, 7, (0..63).map(|i| (i * 37 % 64) as f32 / 63.0).collect()).unwrap();
        let all = madenet_image::sobel(&grey).magnitude();
        for (i, expected) in all.values().iter().enumerate() {
            assert!((magnitude(&grey, i % 9, i / 9) - expected).abs() < 1e-5);
        }
    }

    #[test]
    fn the_outline_has_both_sides_and_not_the_border() {
        let mask = Mask::from_ascii(
            "
            ***...
            ***...
            ......
            ......
        ",
        )
        .unwrap();
        let outline = (0..24).map(|i| on_outline(&mask, i % 6, i / 6)).collect();
        let expected = Mask::from_ascii(
            "
            ..**..
            ****..
            ***...
            ......
        ",
        );
        assert_eq!(Mask::new(6, 4, outline).unwrap(), expected.unwrap());
    }

    #[test]
    fn a_step_has_its_height() {
        let left = Mask::new(8, 8, (0..64).map(|i| i % 8 < 4).collect()).unwrap();
        let grey = |low: f32| Plane::new(8, 8, (0..64).map(|i| if i % 8 < 4 { low } else { 0.5 }).collect());
        assert!((edge_intensity(&grey(0.2).unwrap(), &left) - 0.3).abs() < 1e-6);
        let all = Mask::new(8, 8, vec![true; 64]).unwrap();
        assert_eq!(edge_intensity(&grey(0.2).unwrap(), &all), 0.0);
    }
}
