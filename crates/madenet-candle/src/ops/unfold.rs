//! Neighbourhoods as channels.

use candle_core::{Tensor, bail};
use madenet_nets::Padding;

use super::Result;
use super::window::pad;

/// The `kernel x kernel` neighbourhood of every location as channels in the order (c, ky, kx), zeros outside:
/// `[n, c kernel^2, h, w]`.
///
/// # Errors
/// If `kernel` is even.
pub fn unfold(x: &Tensor, kernel: usize) -> Result<Tensor> {
    if kernel.is_multiple_of(2) {
        bail!("unfold: a kernel of {kernel}, expected an odd one")
    }
    let (n, c, h, w) = x.dims4()?;
    let x = pad(x, Padding::all(kernel / 2), 0.0)?;
    let mut taps = Vec::with_capacity(kernel * kernel);
    for ky in 0..kernel {
        let rows = x.narrow(2, ky, h)?;
        for kx in 0..kernel {
            taps.push(rows.narrow(3, kx, w)?);
        }
    }
    Tensor::stack(&taps, 2)?.reshape((n, c * kernel * kernel, h, w))
}
