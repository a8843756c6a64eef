//! The mild changes that normal and distorted pictures have alike.

use madenet_image::Image;
use madenet_rng::Stream;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::config::check;
use crate::jitter::draw_jitter;

/// A random translation and a change of colours, to be made before a picture is [distorted](crate::PatchDistorter::distort) or
/// [recomposed](crate::PatchDistorter::recompose), the same for both.
///
/// | field | default | range | source |
/// |---|---|---|---|
/// | `translation` | 0.04 | 0 to 0.5 | CutPaste translates, without a number; ours |
/// | `jitter` | 0.1 | 0 to 0.5 | CutPaste |
///
/// CutPaste is Li et al., CVPR 2021.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PreAugmentation {
    /// Largest translation in each direction as a share of the side, in whole pixels, drawn uniformly. What comes in is the
    /// mirrored border.
    pub translation: f32,
    /// Largest change of brightness, contrast and saturation, as a part of 1, and of the hue, as a part of a turn; each drawn
    /// uniformly. 0 is off.
    pub jitter: f32,
}

impl Default for PreAugmentation {
    fn default() -> Self {
        PreAugmentation { translation: 0.04, jitter: 0.1 }
    }
}

impl PreAugmentation {
    /// Checks the ranges of the fields.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config).
    pub fn validate(&self) -> Result<()> {
        for (field, value) in [("translation", self.translation), ("jitter", self.jitter)] {
            check((0.0..=0.5).contains(&value), field, "from 0 to 0.5", value)?;
        }
        Ok(())
    }

    /// The changed picture, of the same size. The key (`seed`, `a`, `b`) names the random numbers, as in
    /// [`PatchDistorter::distort`](crate::PatchDistorter::distort).
    ///
    /// # Errors
    /// Those of [`validate`](Self::validate).
    ///
    /// ```
    /// use madenet_image::Image;
    /// use madenet_lpd::PreAugmentation;
    ///
    /// let image = Image::new(50, 50, (0..3 * 50 * 50).map(|i| (i % 251) as u8).collect())?;
    /// let off = PreAugmentation { translation: 0.0, jitter: 0.0 };
    /// assert_eq!(off.apply(&image, 0, 0, 0)?, image);
    /// assert_ne!(PreAugmentation::default().apply(&image, 0, 0, 0)?, image);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn apply(&self, image: &Image, seed: u64, a: u64, b: u64) -> Result<Image> {
        self.validate()?;
        let mut stream = Stream::new(seed, "lpd/augmentation", a, b);
        let mut step = |side: usize| {
            let most = (self.translation * side as f32) as usize;
            stream.below(2 * most + 1) as isize - most as isize
        };
        let (across, down) = (step(image.width()), step(image.height()));
        let jitter = draw_jitter(&mut stream, self.jitter);
        Ok(jitter.apply(&translated(image, across, down)?.as_view())?)
    }
}

/// The picture moved to the right and down, its border mirrored.
fn translated(image: &Image, across: isize, down: isize) -> Result<Image> {
    let (width, height) = (image.width(), image.height());
    let (pixels, _) = image.pixels().as_chunks::<3>();
    let columns: Vec<usize> = (0..width).map(|x| mirrored(x as isize - across, width)).collect();
    let mut moved = Vec::with_capacity(image.pixels().len());
    for y in 0..height {
        let row = &pixels[mirrored(y as isize - down, height) * width..][..width];
        moved.extend(columns.iter().flat_map(|&x| row[x]));
    }
    Ok(Image::new(width, height, moved)?)
}

/// The pixel at place `at`, which lies less than `len` outside, with the end pixel repeated.
fn mirrored(at: isize, len: usize) -> usize {
    let at = if at < 0 { -1 - at } else { at } as usize;
    if at < len { at } else { 2 * len - 1 - at }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn translations_move_to_the_right_and_down() {
        let image = Image::new(3, 2, (1..=6).flat_map(|i| [i; 3]).collect()).unwrap();
        let red = |across, down| -> Vec<u8> {
            translated(&image, across, down).unwrap().pixels().iter().step_by(3).copied().collect()
        };
        assert_eq!(red(0, 0), [1, 2, 3, 4, 5, 6]);
        assert_eq!(red(1, 0), [1, 1, 2, 4, 4, 5]);
        assert_eq!(red(-2, 0), [3, 3, 2, 6, 6, 5]);
        assert_eq!(red(0, 1), [1, 2, 3, 1, 2, 3]);
        assert_eq!(red(0, -1), [4, 5, 6, 4, 5, 6]);
    }
}
