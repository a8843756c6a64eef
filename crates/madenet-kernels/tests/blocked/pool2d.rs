use madenet_kernels::blocked::{avg_pool2d, global_avg_pool, max_pool2d};
use madenet_kernels::{Activation, Error, Isa, Padding, Pool2d, Shape};
use proptest::prelude::*;

use crate::support::{Sum, assert_same_on_all_threads, assert_sums, random};
use crate::tensor::{BORDERS, Tensor};

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

    /// The maximum as the planar one has it, bit for bit; the means within the rounding of a sum of the window.
    fn check(&self) {
        let x = random(self.batch * self.input.len(), 5);
        let mut maximum = vec![f32::NAN; self.batch * self.output().len()];
        madenet_kernels::max_pool2d(self.geometry, self.input, &x, &mut maximum).unwrap();
        let means = [true, false].map(|count_include_pad| self.means(&x, count_include_pad));
        for isa in Isa::available() {
            for (index, border) in BORDERS.into_iter().enumerate() {
                // The border of the input is not read: it must not matter.
                let x = Tensor::packed(self.input, BORDERS[(index + 1) % BORDERS.len()], &x);
                let mut out = Tensor::untouched(self.output(), border, self.batch);
                max_pool2d(isa, self.geometry, x.read(), out.write()).unwrap();
                assert!(out.planar() == maximum, "{isa:?} {self:?} {border:?}");
                for (count_include_pad, means) in [true, false].into_iter().zip(&means) {
                    let mut out = Tensor::untouched(self.output(), border, self.batch);
                    avg_pool2d(isa, self.geometry, count_include_pad, x.read(), out.write()).unwrap();
                    assert_sums(&out.planar(), means, Activation::Identity);
                }
            }
        }
    }

    /// The definition.
    fn means(&self, x: &[f32], count_include_pad: bool) -> Vec<Sum> {
        let (Pool2d { kernel, stride, padding }, output) = (self.geometry, self.output());
        let mean = |index: usize| {
            let (ox, oy, plane) = (index % output.w, index / output.w % output.h, index / output.plane());
            let taps = (0..kernel.0).flat_map(|ky| (0..kernel.1).map(move |kx| (ky, kx)));
            let values: Vec<f32> = taps
                .filter_map(|(ky, kx)| {
                    let y = (oy * stride + ky).checked_sub(padding.top)?;
                    let column = (ox * stride + kx).checked_sub(padding.left)?;
                    let inside = y < self.input.h && column < self.input.w;
                    inside.then(|| x[(plane * self.input.h + y) * self.input.w + column])
                })
                .collect();
            let count = if count_include_pad { kernel.0 * kernel.1 } else { values.len() } as f64;
            let mut sum = Sum::default();
            values.iter().for_each(|&value| sum.add(f64::from(value) / count));
            sum
        };
        (0..self.batch * output.len()).map(mean).collect()
    }
}

#[test]
fn windows_of_networks_agree_with_the_planar_ones() {
    let uneven = Pool2d { padding: Padding { top: 0, left: 0, bottom: 1, right: 1 }, ..Pool2d::new(3, 2, 0) };
    for geometry in [
        Pool2d::new(3, 2, 1),
        Pool2d::new(2, 2, 0),
        Pool2d::new(3, 1, 1),
        uneven,
        Pool2d::new(1, 1, 0),
        Pool2d::new(5, 1, 2),
        Pool2d::new(4, 3, 1),
    ] {
        for (input, batch) in [
            (Shape::new(1, 1, 1), 1),
            (Shape::new(35, 7, 13), 3),
            (Shape::new(16, 2, 40), 1),
            (Shape::new(3, 255, 257), 1),
        ] {
            if geometry.output((input.h, input.w)).is_some() {
                Case { geometry, input, batch }.check();
            }
        }
    }
}

fn cases() -> impl Strategy<Value = Case> {
    (
        (1..=5_usize, 1..=5_usize, 1..=3_usize),
        [0..=4_usize, 0..=4, 0..=4, 0..=4],
        (1..=40_usize, 1..=14_usize, 1..=30_usize),
        1..=3_usize,
    )
        .prop_map(|((kh, kw, stride), pads, (c, h, w), batch)| {
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
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    #[test]
    fn any_window_agrees_with_the_definition(case in cases()) {
        case.check();
    }
}

#[test]
fn the_mean_of_a_plane_is_that_of_its_values() {
    for (c, h, w, batch) in [(1, 1, 1, 1), (35, 7, 13, 3), (16, 8, 8, 2), (3, 255, 257, 1)] {
        let (input, output) = (Shape::new(c, h, w), Shape::new(c, 1, 1));
        let x = random(batch * input.len(), 3);
        let mean = |plane: &[f32]| {
            let mut sum = Sum::default();
            plane.iter().for_each(|&value| sum.add(f64::from(value) / (h * w) as f64));
            // A row is summed in four parts, the rows one after the other.
            sum.operations = sum.operations.min(w / 4 + 4 + h + 2);
            sum
        };
        let expected: Vec<Sum> = x.chunks(h * w).map(mean).collect();
        for isa in Isa::available() {
            for border in BORDERS {
                let mut out = Tensor::untouched(output, border, batch);
                global_avg_pool(isa, Tensor::packed(input, border, &x).read(), out.write()).unwrap();
                assert_sums(&out.planar(), &expected, Activation::Identity);
            }
        }
    }
}

#[test]
fn nan_wins_and_infinities_stay() {
    let (input, batch) = (Shape::new(20, 5, 23), 2);
    let mut x = random(batch * input.len(), 1);
    for (index, value) in x.iter_mut().enumerate() {
        *value = match index % 41 {
            0 => f32::NAN,
            7 => f32::INFINITY,
            9..20 => f32::NEG_INFINITY,
            _ => *value,
        };
    }
    for geometry in [Pool2d::new(3, 2, 1), Pool2d::new(2, 2, 0), Pool2d::new(3, 1, 1), Pool2d::new(4, 1, 2)] {
        let (h, w) = geometry.output((input.h, input.w)).unwrap();
        let output = Shape { h, w, ..input };
        let mut expected = vec![0.0; batch * output.len()];
        madenet_kernels::max_pool2d(geometry, input, &x, &mut expected).unwrap();
        for isa in Isa::available() {
            let mut out = Tensor::untouched(output, Padding::all(0), batch);
            max_pool2d(isa, geometry, Tensor::packed(input, Padding::all(0), &x).read(), out.write())
                .unwrap();
            for (got, expected) in out.planar().iter().zip(&expected) {
                assert!(got == expected || got.is_nan() && expected.is_nan(), "{isa:?}: {got} {expected}");
            }
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let (geometry, input, batch) = (Pool2d::new(3, 2, 1), Shape::new(35, 100, 101), 2);
    let output = Shape::new(35, 50, 51);
    let x = Tensor::packed(input, Padding::all(0), &random(batch * input.len(), 1));
    for isa in Isa::available() {
        assert_same_on_all_threads(|| {
            let mut out = Tensor::untouched(output, Padding::all(1), batch);
            max_pool2d(isa, geometry, x.read(), out.write()).unwrap();
            let mut all = out.planar();
            avg_pool2d(isa, geometry, false, x.read(), out.write()).unwrap();
            all.extend(out.planar());
            let mut means = Tensor::untouched(Shape::new(35, 1, 1), Padding::all(0), batch);
            global_avg_pool(isa, x.read(), means.write()).unwrap();
            all.extend(means.planar());
            all
        });
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let (isa, geometry, input) = (Isa::best(), Pool2d::new(2, 2, 0), Shape::new(2, 4, 4));
    let run = |geometry, out: Shape, batches: (usize, usize)| {
        let x = Tensor::packed(input, Padding::all(0), &vec![0.0; batches.0 * input.len()]);
        let mut out = Tensor::untouched(out, Padding::all(0), batches.1);
        let results = [
            max_pool2d(isa, geometry, x.read(), out.write()),
            avg_pool2d(isa, geometry, true, x.read(), out.write()),
            global_avg_pool(isa, x.read(), out.write()),
        ];
        results.map(|result| match result {
            Ok(()) => None,
            Err(Error::Geometry { what, .. }) => Some(what),
            Err(other) => panic!("{other}"),
        })
    };
    let (windows, mean) = ([Some("max_pool2d"), Some("avg_pool2d")], Some("global_avg_pool: out"));
    let fits = Shape::new(2, 2, 2);
    assert_eq!(run(geometry, fits, (2, 2)), [None, None, mean]);
    assert_eq!(run(geometry, fits, (0, 0)), [None, None, mean]);
    assert_eq!(run(Pool2d::new(4, 4, 0), Shape::new(2, 1, 1), (2, 2)), [None; 3]);
    for (geometry, out, batches) in [
        (geometry, fits, (2, 1)),
        (geometry, Shape::new(3, 2, 2), (2, 2)),
        (geometry, Shape::new(2, 2, 3), (2, 2)),
        (Pool2d::new(5, 1, 0), fits, (2, 2)),
        (Pool2d::new(2, 1, 2), fits, (2, 2)),
        (Pool2d::new(2, 0, 0), fits, (2, 2)),
        (Pool2d::new(0, 1, 0), fits, (2, 2)),
        (Pool2d::new(usize::MAX, 1, 0), fits, (2, 2)),
    ] {
        assert_eq!(run(geometry, out, batches), [windows[0], windows[1], mean]);
    }
}
