//! Views of every kind, and that no size or stride makes them panic.
#![allow(clippy::unwrap_used)]

use madenet_image::{Channels, Error, Filter, ImageView, Raster, Rect, Values, letterbox, resize};
use proptest::prelude::*;

const CHANNELS: [Channels; 6] =
    [Channels::Gray, Channels::GrayAlpha, Channels::Rgb, Channels::Bgr, Channels::Rgba, Channels::Bgra];

/// Two pixels as they lie, their channels, the same as RGB, and as the colours of a raster.
type Kind<'a> = (&'a [u8], Channels, [u8; 6], &'a [u8]);

#[test]
fn every_kind_becomes_rgb_and_keeps_its_depth() {
    let cases: [Kind<'_>; 6] = [
        (&[7, 9], Channels::Gray, [7, 7, 7, 9, 9, 9], &[7, 9]),
        (&[7, 0, 9, 255], Channels::GrayAlpha, [7, 7, 7, 9, 9, 9], &[7, 9]),
        (&[1, 2, 3, 4, 5, 6], Channels::Rgb, [1, 2, 3, 4, 5, 6], &[1, 2, 3, 4, 5, 6]),
        (&[1, 2, 3, 4, 5, 6], Channels::Bgr, [3, 2, 1, 6, 5, 4], &[3, 2, 1, 6, 5, 4]),
        (&[1, 2, 3, 0, 4, 5, 6, 255], Channels::Rgba, [1, 2, 3, 4, 5, 6], &[1, 2, 3, 4, 5, 6]),
        (&[1, 2, 3, 0, 4, 5, 6, 255], Channels::Bgra, [3, 2, 1, 6, 5, 4], &[3, 2, 1, 6, 5, 4]),
    ];
    for (data, channels, rgb, colours) in cases {
        let view = ImageView::packed(data, 2, 1, channels).unwrap();
        assert_eq!(view.to_rgb().pixels(), rgb, "{channels}");
        assert_eq!(view.to_raster().values(), Values::U8(colours), "{channels}");

        let words: Vec<u16> = data.iter().map(|&v| u16::from(v) * 257).collect();
        let view = ImageView::packed(&words, 2, 1, channels).unwrap();
        assert_eq!(view.to_rgb().pixels(), rgb, "{channels}");
        let colours: Vec<u16> = colours.iter().map(|&v| u16::from(v) * 257).collect();
        assert_eq!(view.to_raster().values(), Values::U16(&colours), "{channels}");

        let floats: Vec<f32> = data.iter().map(|&v| f32::from(v) / 255.0).collect();
        let view = ImageView::packed(&floats, 2, 1, channels).unwrap();
        assert_eq!(view.to_rgb().pixels(), rgb, "{channels}");
        assert_eq!((view.bit_depth(), view.white()), (32, 1.0));
    }
}

#[test]
fn padding_is_skipped_and_may_be_missing_at_the_end() {
    let data = [1u8, 2, 0xEE, 0xEE, 3, 4];
    let view = ImageView::new(&data, 2, 2, Channels::Gray, 4).unwrap();
    assert_eq!(view.to_raster().values(), Values::U8(&[1, 2, 3, 4]));
    let padded_rgb = [1u8, 2, 3, 0xEE, 4, 5, 6, 99];
    let view = ImageView::new(&padded_rgb, 1, 2, Channels::Rgb, 4).unwrap();
    assert_eq!(view.to_rgb().pixels(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(view.crop(Rect::new(0, 1, 1, 1)).unwrap().to_rgb().pixels(), [4, 5, 6]);
}

#[test]
fn a_short_buffer_and_a_short_stride_are_refused_with_both_lengths() {
    let error = ImageView::new(&[0u8; 15], 2, 2, Channels::Bgr, 10).unwrap_err();
    assert_eq!(error.to_string(), "2 x 2 Bgr pixels at a stride of 10 take 16 values, but the buffer has 15");
    let error = ImageView::new(&[0u16; 64], 3, 2, Channels::Rgba, 11).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a row of 3 Rgba pixels takes 12 values, but the stride is 11; a stride counts values, not bytes"
    );
}

#[test]
fn sizes_of_zero_and_beyond_the_address_space_are_refused() {
    for (width, height) in [(0, 1), (1, 0), (0, 0)] {
        let error = ImageView::new(&[0u8; 8], width, height, Channels::Gray, 8).unwrap_err();
        assert!(matches!(error, Error::NoPixels { .. }), "{error}");
    }
    let cases = [
        (usize::MAX, 1, usize::MAX),
        (1, usize::MAX, usize::MAX),
        (1, 3, usize::MAX / 2 + 1),
        (2, 2, usize::MAX - 5),
    ];
    for (width, height, stride) in cases {
        let error = ImageView::new(&[0u8; 8], width, height, Channels::Rgb, stride).unwrap_err();
        assert!(matches!(error, Error::SizeOverflow { .. }), "{error}");
    }
    assert!(ImageView::packed(&[0u8; 8], usize::MAX, 1, Channels::Rgb).is_err());
}

#[test]
fn floats_out_of_range_are_refused_but_not_in_alpha_and_padding() {
    let bad = f32::NAN;
    let data = [0.0, 1.0, bad, 0.5, 0.5, bad];
    assert!(ImageView::new(&data, 1, 2, Channels::GrayAlpha, 3).is_ok());
    for value in [-0.1, 1.1, f32::INFINITY, f32::NEG_INFINITY, bad] {
        let data = [0.0, 0.0, 0.0, 0.5, 0.5, value];
        let error = ImageView::packed(&data, 2, 1, Channels::Rgb).unwrap_err();
        assert!(matches!(error, Error::NotInUnitRange { x: 1, y: 0, .. }), "{error}");
        assert!(error.to_string().contains("divide"), "{error}");
    }
}

#[test]
fn only_16_bit_values_have_another_depth() {
    let words = [0u16, 2047, 4095, 9999];
    let view = ImageView::packed(&words, 4, 1, Channels::Gray).unwrap();
    let deep = view.with_bit_depth(12).unwrap();
    assert_eq!((deep.bit_depth(), deep.white()), (12, 4095.0));
    assert_eq!(deep.to_raster().values(), Values::U16(&[0, 2047, 4095, 4095]));
    assert_eq!(deep.crop(Rect::new(1, 0, 2, 1)).unwrap().bit_depth(), 12);
    for bits in [0, 17, 255] {
        assert!(matches!(view.with_bit_depth(bits), Err(Error::BitDepth { values: "u16", .. })));
    }
    let bytes = ImageView::packed(&[1u8], 1, 1, Channels::Gray).unwrap();
    assert_eq!(
        bytes.with_bit_depth(8).unwrap_err().to_string(),
        "a bit depth of 8 for values of type u8: expected 1 to 16 for values of type u16"
    );
}

#[test]
fn a_crop_beyond_the_picture_is_refused() {
    let view = ImageView::packed(&[0u8; 12], 4, 3, Channels::Gray).unwrap();
    assert_eq!(
        view.crop(Rect::new(2, 1, 3, 1)).unwrap_err().to_string(),
        "the region of 3 x 1 pixels at (2, 1) must lie inside the image of 4 x 3"
    );
    assert!(matches!(view.crop(Rect::new(usize::MAX, 0, 2, 1)), Err(Error::OutsideImage { .. })));
    assert!(matches!(view.crop(Rect::new(0, 0, 0, 1)), Err(Error::NoPixels { .. })));
}

#[test]
fn debug_does_not_print_the_pixels() {
    let view = ImageView::packed(&[0u8; 3], 1, 1, Channels::Rgb).unwrap();
    let text =
        r#"ImageView { width: 1, height: 1, channels: Rgb, stride: 3, values: "u8", bit_depth: 8, .. }"#;
    assert_eq!(format!("{view:?}"), text);
}

/// A small size mostly, a hostile one sometimes.
fn side() -> impl Strategy<Value = usize> {
    prop_oneof![8 => 0usize..20, 1 => any::<usize>()]
}

fn filter() -> impl Strategy<Value = Filter> {
    prop::sample::select(&Filter::ALL[..])
}

/// Everything one can do with a view of these values, of which none may panic.
fn use_view(
    view: madenet_image::Result<ImageView<'_>>,
    region: Rect,
    target: (usize, usize),
    filter: Filter,
) {
    let Ok(view) = view else { return };
    let part = view.crop(region).unwrap_or(view);
    assert_eq!(part.to_rgb(), part.to_raster().to_rgb());
    let (width, height) = target;
    let size = |raster: &Raster| (raster.width(), raster.height());
    if let Ok(raster) = resize(&part, width, height, filter) {
        assert_eq!(size(&raster), target);
        assert_eq!(resize(&part.to_raster().as_view(), width, height, filter).unwrap(), raster);
    }
    if let Ok((raster, rect)) = letterbox(&part, width, height, filter) {
        assert_eq!(size(&raster), target);
        assert!(rect.right() <= width && rect.bottom() <= height);
    }
}

proptest! {
    #[test]
    fn no_size_or_stride_panics(
        (width, height, stride) in (side(), side(), prop_oneof![8 => 0usize..90, 1 => any::<usize>()]),
        channels in prop::sample::select(&CHANNELS[..]),
        region in prop::array::uniform4(side()).prop_map(|[x, y, w, h]| Rect::new(x, y, w, h)),
        target in (0usize..20, 0usize..20),
        filter in filter(),
        (seed, len, bits) in (any::<u16>(), 0usize..900, 0u8..20),
    ) {
        let words: Vec<u16> = (0..len).map(|i| (i as u16).wrapping_mul(seed)).collect();
        let bytes: Vec<u8> = words.iter().map(|&v| v as u8).collect();
        let floats: Vec<f32> = words.iter().map(|&v| f32::from(v) / 65535.0).collect();
        use_view(ImageView::new(&bytes, width, height, channels, stride), region, target, filter);
        let deep = ImageView::new(&words, width, height, channels, stride);
        use_view(deep.and_then(|view| view.with_bit_depth(bits)), region, target, filter);
        use_view(ImageView::new(&floats, width, height, channels, stride), region, target, filter);
    }

    #[test]
    fn a_constant_picture_stays_constant_at_every_depth(
        (width, height) in (1usize..40, 1usize..40),
        (new_width, new_height) in (1usize..40, 1usize..40),
        (value, bits) in (any::<u16>(), 1u8..=16),
        filter in filter(),
    ) {
        let len = width * height;
        let target = new_width * new_height;
        let resized = |view: ImageView<'_>| resize(&view, new_width, new_height, filter).unwrap();

        let bytes = vec![value as u8; len];
        let view = ImageView::packed(&bytes, width, height, Channels::Gray).unwrap();
        prop_assert_eq!(resized(view), Raster::new(new_width, new_height, Channels::Gray, vec![value as u8; target]).unwrap());

        let words = vec![value; len];
        let view = ImageView::packed(&words, width, height, Channels::Gray).unwrap();
        let view = view.with_bit_depth(bits).unwrap();
        let white = view.white() as u16;
        let expected = Raster::new(new_width, new_height, Channels::Gray, vec![value.min(white); target]).unwrap().with_bit_depth(bits).unwrap();
        prop_assert_eq!(resized(view), expected);

        let unit = f32::from(value) / 65535.0;
        let floats = vec![unit; len];
        let view = ImageView::packed(&floats, width, height, Channels::Gray).unwrap();
        prop_assert_eq!(resized(view), Raster::new(new_width, new_height, Channels::Gray, vec![unit; target]).unwrap());
    }
}
