//! Gaussian densities of features.

use rayon::prelude::*;

use crate::{Error, Result};

/// Rows whose products one task adds up: fixed, so that the number of threads does not change a bit.
const BLOCK: usize = 256;

/// How far the covariance is drawn towards the identity where the estimate leaves it without an inverse.
const LEAST: f64 = 1e-3;

/// A Gaussian with the covariance of Ledoit and Wolf ("A well-conditioned estimator for large-dimensional covariance matrices",
/// 2004): drawn towards a multiple of the identity as far as the number of rows asks for, so that it has an inverse even where
/// there are fewer rows than dimensions.
///
/// ```
/// use madenet_lpd::Gaussian;
///
/// let rows = [1.0_f32, 0.0, -1.0, 0.0, 0.0, 2.0, 0.0, -2.0];
/// let gaussian = Gaussian::fit(&rows, 2)?;
/// assert_eq!(gaussian.mean(), [0.0, 0.0]);
/// assert!(gaussian.distance(&[1.0, 0.0]) > gaussian.distance(&[0.0, 1.0]));
/// # Ok::<(), madenet_lpd::Error>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Gaussian {
    mean: Vec<f64>,
    shrinkage: f64,
    covariance: Vec<f64>,
    /// Lower triangular, the inverse of the covariance's Cholesky factor.
    whitening: Vec<f64>,
}

impl Gaussian {
    /// The Gaussian of `rows` of `dim` values each.
    ///
    /// # Errors
    /// [`Error::Density`] if there is no row, they are no whole number, a value is not finite, or all rows are equal.
    pub fn fit(rows: &[f32], dim: usize) -> Result<Self> {
        let refuse = |got: String| Error::Density { got };
        if dim == 0 || rows.is_empty() || !rows.len().is_multiple_of(dim) {
            return Err(refuse(format!("{} values of rows of {dim}", rows.len())));
        }
        if !rows.iter().all(|v| v.is_finite()) {
            return Err(refuse("a value that is not finite".to_string()));
        }
        let n = (rows.len() / dim) as f64;
        let mut mean = vec![0.0; dim];
        for row in rows.chunks_exact(dim) {
            mean.iter_mut().zip(row).for_each(|(sum, &v)| *sum += f64::from(v));
        }
        mean.iter_mut().for_each(|sum| *sum /= n);
        let Products { mut covariance, fourth } = Products::of(rows, &mean);
        covariance.iter_mut().for_each(|sum| *sum /= n);

        let p = dim as f64;
        let scale = (0..dim).map(|i| covariance[i * dim + i]).sum::<f64>() / p;
        if scale <= 0.0 {
            return Err(refuse("rows that are all equal".to_string()));
        }
        let norm = covariance.iter().map(|c| c * c).sum::<f64>();
        // |C - mI|^2 / p and, of the rows' own products x x^T, (1/n^2) sum |x x^T - C|^2 / p.
        let spread = norm / p - scale * scale;
        let noise = ((fourth / n - norm) / n / p).max(0.0).min(spread);
        let shrinkage = if spread > 0.0 { noise / spread } else { 1.0 };
        let shrunk = |shrinkage: f64| {
            let mut shrunk: Vec<f64> = covariance.iter().map(|c| (1.0 - shrinkage) * c).collect();
            (0..dim).for_each(|i| shrunk[i * dim + i] += shrinkage * scale);
            shrunk
        };
        // Two rows, or copies of two, tell nothing of noise, and lie on a line.
        for shrinkage in [shrinkage, shrinkage.max(LEAST)] {
            let covariance = shrunk(shrinkage);
            if let Some(factor) = cholesky(&covariance, dim) {
                return Ok(Gaussian { mean, shrinkage, covariance, whitening: inverse(&factor, dim) });
            }
        }
        Err(refuse("values too large or too small for a covariance".to_string()))
    }

    /// The mean.
    #[must_use]
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// How far the covariance was drawn towards a multiple of the identity, 0 to 1.
    #[must_use]
    pub fn shrinkage(&self) -> f64 {
        self.shrinkage
    }

    /// The covariance, row by row.
    #[must_use]
    pub fn covariance(&self) -> &[f64] {
        &self.covariance
    }

    /// The Mahalanobis distance of a row from the mean.
    #[must_use]
    pub fn distance(&self, row: &[f32]) -> f64 {
        let dim = self.mean.len();
        let centred: Vec<f64> = row.iter().zip(&self.mean).map(|(&v, m)| f64::from(v) - m).collect();
        let white = |w: &[f64]| w.iter().zip(&centred).map(|(w, c)| w * c).sum::<f64>();
        self.whitening.chunks_exact(dim).map(|w| white(w).powi(2)).sum::<f64>().sqrt()
    }

    /// The linear layer that makes rows white, as weight `[dim][dim]` and bias: the length of its output is the
    /// [`distance`](Self::distance).
    #[must_use]
    pub fn whitening(&self) -> (Vec<f32>, Vec<f32>) {
        let bias = |w: &[f64]| -w.iter().zip(&self.mean).map(|(w, m)| w * m).sum::<f64>() as f32;
        let bias = self.whitening.chunks_exact(self.mean.len()).map(bias).collect();
        (self.whitening.iter().map(|&w| w as f32).collect(), bias)
    }
}

/// Sums over centred rows.
struct Products {
    /// Of `x x^T`.
    covariance: Vec<f64>,
    /// Of `|x|^4`, the square of the norm of `x x^T`.
    fourth: f64,
}

impl Products {
    fn of(rows: &[f32], mean: &[f64]) -> Self {
        let dim = mean.len();
        let blocks: Vec<&[f32]> = rows.chunks(BLOCK * dim).collect();
        let mut all = Products { covariance: vec![0.0; dim * dim], fourth: 0.0 };
        // Some blocks at a time, added up in their order.
        for some in blocks.chunks(16) {
            let sums: Vec<Products> = some.par_iter().map(|block| Self::of_block(block, mean)).collect();
            for sum in sums {
                all.covariance.iter_mut().zip(&sum.covariance).for_each(|(a, b)| *a += b);
                all.fourth += sum.fourth;
            }
        }
        for i in 0..dim {
            for j in 0..i {
                all.covariance[j * dim + i] = all.covariance[i * dim + j];
            }
        }
        all
    }

    /// The lower triangle.
    fn of_block(rows: &[f32], mean: &[f64]) -> Self {
        let dim = mean.len();
        let mut sums = Products { covariance: vec![0.0; dim * dim], fourth: 0.0 };
        let mut x = vec![0.0; dim];
        for row in rows.chunks_exact(dim) {
            x.iter_mut().zip(row).zip(mean).for_each(|((x, &v), m)| *x = f64::from(v) - m);
            sums.fourth += x.iter().map(|v| v * v).sum::<f64>().powi(2);
            for (i, sums) in sums.covariance.chunks_exact_mut(dim).enumerate() {
                let own = x[i];
                sums[..=i].iter_mut().zip(&x[..=i]).for_each(|(sum, v)| *sum += own * v);
            }
        }
        sums
    }
}

/// The lower triangular `L` of `L L^T`, if the matrix is positive definite.
fn cholesky(matrix: &[f64], dim: usize) -> Option<Vec<f64>> {
    let mut factor = vec![0.0; dim * dim];
    for i in 0..dim {
        for j in 0..=i {
            let dot = |a: usize, b: usize| {
                let row = |r: usize| &factor[r * dim..][..j];
                row(a).iter().zip(row(b)).map(|(a, b)| a * b).sum::<f64>()
            };
            let rest = matrix[i * dim + j] - dot(i, j);
            factor[i * dim + j] = if i == j {
                if !(rest > 0.0 && rest.is_finite()) {
                    return None;
                }
                rest.sqrt()
            } else {
                rest / factor[j * dim + j]
            };
        }
    }
    Some(factor)
}

/// The inverse of a lower triangular matrix.
fn inverse(factor: &[f64], dim: usize) -> Vec<f64> {
    let mut inverse = vec![0.0; dim * dim];
    for i in 0..dim {
        // Row i of L times the inverse is row i of the identity.
        let (above, row) = inverse.split_at_mut(i * dim);
        let row = &mut row[..dim];
        for (k, above) in above.chunks_exact(dim).enumerate() {
            let weight = factor[i * dim + k];
            row[..=k].iter_mut().zip(above).for_each(|(sum, v)| *sum -= weight * v);
        }
        row[i] = 1.0;
        let pivot = factor[i * dim + i];
        row[..=i].iter_mut().for_each(|v| *v /= pivot);
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whitening_undoes_the_covariance() {
        // A linear congruential generator's numbers, correlated.
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32 - 0.5
        };
        let rows: Vec<f32> = (0..400)
            .flat_map(|_| {
                let (a, b, c) = (next(), next(), next());
                [a + 3.0, a + 0.1 * b, 10.0 * c - a]
            })
            .collect();
        let gaussian = Gaussian::fit(&rows, 3).unwrap();
        assert!(gaussian.shrinkage() > 0.0 && gaussian.shrinkage() < 0.1, "{}", gaussian.shrinkage());
        let dim = 3;
        for i in 0..dim {
            for j in 0..dim {
                let mut sum = 0.0;
                for (a, w) in gaussian.whitening[i * dim..][..dim].iter().enumerate() {
                    for (b, v) in gaussian.whitening[j * dim..][..dim].iter().enumerate() {
                        sum += w * gaussian.covariance[a * dim + b] * v;
                    }
                }
                assert!((sum - f64::from(u8::from(i == j))).abs() < 1e-9, "{i} {j}: {sum}");
            }
        }
        let (weight, bias) = gaussian.whitening();
        let white = |row: &[f32]| {
            let of = |(w, b): (&[f32], &f32)| w.iter().zip(row).map(|(w, v)| w * v).sum::<f32>() + b;
            weight.chunks_exact(dim).zip(&bias).map(of).map(|v| f64::from(v).powi(2)).sum::<f64>().sqrt()
        };
        assert!((white(&rows[..3]) - gaussian.distance(&rows[..3])).abs() < 1e-4);
    }

    #[test]
    fn two_rows_are_enough_and_rows_that_say_nothing_are_refused() {
        let two = Gaussian::fit(&[1.0, 0.0, 3.0, 0.0, 1.0, 1.0], 3).unwrap();
        assert_eq!(two.shrinkage(), LEAST);
        assert!(two.distance(&[2.0, 5.0, 2.0]).is_finite());
        for (rows, dim) in
            [(&[][..], 2), (&[1.0; 3], 2), (&[1.0, f32::NAN], 2), (&[2.0; 4], 2), (&[1.0; 4], 0)]
        {
            assert!(matches!(Gaussian::fit(rows, dim), Err(Error::Density { .. })), "{rows:?}");
        }
    }
}
