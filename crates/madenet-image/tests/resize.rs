//! Resizing against Pillow's results; see `fixtures/generate.py`.
#![allow(clippy::unwrap_used)]

use madenet_image::{Channels, Filter, Image, ImageView, Mask, Rect, Values, resize};

struct Case<'a> {
    line: &'a str,
    filter: &'a str,
    source: (usize, usize),
    target: (usize, usize),
    expected: Vec<u8>,
}

impl<'a> Case<'a> {
    fn parse(line: &'a str) -> Self {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |i: usize| words[i].parse().unwrap();
        let hex = words[5];
        let expected =
            (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect();
        Case {
            line,
            filter: words[0],
            source: (number(1), number(2)),
            target: (number(3), number(4)),
            expected,
        }
    }

    fn filter(&self) -> Option<Filter> {
        Filter::ALL.into_iter().find(|filter| filter.name() == self.filter)
    }

    fn floats(&self) -> Vec<f32> {
        self.expected.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
    }
}

fn cases() -> Vec<Case<'static>> {
    let file = include_str!("fixtures/resize.txt");
    file.lines().filter(|line| !line.starts_with('#')).map(Case::parse).collect()
}

/// The cases of one channel, of one kind of values.
fn deep_cases(kind: &'static str) -> Vec<Case<'static>> {
    let file = include_str!("fixtures/resize_deep.txt");
    let cases: Vec<_> =
        file.lines().filter_map(|line| line.strip_prefix(kind)?.strip_prefix(' ')).map(Case::parse).collect();
    assert_eq!(cases.len(), 20, "{kind}");
    cases
}

/// The same values as `deep_source` of generate.py.
fn deep_source((width, height): (usize, usize)) -> Vec<u16> {
    let value = |x: usize, y: usize| 1803 * x * x + 3001 * y + 771 * x * y + (x / 3 + y / 2) % 2 * 32768;
    (0..height).flat_map(|y| (0..width).map(move |x| (value(x, y) % 65536) as u16)).collect()
}

/// The same picture as `source` of generate.py.
fn source(width: usize, height: usize) -> Image {
    let mut pixels = Vec::new();
    for y in 0..height {
        for x in 0..width {
            for c in 0..3 {
                let chess = (x / 3 + y / 2 + c) % 2 * 128;
                pixels.push(((7 * x * x + 13 * y + x * y * (c + 3) + 85 * c + chess) % 256) as u8);
            }
        }
    }
    Image::new(width, height, pixels).unwrap()
}

fn mask(width: usize, height: usize) -> Mask {
    let data = (0..height).flat_map(|y| (0..width).map(move |x| (3 * x + 5 * y) % 7 < 3)).collect();
    Mask::new(width, height, data).unwrap()
}

#[test]
fn pixels_equal_pillows() {
    let mut seen = 0;
    for case in cases() {
        let Some(filter) = case.filter() else { continue };
        let image = source(case.source.0, case.source.1);
        let resized = resize(&image.as_view(), case.target.0, case.target.1, filter).unwrap();
        assert_eq!((resized.width(), resized.height()), case.target);
        assert_eq!(resized.values(), Values::U8(&case.expected), "{}", case.line);
        seen += 1;
    }
    assert_eq!(seen, 20);
}

#[test]
fn masks_equal_pillows_nearest() {
    let mut seen = 0;
    for case in cases().iter().filter(|case| case.filter == "nearest") {
        let resized =
            mask(case.source.0, case.source.1).resize_nearest(case.target.0, case.target.1).unwrap();
        let expected: Vec<bool> = case.expected.iter().map(|&v| v != 0).collect();
        assert_eq!(resized.data(), expected, "{}", case.line);
        seen += 1;
    }
    assert_eq!(seen, 10);
}

#[test]
fn grey_equals_pillows_and_each_of_three_channels() {
    for case in deep_cases("L") {
        let (width, height) = case.source;
        let rgb = source(width, height);
        let grey: Vec<u8> = rgb.pixels().iter().step_by(3).copied().collect();
        let view = ImageView::packed(&grey, width, height, Channels::Gray).unwrap();
        let filter = case.filter().unwrap();
        let resized = resize(&view, case.target.0, case.target.1, filter).unwrap();
        assert_eq!(resized.values(), Values::U8(&case.expected), "{}", case.line);
        let repeated = resize(&view.to_rgb().as_view(), case.target.0, case.target.1, filter).unwrap();
        assert_eq!(repeated.to_rgb(), resized.to_rgb());
    }
}

#[test]
fn floats_equal_pillows_to_1e_minus_5() {
    for case in deep_cases("F32") {
        let values: Vec<f32> = deep_source(case.source).iter().map(|&v| f32::from(v) / 65535.0).collect();
        let view = ImageView::packed(&values, case.source.0, case.source.1, Channels::Gray).unwrap();
        let resized = resize(&view, case.target.0, case.target.1, case.filter().unwrap()).unwrap();
        let Values::F32(values) = resized.values() else { panic!("not f32") };
        for (value, expected) in values.iter().zip(case.floats()) {
            let expected = expected.clamp(0.0, 1.0);
            assert!((value - expected).abs() <= 1e-5 * expected, "{value} for {expected}: {}", case.line);
        }
    }
}

#[test]
fn sixteen_bits_are_pillows_floats_rounded() {
    for case in deep_cases("U16") {
        let values = deep_source(case.source);
        let view = ImageView::packed(&values, case.source.0, case.source.1, Channels::Gray).unwrap();
        let resized = resize(&view, case.target.0, case.target.1, case.filter().unwrap()).unwrap();
        let Values::U16(values) = resized.values() else { panic!("not u16") };
        for (&value, expected) in values.iter().zip(case.floats()) {
            let error = f32::from(value) - expected.clamp(0.0, 65535.0);
            assert!(error.abs() <= 0.51, "{value} for {expected}: {}", case.line);
        }
    }
}

#[test]
fn a_crop_and_bgr_are_resized_where_they_lie() {
    let image = source(37, 23);
    let part = image.as_view().crop(Rect::new(5, 3, 20, 12)).unwrap();
    let expected = resize(&part.to_raster().as_view(), 9, 7, Filter::Bicubic).unwrap();
    assert_eq!(resize(&part, 9, 7, Filter::Bicubic).unwrap(), expected);
    let mut bgr = part.to_rgb().into_pixels();
    bgr.as_chunks_mut::<3>().0.iter_mut().for_each(|pixel| pixel.reverse());
    let view = ImageView::packed(&bgr, 20, 12, Channels::Bgr).unwrap();
    assert_eq!(resize(&view, 9, 7, Filter::Bicubic).unwrap(), expected);
}
