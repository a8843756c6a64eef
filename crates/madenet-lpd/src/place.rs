//! Where a patch comes from and where it goes.

use madenet_image::Rect;
use madenet_rng::Stream;

/// Source and target share less than this part of what both cover, so that a paste moves something.
const MAX_IOU: f64 = 0.5;

/// Draws of a target until the corner farthest from the source is taken. With patches of less than 0.4 of the picture the
/// target is found within a few.
const TARGETS: usize = 100;

/// A box of `size` (width, height), every place in a picture of `image` equally likely. The box must fit.
pub(crate) fn anywhere(stream: &mut Stream, size: (usize, usize), image: (usize, usize)) -> Rect {
    let x = stream.below(image.0 - size.0 + 1);
    let y = stream.below(image.1 - size.1 + 1);
    Rect::new(x, y, size.0, size.1)
}

/// A box of `size`, every place equally likely that shares less than half with `source`.
pub(crate) fn elsewhere(
    stream: &mut Stream,
    size: (usize, usize),
    source: Rect,
    image: (usize, usize),
) -> Rect {
    for _ in 0..TARGETS {
        let target = anywhere(stream, size, image);
        if iou(source, target) < MAX_IOU {
            return target;
        }
    }
    let far = |at: usize, own: usize, len: usize, of: usize| {
        if 2 * at + own > of { 0 } else { of - len }
    };
    let x = far(source.x, source.width, size.0, image.0);
    let y = far(source.y, source.height, size.1, image.1);
    Rect::new(x, y, size.0, size.1)
}

/// Intersection over union of two boxes with pixels.
fn iou(a: Rect, b: Rect) -> f64 {
    let area = |rect: Rect| rect.width as f64 * rect.height as f64;
    let shared = a.intersect(b).map_or(0.0, area);
    shared / (area(a) + area(b) - shared)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iou_counts_pixels() {
        let a = Rect::new(2, 3, 4, 2);
        for (b, expected) in [
            (a, 1.0),
            (Rect { x: 6, ..a }, 0.0),
            (Rect { x: 4, ..a }, 4.0 / 12.0),
            (Rect::new(0, 0, 8, 8), 8.0 / 64.0),
        ] {
            assert!((iou(a, b) - expected).abs() < 1e-12, "{b:?}");
        }
    }

    #[test]
    fn sources_and_targets_are_uniform_and_apart() {
        let (mut stream, image, size) = (Stream::new(0, "test/place", 0, 0), (40, 30), (10, 8));
        let (mut sums, draws) = ([0.0; 4], 4000);
        for _ in 0..draws {
            let source = anywhere(&mut stream, size, image);
            let target = elsewhere(&mut stream, size, source, image);
            assert!(iou(source, target) < MAX_IOU);
            for (sum, at) in sums.iter_mut().zip([source.x, source.y, target.x, target.y]) {
                *sum += at as f64 / f64::from(draws);
            }
        }
        // Deviations of the means: 31 and 23 places, 0.14 and 0.10.
        for (mean, expected) in sums.iter().zip([15.0, 11.0, 15.0, 11.0]) {
            assert!((mean - expected).abs() < 0.7, "{sums:?}");
        }
    }

    #[test]
    fn large_patches_are_moved_to_a_corner() {
        // 0.4 of the picture in its middle, and at either side of it.
        let mut stream = Stream::new(0, "test/corner", 0, 0);
        for side in [16, 17, 20, 100] {
            let own = (0.4_f64.sqrt() * f64::from(side)).round() as usize;
            let image = (side as usize, side as usize);
            for at in 0..=image.0 - own {
                let source = Rect::new(at, at, own, own);
                let target = elsewhere(&mut stream, (own, own), source, image);
                assert!(iou(source, target) < MAX_IOU, "{side} {source:?} {target:?}");
            }
        }
    }
}
