//! Fréchet distance between feature distributions (feature `frechet`).
//!
//! The distance of two Gaussians fitted to the features of two sets of images (Dowson and Landau, Journal of
//! Multivariate Analysis 12, 1982; Heusel et al., NeurIPS 2017, for images). It is called FID only for the
//! 2048 `pool3` features of InceptionV3; with any other network `b` call it FD-`b`. Values of different
//! dimensions or networks cannot be compared, and neither can sets of different sizes: the estimate falls
//! with the number of vectors. The covariance of n vectors has full rank only for n > dim.
//!
//! Eigenvalues come from `nalgebra`, which is slower than `faer` but a third of the packages: enough for a figure
//! that is computed once per evaluation.

use std::borrow::Cow;

use nalgebra::{DMatrix, DVector, SymmetricEigen};

use crate::error::{Error, Result};

/// Vectors gathered before the co-moments are updated: the matrix then passes through memory once for all of
/// them. Any number gives the same figures up to rounding.
const BLOCK: usize = 32;

/// Number of features a vector may have: 2 GB of co-moments. The widest layers of the usual networks have 2048 to
/// 4096, so a number above that comes from a damaged file or a mistaken shape.
pub const MAX_FEATURE_DIM: usize = 16_384;

/// Mean and co-moments of feature vectors, in `f64`, updated block by block (Chan, Golub and LeVeque, The
/// American Statistician 37, 1983).
///
/// Holds `8 * dim * dim` bytes, however many vectors there are: 34 MB for 2048 features.
#[derive(Debug, Clone)]
pub struct GaussianStats {
    /// Vectors in `mean` and `comoments`; the gathered ones are not among them.
    settled: usize,
    mean: Vec<f64>,
    /// `sum (x - mean) (x - mean)^T`, row-major `dim x dim`; below the diagonal it is 0.
    comoments: Vec<f64>,
    /// At most [`BLOCK`] vectors, one after the other.
    gathered: Vec<f32>,
}

impl GaussianStats {
    /// No vector of `dim` features yet.
    ///
    /// # Errors
    ///
    /// If `dim` is 0 or above [`MAX_FEATURE_DIM`], or there is no memory for `dim * dim` numbers.
    pub fn new(dim: usize) -> Result<Self> {
        let error = Error::FeatureDimension { dim, max: MAX_FEATURE_DIM };
        let Some(size) = dim.checked_mul(dim).filter(|_| (1..=MAX_FEATURE_DIM).contains(&dim)) else {
            return Err(error);
        };
        let mut comoments = Vec::new();
        comoments.try_reserve_exact(size).map_err(|_| error)?;
        comoments.resize(size, 0.0);
        Ok(Self { settled: 0, mean: vec![0.0; dim], comoments, gathered: Vec::new() })
    }

    /// Number of features of a vector.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.mean.len()
    }

    /// Number of vectors.
    #[must_use]
    pub fn count(&self) -> usize {
        self.settled + self.gathered.len() / self.dim()
    }

    /// Adds one vector of [`dim`](Self::dim) features.
    ///
    /// # Errors
    ///
    /// If it has another length, or a feature is NaN or infinite. Nothing is added then.
    pub fn push(&mut self, features: &[f32]) -> Result<()> {
        if features.len() != self.dim() {
            return Err(Error::FeatureLength { expected: self.dim(), got: features.len() });
        }
        if let Some((index, &value)) = features.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            return Err(Error::NonFiniteFeature { vector: self.count(), index, value });
        }
        self.gathered.extend_from_slice(features);
        if self.gathered.len() >= BLOCK * self.dim() {
            self.settle();
        }
        Ok(())
    }

    /// Adds the vectors of another set.
    ///
    /// # Errors
    ///
    /// If their number of features differs. Nothing is added then.
    pub fn merge(&mut self, mut other: Self) -> Result<()> {
        if other.dim() != self.dim() {
            return Err(Error::FeatureLength { expected: self.dim(), got: other.dim() });
        }
        self.settle();
        other.settle();
        if other.settled > 0 {
            self.comoments.iter_mut().zip(&other.comoments).for_each(|(sum, term)| *sum += term);
            let between = self.shift_mean(&other.mean, other.settled);
            self.add_squares(&between);
        }
        Ok(())
    }

    /// Takes the gathered vectors into mean and co-moments: their own about their mean, and one more row for
    /// the distance of the means.
    fn settle(&mut self) {
        let (dim, count) = (self.dim(), self.gathered.len() / self.dim());
        if count == 0 {
            return;
        }
        let mut rows: Vec<f64> = self.gathered.drain(..).map(f64::from).collect();
        let mut mean = vec![0.0; dim];
        for row in rows.chunks_exact(dim) {
            mean.iter_mut().zip(row).for_each(|(mean, x)| *mean += x / count as f64);
        }
        for row in rows.chunks_exact_mut(dim) {
            row.iter_mut().zip(&mean).for_each(|(x, mean)| *x -= mean);
        }
        rows.extend(self.shift_mean(&mean, count));
        self.add_squares(&rows);
    }

    /// Counts `count` vectors about another mean, and returns the row whose square is missing in the
    /// co-moments then.
    fn shift_mean(&mut self, mean: &[f64], count: usize) -> Vec<f64> {
        let (old, new) = (self.settled as f64, count as f64);
        self.settled += count;
        let scale = (old / (old + new) * new).sqrt();
        let shift = |(own, other): (&mut f64, &f64)| {
            let distance = other - *own;
            *own += distance * (new / (old + new));
            distance * scale
        };
        self.mean.iter_mut().zip(mean).map(shift).collect()
    }

    /// Adds `sum r r^T` of the rows, above and on the diagonal.
    fn add_squares(&mut self, rows: &[f64]) {
        let dim = self.dim();
        for (i, sums) in self.comoments.chunks_exact_mut(dim).enumerate() {
            for row in rows.chunks_exact(dim) {
                let (factor, tail) = (row[i], &row[i..]);
                sums[i..].iter_mut().zip(tail).for_each(|(sum, x)| *sum += factor * x);
            }
        }
    }

    /// Mean and covariance, the latter with `n - 1`.
    fn moments(&self) -> Result<(DVector<f64>, DMatrix<f64>)> {
        if self.count() < 2 {
            return Err(Error::TooFewVectors { got: self.count() });
        }
        let mut all = Cow::Borrowed(self);
        if !self.gathered.is_empty() {
            all.to_mut().settle();
        }
        let (dim, freedom) = (all.dim(), (all.settled - 1) as f64);
        let covariance =
            DMatrix::from_fn(dim, dim, |row, col| all.comoments[row.min(col) * dim + row.max(col)] / freedom);
        Ok((DVector::from_column_slice(&all.mean), covariance))
    }
}

/// Fréchet distance (Wasserstein-2, squared) of the Gaussians fitted to two sets of feature vectors, at least
/// 0.
///
/// `|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2))`. The product under the root is not symmetric, but with the
/// eigenvectors `V` and eigenvalues `D` of `S1` it has the eigenvalues of `W^T S2 W`, `W = V D^(1/2)`, which is; so
/// only symmetric matrices are decomposed.
/// Eigenvalues and distances that rounding made negative are taken as 0. Where the covariances lack full rank,
/// the others round to some 1e-16 of the largest and their roots to 1e-8.
///
/// Besides the two sets, memory for three matrices of `8 * dim * dim` bytes is taken at the peak: 100 MB for 2048
/// features.
///
/// # Errors
///
/// If the numbers of dimensions differ, a set has fewer than 2 vectors, or eigenvalues are not found.
///
/// ```
/// use madenet_metrics::{GaussianStats, frechet_distance};
///
/// //  2 +   B: twice as far apart, and moved by (1, 1)
/// //        means (1, 1) and (3, 3): 8
/// //  0 A   + variances 4/3 and 16/3, roots of their product 8/3: 2 (4/3 + 16/3 - 2 * 8/3) = 8/3
/// //    0 2
/// let (mut a, mut b) = (GaussianStats::new(2)?, GaussianStats::new(2)?);
/// for [x, y] in [[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0]] {
///     a.push(&[x, y])?;
///     b.push(&[2.0 * x + 1.0, 2.0 * y + 1.0])?;
/// }
/// assert!((frechet_distance(&a, &b)? - 32.0 / 3.0).abs() < 1e-12);
/// assert!(frechet_distance(&a, &a)? < 1e-12);
/// # Ok::<(), madenet_metrics::Error>(())
/// ```
pub fn frechet_distance(a: &GaussianStats, b: &GaussianStats) -> Result<f64> {
    if a.dim() != b.dim() {
        return Err(Error::FeatureLength { expected: a.dim(), got: b.dim() });
    }
    let (mean_a, covariance_a) = a.moments()?;
    let trace_a = covariance_a.trace();
    let root = scaled_eigenvectors(covariance_a)?;
    let (mean_b, covariance_b) = b.moments()?;
    let traces = trace_a + covariance_b.trace();
    let cross = roots(between(root, covariance_b).symmetric_eigenvalues())?.sum();
    Ok(f64::max((mean_a - mean_b).norm_squared() + traces - 2.0 * cross, 0.0))
}

/// The eigenvectors of a covariance matrix, each as long as the root of its eigenvalue.
fn scaled_eigenvectors(covariance: DMatrix<f64>) -> Result<DMatrix<f64>> {
    let SymmetricEigen { mut eigenvectors, eigenvalues } = SymmetricEigen::new(covariance);
    for (mut column, root) in eigenvectors.column_iter_mut().zip(roots(eigenvalues)?.iter()) {
        column *= *root;
    }
    Ok(eigenvectors)
}

/// `W^T S W`; both are given up, to free their memory.
fn between(w: DMatrix<f64>, s: DMatrix<f64>) -> DMatrix<f64> {
    let product = s * &w;
    // Not `tr_mul`, which is slower than a transposed copy.
    let transposed = w.transpose();
    drop(w);
    transposed * product
}

/// Roots of eigenvalues that are at least 0 but for rounding.
fn roots(eigenvalues: DVector<f64>) -> Result<DVector<f64>> {
    if eigenvalues.iter().all(|value| value.is_finite()) {
        Ok(eigenvalues.map(|value| value.max(0.0).sqrt()))
    } else {
        Err(Error::Eigenvalues { dim: eigenvalues.len() })
    }
}
