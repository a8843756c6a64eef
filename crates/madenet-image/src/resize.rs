//! Antialiased resize of pixels, equal to Pillow's.
//!
//! Networks are trained on pictures that Pillow (or a library that follows it) has resized, and a detector's
//! score moves when the resize does: so this is the same separable convolution, with the same fixed-point
//! weights and the same rounding to 8 bits between the two passes, and it gives the same bytes as Pillow 13.0.0.
//! The crate `fast_image_resize` 6.1.0 was tried first: the order of its passes leaves differences of up to 30
//! grey levels at sharp edges (bicubic), and with the passes run one by one in Pillow's order its 16-bit weights
//! still leave two, among others at 320 -> 256.
//!
//! Deeper values have the same weights in floating point, as Pillow's mode `F` has, and are rounded only once.
//!
//! This is the resize of pictures. Features inside networks are interpolated, without antialiasing,
//! elsewhere.

use rayon::prelude::*;

use crate::depth::{Depth, Number};
use crate::raster::value_count;
use crate::taps::Taps;
use crate::values::white_of;
use crate::{Channels, Filter, ImageView, Raster, Result, Values};

/// The picture at `width` x `height` pixels and the same depth: grey stays grey, BGR becomes RGB, alpha is
/// dropped. Results stay within black and white, which the bicubic kernel alone would leave.
///
/// An axis that keeps its length is left as it is. Rows run in parallel on rayon's current pool; the result
/// does not depend on the number of threads.
///
/// # Errors
/// [`Error::NoPixels`](crate::Error::NoPixels) or [`Error::SizeOverflow`](crate::Error::SizeOverflow).
///
/// ```
/// use madenet_image::{Channels, Filter, ImageView, Values, resize};
///
/// let edge = ImageView::packed(&[0u8, 0, 200, 200], 4, 1, Channels::Gray)?;
/// assert_eq!(resize(&edge, 2, 1, Filter::Bilinear)?.values(), Values::U8(&[29, 171]));
///
/// let deep = ImageView::packed(&[0u16, 0, 20000, 20000], 4, 1, Channels::Gray)?;
/// assert_eq!(resize(&deep, 2, 1, Filter::Bilinear)?.values(), Values::U16(&[2857, 17143]));
/// # Ok::<(), madenet_image::Error>(())
/// ```
pub fn resize(image: &ImageView<'_>, width: usize, height: usize, filter: Filter) -> Result<Raster> {
    let colours = image.channels().colours();
    // The target, and the pictures that may lie between the passes.
    for (width, height) in [(width, height), (width, image.height()), (image.width(), height)] {
        value_count::<f64>(width, height, colours)?;
    }
    if (width, height) == (image.width(), image.height()) {
        return Ok(image.to_raster());
    }
    // The passes take values as they come, so only alpha has to go first; the order of colours is changed in
    // the result, which is mostly smaller.
    if !matches!(image.channels(), Channels::Gray | Channels::Rgb | Channels::Bgr) {
        return resize(&image.to_raster().as_view(), width, height, filter);
    }
    let target = (width, height);
    let stored = match image.values() {
        Values::U8(values) => resized(image, values, u8::MAX, target, filter).into(),
        Values::U16(values) => resized(image, values, white_of(image.bit_depth()), target, filter).into(),
        Values::F32(values) => resized(image, values, 1.0, target, filter).into(),
    };
    Ok(Raster::from_parts(width, height, image.channels().of_raster(), image.bit_depth(), stored))
}

/// The `values` of `image`, which has no alpha, at another size and with red first.
fn resized<V: Depth>(
    image: &ImageView<'_>,
    values: &[V],
    white: V,
    target: (usize, usize),
    filter: Filter,
) -> Vec<V> {
    match image.channels() {
        Channels::Gray => convolve::<V, 1>(image, values, white, target, filter),
        channels => {
            let mut out = convolve::<V, 3>(image, values, white, target, filter);
            if channels == Channels::Bgr {
                out.as_chunks_mut::<3>().0.iter_mut().for_each(|pixel| pixel.swap(0, 2));
            }
            out
        }
    }
}

fn convolve<V: Depth, const N: usize>(
    image: &ImageView<'_>,
    values: &[V],
    white: V,
    (width, height): (usize, usize),
    filter: Filter,
) -> Vec<V> {
    let source = (image.width(), image.height());
    let across = (width != source.0).then(|| Taps::new(source.0, width, filter, V::weight));
    let down = (height != source.1).then(|| Taps::new(source.1, height, filter, V::weight));
    let rows = Rows { values, len: source.0 * N, stride: image.stride(), count: source.1 };
    let load = |value: V| value.load(white);
    let store = |sum| V::store(sum, white);
    match (&across, &down) {
        // The caller copies a picture that keeps its size.
        (None, None) => Vec::new(),
        (Some(across), None) => resize_rows::<_, _, _, N>(rows, across, V::START, load, store),
        (None, Some(down)) => resize_columns(rows, down, V::START, load, store),
        (Some(across), Some(down)) if vertical_first(source, (width, height)) => {
            let between = resize_columns(rows, down, V::START, load, V::store_between);
            let rows = Rows::packed(&between, source.0 * N);
            resize_rows::<_, _, _, N>(rows, across, V::START, V::load_between, store)
        }
        (Some(across), Some(down)) => {
            let between = resize_rows::<_, _, _, N>(rows, across, V::START, load, V::store_between);
            resize_columns(Rows::packed(&between, width * N), down, V::START, V::load_between, store)
        }
    }
}

/// Whether the vertical pass comes first: where the height shrinks by more than twice the pixels that the
/// width does.
///
/// The order shows, as the rounding between the passes does. The rule is Pillow 13's (its pull request 9549),
/// found by comparing results; versions before 13 always began with the horizontal pass.
fn vertical_first(source: (usize, usize), target: (usize, usize)) -> bool {
    let shrinks_by = |from: usize, to: usize| from as i128 - to as i128;
    let (width, height) = (shrinks_by(source.0, target.0), shrinks_by(source.1, target.1));
    height > 0 && height > 2 * width
}

/// Rows of `len` values, `stride` values apart.
#[derive(Clone, Copy)]
struct Rows<'a, V> {
    values: &'a [V],
    len: usize,
    stride: usize,
    count: usize,
}

impl<'a, V> Rows<'a, V> {
    fn packed(values: &'a [V], len: usize) -> Self {
        Rows { values, len, stride: len, count: values.len() / len }
    }

    fn get(&self, y: usize) -> &'a [V] {
        &self.values[y * self.stride..][..self.len]
    }
}

/// The horizontal pass over rows of pixels of `N` values.
fn resize_rows<V, W, O, const N: usize>(
    rows: Rows<'_, V>,
    taps: &Taps<W>,
    start: W,
    load: impl Fn(V) -> W + Sync,
    store: impl Fn(W) -> O + Sync,
) -> Vec<O>
where
    V: Copy + Sync,
    W: Number,
    O: Copy + Default + Send,
{
    let row_len = taps.len() * N;
    let mut out = vec![O::default(); rows.count * row_len];
    out.par_chunks_exact_mut(row_len).enumerate().for_each(|(y, out)| {
        let row = rows.get(y).as_chunks::<N>().0;
        for (out, (first, weights)) in out.as_chunks_mut::<N>().0.iter_mut().zip(taps.iter()) {
            let mut sum = [start; N];
            for (pixel, &weight) in row[first..].iter().zip(weights) {
                for (sum, &value) in sum.iter_mut().zip(pixel) {
                    *sum += weight * load(value);
                }
            }
            *out = sum.map(&store);
        }
    });
    out
}

/// The vertical pass.
fn resize_columns<V, W, O>(
    rows: Rows<'_, V>,
    taps: &Taps<W>,
    start: W,
    load: impl Fn(V) -> W + Sync,
    store: impl Fn(W) -> O + Sync,
) -> Vec<O>
where
    V: Copy + Sync,
    W: Number,
    O: Copy + Default + Send,
{
    let mut out = vec![O::default(); taps.len() * rows.len];
    out.par_chunks_exact_mut(rows.len).enumerate().for_each_init(
        || vec![start; rows.len],
        |sums, (y, out)| {
            let (first, weights) = taps.get(y);
            sums.fill(start);
            for (i, &weight) in weights.iter().enumerate() {
                for (sum, &value) in sums.iter_mut().zip(rows.get(first + i)) {
                    *sum += weight * load(value);
                }
            }
            for (out, &sum) in out.iter_mut().zip(sums.iter()) {
                *out = store(sum);
            }
        },
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn white_and_black_do_not_overflow() {
        let checks: Vec<u8> =
            (0..64 * 64).map(|i| if (i / 64 / 3 + i % 64 / 3) % 2 == 0 { 255 } else { 0 }).collect();
        let view = ImageView::packed(&checks, 64, 64, Channels::Gray).unwrap();
        let raster = resize(&view, 150, 41, Filter::Bicubic).unwrap();
        assert!(raster.to_rgb().pixels().contains(&0) && raster.to_rgb().pixels().contains(&255));

        let floats: Vec<f32> = checks.iter().map(|&v| f32::from(v) / 255.0).collect();
        let view = ImageView::packed(&floats, 64, 64, Channels::Gray).unwrap();
        let raster = resize(&view, 150, 41, Filter::Bicubic).unwrap();
        let Values::F32(values) = raster.values() else { panic!("not f32") };
        assert!(values.iter().all(|v| (0.0..=1.0).contains(v)));
        assert!(values.contains(&0.0) && values.contains(&1.0));

        let words: Vec<u16> = checks.iter().map(|&v| u16::from(v) * 257).collect();
        let view = ImageView::packed(&words, 64, 64, Channels::Gray).unwrap().with_bit_depth(12).unwrap();
        let raster = resize(&view, 150, 41, Filter::Bicubic).unwrap();
        let Values::U16(values) = raster.values() else { panic!("not u16") };
        assert!(values.contains(&0) && values.contains(&4095) && values.iter().all(|&v| v <= 4095));
    }

    #[test]
    fn the_same_size_is_a_copy() {
        let bgr = [1u8, 2, 3, 4, 5, 6];
        let view = ImageView::packed(&bgr, 2, 1, Channels::Bgr).unwrap();
        let copy = resize(&view, 2, 1, Filter::Bicubic).unwrap();
        assert_eq!(copy.values(), Values::U8(&[3, 2, 1, 6, 5, 4]));
    }

    #[test]
    fn bad_sizes_are_refused() {
        let view = ImageView::packed(&[0u8, 0], 1, 2, Channels::Gray).unwrap();
        assert!(matches!(resize(&view, 0, 1, Filter::Bilinear), Err(Error::NoPixels { .. })));
        assert!(matches!(resize(&view, 1, 0, Filter::Bilinear), Err(Error::NoPixels { .. })));
        assert!(matches!(resize(&view, usize::MAX, 1, Filter::Bilinear), Err(Error::SizeOverflow { .. })));
        // The picture between the passes would not fit.
        assert!(matches!(
            resize(&view, isize::MAX as usize / 8, 1, Filter::Bilinear),
            Err(Error::SizeOverflow { .. })
        ));
    }
}
