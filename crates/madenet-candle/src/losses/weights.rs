//! Weights of a mean over pixels.

use std::ops::Range;

use candle_core::Tensor;

use super::check::{Check, Values};
use super::sums::{self, BLOCK};
use crate::Result;

/// A weight for every value of an image, or one for all channels of a pixel.
pub(super) struct Weights<'a> {
    values: Values<'a>,
    /// Channels that share a weight.
    channels: usize,
    plane: usize,
}

impl<'a> Weights<'a> {
    /// `weight`, `[n, c, h, w]` or `[n, 1, h, w]`, as a tensor for [`new`](Self::new).
    pub(super) fn host(check: Check, weight: &Tensor, [n, c, h, w]: [usize; 4]) -> Result<Tensor> {
        if weight.dims() != [n, 1, h, w] && weight.dims() != [n, c, h, w] {
            let expected = format!("{:?} or {:?}", [n, c, h, w], [n, 1, h, w]);
            return Err(check.error("the weight", expected, format!("{:?}", weight.dims())));
        }
        check.host("the weight", weight)
    }

    pub(super) fn new(check: Check, weight: &'a Tensor, [n, c, h, w]: [usize; 4]) -> Result<Self> {
        let values = Values::of(weight);
        check.all("the weight", &values, "finite and not negative", |v| (0.0..f32::INFINITY).contains(&v))?;
        let channels = if values.len() == n * c * h * w { 1 } else { c };
        Ok(Weights { values, channels, plane: h * w })
    }

    /// The sum over all values of the image.
    pub(super) fn sum(&self) -> f64 {
        self.channels as f64 * sums::pointwise([&*self.values], None, |[w]| (f64::from(w), 0.0))
    }

    /// Places of the image to be taken at once, for [`of`](Self::of).
    pub(super) fn block(&self) -> usize {
        if self.channels == 1 { BLOCK } else { self.plane }
    }

    /// The weights of places of the image within one plane, or anywhere if channels do not share them.
    pub(super) fn of(&self, places: Range<usize>) -> &[f32] {
        let first = match self.channels {
            1 => places.start,
            channels => {
                let (sample, within) = (places.start / (channels * self.plane), places.start % self.plane);
                sample * self.plane + within
            }
        };
        &self.values[first..first + places.len()]
    }
}
