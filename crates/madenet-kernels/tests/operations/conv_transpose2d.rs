use madenet_kernels::{Activation, ConvTranspose2d, ConvTranspose2dKernel, Error, Padding, Shape};
use proptest::prelude::*;

use crate::support::{ACTIVATIONS, Sum, assert_same_on_all_threads, assert_sums, random, untouched};

#[derive(Clone, Copy, Debug)]
struct Case {
    geometry: ConvTranspose2d,
    input: Shape,
    out: usize,
    batch: usize,
}

struct Data {
    weight: Vec<f32>,
    bias: Vec<f32>,
    x: Vec<f32>,
}

impl Case {
    fn new(geometry: ConvTranspose2d, input: (usize, usize, usize), out: usize, batch: usize) -> Self {
        Case { geometry, input: Shape::new(input.0, input.1, input.2), out, batch }
    }

    fn data(&self, seed: u64) -> Data {
        let (kh, kw) = self.geometry.kernel;
        Data {
            weight: random(self.input.c * self.out / self.geometry.groups * kh * kw, seed),
            bias: random(self.out, seed + 1),
            x: random(self.batch * self.input.len(), seed + 2),
        }
    }

    fn kernel(&self, data: &Data, activation: Activation) -> ConvTranspose2dKernel {
        ConvTranspose2dKernel::new(
            self.geometry,
            self.input,
            self.out,
            &data.weight,
            Some(&data.bias),
            activation,
        )
        .unwrap()
    }

    /// The definition: every input pixel times the kernel, added where its window lies.
    fn reference(&self, data: &Data, output: Shape) -> Vec<Sum> {
        let ConvTranspose2d { kernel, stride, padding, dilation, groups, .. } = self.geometry;
        let (inputs, outputs) = (self.input.c / groups, self.out / groups);
        let mut sums = vec![Sum::default(); self.batch * output.len()];
        for (index, sum) in sums.iter_mut().enumerate() {
            sum.add(f64::from(data.bias[index / output.plane() % output.c]));
        }
        for (index, &value) in data.x.iter().enumerate() {
            let (x, y) = (index % self.input.w, index / self.input.w % self.input.h);
            let (c, image) = (index / self.input.plane() % self.input.c, index / self.input.len());
            for o in 0..outputs {
                for ky in 0..kernel.0 {
                    for kx in 0..kernel.1 {
                        let oy = (y * stride + ky * dilation) as isize - padding.top as isize;
                        let ox = (x * stride + kx * dilation) as isize - padding.left as isize;
                        if oy < 0 || ox < 0 || oy >= output.h as isize || ox >= output.w as isize {
                            continue;
                        }
                        let weight = data.weight[((c * outputs + o) * kernel.0 + ky) * kernel.1 + kx];
                        let plane = image * output.c + c / inputs * outputs + o;
                        sums[(plane * output.h + oy as usize) * output.w + ox as usize]
                            .add(f64::from(weight) * f64::from(value));
                    }
                }
            }
        }
        sums
    }

    fn check(&self, activation: Activation) {
        let data = self.data(7);
        let kernel = self.kernel(&data, activation);
        let (h, w) = self.geometry.output((self.input.h, self.input.w)).unwrap();
        assert_eq!(kernel.output(), Shape::new(self.out, h, w));
        let mut out = untouched(self.batch * kernel.output().len());
        kernel.run(&data.x, &mut out).unwrap();
        assert_sums(&out, &self.reference(&data, kernel.output()), activation);
    }
}

#[test]
fn the_table_agrees_with_the_definition() {
    let output_padding = ConvTranspose2d { output_padding: (1, 0), ..ConvTranspose2d::new(3, 2, 1) };
    let groups = |groups, geometry| ConvTranspose2d { groups, ..geometry };
    for (index, case) in [
        Case::new(ConvTranspose2d::new(4, 2, 1), (64, 9, 11), 32, 2),
        Case::new(ConvTranspose2d::new(2, 2, 0), (300, 5, 5), 70, 1),
        Case::new(ConvTranspose2d::new(3, 1, 1), (5, 7, 13), 6, 3),
        Case::new(output_padding, (3, 7, 5), 2, 2),
        Case::new(ConvTranspose2d::new(8, 1, 0), (20, 1, 1), 9, 3),
        Case::new(ConvTranspose2d::new(2, 5, 0), (4, 3, 3), 5, 1),
        Case::new(groups(2, ConvTranspose2d::new(3, 2, 1)), (8, 6, 5), 10, 2),
        Case::new(groups(6, ConvTranspose2d::new(4, 2, 1)), (6, 6, 5), 6, 2),
        Case::new(ConvTranspose2d { dilation: 3, ..ConvTranspose2d::new(3, 2, 2) }, (4, 5, 6), 3, 1),
    ]
    .into_iter()
    .enumerate()
    {
        case.check(Activation::Identity);
        case.check(ACTIVATIONS[index % ACTIVATIONS.len()]);
    }
}

fn cases() -> impl Strategy<Value = Case> {
    let window = (1..=5_usize, 1..=5_usize, 1..=3_usize, 1..=3_usize, [0..=2_usize, 0..=2, 0..=2, 0..=2]);
    let size = prop_oneof![Just((1, 1)), Just((7, 13)), (1..=12_usize, 1..=12_usize)];
    let channels = (1..=3_usize, 1..=6_usize, 1..=7_usize);
    (window, size, channels, (0..=2_usize, 0..=2_usize), 1..=3_usize)
        .prop_map(|((kh, kw, stride, dilation, pads), (h, w), (groups, inputs, outputs), extra, batch)| {
            let padding = Padding { top: pads[0], left: pads[1], bottom: pads[2], right: pads[3] };
            let output_padding = (extra.0.min(stride - 1), extra.1.min(stride - 1));
            let geometry =
                ConvTranspose2d { kernel: (kh, kw), stride, padding, output_padding, dilation, groups };
            Case::new(geometry, (groups * inputs, h, w), groups * outputs, batch)
        })
        .prop_filter("there is an output", |case| {
            case.geometry.output((case.input.h, case.input.w)).is_some()
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn any_geometry_agrees_with_the_definition(
        case in cases(),
        activation in prop::sample::select(&ACTIVATIONS[..]),
    ) {
        case.check(activation);
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    for case in [
        Case::new(ConvTranspose2d::new(4, 2, 1), (64, 32, 32), 48, 1),
        Case::new(ConvTranspose2d { groups: 4, ..ConvTranspose2d::new(3, 2, 1) }, (64, 20, 20), 32, 3),
    ] {
        let data = case.data(11);
        let kernel = case.kernel(&data, Activation::Silu);
        assert_same_on_all_threads(|| {
            let mut out = untouched(case.batch * kernel.output().len());
            kernel.run(&data.x, &mut out).unwrap();
            out
        });
    }
}

#[test]
fn an_empty_batch_does_nothing() {
    let (geometry, input) = (ConvTranspose2d::new(2, 2, 0), Shape::new(1, 2, 2));
    let kernel = ConvTranspose2dKernel::new(geometry, input, 1, &[1.0; 4], None, Activation::Relu).unwrap();
    assert_eq!(kernel.run(&[], &mut []), Ok(()));
}

#[test]
fn what_does_not_fit_is_refused() {
    let new = |geometry: ConvTranspose2d, input: Shape, out: usize, weight: usize, bias: Option<usize>| {
        let bias = bias.map(|len| vec![0.0; len]);
        let weight = vec![0.0; weight];
        ConvTranspose2dKernel::new(geometry, input, out, &weight, bias.as_deref(), Activation::Identity)
    };
    let (geometry, input) = (ConvTranspose2d::new(4, 2, 1), Shape::new(2, 3, 3));
    let length = |what, expected, got| Some(Error::Length { what, expected, got });
    assert_eq!(new(geometry, input, 5, 161, None).err(), length("conv_transpose2d: weight", 160, 161));
    assert_eq!(new(geometry, input, 5, 160, Some(6)).err(), length("conv_transpose2d: bias", 5, 6));

    let refused = |geometry, input, out| match new(geometry, input, out, 1, None) {
        Err(Error::Geometry { what: "conv_transpose2d", reason }) => reason,
        other => panic!("{geometry:?} on {input} gave {other:?}"),
    };
    let groups = |groups| ConvTranspose2d { groups, ..geometry };
    assert_eq!(refused(groups(3), input, 6), "2 input channels do not split into 3 groups");
    assert_eq!(refused(groups(2), input, 5), "5 output channels do not split into 2 groups");
    assert_eq!(refused(geometry, Shape::new(0, 3, 3), 5), "the shape 0x3x3 has no values");
    let late = ConvTranspose2d { output_padding: (2, 0), ..geometry };
    assert!(refused(late, input, 5).starts_with("there is no output: input 2x3x3"));
    assert!(refused(ConvTranspose2d::new(2, 1, 2), Shape::new(2, 1, 1), 5).contains("no output"));
    assert!(refused(ConvTranspose2d { stride: usize::MAX, ..geometry }, input, 5).contains("is above"));

    let kernel = new(geometry, input, 5, 160, None).unwrap();
    assert_eq!(kernel.run(&[0.0; 17], &mut [0.0; 180]).err(), length("conv_transpose2d: x", 18, 17));
    assert_eq!(kernel.run(&[0.0; 18], &mut [0.0; 181]).err(), length("conv_transpose2d: out", 180, 181));
}
