//! The ten operators that vary a source of anomalies.

mod brightness;
mod gamma;
mod histogram;
mod hue_saturation;
mod lookup;
mod round;
mod sharpness;
mod tone;

use madenet_image::Image;
use madenet_rng::Stream;
use serde::Serialize;

use crate::rotation::Rotation;

/// One of the ten operators on 8-bit RGB of DRAEM's generator (Zavrtanik et al. 2021), with its parameters.
///
/// Sharpness, solarize, posterize, autocontrast and equalize give the same bytes as Pillow's functions of these names. The
/// ranges in which [`draw_three`](Self::draw_three) draws parameters (each uniformly) are DRAEM's, or the defaults of the
/// library that it uses.
///
/// ```
/// use madenet_image::Image;
/// use madenet_synth::Augmentation;
///
/// let mut image = Image::new(2, 1, vec![0, 100, 255, 7, 8, 9])?;
/// Augmentation::Invert.apply(&mut image);
/// assert_eq!(image.pixels(), [255, 155, 0, 248, 247, 246]);
/// # Ok::<(), madenet_image::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Augmentation {
    /// `255 (value / 255)^exponent`, rounded.
    GammaContrast {
        /// Of red, green and blue; drawn in `[0.5, 2)`.
        exponents: [f32; 3],
    },
    /// Luma (BT.601) times `factor`, plus `offset`, cut to 0 to 255; the differences of red, green and blue to luma stay.
    Brightness {
        /// Drawn in `[0.8, 1.2)`.
        factor: f32,
        /// Codes of 8 bits; drawn in `[-30, 30)`.
        offset: f32,
    },
    /// Pillow's `ImageEnhance.Sharpness`: 0 is smooth, 1 the picture itself, more is sharpened.
    Sharpness {
        /// Drawn in `[0, 3)`.
        factor: f32,
    },
    /// Moves hue and saturation (HSV).
    HueSaturation {
        /// In 1/255 of the circle; drawn in `[-50, 50)`.
        hue: f32,
        /// In 1/255 of full saturation; drawn in `[-50, 50)`.
        saturation: f32,
    },
    /// Inverts the values from a threshold on, or (one time in two) does nothing.
    Solarize {
        /// Codes of 8 bits; drawn in `[32, 128)`.
        threshold: Option<f32>,
    },
    /// Keeps the upper bits of every value.
    Posterize {
        /// Bits that stay; drawn in `1..=8`.
        bits: u32,
    },
    /// 255 minus every value.
    Invert,
    /// Stretches every channel to 0 to 255.
    Autocontrast {
        /// Percent of the pixels that may be cut off at either end; drawn in `0..=20`.
        cutoff: u32,
    },
    /// Equalizes the histogram of every channel.
    Equalize,
    /// Rotates counter-clockwise about the centre; bilinear, black comes in.
    Rotate {
        /// Drawn in `[-45, 45)`.
        degrees: f32,
    },
}

/// Number of operators.
const OPERATORS: usize = 10;
/// Number of operators that are applied to a source.
const CHOSEN: usize = 3;

impl Augmentation {
    /// Three different operators in the order in which they were drawn, each with parameters of its range.
    pub fn draw_three(stream: &mut Stream) -> [Augmentation; CHOSEN] {
        let mut operators: [usize; OPERATORS] = std::array::from_fn(|i| i);
        std::array::from_fn(|place| {
            operators.swap(place, place + stream.below(OPERATORS - place));
            Augmentation::draw(operators[place], stream)
        })
    }

    fn draw(operator: usize, stream: &mut Stream) -> Self {
        match operator {
            0 => Augmentation::GammaContrast { exponents: [(); 3].map(|()| between(stream, 0.5, 2.0)) },
            1 => Augmentation::Brightness {
                factor: between(stream, 0.8, 1.2),
                offset: between(stream, -30.0, 30.0),
            },
            2 => Augmentation::Sharpness { factor: between(stream, 0.0, 3.0) },
            3 => Augmentation::HueSaturation {
                hue: between(stream, -50.0, 50.0),
                saturation: between(stream, -50.0, 50.0),
            },
            4 => {
                let applied = stream.uniform() < 0.5;
                Augmentation::Solarize { threshold: applied.then(|| between(stream, 32.0, 128.0)) }
            }
            5 => Augmentation::Posterize { bits: 1 + stream.below(8) as u32 },
            6 => Augmentation::Invert,
            7 => Augmentation::Autocontrast { cutoff: stream.below(21) as u32 },
            8 => Augmentation::Equalize,
            _ => Augmentation::Rotate { degrees: between(stream, -45.0, 45.0) },
        }
    }

    /// Changes `image`. Parameters may lie outside the ranges that are drawn; those that are not finite give some picture, no
    /// panic.
    pub fn apply(&self, image: &mut Image) {
        match *self {
            Augmentation::GammaContrast { exponents } => gamma::contrast(image, exponents),
            Augmentation::Brightness { factor, offset } => brightness::multiply_add(image, factor, offset),
            Augmentation::Sharpness { factor } => sharpness::sharpness(image, factor),
            Augmentation::HueSaturation { hue, saturation } => hue_saturation::add(image, hue, saturation),
            Augmentation::Solarize { threshold } => tone::solarize(image, threshold),
            Augmentation::Posterize { bits } => tone::posterize(image, bits),
            Augmentation::Invert => tone::invert(image),
            Augmentation::Autocontrast { cutoff } => histogram::autocontrast(image, cutoff),
            Augmentation::Equalize => histogram::equalize(image),
            Augmentation::Rotate { degrees } => {
                let rotated = Rotation::new(degrees, image.width(), image.height()).image(image);
                image.pixels_mut().copy_from_slice(&rotated);
            }
        }
    }
}

/// A number of `[low, high)`, or `low` where both are equal.
pub(crate) fn between(stream: &mut Stream, low: f32, high: f32) -> f32 {
    low + (high - low) * stream.uniform()
}
