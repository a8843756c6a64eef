//! A patch: pixels, and how much of each it covers.

use madenet_image::{ColorJitter, Image, Mask, Plane, Rect, Rotated, rotate};

use crate::Result;
use crate::shape::Shape;

/// What is pasted.
pub(crate) struct Patch {
    image: Image,
    alpha: Plane,
}

impl Patch {
    /// What lies at `source`, with other colours, flipped and rotated.
    pub(crate) fn cut(image: &Image, source: Rect, shape: &Shape, jitter: &ColorJitter) -> Result<Self> {
        let mut cut = jitter.apply(&image.as_view().crop(source)?)?;
        flip(&mut cut, shape.flips);
        Self::rotated(&cut, shape.rotation)
    }

    pub(crate) fn rotated(image: &Image, degrees: f32) -> Result<Self> {
        let Rotated { image, alpha, .. } = rotate(&image.as_view(), degrees)?;
        Ok(Patch { image, alpha })
    }

    /// Width and height of its box.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.image.width(), self.image.height())
    }

    /// Blends the patch into `image`, its box's upper left corner at (`x`, `y`), where it fits; gives the pixels that it covers.
    pub(crate) fn paste(&self, image: &mut Image, (x, y): (usize, usize)) -> Result<Mask> {
        let (width, height) = (image.width(), image.height());
        let mut mask = vec![false; width * height];
        let (pixels, _) = image.pixels_mut().as_chunks_mut::<3>();
        let below = pixels.chunks_exact_mut(width).zip(mask.chunks_exact_mut(width)).skip(y);
        let (patch, _) = self.image.pixels().as_chunks::<3>();
        let columns = self.image.width();
        let rows = patch.chunks_exact(columns).zip(self.alpha.values().chunks_exact(columns));
        for ((to, mask), (from, alpha)) in below.zip(rows) {
            let places = to[x..].iter_mut().zip(&mut mask[x..]);
            for ((to, mask), (from, &alpha)) in places.zip(from.iter().zip(alpha)) {
                *mask = alpha > 0.0;
                if alpha > 0.0 {
                    *to = blend(*to, *from, alpha);
                }
            }
        }
        Ok(Mask::new(width, height, mask)?)
    }
}

/// From `below` (alpha 0) to `above` (alpha 1), rounded; equal colours stay.
fn blend(below: [u8; 3], above: [u8; 3], alpha: f32) -> [u8; 3] {
    std::array::from_fn(|c| {
        let (below, above) = (f32::from(below[c]), f32::from(above[c]));
        (below + alpha * (above - below) + 0.5) as u8
    })
}

/// Left to right, upside down.
fn flip(image: &mut Image, [across, down]: [bool; 2]) {
    let width = image.width();
    let (pixels, _) = image.pixels_mut().as_chunks_mut::<3>();
    if down {
        // Both flips are half a turn: all pixels in the opposite order.
        pixels.reverse();
    }
    if across != down {
        pixels.chunks_exact_mut(width).for_each(<[_]>::reverse);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flips_are_left_to_right_and_upside_down() {
        let cases = [
            ([false, false], [1, 2, 3, 4, 5, 6]),
            ([true, false], [3, 2, 1, 6, 5, 4]),
            ([false, true], [4, 5, 6, 1, 2, 3]),
            ([true, true], [6, 5, 4, 3, 2, 1]),
        ];
        for (flips, expected) in cases {
            let mut image = Image::new(3, 2, (1..=6).flat_map(|i| [i, 0, 9]).collect()).unwrap();
            flip(&mut image, flips);
            let red: Vec<u8> = image.pixels().iter().step_by(3).copied().collect();
            assert_eq!(red, expected, "{flips:?}");
        }
    }

    #[test]
    fn blends_end_at_both_colours() {
        for (below, above) in [(0, 255), (255, 0), (7, 7), (100, 101)] {
            let at = |alpha| blend([below; 3], [above; 3], alpha)[0];
            assert_eq!((at(0.0), at(1.0)), (below, above));
            assert!((below.min(above)..=below.max(above)).contains(&at(0.4)));
        }
    }
}
