//! From a normal picture to a sample.

use madenet_image::{Image, Mask};
use madenet_metrics::Label;
use madenet_rng::Stream;

use crate::augment::between;
use crate::rotation::Rotation;
use crate::structural::{check_grid, shuffle_cells};
use crate::{
    Augmentation, Drawn, DrawnAnomaly, DrawnPerlin, Error, PerlinNoise, Result, Source, SynthesisConfig,
    Synthetic, Textures,
};

/// Makes samples with synthetic anomalies and exact masks from normal pictures. One instance serves many threads.
///
/// See the [crate docs](crate) for what it does and an example.
#[derive(Debug)]
pub struct Synthesizer {
    config: SynthesisConfig,
    textures: Textures,
}

impl Synthesizer {
    /// # Errors
    /// Those of [`SynthesisConfig::validate`]; [`Error::NoTextures`] where there are none but anomalies of them may be drawn.
    pub fn new(config: SynthesisConfig, textures: Textures) -> Result<Self> {
        config.validate()?;
        let structural_share = config.structural_share;
        if textures.is_empty() && structural_share < 1.0 && config.normal_share < 1.0 {
            return Err(Error::NoTextures { structural_share });
        }
        Ok(Synthesizer { config, textures })
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &SynthesisConfig {
        &self.config
    }

    /// The textures.
    #[must_use]
    pub fn textures(&self) -> &Textures {
        &self.textures
    }

    /// A sample from the normal picture `image`, at its size.
    ///
    /// A picture without any colour, of a grey camera, gets anomalies without: on it colour would tell an anomaly at once, and
    /// nothing else be learnt.
    ///
    /// Anomalies lie in `foreground` only, without one anywhere; see [`Foreground::mask`](crate::Foreground::mask). The key
    /// (`seed`, `a`, `b`) names the random numbers, where `a` and `b` are counters such as epoch and sample: the same key and
    /// picture give the same sample, whatever the thread. Whether a sample stays normal, its mask and what fills the mask come from
    /// streams of their own: with other textures, or another `structural_share`, masks stay the same.
    ///
    /// # Errors
    /// [`Error::ForegroundSize`]; [`Error::Grid`] where structural anomalies may be drawn and the grid does not divide the
    /// picture; [`Error::TextureFile`] where the texture's file is damaged (see [`Textures::preload`]).
    pub fn synthesize(
        &self,
        image: &Image,
        foreground: Option<&Mask>,
        seed: u64,
        a: u64,
        b: u64,
    ) -> Result<Synthetic> {
        self.check(image, foreground)?;
        let mut stream = Stream::new(seed, "synth/sample", a, b);
        let stays_normal = stream.uniform() < self.config.normal_share;
        let rotated = stream.uniform() < self.config.rotation_share;
        let rotation = rotated.then(|| between(&mut stream, -self.config.rotation, self.config.rotation));
        let (turned, turned_foreground) = match rotation {
            Some(degrees) => turn(image, foreground, degrees)?,
            None => (None, None),
        };
        let normal = turned.as_ref().unwrap_or(image);
        let foreground = turned_foreground.as_ref().or(foreground);

        let mut drawn = Drawn { rotation, tries: 0, anomaly: None };
        let mut sample = None;
        if !stays_normal {
            let mut masks = Stream::new(seed, "synth/mask", a, b);
            if let Some((perlin, mask)) = self.draw_mask(normal, foreground, &mut masks, &mut drawn.tries)? {
                let mut source = Stream::new(seed, "synth/source", a, b);
                let (image, anomaly) = self.draw_anomaly(normal, &mask, perlin, &mut source)?;
                drawn.anomaly = Some(anomaly);
                sample = Some((image, mask, Label::Anomalous));
            }
        }
        let (image, mask, label) = match sample {
            Some(sample) => sample,
            None => (normal.clone(), empty(normal)?, Label::Normal),
        };
        Ok(Synthetic { image, mask, label, normal: turned, drawn })
    }

    /// What does not depend on the numbers that are drawn, so that an error shows in the first sample.
    fn check(&self, image: &Image, foreground: Option<&Mask>) -> Result<()> {
        let expected = (image.width(), image.height());
        if let Some(mask) = foreground {
            let got = (mask.width(), mask.height());
            if got != expected {
                return Err(Error::ForegroundSize { expected, got });
            }
        }
        if self.config.structural_share > 0.0 && self.config.normal_share < 1.0 {
            check_grid(self.config.grid, expected.0, expected.1)?;
        }
        Ok(())
    }

    /// The first mask that is not empty, if any.
    fn draw_mask(
        &self,
        normal: &Image,
        foreground: Option<&Mask>,
        stream: &mut Stream,
        tries: &mut u32,
    ) -> Result<Option<(DrawnPerlin, Mask)>> {
        let [low, high] = self.config.perlin_exponents;
        let turn = self.config.perlin_rotation;
        while *tries <= self.config.retries {
            *tries += 1;
            let exponents = [(); 2].map(|()| low + stream.below((high - low + 1) as usize) as u32);
            let degrees = between(stream, -turn, turn);
            let noise = PerlinNoise::draw(stream, exponents, degrees);
            let mut mask = noise.mask(normal.width(), normal.height(), self.config.perlin_threshold)?;
            if let Some(foreground) = foreground {
                mask = mask.and(foreground)?;
            }
            if mask.data().contains(&true) {
                return Ok(Some((noise.drawn(), mask)));
            }
        }
        Ok(None)
    }

    /// The picture with an anomaly of a source in `mask`.
    fn draw_anomaly(
        &self,
        normal: &Image,
        mask: &Mask,
        perlin: DrawnPerlin,
        stream: &mut Stream,
    ) -> Result<(Image, DrawnAnomaly)> {
        let structural = stream.uniform() < self.config.structural_share;
        let [low, high] = self.config.opacity;
        let opacity = between(stream, low, high);
        let augmentations = Augmentation::draw_three(stream);
        let (mut anomaly, source) = if structural {
            (normal.clone(), Source::Structural)
        } else {
            let index = stream.below(self.textures.len());
            let texture = self.textures.cut(index, normal.width(), normal.height(), stream)?;
            (texture, Source::Texture { index, name: self.textures.name(index)?.to_owned() })
        };
        for augmentation in &augmentations {
            augmentation.apply(&mut anomaly);
        }
        if structural {
            anomaly = shuffle_cells(&anomaly, self.config.grid, stream)?;
        }
        if is_grey(normal) {
            drain(&mut anomaly);
        }
        let image = blend(normal, &anomaly, mask, opacity);
        Ok((image, DrawnAnomaly { perlin, source, augmentations, opacity }))
    }
}

/// Whether a picture has no colour anywhere: that of a grey camera.
fn is_grey(image: &Image) -> bool {
    image.pixels().as_chunks::<3>().0.iter().all(|[r, g, b]| r == g && g == b)
}

/// Takes the colour out of a picture: its luma, as [`Plane::luma`](madenet_image::Plane::luma) weighs it, rounded.
fn drain(image: &mut Image) {
    for pixel in image.pixels_mut().as_chunks_mut::<3>().0 {
        let [r, g, b] = pixel.map(u32::from);
        *pixel = [((19_595 * r + 38_470 * g + 7_471 * b + (1 << 15)) >> 16) as u8; 3];
    }
}

/// `(1 - M) I_n + M ((1 - b) I_n + b I_s)`, rounded: the pixels outside of the mask M are those of `normal`.
fn blend(normal: &Image, anomaly: &Image, mask: &Mask, opacity: f32) -> Image {
    let mut blended = normal.clone();
    let pixels = blended.pixels_mut().as_chunks_mut::<3>().0.iter_mut();
    for ((pixel, source), &inside) in pixels.zip(anomaly.pixels().as_chunks::<3>().0).zip(mask.data()) {
        if inside {
            for (value, &source) in pixel.iter_mut().zip(source) {
                let normal = f32::from(*value);
                *value = (normal + opacity * (f32::from(source) - normal) + 0.5) as u8;
            }
        }
    }
    blended
}

/// Picture and foreground, rotated.
fn turn(image: &Image, foreground: Option<&Mask>, degrees: f32) -> Result<(Option<Image>, Option<Mask>)> {
    let (width, height) = (image.width(), image.height());
    let rotation = Rotation::new(degrees, width, height);
    let turned = Image::new(width, height, rotation.image(image))?;
    let mask = foreground.map(|mask| Mask::new(width, height, rotation.mask(mask.data()))).transpose()?;
    Ok((Some(turned), mask))
}

fn empty(image: &Image) -> Result<Mask> {
    let (width, height) = (image.width(), image.height());
    Ok(Mask::new(width, height, vec![false; width * height])?)
}
