//! The two operations that rows of features go through most, each as one pass on a CPU.
//!
//! Made of candle's operations, a batch normalisation in training costs a dozen passes over memory, each into fresh pages,
//! and an activation six. On a CPU in `f32` these run instead; everywhere else, and as what they are tested against, the
//! compositions of [`batch_norm`](super::batch_norm) and [`activation`](super::activation) do. Sums run over fixed blocks
//! in `f64` and in a fixed order, so that results do not depend on the number of threads.

use candle_core::{CpuStorage, CustomOp1, CustomOp3, DType, Device, Layout, Shape, Tensor, bail};
use rayon::prelude::*;

use super::Result;

/// Whether tensors like `x` are in for it.
pub(super) fn serves(x: &Tensor) -> bool {
    x.device().is_cpu() && x.dtype() == DType::F32
}

/// `x` where positive, else `slope * x`; the gradient at 0 is `slope`. NaN stays NaN.
pub(super) fn leaky_relu(x: &Tensor, slope: f32) -> Result<Tensor> {
    x.contiguous()?.apply_op1(LeakyRelu { slope })
}

/// Batch normalisation of `x` by its own statistics, and these.
pub(super) fn batch_norm(
    x: &Tensor,
    scale: &Tensor,
    shift: &Tensor,
    eps: f32,
) -> Result<(Tensor, Moments)> {
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
        let mut mean = channel_sums(x.len(), extent, |i, _| f64::from(x[i]));
        mean.iter_mut().for_each(|m| *m /= count);
        let mut var = channel_sums(x.len(), extent, |i, c| (f64::from(x[i]) - mean[c]).powi(2));
        var.iter_mut().for_each(|v| *v /= count);
        Moments { mean, var }
    }
}

/// Sum over a tensor's values, per channel, of `term(place, channel)`.
fn channel_sums(len: usize, extent: Extent, term: impl Fn(usize, usize) -> f64 + Sync) -> Vec<f64> {
    /// Values of a block: enough to be worth a task, and a multiple of no thread count.
    const BLOCK: usize = 1 << 17;
    let Extent { channels, plane } = extent;
    let sample = channels * plane;
    let samples = len / sample;
    let per_block = (BLOCK / sample).max(1);
    let blocks: Vec<Vec<f64>> = (0..samples.div_ceil(per_block))
        .into_par_iter()
        .map(|block| {
            let mut sums = vec![0.0; channels];
            for n in block * per_block..((block + 1) * per_block).min(samples) {
                for (c, sum) in sums.iter_mut().enumerate() {
                    let start = n * sample + c * plane;
                    *sum += (start..start + plane).map(|i| term(i, c)).sum::<f64>();
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

struct BatchNorm {
    moments: Moments,
    eps: f32,
    extent: Extent,
}

impl BatchNorm {
    /// `value(place, parameters of its channel)` for every place of a tensor of `len` values.
    fn map<P: Sync>(&self, len: usize, params: &[P], value: impl Fn(usize, &P) -> f32 + Sync) -> Vec<f32> {
        let plane = self.extent.plane;
        let mut out = vec![0.0; len];
        // Rows of features have planes of one value: a task takes a whole sample.
        out.par_chunks_mut(self.extent.channels * plane).enumerate().for_each(|(n, sample)| {
            let first = n * self.extent.channels * plane;
            for (c, (values, params)) in sample.chunks_exact_mut(plane).zip(params).enumerate() {
                for (i, out) in values.iter_mut().enumerate() {
                    *out = value(first + c * plane + i, params);
                }
            }
        });
        out
    }

    fn deviation(&self, c: usize) -> f64 {
        (self.moments.var[c] + f64::from(self.eps)).sqrt()
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
        let lines: Vec<(f32, f32, f32)> = (0..self.extent.channels)
            .map(|c| {
                (self.moments.mean[c] as f32, (f64::from(scale[c]) / self.deviation(c)) as f32, shift[c])
            })
            .collect();
        // Centred first: a large mean must not cost the small differences their digits.
        let y = self.map(x.len(), &lines, |i, &(mean, factor, shift)| (x[i] - mean) * factor + shift);
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
        let (dx, dscale, dshift) = with_values(x, |x| {
            with_values(&gradient, |g| {
                let mean = &self.moments.mean;
                let dshift = channel_sums(x.len(), self.extent, |i, _| f64::from(g[i]));
                let products =
                    channel_sums(x.len(), self.extent, |i, c| f64::from(g[i]) * (f64::from(x[i]) - mean[c]));
                let m = (x.len() / self.extent.channels) as f64;
                let lines: Vec<[f32; 4]> = (0..self.extent.channels)
                    .map(|c| {
                        let deviation = self.deviation(c);
                        let factor = f64::from(scales[c]) / deviation;
                        let pull = products[c] / (deviation * deviation * m);
                        [mean[c], dshift[c] / m, pull, factor].map(|v| v as f32)
                    })
                    .collect();
                let dx = self.map(x.len(), &lines, |i, &[mean, push, pull, factor]| {
                    factor * (g[i] - push - (x[i] - mean) * pull)
                });
                let dscale: Vec<f32> =
                    products.iter().enumerate().map(|(c, p)| (p / self.deviation(c)) as f32).collect();
                Ok((dx, dscale, dshift.iter().map(|&s| s as f32).collect::<Vec<_>>()))
            })
        })?;
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
    match &*storage {
        candle_core::Storage::Cpu(storage) => f(contiguous(storage, layout)?),
        _ => bail!("a tensor of shape {:?} is not on the CPU", x.shape()),
    }
}

fn contiguous<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&values[start..end]),
        _ => bail!("a tensor of shape {:?} is not contiguous f32", layout.shape()),
    }
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
        let mut draw = |len: usize, offset: f32| (0..len).map(|_| offset + stream.normal()).collect::<Vec<_>>();
        let tensors =
            [(draw(len, 3.0), vec![n, c, h, w]), (draw(c, 1.0), vec![c]), (draw(c, 0.0), vec![c])];
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
    fn agree(shape: (usize, usize, usize, usize), f: impl Fn(&[Tensor]) -> Result<Tensor> + Copy) -> Result<()> {
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
        for shape in [(2, 1, 1, 1), (5, 3, 1, 1), (300, 64, 1, 1), (4, 7, 5, 3), (1, 2, 40, 41), (3, 1, 1, 9)] {
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
