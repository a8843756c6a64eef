use madenet_image::Image;
use madenet_rng::Stream;
use madenet_synth::{SynthesisConfig, Synthesizer, Textures};

/// Random colours.
pub(crate) fn noise(width: usize, height: usize, seed: u64) -> Image {
    let mut stream = Stream::new(seed, "test/noise", width as u64, height as u64);
    Image::new(width, height, (0..3 * width * height).map(|_| stream.below(256) as u8).collect()).unwrap()
}

pub(crate) fn textures(side: usize) -> Textures {
    Textures::from_images((0..3).map(|i| (format!("noise-{i}"), noise(side, side, 100 + i))))
}

pub(crate) fn synthesizer(config: SynthesisConfig) -> Synthesizer {
    Synthesizer::new(config, textures(64)).unwrap()
}
