use madenet_kernels::blocked::interpolate_gradient;
use madenet_kernels::{Error, Interpolation, Isa, Padding, Shape};
use proptest::prelude::*;

use crate::support::{assert_same_on_all_threads, random};
use crate::tensor::{BORDERS, Tensor};

const HALF_PIXEL: Interpolation = Interpolation::Bilinear { align_corners: false };
const CORNERS: Interpolation = Interpolation::Bilinear { align_corners: true };
const MODES: [Interpolation; 3] = [Interpolation::Nearest, HALF_PIXEL, CORNERS];

/// Resizing from the shape `input`, whose gradient is tested.
#[derive(Clone, Copy, Debug)]
struct Case {
    mode: Interpolation,
    input: Shape,
    out_hw: (usize, usize),
    batch: usize,
    add: bool,
}

impl Case {
    fn output(&self) -> Shape {
        Shape::new(self.input.c, self.out_hw.0, self.out_hw.1)
    }

    fn data(&self) -> (Vec<f32>, Vec<f32>) {
        (random(self.batch * self.output().len(), 4), random(self.batch * self.input.len(), 5))
    }

    fn run(&self, isa: Isa, border: Padding) -> Vec<f32> {
        let (dy, add) = self.data();
        let (dy, add) =
            (Tensor::packed(self.output(), BORDERS[2], &dy), Tensor::packed(self.input, BORDERS[1], &add));
        let mut dx = Tensor::untouched(self.input, border, self.batch);
        let add = self.add.then(|| add.read());
        interpolate_gradient(isa, self.mode, dy.read(), add, dx.write()).unwrap();
        dx.planar()
    }

    /// What the forward operation makes of a picture in which one row, or one column, is 1: the weights along an axis.
    fn weights(&self, input: usize, output: usize) -> Vec<Vec<f64>> {
        let weight = |at: usize| {
            let x: Vec<f32> = (0..input).map(|i| if i == at { 1.0 } else { 0.0 }).collect();
            let mut out = vec![f32::NAN; output];
            madenet_kernels::interpolate(self.mode, Shape::new(1, 1, input), (1, output), &x, &mut out)
                .unwrap();
            out.into_iter().map(f64::from).collect()
        };
        (0..input).map(weight).collect()
    }

    /// Every gradient in f64 with the sum of the magnitudes of its terms.
    fn reference(&self) -> Vec<(f64, f64)> {
        let ((dy, add), (input, output)) = (self.data(), (self.input, self.output()));
        let rows = self.weights(input.h, output.h);
        let columns = self.weights(input.w, output.w);
        let mut sums = Vec::new();
        for (index, &add) in add.iter().enumerate() {
            let (x, y, plane) = (index % input.w, index / input.w % input.h, index / input.plane());
            let start = if self.add { f64::from(add) } else { 0.0 };
            let mut sum = (start, start.abs());
            for (oy, row) in rows[y].iter().enumerate().filter(|(_, weight)| **weight != 0.0) {
                for (ox, column) in columns[x].iter().enumerate().filter(|(_, weight)| **weight != 0.0) {
                    let term = row * column * f64::from(dy[(plane * output.h + oy) * output.w + ox]);
                    sum = (sum.0 + term, sum.1 + term.abs());
                }
            }
            sums.push(sum);
        }
        sums
    }

    fn check(&self, borders: &[Padding]) {
        let reference = self.reference();
        // Weights are rounded, then products and sums, of as many terms as an output pixel of another size has readers.
        let readers = self.out_hw.0.div_ceil(self.input.h) + self.out_hw.1.div_ceil(self.input.w);
        let tolerance = (8 + 4 * readers) as f64 * f64::from(f32::EPSILON);
        for &border in borders {
            for isa in Isa::available() {
                let got = self.run(isa, border);
                assert_eq!(got.len(), reference.len());
                for (index, (&got, (expected, magnitude))) in got.iter().zip(&reference).enumerate() {
                    let error = (f64::from(got) - expected).abs();
                    assert!(
                        error <= tolerance * magnitude.max(1e-3),
                        "{isa:?} {self:?}: value {index} is {got}, not {expected}"
                    );
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
            (Shape::new(16, 1, 1), (2, 2)),
            (Shape::new(5, 1, 1), (7, 13)),
            (Shape::new(20, 7, 13), (14, 26)),
            (Shape::new(16, 8, 8), (32, 32)),
            (Shape::new(35, 5, 6), (40, 48)),
            (Shape::new(3, 8, 9), (8, 9)),
            (Shape::new(17, 7, 13), (14, 13)),
            (Shape::new(3, 128, 129), (255, 257)),
            (Shape::new(3, 155, 157), (60, 300)),
            (Shape::new(2, 64, 64), (128, 128)),
            (Shape::new(16, 9, 9), (27, 27)),
        ] {
            for (add, batch) in [(false, 1), (true, 3)] {
                Case { mode, input, out_hw, batch, add }.check(&BORDERS);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    #[test]
    fn any_size_agrees_with_the_definition(
        mode in prop::sample::select(&MODES[..]),
        (c, h, w) in (1..=20_usize, 1..=20_usize, 1..=40_usize),
        out_hw in (1..=40_usize, 1..=150_usize),
        batch in 0..=2_usize,
        add: bool,
        border in 0..3_usize,
    ) {
        Case { mode, input: Shape::new(c, h, w), out_hw, batch, add }.check(&[BORDERS[border]]);
    }

    #[test]
    fn whole_factors_agree_with_the_definition(
        mode in prop::sample::select(&MODES[..]),
        (c, h, w) in (1..=20_usize, 1..=20_usize, 1..=20_usize),
        (rows, columns) in (1..=8_usize, 1..=8_usize),
        add: bool,
        border in 0..3_usize,
    ) {
        let case = Case { mode, input: Shape::new(c, h, w), out_hw: (rows * h, columns * w), batch: 1, add };
        case.check(&[BORDERS[border]]);
    }
}

/// `<dy, f(x)> = <f^T dy, x>`, with the forward operation on planar tensors.
#[test]
fn the_gradient_is_the_adjoint() {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    for mode in MODES {
        for out_hw in [(26, 34), (13, 51), (5, 200)] {
            let case = Case { mode, input: Shape::new(20, 13, 17), out_hw, batch: 2, add: false };
            let (dy, x) = case.data();
            let mut y = vec![f32::NAN; dy.len()];
            madenet_kernels::interpolate(mode, case.input, out_hw, &x, &mut y).unwrap();
            for isa in Isa::available() {
                let (forward, backward) = (dot(&dy, &y), dot(&case.run(isa, BORDERS[0]), &x));
                assert!((forward - backward).abs() < 1e-3, "{isa:?} {case:?}: {forward} {backward}");
            }
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    for mode in MODES {
        for out_hw in [(200, 250), (180, 182), (51, 60)] {
            let case = Case { mode, input: Shape::new(20, 90, 91), out_hw, batch: 2, add: true };
            for isa in Isa::available() {
                assert_same_on_all_threads(|| case.run(isa, BORDERS[1]));
            }
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let tensor = |c: usize, h: usize, batch: usize| Tensor::untouched(Shape::new(c, h, 3), BORDERS[0], batch);
    let run = |dy: Tensor, add: Tensor, mut dx: Tensor| match interpolate_gradient(
        Isa::best(),
        HALF_PIXEL,
        dy.read(),
        Some(add.read()),
        dx.write(),
    ) {
        Ok(()) => "nothing",
        Err(Error::Geometry { what, .. }) => what,
        Err(other) => panic!("{other}"),
    };
    assert_eq!(run(tensor(4, 5, 2), tensor(4, 2, 2), tensor(4, 2, 2)), "nothing");
    assert_eq!(run(tensor(5, 5, 2), tensor(4, 2, 2), tensor(4, 2, 2)), "interpolate_gradient: dy");
    assert_eq!(run(tensor(4, 5, 1), tensor(4, 2, 2), tensor(4, 2, 2)), "interpolate_gradient: dy");
    assert_eq!(run(tensor(4, 5, 2), tensor(4, 5, 2), tensor(4, 2, 2)), "interpolate_gradient: add");
    assert_eq!(run(tensor(4, 5, 2), tensor(4, 2, 1), tensor(4, 2, 2)), "interpolate_gradient: add");
}
