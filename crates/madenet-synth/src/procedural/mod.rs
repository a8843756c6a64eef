//! Textures that are drawn from noise, a stand-in for photographs.
//!
//! A texture is one number per pixel, a pattern, looked up in a palette of random colours. Patterns: clouds, ridges and
//! billows (fractal sums of Perlin noise), pebbles and cells (Worley noise), stripes and checkers (bent by noise), and grain.
//! Scale, direction and stretch are drawn, too.

mod palette;
mod pattern;

use madenet_image::Image;
use madenet_rng::Stream;

use crate::Result;
use palette::Palette;
use pattern::Pattern;

/// The texture `index` of `seed`, and its name.
pub(crate) fn texture(width: usize, height: usize, seed: u64, index: u64) -> Result<(String, Image)> {
    let mut stream = Stream::new(seed, "synth/texture", index, 0);
    let pattern = Pattern::ALL[stream.below(Pattern::ALL.len())];
    let values = pattern.values(width, height, &mut stream);
    let image = Palette::draw(&mut stream).colour(width, height, &values)?;
    Ok((format!("{}-{index}", pattern.name()), image))
}
