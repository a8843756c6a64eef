//! Resizing against Pillow's results; see `fixtures/generate.py`.
#![allow(clippy::unwrap_used)]

use madenet_image::{Filter, Image, Mask, resize};

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
}

fn cases() -> Vec<Case<'static>> {
    let file = include_str!("fixtures/resize.txt");
    file.lines().filter(|line| !line.starts_with('#')).map(Case::parse).collect()
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
        let filter = match case.filter {
            "bilinear" => Filter::Bilinear,
            "bicubic" => Filter::Bicubic,
            _ => continue,
        };
        let image = source(case.source.0, case.source.1);
        let resized = resize(&image.as_view(), case.target.0, case.target.1, filter).unwrap();
        assert_eq!((resized.width(), resized.height()), case.target);
        assert_eq!(resized.pixels(), case.expected, "{}", case.line);
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
