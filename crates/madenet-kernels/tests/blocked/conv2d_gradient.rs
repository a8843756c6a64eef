//! Gradients of convolutions with respect to their input and weights.

use madenet_kernels::blocked::{
    Block, Blocked, Conv2dInputGradient, Conv2dKernel, Conv2dWeightGradient, ConvMethod,
    ConvTranspose2dKernel, DepthwiseKernel, PlanarConv2dKernel, Tuning,
};
use madenet_kernels::{Activation, Conv2d, ConvTranspose2d, Isa, Padding, Shape};
use proptest::prelude::*;

use crate::conv_case::{Case, cases, table};
use crate::support::{Sum, assert_same_on_all_threads, assert_sums, random};
use crate::tensor::{BORDERS, Tensor};

/// As for the forward pass: Winograd's transforms amplify rounding.
const AMPLIFICATION: f64 = 40.0;

fn ungrouped(case: Case) -> Case {
    Case { geometry: Conv2d { groups: 1, ..case.geometry }, ..case }
}

fn output(case: &Case) -> Shape {
    let (h, w) = case.geometry.output((case.input.h, case.input.w)).unwrap();
    Shape::new(case.out, h, w)
}

/// Calls `f(index of the input, of the output, of the weight)` for all products that a convolution sums.
fn each_product(case: &Case, mut f: impl FnMut(usize, usize, usize)) {
    let (input, output) = (case.input, output(case));
    let Conv2d { kernel, stride, padding, dilation, .. } = case.geometry;
    for index in 0..case.batch * output.len() {
        let (x, y) = (index % output.w, index / output.w % output.h);
        let (oc, image) = (index / output.plane() % output.c, index / output.len());
        for (c, tap) in (0..input.c).flat_map(|c| (0..kernel.0 * kernel.1).map(move |tap| (c, tap))) {
            // Above or left of the input wraps to huge numbers.
            let iy = (y * stride + tap / kernel.1 * dilation).wrapping_sub(padding.top);
            let ix = (x * stride + tap % kernel.1 * dilation).wrapping_sub(padding.left);
            if iy < input.h && ix < input.w {
                let from = ((image * input.c + c) * input.h + iy) * input.w + ix;
                f(from, index, (oc * input.c + c) * kernel.0 * kernel.1 + tap);
            }
        }
    }
}

fn start(values: &[f32]) -> Vec<Sum> {
    let mut sums = vec![Sum::default(); values.len()];
    sums.iter_mut().zip(values).for_each(|(sum, &value)| sum.add(f64::from(value)));
    sums
}

fn grown(border: Padding, by: Padding) -> Padding {
    Padding {
        top: border.top + by.top,
        left: border.left + by.left,
        bottom: border.bottom + by.bottom,
        right: border.right + by.right,
    }
}

fn input_gradient(gradient: &Conv2dInputGradient, dy: &Tensor, add: Option<Blocked<'_>>, dx: &mut Tensor) {
    let blocks = gradient.scratch(dy.batch, rayon::current_num_threads());
    let mut scratch = vec![Block([f32::NAN; 16]); blocks];
    gradient.run(dy.read(), add, dx.write(), &mut scratch).unwrap();
}

fn weight_gradient(gradient: &Conv2dWeightGradient, x: &Tensor, dy: &Tensor, dw: &mut [f32]) {
    let blocks = gradient.scratch(x.batch, rayon::current_num_threads());
    let mut scratch = vec![Block([f32::NAN; 16]); blocks];
    gradient.run(x.read(), dy.read(), dw, &mut scratch).unwrap();
}

/// Both gradients on all instruction sets against the definition; the input's where it is served.
fn check(case: &Case, border: Padding, with_add: bool) {
    let (data, output) = (case.data(7), output(case));
    let dy = random(case.batch * output.len(), 17);
    let add = with_add.then(|| random(case.batch * case.input.len(), 18));
    let dw = random(data.weight.len(), 19);
    let mut dx_sums = start(&add.clone().unwrap_or(vec![0.0; data.x.len()]));
    let mut dw_sums = start(&dw);
    each_product(case, |x, y, w| {
        dx_sums[x].add(f64::from(data.weight[w]) * f64::from(dy[y]));
        dw_sums[w].add(f64::from(data.x[x]) * f64::from(dy[y]));
    });
    for sum in &mut dx_sums {
        sum.magnitude *= AMPLIFICATION;
    }
    for isa in Isa::available() {
        let gradient = Conv2dWeightGradient::new(isa, case.geometry, case.input, case.out).unwrap();
        assert_eq!((gradient.input(), gradient.output()), (case.input, output));
        let x = Tensor::packed(case.input, grown(gradient.border(), border), &data.x);
        let mut sum = dw.clone();
        weight_gradient(&gradient, &x, &Tensor::packed(output, border, &dy), &mut sum);
        assert_sums(&sum, &dw_sums, Activation::Identity);

        let gradient = Conv2dInputGradient::new(isa, case.geometry, case.input, case.out, case.batch);
        let Ok(mut gradient) = gradient else {
            let Conv2d { stride, dilation, padding: p, kernel: k, .. } = case.geometry;
            let beyond = |pad: usize, k: usize| pad > dilation * (k - 1);
            let beyond = beyond(p.top.max(p.bottom), k.0) || beyond(p.left.max(p.right), k.1);
            assert!(dilation > 1 && (stride > 1 || beyond), "{case:?}");
            continue;
        };
        assert_eq!((gradient.input(), gradient.output()), (case.input, output));
        gradient.set_weights(&data.weight).unwrap();
        let add = add.as_ref().map(|add| Tensor::packed(case.input, border, add));
        let dy = Tensor::packed(output, grown(gradient.border(), border), &dy);
        let mut dx = Tensor::untouched(case.input, border, case.batch);
        input_gradient(&gradient, &dy, add.as_ref().map(Tensor::read), &mut dx);
        assert_sums(&dx.planar(), &dx_sums, Activation::Identity);
    }
}

#[test]
fn the_table_agrees_with_the_definition() {
    for (index, case) in table().into_iter().map(ungrouped).enumerate() {
        check(&case, BORDERS[index % 3], index % 2 == 0);
    }
}

/// What ResNet, HRNet and EfficientNet have, and sizes that meet the edges of tiles, strips, chunks and units.
#[test]
fn layers_of_networks_agree_with_the_definition() {
    let same = |k, top, bottom| {
        let padding = Padding { top, left: top, bottom, right: bottom };
        Conv2d { padding, ..Conv2d::new(k, 2, 0) }
    };
    for (index, case) in [
        Case::new(Conv2d::new(3, 1, 1), (48, 9, 70), 70, 2),
        Case::new(Conv2d::new(3, 1, 1), (20, 8, 8), 100, 9),
        Case::new(Conv2d::new(3, 1, 1), (1, 24, 260), 65, 1),
        Case::new(Conv2d::new(7, 2, 3), (3, 41, 50), 64, 3),
        Case::new(Conv2d::new(7, 2, 3), (1, 20, 30), 20, 2),
        Case::new(Conv2d::new(3, 2, 1), (6, 33, 70), 40, 1),
        Case::new(Conv2d::new(1, 1, 0), (200, 13, 17), 330, 2),
        Case::new(Conv2d::new(1, 2, 0), (24, 13, 14), 36, 3),
        Case::new(Conv2d::new(4, 2, 1), (35, 14, 16), 19, 2),
        Case::new(same(3, 0, 1), (11, 16, 18), 24, 2),
        Case::new(same(5, 1, 2), (16, 12, 14), 16, 2),
        Case::new(Conv2d { dilation: 2, ..Conv2d::new(3, 1, 2) }, (18, 11, 9), 33, 2),
        // Padding beyond the kernel, at strides of 1 and 2.
        Case::new(Conv2d::new(3, 1, 4), (5, 6, 7), 20, 2),
        Case::new(Conv2d::new(2, 2, 3), (5, 6, 7), 20, 2),
        Case::new(Conv2d::new(3, 1, 1), (17, 5, 5), 18, 0),
    ]
    .into_iter()
    .enumerate()
    {
        check(&case, BORDERS[index % 3], index % 2 == 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn any_geometry_agrees_with_the_definition(
        case in cases(),
        border in prop::sample::select(&BORDERS[..]),
        add: bool,
    ) {
        check(&ungrouped(case), border, add);
    }

    #[test]
    fn any_number_of_channels_agrees_with_the_definition(
        (inputs, outputs) in (1..=70_usize, 1..=100_usize),
        (h, w) in (1..=12_usize, 1..=20_usize),
        (kernel, stride, batch) in (1..=3_usize, 1..=2_usize, 1..=3_usize),
    ) {
        let case = Case::new(Conv2d::new(kernel, stride, kernel / 2), (inputs, h, w), outputs, batch);
        check(&case, BORDERS[1], true);
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    for case in [
        Case::new(Conv2d::new(3, 1, 1), (32, 40, 41), 72, 2),
        Case::new(Conv2d::new(3, 2, 1), (64, 33, 31), 64, 3),
        Case::new(Conv2d::new(7, 2, 3), (3, 64, 64), 64, 2),
        Case::new(Conv2d::new(1, 1, 0), (300, 20, 20), 200, 2),
        Case::new(Conv2d::new(3, 1, 1), (256, 8, 8), 256, 2),
    ] {
        let (data, output) = (case.data(11), output(&case));
        let dy = random(case.batch * output.len(), 12);
        let gradient = Conv2dWeightGradient::new(Isa::best(), case.geometry, case.input, case.out).unwrap();
        let x = Tensor::packed(case.input, gradient.border(), &data.x);
        let to = Tensor::packed(output, BORDERS[0], &dy);
        assert_same_on_all_threads(|| {
            let mut dw = vec![0.25; data.weight.len()];
            weight_gradient(&gradient, &x, &to, &mut dw);
            dw
        });
        let (batch, isa) = (case.batch, Isa::best());
        let mut gradient = Conv2dInputGradient::new(isa, case.geometry, case.input, case.out, batch).unwrap();
        gradient.set_weights(&data.weight).unwrap();
        let to = Tensor::packed(output, gradient.border(), &dy);
        assert_same_on_all_threads(|| {
            let mut dx = Tensor::untouched(case.input, BORDERS[0], batch);
            input_gradient(&gradient, &to, None, &mut dx);
            dx.planar()
        });
    }
}

/// A transposed convolution's gradients are an ordinary convolution and its weight gradient, with the weights as they are.
#[test]
fn transposed_convolutions_have_their_gradients_too() {
    let (geometry, input, out, batch) = (ConvTranspose2d::new(4, 2, 1), Shape::new(20, 7, 9), 35, 2);
    let output = Shape::new(out, 14, 18);
    let weight = random(input.c * out * 16, 1);
    let (x, dy) = (random(batch * input.len(), 2), random(batch * output.len(), 3));
    // The convolution that takes the output's gradient to the input's.
    let back = Case::new(Conv2d::new(4, geometry.stride, 1), (out, 14, 18), input.c, batch);
    let (mut dx, mut dw) = (start(&vec![0.0; x.len()]), start(&vec![0.0; weight.len()]));
    each_product(&back, |y, x_at, w| {
        dx[x_at].add(f64::from(weight[w]) * f64::from(dy[y]));
        dw[w].add(f64::from(x[x_at]) * f64::from(dy[y]));
    });
    let (tuning, identity) = (Tuning::default(), Activation::Identity);
    let kernel = Conv2dKernel::new(tuning, back.geometry, output, input.c, &weight, None, identity).unwrap();
    let gradient = Conv2dWeightGradient::new(Isa::best(), back.geometry, output, input.c).unwrap();
    assert_eq!(kernel.output(), input);
    let (dy, x) = (Tensor::packed(output, gradient.border(), &dy), Tensor::packed(input, BORDERS[0], &x));
    let mut got = Tensor::untouched(input, BORDERS[0], batch);
    kernel.run(dy.read(), None, got.write(), &mut []).unwrap();
    assert_sums(&got.planar(), &dx, identity);
    let mut got = vec![0.0; weight.len()];
    weight_gradient(&gradient, &dy, &x, &mut got);
    assert_sums(&got, &dw, identity);
}

#[test]
fn new_weights_give_the_same_bits_as_a_new_kernel() {
    let (input, out) = (Shape::new(37, 9, 10), 50);
    let (old, new) = (random(out * 37 * 9, 1), random(out * 37 * 9, 2));
    let (bias, x) = (random(out, 3), random(input.len(), 4));
    for isa in Isa::available() {
        for method in ConvMethod::ALL {
            let tuning = Tuning { isa, method: Some(method) };
            let kernel = |weight: &[f32], bias: Option<&[f32]>| {
                let geometry = Conv2d::new(3, 1, 1);
                Conv2dKernel::new(tuning, geometry, input, out, weight, bias, Activation::Relu).unwrap()
            };
            let run = |kernel: &Conv2dKernel| {
                let x = Tensor::packed(input, kernel.border(), &x);
                let mut out = Tensor::untouched(kernel.output(), BORDERS[1], 1);
                let mut scratch = vec![Block::ZERO; kernel.scratch(1, 1)];
                kernel.run(x.read(), None, out.write(), &mut scratch).unwrap();
                out.planar()
            };
            let mut changed = kernel(&old, None);
            changed.set_weights(&new, Some(&bias)).unwrap();
            assert!(run(&changed) == run(&kernel(&new, Some(&bias))));
            changed.set_weights(&old, None).unwrap();
            assert!(run(&changed) == run(&kernel(&old, None)));
            assert!(changed.set_weights(&new[1..], None).is_err());
            assert!(changed.set_weights(&new, Some(&bias[1..])).is_err());
        }
    }
}

#[test]
fn new_weights_of_other_kernels_give_the_same_bits_as_new_kernels() {
    let (tuning, relu) = (Tuning::default(), Activation::Relu);
    let same = |a: Vec<f32>, b: Vec<f32>| assert!(a == b && a.iter().any(|&v| v > 0.0));
    // Transposed.
    let (input, geometry) = (Shape::new(18, 5, 6), ConvTranspose2d::new(3, 2, 1));
    let (old, new, bias) = (random(18 * 20 * 9, 1), random(18 * 20 * 9, 2), random(20, 3));
    let kernel = |w: &[f32], b| ConvTranspose2dKernel::new(tuning, geometry, input, 20, w, b, relu).unwrap();
    let run = |kernel: &ConvTranspose2dKernel| {
        let x = Tensor::packed(input, kernel.border(), &random(input.len(), 4));
        let mut out = Tensor::untouched(kernel.output(), BORDERS[0], 1);
        kernel.run(x.read(), out.write()).unwrap();
        out.planar()
    };
    let mut changed = kernel(&old, None);
    changed.set_weights(&new, Some(&bias)).unwrap();
    same(run(&changed), run(&kernel(&new, Some(&bias))));
    assert!(changed.set_weights(&new[1..], None).is_err());
    // Depthwise.
    let geometry = Conv2d::new(3, 1, 1);
    let (old, new, bias) = (random(18 * 9, 1), random(18 * 9, 2), random(18, 3));
    let kernel = |w: &[f32], b| DepthwiseKernel::new(tuning.isa, geometry, input, w, b, relu).unwrap();
    let run = |kernel: &DepthwiseKernel| {
        let x = Tensor::packed(input, kernel.border(), &random(input.len(), 4));
        let mut out = Tensor::untouched(kernel.output(), BORDERS[0], 1);
        kernel.run(x.read(), out.write()).unwrap();
        out.planar()
    };
    let mut changed = kernel(&old, None);
    changed.set_weights(&new, Some(&bias)).unwrap();
    same(run(&changed), run(&kernel(&new, Some(&bias))));
    assert!(changed.set_weights(&new[1..], None).is_err());
    // Planar.
    let (old, new, bias) = (random(18 * 20 * 9, 1), random(18 * 20 * 9, 2), random(20, 3));
    let kernel = |w: &[f32], b| PlanarConv2dKernel::new(tuning, geometry, input, 20, w, b, relu).unwrap();
    let run = |kernel: &PlanarConv2dKernel| {
        let mut out = Tensor::untouched(kernel.output(), BORDERS[0], 1);
        let mut scratch = vec![Block::ZERO; kernel.scratch(1, 1)];
        kernel.run(&random(input.len(), 4), out.write(), &mut scratch).unwrap();
        out.planar()
    };
    let mut changed = kernel(&old, None);
    changed.set_weights(&new, Some(&bias)).unwrap();
    same(run(&changed), run(&kernel(&new, Some(&bias))));
    assert!(changed.set_weights(&new[1..], None).is_err());
}

#[test]
fn what_does_not_fit_is_refused() {
    let (isa, input, geometry) = (Isa::best(), Shape::new(3, 6, 6), Conv2d::new(3, 1, 1));
    let grouped = Conv2d { groups: 3, ..geometry };
    let message = |what: &str| format!("conv2d {what} gradient: one group is needed, there are 3");
    let refused = Conv2dWeightGradient::new(isa, grouped, input, 3).unwrap_err().to_string();
    assert_eq!(refused, message("weight"));
    let refused = Conv2dInputGradient::new(isa, grouped, input, 3, 1).unwrap_err().to_string();
    assert_eq!(refused, message("input"));
    let large = Conv2d::new(9, 1, 0);
    assert!(Conv2dWeightGradient::new(isa, large, input, 3).is_err());
    assert!(Conv2dInputGradient::new(isa, large, input, 3, 1).is_err());
    let dilated = Conv2d { dilation: 2, ..Conv2d::new(3, 2, 2) };
    assert!(Conv2dInputGradient::new(isa, dilated, input, 3, 1).is_err());

    let gradient = Conv2dWeightGradient::new(isa, geometry, input, 4).unwrap();
    let tensor =
        |shape: Shape, border, batch: usize| Tensor::packed(shape, border, &vec![1.0; batch * shape.len()]);
    let (x, dy) = (tensor(input, gradient.border(), 2), tensor(Shape::new(4, 6, 6), Padding::all(0), 2));
    let run = |x: &Tensor, dy: &Tensor, dw: usize, scratch: usize| {
        let mut scratch = vec![Block::ZERO; scratch];
        gradient.run(x.read(), dy.read(), &mut vec![0.0; dw], &mut scratch)
    };
    let scratch = gradient.scratch(2, 1);
    assert_eq!(run(&x, &dy, 108, scratch), Ok(()));
    assert!(run(&x, &dy, 107, scratch).is_err());
    assert!(run(&x, &dy, 108, scratch - 1).is_err());
    assert!(run(&tensor(input, Padding::all(0), 2), &dy, 108, scratch).is_err());
    assert!(run(&x, &tensor(Shape::new(4, 6, 6), Padding::all(0), 1), 108, scratch).is_err());
    assert!(run(&x, &tensor(Shape::new(5, 6, 6), Padding::all(0), 2), 108, scratch).is_err());

    let mut gradient = Conv2dInputGradient::new(isa, geometry, input, 4, 2).unwrap();
    assert!(gradient.set_weights(&[0.0; 107]).is_err());
    assert!(gradient.set_weights(&[0.0; 108]).is_ok());
    let mut dx = tensor(input, Padding::all(0), 2);
    assert!(gradient.run(dy.read(), None, dx.write(), &mut vec![Block::ZERO; 4096]).is_err());
}
