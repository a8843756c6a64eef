//! Where resizing reads along one axis, for planar and blocked tensors alike.

use crate::Interpolation;

/// The pixels that an output position reads along one axis: `(1 - weight) * x[low] + weight * x[high]`.
#[derive(Clone, Copy, Default)]
pub(crate) struct Tap {
    pub(crate) low: usize,
    pub(crate) high: usize,
    pub(crate) weight: f32,
}

/// A height or a width that is resized, both at least 1.
#[derive(Clone, Copy)]
pub(crate) struct Axis {
    pub(crate) mode: Interpolation,
    pub(crate) input: usize,
    pub(crate) output: usize,
}

impl Axis {
    /// What the output position `at` reads: in f32 and in the order of PyTorch's formulas, since at sizes where a position falls
    /// next to a pixel border, another precision would pick another pixel.
    pub(crate) fn tap(&self, at: usize) -> Tap {
        let last = self.input - 1;
        let scale = self.input as f32 / self.output as f32;
        let position = match self.mode {
            Interpolation::Nearest => {
                let nearest = ((at as f32 * scale) as usize).min(last);
                return Tap { low: nearest, high: nearest, weight: 0.0 };
            }
            Interpolation::Bilinear { align_corners: true } if self.output == 1 => 0.0,
            Interpolation::Bilinear { align_corners: true } => {
                last as f32 / (self.output - 1) as f32 * at as f32
            }
            Interpolation::Bilinear { align_corners: false } => (scale * (at as f32 + 0.5) - 0.5).max(0.0),
        };
        let low = (position as usize).min(last);
        Tap { low, high: last.min(low + 1), weight: (position - low as f32).min(1.0) }
    }

    /// By which whole number pixels are repeated, where that is certain in f32 too: the reciprocals of powers of two are exact.
    pub(crate) fn repeats(&self) -> Option<usize> {
        let factor = self.output / self.input;
        (factor * self.input == self.output && factor.is_power_of_two()).then_some(factor)
    }
}
