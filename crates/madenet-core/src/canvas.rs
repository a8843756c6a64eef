//! Which part of a network's input is image, and which part of that counts.

use madenet_image::{Mask, Rect};
use madenet_kernels::{Border, Interpolation, SeparableFilter, Shape, interpolate};

use crate::Result;

/// What a network saw: a grid over a canvas, its input, of which the image covers a part.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Canvas {
    /// Shape of the grid.
    pub grid: Shape,
    /// Height and width of the canvas in pixels.
    pub size: (usize, usize),
    /// The image's part of it.
    pub content: Rect,
}

/// Which of a [`Canvas`] counts, pixel by pixel and location by location of the grid.
#[derive(Clone, PartialEq, Debug)]
pub struct Inspected {
    pixels: Mask,
    grid: Mask,
}

impl Inspected {
    /// Pixels of the canvas.
    #[must_use]
    pub fn pixels(&self) -> &Mask {
        &self.pixels
    }

    /// Locations of the grid: those of which any pixel counts.
    #[must_use]
    pub fn grid(&self) -> &Mask {
        &self.grid
    }
}

impl Canvas {
    /// What `region` (of the image, of any size) leaves of the image's part of the canvas; nothing where all counts.
    ///
    /// # Errors
    /// [`Error::Image`](crate::Error::Image) if a mask of the canvas cannot be made.
    pub fn inspected(&self, region: Option<&Mask>) -> Result<Option<Inspected>> {
        let (height, width) = self.size;
        let Rect { x, y, width: w, height: h } = self.content;
        if region.is_none() && (w, h) == (width, height) {
            return Ok(None);
        }
        let region = region.map(|mask| mask.resize_any(w, h)).transpose()?;
        let mut pixels = vec![false; width * height];
        for row in 0..h {
            let inside = &mut pixels[(y + row) * width + x..][..w];
            match &region {
                Some(mask) => inside.copy_from_slice(&mask.data()[row * w..][..w]),
                None => inside.fill(true),
            }
        }
        let pixels = Mask::new(width, height, pixels)?;
        Ok(Some(Inspected { grid: pixels.resize_any(self.grid.w, self.grid.h)?, pixels }))
    }

    /// A map of the canvas from a grid of its: enlarged (bilinear, half-pixel centres) and smoothed by a Gaussian of deviation
    /// `sigma` pixels, which is mirrored at the border.
    ///
    /// # Errors
    /// Where the grid has another size or `sigma` is out of range.
    pub fn smooth_map(&self, grid: &[f32], sigma: f32) -> Result<Vec<f32>> {
        let (height, width) = self.size;
        let mut enlarged = vec![0.0; height * width];
        let bilinear = Interpolation::Bilinear { align_corners: false };
        interpolate(bilinear, Shape::new(1, self.grid.h, self.grid.w), self.size, grid, &mut enlarged)?;
        let mut map = vec![0.0; enlarged.len()];
        let smooth = SeparableFilter::gaussian(sigma, Border::Symmetric)?;
        smooth.run(height, width, &enlarged, &mut map, &mut Vec::new())?;
        Ok(map)
    }

    /// The image's part of a map of the canvas.
    #[must_use]
    pub fn crop(&self, map: Vec<f32>) -> Vec<f32> {
        let Rect { x, y, width, height } = self.content;
        if (height, width) == self.size {
            return map;
        }
        let rows = map.chunks_exact(self.size.1).skip(y).take(height);
        rows.flat_map(|row| &row[x..x + width]).copied().collect()
    }

    /// The canvas scaled so that the image's part of it is `size` (width, height), its own.
    #[must_use]
    pub fn scaled_to(&self, size: (usize, usize)) -> Canvas {
        let scale = |length: usize, from: usize, to: usize| {
            (length as f64 * to as f64 / from as f64).round() as usize
        };
        let Rect { x, y, width, height } = self.content;
        let x = scale(x, width, size.0);
        let y = scale(y, height, size.1);
        let content = Rect { x, y, width: size.0, height: size.1 };
        let whole = (scale(self.size.0, height, size.1), scale(self.size.1, width, size.0));
        Canvas { grid: self.grid, size: (whole.0.max(y + size.1), whole.1.max(x + size.0)), content }
    }
}

/// The values that count; all of them where there is no mask.
#[must_use]
pub fn counted(values: &[f32], mask: Option<&Mask>) -> Vec<f32> {
    match mask {
        Some(mask) => {
            values.iter().zip(mask.data()).filter(|&(_, &counts)| counts).map(|(&v, _)| v).collect()
        }
        None => values.to_vec(),
    }
}
