//! Size and orientation of a patch.

use madenet_rng::Stream;

use crate::jitter::between;
use crate::{DistortionConfig, Kind};

/// A patch before it is cut out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Width and height of what is cut out.
    pub(crate) size: (usize, usize),
    pub(crate) flips: [bool; 2],
    /// Counter-clockwise in degrees; 0 where the patch stays upright.
    pub(crate) rotation: f32,
}

impl Shape {
    /// For a picture of `image` (width, height) pixels.
    pub(crate) fn draw(
        stream: &mut Stream,
        config: &DistortionConfig,
        kind: Kind,
        image: (usize, usize),
    ) -> Self {
        let shape = match kind {
            Kind::Patch => {
                let size = patch_size(stream, config, image);
                let flips = [(); 2].map(|()| stream.uniform() < config.flip_share);
                let rotated = stream.uniform() < config.rotation_share;
                let free = between(stream, -config.rotation, config.rotation);
                let quarters = 1 + stream.below(3);
                let rotation = match (rotated, config.free_rotation) {
                    (false, _) => 0.0,
                    (true, true) => free,
                    (true, false) => 90.0 * quarters as f32,
                };
                Shape { size, flips, rotation }
            }
            Kind::Scar => {
                let size = scar_size(stream, config, image);
                let rotation = between(stream, -config.rotation, config.rotation);
                Shape { size, flips: [false; 2], rotation }
            }
        };
        let (width, height) = shape.turned();
        let fits = width <= image.0 && height <= image.1;
        Shape { rotation: if fits { shape.rotation } else { 0.0 }, ..shape }
    }

    /// Width and height of the box around the rotated patch, as [`madenet_image::rotate`] has it.
    pub(crate) fn turned(self) -> (usize, usize) {
        let quarters = self.rotation / 90.0;
        if quarters.fract() == 0.0 {
            let (width, height) = self.size;
            return if quarters % 2.0 == 0.0 { (width, height) } else { (height, width) };
        }
        let (sin, cos) = f64::from(self.rotation).rem_euclid(360.0).to_radians().sin_cos();
        let (width, height) = (self.size.0 as f64, self.size.1 as f64);
        let side = |length: f64| length.ceil() as usize;
        (side(width * cos.abs() + height * sin.abs()), side(width * sin.abs() + height * cos.abs()))
    }
}

/// Area and aspect as configured, each side 2 pixels or more and shorter than the picture's.
fn patch_size(stream: &mut Stream, config: &DistortionConfig, image: (usize, usize)) -> (usize, usize) {
    let [low, high] = config.area;
    let pixels = between(stream, low, high) * image.0 as f32 * image.1 as f32;
    let least = config.aspect.ln();
    let aspect = between(stream, least, -least).exp();
    let side = |length: f32, of: usize| (length.round() as usize).clamp(2, of - 1);
    (side((pixels * aspect).sqrt(), image.0), side((pixels / aspect).sqrt(), image.1))
}

/// Sides as configured at the picture's scale, 1 pixel or more and shorter than the picture's.
fn scar_size(stream: &mut Stream, config: &DistortionConfig, image: (usize, usize)) -> (usize, usize) {
    let scale = (image.0 as f32 * image.1 as f32).sqrt() / 256.0;
    let mut side = |[low, high]: [f32; 2], of: usize| {
        ((between(stream, low, high) * scale).round() as usize).clamp(1, of - 1)
    };
    (side(config.scar_width, image.0), side(config.scar_height, image.1))
}
