//! The two operations that rows of features go through most, each as one pass on a CPU.
//!
//! Made of candle's operations, a batch normalisation in training costs a dozen passes over memory, each into fresh pages,
//! and an activation six. On a CPU in `f32` these run instead; everywhere else, and as what they are tested against, the
//! compositions of [`batch_norm`](super::batch_norm) and [`activation`](super::activation) do. Sums run over fixed blocks
//! in `f64` and in a fixed order, so that results do not depend on the number of threads.

use candle_core::{CpuStorage, CustomOp1, CustomOp3, DType, Device, Layout, Shape, Tensor};
use rayon::prelude::*;

use super::Result;
use crate::host::{contiguous, slice_of};

/// Whether tensors like `x` are in for it.
pub(super) fn serves(x: &Tensor) -> bool {
    x.device().is_cpu() && x.dtype() == DType::F32
}

/// `x` where positive, else `slope * x`; the gradient at 0 is `slope`. NaN stays NaN.
pub(super) fn leaky_relu(x: &Tensor, slope: f32) -> Result<Tensor> {
    x.contiguous()?.apply_op1(LeakyRelu { slope })
}

/// Batch normalisation of `x` by its own statistics, and these.
pub(super) fn batch_norm(x: &Tensor, scale: &Tensor, shift: &Tensor, eps: f32) -> Result<(Tensor, Moments)> {
    let x = x.contiguous()?;
    let moments = with_values(&x, |values| Ok(Moments::of(values, Extent::of(&x)?)))?;
    let op = BatchNorm { moments: moments.clone(), eps, extent: Extent::of(&x)? };
    Ok((x.apply_op3(&scale.contiguous()?, &shift.contiguous()?, op)?, moments))
}

struct LeakyRelu {
    slope: f32,
}

impl LeakyRelu {
    /// `slope * x`, and 0 for infinite `x` too where the slope is 0.
    fn low(&self, x: f32) -> f32 {
        if self.slope == 0.0 { 0.0 } else { self.slope * x }
    }
}

impl CustomOp1 for LeakyRelu {
    fn name(&self) -> &'static str {
        "leaky_relu"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = contiguous(storage, layout)?;
        let y = x.par_iter().map(|&x| if x <= 0.0 { self.low(x) } else { x }).collect();
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let gradient = gradient.contiguous()?;
        let dx: Vec<f32> = with_values(x, |x| {
            with_values(&gradient, |g| {
                let pairs = x.par_iter().zip(g.par_iter());
                Ok(pairs.map(|(&x, &g)| if x <= 0.0 { self.low(g) } else { g }).collect())
            })
        })?;
        Ok(Some(Tensor::from_vec(dx, x.shape(), &Device::Cpu)?))
    }
}

/// Samples, channels and values per channel of a sample.
#[derive(Clone, Copy)]
struct Extent {
    channels: usize,
    plane: usize,
}

impl Extent {
    fn of(x: &Tensor) -> Result<Self> {
        let (_, channels, h, w) = x.dims4()?;
        Ok(Extent { channels, plane: h * w })
    }
}

/// Mean and variance (divisor `n h w`) per channel.
#[derive(Clone)]
pub(super) struct Moments {
    pub(super) mean: Vec<f64>,
    pub(super) var: Vec<f64>,
}

impl Moments {
    fn of(x: &[f32], extent: Extent) -> Self {
        let count = (x.len() / extent.channels) as f64;
        let mean_of = |sums: Vec<f64>| sums.iter().map(|sum| sum / count).collect::<Vec<_>>();
        let zero = vec![0.0; extent.channels];
        let mean = mean_of(extent.sums(x, x, &zero, |x, _, _| f64::from(x)));
        let var = mean_of(extent.sums(x, x, &mean, |x, _, mean| (f64::from(x) - mean).powi(2)));
        Moments { mean, var }
    }
}

impl Extent {
    /// Per channel, the sum over its values of `term(a, b, that of the channel in centre)`.
    fn sums(
        self,
        a: &[f32],
        b: &[f32],
        centre: &[f64],
        term: impl Fn(f32, f32, f64) -> f64 + Sync,
    ) -> Vec<f64> {
        /// Values of a block: enough to be worth a task, and the same for every number of threads.
        const BLOCK: usize = 1 << 17;
        let Extent { channels, plane } = self;
        let sample = channels * plane;
        let len = (BLOCK / sample).max(1) * sample;
        let blocks: Vec<Vec<f64>> = a
            .par_chunks(len)
            .zip(b.par_chunks(len))
            .map(|(a, b)| {
                let mut sums = vec![0.0; channels];
                for (a, b) in a.chunks_exact(sample).zip(b.chunks_exact(sample)) {
                    if plane == 1 {
                        for (((sum, &a), &b), &centre) in sums.iter_mut().zip(a).zip(b).zip(centre) {
                            *sum += term(a, b, centre);
                        }
                    } else {
                        let planes = a.chunks_exact(plane).zip(b.chunks_exact(plane));
                        for ((sum, (a, b)), &centre) in sums.iter_mut().zip(planes).zip(centre) {
                            *sum += a.iter().zip(b).map(|(&a, &b)| term(a, b, centre)).sum::<f64>();
                        }
                    }
                }
                sums
            })
            .collect();
        blocks.into_iter().fold(vec![0.0; channels], |mut total, sums| {
            total.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
            total
        })
    }

    /// `value(a, b, line of the channel)` for all values.
    fn map(
        self,
        a: &[f32],
        b: &[f32],
        lines: &[Line],
        value: impl Fn(f32, f32, &Line) -> f32 + Sync,
    ) -> Vec<f32> {
        /// Values of a task at least.
        const MIN_VALUES: usize = 1 << 15;
        let Extent { channels, plane } = self;
        let sample = channels * plane;
        let mut out = vec![0.0; a.len()];
        let samples = out.par_chunks_mut(sample).zip(a.par_chunks(sample)).zip(b.par_chunks(sample));
        samples.with_min_len(MIN_VALUES.div_ceil(sample)).for_each(|((out, a), b)| {
            if plane == 1 {
                for (((out, &a), &b), line) in out.iter_mut().zip(a).zip(b).zip(lines) {
                    *out = value(a, b, line);
                }
            } else {
                let planes =
                    out.chunks_exact_mut(plane).zip(a.chunks_exact(plane)).zip(b.chunks_exact(plane));
                for (((out, a), b), line) in planes.zip(lines) {
                    for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
                        *out = value(a, b, line);
                    }
                }
            }
        });
        out
    }
}

/// What the values of a channel are reckoned with.
type Line = [f32; 4];

struct BatchNorm {
    moments: Moments,
    eps: f32,
    extent: Extent,
}

impl BatchNorm {
    fn deviation(&self, c: usize) -> f64 {
        (self.moments.var[c] + f64::from(self.eps)).sqrt()
    }

    /// One line a channel.
    fn lines(&self, line: impl Fn(usize) -> [f64; 4]) -> Vec<Line> {
        (0..self.extent.channels).map(|c| line(c).map(|v| v as f32)).collect()
    }
}

impl CustomOp3 for BatchNorm {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        scale: &CpuStorage,
        scale_layout: &Layout,
        shift: &CpuStorage,
        shift_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let x = contiguous(x, x_layout)?;
        let (scale, shift) = (contiguous(scale, scale_layout)?, contiguous(shift, shift_layout)?);
        let lines = self.lines(|c| {
            [self.moments.mean[c], f64::from(scale[c]) / self.deviation(c), f64::from(shift[c]), 0.0]
        });
        // Centred first: a large mean must not cost the small differences their digits.
        let y = self.extent.map(x, x, &lines, |x, _, &[mean, factor, shift, _]| (x - mean) * factor + shift);
        Ok((CpuStorage::F32(y), x_layout.shape().clone()))
    }

    /// With `x^ = (x - mean) / deviation` and sums over a channel's `m` values: `dshift = sum g`, `dscale = sum g x^`,
    /// `dx = scale / deviation (g - dshift / m - x^ dscale / m)` (Ioffe and Szegedy 2015).
    fn bwd(
        &self,
        x: &Tensor,
        scale: &Tensor,
        shift: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let gradient = gradient.contiguous()?;
        let scales = scale.to_vec1::<f32>()?;
        let mean = &self.moments.mean;
        let (dx, products, dshift) = with_values(x, |x| {
            with_values(&gradient, |g| {
                let dshift = self.extent.sums(g, g, mean, |g, _, _| f64::from(g));
                let products =
                    self.extent.sums(g, x, mean, |g, x, mean| f64::from(g) * (f64::from(x) - mean));
                let m = (x.len() / self.extent.channels) as f64;
                let lines = self.lines(|c| {
                    let deviation = self.deviation(c);
                    let pull = products[c] / (deviation * deviation * m);
                    [mean[c], dshift[c] / m, pull, f64::from(scales[c]) / deviation]
                });
                let dx = self.extent.map(g, x, &lines, |g, x, &[mean, push, pull, factor]| {
                    factor * (g - push - (x - mean) * pull)
                });
                Ok((dx, products, dshift))
            })
        })?;
        let dscale: Vec<f32> =
            products.iter().enumerate().map(|(c, p)| (p / self.deviation(c)) as f32).collect();
        let dshift: Vec<f32> = dshift.iter().map(|&sum| sum as f32).collect();
        Ok((
            Some(Tensor::from_vec(dx, x.shape(), &Device::Cpu)?),
            Some(Tensor::from_vec(dscale, scale.shape(), &Device::Cpu)?),
            Some(Tensor::from_vec(dshift, shift.shape(), &Device::Cpu)?),
        ))
    }
}

/// The values of a contiguous `f32` tensor on the CPU.
fn with_values<R>(x: &Tensor, f: impl FnOnce(&[f32]) -> Result<R>) -> Result<R> {
    let (storage, layout) = x.storage_and_layout();
    f(slice_of(&storage, layout)?)
}

#[cfg(test)]
mod tests {
    use candle_core::Var;
    use madenet_rng::Stream;

    use super::*;
    use crate::ops;

    /// Value and gradients of `sum(f(x, scale, shift) * weights)`.
    fn run(
        shape: (usize, usize, usize, usize),
        dtype: DType,
        f: impl Fn(&[Tensor]) -> Result<Tensor>,
    ) -> Result<Vec<Vec<f64>>> {
        let mut stream = Stream::new(1, "fused", 0, 0);
        let (n, c, h, w) = shape;
        let len = n * c * h * w;
        let mut draw =
            |len: usize, offset: f32| (0..len).map(|_| offset + stream.normal()).collect::<Vec<_>>();
        let tensors = [(draw(len, 3.0), vec![n, c, h, w]), (draw(c, 1.0), vec![c]), (draw(c, 0.0), vec![c])];
        let weights = Tensor::from_vec(draw(len, 0.0), shape, &Device::Cpu)?.to_dtype(dtype)?;
        let vars = tensors
            .into_iter()
            .map(|(v, s)| Var::from_tensor(&Tensor::from_vec(v, s, &Device::Cpu)?.to_dtype(dtype)?))
            .collect::<Result<Vec<_>>>()?;
        let inputs: Vec<Tensor> = vars.iter().map(|v| v.as_tensor().clone()).collect();
        let y = f(&inputs)?;
        let gradients = (&y * weights)?.sum_all()?.backward()?;
        let values = |t: &Tensor| t.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>();
        let mut all = vec![values(&y)?];
        for gradient in vars.iter().filter_map(|v| gradients.get(v)) {
            all.push(values(gradient)?);
        }
        Ok(all)
    }

    /// The compositions in `f64` are checked against central differences elsewhere; these must equal them.
    fn agree(
        shape: (usize, usize, usize, usize),
        f: impl Fn(&[Tensor]) -> Result<Tensor> + Copy,
    ) -> Result<()> {
        let (fused, composed) = (run(shape, DType::F32, f)?, run(shape, DType::F64, f)?);
        assert_eq!(fused.len(), composed.len());
        for (i, (fused, composed)) in fused.iter().zip(&composed).enumerate() {
            // At least 1, the size of what is subtracted where a normalised gradient is nearly 0.
            let largest = composed.iter().fold(1.0, |m: f64, v| m.max(v.abs()));
            for (a, b) in fused.iter().zip(composed) {
                assert!((a - b).abs() <= 2e-6 * largest, "tensor {i} of {shape:?}: {a} for {b}");
            }
        }
        Ok(())
    }

    #[test]
    fn they_equal_the_compositions() -> Result<()> {
        for shape in [(2, 1, 1, 1), (5, 3, 1, 1), (300, 64, 1, 1), (4, 7, 5, 3), (1, 2, 40, 41), (3, 1, 1, 9)]
        {
            agree(shape, |t| Ok(ops::batch_norm_train(&t[0], &t[1], &t[2], 1e-5)?.0))?;
            agree(shape, |t| ops::leaky_relu(&t[0].affine(1.0, -3.0)?, 0.2))?;
            agree(shape, |t| ops::relu(&t[0].affine(1.0, -3.0)?))?;
        }
        Ok(())
    }

    #[test]
    fn kinks_and_extremes_are_pytorchs() -> Result<()> {
        let x = Var::new(&[0f32, -0.0, f32::NEG_INFINITY, f32::INFINITY, f32::NAN], &Device::Cpu)?;
        let y = ops::relu(&x)?;
        assert_eq!(y.to_vec1::<f32>()?[..4], [0.0, 0.0, 0.0, f32::INFINITY]);
        assert!(y.to_vec1::<f32>()?[4].is_nan());
        let gradients = y.sum_all()?.backward()?;
        let gradient = gradients.get(&x).map(Tensor::to_vec1::<f32>).transpose()?;
        assert_eq!(gradient, Some(vec![0.0, 0.0, 0.0, 1.0, 1.0]));
        Ok(())
    }
}
