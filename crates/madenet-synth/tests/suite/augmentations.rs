use madenet_image::Image;
use madenet_rng::Stream;
use madenet_synth::Augmentation;

use crate::common::noise;

/// `source` of generate_augmentations.py.
fn source(kind: &str, width: usize, height: usize) -> Image {
    let mut state: u64 = 1;
    let pixels = (0..3 * width * height).map(|i| {
        state = (state * 1_103_515_245 + 12345) % (1 << 31);
        let (noise, channel) = (state >> 16 & 255, i as u64 % 3);
        let value = match kind {
            "noise" => noise,
            "dim" => 40 + 30 * channel + noise % (20 + 25 * channel),
            "levels" => noise / 64 * 60 + channel,
            _ => 90 + channel,
        };
        value as u8
    });
    Image::new(width, height, pixels.collect()).unwrap()
}

#[test]
fn operators_give_pillows_bytes() {
    let mut cases = 0;
    for line in include_str!("../fixtures/augmentations.txt").lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let [operator, parameter, kind, width, height, expected] = fields[..] else { panic!("{line}") };
        let mut image = source(kind, width.parse().unwrap(), height.parse().unwrap());
        let augmentation = match operator {
            "sharpness" => Augmentation::Sharpness { factor: parameter.parse().unwrap() },
            "solarize" => Augmentation::Solarize { threshold: Some(parameter.parse().unwrap()) },
            "posterize" => Augmentation::Posterize { bits: parameter.parse().unwrap() },
            "autocontrast" => Augmentation::Autocontrast { cutoff: parameter.parse().unwrap() },
            "equalize" => Augmentation::Equalize,
            "invert" => Augmentation::Invert,
            _ => panic!("{line}"),
        };
        augmentation.apply(&mut image);
        let got: String = image.pixels().iter().map(|value| format!("{value:02x}")).collect();
        assert_eq!(got, expected, "{operator} {parameter} {kind} {width} {height}");
        cases += 1;
    }
    assert_eq!(cases, 4 * 4 * 23 + 1);
}

#[test]
fn gamma_is_its_formula_per_channel() {
    let image = noise(20, 20, 1);
    let mut changed = image.clone();
    let exponents = [0.5, 1.0, 2.0];
    Augmentation::GammaContrast { exponents }.apply(&mut changed);
    for (i, (&from, &to)) in image.pixels().iter().zip(changed.pixels()).enumerate() {
        let exact = 255.0 * (f64::from(from) / 255.0).powf(f64::from(exponents[i % 3]));
        assert!((exact - f64::from(to)).abs() <= 0.501, "{from} to {to}");
    }
}

#[test]
fn brightness_moves_luma_and_keeps_differences() {
    // Grey: all channels are luma.
    let mut image = Image::new(3, 1, vec![100, 100, 100, 250, 250, 250, 0, 0, 0]).unwrap();
    Augmentation::Brightness { factor: 1.1, offset: -5.0 }.apply(&mut image);
    assert_eq!(image.pixels(), [105, 105, 105, 255, 255, 255, 0, 0, 0]);
    let mut colour = Image::new(1, 1, vec![90, 100, 120]).unwrap();
    Augmentation::Brightness { factor: 1.0, offset: 10.0 }.apply(&mut colour);
    assert_eq!(colour.pixels(), [100, 110, 130]);
}

#[test]
fn hue_and_saturation_follow_the_circle() {
    let shifted = |rgb: [u8; 3], hue: f32, saturation: f32| {
        let mut image = Image::new(1, 1, rgb.to_vec()).unwrap();
        Augmentation::HueSaturation { hue, saturation }.apply(&mut image);
        [image.pixels()[0], image.pixels()[1], image.pixels()[2]]
    };
    // A third of the circle changes red to green to blue to red.
    for (third, expected) in
        [(85.0, [0, 255, 0]), (-85.0, [0, 0, 255]), (170.0, [0, 0, 255]), (255.0, [255, 0, 0])]
    {
        assert_eq!(shifted([255, 0, 0], third, 0.0), expected, "{third}");
    }
    assert_eq!(shifted([0, 0, 200], 85.0, 0.0), [200, 0, 0]);
    // A sixth of it.
    assert_eq!(shifted([255, 0, 0], 42.5, 0.0), [255, 255, 0]);
    // No saturation is grey of the largest value.
    assert_eq!(shifted([30, 200, 90], 0.0, -255.0), [200, 200, 200]);
    assert_eq!(shifted([0, 0, 0], 20.0, 50.0), [0, 0, 0]);
}

/// Hue (in circles), saturation and value to a colour, from the definition, sector by sector.
fn from_hsv(hue: f64, saturation: f64, value: f64) -> [f64; 3] {
    let sixths = hue.rem_euclid(1.0) * 6.0;
    let part = sixths.fract();
    let (low, falling, rising) = (
        value * (1.0 - saturation),
        value * (1.0 - saturation * part),
        value * (1.0 - saturation * (1.0 - part)),
    );
    match sixths as u32 {
        0 => [value, rising, low],
        1 => [falling, value, low],
        2 => [low, value, rising],
        3 => [low, falling, value],
        4 => [rising, low, value],
        _ => [value, low, falling],
    }
}

#[test]
fn hue_and_saturation_are_those_of_hsv() {
    let (mut stream, mut pixels, mut hsv) = (Stream::new(0, "test/hsv", 0, 0), Vec::new(), Vec::new());
    for _ in 0..5003 {
        let rgb: [u8; 3] = std::array::from_fn(|_| stream.below(256) as u8);
        let [r, g, b] = rgb.map(f64::from);
        let (value, least) = (r.max(g).max(b), r.min(g).min(b));
        let chroma = value - least;
        let hue = match chroma {
            0.0 => 0.0,
            _ if value == r => (g - b) / chroma,
            _ if value == g => (b - r) / chroma + 2.0,
            _ => (r - g) / chroma + 4.0,
        };
        hsv.push((hue / 6.0, if value == 0.0 { 0.0 } else { chroma / value }, value));
        pixels.extend(rgb);
    }
    let image = Image::new(5003, 1, pixels).unwrap();
    for (hue, saturation) in [(50.0, -50.0), (-50.0, 50.0), (13.0, 4.0), (300.0, 0.0), (-128.0, 10.0)] {
        let mut shifted = image.clone();
        Augmentation::HueSaturation { hue: hue as f32, saturation: saturation as f32 }.apply(&mut shifted);
        for (got, &(h, s, v)) in shifted.pixels().chunks(3).zip(&hsv) {
            let exact = from_hsv(h + hue / 255.0, (s + saturation / 255.0).clamp(0.0, 1.0), v);
            for (&got, exact) in got.iter().zip(exact) {
                assert!((f64::from(got) - exact).abs() < 0.51, "{got} {exact}");
            }
        }
    }
}

#[test]
fn nothing_added_changes_nothing() {
    let image = noise(67, 31, 2);
    for same in [
        Augmentation::HueSaturation { hue: 0.0, saturation: 0.0 },
        Augmentation::Brightness { factor: 1.0, offset: 0.0 },
        Augmentation::GammaContrast { exponents: [1.0; 3] },
        Augmentation::Sharpness { factor: 1.0 },
        Augmentation::Solarize { threshold: None },
        Augmentation::Solarize { threshold: Some(255.5) },
        Augmentation::Posterize { bits: 8 },
        Augmentation::Rotate { degrees: 0.0 },
    ] {
        let mut changed = image.clone();
        same.apply(&mut changed);
        assert!(changed == image, "{same:?}");
    }
}

#[test]
fn rotation_by_a_quarter_moves_pixels() {
    let image = noise(9, 9, 3);
    let mut turned = image.clone();
    Augmentation::Rotate { degrees: 90.0 }.apply(&mut turned);
    let pixel = |image: &Image, x: usize, y: usize| image.pixels()[3 * (9 * y + x)..][..3].to_vec();
    for (x, y) in (0..81).map(|i| (i % 9, i / 9)) {
        // Counter-clockwise: what was right is on top.
        assert_eq!(pixel(&turned, y, 8 - x), pixel(&image, x, y));
    }
    // Corners of a rotated square are black.
    let mut white = Image::new(21, 21, vec![255; 21 * 21 * 3]).unwrap();
    Augmentation::Rotate { degrees: 45.0 }.apply(&mut white);
    assert_eq!(white.pixels()[..3], [0; 3]);
    assert_eq!(white.pixels()[3 * (21 * 10 + 10)..][..3], [255; 3]);
}

#[test]
fn three_different_operators_are_drawn_each_as_often() {
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    let draws = 6000;
    for draw in 0..draws {
        let three = Augmentation::draw_three(&mut Stream::new(0, "test/three", draw, 0));
        let name = |augmentation: &Augmentation| {
            format!("{augmentation:?}").split([' ', '{']).next().unwrap().to_owned()
        };
        let names = three.each_ref().map(name);
        assert!(names[0] != names[1] && names[1] != names[2] && names[0] != names[2]);
        for name in names {
            *counts.entry(name).or_default() += 1;
        }
    }
    assert_eq!(counts.len(), 10);
    // Binomial with p = 0.3: a standard deviation of 35.
    assert!(counts.values().all(|&count| count.abs_diff(1800) < 160), "{counts:?}");
}

#[test]
fn parameters_that_are_no_numbers_do_not_panic() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX] {
        for augmentation in [
            Augmentation::GammaContrast { exponents: [bad; 3] },
            Augmentation::Brightness { factor: bad, offset: bad },
            Augmentation::Sharpness { factor: bad },
            Augmentation::HueSaturation { hue: bad, saturation: bad },
            Augmentation::Solarize { threshold: Some(bad) },
            Augmentation::Posterize { bits: 99 },
            Augmentation::Autocontrast { cutoff: u32::MAX },
            Augmentation::Rotate { degrees: bad },
        ] {
            for (width, height) in [(1, 1), (5, 4), (33, 2)] {
                augmentation.apply(&mut noise(width, height, 4));
            }
        }
    }
}
