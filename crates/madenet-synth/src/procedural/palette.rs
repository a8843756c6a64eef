//! Colours of a procedural texture.

use madenet_image::Image;
use madenet_rng::Stream;

use crate::Result;

/// The colours of 256 levels.
pub(super) struct Palette([[u8; 3]; 256]);

impl Palette {
    /// Two to four random colours and all between them.
    pub(super) fn draw(stream: &mut Stream) -> Self {
        let count = 2 + stream.below(3);
        let colours: Vec<[f32; 3]> = (0..count).map(|_| [(); 3].map(|()| 256.0 * stream.uniform())).collect();
        Palette(std::array::from_fn(|level| {
            let at = level as f32 / 256.0 * (count - 1) as f32;
            let (from, to) = (colours[at as usize], colours[at as usize + 1]);
            std::array::from_fn(|c| (from[c] + at.fract() * (to[c] - from[c])) as u8)
        }))
    }

    /// The picture of `values`, from the least (the first colour) to the largest one.
    pub(super) fn colour(&self, width: usize, height: usize, values: &[f32]) -> Result<Image> {
        let (least, largest) =
            values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(a, b), &v| (a.min(v), b.max(v)));
        let scale = 256.0 / (largest - least).max(f32::MIN_POSITIVE);
        let level = |value: f32| (((value - least) * scale) as usize).min(255);
        Ok(Image::new(width, height, values.iter().flat_map(|&value| self.0[level(value)]).collect())?)
    }
}
