use madenet_kernels::blocked::interpolate;
use madenet_kernels::{Activation, Error, Interpolation, Isa, Padding, Shape};
use proptest::prelude::*;

use crate::support::{assert_same_on_all_threads, random};
use crate::tensor::{BORDERS, Tensor};

const HALF_PIXEL: Interpolation = Interpolation::Bilinear { align_corners: false };
const CORNERS: Interpolation = Interpolation::Bilinear { align_corners: true };
const MODES: [Interpolation; 3] = [Interpolation::Nearest, HALF_PIXEL, CORNERS];

/// Both compute the same positions; values lie within -1..1, each is rounded once per operation of three interpolations and a
/// sum, and no activation here is steeper than 1.1.
const TOLERANCE: f32 = 8.0 * f32::EPSILON;

/// One case, in which inputs and outputs have different borders.
#[derive(Clone, Copy, Debug)]
struct Case {
    mode: Interpolation,
    input: Shape,
    out_hw: (usize, usize),
    batch: usize,
    sum: bool,
    activation: Activation,
}

impl Case {
    fn output(&self) -> Shape {
        Shape::new(self.input.c, self.out_hw.0, self.out_hw.1)
    }

    fn data(&self) -> (Vec<f32>, Vec<f32>) {
        (random(self.batch * self.input.len(), 4), random(self.batch * self.output().len(), 5))
    }

    fn blocked(&self, isa: Isa, border: Padding) -> Vec<f32> {
        let (x, other) = self.data();
        let mut out = Tensor::untouched(self.output(), border, self.batch);
        let x = Tensor::packed(self.input, BORDERS[2], &x);
        let other = Tensor::packed(self.output(), BORDERS[1], &other);
        let other = self.sum.then(|| other.read());
        interpolate(isa, self.mode, x.read(), other, self.activation, out.write()).unwrap();
        out.planar()
    }

    fn planar(&self) -> Vec<f32> {
        let (x, other) = self.data();
        let mut out = vec![f32::NAN; self.batch * self.output().len()];
        madenet_kernels::interpolate(self.mode, self.input, self.out_hw, &x, &mut out).unwrap();
        if self.sum {
            out.iter_mut().zip(other).for_each(|(out, other)| *out += other);
        }
        out.iter().map(|&v| self.activation.apply(v)).collect()
    }

    fn check(&self, borders: &[Padding]) {
        let expected = self.planar();
        for &border in borders {
            for isa in Isa::available() {
                let got = self.blocked(isa, border);
                let exact = self.mode == Interpolation::Nearest && self.activation == Activation::Identity;
                let tolerance = if exact { 0.0 } else { TOLERANCE };
                for (index, (got, expected)) in got.iter().zip(&expected).enumerate() {
                    let error = (got - expected).abs();
                    assert!(error <= tolerance, "{isa:?} {self:?}: value {index} is {got}, not {expected}");
                }
            }
        }
    }
}

#[test]
fn sizes_that_networks_use() {
    for mode in MODES {
        for (input, out_hw) in [
            (Shape::new(16, 1, 1), (1, 1)),
            (Shape::new(5, 1, 1), (7, 13)),
            (Shape::new(20, 7, 13), (14, 26)),
            (Shape::new(16, 8, 8), (32, 32)),
            (Shape::new(35, 5, 6), (40, 48)),
            (Shape::new(3, 8, 9), (8, 9)),
            (Shape::new(17, 7, 13), (14, 13)),
            (Shape::new(3, 128, 129), (255, 257)),
            (Shape::new(3, 255, 257), (100, 300)),
            (Shape::new(16, 9, 9), (27, 27)),
        ] {
            for (sum, activation) in [(false, Activation::Identity), (true, Activation::Relu)] {
                for batch in [1, 3] {
                    Case { mode, input, out_hw, batch, sum, activation }.check(&BORDERS);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn any_size_agrees_with_the_planar_operation(
        mode in prop::sample::select(&MODES[..]),
        (c, h, w) in (1..=20_usize, 1..=20_usize, 1..=20_usize),
        out_hw in (1..=40_usize, 1..=150_usize),
        batch in 0..=2_usize,
        sum: bool,
        activation in prop::sample::select(&[
            Activation::Identity, Activation::Relu, Activation::LeakyRelu(0.2), Activation::Silu, Activation::Sigmoid,
        ][..]),
        border in 0..3_usize,
    ) {
        Case { mode, input: Shape::new(c, h, w), out_hw, batch, sum, activation }.check(&[BORDERS[border]]);
    }

    #[test]
    fn whole_factors_agree_with_the_planar_operation(
        mode in prop::sample::select(&MODES[..]),
        (c, h, w) in (1..=20_usize, 1..=20_usize, 1..=20_usize),
        (rows, columns) in (1..=8_usize, 1..=8_usize),
        sum: bool,
        border in 0..3_usize,
    ) {
        let (input, activation) = (Shape::new(c, h, w), Activation::Identity);
        Case { mode, input, out_hw: (rows * h, columns * w), batch: 1, sum, activation }.check(&[BORDERS[border]]);
    }
}

#[test]
fn not_a_number_stays_where_it_is() {
    let mut x = random(16 * 6, 1);
    x[0] = f32::NAN;
    for isa in Isa::available() {
        let x = Tensor::packed(Shape::new(16, 2, 3), BORDERS[0], &x);
        let mut out = Tensor::untouched(Shape::new(16, 4, 6), BORDERS[1], 1);
        interpolate(isa, Interpolation::Nearest, x.read(), None, Activation::Relu, out.write()).unwrap();
        let nan: Vec<usize> = (0..16 * 24).filter(|&index| out.planar()[index].is_nan()).collect();
        assert_eq!(nan, [0, 1, 6, 7], "{isa:?}");
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    for mode in MODES {
        for out_hw in [(100, 150), (60, 62), (120, 124)] {
            let input = Shape::new(20, 30, 31);
            let case = Case { mode, input, out_hw, batch: 2, sum: true, activation: Activation::Silu };
            for isa in Isa::available() {
                assert_same_on_all_threads(|| case.blocked(isa, BORDERS[1]));
            }
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let tensor = |c: usize, h: usize, batch: usize| Tensor::untouched(Shape::new(c, h, 3), BORDERS[0], batch);
    let run = |x: Tensor, other: Option<Tensor>, mut out: Tensor| {
        let other = other.as_ref().map(Tensor::read);
        interpolate(Isa::best(), HALF_PIXEL, x.read(), other, Activation::Identity, out.write())
    };
    assert_eq!(run(tensor(4, 2, 2), Some(tensor(4, 5, 2)), tensor(4, 5, 2)), Ok(()));
    for refused in [
        run(tensor(4, 2, 2), None, tensor(5, 5, 2)),
        run(tensor(4, 2, 2), None, tensor(4, 5, 1)),
        run(tensor(4, 2, 2), Some(tensor(5, 5, 2)), tensor(4, 5, 2)),
        run(tensor(4, 2, 2), Some(tensor(4, 2, 2)), tensor(4, 5, 2)),
        run(tensor(4, 2, 2), Some(tensor(4, 5, 1)), tensor(4, 5, 2)),
    ] {
        assert!(matches!(refused, Err(Error::Geometry { .. })), "{refused:?}");
    }
}
