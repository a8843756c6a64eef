//! What LPD learns: to tell images with a moved patch, or a defect, from normal ones.

use candle_core::{Device, Tensor};
use madenet_candle::losses::{CrossEntropyConfig, bce_with_logits, cross_entropy};
use madenet_candle::{Learner, Loss, MicroBatch};
use madenet_core::Preprocessing;
use madenet_image::Image;
use madenet_nets::Net;
use madenet_rng::{Epochs, Stream};

use super::FitError;
use super::images::Images;
use crate::fit_config::{FineTuneConfig, LpdFitConfig};
use crate::{Kind, PatchDistorter, Variant};

pub(super) struct LpdLearner<'a> {
    pub(super) net: Net,
    pub(super) preprocessing: Preprocessing,
    pub(super) fit: &'a LpdFitConfig,
    pub(super) distorter: PatchDistorter,
    pub(super) normals: Images<'a>,
    /// Stage 2 and its defects.
    pub(super) tuning: Option<(&'a FineTuneConfig, Images<'a>)>,
    /// Number of the first step: those of a warm-up came before.
    pub(super) first: u64,
}

/// Tensors of a batch.
pub(super) struct Batch {
    images: Tensor,
    classes: Vec<u32>,
    /// Share of the distorted images that the gate accepted.
    accepted: f32,
}

impl LpdLearner<'_> {
    fn variant(&self) -> Variant {
        self.distorter.config().variant
    }

    /// Of the `number`-th normal image of the training: itself, and one of every other class.
    fn examples(
        &self,
        number: u64,
        orders: &mut Orders,
    ) -> Result<Vec<(Image, u32, Option<bool>)>, FitError> {
        let seed = self.seed();
        let image = self.normals.get(orders.normal.at(number))?;
        let image = self.fit.augmentation.apply(&image, seed, 0, number)?;
        let normal = self.distorter.recompose(&image, seed, 0, number)?;
        let mut examples = vec![(normal, 0, None)];
        if let Some((tuning, defects)) = &self.tuning {
            let drawn = Stream::new(seed, "lpd/distorted", number, 0).uniform();
            if drawn >= tuning.distorted_share {
                let defect = defects.get(orders.anomalous.at(number))?;
                let defect = self.fit.augmentation.apply(&defect, seed, 1, number)?;
                // Three classes have none for real defects: they are damage, as patches are.
                examples.push((defect, 1, None));
                return Ok(examples);
            }
        }
        let kinds: &[Option<Kind>] = match (self.variant(), &self.tuning) {
            (Variant::ThreeWay, None) => &[Some(Kind::Patch), Some(Kind::Scar)],
            _ => &[None],
        };
        for &kind in kinds {
            let sample = match kind {
                Some(kind) => self.distorter.distort_with(&image, kind, seed, kind as u64, number)?,
                None => self.distorter.distort(&image, seed, 0, number)?,
            };
            examples.push((sample.image, sample.class as u32, Some(sample.verdict.accepted)));
        }
        Ok(examples)
    }

    fn seed(&self) -> u64 {
        self.tuning.as_ref().map_or(self.fit.seed, |(tuning, _)| tuning.seed)
    }

    fn orders(&self) -> Orders {
        let defects = self.tuning.as_ref().map_or(0, |(_, defects)| defects.len());
        let stage = u64::from(self.tuning.is_some());
        Orders {
            normal: Epochs::new(self.seed(), "lpd/normal", stage, self.normals.len()),
            anomalous: Epochs::new(self.seed(), "lpd/anomalous", stage, defects),
        }
    }
}

impl Learner for LpdLearner<'_> {
    type Batch = Batch;
    type Error = FitError;

    fn net(&self) -> &Net {
        &self.net
    }

    fn collate(&self, at: MicroBatch) -> Result<Batch, FitError> {
        let (n, mut orders) = (self.fit.batch as u64, self.orders());
        let mut examples = Vec::new();
        for i in 0..n {
            let number = (self.first + at.step) * n + i;
            examples.extend(self.examples(number, &mut orders)?);
        }
        let Preprocessing { height, width, .. } = self.preprocessing;
        let len = self.preprocessing.shape().len();
        let mut values = vec![0.0; examples.len() * len];
        for ((image, ..), tensor) in examples.iter().zip(values.chunks_exact_mut(len)) {
            self.preprocessing.apply(&image.as_view(), tensor)?;
        }
        let verdicts: Vec<bool> = examples.iter().filter_map(|&(_, _, accepted)| accepted).collect();
        let accepted = verdicts.iter().filter(|&&accepted| accepted).count() as f32;
        Ok(Batch {
            images: Tensor::from_vec(values, (examples.len(), 3, height, width), &Device::Cpu)?,
            classes: examples.iter().map(|&(_, class, _)| class).collect(),
            accepted: if verdicts.is_empty() { 1.0 } else { accepted / verdicts.len() as f32 },
        })
    }

    fn inputs(&self, batch: &Batch) -> Result<Vec<Tensor>, FitError> {
        Ok(vec![batch.images.clone()])
    }

    /// (P7): cross-entropy, binary where there are two classes.
    fn loss(&self, outputs: &[Tensor], batch: &Batch) -> Result<Loss, FitError> {
        let logits = &outputs[0];
        let (n, classes) = (batch.classes.len(), logits.dim(1)?);
        let values: Vec<f32> = logits.flatten_all()?.to_vec1()?;
        let told = |row: &[f32]| match row {
            [logit] => u32::from(*logit > 0.0),
            _ => (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap_or(0) as u32,
        };
        let right =
            values.chunks_exact(classes).zip(&batch.classes).filter(|(row, c)| told(row) == **c).count();
        let total = if classes == 1 {
            let target: Vec<f32> = batch.classes.iter().map(|&class| class as f32).collect();
            let target = Tensor::from_vec(target, logits.dims(), &Device::Cpu)?;
            bce_with_logits(logits, &target, None)?
        } else {
            cross_entropy(&logits.reshape((n, classes))?, &batch.classes, &CrossEntropyConfig::default())?
        };
        let health = vec![("accuracy", right as f32 / n as f32), ("accepted", batch.accepted)];
        Ok(Loss { total, parts: Vec::new(), health })
    }

    fn settings(&self) -> String {
        let defects = self.tuning.as_ref().map(|(tuning, defects)| (tuning, defects.len()));
        format!("{:?}, {} images, from step {}, {defects:?}", self.fit, self.normals.len(), self.first)
    }
}

/// Orders of both kinds of images.
struct Orders {
    normal: Epochs,
    anomalous: Epochs,
}
