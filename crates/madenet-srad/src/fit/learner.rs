//! What SRAD learns: to repair an image, and to tell where it did.

use candle_core::{Device, Tensor};
use madenet_candle::losses::{
    FocalConfig, FocalVariant, SsimConfig, focal, masked_mse, masked_ssim, mse, ssim,
};
use madenet_candle::{Learner, Loss, MicroBatch};
use madenet_core::Preprocessing;
use madenet_image::{Image, Mask};
use madenet_nets::Net;
use madenet_rng::{Epochs, Stream};
use madenet_synth::Synthesizer;

use super::FitError;
use super::images::Images;
use crate::fit_config::{FineTuneConfig, Focal, SradFitConfig};

pub(super) struct SradLearner<'a> {
    pub(super) net: Net,
    pub(super) preprocessing: Preprocessing,
    pub(super) fit: &'a SradFitConfig,
    pub(super) synthesizer: &'a Synthesizer,
    pub(super) normals: Images<'a>,
    /// Stage 2 and its defects.
    pub(super) tuning: Option<(&'a FineTuneConfig, Images<'a>)>,
}

/// Tensors of a batch.
pub(super) struct Batch {
    /// What the network sees.
    image: Tensor,
    /// What it is to reconstruct.
    target: Tensor,
    /// 1 where it is anomalous.
    mask: Tensor,
    /// Where the target is known, for values and for windows; everywhere without.
    known: Option<(Tensor, Tensor)>,
}

/// One sample of a batch.
struct Example {
    image: Image,
    /// The image without its anomaly, if it is another one and there is one.
    normal: Option<Image>,
    mask: Mask,
    /// Whether what is under the mask is unknown.
    is_real: bool,
}

impl SradLearner<'_> {
    /// The `number`-th sample of the training.
    fn example(&self, number: u64, orders: &mut Orders) -> Result<Example, FitError> {
        let Some((tuning, defects)) = &self.tuning else {
            let normal = self.normals.get(orders.normal.at(number))?;
            return self.synthesize(&normal.image, normal.mask.as_ref(), (self.fit.seed, 0, number));
        };
        // One of each in turns.
        let (turn, number_of_kind) = (number % 2, number / 2);
        let example = if turn == 0 {
            let normal = self.normals.get(orders.normal.at(number_of_kind))?;
            let drawn = Stream::new(tuning.seed, "srad/synthetic", number, 0).uniform();
            if drawn < tuning.synthetic_share {
                self.synthesize(&normal.image, normal.mask.as_ref(), (tuning.seed, 1, number))?
            } else {
                let mask = none(&normal.image)?;
                Example { image: normal.image.clone(), normal: None, mask, is_real: false }
            }
        } else {
            let defect = defects.get(orders.anomalous.at(number_of_kind))?;
            let mask = defect.mask.clone().map_or_else(|| none(&defect.image), Ok)?;
            Example { image: defect.image.clone(), normal: None, mask, is_real: true }
        };
        if tuning.flips { flipped(example, tuning.seed, number) } else { Ok(example) }
    }

    fn synthesize(
        &self,
        image: &Image,
        foreground: Option<&Mask>,
        (seed, stage, number): (u64, u64, u64),
    ) -> Result<Example, FitError> {
        let sample = self.synthesizer.synthesize(image, foreground, seed, stage, number)?;
        let normal = Some(sample.normal.unwrap_or_else(|| image.clone()));
        Ok(Example { image: sample.image, normal, mask: sample.mask, is_real: false })
    }

    fn focal(&self) -> FocalConfig {
        let variant = match self.fit.focal {
            Focal::Draem => FocalVariant::Draem,
            Focal::Retina { alpha } => FocalVariant::Retina { alpha },
        };
        FocalConfig { variant, gamma: self.fit.gamma }
    }

    fn orders(&self) -> Orders {
        let defects = self.tuning.as_ref().map_or(0, |(_, defects)| defects.len());
        let (seed, stage) = self.tuning.as_ref().map_or((self.fit.seed, 0), |(tuning, _)| (tuning.seed, 1));
        Orders {
            normal: Epochs::new(seed, "srad/normal", stage, self.normals.len()),
            anomalous: Epochs::new(seed, "srad/anomalous", stage, defects),
        }
    }
}

impl Learner for SradLearner<'_> {
    type Batch = Batch;
    type Error = FitError;

    fn net(&self) -> &Net {
        &self.net
    }

    fn collate(&self, at: MicroBatch) -> Result<Batch, FitError> {
        let (n, mut orders) = (self.fit.batch, self.orders());
        let Preprocessing { height, width, .. } = self.preprocessing;
        let (plane, rgb) = (height * width, self.preprocessing.shape().len());
        let (mut images, mut targets) = (vec![0.0; n * rgb], vec![0.0; n * rgb]);
        let mut masks = Vec::with_capacity(n * plane);
        let (mut values, mut windows) = (Vec::new(), Vec::new());
        for (i, (image, target)) in
            images.chunks_exact_mut(rgb).zip(targets.chunks_exact_mut(rgb)).enumerate()
        {
            let example = self.example(at.number() * n as u64 + i as u64, &mut orders)?;
            self.preprocessing.apply(&example.image.as_view(), image)?;
            match &example.normal {
                Some(normal) => drop(self.preprocessing.apply(&normal.as_view(), target)?),
                None => target.copy_from_slice(image),
            }
            masks.extend(example.mask.data().iter().map(|&m| f32::from(u8::from(m))));
            if let Some((tuning, _)) = &self.tuning {
                let unknown = |mask: &Mask| -> Vec<f32> {
                    mask.data().iter().map(|&m| f32::from(u8::from(!(m && example.is_real)))).collect()
                };
                values.extend(unknown(&example.mask));
                windows.extend(unknown(&example.mask.dilate(tuning.margin)));
            }
        }
        let tensor = |values, channels| Tensor::from_vec(values, (n, channels, height, width), &Device::Cpu);
        let known = match values.is_empty() {
            true => None,
            false => Some((tensor(values, 1)?, tensor(windows, 1)?)),
        };
        Ok(Batch { image: tensor(images, 3)?, target: tensor(targets, 3)?, mask: tensor(masks, 1)?, known })
    }

    fn inputs(&self, batch: &Batch) -> Result<Vec<Tensor>, FitError> {
        Ok(vec![batch.image.clone()])
    }

    fn loss(&self, outputs: &[Tensor], batch: &Batch) -> Result<Loss, FitError> {
        let (reconstruction, target, config) = (&outputs[0], &batch.target, SsimConfig::default());
        let (squares, similarity) = match &batch.known {
            None => (mse(reconstruction, target)?, ssim(reconstruction, target, &config)?),
            Some((values, windows)) => (
                masked_mse(reconstruction, target, values)?,
                masked_ssim(reconstruction, target, windows, &config)?,
            ),
        };
        let structure = similarity.affine(-1.0, 1.0)?;
        let segmentation = focal(&outputs[1], &batch.mask, &self.focal())?;
        let parts = vec![
            ("l2", squares.to_scalar::<f32>()?),
            ("ssim", structure.to_scalar::<f32>()?),
            ("focal", segmentation.to_scalar::<f32>()?),
        ];
        let reconstruction = (squares + structure)?.affine(self.fit.reconstruction_weight, 0.0)?;
        let total = (reconstruction + segmentation.affine(self.fit.segmentation_weight, 0.0)?)?;
        Ok(Loss { total, parts, health: Vec::new() })
    }

    fn settings(&self) -> String {
        let defects = self.tuning.as_ref().map(|(tuning, defects)| (tuning, defects.len()));
        let synthesis = (self.synthesizer.config(), self.synthesizer.textures().len());
        format!("{:?}, {} images, {synthesis:?}, {defects:?}", self.fit, self.normals.len())
    }
}

/// Orders of both kinds of images.
struct Orders {
    normal: Epochs,
    anomalous: Epochs,
}

fn none(image: &Image) -> Result<Mask, FitError> {
    let (width, height) = (image.width(), image.height());
    Ok(Mask::new(width, height, vec![false; width * height])?)
}

/// Mirrored in each direction with probability 0.5.
fn flipped(example: Example, seed: u64, number: u64) -> Result<Example, FitError> {
    let mut stream = Stream::new(seed, "srad/flip", number, 0);
    let (across, down) = (stream.uniform() < 0.5, stream.uniform() < 0.5);
    let (width, height) = (example.mask.width(), example.mask.height());
    let source = |i: usize| {
        let (x, y) = (i % width, i / width);
        let (x, y) = (if across { width - 1 - x } else { x }, if down { height - 1 - y } else { y });
        y * width + x
    };
    let turned = |image: &Image| {
        let pixels = image.pixels().as_chunks::<3>().0;
        Image::new(width, height, (0..width * height).flat_map(|i| pixels[source(i)]).collect())
    };
    let mask = (0..width * height).map(|i| example.mask.data()[source(i)]).collect();
    Ok(Example {
        image: turned(&example.image)?,
        normal: example.normal.as_ref().map(turned).transpose()?,
        mask: Mask::new(width, height, mask)?,
        is_real: example.is_real,
    })
}

#[cfg(test)]
mod tests {
    use madenet_core::Label;
    use madenet_data::{Dataset, Sample};
    use madenet_image::Rect;
    use madenet_synth::{Foreground, SynthesisConfig, Textures};

    use super::*;
    use crate::SradConfig;
    use crate::fit::images::Kind;
    use crate::network::training_net;

    /// A normal image and one with a real defect, 64x64.
    struct Pair;

    const HOLE: Rect = Rect { x: 8, y: 20, width: 10, height: 6 };

    impl Dataset for Pair {
        fn len(&self) -> usize {
            2
        }

        fn get(&self, index: usize) -> madenet_data::Result<Sample> {
            let pixels = (0..64 * 64).flat_map(|i| [(i % 64 * 3) as u8, 90, 40 + index as u8]).collect();
            Ok(Sample {
                id: index.to_string(),
                category: String::new(),
                image: Image::new(64, 64, pixels).unwrap().into(),
                label: if index == 0 { Label::Normal } else { Label::Anomalous },
                defect_type: None,
                mask: (index == 1).then(|| Mask::rectangle(64, 64, HOLE).unwrap()),
            })
        }
    }

    /// (T1): whatever is reconstructed under a real defect costs nothing, and is seen by no window that counts.
    #[test]
    fn reconstructions_are_free_under_real_defects() {
        let config = SradConfig::tiny();
        let synthesis = SynthesisConfig { foreground: Foreground::None, ..SynthesisConfig::default() };
        let synthesis = SynthesisConfig { structural_share: 1.0, ..synthesis };
        let synthesizer = Synthesizer::new(synthesis, Textures::none()).unwrap();
        let fit = SradFitConfig::tiny();
        let tuning = FineTuneConfig::after(&fit);
        let images = |index, kind| Images::new(&Pair, vec![index], kind, config.preprocessing, 0);
        let learner = SradLearner {
            net: training_net(&config).unwrap(),
            preprocessing: config.preprocessing,
            fit: &fit,
            synthesizer: &synthesizer,
            normals: images(0, Kind::Normal(&synthesizer.config().foreground)),
            tuning: Some((&tuning, images(1, Kind::Anomalous))),
        };
        let batch = learner.collate(MicroBatch { step: 0, part: 0, of: 1 }).unwrap();
        let mask = batch.mask.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(mask[..4096].iter().sum::<f32>(), 0.0, "the first is normal");
        assert_eq!(mask[4096..].iter().sum::<f32>(), 60.0);

        let logits = Tensor::zeros((2, 2, 64, 64), candle_core::DType::F32, &Device::Cpu).unwrap();
        let parts = |change: f32, place: usize| {
            let mut values = batch.target.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            values[place] += change;
            let reconstruction = Tensor::from_vec(values, (2, 3, 64, 64), &Device::Cpu).unwrap();
            let loss = learner.loss(&[reconstruction, logits.clone()], &batch).unwrap();
            (loss.parts[0].1, loss.parts[1].1)
        };
        // Second sample, green.
        let at = |x: usize, y: usize| (4 * 64 + y) * 64 + x;
        assert_eq!(parts(0.0, 0), (0.0, 0.0));
        assert_eq!(parts(0.5, at(HOLE.x, HOLE.y)), (0.0, 0.0));
        let beside = parts(0.5, at(HOLE.x - 1, HOLE.y));
        assert!(beside.0 > 0.0, "{beside:?}");
        let far = parts(0.5, at(40, 50));
        assert!(far.0 > 0.0 && far.1 > 0.0, "{far:?}");
    }
}
