use madenet_kernels::{Activation, Error, Padding, Pool2d, Shape, avg_pool2d, global_avg_pool, max_pool2d};
use proptest::prelude::*;

use crate::support::{Sum, assert_same_on_all_threads, assert_sums, random, untouched};

#[derive(Clone, Copy, Debug)]
struct Case {
    geometry: Pool2d,
    input: Shape,
    batch: usize,
}

impl Case {
    fn output(&self) -> Shape {
        let (h, w) = self.geometry.output((self.input.h, self.input.w)).unwrap();
        Shape { h, w, ..self.input }
    }

    /// The values under every window that lie on the plane.
    fn windows(&self, x: &[f32]) -> Vec<Vec<f32>> {
        let (Pool2d { kernel, stride, padding }, output) = (self.geometry, self.output());
        let window = |index: usize| {
            let (ox, oy, plane) = (index % output.w, index / output.w % output.h, index / output.plane());
            let taps = (0..kernel.0).flat_map(|ky| (0..kernel.1).map(move |kx| (ky, kx)));
            taps.filter_map(|(ky, kx)| {
                let y = (oy * stride + ky).checked_sub(padding.top)?;
                let column = (ox * stride + kx).checked_sub(padding.left)?;
                let inside = y < self.input.h && column < self.input.w;
                inside.then(|| x[(plane * self.input.h + y) * self.input.w + column])
            })
            .collect()
        };
        (0..self.batch * output.len()).map(window).collect()
    }

    fn check(&self, x: &[f32]) {
        let mut out = untouched(self.batch * self.output().len());
        let windows = self.windows(x);

        max_pool2d(self.geometry, self.input, x, &mut out).unwrap();
        let expected: Vec<f32> =
            windows.iter().map(|w| w.iter().copied().fold(f32::NEG_INFINITY, f32::max)).collect();
        assert_eq!(out, expected);

        for count_include_pad in [true, false] {
            out.fill(f32::NAN);
            avg_pool2d(self.geometry, count_include_pad, self.input, x, &mut out).unwrap();
            let taps = self.geometry.kernel.0 * self.geometry.kernel.1;
            let mean = |window: &Vec<f32>| {
                let count = if count_include_pad { taps } else { window.len() } as f64;
                let mut sum = Sum::default();
                window.iter().for_each(|&x| sum.add(f64::from(x) / count));
                sum
            };
            let expected: Vec<Sum> = windows.iter().map(mean).collect();
            assert_sums(&out, &expected, Activation::Identity);
        }
    }
}

fn cases() -> impl Strategy<Value = Case> {
    let size = prop_oneof![Just((1, 1)), Just((7, 13)), (1..=20_usize, 1..=20_usize), Just((70, 90))];
    (
        (1..=5_usize, 1..=5_usize, 1..=3_usize),
        [0..=4_usize, 0..=4, 0..=4, 0..=4],
        size,
        1..=5_usize,
        1..=3_usize,
    )
        .prop_map(|((kh, kw, stride), pads, (h, w), c, batch)| {
            let padding = Padding {
                top: pads[0].min(kh - 1),
                left: pads[1].min(kw - 1),
                bottom: pads[2].min(kh - 1),
                right: pads[3].min(kw - 1),
            };
            Case { geometry: Pool2d { kernel: (kh, kw), stride, padding }, input: Shape::new(c, h, w), batch }
        })
        .prop_filter("a window fits", |case| case.geometry.output((case.input.h, case.input.w)).is_some())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn any_window_agrees_with_the_definition(case in cases()) {
        case.check(&random(case.batch * case.input.len(), 5));
    }

    #[test]
    fn the_mean_of_a_plane_is_exact(h in 1..40_usize, w in 1..40_usize, c in 1..5_usize, batch in 1..3_usize) {
        let (input, x) = (Shape::new(c, h, w), random(batch * c * h * w, 3));
        let mut out = untouched(batch * c);
        global_avg_pool(input, &x, &mut out).unwrap();
        for (got, plane) in out.iter().zip(x.chunks(h * w)) {
            let truth = plane.iter().copied().map(f64::from).sum::<f64>() / (h * w) as f64;
            // Sums in f64 leave only the last rounding.
            prop_assert!((f64::from(*got) - truth).abs() <= f64::from(f32::EPSILON) * truth.abs());
        }
    }
}

#[test]
fn nan_wins_and_infinities_stay() {
    let input = Shape::new(1, 1, 6);
    let geometry = Pool2d { kernel: (1, 3), stride: 1, padding: Padding::default() };
    let mut out = untouched(4);
    for x in [[1.0, f32::NAN, 2.0, 3.0, 9.0, 4.0], [f32::NAN, 1.0, 2.0, 3.0, 9.0, 4.0]] {
        max_pool2d(geometry, input, &x, &mut out).unwrap();
        let nan = x.windows(3).map(|window| window.iter().any(|x| x.is_nan()));
        assert_eq!(out.iter().map(|x| x.is_nan()).collect::<Vec<_>>(), nan.collect::<Vec<_>>());
        assert_eq!(out[3], 9.0);
    }
    max_pool2d(geometry, input, &[f32::NEG_INFINITY; 6], &mut out).unwrap();
    assert_eq!(out, [f32::NEG_INFINITY; 4]);
}

#[test]
fn threads_do_not_change_a_bit() {
    let case = Case { geometry: Pool2d::new(3, 2, 1), input: Shape::new(9, 100, 101), batch: 3 };
    let x = random(case.batch * case.input.len(), 1);
    assert_same_on_all_threads(|| {
        let mut all = Vec::new();
        let mut out = untouched(case.batch * case.output().len());
        max_pool2d(case.geometry, case.input, &x, &mut out).unwrap();
        all.extend_from_slice(&out);
        avg_pool2d(case.geometry, false, case.input, &x, &mut out).unwrap();
        all.extend_from_slice(&out);
        let mut means = untouched(case.batch * case.input.c);
        global_avg_pool(case.input, &x, &mut means).unwrap();
        all.extend_from_slice(&means);
        all
    });
}

#[test]
fn what_does_not_fit_is_refused() {
    let (geometry, input) = (Pool2d::new(2, 2, 0), Shape::new(2, 4, 4));
    let length = |what, expected, got| Err(Error::Length { what, expected, got });
    assert_eq!(max_pool2d(geometry, input, &[], &mut []), Ok(()));
    assert_eq!(avg_pool2d(geometry, true, input, &[], &mut []), Ok(()));
    assert_eq!(global_avg_pool(input, &[], &mut []), Ok(()));
    assert_eq!(max_pool2d(geometry, input, &[0.0; 33], &mut [0.0; 8]), length("max_pool2d: x", 64, 33));
    assert_eq!(max_pool2d(geometry, input, &[0.0; 32], &mut [0.0; 9]), length("max_pool2d: out", 8, 9));
    assert_eq!(avg_pool2d(geometry, true, input, &[0.0; 31], &mut [0.0; 8]), length("avg_pool2d: x", 32, 31));
    assert_eq!(avg_pool2d(geometry, true, input, &[0.0; 32], &mut [0.0; 7]), length("avg_pool2d: out", 8, 7));
    assert_eq!(global_avg_pool(input, &[0.0; 31], &mut [0.0; 2]), length("global_avg_pool: x", 32, 31));
    assert_eq!(global_avg_pool(input, &[0.0; 32], &mut [0.0; 3]), length("global_avg_pool: out", 2, 3));
    for (geometry, input) in [
        (Pool2d::new(5, 1, 0), input),
        (Pool2d::new(2, 1, 2), input),
        (Pool2d::new(2, 0, 0), input),
        (Pool2d::new(usize::MAX, 1, 0), input),
        (geometry, Shape::new(0, 4, 4)),
        (geometry, Shape::new(1, 0, 4)),
    ] {
        assert!(matches!(
            max_pool2d(geometry, input, &[], &mut []),
            Err(Error::Geometry { what: "max_pool2d", .. })
        ));
        let avg = avg_pool2d(geometry, true, input, &[], &mut []);
        assert!(matches!(avg, Err(Error::Geometry { what: "avg_pool2d", .. })));
    }
    let empty = global_avg_pool(Shape::new(1, 0, 4), &[], &mut []);
    assert!(matches!(empty, Err(Error::Geometry { what: "global_avg_pool", .. })));
}
