use madenet_kernels::blocked::{Block, ConvTranspose2dKernel, Tuning};
use madenet_kernels::{Activation, ConvTranspose2d, Isa, Padding, Shape};
use proptest::prelude::*;

use crate::support::{ACTIVATIONS, Sum, assert_same_on_all_threads, assert_sums, random};
use crate::tensor::{BORDERS, Tensor};

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
            weight: random(self.input.c * self.out * kh * kw, seed),
            bias: random(self.out, seed + 1),
            x: random(self.batch * self.input.len(), seed + 2),
        }
    }

    fn kernel(&self, data: &Data, isa: Isa, activation: Activation) -> ConvTranspose2dKernel {
        let (tuning, bias) = (Tuning { isa, ..Tuning::default() }, Some(&data.bias[..]));
        let Case { geometry, input, out, .. } = *self;
        ConvTranspose2dKernel::new(tuning, geometry, input, out, &data.weight, bias, activation).unwrap()
    }

    /// The definition: every input pixel times the kernel, added where its window lies.
    fn reference(&self, data: &Data, output: Shape) -> Vec<Sum> {
        let ConvTranspose2d { kernel, stride, padding, .. } = self.geometry;
        let mut sums = vec![Sum::default(); self.batch * output.len()];
        for (index, sum) in sums.iter_mut().enumerate() {
            sum.add(f64::from(data.bias[index / output.plane() % output.c]));
        }
        for (index, &value) in data.x.iter().enumerate() {
            let (x, y) = (index % self.input.w, index / self.input.w % self.input.h);
            let (c, image) = (index / self.input.plane() % self.input.c, index / self.input.len());
            for (tap, o) in (0..kernel.0 * kernel.1).flat_map(|tap| (0..self.out).map(move |o| (tap, o))) {
                // Above or left of the output wraps to huge numbers.
                let oy = (y * stride + tap / kernel.1).wrapping_sub(padding.top);
                let ox = (x * stride + tap % kernel.1).wrapping_sub(padding.left);
                if oy < output.h && ox < output.w {
                    let weight = data.weight[(c * self.out + o) * kernel.0 * kernel.1 + tap];
                    sums[((image * output.c + o) * output.h + oy) * output.w + ox]
                        .add(f64::from(weight) * f64::from(value));
                }
            }
        }
        sums
    }

    /// All instruction sets against the definition, with what the kernel asks for as the input's border and more.
    fn check(&self, border: Padding, activation: Activation) {
        let data = self.data(7);
        let (h, w) = self.geometry.output((self.input.h, self.input.w)).unwrap();
        let output = Shape::new(self.out, h, w);
        let expected = self.reference(&data, output);
        for isa in Isa::available() {
            let kernel = self.kernel(&data, isa, activation);
            assert_eq!(kernel.output(), output);
            let mut around = kernel.border();
            around.top += border.top;
            around.right += border.right;
            let x = Tensor::packed(self.input, around, &data.x);
            let mut out = Tensor::untouched(output, border, self.batch);
            kernel.run(x.read(), out.write()).unwrap();
            assert_sums(&out.planar(), &expected, activation);
        }
    }
}

#[test]
fn the_table_agrees_with_the_definition() {
    let output_padding = ConvTranspose2d { output_padding: (1, 0), ..ConvTranspose2d::new(3, 2, 1) };
    let oblong = ConvTranspose2d { kernel: (1, 5), ..ConvTranspose2d::new(1, 3, 0) };
    for (index, case) in [
        Case::new(ConvTranspose2d::new(4, 2, 1), (64, 9, 11), 32, 2),
        Case::new(ConvTranspose2d::new(4, 2, 1), (40, 13, 7), 72, 1),
        Case::new(ConvTranspose2d::new(2, 2, 0), (300, 5, 5), 70, 1),
        Case::new(ConvTranspose2d::new(2, 2, 0), (16, 1, 31), 130, 2),
        Case::new(ConvTranspose2d::new(3, 1, 1), (5, 7, 13), 6, 3),
        Case::new(output_padding, (3, 7, 5), 2, 2),
        Case::new(ConvTranspose2d::new(8, 1, 0), (20, 1, 1), 9, 3),
        // Pixels that no tap reaches, on both axes and on one.
        Case::new(ConvTranspose2d::new(2, 5, 0), (4, 3, 3), 5, 1),
        Case::new(oblong, (17, 3, 4), 5, 2),
        // Padding wider than the kernel's reach beyond the stride.
        Case::new(ConvTranspose2d::new(3, 2, 5), (4, 9, 9), 5, 1),
        // Sums in several stretches.
        Case::new(ConvTranspose2d::new(5, 2, 2), (100, 6, 5), 64, 1),
    ]
    .into_iter()
    .enumerate()
    {
        case.check(BORDERS[index % 3], Activation::Identity);
        case.check(BORDERS[(index + 1) % 3], ACTIVATIONS[index % ACTIVATIONS.len()]);
    }
}

fn cases() -> impl Strategy<Value = Case> {
    let window = (1..=5_usize, 1..=5_usize, 1..=4_usize, [0..=3_usize, 0..=3, 0..=3, 0..=3]);
    let size = prop_oneof![Just((1, 1)), Just((7, 13)), (1..=12_usize, 1..=12_usize)];
    (window, size, (1..=20_usize, 1..=20_usize), (0..=2_usize, 0..=2_usize), 1..=3_usize)
        .prop_map(|((kh, kw, stride, pads), (h, w), (inputs, outputs), extra, batch)| {
            let padding = Padding { top: pads[0], left: pads[1], bottom: pads[2], right: pads[3] };
            let output_padding = (extra.0.min(stride - 1), extra.1.min(stride - 1));
            let geometry = ConvTranspose2d {
                kernel: (kh, kw),
                padding,
                output_padding,
                ..ConvTranspose2d::new(1, stride, 0)
            };
            Case::new(geometry, (inputs, h, w), outputs, batch)
        })
        .prop_filter("there is an output", |case| {
            case.geometry.output((case.input.h, case.input.w)).is_some()
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn any_geometry_agrees_with_the_definition(
        case in cases(),
        border in prop::sample::select(&BORDERS[..]),
        activation in prop::sample::select(&ACTIVATIONS[..]),
    ) {
        case.check(border, activation);
    }
}

#[test]
fn threads_and_batches_do_not_change_a_bit() {
    for case in [
        Case::new(ConvTranspose2d::new(4, 2, 1), (64, 32, 32), 48, 2),
        // More weights than input: shared by groups of channels.
        Case::new(ConvTranspose2d::new(4, 2, 1), (128, 4, 4), 256, 3),
    ] {
        let data = case.data(11);
        let kernel = case.kernel(&data, Isa::best(), Activation::Silu);
        let result = |values: &[f32]| {
            let x = Tensor::packed(case.input, kernel.border(), values);
            let mut out = Tensor::untouched(kernel.output(), BORDERS[2], x.batch);
            kernel.run(x.read(), out.write()).unwrap();
            out.planar()
        };
        assert_same_on_all_threads(|| result(&data.x));
        let apart: Vec<f32> = data.x.chunks(case.input.len()).flat_map(result).collect();
        assert!(result(&data.x) == apart, "{case:?}");
    }
}

#[test]
fn borders_are_as_small_as_the_phases_allow() {
    let border = |geometry, side: usize| {
        let input = Shape::new(1, side, side);
        let weight = vec![0.0; geometry_taps(geometry)];
        let (tuning, activation) = (Tuning::default(), Activation::Relu);
        ConvTranspose2dKernel::new(tuning, geometry, input, 1, &weight, None, activation).unwrap().border()
    };
    assert_eq!(border(ConvTranspose2d::new(2, 2, 0), 5), Padding::all(0));
    assert_eq!(border(ConvTranspose2d::new(4, 2, 1), 5), Padding::all(1));
    assert_eq!(border(ConvTranspose2d::new(3, 1, 1), 5), Padding::all(1));
    assert_eq!(border(ConvTranspose2d::new(8, 1, 0), 1), Padding::all(7));
}

fn geometry_taps(geometry: ConvTranspose2d) -> usize {
    geometry.kernel.0 * geometry.kernel.1
}

#[test]
fn what_does_not_fit_is_refused() {
    let new = |geometry: ConvTranspose2d, weight: usize, bias: usize| {
        let (input, weight, bias) = (Shape::new(2, 3, 3), vec![0.0; weight], vec![0.0; bias]);
        let (tuning, activation) = (Tuning::default(), Activation::Identity);
        ConvTranspose2dKernel::new(tuning, geometry, input, 5, &weight, Some(&bias), activation)
    };
    let refused = |geometry, weight, bias| new(geometry, weight, bias).unwrap_err().to_string();
    let geometry = ConvTranspose2d::new(4, 2, 1);
    let (weight, bias) = (refused(geometry, 161, 5), refused(geometry, 160, 6));
    assert_eq!(weight, "blocked conv_transpose2d: weight has 161 values, expected 160");
    assert_eq!(bias, "blocked conv_transpose2d: bias has 6 values, expected 5");
    let needed = "blocked conv_transpose2d: groups and dilation of 1 are needed, they are";
    assert_eq!(refused(ConvTranspose2d { groups: 2, ..geometry }, 80, 5), format!("{needed} 2 and 1"));
    assert_eq!(refused(ConvTranspose2d { dilation: 3, ..geometry }, 160, 5), format!("{needed} 1 and 3"));
    assert!(refused(ConvTranspose2d { output_padding: (2, 0), ..geometry }, 160, 5).contains("no output"));

    let kernel = new(geometry, 160, 5).unwrap();
    assert_eq!(kernel.bytes(), 2 * 16 * size_of::<Block>());
    let refused = |border: Padding, output: Shape, batch: usize| {
        let x = Tensor::packed(Shape::new(2, 3, 3), border, &[0.0; 18]);
        let mut out = Tensor::untouched(output, BORDERS[0], batch);
        kernel.run(x.read(), out.write()).unwrap_err().to_string()
    };
    let output = Shape::new(5, 6, 6);
    assert!(refused(Padding::all(0), output, 1).starts_with("blocked conv_transpose2d: x: a border of"));
    assert_eq!(
        refused(kernel.border(), output, 2),
        "blocked conv_transpose2d: out: expected 1 samples of 5x6x6, got 2 of 5x6x6"
    );
    let (x, mut out) =
        (Tensor::packed(Shape::new(2, 3, 3), kernel.border(), &[]), Tensor::untouched(output, BORDERS[0], 0));
    assert_eq!(kernel.run(x.read(), out.write()), Ok(()));
}
