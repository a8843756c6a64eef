//! DRAEM's U-Net.

use madenet_kernels::{Interpolation, Pool2d};

use crate::Result;
use crate::builder::{Builder, Val, conv};
use crate::draem_init::{WEIGHT, norm_relu};

/// Levels below the image's resolution.
const LEVELS: usize = 5;

/// The discriminative network of DRAEM (Zavrtanik et al. 2021, and its code): a U-Net that says for every pixel what it
/// belongs to.
///
/// Blocks are two 3x3 convolutions with bias, each with normalisation and ReLU, of widths w, 2w, 4w, 8w, 8w, 8w from the image's
/// resolution to a 32nd of it. Upwards every level is enlarged (bilinear, corners aligned), convolved, joined with its
/// counterpart and put through a block, of widths 8w, 4w, 2w, w, w. Called `encoder.0` to `encoder.5`, `up.4` to `up.0`,
/// `decoder.4` to `decoder.0` (0 is the image's resolution) and `head`.
///
/// ```
/// use madenet_nets::{Builder, Shape, Summary, UNet};
/// let mut b = Builder::new();
/// let x = b.input("x", Shape::new(6, 256, 256));
/// let logits = UNet { width: 64, classes: 2 }.logits(&mut b, x)?;
/// b.output("logits", logits)?;
/// let net = b.finish();
/// assert_eq!(net.output_shape("logits"), Some(Shape::new(2, 256, 256)));
/// assert_eq!(Summary::new(&net).parameters, 28_374_146);
/// # Ok::<(), madenet_nets::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct UNet {
    /// Channels of the first level, w: 64 in DRAEM.
    pub width: usize,
    /// Channels of the logits: 2 in DRAEM, normal and anomalous.
    pub classes: usize,
}

impl UNet {
    /// Records it and gives the logits, `classes` channels at the size of `x`.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if a side of `x` is below 32.
    pub fn logits(self, b: &mut Builder, mut x: Val) -> Result<Val> {
        let w = self.width;
        let mut skips = Vec::with_capacity(LEVELS);
        for (level, width) in [w, 2 * w, 4 * w, 8 * w, 8 * w].into_iter().enumerate() {
            let skip = block(b, &format!("encoder.{level}"), x, width)?;
            x = b.max_pool2d(skip, Pool2d::new(2, 2, 0))?;
            skips.push(skip);
        }
        x = block(b, &format!("encoder.{LEVELS}"), x, 8 * w)?;
        for (level, width) in [w, w, 2 * w, 4 * w, 8 * w].into_iter().enumerate().rev() {
            let skip = skips[level];
            let size = b.shape(skip)?;
            x = b.interpolate(x, (size.h, size.w), Interpolation::Bilinear { align_corners: true })?;
            x = unit(b, &format!("up.{level}"), x, width)?;
            x = b.concat(&[x, skip])?;
            x = block(b, &format!("decoder.{level}"), x, width)?;
        }
        b.conv2d("head", x, conv(self.classes, 3, 1, 1).with_bias().init(WEIGHT))
    }
}

fn block(b: &mut Builder, name: &str, x: Val, width: usize) -> Result<Val> {
    let x = unit(b, &format!("{name}.0"), x, width)?;
    unit(b, &format!("{name}.1"), x, width)
}

/// 3x3 convolution, normalisation and ReLU, called by their places as in PyTorch's `Sequential`.
fn unit(b: &mut Builder, name: &str, x: Val, width: usize) -> Result<Val> {
    b.scope(name, |b| {
        let x = b.conv2d("0", x, conv(width, 3, 1, 1).with_bias().init(WEIGHT))?;
        norm_relu(b, "1", x)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, Shape, Summary};

    /// Section 2.3 of the method's specification: 7.10 M at half the width.
    #[test]
    fn half_the_width_is_a_quarter_of_the_parameters() -> Result<()> {
        let mut b = Builder::new();
        let x = b.input("x", Shape::new(6, 256, 256));
        let logits = UNet { width: 32, classes: 2 }.logits(&mut b, x)?;
        b.output("logits", logits)?;
        let summary = Summary::new(&b.finish());
        assert!((summary.parameters as f64 / 1e6 - 7.10).abs() < 0.006, "{}", summary.parameters);
        assert!((summary.multiply_adds as f64 / 1e9 - 9.6).abs() < 0.1);
        Ok(())
    }

    #[test]
    fn images_below_the_coarsest_level_are_refused() {
        let mut b = Builder::new();
        let x = b.input("x", Shape::new(6, 31, 64));
        assert!(matches!(UNet { width: 8, classes: 2 }.logits(&mut b, x), Err(Error::Shape { .. })));
    }
}
