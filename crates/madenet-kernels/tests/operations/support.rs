//! What the tests of all operations share.

use madenet_kernels::{Activation, Shape};

/// Units in the last place of a rounded operation: half of one, and a little for the products of errors.
const PER_OPERATION: f64 = 0.501 * f32::EPSILON as f64;

/// Units in the last place of an activation (its own tests are tighter): relative to its result.
const PER_ACTIVATION: f64 = 6.0 * f32::EPSILON as f64;

/// No activation here is steeper (SiLU: 1.0998).
const STEEPEST: f64 = 1.1;

/// A sum of products in f64 and what bounds the error of the same sum in f32, in any order of its terms: each term is
/// rounded at most as often as there are operations, so the error is at most `operations * eps / 2 * sum |w| |x|`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    pub(crate) value: f64,
    pub(crate) magnitude: f64,
    pub(crate) operations: usize,
}

impl Sum {
    pub(crate) fn add(&mut self, term: f64) {
        self.value += term;
        self.magnitude += term.abs();
        // A product and a sum.
        self.operations += 2;
    }
}

pub(crate) fn assert_sums(got: &[f32], expected: &[Sum], activation: Activation) {
    assert_eq!(got.len(), expected.len());
    for (index, (&got, sum)) in got.iter().zip(expected).enumerate() {
        let truth = activate(activation, sum.value);
        let tolerance =
            STEEPEST * PER_OPERATION * sum.operations as f64 * sum.magnitude + PER_ACTIVATION * truth.abs();
        let error = (f64::from(got) - truth).abs();
        assert!(error <= tolerance, "value {index} is {got}, not {truth}: {error:e} above {tolerance:e}");
    }
}

pub(crate) fn activate(activation: Activation, x: f64) -> f64 {
    let sigmoid = 1.0 / (1.0 + (-x).exp());
    match activation {
        Activation::Identity => x,
        Activation::Relu => x.max(0.0),
        Activation::LeakyRelu(slope) => {
            if x > 0.0 {
                x
            } else {
                f64::from(slope) * x
            }
        }
        Activation::Silu => x * sigmoid,
        Activation::Sigmoid => sigmoid,
    }
}

pub(crate) const ACTIVATIONS: [Activation; 5] = [
    Activation::Identity,
    Activation::Relu,
    Activation::LeakyRelu(0.2),
    Activation::Silu,
    Activation::Sigmoid,
];

/// Values in -1..1 that depend on `seed` only (a linear congruential generator with Knuth's constants for MMIX).
pub(crate) fn random(len: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x0123_4567_89ab_cdef;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f32 / (1 << 23) as f32) - 1.0
    };
    for _ in 0..4 {
        next();
    }
    (0..len).map(|_| next()).collect()
}

/// An output that a run must overwrite.
pub(crate) fn untouched(len: usize) -> Vec<f32> {
    vec![f32::NAN; len]
}

/// One value of a batch of samples, 0 outside the plane.
pub(crate) fn pixel(x: &[f32], shape: Shape, image: usize, channel: usize, y: isize, x_at: isize) -> f64 {
    if y < 0 || x_at < 0 || y >= shape.h as isize || x_at >= shape.w as isize {
        return 0.0;
    }
    f64::from(x[((image * shape.c + channel) * shape.h + y as usize) * shape.w + x_at as usize])
}

/// Runs under pools of 1, 2 and 3 threads and requires the same bits.
pub(crate) fn assert_same_on_all_threads(run: impl Fn() -> Vec<f32> + Sync) {
    let bits = |threads: usize| -> Vec<u32> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(&run).into_iter().map(f32::to_bits).collect()
    };
    let one = bits(1);
    assert!(!one.is_empty());
    assert!(one == bits(2), "two threads give other bits than one");
    assert!(one == bits(3), "three threads give other bits than one");
}
