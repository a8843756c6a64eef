//! The decoder of MADE-Net's reconstruction.

use crate::Result;
use crate::builder::{Builder, Val, conv, conv_transpose};
use crate::draem_init::{WEIGHT, norm_relu};

/// MADE-Net's decoder from features at a quarter of an image's resolution to the image: two ResNet blocks, two transposed
/// convolutions.
///
/// | part | layers | channels |
/// |---|---|---|
/// | `entry` | 1x1 convolution, normalisation, ReLU | D |
/// | `blocks.0`, `blocks.1` | two 3x3 convolutions each, with a shortcut | D |
/// | `up.0`, `up.1` | transposed 4x4 of stride 2, normalisation, ReLU | D/2, D/4 |
/// | `head` | 3x3 convolution with bias, no activation | `out` |
///
/// The paper leaves out D, the entry and the head: the entry makes features of any width cheap, and a linear head is
/// DRAEM's.
///
/// ```
/// use madenet_nets::{Builder, Decoder, Shape};
/// let mut b = Builder::new();
/// let features = b.input("features", Shape::new(480, 64, 64));
/// let image = Decoder { width: 256, out: 3 }.image(&mut b, features)?;
/// assert_eq!(b.shape(image)?, Shape::new(3, 256, 256));
/// # Ok::<(), madenet_nets::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Decoder {
    /// D: channels of the blocks, a multiple of 4.
    pub width: usize,
    /// Channels of the image.
    pub out: usize,
}

impl Decoder {
    /// Records it and gives the image, four times the height and width of `x`.
    ///
    /// # Errors
    /// [`Error::ParamClash`](crate::Error::ParamClash) if another network of these names is in this scope.
    pub fn image(self, b: &mut Builder, x: Val) -> Result<Val> {
        let x = b.scope("entry", |b| {
            let x = b.conv2d("0", x, conv(self.width, 1, 1, 0).init(WEIGHT))?;
            norm_relu(b, "1", x)
        })?;
        let x = (0..2).try_fold(x, |x, i| b.scope(format!("blocks.{i}"), |b| block(b, x, self.width)))?;
        let x = (0..2).try_fold(x, |x, i| {
            b.scope(format!("up.{i}"), |b| {
                let x =
                    b.conv_transpose2d("0", x, conv_transpose(self.width >> (i + 1), 4, 2, 1).init(WEIGHT))?;
                norm_relu(b, "1", x)
            })
        })?;
        b.conv2d("head", x, conv(self.out, 3, 1, 1).with_bias().init(WEIGHT))
    }
}

/// torchvision's basic block, started as the rest.
fn block(b: &mut Builder, x: Val, width: usize) -> Result<Val> {
    let y = b.conv2d("conv1", x, conv(width, 3, 1, 1).init(WEIGHT))?;
    let y = norm_relu(b, "bn1", y)?;
    let y = b.conv2d("conv2", y, conv(width, 3, 1, 1).init(WEIGHT))?;
    let y = b.batch_norm("bn2", y)?;
    let y = b.add(y, x)?;
    b.relu(y)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Shape, Summary};

    /// Section 2.2 of the method's specification.
    #[test]
    fn sizes_are_those_of_the_method() -> Result<()> {
        for (width, ten_thousands, giga) in [(256, 314.0, 14.6), (128, 82.0, 3.8)] {
            let mut b = Builder::new();
            let x = b.input("x", Shape::new(480, 64, 64));
            let image = Decoder { width, out: 3 }.image(&mut b, x)?;
            b.output("image", image)?;
            let summary = Summary::new(&b.finish());
            assert!((summary.parameters as f64 / 1e4 - ten_thousands).abs() < 0.6, "{}", summary.parameters);
            assert!((summary.multiply_adds as f64 / 1e9 - giga).abs() < 0.06, "{}", summary.multiply_adds);
        }
        Ok(())
    }
}
