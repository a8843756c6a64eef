use madenet_kernels::blocked::{Block, PlanarConv2dKernel, Tuning};
use madenet_kernels::{Activation, Conv2d, Isa, Padding, Shape};
use proptest::prelude::*;

use crate::conv_case::{Case, Data, cases, table};
use crate::support::{ACTIVATIONS, assert_same_on_all_threads, assert_sums};
use crate::tensor::{BORDERS, Tensor};

fn kernel(case: &Case, data: &Data, isa: Isa, activation: Activation) -> PlanarConv2dKernel {
    let tuning = Tuning { isa, ..Tuning::default() };
    let bias = Some(&data.bias[..]);
    PlanarConv2dKernel::new(tuning, case.geometry, case.input, case.out, &data.weight, bias, activation)
        .unwrap()
}

fn run(kernel: &PlanarConv2dKernel, x: &[f32], out: &mut Tensor) {
    let threads = rayon::current_num_threads();
    // What is in the scratch memory must not matter.
    let mut scratch = vec![Block([f32::NAN; 16]); kernel.scratch(out.batch, threads)];
    kernel.run(x, out.write(), &mut scratch).unwrap();
}

/// All instruction sets against the definition, and so each other.
fn check(case: &Case, border: Padding, activation: Activation) {
    let data = case.data(7);
    let (h, w) = case.geometry.output((case.input.h, case.input.w)).unwrap();
    let output = Shape::new(case.out, h, w);
    let expected = case.reference(&data, output, true, None);
    for isa in Isa::available() {
        let kernel = kernel(case, &data, isa, activation);
        assert_eq!(kernel.output(), output);
        let mut out = Tensor::untouched(output, border, case.batch);
        run(&kernel, &data.x, &mut out);
        assert_sums(&out.planar(), &expected, activation);
    }
}

fn ungrouped(case: Case) -> Case {
    Case { geometry: Conv2d { groups: 1, ..case.geometry }, ..case }
}

#[test]
fn the_table_agrees_with_the_definition() {
    for (index, case) in table().into_iter().map(ungrouped).enumerate() {
        check(&case, BORDERS[index % 3], ACTIVATIONS[index % ACTIVATIONS.len()]);
        check(&case, BORDERS[(index + 1) % 3], Activation::Identity);
    }
}

#[test]
fn first_layers_of_networks_agree_with_the_definition() {
    let sizes = [(1, 1), (2, 3), (17, 31), (35, 33)];
    let layers = [
        (Conv2d::new(7, 2, 3), 3, 64),
        (Conv2d::new(3, 2, 1), 3, 48),
        (Conv2d::new(3, 1, 1), 6, 32),
        (Conv2d::new(4, 4, 2), 3, 96),
        (Conv2d::new(5, 3, 4), 1, 17),
        (Conv2d { dilation: 2, ..Conv2d::new(3, 1, 2) }, 15, 130),
    ];
    for (index, (geometry, inputs, outputs)) in layers.into_iter().enumerate() {
        for (h, w) in sizes {
            let case = Case::new(geometry, (inputs, h, w), outputs, 1 + index % 3);
            check(&case, BORDERS[index % 3], Activation::Relu);
        }
    }
}

/// Rows so long that one alone fills the scratch memory of a band, and padding that windows leave out.
#[test]
fn extreme_sizes_agree_with_the_definition() {
    check(&Case::new(Conv2d::new(3, 1, 1), (15, 3, 2000), 1, 1), BORDERS[1], Activation::Relu);
    check(&Case::new(Conv2d::new(1, 20, 10), (2, 3, 3), 5, 2), BORDERS[2], Activation::Identity);
    check(&Case::new(Conv2d::new(2, 3, 9), (2, 1, 1), 5, 2), BORDERS[0], Activation::Identity);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn any_geometry_agrees_with_the_definition(
        case in cases(),
        border in prop::sample::select(&BORDERS[..]),
        activation in prop::sample::select(&ACTIVATIONS[..]),
    ) {
        check(&ungrouped(case), border, activation);
    }
}

#[test]
fn threads_and_batches_do_not_change_a_bit() {
    let case = Case::new(Conv2d::new(7, 2, 3), (3, 61, 67), 72, 3);
    let data = case.data(11);
    let kernel = kernel(&case, &data, Isa::best(), Activation::Silu);
    let result = |x: &[f32]| {
        let mut out = Tensor::untouched(kernel.output(), BORDERS[2], x.len() / case.input.len());
        run(&kernel, x, &mut out);
        out.planar()
    };
    assert_same_on_all_threads(|| result(&data.x));
    let apart: Vec<f32> = data.x.chunks(case.input.len()).flat_map(result).collect();
    assert!(result(&data.x) == apart);
}

#[test]
fn scratch_memory_for_one_thread_is_enough() {
    let case = Case::new(Conv2d::new(3, 1, 1), (3, 40, 40), 16, 2);
    let data = case.data(5);
    let kernel = kernel(&case, &data, Isa::best(), Activation::Relu);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    let result = |blocks: usize| {
        let mut out = Tensor::untouched(kernel.output(), BORDERS[0], 2);
        let mut scratch = vec![Block([f32::NAN; 16]); blocks];
        pool.install(|| kernel.run(&data.x, out.write(), &mut scratch)).map(|()| out.planar())
    };
    let one = kernel.scratch(2, 1);
    assert!(result(one).unwrap() == result(kernel.scratch(2, 3)).unwrap());
    let refused = result(0).unwrap_err().to_string();
    assert_eq!(refused, format!("planar conv2d: scratch has 0 values, expected {one}"));
}

#[test]
fn what_does_not_fit_is_refused() {
    let new = |geometry, weight: usize| {
        let (input, weight) = (Shape::new(2, 4, 4), vec![0.0; weight]);
        PlanarConv2dKernel::new(Tuning::default(), geometry, input, 4, &weight, None, Activation::Relu)
    };
    let geometry = Conv2d::new(3, 1, 1);
    assert_eq!(new(geometry, 71).unwrap_err().to_string(), "conv2d: weight has 71 values, expected 72");
    let grouped = new(Conv2d { groups: 2, ..geometry }, 36).unwrap_err().to_string();
    assert_eq!(grouped, "planar conv2d: one group is needed, there are 2");
    assert!(new(Conv2d::new(9, 1, 0), 648).unwrap_err().to_string().contains("no window fits"));

    let kernel = new(geometry, 72).unwrap();
    assert_eq!(kernel.bytes(), 18 * size_of::<Block>());
    let refused = |values: usize, output: Shape| {
        let mut out = Tensor::untouched(output, BORDERS[0], 1);
        let mut scratch = vec![Block::ZERO; kernel.scratch(1, 1)];
        kernel.run(&vec![0.0; values], out.write(), &mut scratch).unwrap_err().to_string()
    };
    let output = Shape::new(4, 4, 4);
    assert_eq!(refused(33, output), "planar conv2d: x has 33 values, expected 64");
    assert_eq!(
        refused(32, Shape::new(5, 4, 4)),
        "planar conv2d: out: expected 1 samples of 4x4x4, got 1 of 5x4x4"
    );
    assert_eq!(refused(64, output), "planar conv2d: out: expected 2 samples of 4x4x4, got 1 of 4x4x4");
    let mut nothing = Tensor::untouched(output, BORDERS[1], 0);
    assert_eq!(kernel.run(&[], nothing.write(), &mut []), Ok(()));
}
