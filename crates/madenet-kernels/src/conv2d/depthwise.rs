//! Convolution with one input channel per group, plane by plane.

use super::Layer;
use crate::units::{self, MIN_MACS};
use crate::window::Window;

/// Weights `[out, 1, kh, kw]`, as they come.
#[derive(Clone, Debug)]
pub(super) struct Depthwise {
    weights: Vec<f32>,
}

impl Depthwise {
    pub(super) fn new(weights: &[f32]) -> Self {
        Depthwise { weights: weights.to_vec() }
    }

    pub(super) fn run(&self, layer: &Layer, x: &[f32], residual: Option<&[f32]>, out: &mut [f32]) {
        let (input, output, taps) = (layer.input, layer.output, layer.taps());
        let window = Window::conv2d(&layer.geometry, (input.h, input.w), (output.h, output.w));
        let min = units::items(MIN_MACS, output.plane() * taps);
        units::for_each(out, output.plane(), min, |index, out| {
            let channel = index % output.c;
            let plane = index / output.c * input.c + channel / layer.out_per_group();
            let x = &x[plane * input.plane()..][..input.plane()];
            let weights = &self.weights[channel * taps..][..taps];
            out.fill(layer.bias[channel]);
            window.fold(x, out, |tap, out, x| *out += weights[tap] * x);
            if let Some(residual) = residual {
                let residual = &residual[index * output.plane()..];
                out.iter_mut().zip(residual).for_each(|(out, residual)| *out += residual);
            }
            layer.activation.apply_to(out);
        });
    }
}
