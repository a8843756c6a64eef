use madenet_kernels::{Activation, Border, Error, SeparableFilter};
use proptest::prelude::*;

use crate::support::{Sum, assert_same_on_all_threads, assert_sums, random, untouched};

const SCIPY: &str = include_str!("../fixtures/separable.txt");

const BORDERS: [Border; 4] = [Border::Zero, Border::Exclude, Border::Symmetric, Border::Reflect];

#[derive(Clone, Copy, Debug)]
enum Kind {
    Gaussian(f32),
    GaussianWindow(f32, usize),
    Mean(usize, usize),
}

impl Kind {
    fn filter(self, border: Border) -> SeparableFilter {
        match self {
            Kind::Gaussian(sigma) => SeparableFilter::gaussian(sigma, border),
            Kind::GaussianWindow(sigma, radius) => SeparableFilter::gaussian_window(sigma, radius, border),
            Kind::Mean(height, width) => SeparableFilter::mean((height, width), border),
        }
        .unwrap()
    }

    /// Radius on both axes and the weight of a place of the window, in f64, not normalised.
    fn window(self) -> ((i64, i64), impl Fn(i64, i64) -> f64) {
        let (sigma, radius) = match self {
            Kind::Gaussian(sigma) => {
                (f64::from(sigma), ((4.0 * sigma + 0.5) as i64, (4.0 * sigma + 0.5) as i64))
            }
            Kind::GaussianWindow(sigma, radius) => (f64::from(sigma), (radius as i64, radius as i64)),
            Kind::Mean(height, width) => (f64::INFINITY, (height as i64 / 2, width as i64 / 2)),
        };
        (radius, move |dy, dx| {
            let squares = (dy * dy + dx * dx) as f64;
            if squares == 0.0 { 1.0 } else { (-0.5 * squares / (sigma * sigma)).exp() }
        })
    }
}

fn run(filter: &SeparableFilter, height: usize, width: usize, x: &[f32]) -> Vec<f32> {
    // Scratch memory that another call left behind.
    let (mut out, mut scratch) = (untouched(x.len()), vec![f32::NAN; 100]);
    filter.run(height, width, x, &mut out, &mut scratch).unwrap();
    out
}

/// The place of a plane of `len` that is found by walking from its first pixel `at` steps, turning around at the ends.
fn walk(border: Border, at: i64, len: i64) -> Option<i64> {
    if (0..len).contains(&at) {
        return Some(at);
    }
    let (mut place, mut step) = (0, 1);
    match border {
        Border::Zero | Border::Exclude => return None,
        Border::Reflect if len == 1 => return Some(0),
        Border::Reflect => {
            // The walk is the same in both directions.
            for _ in 0..at.abs() {
                step = if place == 0 { 1 } else { step };
                step = if place == len - 1 { -1 } else { step };
                place += step;
            }
        }
        _ => {
            // To the left the first step stays on the first pixel.
            for _ in 0..if at < 0 { -1 - at } else { at } {
                match place + step {
                    next if (0..len).contains(&next) => place = next,
                    _ => step = -step,
                }
            }
        }
    }
    Some(place)
}

/// The definition as one two-dimensional sum in f64.
fn reference(kind: Kind, border: Border, height: usize, width: usize, x: &[f32]) -> Vec<Sum> {
    let ((ry, rx), weight) = kind.window();
    let taps = || (-ry..=ry).flat_map(|dy| (-rx..=rx).map(move |dx| (dy, dx)));
    let total: f64 = taps().map(|(dy, dx)| weight(dy, dx)).sum();
    let value = |index: usize| {
        let (column, row) = ((index % width) as i64, (index / width % height) as i64);
        let plane = &x[index / (height * width) * height * width..];
        let (mut sum, mut inside) = (Sum::default(), 0.0);
        for (dy, dx) in taps() {
            let y = walk(border, row + dy, height as i64);
            if let (Some(y), Some(x)) = (y, walk(border, column + dx, width as i64)) {
                inside += weight(dy, dx);
                sum.add(weight(dy, dx) * f64::from(plane[y as usize * width + x as usize]));
            }
        }
        let total = if border == Border::Exclude { inside } else { total };
        // Two passes, each with the rounding of a weight, a sum of two, a product and a sum per tap, of a factor that makes
        // the weights 1 and of a product with it.
        let operations = 2 * (2 * rx.max(ry) as usize + 6);
        Sum { value: sum.value / total, magnitude: sum.magnitude / total, operations }
    };
    (0..x.len()).map(value).collect()
}

fn check(kind: Kind, border: Border, planes: usize, height: usize, width: usize) {
    let x = random(planes * height * width, 9);
    let expected = reference(kind, border, height, width, &x);
    assert_sums(&run(&kind.filter(border), height, width, &x), &expected, Activation::Identity);
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop_oneof![
        prop_oneof![Just(0.0_f32), Just(1.0), Just(4.0), 0.05..3.0_f32].prop_map(Kind::Gaussian),
        (0.3..9.0_f32, 0..=12_usize).prop_map(|(sigma, radius)| Kind::GaussianWindow(sigma, radius)),
        (0..=9_usize, 0..=9_usize).prop_map(|(ry, rx)| Kind::Mean(2 * ry + 1, 2 * rx + 1)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn any_size_agrees_with_the_definition(
        kind in kinds(),
        border in prop::sample::select(&BORDERS[..]),
        (height, width) in prop_oneof![Just((1, 5)), Just((5, 1)), (1..=40_usize, 1..=40_usize)],
        planes in 1..=2_usize,
    ) {
        check(kind, border, planes, height, width);
    }
}

#[test]
fn every_border_agrees_with_the_definition() {
    for border in BORDERS {
        for (height, width) in [(1, 1), (1, 5), (7, 13), (2, 70)] {
            check(Kind::Gaussian(4.0), border, 2, height, width);
            check(Kind::GaussianWindow(1.5, 5), border, 2, height, width);
            check(Kind::GaussianWindow(30.0, 29), border, 1, height, width);
            check(Kind::Mean(3, 21), border, 2, height, width);
        }
    }
}

/// Rows and windows above the spans that a row is cut into.
#[test]
fn long_rows_and_wide_windows_agree_with_the_definition() {
    for border in BORDERS {
        check(Kind::Mean(1, 1201), border, 1, 1, 1100);
        check(Kind::Mean(1201, 1), border, 1, 1100, 1);
        check(Kind::GaussianWindow(1.5, 5), border, 1, 2, 1537);
        check(Kind::Mean(1, 601), border, 1, 3, 520);
    }
    // One pixel spreads to the weights of a long filter.
    let mut x = vec![0.0; 1401];
    x[700] = 1.0;
    let out = run(&SeparableFilter::gaussian_window(100.0, 600, Border::Zero).unwrap(), 1, 1401, &x);
    let total: f64 = (-600..=600).map(|k: i32| (-0.5 * (f64::from(k) / 100.0).powi(2)).exp()).sum();
    // The single row meets the centre of the vertical window only.
    for (k, &value) in out[700..].iter().enumerate() {
        let expected = if k > 600 { 0.0 } else { (-0.5 * (k as f64 / 100.0).powi(2)).exp() / total / total };
        assert!((f64::from(value) - expected).abs() <= 1e-6 * expected, "{k}: {value}, not {expected}");
    }
}

#[test]
fn scipy_gives_the_same() {
    let (mut plane, mut cases) = ((0, 0, Vec::new()), 0);
    for line in SCIPY.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split(' ').collect();
        let (integer, values) = (
            |at: usize| words[at].parse::<usize>().unwrap(),
            |from: usize| words[from..].iter().map(|word| word.parse().unwrap()).collect::<Vec<f64>>(),
        );
        if words[0] == "plane" {
            plane = (integer(1), integer(2), values(3).iter().map(|&x| x as f32).collect());
            continue;
        }
        let border = match words[3] {
            "zero" => Border::Zero,
            "exclude" => Border::Exclude,
            "symmetric" => Border::Symmetric,
            other => {
                assert_eq!(other, "reflect");
                Border::Reflect
            }
        };
        let kind = match words[0] {
            "gaussian" => Kind::GaussianWindow(words[1].parse().unwrap(), integer(2)),
            other => {
                assert_eq!(other, "mean");
                Kind::Mean(integer(1), integer(2))
            }
        };
        let (height, width, x) = &plane;
        let expected = values(4);
        let got = run(&kind.filter(border), *height, *width, x);
        assert_eq!(got.len(), expected.len());
        for (got, expected) in got.iter().zip(expected) {
            assert!(
                (f64::from(*got) - expected).abs() < 1e-6,
                "{}: {got}, not {expected}",
                words[..4].join(" ")
            );
        }
        cases += 1;
    }
    assert_eq!(cases, 3 * 4 * 5);
}

#[test]
fn a_pixel_spreads_to_the_filters_weights() {
    let mut x = vec![0.0; 41 * 41];
    x[20 * 41 + 20] = 1.0;
    let out = run(&Kind::Gaussian(4.0).filter(Border::Symmetric), 41, 41, &x);
    let centre = f64::from(out[20 * 41 + 20]).sqrt();
    assert!((centre - 0.099_739_1).abs() < 1e-7, "{centre}");
    // The radius is 16: nothing beyond.
    assert!(out[20 * 41 + 4] > 0.0 && out[4 * 41 + 20] > 0.0);
    assert_eq!([out[20 * 41 + 3], out[3 * 41 + 20], out[20 * 41 + 37]], [0.0; 3]);
}

#[test]
fn the_borders_differ_as_drawn() {
    let row = [6.0, 3.0, 0.0, 9.0];
    let mean = |border| run(&Kind::Mean(1, 3).filter(border), 1, 4, &row);
    let rounded = |border| mean(border).iter().map(|value| (2.0 * value).round() / 2.0).collect::<Vec<f32>>();
    assert_eq!(rounded(Border::Zero), [3.0, 3.0, 4.0, 3.0]);
    assert_eq!(rounded(Border::Exclude), [4.5, 3.0, 4.0, 4.5]);
    assert_eq!(rounded(Border::Symmetric), [5.0, 3.0, 4.0, 6.0]);
    assert_eq!(rounded(Border::Reflect), [4.0, 3.0, 4.0, 3.0]);
}

#[test]
fn a_constant_stays_but_with_zeros_around_it_and_sigma_zero_copies() {
    for border in [Border::Exclude, Border::Symmetric, Border::Reflect] {
        for kind in [Kind::Gaussian(4.0), Kind::GaussianWindow(1.5, 5), Kind::Mean(7, 3)] {
            for value in run(&kind.filter(border), 5, 9, &[3.0; 45]) {
                assert!((value - 3.0).abs() < 1e-5, "{kind:?} {border:?} {value}");
            }
        }
    }
    let x = random(45, 1);
    for border in BORDERS {
        for kind in [Kind::Gaussian(0.0), Kind::GaussianWindow(0.0, 5), Kind::Mean(1, 1)] {
            assert_eq!(run(&kind.filter(border), 5, 9, &x), x);
        }
    }
}

#[test]
fn what_is_not_finite_stays_in_its_windows() {
    for broken in [f32::NAN, f32::INFINITY] {
        for kind in [Kind::GaussianWindow(1.5, 2), Kind::Mean(5, 5)] {
            let mut x = vec![1.0; 40 * 50];
            x[10 * 50 + 20] = broken;
            for (index, value) in run(&kind.filter(Border::Zero), 40, 50, &x).iter().enumerate() {
                let reached = (8..=12).contains(&(index / 50)) && (18..=22).contains(&(index % 50));
                assert_eq!(value.is_finite(), !reached, "{kind:?} {index}: {value}");
            }
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    // Several planes at once, and groups of planes one after the other.
    for (planes, height, width) in [(2, 130, 140), (5, 301, 257)] {
        let x = random(planes * height * width, 1);
        for kind in [Kind::Gaussian(4.0), Kind::Mean(11, 7)] {
            let filter = kind.filter(Border::Exclude);
            assert_same_on_all_threads(|| run(&filter, height, width, &x));
        }
    }
}

#[test]
fn planes_do_not_touch_one_another() {
    let (planes, height, width) = (5, 301, 257);
    let x = random(planes * height * width, 2);
    let filter = Kind::GaussianWindow(1.5, 5).filter(Border::Zero);
    let single: Vec<f32> = x.chunks(height * width).flat_map(|x| run(&filter, height, width, x)).collect();
    assert_eq!(run(&filter, height, width, &x), single);
}

#[test]
fn scratch_memory_is_kept() {
    let (x, mut out, mut scratch) = (random(64, 1), untouched(64), Vec::new());
    let filter = Kind::Gaussian(2.0).filter(Border::Symmetric);
    filter.run(8, 8, &x, &mut out, &mut scratch).unwrap();
    let (capacity, memory) = (scratch.capacity(), scratch.as_ptr());
    filter.run(8, 8, &x, &mut out, &mut scratch).unwrap();
    assert_eq!((capacity, memory), (scratch.capacity(), scratch.as_ptr()));
}

#[test]
fn the_radius_is_scipys_or_the_given() {
    let radius = |kind: Kind| kind.filter(Border::Zero).radius();
    assert_eq!(radius(Kind::Gaussian(4.0)), (16, 16));
    assert_eq!(radius(Kind::Gaussian(0.9)), (4, 4));
    assert_eq!(radius(Kind::GaussianWindow(1.5, 5)), (5, 5));
    assert_eq!(radius(Kind::Mean(3, 7)), (1, 3));
}

#[test]
fn slices_that_do_not_fit_are_refused() {
    let filter = Kind::Gaussian(1.0).filter(Border::Zero);
    let run =
        |h, w, x: usize, out: usize| filter.run(h, w, &vec![0.0; x], &mut vec![0.0; out], &mut Vec::new());
    assert_eq!(run(3, 4, 0, 0), Ok(()));
    let length = |what, expected, got| Err(Error::Length { what, expected, got });
    assert_eq!(run(3, 4, 13, 13), length("separable filter: x", 24, 13));
    assert_eq!(run(3, 4, 12, 24), length("separable filter: out", 12, 24));
    for (height, width) in [(0, 4), (4, 0), (usize::MAX, 2), (usize::MAX / 2, usize::MAX / 2)] {
        assert!(matches!(run(height, width, 0, 0), Err(Error::Geometry { .. })));
    }
}

#[test]
fn filters_without_a_meaning_are_refused() {
    let refused = |filter: Result<SeparableFilter, Error>, word: &str| match filter {
        Err(Error::Geometry { reason, .. }) => assert!(reason.contains(word), "{reason}"),
        other => panic!("{other:?}"),
    };
    for sigma in [-1.0, f32::NAN, f32::INFINITY, 1e30] {
        refused(SeparableFilter::gaussian(sigma, Border::Zero), "sigma");
        refused(SeparableFilter::gaussian_window(sigma, 5, Border::Zero), "sigma");
    }
    for radius in [40_001, usize::MAX] {
        refused(SeparableFilter::gaussian_window(1.0, radius, Border::Zero), "radius");
    }
    for window in [(3, 0), (2, 3), (3, 4)] {
        refused(SeparableFilter::mean(window, Border::Zero), "odd");
    }
    refused(SeparableFilter::mean((3, usize::MAX), Border::Zero), "radius");
    assert!(SeparableFilter::gaussian(10_000.0, Border::Zero).is_ok());
}
