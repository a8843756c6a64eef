//! The mean squared error.

use candle_core::Tensor;

use super::check::{Check, Values};
use super::weights::Weights;
use super::{known, sums};
use crate::Result;

/// The mean of `(x - target)^2` over all values; `target` has the shape of `x`.
///
/// # Errors
/// [`Error::Loss`](crate::Error::Loss): see [`losses`](super).
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// let x = Tensor::new(&[1_f32, 2.0], &Device::Cpu)?;
/// let target = Tensor::new(&[1_f32, 5.0], &Device::Cpu)?;
/// assert_eq!(madenet_candle::losses::mse(&x, &target)?.to_scalar::<f32>()?, 4.5);
/// # Ok::<(), madenet_candle::Error>(())
/// ```
pub fn mse(x: &Tensor, target: &Tensor) -> Result<Tensor> {
    let check = Check("mse");
    let (host, target) = (check.host("x", x)?, check.host_like("the target", target, x.dims())?);
    let count = host.elem_count() as f64;
    let slope = (2.0 / count) as f32;
    let mut gradient = known::room(x);
    let sum =
        sums::pointwise([&Values::of(&host), &Values::of(&target)], gradient.as_deref_mut(), |[x, y]| {
            let d = x - y;
            (f64::from(d * d), slope * d)
        });
    known::scalar(check, x, sum / count, gradient)
}

/// The mean of `(x - target)^2` under a weight: `sum w (x - target)^2 / sum w`, both over all values.
///
/// `x` and `target` are `[n, c, h, w]`, `weight` as well or `[n, 1, h, w]` for all channels of a pixel, finite and not negative.
/// A weight that is 0 everywhere makes the loss and its gradient 0.
///
/// # Errors
/// [`Error::Loss`](crate::Error::Loss): see [`losses`](super).
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// let image = |values: &[f32; 2]| Tensor::from_slice(values, (1, 1, 1, 2), &Device::Cpu);
/// let (x, target, weight) = (image(&[1.0, 2.0])?, image(&[3.0, 5.0])?, image(&[3.0, 1.0])?);
/// let loss = madenet_candle::losses::masked_mse(&x, &target, &weight)?;
/// assert_eq!(loss.to_scalar::<f32>()?, 5.25);
/// # Ok::<(), madenet_candle::Error>(())
/// ```
pub fn masked_mse(x: &Tensor, target: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let check = Check("masked_mse");
    let shape = check.image("x", x)?;
    let (host, target) = (check.host("x", x)?, check.host_like("the target", target, x.dims())?);
    let weight = Weights::host(check, weight, shape)?;
    let weight = Weights::new(check, &weight, shape)?;
    let total = weight.sum();
    let mut gradient = known::room(x);
    if total == 0.0 {
        return known::scalar(check, x, 0.0, gradient);
    }
    let slope = 2.0 / total;
    let (x_values, y_values) = (Values::of(&host), Values::of(&target));
    let sum = sums::blocks(x_values.len(), weight.block(), gradient.as_deref_mut(), |places, gradient| {
        let inputs = [&x_values[places.clone()], &y_values[places.clone()], weight.of(places)];
        sums::block(inputs, gradient, |[x, y, w]| {
            let d = x - y;
            (f64::from(w) * f64::from(d * d), (slope * f64::from(w) * f64::from(d)) as f32)
        })
    });
    drop((x_values, y_values));
    known::scalar(check, x, sum / total, gradient)
}
