//! Training of LPD: stage 1 on moved patches, stage 2 on real defects.

mod images;
mod learner;

use madenet_candle::{
    AdamConfig, CheckpointConfig, Engine, Learner, Optimiser, OptimiserConfig, Policy, Schedule, SgdConfig,
    Tape, TapeOptions, Trainer, Treatment, calibrate,
};
use madenet_core::{Calibration, Label, Model, Observer, Recipe, Recipes, Scale};
use madenet_data::Dataset;
use madenet_nets::{Builder, Net, Params, Plan, ResNet};
use madenet_rng::Stream;

use crate::detector::{FineTuned, Lpd, Provenance};
use crate::fit_config::{FineTuneConfig, LpdFitConfig};
use crate::lpd_config::{LpdConfig, LpdScore};
use crate::network::{BACKBONE, EMBEDDING, IMAGE_DENSITY, LOCAL, LOCAL_DENSITY, feature_net, training_net};
use crate::{DistortionConfig, Gaussian, PatchDistorter};
use images::Images;
use learner::LpdLearner;

/// Vectors that the density of locations is estimated on, at most.
const LOCAL_ROWS: usize = 50_000;

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
    /// There is no defect to tune with.
    #[error("there is no anomalous image to tune with, expected at least one")]
    NoDefects,
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
    /// A patch could not be moved, or a density not be estimated.
    #[error(transparent)]
    Lpd(#[from] crate::Error),
    /// Training failed.
    #[error(transparent)]
    Train(#[from] madenet_candle::Error),
    /// A network or its weights were refused.
    #[error(transparent)]
    Net(#[from] madenet_nets::Error),
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

/// Trains LPD models.
///
/// One seed gives one model, to the bit, whatever the number of threads, and however often it was interrupted.
#[derive(Clone, Debug)]
pub struct LpdTrainer {
    /// Network and inference rules.
    pub config: LpdConfig,
    /// Stage 1; its batch and augmentation hold for stage 2 as well.
    pub fit: LpdFitConfig,
    /// Weights of the backbone under torchvision's names (`layer1.0.conv1.weight`), to layer3 at least: a missing `layer4` starts
    /// fresh, and what it has beyond the backbone is left out. From scratch without.
    pub backbone: Option<Params>,
    /// Where the state of the training is kept, to go on from. A stage's own: remove the file when the stage is done. The
    /// warm-up has one of its own beside it, with the ending `.warm-up`.
    pub checkpoint: Option<CheckpointConfig>,
    /// Threads that make samples ahead of time, so that the network does not wait.
    pub workers: usize,
}

impl LpdTrainer {
    /// A trainer from scratch, without a checkpoint, with one worker.
    #[must_use]
    pub fn new(config: LpdConfig, fit: LpdFitConfig) -> Self {
        LpdTrainer { config, fit, backbone: None, checkpoint: None, workers: 1 }
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
    ) -> Result<Lpd, FitError> {
        self.validate()?;
        if training.is_empty() {
            return Err(FitError::NoImages);
        }
        let mut params = Params::init(&training_net(&self.config)?, self.fit.seed);
        let every = (0..training.len()).collect::<Vec<_>>();
        let LpdFitConfig { iterations, warm_up, lr, momentum, weight_decay, pretrained_lr, .. } = self.fit;
        let adamw = AdamConfig::adamw().lr(pretrained_lr).weight_decay(weight_decay);
        if let Some(backbone) = &self.backbone {
            params.extend(self.pretrained(backbone)?.under(BACKBONE));
            let warm_up = warm_up.min(iterations);
            let learner = self.learner(training, every.clone(), None, 0)?;
            let policy = Policy::default().with(BACKBONE, Treatment::Freeze);
            let steps = Steps { stage: "warm-up", count: warm_up, schedule: Schedule::constant() };
            params = self.train(&learner, &params, &policy, steps, adamw, observer)?;
            let learner = self.learner(training, every.clone(), None, warm_up)?;
            let steps = Steps { stage: "fit", count: iterations - warm_up, schedule: Schedule::cosine(0.0) };
            params = self.train(&learner, &params, &Policy::default(), steps, adamw, observer)?;
        } else {
            let sgd = SgdConfig { lr, momentum, weight_decay, ..SgdConfig::default() };
            let learner = self.learner(training, every.clone(), None, 0)?;
            let steps = Steps { stage: "fit", count: iterations, schedule: Schedule::cosine(0.0) };
            params = self.train(&learner, &params, &Policy::default(), steps, sgd, observer)?;
        }
        let provenance = Provenance {
            fit: self.fit.clone(),
            training_images: training.len(),
            validation_images: validation.len(),
            fine_tuned: None,
        };
        let held_out = if validation.is_empty() { training } else { validation };
        let normals = self.images(training, every, Label::Normal);
        self.finish(self.config.clone(), provenance, params, &normals, held_out, observer)
    }

    /// Stage 2: tunes `model` with the real defects of `training` in place of patches, and as many normal images of it (T6). Masks
    /// are not looked at. The densities are estimated anew; the score becomes the probability.
    /// What its recipe has beside thresholds stays.
    ///
    /// # Errors
    /// [`FitError::Core`] if this trainer's configuration is not the model's, [`FitError::NoImages`] without normal images,
    /// [`FitError::NoDefects`] without defects, and as [`fit`](Self::fit).
    pub fn fine_tune(
        &self,
        model: &Lpd,
        tuning: &FineTuneConfig,
        training: &dyn Dataset,
        validation: &dyn Dataset,
        observer: &mut dyn Observer,
    ) -> Result<Lpd, FitError> {
        self.validate()?;
        tuning.validate()?;
        if (LpdConfig { score: self.config.score, ..model.config().clone() }) != self.config {
            let got = format!("{:?}", self.config);
            let expected = "that of the model";
            return Err(madenet_core::Error::Config { field: "config", got, expected }.into());
        }
        let (mut normal, mut anomalous) = (Vec::new(), Vec::new());
        for i in 0..training.len() {
            match training.get(i)?.label {
                Label::Normal => normal.push(i),
                Label::Anomalous => anomalous.push(i),
            }
        }
        if normal.is_empty() {
            return Err(FitError::NoImages);
        }
        if anomalous.is_empty() {
            return Err(FitError::NoDefects);
        }
        let (normal_images, anomalous_images) = (normal.len(), anomalous.len());
        let defects = self.images(training, anomalous, Label::Anomalous);
        let learner = self.learner(training, normal.clone(), Some((tuning, defects)), 0)?;
        let optimiser = AdamConfig::adamw().lr(tuning.lr).weight_decay(self.fit.weight_decay);
        let steps = Steps { stage: "fine-tune", count: tuning.iterations, schedule: Schedule::cosine(0.0) };
        let policy = Policy::default();
        let params = self.train(&learner, model.params(), &policy, steps, optimiser, observer)?;
        let fine_tuned = Some(FineTuned { config: tuning.clone(), normal_images, anomalous_images });
        let (fit, training_images) = match model.provenance() {
            Some(provenance) => (provenance.fit.clone(), provenance.training_images),
            None => (self.fit.clone(), 0),
        };
        let provenance = Provenance { fit, training_images, validation_images: validation.len(), fine_tuned };
        let held_out = if validation.is_empty() { training } else { validation };
        let config = LpdConfig { score: LpdScore::Probability, ..self.config.clone() };
        let normals = self.images(training, normal, Label::Normal);
        let tuned = self.finish(config, provenance, params, &normals, held_out, observer)?;
        let recipe = Recipe { calibration: tuned.recipe().calibration, ..model.recipe().clone() };
        Ok(tuned.with_recipe(recipe)?)
    }

    fn validate(&self) -> Result<(), FitError> {
        self.config.validate()?;
        Ok(self.fit.validate()?)
    }

    fn images<'a>(&self, data: &'a dyn Dataset, which: Vec<usize>, label: Label) -> Images<'a> {
        Images::new(data, which, label, self.config.preprocessing, self.fit.cache_bytes)
    }

    fn learner<'a>(
        &'a self,
        data: &'a dyn Dataset,
        normal: Vec<usize>,
        tuning: Option<(&'a FineTuneConfig, Images<'a>)>,
        first: u64,
    ) -> Result<LpdLearner<'a>, FitError> {
        let variant = self.config.variant;
        let distorter = PatchDistorter::new(DistortionConfig { variant, ..self.fit.distortion.clone() })?;
        Ok(LpdLearner {
            net: training_net(&self.config)?,
            preprocessing: self.config.preprocessing,
            fit: &self.fit,
            distorter,
            normals: self.images(data, normal, Label::Normal),
            tuning,
            first,
        })
    }

    /// What `weights` have of the backbone: all of it, or all to layer3.
    fn pretrained(&self, weights: &Params) -> Result<Params, FitError> {
        let has_last = weights.iter().any(|(name, _)| name.starts_with("layer4."));
        let layer = if has_last { "layer4" } else { "layer3" };
        let mut b = Builder::new();
        let image = b.input("image", self.config.preprocessing.shape());
        for tap in ResNet::from_name(&self.config.backbone)?.features(&mut b, image, &[layer])? {
            b.output(tap.name, tap.val)?;
        }
        Ok(weights.select(&b.finish())?)
    }

    fn train(
        &self,
        learner: &LpdLearner<'_>,
        params: &Params,
        policy: &Policy,
        steps: Steps,
        optimiser: impl Into<OptimiserConfig>,
        observer: &mut dyn Observer,
    ) -> Result<Params, FitError> {
        let mut engine = Tape::new(learner.net(), params, policy, TapeOptions::default())?;
        let optimiser: OptimiserConfig = optimiser.into();
        let mut optimiser = Optimiser::new(&engine, madenet_candle::Scoped::new(optimiser))?;
        let mut checkpoint = self.checkpoint.clone();
        if steps.stage == "warm-up"
            && let Some(checkpoint) = &mut checkpoint
        {
            checkpoint.path.as_mut_os_string().push(".warm-up");
        }
        let trainer = Trainer {
            stage: steps.stage,
            seed: self.fit.seed,
            steps: steps.count,
            schedule: steps.schedule,
            workers: self.workers,
            checkpoint,
            ..Trainer::default()
        };
        trainer.run(learner, &mut engine, &mut optimiser, observer)?;
        Ok(engine.export()?)
    }

    /// The model with the densities of `normals`, calibrated on `held_out`.
    fn finish(
        &self,
        config: LpdConfig,
        provenance: Provenance,
        mut params: Params,
        normals: &Images<'_>,
        held_out: &dyn Dataset,
        observer: &mut dyn Observer,
    ) -> Result<Lpd, FitError> {
        self.add_densities(&mut params, normals)?;
        let unit = Scale { median: 0.0, threshold: 1.0 };
        let uncalibrated = Recipes::new(Recipe::new(Calibration { image: unit, pixel: unit }));
        let model = Lpd::from(Model::new(config, uncalibrated, Some(provenance), &params)?);
        let cancelled = |stage| FitError::Cancelled { stage };
        let calibration = calibrate(&model, held_out, &self.fit.thresholds, observer, cancelled)?;
        Ok(model.with_recipe(Recipe::new(calibration))?)
    }

    /// (P8) and (P10): the layers that make embeddings, of length 1, and features of locations white.
    fn add_densities(&self, params: &mut Params, normals: &Images<'_>) -> Result<(), FitError> {
        let net = feature_net(&self.config)?;
        let shape = |name: &str| net.output_shape(name).unwrap_or(madenet_nets::Shape::new(0, 0, 0));
        let (embedding, local) = (shape(EMBEDDING), shape(LOCAL));
        let (embeddings, locals) = self.features(&net, params, normals, local.plane())?;
        for (name, rows, dim) in [(IMAGE_DENSITY, embeddings, embedding.c), (LOCAL_DENSITY, locals, local.c)]
        {
            let (weight, bias) = Gaussian::fit(&rows, dim)?.whitening();
            params.insert(format!("{name}.weight"), vec![dim, dim, 1, 1], weight)?;
            params.insert(format!("{name}.bias"), vec![dim], bias)?;
        }
        Ok(())
    }

    /// Embeddings of length 1 of all normal images, and the features of some of their locations.
    fn features(
        &self,
        net: &Net,
        params: &Params,
        normals: &Images<'_>,
        plane: usize,
    ) -> Result<(Vec<f32>, Vec<f32>), FitError> {
        let plan = Plan::new(net, params)?;
        let mut workspace = plan.workspace();
        let preprocessing = self.config.preprocessing;
        let mut tensor = vec![0.0; preprocessing.shape().len()];
        let each = LOCAL_ROWS.div_ceil(normals.len()).clamp(1, plane);
        let (mut embeddings, mut locals) = (Vec::new(), Vec::new());
        for i in 0..normals.len() {
            preprocessing.apply(&normals.get(i)?.as_view(), &mut tensor)?;
            let outputs = plan.run(&[&tensor], &mut workspace)?;
            let embedding = outputs.get(EMBEDDING).unwrap_or_default();
            let square = embedding.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>();
            let length = (square.sqrt() as f32).max(f32::MIN_POSITIVE);
            embeddings.extend(embedding.iter().map(|v| v / length));
            let maps = outputs.get(LOCAL).unwrap_or_default();
            let order = Stream::new(self.fit.seed, "lpd/density", i as u64, 0).permutation(plane);
            for &location in &order[..each] {
                locals.extend(maps.iter().skip(location).step_by(plane));
            }
        }
        Ok((embeddings, locals))
    }
}

/// Some steps of a training.
struct Steps {
    stage: &'static str,
    count: u64,
    schedule: Schedule,
}
