use madenet_kernels::blocked::{Block, Blocked, Conv2dKernel, ConvMethod, Tuning};
use madenet_kernels::{Activation, Conv2d, Isa, Padding, Shape};
use proptest::prelude::*;

use crate::conv_case::{Case, cases, table};
use crate::support::{ACTIVATIONS, Sum, assert_same_on_all_threads, assert_sums, random};
use crate::tensor::{BORDERS, Tensor};

/// How much larger the error bound of a method is than that of the definition: the transforms amplify rounding. Products of
/// the row sums of |A^T|, |B^T| and |G| on both axes, over those of the identity, bound it for the worst case far more
/// loosely; these are some ten times what random data shows.
fn amplification(method: ConvMethod) -> f64 {
    match method {
        ConvMethod::Direct => 1.0,
        ConvMethod::Winograd2 => 4.0,
        ConvMethod::Winograd4 => 40.0,
    }
}

fn kernel(case: &Case, weight: &[f32], bias: &[f32], tuning: Tuning, activation: Activation) -> Conv2dKernel {
    Conv2dKernel::new(tuning, case.geometry, case.input, case.out, weight, Some(bias), activation).unwrap()
}

fn grown(border: Padding, by: Padding) -> Padding {
    Padding {
        top: border.top + by.top,
        left: border.left + by.left,
        bottom: border.bottom + by.bottom,
        right: border.right + by.right,
    }
}

fn run(kernel: &Conv2dKernel, x: &Tensor, residual: Option<Blocked<'_>>, out: &mut Tensor) {
    let threads = rayon::current_num_threads();
    // What is in the scratch memory must not matter.
    let mut scratch = vec![Block([f32::NAN; 16]); kernel.scratch(x.batch, threads)];
    kernel.run(x.read(), residual, out.write(), &mut scratch).unwrap();
}

/// All instruction sets and methods against the definition, and so each other.
fn check(case: &Case, border: Padding, with_residual: bool, activation: Activation) {
    let data = case.data(7);
    let (h, w) = case.geometry.output((case.input.h, case.input.w)).unwrap();
    let output = Shape::new(case.out, h, w);
    let residual = with_residual.then(|| random(case.batch * output.len(), 99));
    let expected = case.reference(&data, output, true, residual.as_deref());
    for isa in Isa::available() {
        for method in ConvMethod::ALL {
            let tuning = Tuning { isa, method: Some(method) };
            let kernel = kernel(case, &data.weight, &data.bias, tuning, activation);
            if kernel.method() != method {
                continue;
            }
            assert_eq!(kernel.output(), output);
            let x = Tensor::packed(case.input, grown(kernel.border(), border), &data.x);
            let residual = residual.as_ref().map(|r| Tensor::packed(output, border, r));
            let mut out = Tensor::untouched(output, border, case.batch);
            run(&kernel, &x, residual.as_ref().map(Tensor::read), &mut out);
            let scale = amplification(method);
            let expected: Vec<Sum> =
                expected.iter().map(|sum| Sum { magnitude: scale * sum.magnitude, ..*sum }).collect();
            assert_sums(&out.planar(), &expected, activation);
        }
    }
}

fn ungrouped(case: Case) -> Case {
    Case { geometry: Conv2d { groups: 1, ..case.geometry }, ..case }
}

#[test]
fn the_table_agrees_with_the_definition() {
    for (index, case) in table().into_iter().map(ungrouped).enumerate() {
        check(&case, BORDERS[index % 3], index % 2 == 0, ACTIVATIONS[index % ACTIVATIONS.len()]);
        check(&case, BORDERS[(index + 1) % 3], true, Activation::Identity);
    }
}

/// Sizes that meet the edges of tiles, bands, groups of blocks and units.
#[test]
fn odd_sizes_agree_with_the_definition() {
    let sizes = [(1, 1), (2, 3), (4, 4), (5, 9), (7, 13), (13, 7), (17, 31)];
    let channels = [(1, 1), (16, 16), (17, 33), (3, 50), (40, 24), (48, 112)];
    for (index, (h, w)) in sizes.into_iter().enumerate() {
        for (inputs, outputs) in channels {
            let case = Case::new(Conv2d::new(3, 1, 1), (inputs, h, w), outputs, 1 + index % 3);
            check(&case, BORDERS[index % 3], index % 2 == 0, Activation::Relu);
        }
    }
    check(&Case::new(Conv2d::new(3, 1, 1), (2, 255, 257), 3, 1), BORDERS[1], true, Activation::Relu);
    check(&Case::new(Conv2d::new(1, 1, 0), (5, 255, 257), 6, 1), BORDERS[0], true, Activation::Silu);
}

/// Large and small values beside each other, signs that cancel: the worst that the error bound has to hold for.
#[test]
fn adversarial_values_stay_within_the_bound() {
    let case = Case::new(Conv2d::new(3, 1, 1), (32, 12, 12), 16, 1);
    let mut data = case.data(3);
    for (i, x) in data.x.iter_mut().enumerate() {
        *x *= [1.0, -1.0, 1e4, 1e-4, -1e4][i % 5];
    }
    for (i, weight) in data.weight.iter_mut().enumerate() {
        *weight = if i % 2 == 0 { 1.0 } else { -1.0 };
    }
    let output = Shape::new(16, 12, 12);
    let expected = case.reference(&data, output, true, None);
    for isa in Isa::available() {
        for method in ConvMethod::ALL {
            let tuning = Tuning { isa, method: Some(method) };
            let kernel = kernel(&case, &data.weight, &data.bias, tuning, Activation::Identity);
            let x = Tensor::packed(case.input, kernel.border(), &data.x);
            let mut out = Tensor::untouched(output, BORDERS[1], 1);
            run(&kernel, &x, None, &mut out);
            // A tile mixes its 36 inputs, so that a small one has the error of the largest beside it.
            let largest = expected.iter().map(|sum| sum.magnitude).fold(0.0, f64::max);
            let magnitude = |sum: &Sum| if method == ConvMethod::Direct { sum.magnitude } else { largest };
            let expected: Vec<Sum> = expected
                .iter()
                .map(|sum| Sum { magnitude: amplification(method) * magnitude(sum), ..*sum })
                .collect();
            assert_sums(&out.planar(), &expected, Activation::Identity);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn any_geometry_agrees_with_the_definition(
        case in cases(),
        border in prop::sample::select(&BORDERS[..]),
        residual: bool,
        activation in prop::sample::select(&ACTIVATIONS[..]),
    ) {
        check(&ungrouped(case), border, residual, activation);
    }

    #[test]
    fn any_size_of_3x3_agrees_with_the_definition(
        (inputs, outputs) in (1..=70_usize, 1..=70_usize),
        (h, w) in (1..=20_usize, 1..=20_usize),
        (padding, batch) in (1..=2_usize, 1..=3_usize),
        border in prop::sample::select(&BORDERS[..]),
    ) {
        let case = Case::new(Conv2d::new(3, 1, padding), (inputs, h, w), outputs, batch);
        check(&case, border, true, Activation::Relu);
    }
}

#[test]
fn threads_and_batches_do_not_change_a_bit() {
    for case in [
        Case::new(Conv2d::new(3, 1, 1), (32, 40, 41), 72, 2),
        Case::new(Conv2d::new(3, 1, 1), (128, 8, 8), 256, 1),
        Case::new(Conv2d::new(3, 2, 1), (64, 33, 31), 64, 3),
        Case::new(Conv2d::new(1, 1, 0), (300, 20, 20), 200, 2),
        Case::new(Conv2d::new(1, 1, 0), (600, 1, 1), 900, 5),
    ] {
        let data = case.data(11);
        for method in ConvMethod::ALL {
            let tuning = Tuning { method: Some(method), ..Tuning::default() };
            let kernel = kernel(&case, &data.weight, &data.bias, tuning, Activation::Relu);
            let result = |values: &[f32]| {
                let x = Tensor::packed(case.input, kernel.border(), values);
                let mut out = Tensor::untouched(kernel.output(), BORDERS[0], x.batch);
                run(&kernel, &x, None, &mut out);
                out.planar()
            };
            assert_same_on_all_threads(|| result(&data.x));
            let together = result(&data.x);
            let apart: Vec<f32> = data.x.chunks(case.input.len()).flat_map(result).collect();
            assert!(together == apart, "{case:?} {method:?}");
        }
    }
}

#[test]
fn costs_name_the_bytes_and_choose_the_method() {
    let geometry = Conv2d::new(3, 1, 1);
    for (c, side) in [(16, 64), (64, 64), (256, 16), (512, 8)] {
        let shape = Shape::new(c, side, side);
        let costs = Conv2dKernel::costs(geometry, shape, c);
        let new = |method| {
            let tuning = Tuning { method, ..Tuning::default() };
            Conv2dKernel::new(tuning, geometry, shape, c, &vec![0.5; c * c * 9], None, Activation::Relu)
                .unwrap()
        };
        for cost in &costs {
            assert_eq!(new(Some(cost.method)).bytes(), cost.bytes);
        }
        let least = costs.iter().min_by(|a, b| a.time.total_cmp(&b.time)).unwrap();
        assert_eq!(new(None).method(), least.method);
        assert_eq!(costs[0].bytes, c * c * 9 * size_of::<f32>());
    }
    let only = |geometry| Conv2dKernel::costs(geometry, Shape::new(8, 9, 9), 8).len();
    assert_eq!(
        [only(Conv2d::new(3, 2, 1)), only(Conv2d::new(1, 1, 0)), only(Conv2d::new(20, 1, 0))],
        [1, 1, 0]
    );
}

#[test]
fn what_does_not_fit_is_refused() {
    let new = |geometry, weight: usize| {
        Conv2dKernel::new(
            Tuning::default(),
            geometry,
            Shape::new(2, 4, 4),
            4,
            &vec![0.0; weight],
            None,
            Activation::Relu,
        )
    };
    let geometry = Conv2d::new(3, 1, 1);
    assert_eq!(new(geometry, 71).unwrap_err().to_string(), "conv2d: weight has 71 values, expected 72");
    let grouped = new(Conv2d { groups: 2, ..geometry }, 36).unwrap_err().to_string();
    assert_eq!(grouped, "blocked conv2d: one group is needed, there are 2");
    assert!(new(Conv2d::new(9, 1, 0), 648).unwrap_err().to_string().contains("no window fits"));

    let kernel = new(geometry, 72).unwrap();
    let refused = |input: Shape, border: Padding, output: Shape| {
        let (x, mut out) = (
            Tensor::packed(input, border, &vec![0.0; input.len()]),
            Tensor::untouched(output, BORDERS[0], 1),
        );
        let mut scratch = vec![Block::ZERO; kernel.scratch(1, 1)];
        kernel.run(x.read(), None, out.write(), &mut scratch).unwrap_err().to_string()
    };
    let (input, output) = (Shape::new(2, 4, 4), Shape::new(4, 4, 4));
    assert!(refused(input, Padding::all(0), output).starts_with("blocked conv2d: x: a border of"));
    assert_eq!(
        refused(Shape::new(3, 4, 4), kernel.border(), output),
        "blocked conv2d: x: expected 1 samples of 2x4x4, got 1 of 3x4x4"
    );
    assert_eq!(
        refused(input, kernel.border(), input),
        "blocked conv2d: out: expected 1 samples of 4x4x4, got 1 of 2x4x4"
    );
}
