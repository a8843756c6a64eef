//! Resizing of feature maps.

use candle_core::{Tensor, bail};
use madenet_nets::Interpolation;

use super::Result;
use super::separable::{Matrix, separable};

/// Resizes `x` to `(height, width)` as PyTorch's `interpolate` does, not antialiased.
///
/// Positions are reckoned in `f32`, as PyTorch does for `f32` tensors, whatever the type of `x`.
///
/// # Errors
/// If a size is 0.
pub fn interpolate(x: &Tensor, (height, width): (usize, usize), mode: Interpolation) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    if height * width * h * w == 0 {
        bail!("interpolate: {h}x{w} to {height}x{width}, expected sizes above 0")
    }
    separable(x, axis(height, h, mode), axis(width, w, mode))
}

fn axis(outputs: usize, inputs: usize, mode: Interpolation) -> Matrix {
    Matrix::new(outputs, inputs, |i| match mode {
        Interpolation::Nearest => {
            let position = i as f32 * (inputs as f32 / outputs as f32);
            [((position as usize).min(inputs - 1), 1.0), (0, 0.0)]
        }
        Interpolation::Bilinear { align_corners } => {
            linear(source(i, outputs, inputs, align_corners), inputs)
        }
    })
}

/// Where output `i` of a linear interpolation reads.
fn source(i: usize, outputs: usize, inputs: usize, align_corners: bool) -> f32 {
    if !align_corners {
        let scale = inputs as f32 / outputs as f32;
        ((i as f32 + 0.5) * scale - 0.5).max(0.0)
    } else if outputs > 1 {
        i as f32 * ((inputs - 1) as f32 / (outputs - 1) as f32)
    } else {
        0.0
    }
}

/// The two neighbours of `position` and their weights; the last pixel is its own right neighbour.
fn linear(position: f32, inputs: usize) -> [(usize, f32); 2] {
    let first = (position as usize).min(inputs - 1);
    let weight = (position - first as f32).clamp(0.0, 1.0);
    [(first, 1.0 - weight), ((first + 1).min(inputs - 1), weight)]
}
