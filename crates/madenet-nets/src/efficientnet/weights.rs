//! Which training code EfficientNet's weights are of.

use madenet_kernels::Padding;

/// Which training code weights are of. They have the same names and shapes in both, and give garbage in each other's network,
/// so the tag of the weights decides ([`EfficientNet::from_tag`](crate::EfficientNet::from_tag)).
///
/// | | padding | eps of the normalisations | momentum |
/// |---|---|---|---|
/// | `PyTorch` | `(k - 1) / 2` on all sides | 1e-5 | 0.1 |
/// | `TensorFlow` | "same": `ceil(n / stride)` windows, an odd pixel at the bottom and the right | 1e-3 | 0.01 |
///
/// A 3x3 convolution of stride 2 on 8 pixels, with zeros as dots:
///
/// ```text
/// PyTorch      . 0 1 2 3 4 5 6 7        TensorFlow      0 1 2 3 4 5 6 7 .
///              [---] [---]                              [---] [---]
///                  [---] [---]                              [---] [---]
/// ```
///
/// Eps and padding are those of timm's networks; the momentum of `TensorFlow` is that of the original training code (Tan and
/// Le 2019: 0.99 of the old statistics), which matters in training only, where timm has 0.1 for both.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum EfficientNetWeights {
    /// Trained in PyTorch: timm's `efficientnet_b0.ra_in1k`.
    PyTorch,
    /// Trained in TensorFlow and converted: timm's `tf_efficientnet_b0.ns_jft_in1k`.
    TensorFlow,
}

impl EfficientNetWeights {
    /// Padding of a convolution with a kernel of `k x k` on a map of height `h` and width `w`.
    pub(super) fn padding(self, k: usize, stride: usize, (h, w): (usize, usize)) -> Padding {
        let missing = |n: usize| {
            let steps = n.div_ceil(stride).checked_sub(1);
            steps.map_or(0, |steps| (steps * stride + k).saturating_sub(n))
        };
        match self {
            Self::PyTorch => Padding::all((k - 1) / 2),
            Self::TensorFlow => {
                let (rows, columns) = (missing(h), missing(w));
                let (top, left) = (rows / 2, columns / 2);
                Padding { top, left, bottom: rows - top, right: columns - left }
            }
        }
    }

    /// Eps and momentum.
    pub(super) const fn normalisation(self) -> (f32, f32) {
        match self {
            Self::PyTorch => (1e-5, 0.1),
            Self::TensorFlow => (1e-3, 0.01),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_odd_pixel_is_at_the_bottom_and_the_right() {
        let same = |k, stride, size| {
            let p = EfficientNetWeights::TensorFlow.padding(k, stride, size);
            [p.top, p.left, p.bottom, p.right]
        };
        assert_eq!(same(3, 2, (8, 8)), [0, 0, 1, 1]);
        assert_eq!(same(3, 2, (9, 8)), [1, 0, 1, 1]);
        assert_eq!(same(5, 2, (8, 9)), [1, 2, 2, 2]);
        assert_eq!(same(5, 1, (8, 9)), [2, 2, 2, 2]);
        assert_eq!(same(1, 1, (1, 1)), [0; 4]);
        assert_eq!(same(3, 2, (0, 1)), [0, 1, 0, 1]);
        assert_eq!(EfficientNetWeights::PyTorch.padding(5, 2, (8, 8)), Padding::all(2));
    }
}
