//! Gradients of convolutions, transposed ones included, on planar tensors: for every geometry, by the definition. They are the
//! fallback for groups and what else has no blocked kernel.
//!
//! Both kinds are one linear map between a large and a small plane: the pixel `(y, x)` of the small one belongs to the window of the
//! large one that begins at `(y * stride - top, x * stride - left)`. A convolution goes from large to small, a transposed one back.

use crate::units::{self, MIN_MACS};
use crate::window::inside;
use crate::{Conv2d, ConvTranspose2d, Padding, Result, Shape, check, conv_transpose2d, conv2d};

/// Adds the gradient of a convolution with respect to its input to `dx`, of samples of shape `input`. `weight` is
/// `[out_channels, input.c / groups, kernel height, kernel width]`.
///
/// # Errors
/// [`Error::Geometry`](crate::Error::Geometry) and [`Error::Length`](crate::Error::Length) as the convolution's.
///
/// ```
/// use madenet_kernels::{Conv2d, Shape, conv2d_input_gradient};
///
/// // Two taps, 3 and 4: the pixel in the middle lies under both windows.
/// let geometry = Conv2d { kernel: (1, 2), ..Conv2d::new(1, 1, 0) };
/// let mut dx = [0.0; 3];
/// conv2d_input_gradient(&geometry, Shape::new(1, 1, 3), 1, &[3.0, 4.0], &[1.0, 10.0], &mut dx)?;
/// assert_eq!(dx, [3.0, 34.0, 40.0]);
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
pub fn conv2d_input_gradient(
    geometry: &Conv2d,
    input: Shape,
    out_channels: usize,
    weight: &[f32],
    dy: &[f32],
    dx: &mut [f32],
) -> Result<()> {
    let (map, weights) = Map::conv2d(geometry, input, out_channels)?;
    check::length("conv2d_input_gradient: weight", weights, weight.len())?;
    map.check("conv2d_input_gradient", dx, dy)?;
    map.to_large(weight, dy, dx);
    Ok(())
}

/// Adds the gradient of a convolution with respect to its weights to `dw`.
///
/// # Errors
/// As [`conv2d_input_gradient`].
pub fn conv2d_weight_gradient(
    geometry: &Conv2d,
    input: Shape,
    out_channels: usize,
    x: &[f32],
    dy: &[f32],
    dw: &mut [f32],
) -> Result<()> {
    let (map, weights) = Map::conv2d(geometry, input, out_channels)?;
    check::length("conv2d_weight_gradient: dw", weights, dw.len())?;
    map.check("conv2d_weight_gradient", x, dy)?;
    map.weights(x, dy, dw);
    Ok(())
}

/// Adds the gradient of a transposed convolution with respect to its input to `dx`, of samples of shape `input`. `weight` is
/// `[input.c, out_channels / groups, kernel height, kernel width]`.
///
/// # Errors
/// [`Error::Geometry`](crate::Error::Geometry) and [`Error::Length`](crate::Error::Length) as the transposed convolution's.
pub fn conv_transpose2d_input_gradient(
    geometry: &ConvTranspose2d,
    input: Shape,
    out_channels: usize,
    weight: &[f32],
    dy: &[f32],
    dx: &mut [f32],
) -> Result<()> {
    let (map, weights) = Map::conv_transpose2d(geometry, input, out_channels)?;
    check::length("conv_transpose2d_input_gradient: weight", weights, weight.len())?;
    map.check("conv_transpose2d_input_gradient", dy, dx)?;
    map.to_small(weight, dy, dx);
    Ok(())
}

/// Adds the gradient of a transposed convolution with respect to its weights to `dw`.
///
/// # Errors
/// As [`conv_transpose2d_input_gradient`].
pub fn conv_transpose2d_weight_gradient(
    geometry: &ConvTranspose2d,
    input: Shape,
    out_channels: usize,
    x: &[f32],
    dy: &[f32],
    dw: &mut [f32],
) -> Result<()> {
    let (map, weights) = Map::conv_transpose2d(geometry, input, out_channels)?;
    check::length("conv_transpose2d_weight_gradient: dw", weights, dw.len())?;
    map.check("conv_transpose2d_weight_gradient", dy, x)?;
    map.weights(dy, x, dw);
    Ok(())
}

/// The map; weights are `[small.c, large.c / groups, taps]` for both kinds.
struct Map {
    kernel: (usize, usize),
    stride: usize,
    padding: Padding,
    dilation: usize,
    groups: usize,
    large: Shape,
    small: Shape,
}

impl Map {
    fn conv2d(geometry: &Conv2d, input: Shape, out_channels: usize) -> Result<(Self, usize)> {
        let Conv2d { kernel, stride, padding, dilation, groups } = *geometry;
        let (output, weights) = conv2d::sizes(geometry, input, out_channels)?;
        Ok((Map { kernel, stride, padding, dilation, groups, large: input, small: output }, weights))
    }

    fn conv_transpose2d(geometry: &ConvTranspose2d, input: Shape, out: usize) -> Result<(Self, usize)> {
        let ConvTranspose2d { kernel, stride, padding, dilation, groups, .. } = *geometry;
        let output = conv_transpose2d::output_shape(geometry, input, out)?;
        let sizes = [input.c, out / groups, kernel.0, kernel.1];
        let weights = check::product("conv_transpose2d: weight", &sizes)?;
        Ok((Map { kernel, stride, padding, dilation, groups, large: output, small: input }, weights))
    }

    fn check(&self, what: &'static str, large: &[f32], small: &[f32]) -> Result<()> {
        let batch = check::batch(what, self.large.len(), large.len())?;
        check::length(what, check::product(what, &[batch, self.small.len()])?, small.len())
    }

    fn taps(&self) -> usize {
        self.kernel.0 * self.kernel.1
    }

    /// Channels of a group (large, small).
    fn grouped(&self) -> (usize, usize) {
        (self.large.c / self.groups, self.small.c / self.groups)
    }

    /// Calls `f(row of the large plane from the first pixel under the tap on, row of the small one)` for every row that the tap has
    /// on the plane; both as places and the number of pixels, which are `stride` apart in the large one.
    fn rows(&self, tap: usize, mut f: impl FnMut(usize, usize, usize)) {
        let (ky, kx) = (tap / self.kernel.1 * self.dilation, tap % self.kernel.1 * self.dilation);
        let ys = inside(self.small.h, self.large.h, self.stride, ky, self.padding.top);
        let xs = inside(self.small.w, self.large.w, self.stride, kx, self.padding.left);
        if xs.is_empty() {
            return;
        }
        let left = xs.start * self.stride + kx - self.padding.left;
        for y in ys {
            let row = y * self.stride + ky - self.padding.top;
            f(row * self.large.w + left, y * self.small.w + xs.start, xs.len());
        }
    }

    fn to_large(&self, weight: &[f32], small: &[f32], large: &mut [f32]) {
        let (plane, (of_large, of_small)) = (self.large.plane(), self.grouped());
        let cost = self.small.plane() * of_small * self.taps();
        units::for_each(large, plane, units::items(MIN_MACS, cost), |index, large| {
            let (sample, channel) = (index / self.large.c, index % self.large.c);
            let group = channel / of_large;
            for own in group * of_small..(group + 1) * of_small {
                let small =
                    &small[(sample * self.small.c + own) * self.small.plane()..][..self.small.plane()];
                let weights = &weight[(own * of_large + channel % of_large) * self.taps()..][..self.taps()];
                for (tap, weight) in weights.iter().enumerate() {
                    self.rows(tap, |to, from, count| {
                        let pixels = large[to..].iter_mut().step_by(self.stride);
                        pixels
                            .zip(&small[from..from + count])
                            .for_each(|(large, small)| *large += weight * small);
                    });
                }
            }
        });
    }

    fn to_small(&self, weight: &[f32], large: &[f32], small: &mut [f32]) {
        let (plane, (of_large, of_small)) = (self.small.plane(), self.grouped());
        let cost = plane * of_large * self.taps();
        units::for_each(small, plane, units::items(MIN_MACS, cost), |index, small| {
            let (sample, channel) = (index / self.small.c, index % self.small.c);
            for own in 0..of_large {
                let other = channel / of_small * of_large + own;
                let large =
                    &large[(sample * self.large.c + other) * self.large.plane()..][..self.large.plane()];
                let weights = &weight[(channel * of_large + own) * self.taps()..][..self.taps()];
                for (tap, weight) in weights.iter().enumerate() {
                    self.rows(tap, |from, to, count| {
                        let pixels = large[from..].iter().step_by(self.stride);
                        small[to..to + count]
                            .iter_mut()
                            .zip(pixels)
                            .for_each(|(small, large)| *small += weight * large);
                    });
                }
            }
        });
    }

    fn weights(&self, large: &[f32], small: &[f32], dw: &mut [f32]) {
        let (of_large, of_small) = self.grouped();
        let batch = small.len() / self.small.len();
        let len = of_large * self.taps();
        units::for_each(dw, len, units::items(MIN_MACS, batch * self.small.plane() * len), |channel, dw| {
            for (index, dw) in dw.iter_mut().enumerate() {
                let other = channel / of_small * of_large + index / self.taps();
                let mut total = 0.0;
                for sample in 0..batch {
                    let small = &small[(sample * self.small.c + channel) * self.small.plane()..];
                    let large =
                        &large[(sample * self.large.c + other) * self.large.plane()..][..self.large.plane()];
                    self.rows(index % self.taps(), |from, to, count| {
                        let pixels = large[from..].iter().step_by(self.stride).zip(&small[to..to + count]);
                        total += f64::from(pixels.map(|(large, small)| large * small).sum::<f32>());
                    });
                }
                *dw = (f64::from(*dw) + total) as f32;
            }
        });
    }
}
