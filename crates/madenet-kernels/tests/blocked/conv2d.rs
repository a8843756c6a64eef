use madenet_kernels::blocked::{Block, Blocked, Conv2dKernel, ConvMethod, Tuning, WeightSource};
use madenet_kernels::{Activation, Conv2d, Isa, Padding, Shape};
use proptest::prelude::*;

use crate::conv_case::{Case, Data, cases, table};
use crate::support::{ACTIVATIONS, Sum, assert_same_on_all_threads, assert_sums, pixel, random};
use crate::tensor::{BORDERS, Tensor};

/// The matrices of a Winograd method: `A^T [(G g G^T) * (B^T d B)] A`.
struct Transforms {
    outputs: &'static [&'static [f64]],
    filters: &'static [&'static [f64]],
    inputs: &'static [&'static [f64]],
}

const WINOGRAD2: Transforms = Transforms {
    outputs: &[&[1.0, 1.0, 1.0, 0.0], &[0.0, 1.0, -1.0, -1.0]],
    filters: &[&[1.0, 0.0, 0.0], &[0.5, 0.5, 0.5], &[0.5, -0.5, 0.5], &[0.0, 0.0, 1.0]],
    inputs: &[&[1.0, 0.0, -1.0, 0.0], &[0.0, 1.0, 1.0, 0.0], &[0.0, -1.0, 1.0, 0.0], &[0.0, 1.0, 0.0, -1.0]],
};

const WINOGRAD4: Transforms = Transforms {
    outputs: &[
        &[1.0, 1.0, 1.0, 1.0, 1.0, 0.0],
        &[0.0, 1.0, -1.0, 2.0, -2.0, 0.0],
        &[0.0, 1.0, 1.0, 4.0, 4.0, 0.0],
        &[0.0, 1.0, -1.0, 8.0, -8.0, 1.0],
    ],
    filters: &[
        &[1.0 / 4.0, 0.0, 0.0],
        &[-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
        &[-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
        &[1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
        &[1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
        &[0.0, 0.0, 1.0],
    ],
    inputs: &[
        &[4.0, 0.0, -5.0, 0.0, 1.0, 0.0],
        &[0.0, -4.0, -4.0, 1.0, 1.0, 0.0],
        &[0.0, 4.0, -4.0, -1.0, 1.0, 0.0],
        &[0.0, -2.0, -1.0, 2.0, 1.0, 0.0],
        &[0.0, 2.0, -1.0, -2.0, 1.0, 0.0],
        &[0.0, 4.0, 0.0, -5.0, 0.0, 1.0],
    ],
};

impl Transforms {
    fn of(method: ConvMethod) -> Option<&'static Transforms> {
        match method {
            ConvMethod::Direct => None,
            ConvMethod::Winograd2 => Some(&WINOGRAD2),
            ConvMethod::Winograd4 => Some(&WINOGRAD4),
        }
    }

    /// Roundings of a value on its way through both passes of the three transforms, beside the products and sums that the
    /// definition has too: a row of n terms rounds at most n times.
    fn operations(&self) -> usize {
        let longest = |matrix: &[&[f64]]| {
            matrix.iter().map(|row| row.iter().filter(|&&x| x != 0.0).count()).max().unwrap_or(0)
        };
        2 * (longest(self.outputs) + longest(self.filters) + longest(self.inputs))
    }

    /// What [`Sum::magnitude`] is for this method: the transforms of absolute values by absolute values, in place of
    /// `|w| conv |x|`. Every rounding error is relative to a value that is no larger, and what follows amplifies it no
    /// more (Barabasz et al. 2020, "Error analysis and improving the accuracy of Winograd convolution").
    fn magnitudes(&self, case: &Case, data: &Data, output: Shape) -> Vec<f64> {
        let absolute = |matrix: &[&[f64]]| -> Vec<Vec<f64>> {
            matrix.iter().map(|row| row.iter().map(|x| x.abs()).collect()).collect()
        };
        let (a, g, b) = (absolute(self.outputs), absolute(self.filters), absolute(self.inputs));
        let (m, t) = (a.len(), b.len());
        let (channels, padding) = (case.input.c, case.geometry.padding);
        let filters: Vec<Vec<f64>> =
            data.weight.chunks(9).map(|w| both_axes(&g, |y, x| f64::from(w[y * 3 + x]).abs(), 3)).collect();
        let mut magnitudes = vec![0.0; case.batch * output.len()];
        for image in 0..case.batch {
            for (top, left) in
                (0..output.h).step_by(m).flat_map(|y| (0..output.w).step_by(m).map(move |x| (y, x)))
            {
                let tiles: Vec<Vec<f64>> = (0..channels)
                    .map(|c| {
                        let at = |y: usize, x: usize| {
                            let (y, x) = ((top + y) as isize, (left + x) as isize);
                            let (y, x) = (y - padding.top as isize, x - padding.left as isize);
                            pixel(&data.x, case.input, image, c, y, x).abs()
                        };
                        both_axes(&b, at, t)
                    })
                    .collect();
                for oc in 0..case.out {
                    let mut sums = vec![0.0; t * t];
                    for (tile, filter) in tiles.iter().zip(&filters[oc * channels..]) {
                        for ((sum, d), g) in sums.iter_mut().zip(tile).zip(filter) {
                            *sum += d * g;
                        }
                    }
                    let tile = both_axes(&a, |y, x| sums[y * t + x], t);
                    for (y, x) in (0..m).flat_map(|y| (0..m).map(move |x| (y, x))) {
                        if top + y < output.h && left + x < output.w {
                            let row = (image * case.out + oc) * output.h + top + y;
                            magnitudes[row * output.w + left + x] = tile[y * m + x];
                        }
                    }
                }
            }
        }
        magnitudes
    }
}

/// `M v M^T` of a square `v` of a side.
fn both_axes(matrix: &[Vec<f64>], v: impl Fn(usize, usize) -> f64, side: usize) -> Vec<f64> {
    let n = matrix.len();
    let mut half = vec![0.0; n * side];
    for (i, row) in matrix.iter().enumerate() {
        for x in 0..side {
            half[i * side + x] = (0..side).map(|y| row[y] * v(y, x)).sum();
        }
    }
    let mut both = vec![0.0; n * n];
    for y in 0..n {
        for (j, row) in matrix.iter().enumerate() {
            both[y * n + j] = (0..side).map(|x| half[y * side + x] * row[x]).sum();
        }
    }
    both
}

/// The definition's sums with the error bound of a method. Bias and residual are added after the transforms.
fn bounded(method: ConvMethod, case: &Case, data: &Data, output: Shape, definition: &[Sum]) -> Vec<Sum> {
    let Some(transforms) = Transforms::of(method) else { return definition.to_vec() };
    let magnitudes = transforms.magnitudes(case, data, output);
    let bounded = |(sum, magnitude): (&Sum, f64)| Sum {
        // The definition's own magnitude has the bias and the residual.
        magnitude: sum.magnitude + magnitude,
        operations: sum.operations + transforms.operations(),
        ..*sum
    };
    definition.iter().zip(magnitudes).map(bounded).collect()
}

/// Roundings of random data that do not cancel: of n independent ones `6 sqrt(n)` at most, but for one case in 30 million
/// (Higham and Mary 2019, "A new approach to probabilistic rounding error analysis", lambda = 6).
fn likely(operations: usize) -> usize {
    operations.min((6.0 * (operations as f64).sqrt()).ceil() as usize)
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
            let mut expected = bounded(method, case, &data, output, &expected);
            if method != ConvMethod::Direct {
                expected.iter_mut().for_each(|sum| sum.operations = likely(sum.operations));
            }
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
            let expected = bounded(method, &case, &data, output, &expected);
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
        let least = costs
            .iter()
            .min_by(|a, b| a.time(WeightSource::Cache).total_cmp(&b.time(WeightSource::Cache)))
            .unwrap();
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
