use madenet_image::{Image, Mask, Rect};
use madenet_lpd::{DistortionConfig, PatchDistorter};
use madenet_rng::Stream;

/// Random colours.
pub(crate) fn noise(width: usize, height: usize, seed: u64) -> Image {
    let mut stream = Stream::new(seed, "test/noise", width as u64, height as u64);
    Image::new(width, height, (0..3 * width * height).map(|_| stream.below(256) as u8).collect()).unwrap()
}

/// A colour that changes slowly from place to place.
pub(crate) fn smooth(width: usize, height: usize) -> Image {
    let pixel = |i: usize| {
        let (x, y) = ((i % width) as f32 / width as f32, (i / width) as f32 / height as f32);
        [x, y, x * y].map(|value| (30.0 + 200.0 * value) as u8)
    };
    Image::new(width, height, (0..width * height).flat_map(pixel).collect()).unwrap()
}

pub(crate) fn constant(side: usize, color: [u8; 3]) -> Image {
    Image::new(side, side, color.repeat(side * side)).unwrap()
}

pub(crate) fn mask(width: usize, height: usize, place: Rect) -> Mask {
    Mask::new(width, height, (0..width * height).map(|i| place.contains(i % width, i / width)).collect())
        .unwrap()
}

pub(crate) fn distorter(config: DistortionConfig) -> PatchDistorter {
    PatchDistorter::new(config).unwrap()
}
