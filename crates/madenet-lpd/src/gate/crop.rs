//! The part of a picture that a measurement reads.

use madenet_image::{Image, Mask, Plane, Rect};

use crate::Result;

/// `rect` with `across` more pixels to the left and right, and `down` above and below, as far as the picture goes.
pub(super) fn grown(rect: Rect, across: usize, down: usize, image: &Image) -> Rect {
    let (x, y) = (rect.x.saturating_sub(across), rect.y.saturating_sub(down));
    let right = rect.right().saturating_add(across).min(image.width());
    let bottom = rect.bottom().saturating_add(down).min(image.height());
    Rect::new(x, y, right - x, bottom - y)
}

/// A region of a picture and the pixels of a patch in it.
pub(super) struct Crop {
    region: Rect,
    mask: Mask,
    count: usize,
}

impl Crop {
    /// The patch's pixels are those of `mask` within `bounds`. The caller vouches for `region` being in the mask.
    pub(super) fn new(mask: &Mask, region: Rect, bounds: Rect) -> Result<Self> {
        let mut inside = Vec::with_capacity(region.width * region.height);
        for y in region.y..region.bottom() {
            let row = &mask.data()[y * mask.width()..][..mask.width()];
            inside.extend((region.x..region.right()).map(|x| row[x] && bounds.contains(x, y)));
        }
        let mask = Mask::new(region.width, region.height, inside)?;
        Ok(Crop { region, count: mask.count(), mask })
    }

    pub(super) fn region(&self) -> Rect {
        self.region
    }

    pub(super) fn mask(&self) -> &Mask {
        &self.mask
    }

    /// Pixels of the patch.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The region's rows of `image`.
    pub(super) fn rows<'a>(&self, image: &'a Image) -> impl Iterator<Item = &'a [[u8; 3]]> + use<'a> {
        let Rect { x, y, width, height } = self.region;
        let (pixels, _) = image.pixels().as_chunks::<3>();
        pixels.chunks_exact(image.width()).skip(y).take(height).map(move |row| &row[x..x + width])
    }

    /// Three planes, red before green before blue, 0 to 1.
    pub(super) fn planes(&self, image: &Image) -> Vec<f32> {
        let mut planes = Vec::with_capacity(3 * self.mask.data().len());
        for channel in 0..3 {
            for row in self.rows(image) {
                planes.extend(row.iter().map(|pixel| f32::from(pixel[channel]) / 255.0));
            }
        }
        planes
    }

    /// The luminance, 0 to 1.
    pub(super) fn grey(&self, image: &Image) -> Result<Plane> {
        grey(image, self.region)
    }
}

/// The luminance of a region, 0 to 1.
pub(super) fn grey(image: &Image, region: Rect) -> Result<Plane> {
    Ok(Plane::luma(&image.as_view().crop(region)?))
}
