//! Training of SRAD: stage 1 on normal images and synthetic anomalies, stage 2 on real defects.

mod images;
mod learner;

use madenet_candle::{
    AdamConfig, CheckpointConfig, Engine, Learner, Optimiser, Policy, Schedule, Tape, TapeOptions, Trainer,
    Treatment, calibrate,
};
use madenet_core::{Calibration, Label, Model, Observer, Recipe, Recipes, Scale};
use madenet_data::Dataset;
use madenet_nets::{HrNet, Params};
use madenet_synth::Synthesizer;

use crate::config::SradConfig;
use crate::detector::{FineTuned, Provenance, Srad};
use crate::fit_config::{FineTuneConfig, SradFitConfig};
use crate::network::{ENCODER, NORMALISE, normalisation, training_net};
use images::{Images, Kind};
use learner::SradLearner;

/// What can go wrong in a fit.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// There is no image to train on.
    #[error("there is no image to train on, expected at least one normal image")]
    NoImages,
    /// A sample to train on is anomalous.
    #[error("{id} is anomalous, expected normal images only")]
    Anomalous {
        /// The sample.
        id: String,
    },
    /// There is no defect with a mask to tune with.
    #[error("there is no anomalous image with a mask to tune with, expected at least one")]
    NoDefects,
    /// An anomalous sample has no mask.
    #[error("{id} has no mask, expected one")]
    NoMask {
        /// The sample.
        id: String,
    },
    /// The observer ended the fit.
    #[error("the fit was cancelled during {stage}")]
    Cancelled {
        /// What was being done.
        stage: &'static str,
    },
    /// The data could not be read.
    #[error(transparent)]
    Data(#[from] madenet_data::Error),
    /// A configuration, image or model was refused.
    #[error(transparent)]
    Core(#[from] madenet_core::Error),
    /// A picture could not be made.
    #[error(transparent)]
    Image(#[from] madenet_image::Error),
    /// A synthetic anomaly could not be made.
    #[error(transparent)]
    Synthesis(Box<madenet_synth::Error>),
    /// Training failed.
    #[error(transparent)]
    Train(#[from] madenet_candle::Error),
    /// A network or its weights were refused.
    #[error(transparent)]
    Net(#[from] madenet_nets::Error),
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
    /// A configuration does not become text.
    #[error("the configuration of the synthesis cannot be written")]
    Provenance(#[from] serde_json::Error),
}

impl From<madenet_synth::Error> for FitError {
    fn from(error: madenet_synth::Error) -> Self {
        FitError::Synthesis(Box::new(error))
    }
}

/// Trains SRAD models.
///
/// One seed gives one model, to the bit, whatever the number of threads, and however often it was interrupted.
#[derive(Debug)]
pub struct SradTrainer {
    /// Network and inference rules.
    pub config: SradConfig,
    /// Stage 1; its losses and batch hold for stage 2 as well.
    pub fit: SradFitConfig,
    /// Makes the anomalies.
    pub synthesizer: Synthesizer,
    /// Weights of the encoder under timm's names (`stage4.0.branches.0.0.conv1.weight`); what it has beyond the trunk is left
    /// out. From scratch without. Those of ImageNet want [`SradConfig::imagenet_input`].
    pub encoder: Option<Params>,
    /// Where the state of the training is kept, to go on from. A stage's own: remove the file when the stage is done.
    pub checkpoint: Option<CheckpointConfig>,
    /// Threads that make samples ahead of time, so that the network does not wait.
    pub workers: usize,
}

impl SradTrainer {
    /// A trainer from scratch, without a checkpoint, with one worker.
    #[must_use]
    pub fn new(config: SradConfig, fit: SradFitConfig, synthesizer: Synthesizer) -> Self {
        SradTrainer { config, fit, synthesizer, encoder: None, checkpoint: None, workers: 1 }
    }

    /// Stage 1: fits a model to the normal images of `training`.
    ///
    /// The calibration comes from `validation`, images that are not in `training`; where there are none it comes from
    /// `training`, whose scores are lower than those of unseen images, and the threshold will be too low.
    ///
    /// # Errors
    /// [`FitError::NoImages`] and [`FitError::Anomalous`]; what the data sets, the configuration, the weights or the training
    /// give; a loss that is not finite; a cancelling observer.
    pub fn fit(
        &self,
        training: &dyn Dataset,
        validation: &dyn Dataset,
        observer: &mut dyn Observer,
    ) -> Result<Srad, FitError> {
        self.validate()?;
        if training.is_empty() {
            return Err(FitError::NoImages);
        }
        let params = self.start()?;
        let learner = self.learner(training, (0..training.len()).collect(), None)?;
        let params = self.train("fit", &learner, &params, (self.fit.iterations, self.fit.lr), observer)?;
        let provenance = Provenance {
            fit: self.fit.clone(),
            synthesis: serde_json::to_value(self.synthesizer.config())?,
            training_images: training.len(),
            validation_images: validation.len(),
            fine_tuned: None,
        };
        let held_out = if validation.is_empty() { training } else { validation };
        self.finish(provenance, &params, held_out, observer)
    }

    /// Stage 2: tunes `model` with the real defects of `training` that have a mask, and as many normal images of it. Anomalous
    /// images without a mask say nothing of where, and are left out.
    ///
    /// What its recipe has beside thresholds stays. A defect's normal twin does not exist, so that the reconstruction is free under
    /// masks, and learnt beside them.
    ///
    /// # Errors
    /// [`FitError::Core`] if this trainer's configuration is not the model's, [`FitError::NoImages`] without normal images,
    /// [`FitError::NoDefects`] without defects that have a mask, and as
    /// [`fit`](Self::fit).
    pub fn fine_tune(
        &self,
        model: &Srad,
        tuning: &FineTuneConfig,
        training: &dyn Dataset,
        validation: &dyn Dataset,
        observer: &mut dyn Observer,
    ) -> Result<Srad, FitError> {
        self.validate()?;
        tuning.validate()?;
        if *model.config() != self.config {
            let got = format!("{:?}", self.config);
            let expected = "that of the model";
            return Err(madenet_core::Error::Config { field: "config", got, expected }.into());
        }
        let (mut normal, mut anomalous) = (Vec::new(), Vec::new());
        for i in 0..training.len() {
            let sample = training.get(i)?;
            match (sample.label, sample.mask) {
                (Label::Normal, _) => normal.push(i),
                (Label::Anomalous, Some(_)) => anomalous.push(i),
                (Label::Anomalous, None) => {}
            }
        }
        if normal.is_empty() {
            return Err(FitError::NoImages);
        }
        if anomalous.is_empty() {
            return Err(FitError::NoDefects);
        }
        let counts = (normal.len(), anomalous.len());
        let preprocessing = self.config.preprocessing;
        let defects = Images::new(training, anomalous, Kind::Anomalous, preprocessing, self.fit.cache_bytes);
        let learner = self.learner(training, normal, Some((tuning, defects)))?;
        let steps = (tuning.iterations, tuning.lr);
        let params = self.train("fine-tune", &learner, model.params(), steps, observer)?;
        let fine_tuned =
            FineTuned { config: tuning.clone(), normal_images: counts.0, anomalous_images: counts.1 };
        let provenance = Provenance {
            validation_images: validation.len(),
            fine_tuned: Some(fine_tuned),
            ..match model.provenance() {
                Some(provenance) => provenance.clone(),
                None => Provenance {
                    fit: self.fit.clone(),
                    synthesis: serde_json::to_value(self.synthesizer.config())?,
                    training_images: 0,
                    validation_images: 0,
                    fine_tuned: None,
                },
            }
        };
        let held_out = if validation.is_empty() { training } else { validation };
        let tuned = self.finish(provenance, &params, held_out, observer)?;
        let recipe = Recipe { calibration: tuned.recipe().calibration, ..model.recipe().clone() };
        Ok(tuned.with_recipe(recipe)?)
    }

    fn validate(&self) -> Result<(), FitError> {
        self.config.validate()?;
        Ok(self.fit.validate()?)
    }

    /// Weights to start stage 1 from.
    fn start(&self) -> Result<Params, FitError> {
        let net = training_net(&self.config)?;
        let mut params = Params::init(&net, self.fit.seed);
        params.extend(normalisation(&self.config)?);
        if let Some(encoder) = &self.encoder {
            let expected = HrNet::from_name(&self.config.encoder)?;
            let trunk = encoder.select(&expected.trunk(&self.config.preprocessing.shape())?)?;
            params.extend(trunk.under(ENCODER));
        }
        Ok(params)
    }

    fn learner<'a>(
        &'a self,
        data: &'a dyn Dataset,
        normal: Vec<usize>,
        tuning: Option<(&'a FineTuneConfig, Images<'a>)>,
    ) -> Result<SradLearner<'a>, FitError> {
        let preprocessing = self.config.preprocessing;
        let kind = Kind::Normal(&self.synthesizer.config().foreground);
        Ok(SradLearner {
            net: training_net(&self.config)?,
            preprocessing,
            fit: &self.fit,
            synthesizer: &self.synthesizer,
            normals: Images::new(data, normal, kind, preprocessing, self.fit.cache_bytes),
            tuning,
        })
    }

    /// Trains everything but the normalisation of the input; gives all weights.
    fn train(
        &self,
        stage: &'static str,
        learner: &SradLearner<'_>,
        params: &Params,
        (steps, lr): (u64, f64),
        observer: &mut dyn Observer,
    ) -> Result<Params, FitError> {
        let policy = match self.config.imagenet_input {
            true => Policy::default().with(NORMALISE, Treatment::Freeze),
            false => Policy::default(),
        };
        let mut engine = Tape::new(learner.net(), params, &policy, TapeOptions::default())?;
        let mut optimiser = Optimiser::new(&engine, AdamConfig::default().lr(lr))?;
        let trainer = Trainer {
            stage,
            seed: self.fit.seed,
            steps,
            schedule: Schedule::steps([(steps * 4 / 5, 0.2), (steps * 9 / 10, 0.2 * 0.2)]),
            workers: self.workers,
            checkpoint: self.checkpoint.clone(),
            ..Trainer::default()
        };
        trainer.run(learner, &mut engine, &mut optimiser, observer)?;
        Ok(engine.export()?)
    }

    /// The calibrated model.
    fn finish(
        &self,
        provenance: Provenance,
        params: &Params,
        held_out: &dyn Dataset,
        observer: &mut dyn Observer,
    ) -> Result<Srad, FitError> {
        let unit = Scale { median: 0.0, threshold: 1.0 };
        let uncalibrated = Recipes::new(Recipe::new(Calibration { image: unit, pixel: unit }));
        let model = Srad::from(Model::new(self.config.clone(), uncalibrated, Some(provenance), params)?);
        let cancelled = |stage| FitError::Cancelled { stage };
        let calibration = calibrate(&model, held_out, &self.fit.thresholds, observer, cancelled)?;
        Ok(model.with_recipe(Recipe::new(calibration))?)
    }
}

#[cfg(test)]
mod tests {
    use madenet_nets::{Builder, Shape};
    use madenet_synth::{SynthesisConfig, Textures};

    use super::*;

    /// A file of timm's, as `timm.create_model("hrnet_w18_small", pretrained=False)` makes it: the trunk among the parameters of a
    /// classifier.
    #[test]
    fn public_weights_become_the_encoder() {
        let mut b = Builder::new();
        let image = b.input("image", Shape::new(3, 64, 64));
        let logits = HrNet::W18Small.classifier(&mut b, image, 10).unwrap();
        b.output("logits", logits).unwrap();
        let file = tempfile::NamedTempFile::with_suffix(".safetensors").unwrap();
        let timm = Params::init(&b.finish(), 99);
        std::fs::write(file.path(), timm.to_safetensors(None).unwrap()).unwrap();

        let config = SradConfig { imagenet_input: true, ..SradConfig::tiny() };
        let synthesis = SynthesisConfig { structural_share: 1.0, ..SynthesisConfig::default() };
        let synthesizer = Synthesizer::new(synthesis, Textures::none()).unwrap();
        let mut trainer = SradTrainer::new(config, SradFitConfig::tiny(), synthesizer);
        trainer.encoder = Some(Params::read(file.path()).unwrap());
        let start = trainer.start().unwrap();
        let of = |params: &Params, name: &str| params.get(name).unwrap().values().to_vec();
        let name = "stage4.0.branches.3.1.conv2.weight";
        assert_eq!(of(&start, &format!("{ENCODER}.{name}")), of(&timm, name));
        assert_eq!(of(&start, "normalise.running_mean"), [0.485, 0.456, 0.406]);
        assert!(start.get("encoder.classifier.weight").is_none());

        let mut lacking = timm;
        lacking.remove(name);
        trainer.encoder = Some(lacking);
        let error = trainer.start().unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
}
