//! From a normal picture to a sample.

use madenet_image::{Image, Mask};
use madenet_rng::Stream;

use crate::jitter::draw_jitter;
use crate::patch::Patch;
use crate::place::{anywhere, elsewhere};
use crate::recomposition::cut_upright;
use crate::shape::Shape;
use crate::{Distorted, DistortionConfig, Drawn, Error, Kind, Perceptibility, Result, Verdict};

/// Least width and height of a picture in pixels: the smallest patch then has some pixels, and a place to go.
pub const MIN_SIDE: usize = 16;

/// Moves patches of pictures to other places. One instance serves many threads.
///
/// See the [crate docs](crate) for what it does and an example.
#[derive(Clone, Debug)]
pub struct PatchDistorter {
    config: DistortionConfig,
}

impl PatchDistorter {
    /// # Errors
    /// Those of [`DistortionConfig::validate`].
    pub fn new(config: DistortionConfig) -> Result<Self> {
        config.validate()?;
        Ok(PatchDistorter { config })
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &DistortionConfig {
        &self.config
    }

    /// A sample from the normal picture `image`, at its size, with a patch of a kind drawn from the variant's.
    ///
    /// The key (`seed`, `a`, `b`) names the random numbers, where `a` and `b` are counters such as step and sample: the same key
    /// and picture give the same sample, whatever the thread. Until the gate accepts one, patches are drawn anew, up to the
    /// configured number; then the sample is the most visible of them ([`Perceptibility::utility`]), and its [`Verdict`] says so.
    ///
    /// # Errors
    /// [`Error::TooSmall`] where a side is below [`MIN_SIDE`].
    pub fn distort(&self, image: &Image, seed: u64, a: u64, b: u64) -> Result<Distorted> {
        let kinds = self.config.variant.kinds();
        let kind = kinds[Stream::new(seed, "lpd/kind", a, b).below(kinds.len())];
        self.distort_with(image, kind, seed, a, b)
    }

    /// As [`distort`](Self::distort), with a patch of this kind: a batch of three classes has as many of each.
    ///
    /// # Errors
    /// [`Error::TooSmall`] where a side is below [`MIN_SIDE`].
    pub fn distort_with(&self, image: &Image, kind: Kind, seed: u64, a: u64, b: u64) -> Result<Distorted> {
        check(image)?;
        let mut stream = Stream::new(seed, "lpd/patch", a, b);
        let Some(gate) = &self.config.gate else {
            let pasted = self.paste(image, kind, &mut stream)?;
            return Ok(self.sample(pasted, Verdict { accepted: true, tries: 1, figures: None }));
        };
        let mut draw = || -> Result<(Pasted, Perceptibility)> {
            let pasted = self.paste(image, kind, &mut stream)?;
            let target = pasted.drawn.target;
            let figures = Perceptibility::without_structure(image, &pasted.image, &pasted.mask, target)?;
            Ok((pasted, figures))
        };
        let (mut best, mut figures) = draw()?;
        let mut tries = 1;
        while !gate.accepts(kind, &figures) && tries < self.config.tries {
            tries += 1;
            let (next, seen) = draw()?;
            if gate.accepts(kind, &seen) || seen.utility() > figures.utility() {
                (best, figures) = (next, seen);
            }
        }
        let accepted = gate.accepts(kind, &figures);
        let figures = Some(figures.with_structure(&best.image, &best.mask, best.drawn.target)?);
        Ok(self.sample(best, Verdict { accepted, tries, figures }))
    }

    /// A normal sample: `image` with a patch cut out and pasted at its own place, with the resampling that
    /// [`distort`](Self::distort) would have given it and in its own colours, so that resampling does not tell distorted
    /// samples from normal ones.
    ///
    /// Flips and right angles only exchange pixels; with them alone the sample is the picture itself, bit for bit. A patch rotated
    /// freely is interpolated twice, there and back, where a distorted one is once.
    ///
    /// # Errors
    /// [`Error::TooSmall`] where a side is below [`MIN_SIDE`].
    pub fn recompose(&self, image: &Image, seed: u64, a: u64, b: u64) -> Result<Image> {
        check(image)?;
        let kinds = self.config.variant.kinds();
        let mut stream = Stream::new(seed, "lpd/recomposition", a, b);
        let kind = kinds[stream.below(kinds.len())];
        let size = (image.width(), image.height());
        let shape = Shape::draw(&mut stream, &self.config, kind, size);
        let mut recomposed = image.clone();
        if shape.rotation % 90.0 != 0.0 {
            let target = anywhere(&mut stream, shape.turned(), size);
            let upright = cut_upright(image, target, shape.size, shape.rotation)?;
            Patch::rotated(&upright, shape.rotation)?.paste(&mut recomposed, (target.x, target.y))?;
        }
        Ok(recomposed)
    }

    /// One draw.
    fn paste(&self, image: &Image, kind: Kind, stream: &mut Stream) -> Result<Pasted> {
        let size = (image.width(), image.height());
        let shape = Shape::draw(stream, &self.config, kind, size);
        let jitter = draw_jitter(stream, self.config.jitter);
        let source = anywhere(stream, shape.size, size);
        let patch = Patch::cut(image, source, &shape, &jitter)?;
        let target = elsewhere(stream, patch.size(), source, size);
        let mut pasted = image.clone();
        let mask = patch.paste(&mut pasted, (target.x, target.y))?;
        let Shape { flips, rotation, .. } = shape;
        Ok(Pasted { image: pasted, mask, drawn: Drawn { kind, source, target, flips, rotation, jitter } })
    }

    fn sample(&self, pasted: Pasted, verdict: Verdict) -> Distorted {
        let Pasted { image, mask, drawn } = pasted;
        Distorted { image, mask, class: self.config.variant.class(Some(drawn.kind)), drawn, verdict }
    }
}

/// A draw, before the gate.
struct Pasted {
    image: Image,
    mask: Mask,
    drawn: Drawn,
}

fn check(image: &Image) -> Result<()> {
    let (width, height) = (image.width(), image.height());
    if width < MIN_SIDE || height < MIN_SIDE {
        return Err(Error::TooSmall { width, height });
    }
    Ok(())
}
