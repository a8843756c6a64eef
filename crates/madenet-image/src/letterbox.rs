//! A picture in a frame of another aspect, without distortion.

use crate::raster::value_count;
use crate::values::for_each_type;
use crate::{Filter, ImageView, PixelValue, Raster, Rect, Result, resize};

/// The largest rectangle of the aspect of `source` that fits into `target`, in its middle. Sizes are (width,
/// height) in pixels; a side of zero counts as one.
///
/// One side equals the target's. The other is rounded to the nearest pixel (halves go up) and is at least one
/// pixel. Where the bars cannot be equally wide, the right or lower one is the wider by a pixel.
///
/// ```
/// use madenet_image::{Rect, letterbox_rect};
///
/// let rect = letterbox_rect((640, 480), (256, 256));
/// assert_eq!(rect, Rect { x: 0, y: 32, width: 256, height: 192 });
/// ```
#[must_use]
pub fn letterbox_rect(source: (usize, usize), target: (usize, usize)) -> Rect {
    let wide = |side: usize| side.max(1) as u128;
    let (source_w, source_h) = (wide(source.0), wide(source.1));
    let (target_w, target_h) = (wide(target.0), wide(target.1));
    // Rounding cannot exceed the target's side, an integer that bounds the exact one.
    let rounded =
        |numerator: u128, denominator: u128| ((numerator + denominator / 2) / denominator).max(1) as usize;
    let (width, height) = if target_w * source_h <= target_h * source_w {
        (target_w as usize, rounded(source_h * target_w, source_w))
    } else {
        (rounded(source_w * target_h, source_h), target_h as usize)
    };
    let (x, y) = ((target_w as usize - width) / 2, (target_h as usize - height) / 2);
    Rect { x, y, width, height }
}

/// The picture at its own aspect in the middle of `width * height` pixels, and where it lies in them: see
/// [`letterbox_rect`].
///
/// The bars repeat the pixels at the border. A constant bar would make an edge, and a detector sees edges.
///
/// # Errors
/// Those of [`resize`].
///
/// ```
/// use madenet_image::{Channels, Filter, ImageView, Rect, Values, letterbox};
///
/// let view = ImageView::packed(&[
///     1u8, 2, 3, //
///     4, 5, 6,
/// ], 3, 2, Channels::Gray)?;
/// let (framed, rect) = letterbox(&view, 3, 5, Filter::Bilinear)?;
/// assert_eq!(rect, Rect { x: 0, y: 1, width: 3, height: 2 });
/// assert_eq!(framed.values(), Values::U8(&[
///     1, 2, 3, // bar
///     1, 2, 3,
///     4, 5, 6,
///     4, 5, 6, // bar
///     4, 5, 6, // bar
/// ]));
/// # Ok::<(), madenet_image::Error>(())
/// ```
pub fn letterbox(
    image: &ImageView<'_>,
    width: usize,
    height: usize,
    filter: Filter,
) -> Result<(Raster, Rect)> {
    value_count::<f32>(width, height, image.channels().colours())?;
    let rect = letterbox_rect((image.width(), image.height()), (width, height));
    let inner = resize(image, rect.width, rect.height, filter)?;
    if (rect.width, rect.height) == (width, height) {
        return Ok((inner, rect));
    }
    let channels = inner.channels();
    let stored = for_each_type!(inner.values(), values => framed(values, rect, (width, height), channels.count()).into());
    Ok((Raster::from_parts(width, height, channels, inner.bit_depth(), stored), rect))
}

/// The picture `inner` of `rect`'s size in a frame of `size`, its border pixels repeated.
fn framed<V: PixelValue>(inner: &[V], rect: Rect, size: (usize, usize), channels: usize) -> Vec<V> {
    let row_len = rect.width * channels;
    let mut out = Vec::with_capacity(size.0 * size.1 * channels);
    for y in 0..size.1 {
        let row = &inner[y.saturating_sub(rect.y).min(rect.height - 1) * row_len..][..row_len];
        out.extend(std::iter::repeat_n(&row[..channels], rect.x).flatten());
        out.extend_from_slice(row);
        out.extend(std::iter::repeat_n(&row[row_len - channels..], size.0 - rect.right()).flatten());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Channels, Error, Values};

    #[test]
    fn the_rectangle_fits_and_keeps_the_aspect() {
        let rect = |x, y, width, height| Rect { x, y, width, height };
        assert_eq!(letterbox_rect((4, 2), (8, 8)), rect(0, 2, 8, 4));
        assert_eq!(letterbox_rect((2, 4), (8, 8)), rect(2, 0, 4, 8));
        assert_eq!(letterbox_rect((3, 3), (8, 8)), rect(0, 0, 8, 8));
        assert_eq!(letterbox_rect((10_000, 1), (5, 4)), rect(0, 1, 5, 1));
        assert_eq!(letterbox_rect((8, 5), (4, 4)), rect(0, 0, 4, 3)); // 2.5 goes up; the lower bar is wider
        assert_eq!(letterbox_rect((usize::MAX, usize::MAX), (7, 9)), rect(0, 1, 7, 7));
        assert_eq!(letterbox_rect((0, 0), (0, 3)), rect(0, 1, 1, 1));
    }

    #[test]
    fn bars_repeat_whole_pixels_at_every_depth() {
        let rgb = [0u16, 1, 2, 3, 4, 5];
        let view = ImageView::packed(&rgb, 1, 2, Channels::Rgb).unwrap().with_bit_depth(10).unwrap();
        let (framed, rect) = letterbox(&view, 3, 2, Filter::Bicubic).unwrap();
        assert_eq!(rect, Rect { x: 1, y: 0, width: 1, height: 2 });
        let expected = [0, 1, 2, 0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5, 3, 4, 5];
        assert_eq!(framed.values(), Values::U16(&expected));
        assert_eq!(framed.bit_depth(), 10);
    }

    #[test]
    fn bad_sizes_are_refused() {
        let view = ImageView::packed(&[0.5f32], 1, 1, Channels::Gray).unwrap();
        assert!(matches!(letterbox(&view, 0, 1, Filter::Bilinear), Err(Error::NoPixels { .. })));
        let error = letterbox(&view, usize::MAX, 2, Filter::Bilinear).unwrap_err();
        assert!(matches!(error, Error::SizeOverflow { .. }), "{error}");
    }
}
