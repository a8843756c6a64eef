//! A patch against its surroundings.

use std::sync::LazyLock;

use madenet_image::{Image, Mask, Rect};
use madenet_kernels::Border;

use crate::Result;
use crate::gate::crop::{Crop, grey, grown};
use crate::gate::lab::{lab, linear};
use crate::gate::ssim::{Ssim, window};

pub(super) struct Surroundings {
    pub(super) color: f32,
    pub(super) texture: f32,
}

/// Colour and texture of the patch against those of what lies around it; no difference where it fills the picture.
pub(super) fn measure(image: &Image, mask: &Mask, bounds: Rect) -> Result<Surroundings> {
    let around = grown(bounds, bounds.width.div_ceil(2), bounds.height.div_ceil(2), image);
    let around = Crop::new(mask, around, bounds)?;
    if around.count() == around.mask().data().len() {
        return Ok(Surroundings { color: 0.0, texture: 0.0 });
    }
    let distance = |[a, b]: [[f64; 3]; 2]| (0..3).map(|c| (a[c] - b[c]).powi(2)).sum::<f64>().sqrt();
    let patch = Crop::new(mask, bounds, bounds)?;
    let contrasts = [contrast(&patch, image, true)?, contrast(&around, image, false)?];
    Ok(Surroundings {
        color: distance(mean_colors(&around, image).map(lab)) as f32,
        texture: (contrasts[0] - contrasts[1]).abs() as f32,
    })
}

/// The mean colours of the patch and of the rest of the crop, in linear light.
fn mean_colors(crop: &Crop, image: &Image) -> [[f64; 3]; 2] {
    static LINEAR: LazyLock<[f64; 256]> = LazyLock::new(|| std::array::from_fn(|code| linear(code as u8)));
    // Counts of codes: sums in any order are the same then.
    let mut counts = [[[0_u32; 256]; 3]; 2];
    for (row, mask) in crop.rows(image).zip(crop.mask().data().chunks_exact(crop.region().width)) {
        for (pixel, &inside) in row.iter().zip(mask) {
            for (counts, &code) in counts[usize::from(!inside)].iter_mut().zip(pixel) {
                counts[usize::from(code)] += 1;
            }
        }
    }
    let pixels = crop.mask().data().len();
    let numbers = [crop.count() as f64, (pixels - crop.count()) as f64];
    std::array::from_fn(|side| {
        counts[side].map(|codes| {
            codes.iter().zip(LINEAR.iter()).map(|(&n, light)| f64::from(n) * light).sum::<f64>()
                / numbers[side]
        })
    })
}

/// Root of the mean local variance of grey over the patch's pixels (`side`) or the others. Windows see that side only, so that the
/// step between both is in neither.
fn contrast(crop: &Crop, image: &Image, side: bool) -> Result<f64> {
    let grey = crop.grey(image)?;
    let len = grey.values().len();
    let weight = |&inside: &bool| if inside == side { 1.0 } else { 0.0 };
    let pairs = || grey.values().iter().zip(crop.mask().data());
    let mut planes: Vec<f32> = crop.mask().data().iter().map(weight).collect();
    planes.extend(pairs().map(|(grey, inside)| grey * weight(inside)));
    planes.extend(pairs().map(|(grey, inside)| grey * grey * weight(inside)));
    let mut sums = vec![0.0; 3 * len];
    window(Border::Zero)?.run(grey.height(), grey.width(), &planes, &mut sums, &mut Vec::new())?;
    let (weights, rest) = sums.split_at(len);
    let (values, squares) = rest.split_at(len);
    let (mut sum, mut count) = (0.0, 0);
    for (i, _) in crop.mask().data().iter().enumerate().filter(|&(_, &inside)| inside == side) {
        // The pixel itself is in its window, so there is a weight.
        let mean = values[i] / weights[i];
        // Rounding may bring a flat window below 0.
        sum += f64::from((squares[i] / weights[i] - mean * mean).max(0.0));
        count += 1;
    }
    Ok((sum / f64::from(count)).sqrt())
}

/// The mean structural similarity between the patch and the equally large pieces beside it that lie in the picture; `None`
/// where none does.
pub(super) fn structure(image: &Image, mask: &Mask, bounds: Rect) -> Result<Option<f32>> {
    let Rect { x, y, width, height } = bounds;
    let patch = Crop::new(mask, bounds, bounds)?;
    let inside = patch.grey(image)?;
    let pieces = [
        x.checked_sub(width).map(|x| Rect { x, ..bounds }),
        y.checked_sub(height).map(|y| Rect { y, ..bounds }),
        (bounds.right() + width <= image.width()).then(|| Rect { x: x + width, ..bounds }),
        (bounds.bottom() + height <= image.height()).then(|| Rect { y: y + height, ..bounds }),
    ];
    let ssim = Ssim::new(Border::Exclude)?;
    let (mut sum, mut count) = (0.0, 0_u8);
    for piece in pieces.into_iter().flatten() {
        let beside = grey(image, piece)?;
        sum += ssim.mean(inside.values(), beside.values(), patch.mask())?;
        count += 1;
    }
    Ok((count > 0).then(|| sum / f32::from(count)))
}
