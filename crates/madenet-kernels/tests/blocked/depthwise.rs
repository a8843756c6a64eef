use madenet_kernels::blocked::DepthwiseKernel;
use madenet_kernels::{Activation, Conv2d, Error, Isa, Padding, Shape};
use proptest::prelude::*;

use crate::support::{ACTIVATIONS, Sum, activate, assert_same_on_all_threads, assert_sums, random};
use crate::tensor::{BORDERS, Tensor};

#[derive(Clone, Copy, Debug)]
struct Case {
    geometry: Conv2d,
    input: Shape,
    batch: usize,
}

struct Data {
    weight: Vec<f32>,
    bias: Vec<f32>,
    x: Vec<f32>,
}

impl Case {
    fn new(geometry: Conv2d, (c, h, w): (usize, usize, usize), batch: usize) -> Self {
        Case { geometry, input: Shape::new(c, h, w), batch }
    }

    fn data(&self) -> Data {
        let (kh, kw) = self.geometry.kernel;
        Data {
            weight: random(self.input.c * kh * kw, 7),
            bias: random(self.input.c, 8),
            x: random(self.batch * self.input.len(), 9),
        }
    }

    fn kernel(&self, isa: Isa, data: &Data, activation: Activation) -> DepthwiseKernel {
        DepthwiseKernel::new(isa, self.geometry, self.input, &data.weight, Some(&data.bias), activation)
            .unwrap()
    }

    /// The definition.
    fn reference(&self, data: &Data) -> Vec<Sum> {
        let Conv2d { kernel, stride, padding, dilation, .. } = self.geometry;
        let (h, w) = self.geometry.output((self.input.h, self.input.w)).unwrap();
        let value = |index: usize| {
            let (x, y, plane) = (index % w, index / w % h, index / (w * h));
            let channel = plane % self.input.c;
            let mut sum = Sum::default();
            sum.add(f64::from(data.bias[channel]));
            for (ky, kx) in (0..kernel.0).flat_map(|ky| (0..kernel.1).map(move |kx| (ky, kx))) {
                let at = |at: usize, tap: usize, before: usize, inputs: usize| {
                    (at * stride + tap * dilation).checked_sub(before).filter(|&at| at < inputs)
                };
                let y = at(y, ky, padding.top, self.input.h);
                if let (Some(y), Some(x)) = (y, at(x, kx, padding.left, self.input.w)) {
                    let x = data.x[(plane * self.input.h + y) * self.input.w + x];
                    sum.add(f64::from(data.weight[(channel * kernel.0 + ky) * kernel.1 + kx]) * f64::from(x));
                }
            }
            sum
        };
        (0..self.batch * self.input.c * h * w).map(value).collect()
    }

    /// With every instruction set, into tensors with every border, with and without means.
    fn check(&self, activation: Activation) {
        let data = self.data();
        let reference = self.reference(&data);
        for isa in Isa::available() {
            let kernel = self.kernel(isa, &data, activation);
            let (output, x) = (kernel.output(), Tensor::packed(self.input, kernel.border(), &data.x));
            for border in BORDERS {
                let mut out = Tensor::untouched(output, border, self.batch);
                kernel.run(x.read(), out.write()).unwrap();
                assert_sums(&out.planar(), &reference, activation);

                let mut again = Tensor::untouched(output, border, self.batch);
                let mut means = Tensor::untouched(Shape::new(output.c, 1, 1), border, self.batch);
                kernel.run_with_means(x.read(), again.write(), means.write()).unwrap();
                assert!(out.blocks == again.blocks, "{self:?}: other values with means");
                self.check_means(&out.planar(), &means.planar(), output);
            }
        }
    }

    /// The means are those of the outputs as they were written.
    fn check_means(&self, out: &[f32], means: &[f32], output: Shape) {
        let mean = |plane: &[f32]| {
            let mut sum = Sum::default();
            plane.iter().for_each(|&value| sum.add(f64::from(value) / output.plane() as f64));
            sum
        };
        let expected: Vec<Sum> = out.chunks(output.plane()).map(mean).collect();
        assert_sums(means, &expected, Activation::Identity);
    }
}

fn table() -> Vec<Case> {
    let oblong = Conv2d {
        kernel: (1, 7),
        padding: Padding { left: 3, right: 3, ..Padding::default() },
        ..Conv2d::new(1, 1, 0)
    };
    let same =
        Conv2d { padding: Padding { bottom: 1, right: 1, ..Padding::default() }, ..Conv2d::new(3, 2, 0) };
    vec![
        Case::new(Conv2d::new(3, 1, 1), (1, 1, 1), 1),
        Case::new(Conv2d::new(3, 1, 1), (35, 7, 13), 3),
        Case::new(Conv2d::new(3, 2, 1), (35, 7, 13), 3),
        Case::new(Conv2d::new(5, 1, 2), (16, 7, 13), 3),
        Case::new(Conv2d::new(5, 2, 2), (20, 14, 9), 2),
        Case::new(Conv2d::new(3, 1, 1), (3, 255, 257), 1),
        Case::new(Conv2d::new(5, 2, 2), (17, 70, 71), 1),
        Case::new(same, (4, 16, 16), 1),
        Case::new(oblong, (6, 5, 20), 2),
        Case::new(Conv2d::new(7, 1, 3), (18, 9, 12), 1),
        Case::new(Conv2d { dilation: 3, ..Conv2d::new(3, 3, 4) }, (5, 20, 17), 3),
        Case::new(Conv2d { dilation: 2, ..Conv2d::new(5, 1, 4) }, (5, 20, 17), 1),
        Case::new(Conv2d::new(2, 2, 0), (5, 9, 8), 1),
        // Windows in the padding alone, and a last row and column that no window reads.
        Case::new(Conv2d::new(1, 1, 3), (3, 1, 2), 2),
        Case::new(Conv2d::new(3, 3, 0), (3, 8, 11), 2),
    ]
}

#[test]
fn the_table_agrees_with_the_definition() {
    for (index, case) in table().into_iter().enumerate() {
        case.check(ACTIVATIONS[index % ACTIVATIONS.len()]);
        case.check(ACTIVATIONS[(index + 1) % ACTIVATIONS.len()]);
    }
}

/// Sums of small whole numbers are exact: nothing may be missing, doubled or rounded.
#[test]
fn whole_numbers_come_out_exactly() {
    for case in table() {
        let mut data = case.data();
        for values in [&mut data.weight, &mut data.bias, &mut data.x] {
            values.iter_mut().for_each(|value| *value = (*value * 4.0).round());
        }
        let expected: Vec<f32> =
            case.reference(&data).iter().map(|sum| activate(Activation::Relu, sum.value) as f32).collect();
        for isa in Isa::available() {
            let kernel = case.kernel(isa, &data, Activation::Relu);
            let x = Tensor::packed(case.input, kernel.border(), &data.x);
            let mut out = Tensor::untouched(kernel.output(), Padding::all(1), case.batch);
            kernel.run(x.read(), out.write()).unwrap();
            assert!(out.planar() == expected, "{isa:?} {case:?}");
        }
    }
}

#[test]
fn the_border_is_what_windows_read_and_a_larger_one_does_no_harm() {
    let border = |geometry, h, w| {
        let input = Shape::new(1, h, w);
        let weight = vec![1.0; 9];
        DepthwiseKernel::new(Isa::best(), geometry, input, &weight, None, Activation::Identity)
            .unwrap()
            .border()
    };
    assert_eq!(border(Conv2d::new(3, 1, 1), 5, 6), Padding::all(1));
    // The last window of an even side ends on the plane.
    assert_eq!(border(Conv2d::new(3, 2, 1), 6, 7), Padding { top: 1, left: 1, bottom: 0, right: 1 });
    assert_eq!(border(Conv2d::new(3, 3, 0), 8, 11), Padding::all(0));

    let case = Case::new(Conv2d::new(3, 2, 1), (20, 6, 7), 2);
    let data = case.data();
    for isa in Isa::available() {
        let kernel = case.kernel(isa, &data, Activation::Identity);
        let x = Tensor::packed(case.input, BORDERS[2], &data.x);
        let mut out = Tensor::untouched(kernel.output(), BORDERS[2], 2);
        kernel.run(x.read(), out.write()).unwrap();
        assert_sums(&out.planar(), &case.reference(&data), Activation::Identity);
    }
}

#[test]
fn nan_stays() {
    for isa in Isa::available() {
        for activation in ACTIVATIONS {
            let input = Shape::new(1, 3, 3);
            let kernel =
                DepthwiseKernel::new(isa, Conv2d::new(3, 1, 1), input, &[0.0; 9], None, activation).unwrap();
            let mut values = [1.0; 9];
            values[0] = f32::NAN;
            let x = Tensor::packed(input, kernel.border(), &values);
            let mut out = Tensor::untouched(input, Padding::all(0), 1);
            let mut means = Tensor::untouched(Shape::new(1, 1, 1), Padding::all(0), 1);
            kernel.run_with_means(x.read(), out.write(), means.write()).unwrap();
            let nan = out.planar().iter().map(|v| v.is_nan()).collect::<Vec<_>>();
            assert_eq!(nan, [true, true, false, true, true, false, false, false, false]);
            assert!(means.planar()[0].is_nan());
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    // Many small planes, and few that are split.
    for case in [
        Case::new(Conv2d::new(3, 1, 1), (100, 30, 31), 2),
        Case::new(Conv2d::new(5, 1, 2), (20, 150, 151), 1),
    ] {
        let data = case.data();
        for isa in Isa::available() {
            let kernel = case.kernel(isa, &data, Activation::Silu);
            let x = Tensor::packed(case.input, kernel.border(), &data.x);
            assert_same_on_all_threads(|| {
                let mut out = Tensor::untouched(kernel.output(), Padding::all(1), case.batch);
                let mut means =
                    Tensor::untouched(Shape::new(case.input.c, 1, 1), Padding::all(0), case.batch);
                kernel.run_with_means(x.read(), out.write(), means.write()).unwrap();
                [out.planar(), means.planar()].concat()
            });
        }
    }
}

fn cases() -> impl Strategy<Value = Case> {
    let kernel = prop_oneof![Just((3, 3)), Just((5, 5)), (1..=4_usize, 1..=4_usize)];
    let pads = [0..=3_usize, 0..=3, 0..=3, 0..=3];
    (kernel, 1..=3_usize, 1..=2_usize, pads, (1..=40_usize, 1..=14_usize, 1..=30_usize), 1..=3_usize)
        .prop_map(|(kernel, stride, dilation, [top, left, bottom, right], (c, h, w), batch)| {
            let padding = Padding { top, left, bottom, right };
            let geometry = Conv2d { kernel, stride, padding, dilation, groups: c };
            Case { geometry, input: Shape::new(c, h, w), batch }
        })
        .prop_filter("a window fits", |case| case.geometry.output((case.input.h, case.input.w)).is_some())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    #[test]
    fn any_geometry_agrees_with_the_definition(case in cases(), activation in 0..ACTIVATIONS.len()) {
        case.check(ACTIVATIONS[activation]);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let (isa, geometry, input) = (Isa::best(), Conv2d::new(3, 1, 1), Shape::new(2, 4, 4));
    let new = |geometry, input, weights: usize, bias: Option<usize>| {
        let bias = bias.map(|len| vec![0.0; len]);
        DepthwiseKernel::new(isa, geometry, input, &vec![0.0; weights], bias.as_deref(), Activation::Identity)
    };
    let length = |what, expected, got| Some(Error::Length { what, expected, got });
    assert_eq!(new(geometry, input, 17, None).err(), length("depthwise: weight", 18, 17));
    assert_eq!(new(geometry, input, 18, Some(1)).err(), length("depthwise: bias", 2, 1));
    for (geometry, input) in [
        (Conv2d::new(5, 1, 0), input),
        (Conv2d::new(3, 0, 1), input),
        (Conv2d::new(0, 1, 1), input),
        (Conv2d { dilation: 0, ..geometry }, input),
        (Conv2d { padding: Padding::all(usize::MAX), ..geometry }, input),
        (geometry, Shape::new(0, 4, 4)),
        (geometry, Shape::new(2, 0, 4)),
        (geometry, Shape::new(usize::MAX, 4, 4)),
    ] {
        let error = new(geometry, input, 18, None).err();
        assert!(matches!(error, Some(Error::Geometry { what: "depthwise", .. })), "{error:?}");
    }

    let kernel = new(geometry, input, 18, None).unwrap();
    let run = |x: (Shape, usize, usize), out: (Shape, usize), means: (Shape, usize)| {
        let x = Tensor::packed(x.0, Padding::all(x.1), &vec![0.0; x.0.len() * x.2]);
        let mut out = Tensor::untouched(out.0, Padding::all(0), out.1);
        let mut means = Tensor::untouched(means.0, Padding::all(0), means.1);
        match kernel.run_with_means(x.read(), out.write(), means.write()) {
            Err(Error::Geometry { what, .. }) => what,
            other => {
                assert_eq!(other, Ok(()));
                "nothing"
            }
        }
    };
    let pixel = Shape::new(2, 1, 1);
    assert_eq!(run((input, 1, 2), (input, 2), (pixel, 2)), "nothing");
    assert_eq!(run((input, 1, 0), (input, 0), (pixel, 0)), "nothing");
    assert_eq!(run((Shape::new(2, 4, 5), 1, 2), (input, 2), (pixel, 2)), "depthwise: x");
    assert_eq!(run((input, 0, 2), (input, 2), (pixel, 2)), "depthwise: x");
    assert_eq!(run((input, 1, 2), (input, 1), (pixel, 2)), "depthwise: out");
    assert_eq!(run((input, 1, 2), (pixel, 2), (pixel, 2)), "depthwise: out");
    assert_eq!(run((input, 1, 2), (input, 2), (input, 2)), "depthwise: means");
    assert_eq!(run((input, 1, 2), (input, 2), (pixel, 1)), "depthwise: means");
}
