//! Batch normalisation in training: against the definition in f64, and its gradient against central differences of it.

use madenet_kernels::blocked::{
    Normalization, moments, normalize, normalize_gradient, normalize_input_gradient,
};
use madenet_kernels::{Activation, Isa, Padding, Shape};

use crate::support::{ACTIVATIONS, assert_same_on_all_threads, random};
use crate::tensor::{BORDERS, Tensor};

const EPS: f32 = 1e-5;

struct Case {
    shape: Shape,
    batch: usize,
    x: Vec<f64>,
    add: Option<Vec<f64>>,
    dy: Vec<f64>,
    scale: Vec<f64>,
    shift: Vec<f64>,
    activation: Activation,
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

fn narrow(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&v| v as f32).collect()
}

fn activate(activation: Activation, z: f64) -> f64 {
    match activation {
        Activation::Identity => z,
        Activation::Relu => z.max(0.0),
        Activation::LeakyRelu(slope) => {
            if z > 0.0 {
                z
            } else {
                f64::from(slope) * z
            }
        }
        Activation::Silu => z / (1.0 + (-z).exp()),
        Activation::Sigmoid => 1.0 / (1.0 + (-z).exp()),
    }
}

impl Case {
    fn new(shape: Shape, batch: usize, activation: Activation, with_add: bool) -> Self {
        let len = batch * shape.len();
        Case {
            shape,
            batch,
            x: wide(&random(len, 1)),
            add: with_add.then(|| wide(&random(len, 2))),
            dy: wide(&random(len, 3)),
            scale: wide(&random(shape.c, 4)),
            shift: wide(&random(shape.c, 5)),
            activation,
        }
    }

    fn channel(&self, index: usize) -> usize {
        index / self.shape.plane() % self.shape.c
    }

    fn moments(&self, x: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let count = (self.batch * self.shape.plane()) as f64;
        let sums = |f: &dyn Fn(usize, f64) -> f64| {
            let mut sums = vec![0.0; self.shape.c];
            x.iter().enumerate().for_each(|(i, &v)| sums[self.channel(i)] += f(self.channel(i), v) / count);
            sums
        };
        let mean = sums(&|_, v| v);
        let var = sums(&|c, v| (v - mean[c]).powi(2));
        (mean, var)
    }

    fn forward(&self, x: &[f64], scale: &[f64], shift: &[f64]) -> Vec<f64> {
        let (mean, var) = self.moments(x);
        let value = |(i, &v): (usize, &f64)| {
            let c = self.channel(i);
            let z = (v - mean[c]) / (var[c] + f64::from(EPS)).sqrt() * scale[c] + shift[c];
            activate(self.activation, z + self.add.as_ref().map_or(0.0, |add| add[i]))
        };
        x.iter().enumerate().map(value).collect()
    }

    fn loss(&self, x: &[f64], scale: &[f64], shift: &[f64]) -> f64 {
        self.forward(x, scale, shift).iter().zip(&self.dy).map(|(y, dy)| y * dy).sum()
    }

    /// Output, gradients of the input, scale and shift.
    fn run(&self, isa: Isa, borders: [Padding; 3]) -> [Vec<f32>; 4] {
        let shape = self.shape;
        let x = Tensor::packed(shape, borders[0], &narrow(&self.x));
        let add = self.add.as_ref().map(|add| Tensor::packed(shape, borders[1], &narrow(add)));
        let (mut mean, mut var) = (vec![f64::NAN; shape.c], vec![f64::NAN; shape.c]);
        moments(isa, x.read(), &mut mean, &mut var).unwrap();
        let mut normalization = Normalization::new(shape.c);
        normalization.set(&mean, &var, EPS, &narrow(&self.scale), &narrow(&self.shift)).unwrap();
        let mut y = Tensor::untouched(shape, borders[2], self.batch);
        let read = add.as_ref().map(Tensor::read);
        normalize(isa, &normalization, x.read(), read, self.activation, y.write()).unwrap();

        let mut dz = Tensor::packed(shape, borders[1], &narrow(&self.dy));
        let mut sums = vec![[f64::NAN; 2]; shape.c];
        let told = add.as_ref().map(|_| y.read());
        normalize_gradient(isa, &normalization, x.read(), self.activation, told, dz.write(), &mut sums)
            .unwrap();
        let count = self.batch * shape.plane();
        let gradient = normalization.gradient(&var, EPS, &sums, count);
        normalize_input_gradient(isa, &gradient, x.read(), dz.write()).unwrap();
        let scale = sums.iter().zip(&var).map(|([_, p], var)| (p / (var + f64::from(EPS)).sqrt()) as f32);
        let scale = scale.collect();
        [y.planar(), dz.planar(), scale, sums.iter().map(|[s, _]| *s as f32).collect()]
    }

    fn check(&self, borders: [Padding; 3]) {
        const STEP: f64 = 1e-6;
        let difference = |which: usize, i: usize| {
            let at = |step: f64| {
                let mut values = [self.x.clone(), self.scale.clone(), self.shift.clone()];
                values[which][i] += step;
                self.loss(&values[0], &values[1], &values[2])
            };
            (at(STEP) - at(-STEP)) / (2.0 * STEP)
        };
        let numeric = |which: usize, len: usize| (0..len).map(|i| difference(which, i)).collect::<Vec<f64>>();
        let expected = [
            self.forward(&self.x, &self.scale, &self.shift),
            numeric(0, self.x.len()),
            numeric(1, self.shape.c),
            numeric(2, self.shape.c),
        ];
        for isa in Isa::available() {
            for (name, (got, expected)) in
                ["y", "dx", "dscale", "dshift"].iter().zip(self.run(isa, borders).iter().zip(&expected))
            {
                // f32 rounding of a few hundred terms of about 1; differences are good to 1e-8.
                let scale = expected.iter().fold(1.0, |m: f64, v| m.max(v.abs()));
                for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
                    assert!(
                        (f64::from(*got) - expected).abs() <= 1e-5 * scale,
                        "{isa:?} {:?} {name}[{i}]: {got} for {expected}",
                        self.activation
                    );
                }
            }
        }
    }
}

#[test]
fn gradients_are_those_of_the_definition() {
    for activation in ACTIVATIONS {
        for with_add in [false, true] {
            if with_add && matches!(activation, Activation::Silu | Activation::Sigmoid) {
                continue;
            }
            for (index, (shape, batch)) in
                [(Shape::new(3, 2, 3), 2), (Shape::new(18, 3, 5), 2), (Shape::new(17, 1, 1), 9)]
                    .into_iter()
                    .enumerate()
            {
                let borders = std::array::from_fn(|i| BORDERS[(index + i) % 3]);
                Case::new(shape, batch, activation, with_add).check(borders);
            }
        }
    }
}

#[test]
fn a_large_mean_costs_no_digits() {
    let shape = Shape::new(17, 40, 50);
    let x: Vec<f32> = random(2 * shape.len(), 1).iter().map(|v| 1000.0 + 0.1 * v).collect();
    let case = Case { x: wide(&x), ..Case::new(shape, 2, Activation::Identity, false) };
    let (mean, var) = case.moments(&case.x);
    for isa in Isa::available() {
        let (mut got_mean, mut got_var) = (vec![0.0; 17], vec![0.0; 17]);
        let x = Tensor::packed(shape, BORDERS[1], &x);
        moments(isa, x.read(), &mut got_mean, &mut got_var).unwrap();
        for c in 0..17 {
            assert!((got_mean[c] - mean[c]).abs() < 1e-6 * var[c].sqrt(), "{} for {}", got_mean[c], mean[c]);
            assert!((got_var[c] / var[c] - 1.0).abs() < 1e-5, "{} for {}", got_var[c], var[c]);
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    for (shape, batch) in [(Shape::new(40, 33, 50), 3), (Shape::new(40, 1, 1), 5000)] {
        let case = Case::new(shape, batch, Activation::Relu, true);
        assert_same_on_all_threads(|| case.run(Isa::best(), BORDERS).concat());
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let (shape, isa) = (Shape::new(3, 2, 2), Isa::best());
    let x = Tensor::packed(shape, BORDERS[0], &[0.5; 12]);
    let mut other = Tensor::untouched(Shape::new(4, 2, 2), BORDERS[0], 1);
    let mut three = [0.0; 3];
    assert!(moments(isa, x.read(), &mut three, &mut [0.0; 2]).is_err());
    let mut normalization = Normalization::new(3);
    assert!(normalization.set(&three, &three, EPS, &[1.0; 3], &[1.0; 4]).is_err());
    assert!(normalize(isa, &normalization, x.read(), None, Activation::Relu, other.write()).is_err());
    assert!(normalize(isa, &Normalization::new(4), x.read(), None, Activation::Relu, other.write()).is_err());
    let mut dz = Tensor::packed(shape, BORDERS[0], &[0.5; 12]);
    let told = Some(x.read());
    let mut sums = [[0.0; 2]; 3];
    let silu =
        normalize_gradient(isa, &normalization, x.read(), Activation::Silu, told, dz.write(), &mut sums);
    assert!(silu.is_err(), "a sum hides what SiLU got");
    let gradient = normalization.fixed_gradient();
    assert!(normalize_input_gradient(isa, &gradient, x.read(), other.write()).is_err());
}
