//! Linear maps of rows and columns.

use candle_core::Tensor;

use super::Result;

/// A constant matrix that maps one axis, row-major, `[outputs, inputs]`.
pub(super) struct Matrix {
    values: Vec<f32>,
    outputs: usize,
    inputs: usize,
}

impl Matrix {
    /// The matrix with these `(input, weight)` terms for every output; terms with the same input add up.
    pub(super) fn new<T: IntoIterator<Item = (usize, f32)>>(
        outputs: usize,
        inputs: usize,
        terms: impl Fn(usize) -> T,
    ) -> Self {
        let mut values = vec![0.0; outputs * inputs];
        for (o, row) in values.chunks_exact_mut(inputs).enumerate() {
            for (i, weight) in terms(o) {
                row[i] += weight;
            }
        }
        Matrix { values, outputs, inputs }
    }

    fn is_identity(&self) -> bool {
        let unit = |(at, &v): (usize, &f32)| v == f32::from(u8::from(at % (self.inputs + 1) == 0));
        self.outputs == self.inputs && self.values.iter().enumerate().all(unit)
    }

    /// The matrix beside `like`.
    fn tensor(self, like: &Tensor) -> Result<Tensor> {
        Tensor::from_vec(self.values, (self.outputs, self.inputs), like.device())?.to_dtype(like.dtype())
    }
}

/// `rows x columns^T` for every channel `x` of every sample.
pub(super) fn separable(x: &Tensor, rows: Matrix, columns: Matrix) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    let (out_h, out_w) = (rows.outputs, columns.outputs);
    let mut y = x.clone();
    if !columns.is_identity() {
        y = y.reshape((n * c * h, w))?.matmul(&columns.tensor(x)?.t()?)?;
    }
    if !rows.is_identity() {
        y = left(rows, &y.reshape((n * c, h, out_w))?)?;
    }
    y.reshape((n, c, out_h, out_w))
}

/// `matrix x` for every matrix of the batch `x`, `[batch, inputs, columns]`.
pub(super) fn left(matrix: Matrix, x: &Tensor) -> Result<Tensor> {
    let batch = x.dim(0)?;
    let shape = (batch, matrix.outputs, matrix.inputs);
    matrix.tensor(x)?.broadcast_as(shape)?.matmul(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_identities_are_left_out() {
        let diagonal = |d: f32| Matrix::new(3, 3, move |o| [(o, d)]);
        assert!(diagonal(1.0).is_identity());
        assert!(!diagonal(0.5).is_identity());
        assert!(!Matrix::new(3, 3, |o| [(2 - o, 1.0)]).is_identity());
        assert!(!Matrix::new(2, 3, |o| [(o, 1.0)]).is_identity());
        assert!(!Matrix::new(3, 3, |_| [(0, 1.0)]).is_identity());
    }
}
