use madenet_kernels::blocked::{ScaleShiftKernel, activation, add, multiply};
use madenet_kernels::{Activation, Error, Isa, Padding, Shape};
use proptest::prelude::*;

use crate::support::{ACTIVATIONS, Sum, assert_same_on_all_threads, assert_sums, random};
use crate::tensor::{BORDERS, Tensor};

fn sum(terms: &[f64]) -> Sum {
    let mut sum = Sum::default();
    terms.iter().for_each(|&term| sum.add(term));
    sum
}

/// All operations with all instruction sets, for one activation and a border each of the inputs and the output.
fn check(shape: Shape, batch: usize, function: Activation, borders: [Padding; 3]) {
    let (plane, len) = (shape.plane(), batch * shape.len());
    let [x, y] = [1, 2].map(|seed| random(len, seed));
    let [scale, shift] = [3, 4].map(|seed| random(shape.c, seed));
    let factors = random(batch * shape.c, 5);
    let wide = |f: &dyn Fn(usize) -> Vec<f64>| (0..len).map(|i| sum(&f(i))).collect::<Vec<_>>();
    let (a, b) = (Tensor::packed(shape, borders[0], &x), Tensor::packed(shape, borders[1], &y));
    let per_channel = Tensor::packed(Shape::new(shape.c, 1, 1), borders[1], &factors);
    let [x, y, scale_of, shift_of, factors] =
        [&x, &y, &scale, &shift, &factors].map(|v| v.iter().copied().map(f64::from).collect::<Vec<_>>());

    for isa in Isa::available() {
        let run = |f: &dyn Fn(&mut Tensor), expected: Vec<Sum>, function| {
            let mut out = Tensor::untouched(shape, borders[2], batch);
            f(&mut out);
            assert_sums(&out.planar(), &expected, function);
        };
        run(
            &|out| activation(isa, function, a.read(), out.write()).unwrap(),
            wide(&|i| vec![x[i]]),
            function,
        );
        run(
            &|out| add(isa, a.read(), b.read(), function, out.write()).unwrap(),
            wide(&|i| vec![x[i], y[i]]),
            function,
        );
        run(
            &|out| multiply(isa, a.read(), b.read(), out.write()).unwrap(),
            wide(&|i| vec![x[i] * y[i]]),
            Activation::Identity,
        );
        run(
            &|out| multiply(isa, a.read(), per_channel.read(), out.write()).unwrap(),
            wide(&|i| vec![x[i] * factors[i / plane]]),
            Activation::Identity,
        );
        let kernel = ScaleShiftKernel::new(isa, &scale, &shift, function).unwrap();
        run(
            &|out| kernel.run(a.read(), out.write()).unwrap(),
            wide(&|i| vec![x[i] * scale_of[i / plane % shape.c], shift_of[i / plane % shape.c]]),
            function,
        );
    }
}

#[test]
fn all_agree_with_the_definition_whatever_the_borders() {
    for (index, function) in ACTIVATIONS.into_iter().enumerate() {
        for (shape, batch) in
            [(Shape::new(1, 1, 1), 1), (Shape::new(35, 7, 13), 3), (Shape::new(16, 1, 9), 1)]
        {
            for border in BORDERS {
                check(shape, batch, function, [border; 3]);
                let mixed = std::array::from_fn(|i| BORDERS[(index + i) % 3]);
                check(shape, batch, function, mixed);
            }
        }
    }
    // Rows longer than a unit of work, and planes that are many of them.
    for (shape, border) in
        [(Shape::new(3, 255, 257), 0), (Shape::new(3, 255, 257), 1), (Shape::new(17, 1, 9000), 1)]
    {
        check(shape, 1, Activation::Relu, [Padding::all(border); 3]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    #[test]
    fn any_shape_agrees_with_the_definition(
        (c, h, w, batch) in (1..=40_usize, 1..=14_usize, 1..=30_usize, 1..=3_usize),
        function in 0..ACTIVATIONS.len(),
        borders in [0..3_usize, 0..3, 0..3],
    ) {
        check(Shape::new(c, h, w), batch, ACTIVATIONS[function], borders.map(|border| BORDERS[border]));
    }
}

#[test]
fn nan_stays() {
    let shape = Shape::new(1, 1, 5);
    let x = Tensor::packed(shape, Padding::all(0), &[1.0, f32::NAN, -1.0, 2.0, f32::NAN]);
    for isa in Isa::available() {
        for function in ACTIVATIONS {
            let mut out = Tensor::untouched(shape, Padding::all(0), 1);
            activation(isa, function, x.read(), out.write()).unwrap();
            let nan = out.planar().iter().map(|v| v.is_nan()).collect::<Vec<_>>();
            assert_eq!(nan, [false, true, false, false, true], "{isa:?} {function:?}");
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let shape = Shape::new(35, 70, 71);
    for border in [0, 1].map(Padding::all) {
        let a = Tensor::packed(shape, border, &random(2 * shape.len(), 1));
        let b = Tensor::packed(shape, border, &random(2 * shape.len(), 2));
        let factors = Tensor::packed(Shape::new(35, 1, 1), border, &random(70, 3));
        for isa in Isa::available() {
            let kernel = ScaleShiftKernel::new(isa, &[0.5; 35], &[0.1; 35], Activation::Sigmoid).unwrap();
            assert_same_on_all_threads(|| {
                let mut all = Vec::new();
                let mut out = Tensor::untouched(shape, border, 2);
                activation(isa, Activation::Silu, a.read(), out.write()).unwrap();
                all.extend(out.planar());
                add(isa, a.read(), b.read(), Activation::Relu, out.write()).unwrap();
                all.extend(out.planar());
                multiply(isa, a.read(), factors.read(), out.write()).unwrap();
                all.extend(out.planar());
                kernel.run(a.read(), out.write()).unwrap();
                all.extend(out.planar());
                all
            });
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let (isa, function, shape) = (Isa::best(), Activation::Relu, Shape::new(2, 3, 4));
    let tensor =
        |shape: Shape, batch| Tensor::packed(shape, Padding::all(0), &vec![0.0; batch * shape.len()]);
    let what = |result: Result<(), Error>| match result {
        Ok(()) => None,
        Err(Error::Geometry { what, .. }) => Some(what),
        Err(other) => panic!("{other}"),
    };
    let kernel = ScaleShiftKernel::new(isa, &[1.0; 2], &[1.0; 2], function).unwrap();
    let a = tensor(shape, 2);
    for other in [tensor(shape, 1), tensor(Shape::new(2, 4, 3), 2), tensor(Shape::new(3, 3, 4), 2)] {
        let mut out = Tensor::untouched(other.layout.shape, Padding::all(0), other.batch);
        let mut fits = Tensor::untouched(shape, Padding::all(0), 2);
        assert_eq!(what(activation(isa, function, a.read(), out.write())), Some("activation: out"));
        assert_eq!(what(add(isa, a.read(), a.read(), function, out.write())), Some("add: out"));
        assert_eq!(what(add(isa, a.read(), other.read(), function, fits.write())), Some("add: b"));
        assert_eq!(what(multiply(isa, a.read(), a.read(), out.write())), Some("multiply: out"));
        assert_eq!(what(multiply(isa, a.read(), other.read(), fits.write())), Some("multiply: b"));
        assert_eq!(what(kernel.run(a.read(), out.write())), Some("scale_shift: out"));
    }
    let mut out = Tensor::untouched(shape, Padding::all(0), 2);
    let pixel = tensor(Shape::new(2, 1, 1), 1);
    assert_eq!(what(multiply(isa, a.read(), pixel.read(), out.write())), Some("multiply: b"));
    let wide = tensor(Shape::new(3, 3, 4), 2);
    assert_eq!(what(kernel.run(wide.read(), out.write())), Some("scale_shift: x"));
    let error = ScaleShiftKernel::new(isa, &[1.0; 2], &[1.0; 3], function).err();
    assert_eq!(error, Some(Error::Length { what: "scale_shift: shift", expected: 2, got: 3 }));

    // Nothing to do.
    let (none, mut out) = (tensor(shape, 0), Tensor::untouched(shape, Padding::all(0), 0));
    let pixel = tensor(Shape::new(2, 1, 1), 0);
    assert_eq!(activation(isa, function, none.read(), out.write()), Ok(()));
    assert_eq!(add(isa, none.read(), none.read(), function, out.write()), Ok(()));
    assert_eq!(multiply(isa, none.read(), pixel.read(), out.write()), Ok(()));
    assert_eq!(kernel.run(none.read(), out.write()), Ok(()));
}
