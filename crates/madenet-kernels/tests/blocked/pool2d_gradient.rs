use madenet_kernels::blocked::{avg_pool2d_gradient, global_avg_pool_gradient, max_pool2d_gradient};
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

/// Which windows' gradients arrive, and how.
#[derive(Clone, Copy, Debug)]
enum Rule {
    Max,
    Mean { count_include_pad: bool },
}

const RULES: [Rule; 3] =
    [Rule::Max, Rule::Mean { count_include_pad: true }, Rule::Mean { count_include_pad: false }];

struct Data {
    x: Vec<f32>,
    y: Vec<f32>,
    dy: Vec<f32>,
    add: Vec<f32>,
}

impl Case {
    fn output(&self) -> Shape {
        let (h, w) = self.geometry.output((self.input.h, self.input.w)).unwrap();
        Shape { h, w, ..self.input }
    }

    /// Few different values, so that windows have several largest ones.
    fn data(&self) -> Data {
        let coarse = |v: f32| (v * 3.0).round() / 3.0;
        let x: Vec<f32> = random(self.batch * self.input.len(), 5).into_iter().map(coarse).collect();
        let mut y = vec![f32::NAN; self.batch * self.output().len()];
        madenet_kernels::max_pool2d(self.geometry, self.input, &x, &mut y).unwrap();
        let (dy, add) = (random(y.len(), 6), random(x.len(), 7));
        Data { x, y, dy, add }
    }

    /// The definition.
    fn reference(&self, data: &Data, rule: Rule, with_add: bool) -> Vec<Sum> {
        let (Pool2d { kernel, stride, padding }, output) = (self.geometry, self.output());
        let mut sums = vec![Sum::default(); data.x.len()];
        if with_add {
            sums.iter_mut().zip(&data.add).for_each(|(sum, &add)| sum.add(f64::from(add)));
        }
        for (index, &dy) in data.dy.iter().enumerate() {
            let (ox, oy, plane) = (index % output.w, index / output.w % output.h, index / output.plane());
            let taps: Vec<usize> = (0..kernel.0)
                .flat_map(|ky| (0..kernel.1).map(move |kx| (ky, kx)))
                .filter_map(|(ky, kx)| {
                    let y = (oy * stride + ky).checked_sub(padding.top)?;
                    let x = (ox * stride + kx).checked_sub(padding.left)?;
                    let inside = y < self.input.h && x < self.input.w;
                    inside.then_some((plane * self.input.h + y) * self.input.w + x)
                })
                .collect();
            match rule {
                Rule::Max => {
                    let largest = taps.iter().map(|&at| data.x[at]).fold(f32::NEG_INFINITY, f32::max);
                    let first = taps.iter().find(|&&at| data.x[at] == largest).unwrap();
                    sums[*first].add(f64::from(dy));
                }
                Rule::Mean { count_include_pad } => {
                    let count = if count_include_pad { kernel.0 * kernel.1 } else { taps.len() } as f64;
                    taps.iter().for_each(|&at| sums[at].add(f64::from(dy) / count));
                }
            }
        }
        sums
    }

    fn run(&self, isa: Isa, data: &Data, rule: Rule, add: bool, borders: [Padding; 2]) -> Vec<f32> {
        let (input, output, geometry) = (self.input, self.output(), self.geometry);
        let packed = |shape, border, values: &[f32]| Tensor::packed(shape, border, values);
        let (x, add_to) = (packed(input, borders[0], &data.x), packed(input, borders[1], &data.add));
        let (y, dy) = (packed(output, borders[1], &data.y), packed(output, borders[0], &data.dy));
        let mut dx = Tensor::untouched(input, borders[0], self.batch);
        let add = add.then(|| add_to.read());
        match rule {
            Rule::Max => {
                max_pool2d_gradient(isa, geometry, x.read(), y.read(), dy.read(), add, dx.write()).unwrap();
            }
            Rule::Mean { count_include_pad } => {
                avg_pool2d_gradient(isa, geometry, count_include_pad, dy.read(), add, dx.write()).unwrap();
            }
        }
        dx.planar()
    }

    fn check(&self) {
        let data = self.data();
        for (rule, add) in RULES.into_iter().flat_map(|rule| [(rule, false), (rule, true)]) {
            let reference = self.reference(&data, rule, add);
            for isa in Isa::available() {
                for (index, border) in BORDERS.into_iter().enumerate() {
                    let borders = [border, BORDERS[(index + 1) % BORDERS.len()]];
                    let got = self.run(isa, &data, rule, add, borders);
                    assert_sums(&got, &reference, Activation::Identity);
                }
            }
        }
    }
}

#[test]
fn windows_of_networks_agree_with_the_definition() {
    let uneven = Pool2d { padding: Padding { top: 0, left: 0, bottom: 1, right: 1 }, ..Pool2d::new(3, 2, 0) };
    for geometry in [
        Pool2d::new(3, 2, 1),
        Pool2d::new(2, 2, 0),
        Pool2d::new(2, 2, 1),
        Pool2d::new(3, 1, 1),
        uneven,
        Pool2d::new(1, 1, 0),
        Pool2d::new(1, 3, 0),
        Pool2d::new(5, 1, 2),
        Pool2d::new(4, 3, 1),
    ] {
        for (input, batch) in [
            (Shape::new(1, 1, 1), 1),
            (Shape::new(35, 7, 13), 3),
            (Shape::new(16, 2, 40), 1),
            (Shape::new(3, 127, 129), 1),
        ] {
            if geometry.output((input.h, input.w)).is_some() {
                Case { geometry, input, batch }.check();
            }
        }
    }
}

fn cases() -> impl Strategy<Value = Case> {
    (
        (1..=5_usize, 1..=5_usize, 1..=6_usize),
        [0..=4_usize, 0..=4, 0..=4, 0..=4],
        (1..=40_usize, 1..=14_usize, 1..=30_usize),
        0..=3_usize,
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
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(40) })]

    #[test]
    fn any_window_agrees_with_the_definition(case in cases()) {
        case.check();
    }
}

/// Forward and backward are linear for means: `<dy, f(x)> = <f^T dy, x>`.
#[test]
fn the_gradient_of_a_mean_is_its_adjoint() {
    let case = Case { geometry: Pool2d::new(3, 2, 1), input: Shape::new(20, 9, 14), batch: 2 };
    let data = case.data();
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    for isa in Isa::available() {
        for count_include_pad in [true, false] {
            let mut y = vec![f32::NAN; data.dy.len()];
            madenet_kernels::avg_pool2d(case.geometry, count_include_pad, case.input, &data.x, &mut y)
                .unwrap();
            let dx = case.run(isa, &data, Rule::Mean { count_include_pad }, false, [BORDERS[0]; 2]);
            assert!((dot(&data.dy, &y) - dot(&dx, &data.x)).abs() < 1e-4);
        }
    }
}

#[test]
fn the_gradient_of_a_planes_mean_is_the_same_everywhere() {
    for (c, h, w, batch) in [(1, 1, 1, 1), (35, 7, 13, 3), (16, 8, 8, 0), (3, 127, 129, 1)] {
        let (input, output) = (Shape::new(c, h, w), Shape::new(c, 1, 1));
        let (dy, add) = (random(batch * c, 3), random(batch * input.len(), 4));
        for isa in Isa::available() {
            for border in BORDERS {
                let dy_tensor = Tensor::packed(output, border, &dy);
                let add_tensor = Tensor::packed(input, BORDERS[1], &add);
                for with_add in [false, true] {
                    let mut dx = Tensor::untouched(input, border, batch);
                    let other = with_add.then(|| add_tensor.read());
                    global_avg_pool_gradient(isa, dy_tensor.read(), other, dx.write()).unwrap();
                    for (index, got) in dx.planar().into_iter().enumerate() {
                        let other = if with_add { f64::from(add[index]) } else { 0.0 };
                        let expected = f64::from(dy[index / (h * w)]) / (h * w) as f64 + other;
                        assert!((f64::from(got) - expected).abs() < 2e-7, "{got} {expected}");
                    }
                }
            }
        }
    }
}

#[test]
fn what_is_not_a_number_does_no_harm() {
    let (geometry, input) = (Pool2d::new(2, 2, 0), Shape::new(16, 2, 4));
    let mut x = random(input.len(), 1);
    (x[0], x[2], x[3], x[6], x[7]) =
        (f32::NAN, f32::NEG_INFINITY, f32::NEG_INFINITY, f32::NEG_INFINITY, f32::NEG_INFINITY);
    for isa in Isa::available() {
        let case = Case { geometry, input, batch: 1 };
        let mut y = vec![0.0; case.output().len()];
        madenet_kernels::max_pool2d(geometry, input, &x, &mut y).unwrap();
        let data = Data { dy: vec![1.0; y.len()], add: vec![], y, x: x.clone() };
        let x_tensor = Tensor::packed(input, BORDERS[0], &data.x);
        let (y, dy) = (
            Tensor::packed(case.output(), BORDERS[0], &data.y),
            Tensor::packed(case.output(), BORDERS[0], &data.dy),
        );
        let mut dx = Tensor::untouched(input, BORDERS[0], 1);
        max_pool2d_gradient(isa, geometry, x_tensor.read(), y.read(), dy.read(), None, dx.write()).unwrap();
        // The first window passes nothing on, the second, of equal infinities, all to its first tap.
        assert_eq!(dx.planar()[..8], [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let case = Case { geometry: Pool2d::new(3, 2, 1), input: Shape::new(35, 100, 101), batch: 2 };
    let data = case.data();
    for isa in Isa::available() {
        assert_same_on_all_threads(|| {
            RULES.into_iter().flat_map(|rule| case.run(isa, &data, rule, true, [BORDERS[1]; 2])).collect()
        });
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let (isa, geometry) = (Isa::best(), Pool2d::new(2, 2, 0));
    let (input, output) = ((Shape::new(2, 4, 4), 2), (Shape::new(2, 2, 2), 2));
    let tensor = |(shape, batch): (Shape, usize)| Tensor::untouched(shape, Padding::all(0), batch);
    let what = |result| match result {
        Ok(()) => "nothing",
        Err(Error::Geometry { what, .. }) => what,
        Err(other) => panic!("{other}"),
    };
    let max = |geometry, x, y, dy, add, dx| {
        let (x, y, dy, add, mut dx) = (tensor(x), tensor(y), tensor(dy), tensor(add), tensor(dx));
        what(max_pool2d_gradient(isa, geometry, x.read(), y.read(), dy.read(), Some(add.read()), dx.write()))
    };
    let wrong = (Shape::new(2, 4, 4), 1);
    assert_eq!(max(geometry, input, output, output, input, input), "nothing");
    assert_eq!(max(geometry, input, input, output, input, input), "max_pool2d_gradient: y");
    assert_eq!(max(geometry, input, output, input, input, input), "max_pool2d_gradient: dy");
    assert_eq!(max(geometry, input, output, output, wrong, input), "max_pool2d_gradient: add");
    assert_eq!(max(geometry, input, output, output, input, wrong), "max_pool2d_gradient: dx");
    for geometry in [Pool2d::new(5, 1, 0), Pool2d::new(2, 0, 0), Pool2d::new(usize::MAX, 1, 0)] {
        assert_eq!(max(geometry, input, output, output, input, input), "max_pool2d_gradient");
    }

    let mean = |geometry, dy, add, dx| {
        let (dy, add, mut dx) = (tensor(dy), tensor(add), tensor(dx));
        what(avg_pool2d_gradient(isa, geometry, true, dy.read(), Some(add.read()), dx.write()))
    };
    assert_eq!(mean(geometry, output, input, input), "nothing");
    assert_eq!(mean(geometry, input, input, input), "avg_pool2d_gradient: dy");
    assert_eq!(mean(geometry, output, output, input), "avg_pool2d_gradient: add");
    assert_eq!(mean(Pool2d::new(5, 1, 0), output, input, input), "avg_pool2d_gradient");

    let plane = |dy, add, dx| {
        let (dy, add, mut dx) = (tensor(dy), tensor(add), tensor(dx));
        what(global_avg_pool_gradient(isa, dy.read(), Some(add.read()), dx.write()))
    };
    let pixel = (Shape::new(2, 1, 1), 2);
    assert_eq!(plane(pixel, input, input), "nothing");
    assert_eq!(plane(output, input, input), "global_avg_pool_gradient: dy");
    assert_eq!(plane(pixel, wrong, input), "global_avg_pool_gradient: add");
}
