use madenet_kernels::{Activation, Conv2d, Conv2dKernel, Error, Padding, Shape};
use proptest::prelude::*;

use crate::conv_case::{Case, Data, cases, table};
use crate::support::{ACTIVATIONS, assert_same_on_all_threads, assert_sums, random, untouched};

impl Case {
    fn kernel(&self, data: &Data, with_bias: bool, activation: Activation) -> Conv2dKernel {
        let bias = with_bias.then_some(&data.bias[..]);
        Conv2dKernel::new(self.geometry, self.input, self.out, &data.weight, bias, activation).unwrap()
    }

    fn check(&self, with_bias: bool, with_residual: bool, activation: Activation) {
        let data = self.data(7);
        let kernel = self.kernel(&data, with_bias, activation);
        let output = kernel.output();
        let (h, w) = self.geometry.output((self.input.h, self.input.w)).unwrap();
        assert_eq!(output, Shape::new(self.out, h, w));
        let residual = with_residual.then(|| random(self.batch * output.len(), 99));
        let mut out = untouched(self.batch * output.len());
        kernel.run(&data.x, residual.as_deref(), &mut out).unwrap();
        assert_sums(&out, &self.reference(&data, output, with_bias, residual.as_deref()), activation);
    }
}

#[test]
fn the_table_agrees_with_the_definition() {
    for (index, case) in table().into_iter().enumerate() {
        case.check(index % 2 == 0, index % 3 == 0, ACTIVATIONS[index % ACTIVATIONS.len()]);
        case.check(true, true, Activation::Identity);
    }
}

/// Sums of small whole numbers are exact in f32: nothing may be missing, doubled or rounded.
#[test]
fn whole_numbers_come_out_exactly() {
    for case in table() {
        let mut data = case.data(3);
        let whole = |values: &mut Vec<f32>| values.iter_mut().for_each(|v| *v = (*v * 4.0).round());
        whole(&mut data.weight);
        whole(&mut data.bias);
        whole(&mut data.x);
        let kernel = case.kernel(&data, true, Activation::Identity);
        let mut out = untouched(case.batch * kernel.output().len());
        kernel.run(&data.x, None, &mut out).unwrap();
        for (got, sum) in out.iter().zip(case.reference(&data, kernel.output(), true, None)) {
            assert_eq!(f64::from(*got), sum.value, "{case:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn any_geometry_agrees_with_the_definition(
        case in cases(),
        bias: bool,
        residual: bool,
        activation in prop::sample::select(&ACTIVATIONS[..]),
    ) {
        case.check(bias, residual, activation);
    }

    #[test]
    fn depthwise_agrees_with_the_definition(
        case in cases(),
        multiplier in 1..=3_usize,
        activation in prop::sample::select(&ACTIVATIONS[..]),
    ) {
        let geometry = Conv2d { groups: case.input.c, ..case.geometry };
        Case { geometry, out: case.input.c * multiplier, ..case }.check(true, true, activation);
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let groups = |groups, geometry| Conv2d { groups, ..geometry };
    for case in [
        Case::new(Conv2d::new(3, 1, 1), (16, 40, 41), 72, 1),
        Case::new(Conv2d::new(3, 1, 1), (32, 61, 67), 3, 1),
        Case::new(groups(4, Conv2d::new(3, 1, 1)), (64, 24, 24), 64, 3),
        Case::new(groups(128, Conv2d::new(5, 1, 2)), (128, 32, 32), 128, 2),
        Case::new(Conv2d::new(1, 1, 0), (300, 1, 1), 200, 67),
        Case::new(Conv2d::new(1, 1, 0), (1200, 1, 1), 900, 1),
    ] {
        let data = case.data(11);
        let kernel = case.kernel(&data, true, Activation::Silu);
        assert_same_on_all_threads(|| {
            let mut out = untouched(case.batch * kernel.output().len());
            kernel.run(&data.x, None, &mut out).unwrap();
            out
        });
    }
}

/// A sample gives the same bits alone and within a batch, also where images share tiles.
#[test]
fn a_sample_does_not_depend_on_its_batch() {
    for case in [
        Case::new(Conv2d::new(3, 1, 1), (7, 9, 9), 13, 5),
        Case::new(Conv2d::new(1, 1, 0), (600, 1, 1), 10, 5),
    ] {
        let data = case.data(5);
        let kernel = case.kernel(&data, true, Activation::Relu);
        let mut all = untouched(case.batch * kernel.output().len());
        kernel.run(&data.x, None, &mut all).unwrap();
        for (x, expected) in data.x.chunks(case.input.len()).zip(all.chunks(kernel.output().len())) {
            let mut one = untouched(kernel.output().len());
            kernel.run(x, None, &mut one).unwrap();
            assert_eq!(one, expected);
        }
    }
}

#[test]
fn an_empty_batch_does_nothing() {
    let kernel =
        Conv2dKernel::new(Conv2d::new(3, 1, 1), Shape::new(2, 4, 4), 3, &[0.0; 54], None, Activation::Relu);
    assert_eq!(kernel.unwrap().run(&[], Some(&[]), &mut []), Ok(()));
    // However large a sample would be.
    let shape = Shape::new(1, 1 << 30, 1 << 30);
    let kernel = Conv2dKernel::new(Conv2d::new(3, 1, 1), shape, 4, &[0.0; 36], None, Activation::Relu);
    assert!(kernel.is_err() || kernel.unwrap().run(&[], None, &mut []).is_ok());
}

#[test]
fn kernels_are_shared_between_threads() {
    fn shared<T: Send + Sync + Clone + std::fmt::Debug>() {}
    shared::<Conv2dKernel>();
}

#[test]
fn what_does_not_fit_is_refused() {
    let new = |geometry: Conv2d, input: Shape, out: usize, weight: usize, bias: Option<usize>| {
        let bias = bias.map(|len| vec![0.0; len]);
        Conv2dKernel::new(geometry, input, out, &vec![0.0; weight], bias.as_deref(), Activation::Identity)
    };
    let (geometry, input) = (Conv2d::new(3, 1, 1), Shape::new(2, 4, 4));
    let length = |what, expected, got| Some(Error::Length { what, expected, got });
    assert!(new(geometry, input, 5, 90, Some(5)).is_ok());
    assert_eq!(new(geometry, input, 5, 89, None).err(), length("conv2d: weight", 90, 89));
    assert_eq!(new(geometry, input, 5, 90, Some(4)).err(), length("conv2d: bias", 5, 4));

    let refused = |geometry, input, out| match new(geometry, input, out, 1, None) {
        Err(Error::Geometry { what, reason }) => format!("{what}: {reason}"),
        other => panic!("{geometry:?} on {input} gave {other:?}"),
    };
    let groups = |groups| Conv2d { groups, ..geometry };
    assert_eq!(refused(groups(3), input, 6), "conv2d: 2 input channels do not split into 3 groups");
    assert_eq!(refused(groups(2), input, 5), "conv2d: 5 output channels do not split into 2 groups");
    assert_eq!(refused(groups(0), input, 5), "conv2d: 2 input channels do not split into 0 groups");
    assert_eq!(refused(geometry, input, 0), "conv2d: 0 output channels do not split into 1 groups");
    assert_eq!(refused(geometry, Shape::new(2, 0, 4), 5), "conv2d: the shape 2x0x4 has no values");
    assert!(refused(Conv2d::new(5, 1, 0), input, 5).starts_with("conv2d: no window fits: input 2x4x4"));
    assert!(refused(Conv2d::new(3, 0, 1), input, 5).contains("no window fits"));
    assert!(refused(Conv2d::new(0, 1, 1), input, 5).contains("no window fits"));
    assert!(refused(Conv2d { dilation: 0, ..geometry }, input, 5).contains("no window fits"));
    for huge in [
        Conv2d { padding: Padding::all(usize::MAX), ..geometry },
        Conv2d { kernel: (usize::MAX, 3), ..geometry },
        Conv2d { dilation: usize::MAX, ..geometry },
    ] {
        assert!(refused(huge, input, 5).contains("is above"));
    }
    assert!(refused(geometry, Shape::new(usize::MAX, 4, 4), 5).contains("overflows"));

    let kernel = new(geometry, input, 5, 90, None).unwrap();
    let run = |x: usize, residual: Option<usize>, out: usize| {
        let residual = residual.map(|len| vec![0.0; len]);
        kernel.run(&vec![0.0; x], residual.as_deref(), &mut vec![0.0; out]).err()
    };
    assert_eq!(run(64, Some(160), 160), None);
    assert_eq!(run(63, None, 160), length("conv2d: x", 64, 63));
    assert_eq!(run(64, None, 80), length("conv2d: out", 160, 80));
    assert_eq!(run(64, Some(80), 160), length("conv2d: residual", 160, 80));
}
