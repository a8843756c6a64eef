//! The structural similarity index.

use candle_core::{Device, Tensor};
use madenet_kernels::{Border, SeparableFilter};
use rayon::prelude::*;

use super::check::{Check, Values};
use super::weights::Weights;
use super::{known, sums};
use crate::{Error, Result};

mod plane;

use plane::{Plane, Scratch};

/// Settings of [`ssim`]. The default is that of Wang et al. 2004 for images in [0, 1] (methods L3): an 11x11 Gaussian window of
/// deviation 1.5, `C1 = 0.01^2`, `C2 = 0.03^2`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SsimConfig {
    /// Standard deviation of the Gaussian window in pixels.
    pub sigma: f32,
    /// The window has `2 radius + 1` pixels a side.
    pub radius: usize,
    /// `C1 = (k1 range)^2` keeps the comparison of means stable.
    pub k1: f32,
    /// `C2 = (k2 range)^2` keeps the comparison of variances stable.
    pub k2: f32,
    /// Range of the images' values, above 0. It is no property of the data: DRAEM's code derives it from the reconstruction,
    /// which makes the loss jump.
    pub range: f32,
}

impl Default for SsimConfig {
    fn default() -> Self {
        SsimConfig { sigma: 1.5, radius: 5, k1: 0.01, k2: 0.03, range: 1.0 }
    }
}

/// The mean structural similarity of `x` and `target`, both `[n, c, h, w]`: 1 where they are equal, and at least -1. As a loss it
/// is `1 - ssim`.
///
/// Means, variances and the covariance are those under the window, of each channel by itself; beyond the borders all values
/// count as 0 ("same" padding), as in DRAEM.
///
/// # Errors
/// [`Error::Loss`](crate::Error::Loss) if a setting is out of range, and as in [`losses`](super).
///
/// ```
/// use candle_core::{Device, Tensor};
/// use madenet_candle::losses::{SsimConfig, ssim};
///
/// let x = Tensor::arange(0f32, 768.0, &Device::Cpu)?.affine(1.0 / 768.0, 0.0)?.reshape((1, 3, 16, 16))?;
/// assert_eq!(ssim(&x, &x, &SsimConfig::default())?.to_scalar::<f32>()?, 1.0);
/// let inverse = x.affine(-1.0, 1.0)?;
/// assert!(ssim(&x, &inverse, &SsimConfig::default())?.to_scalar::<f32>()? < 0.5);
/// # Ok::<(), madenet_candle::Error>(())
/// ```
pub fn ssim(x: &Tensor, target: &Tensor, config: &SsimConfig) -> Result<Tensor> {
    let images = Images::new(Check("ssim"), x, target, config)?;
    images.mean(x, None, images.x.elem_count() as f64)
}

/// The mean structural similarity under a weight: `sum w ssim / sum w`, both over all values.
///
/// `weight` is `[n, c, h, w]` or `[n, 1, h, w]`, finite and not negative. A weight that is 0 everywhere makes the similarity 1,
/// with a gradient of 0. The window reaches [`radius`](SsimConfig::radius) pixels beyond the weight.
///
/// # Errors
/// As for [`ssim`].
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use madenet_candle::losses::{SsimConfig, masked_ssim};
///
/// let x = Tensor::zeros((1, 1, 16, 16), DType::F32, &Device::Cpu)?;
/// let target = x.slice_assign(&[0..1, 0..1, 0..4, 0..16], &x.narrow(2, 0, 4)?.ones_like()?)?;
/// // Only rows whose windows do not see the four that differ.
/// let weight = x.slice_assign(&[0..1, 0..1, 9..16, 0..16], &x.narrow(2, 9, 7)?.ones_like()?)?;
/// assert_eq!(masked_ssim(&x, &target, &weight, &SsimConfig::default())?.to_scalar::<f32>()?, 1.0);
/// # Ok::<(), madenet_candle::Error>(())
/// ```
pub fn masked_ssim(x: &Tensor, target: &Tensor, weight: &Tensor, config: &SsimConfig) -> Result<Tensor> {
    let check = Check("masked_ssim");
    let images = Images::new(check, x, target, config)?;
    let weight = Weights::host(check, weight, images.shape)?;
    let weight = Weights::new(check, &weight, images.shape)?;
    let total = weight.sum();
    if total == 0.0 {
        return known::scalar(check, x, 1.0, known::room(x));
    }
    images.mean(x, Some(&weight), total)
}

/// The structural similarity of every pixel of `x` and `target`, in their shape `[n, c, h, w]` and without a gradient.
///
/// # Errors
/// As for [`ssim`].
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use madenet_candle::losses::{SsimConfig, ssim_map};
///
/// let x = Tensor::zeros((1, 1, 2, 2), DType::F32, &Device::Cpu)?;
/// let map = ssim_map(&x, &x, &SsimConfig::default())?;
/// assert_eq!(map.flatten_all()?.to_vec1::<f32>()?, [1.0; 4]);
/// # Ok::<(), madenet_candle::Error>(())
/// ```
pub fn ssim_map(x: &Tensor, target: &Tensor, config: &SsimConfig) -> Result<Tensor> {
    let images = Images::new(Check("ssim_map"), x, target, config)?;
    let (x_values, y_values) = (Values::of(&images.x), Values::of(&images.target));
    let mut map = vec![0.0; x_values.len()];
    let len = images.plane.len();
    map.par_chunks_mut(len)
        .zip(x_values.par_chunks(len).zip(y_values.par_chunks(len)))
        .try_for_each_init(Scratch::default, |scratch, (map, (x, y))| {
            images.plane.similarities(x, y, scratch)?;
            map.copy_from_slice(scratch.similarities());
            Ok::<_, madenet_kernels::Error>(())
        })
        .map_err(|error| images.check.window_error(&error))?;
    Ok(Tensor::from_vec(map, &images.shape, &Device::Cpu)?.to_device(x.device())?)
}

/// Two images and how they are compared.
struct Images {
    check: Check,
    x: Tensor,
    target: Tensor,
    shape: [usize; 4],
    plane: Plane,
}

impl Images {
    fn new(check: Check, x: &Tensor, target: &Tensor, config: &SsimConfig) -> Result<Self> {
        let shape = check.image("x", x)?;
        let (host, target) = (check.host("x", x)?, check.host_like("the target", target, x.dims())?);
        let SsimConfig { sigma, radius, k1, k2, range } = *config;
        for (what, value) in [("k1", k1), ("k2", k2), ("the range", range)] {
            check.setting(what, value, "finite and above 0", value > 0.0 && value.is_finite())?;
        }
        let window = SeparableFilter::gaussian_window(sigma, radius, Border::Zero)
            .map_err(|error| check.window_error(&error))?;
        let [_, _, height, width] = shape;
        let stabiliser = |k: f32| (f64::from(k) * f64::from(range)).powi(2) as f32;
        let plane = Plane { window, height, width, c1: stabiliser(k1), c2: stabiliser(k2) };
        Ok(Images { check, x: host, target, shape, plane })
    }

    /// The sum under the weight over `total`, as a function of `x`.
    fn mean(&self, x: &Tensor, weight: Option<&Weights<'_>>, total: f64) -> Result<Tensor> {
        let (x_values, y_values) = (Values::of(&self.x), Values::of(&self.target));
        let len = self.plane.len();
        let mut gradient = known::room(x);
        let gradients: Vec<Option<&mut [f32]>> = match &mut gradient {
            Some(gradient) => gradient.chunks_exact_mut(len).map(Some).collect(),
            None => x_values.chunks_exact(len).map(|_| None).collect(),
        };
        let sum_of = |scratch: &mut Scratch, (index, gradient): (usize, Option<&mut [f32]>)| {
            let places = index * len..(index + 1) * len;
            let (x, y) = (&x_values[places.clone()], &y_values[places.clone()]);
            let weight = weight.map(|weight| weight.of(places));
            self.plane.similarities(x, y, scratch)?;
            let sum = match weight {
                None => sums::block([scratch.similarities()], None, |[s]| (f64::from(s), 0.0)),
                Some(weight) => sums::block([scratch.similarities(), weight], None, |[s, w]| {
                    (f64::from(s) * f64::from(w), 0.0)
                }),
            };
            if let Some(gradient) = gradient {
                self.plane.gradient(x, y, weight, (1.0 / total) as f32, scratch, gradient)?;
            }
            Ok::<f64, madenet_kernels::Error>(sum)
        };
        let planes = gradients.into_par_iter().enumerate();
        let sums = planes.map_init(Scratch::default, sum_of).collect::<std::result::Result<Vec<f64>, _>>();
        let sum: f64 = sums.map_err(|error| self.check.window_error(&error))?.iter().sum();
        drop((x_values, y_values));
        known::scalar(self.check, x, sum / total, gradient)
    }
}

impl Check {
    fn window_error(self, error: &madenet_kernels::Error) -> Error {
        self.error("the window", "sigma within 0 and 10,000 and a radius up to 40,000", error.to_string())
    }
}
