//! Second-stage training: real defects and their masks.

use candle_core::{Device, Tensor};
use madenet_candle::losses::{FocalConfig, FocalVariant, focal_with_logits, margin_by_mask};
use madenet_candle::{
    AdamConfig, Engine, Learner, Loss, MicroBatch, Optimiser, Policy, Schedule, Scoped, Tape, TapeOptions,
    Trainer,
};
use madenet_core::{Canvas, Label, Observer, Preprocessing, Recipe};
use madenet_data::Dataset;
use madenet_nets::{Net, Shape};
use madenet_rng::Stream;
use madenet_synth::PerlinNoise;

use super::features::{FeatureBank, Kinds, Pick};
use super::labels::locations;
use super::{FitError, calibrated};
use crate::detector::{FineTuned, Provenance, Sfad};
use crate::fit_config::FineTuneConfig;
use crate::network::{ADAPTOR, tuning_net};

/// Most that the norm of a step's gradients may be: SuperSimpleNet's supervised mode.
const CLIP: f64 = 1.0;
/// Perlin noise above it is an anomaly, in supervised training: SuperSimpleNet.
const PERLIN_THRESHOLD: f32 = 0.6;
/// Exponents of the grids of Perlin noise, as for whole images.
const PERLIN_EXPONENTS: u32 = 6;

impl Sfad {
    /// Tunes the model with the real defects of `training` that have a mask, and as many normal images of it: stage 2. Anomalous
    /// images without a mask say nothing of where, and are left out. The backbone stays as it is; so does the recipe's
    /// region of interest, while thresholds come from `validation` anew.
    ///
    /// # Errors
    /// [`FitError::NoImages`] without normal images, [`FitError::NoDefects`] without defects that have a mask,
    /// [`FitError::NoProvenance`] for a model that says not how it was fitted, and as [`fit`](Self::fit).
    pub fn fine_tune(
        &self,
        tuning: &FineTuneConfig,
        training: &dyn Dataset,
        validation: &dyn Dataset,
        observer: &mut dyn Observer,
    ) -> Result<Sfad, FitError> {
        tuning.validate()?;
        let provenance = self.provenance().ok_or(FitError::NoProvenance)?.clone();
        let bank = FeatureBank::new(
            self.config(),
            self.params(),
            (training, Kinds::All),
            provenance.fit.cache_bytes,
            observer,
        )?;
        let examples =
            Examples::of(training, &self.config().preprocessing, self.outputs()[0], tuning.min_share)?;
        let counts = (examples.normal.len(), examples.anomalous.len());
        let learner = TuningLearner {
            net: tuning_net(self.config(), bank.dim())?,
            sigma: provenance.noise_sigma,
            margin: provenance.fit.margin,
            batch: provenance.fit.batch,
            picked: provenance.fit.locations,
            grid: self.outputs()[0],
            bank,
            examples,
            tuning,
        };
        let policy = Policy::default();
        let mut engine = Tape::new(learner.net(), self.params(), &policy, TapeOptions::default())?;
        let adamw = |lr| AdamConfig::adamw().lr(lr).weight_decay(provenance.fit.weight_decay);
        let rates = Scoped::new(adamw(tuning.lr_discriminator)).with(ADAPTOR, adamw(tuning.lr_adaptor));
        let mut optimiser = Optimiser::new(&engine, rates)?;
        let steps = tuning.iterations;
        let trainer = Trainer {
            stage: "fine-tune",
            seed: tuning.seed,
            steps,
            schedule: Schedule::steps([(steps * 4 / 5, 0.4), (steps * 9 / 10, 0.4 * 0.4)]),
            clip: Some(CLIP),
            workers: 0,
            ..Trainer::default()
        };
        trainer.run(&learner, &mut engine, &mut optimiser, observer)?;
        let mut params = self.params().clone();
        params.extend(engine.export()?);
        let fine_tuned =
            FineTuned { config: tuning.clone(), normal_images: counts.0, anomalous_images: counts.1 };
        let provenance =
            Provenance { validation_images: validation.len(), fine_tuned: Some(fine_tuned), ..provenance };
        let held_out = if validation.is_empty() { training } else { validation };
        let tuned = calibrated(self.config(), provenance, &params, held_out, observer)?;
        let recipe = Recipe { calibration: tuned.recipe().calibration, ..self.recipe().clone() };
        Ok(tuned.with_recipe(recipe)?)
    }
}

/// What to learn from, by the place in the data set.
struct Examples {
    normal: Vec<usize>,
    /// With their anomalous locations.
    anomalous: Vec<(usize, Vec<bool>)>,
}

impl Examples {
    fn of(
        data: &dyn Dataset,
        preprocessing: &Preprocessing,
        grid: Shape,
        min_share: f32,
    ) -> Result<Self, FitError> {
        let mut examples = Examples { normal: Vec::new(), anomalous: Vec::new() };
        for i in 0..data.len() {
            let sample = data.get(i)?;
            match (sample.label, &sample.mask) {
                (Label::Normal, _) => examples.normal.push(i),
                (Label::Anomalous, None) => {}
                (Label::Anomalous, Some(mask)) => {
                    let (_, content) = preprocessing.resized(&sample.image.as_view())?;
                    let size = (preprocessing.height, preprocessing.width);
                    let canvas = Canvas { grid, size, content };
                    if let Some(mask) = canvas.inspected(Some(mask))? {
                        let labels = locations(mask.pixels(), (grid.h, grid.w), min_share)?;
                        examples.anomalous.push((i, labels));
                    }
                }
            }
        }
        if examples.normal.is_empty() {
            return Err(FitError::NoImages);
        }
        if examples.anomalous.is_empty() {
            return Err(FitError::NoDefects);
        }
        Ok(examples)
    }
}

struct TuningLearner<'a> {
    net: Net,
    bank: FeatureBank<'a>,
    examples: Examples,
    tuning: &'a FineTuneConfig,
    /// Of stage 1: deviation of the noise, margin, images of a step, locations of an image.
    sigma: f32,
    margin: f32,
    batch: usize,
    picked: Option<usize>,
    grid: Shape,
}

/// One image's part in a batch: where its rows come from, and what they are.
struct Part {
    pick: Pick,
    anomalous: Vec<bool>,
    /// Which rows get noise, with what label, where they are repeated with it.
    synthetic: Option<Vec<bool>>,
}

impl TuningLearner<'_> {
    /// The `number`-th image of the training: a normal and an anomalous one in turns.
    fn part(&self, number: u64) -> Result<Part, FitError> {
        let seed = self.tuning.seed;
        let of = |len: usize, purpose| {
            let (epoch, place) = (number / 2 / len as u64, number / 2 % len as u64);
            Stream::new(seed, purpose, epoch, 0).permutation(len)[place as usize]
        };
        let (image, labels) = if number.is_multiple_of(2) {
            (self.examples.normal[of(self.examples.normal.len(), "sfad/tune/normal")], None)
        } else {
            let (image, labels) =
                &self.examples.anomalous[of(self.examples.anomalous.len(), "sfad/tune/anomalous")];
            (*image, Some(labels))
        };
        let is_anomalous = |location: usize| labels.is_some_and(|labels| labels[location]);
        // Anomalous locations are few: all of them, and of the others as many as there is room for.
        let all = Stream::new(seed, "sfad/tune/locations", number, 0).permutation(self.bank.locations());
        let (mut chosen, others): (Vec<usize>, Vec<usize>) = all.into_iter().partition(|&l| is_anomalous(l));
        let room = self.picked.unwrap_or(usize::MAX).max(1).saturating_sub(chosen.len());
        chosen.extend(others.into_iter().take(room));
        let anomalous: Vec<bool> = chosen.iter().map(|&l| is_anomalous(l)).collect();
        let drawn = Stream::new(seed, "sfad/tune/synthetic", number, 0).uniform();
        let synthetic = match drawn < self.tuning.synthetic_share {
            true => Some(self.perlin(number, &chosen)?),
            false => None,
        };
        Ok(Part { pick: Pick { image, locations: chosen }, anomalous, synthetic })
    }

    /// Which of some locations lie in a Perlin mask over the grid.
    fn perlin(&self, number: u64, chosen: &[usize]) -> Result<Vec<bool>, FitError> {
        let mut stream = Stream::new(self.tuning.seed, "sfad/tune/perlin", number, 0);
        let exponents = [(); 2].map(|()| stream.below(PERLIN_EXPONENTS as usize) as u32);
        let degrees = 180.0 * stream.uniform() - 90.0;
        let noise = PerlinNoise::draw(&mut stream, exponents, degrees);
        let mask = noise.mask(self.grid.w, self.grid.h, PERLIN_THRESHOLD)?;
        Ok(chosen.iter().map(|&location| mask.data()[location]).collect())
    }
}

impl Learner for TuningLearner<'_> {
    /// Features, noise and labels.
    type Batch = [Tensor; 3];
    type Error = FitError;

    fn net(&self) -> &Net {
        &self.net
    }

    fn collate(&self, at: MicroBatch) -> Result<[Tensor; 3], FitError> {
        let dim = self.bank.dim();
        let (mut rows, mut noise, mut labels) = (Vec::new(), Vec::new(), Vec::new());
        for j in 0..self.batch as u64 {
            let number = at.number() * self.batch as u64 + j;
            let Part { pick, anomalous, synthetic } = self.part(number)?;
            let features = self.bank.rows(std::slice::from_ref(&pick))?;
            rows.extend_from_slice(&features);
            noise.resize(rows.len(), 0.0);
            labels.extend(anomalous.iter().map(|&a| f32::from(u8::from(a))));
            let Some(synthetic) = synthetic else { continue };
            // Once more, with noise where the mask is and no real defect.
            rows.extend_from_slice(&features);
            let mut stream = Stream::new(self.tuning.seed, "sfad/tune/noise", number, 0);
            for (&drawn, &real) in synthetic.iter().zip(&anomalous) {
                let sigma = if drawn && !real { self.sigma } else { 0.0 };
                noise.extend((0..dim).map(|_| sigma * stream.normal()));
                labels.push(f32::from(u8::from(drawn || real)));
            }
        }
        let n = labels.len();
        let tensor = |values, channels| Tensor::from_vec(values, (n, channels, 1, 1), &Device::Cpu);
        Ok([tensor(rows, dim)?, tensor(noise, dim)?, tensor(labels, 1)?])
    }

    fn inputs(&self, [features, noise, _]: &[Tensor; 3]) -> Result<Vec<Tensor>, FitError> {
        Ok(vec![features.clone(), noise.clone()])
    }

    /// (T2) and (T3): the margin loss of both kinds of locations, and a focal loss of the anomaly, which is minus the normality.
    fn loss(&self, outputs: &[Tensor], [_, _, labels]: &[Tensor; 3]) -> Result<Loss, FitError> {
        let margin = margin_by_mask(&outputs[0], labels, self.margin)?;
        let config =
            FocalConfig { variant: FocalVariant::Retina { alpha: None }, gamma: self.tuning.focal_gamma };
        let focal = focal_with_logits(&outputs[0].neg()?, labels, &config)?;
        let parts = vec![("margin", margin.total.to_scalar::<f32>()?), ("focal", focal.to_scalar::<f32>()?)];
        let total = (margin.total + focal.affine(self.tuning.focal_weight, 0.0)?)?;
        Ok(Loss { total, parts, health: vec![("p_true", margin.p_true), ("p_fake", margin.p_fake)] })
    }

    fn settings(&self) -> String {
        let counts = (self.examples.normal.len(), self.examples.anomalous.len());
        format!("{:?}, noise {}, {counts:?} images", self.tuning, self.sigma)
    }
}
