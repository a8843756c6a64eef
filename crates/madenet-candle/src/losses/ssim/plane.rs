//! The structural similarity of two planes and its gradient, in memory that stays in the caches.

use madenet_kernels::{Result, SeparableFilter};

/// The window and the constants, for planes of one size.
pub(super) struct Plane {
    pub(super) window: SeparableFilter,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) c1: f32,
    pub(super) c2: f32,
}

/// Memory that is kept between planes.
#[derive(Default)]
pub(super) struct Scratch {
    /// Four planes: the filtered `x`, `y`, `x^2 + y^2` and `x y`; then the derivatives of the similarity in the first, third and
    /// fourth of these, and the similarity.
    maps: Vec<f32>,
    /// Three planes: what is filtered next, or what came out.
    work: Vec<f32>,
    filter: Vec<f32>,
}

impl Scratch {
    /// The similarity of every pixel, after [`Plane::similarities`].
    pub(super) fn similarities(&self) -> &[f32] {
        &self.maps[self.maps.len() / 4 * 3..]
    }
}

impl Plane {
    pub(super) fn len(&self) -> usize {
        self.height * self.width
    }

    /// The similarity of every pixel of `x` and `y`, with its derivatives in the filtered maps, into `scratch`.
    ///
    /// Of the two variances only the sum is needed, so four maps are filtered, not five.
    pub(super) fn similarities(&self, x: &[f32], y: &[f32], scratch: &mut Scratch) -> Result<()> {
        let len = self.len();
        scratch.maps.resize(4 * len, 0.0);
        scratch.work.resize(3 * len, 0.0);
        let Scratch { maps, work, filter } = scratch;
        let (squares, products) = work[..2 * len].split_at_mut(len);
        for (((square, product), &x), &y) in squares.iter_mut().zip(products).zip(x).zip(y) {
            *square = x * x + y * y;
            *product = x * y;
        }
        self.filter(x, &mut maps[..len], filter)?;
        self.filter(y, &mut maps[len..2 * len], filter)?;
        self.filter(&work[..2 * len], &mut maps[2 * len..], filter)?;
        let (means, rest) = maps.split_at_mut(len);
        let (target_means, rest) = rest.split_at_mut(len);
        let (squares, products) = rest.split_at_mut(len);
        let places = means.iter_mut().zip(target_means).zip(squares.iter_mut().zip(products));
        for ((mean, target_mean), (square, product)) in places {
            [*mean, *target_mean, *square, *product] = self.pixel(*mean, *target_mean, *square, *product);
        }
        Ok(())
    }

    /// Of a pixel the derivatives of its similarity in the filtered `x`, `x^2 + y^2` and `x y`, and the similarity.
    #[inline]
    fn pixel(&self, mean: f32, target_mean: f32, square: f32, product: f32) -> [f32; 4] {
        let cross = mean * target_mean;
        let means = mean * mean + target_mean * target_mean;
        // What Cauchy and Schwarz say of exact sums: rounding must not make a variance negative, which large values of an
        // untrained network would.
        let variance = (square - means).max(0.0);
        let covariance = (2.0 * (product - cross)).max(-variance).min(variance);
        let (a1, a2) = (2.0 * cross + self.c1, covariance + self.c2);
        let (b1, b2) = (means + self.c1, variance + self.c2);
        let scale = 1.0 / (b1 * b2);
        let similarity = a1 * a2 / (b1 * b2);
        let by_mean = 2.0 * scale * (target_mean * (a2 - a1) - mean * similarity * (b2 - b1));
        [by_mean, -similarity * b1 * scale, 2.0 * a1 * scale, similarity]
    }

    /// The gradient in `x` of `factor` times the sum of the similarities under the weight, after
    /// [`similarities`](Self::similarities).
    ///
    /// The window is symmetric and zeros stand beyond the borders, so the adjoint of the filter is the filter.
    pub(super) fn gradient(
        &self,
        x: &[f32],
        y: &[f32],
        weight: Option<&[f32]>,
        factor: f32,
        scratch: &mut Scratch,
        gradient: &mut [f32],
    ) -> Result<()> {
        let len = self.len();
        let Scratch { maps, work, filter } = scratch;
        let derivatives = &mut maps[..3 * len];
        if let Some(weight) = weight {
            for map in derivatives.chunks_exact_mut(len) {
                map.iter_mut().zip(weight).for_each(|(value, weight)| *value *= weight);
            }
        }
        self.filter(derivatives, work, filter)?;
        let (by_mean, rest) = work.split_at(len);
        let (by_square, by_product) = rest.split_at(len);
        let derivatives = by_mean.iter().zip(by_square).zip(by_product);
        for (((gradient, ((mean, square), product)), x), y) in
            gradient.iter_mut().zip(derivatives).zip(x).zip(y)
        {
            *gradient = factor * (mean + 2.0 * x * square + y * product);
        }
        Ok(())
    }

    fn filter(&self, x: &[f32], out: &mut [f32], scratch: &mut Vec<f32>) -> Result<()> {
        self.window.run(self.height, self.width, x, out, scratch)
    }
}
