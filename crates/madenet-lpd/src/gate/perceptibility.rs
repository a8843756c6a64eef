//! How visible a patch is.

use madenet_image::{Image, Mask, Rect};
use madenet_kernels::Border;
use serde::Serialize;

use crate::gate::crop::{Crop, grown};
use crate::gate::edge::edge_intensity;
use crate::gate::ssim::Ssim;
use crate::gate::surround;
use crate::{Error, Result};

/// How visible a patch is: its place before against after (`ssim`, `mse`, `edge`), and the patch against its surroundings (`color`,
/// `texture`, `structure`).
///
/// The surroundings are what lies up to half of the patch's width to its sides, up to half of its height above and below, in the
/// picture. Values of pixels count from 0 to 1; grey is the luminance of ITU-R BT.601.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Perceptibility {
    /// Share of the picture's pixels that the patch's mask has, 0 to 1.
    pub area: f32,
    /// Mean structural similarity of before and after over the mask, -1 to 1; 1 where nothing changed. Mean of the three channels,
    /// with a Gaussian window of 11x11 pixels and deviation 1.5, K1 = 0.01 and K2 = 0.03 (Wang, Bovik, Sheikh, Simoncelli, "Image
    /// quality assessment", IEEE TIP 2004), zeros beyond the picture.
    pub ssim: f32,
    /// Mean squared error between before and after over the mask and the channels, 0 to 1.
    pub mse: f32,
    /// Rise of the mean Sobel magnitude of grey along the mask's outline, the pixels on both sides of it. In heights of a step: a
    /// flat patch whose grey differs by 0.02 from flat surroundings has 0.02. Negative where the patch hides edges.
    pub edge: f32,
    /// Distance between the mean colours of patch and surroundings in CIELAB (CIE 1976, white D65), means taken in linear light.
    pub color: f32,
    /// Distance between the local contrasts of patch and surroundings: root of the mean variance of grey in the windows of the
    /// structural similarity, 0 to 0.5.
    pub texture: f32,
    /// Mean structural similarity of grey between the patch and the equally large pieces of the picture to its left and right,
    /// above and below, as far as they lie in it wholly; `None` where none does. Recorded, not asked for.
    pub structure: Option<f32>,
}

impl Perceptibility {
    /// Measures what pasting has done: `before` and `after` are the picture, `mask` the patch's pixels, all within the box
    /// `bounds`.
    ///
    /// What of the mask lies outside of the box does not count. The work is that of the box, not of the picture.
    ///
    /// # Errors
    /// [`Error::Size`] where sizes differ, [`Error::Box`] for a box that is empty or not within the picture, [`Error::EmptyMask`]
    /// where the mask has no pixel in it.
    ///
    /// ```
    /// use madenet_image::{Image, Mask, Rect};
    /// use madenet_lpd::Perceptibility;
    ///
    /// let before = Image::new(32, 32, vec![51; 3 * 32 * 32])?;
    /// let place = Rect::new(8, 8, 16, 16);
    /// let mask = Mask::new(32, 32, (0..32 * 32).map(|i| place.contains(i % 32, i / 32)).collect())?;
    /// let mut after = before.clone();
    /// for (pixel, _) in after.pixels_mut().chunks_mut(3).zip(mask.data()).filter(|(_, patch)| **patch) {
    ///     pixel.fill(102);
    /// }
    /// let figures = Perceptibility::measure(&before, &after, &mask, place)?;
    /// assert_eq!(figures.area, 0.25);
    /// assert!((figures.mse - 0.2 * 0.2).abs() < 1e-6);
    /// assert!((figures.edge - 0.2).abs() < 0.01); // Less at the corners.
    /// # Ok::<(), madenet_lpd::Error>(())
    /// ```
    pub fn measure(before: &Image, after: &Image, mask: &Mask, bounds: Rect) -> Result<Self> {
        Self::without_structure(before, after, mask, bounds)?.with_structure(after, mask, bounds)
    }

    /// All but the one figure that no gate asks for.
    pub(crate) fn without_structure(
        before: &Image,
        after: &Image,
        mask: &Mask,
        bounds: Rect,
    ) -> Result<Self> {
        check(before, after, mask, bounds)?;
        let crop = Crop::new(mask, grown(bounds, Ssim::RADIUS, Ssim::RADIUS, before), bounds)?;
        if crop.count() == 0 {
            return Err(Error::EmptyMask);
        }
        let (x, y) = (crop.planes(before), crop.planes(after));
        let grey = [crop.grey(before)?, crop.grey(after)?];
        let surroundings = surround::measure(after, mask, bounds)?;
        Ok(Perceptibility {
            area: (crop.count() as f64 / mask.data().len() as f64) as f32,
            ssim: Ssim::new(Border::Zero)?.mean(&x, &y, crop.mask())?,
            mse: mse(&crop, before, after),
            edge: edge_intensity(&grey[1], crop.mask()) - edge_intensity(&grey[0], crop.mask()),
            color: surroundings.color,
            texture: surroundings.texture,
            structure: None,
        })
    }

    pub(crate) fn with_structure(self, after: &Image, mask: &Mask, bounds: Rect) -> Result<Self> {
        Ok(Perceptibility { structure: surround::structure(after, mask, bounds)?, ..self })
    }

    /// How visible the change is, to choose the best of several: `(1 - ssim) + 10 mse + edge`.
    #[must_use]
    pub fn utility(&self) -> f32 {
        (1.0 - self.ssim) + 10.0 * self.mse + self.edge
    }
}

/// Mean squared error over the patch's pixels and the channels: sums of whole numbers, hence exactly 0 where nothing changed.
fn mse(crop: &Crop, before: &Image, after: &Image) -> f32 {
    let rows = crop.rows(before).zip(crop.rows(after));
    let mut sum = 0_u64;
    for ((before, after), mask) in rows.zip(crop.mask().data().chunks_exact(crop.region().width)) {
        for ((before, after), _) in before.iter().zip(after).zip(mask).filter(|&(_, &inside)| inside) {
            sum += before.iter().zip(after).map(|(&a, &b)| u64::from(a.abs_diff(b)).pow(2)).sum::<u64>();
        }
    }
    (sum as f64 / (3 * crop.count()) as f64 / (255.0 * 255.0)) as f32
}

fn check(before: &Image, after: &Image, mask: &Mask, bounds: Rect) -> Result<()> {
    let (width, height) = (before.width(), before.height());
    let sizes = [
        ("the changed picture", (after.width(), after.height())),
        ("the mask", (mask.width(), mask.height())),
    ];
    for (what, got) in sizes {
        if got != (width, height) {
            return Err(Error::Size { what, expected: (width, height), got });
        }
    }
    if bounds.intersect(Rect::new(0, 0, width, height)) != Some(bounds) {
        return Err(Error::Box { rect: bounds, width, height });
    }
    Ok(())
}
