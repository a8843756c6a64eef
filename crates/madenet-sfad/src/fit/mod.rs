//! First-stage training: normal images only, on features of a frozen backbone.

mod features;
mod labels;
mod learner;
mod tuning;

use madenet_candle::{
    AdamConfig, Engine, Learner, Optimiser, Policy, Schedule, Scoped, Tape, TapeOptions, Trainer, calibrate,
};
use madenet_core::{Calibration, Observer, Recipe, Recipes, Scale, ThresholdRules};
use madenet_data::Dataset;
use madenet_nets::{Params, Plan};
use madenet_rng::Stream;

use crate::config::SfadConfig;
use crate::detector::{Provenance, Sfad};
use crate::fit_config::{FitConfig, Noise};
use crate::network::{ADAPTOR, BACKBONE, adaptor_net, training_net};
use features::{FeatureBank, Kinds, Pick};
use learner::SfadLearner;

/// Locations on which the spread of features is measured.
const SPREAD_ROWS: usize = 4096;

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
    /// A model of another origin says not how it was fitted.
    #[error("the model does not say how it was fitted, expected one made by a fit")]
    NoProvenance,
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
    /// Training failed.
    #[error(transparent)]
    Train(#[from] madenet_candle::Error),
    /// A mask could not be drawn.
    #[error(transparent)]
    Synthesis(Box<madenet_synth::Error>),
    /// A network or its weights were refused.
    #[error(transparent)]
    Net(#[from] madenet_nets::Error),
    /// The regions of a mask could not be found.
    #[error(transparent)]
    Metrics(#[from] madenet_metrics::Error),
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

impl From<madenet_synth::Error> for FitError {
    fn from(error: madenet_synth::Error) -> Self {
        FitError::Synthesis(Box::new(error))
    }
}

impl Sfad {
    /// Fits a model to the normal images of `training`.
    ///
    /// `backbone` has the weights of the frozen backbone under torchvision's names (`layer1.0.conv1.weight`); what it has
    /// beyond the layers used is left out. The calibration comes from `validation`, images that are not in `training`, by
    /// [`FitConfig::thresholds`]; where there are none it comes from `training`, whose scores are lower than those of
    /// unseen images, and the threshold will be too low.
    ///
    /// One seed gives one model, to the bit, whatever the number of threads.
    ///
    /// # Errors
    /// [`FitError::NoImages`] and [`FitError::Anomalous`]; what the data sets, the configuration, the weights or the
    /// training give; a loss that is not finite; a cancelling observer.
    pub fn fit(
        config: &SfadConfig,
        fit: &FitConfig,
        backbone: Params,
        training: &dyn Dataset,
        validation: &dyn Dataset,
        observer: &mut dyn Observer,
    ) -> Result<Sfad, FitError> {
        config.validate()?;
        fit.validate()?;
        if training.is_empty() {
            return Err(FitError::NoImages);
        }
        let mut params = backbone.under(BACKBONE);
        let bank = FeatureBank::new(config, &params, (training, Kinds::Normal), fit.cache_bytes, observer)?;
        params.extend(Params::init(&training_net(config, bank.dim())?, fit.seed));
        let noise_sigma = match fit.noise {
            Noise::Absolute(sigma) => sigma,
            Noise::Relative(factor) => factor * spread(&bank, &params, fit.seed)?,
        };
        params.extend(train(config, fit, bank, &params, noise_sigma, observer)?);

        let provenance = Provenance {
            fit: fit.clone(),
            training_images: training.len(),
            validation_images: validation.len(),
            noise_sigma,
            fine_tuned: None,
        };
        let held_out = if validation.is_empty() { training } else { validation };
        calibrated(config, provenance, &params, held_out, observer)
    }

    /// The calibration that `rules` find on images that the model was not trained on; anomalous ones serve
    /// [`ThresholdRule::F1Max`](madenet_core::ThresholdRule::F1Max); the other rules take normal images, and the normal
    /// pixels of those that have a mask.
    ///
    /// # Errors
    /// What the data set gives, rules that the data cannot serve, a cancelling observer.
    pub fn calibrate(
        &self,
        data: &dyn Dataset,
        rules: &ThresholdRules,
        observer: &mut dyn Observer,
    ) -> Result<Calibration, FitError> {
        calibrate(self, data, rules, observer, |stage| FitError::Cancelled { stage })
    }
}

/// The model of these weights, calibrated on `held_out` by the fit's rules.
fn calibrated(
    config: &SfadConfig,
    provenance: Provenance,
    params: &Params,
    held_out: &dyn Dataset,
    observer: &mut dyn Observer,
) -> Result<Sfad, FitError> {
    let unit = Scale { median: 0.0, threshold: 1.0 };
    let uncalibrated = Recipes::new(Recipe::new(Calibration { image: unit, pixel: unit }));
    let rules = provenance.fit.thresholds;
    let model = Sfad::new(config.clone(), uncalibrated, Some(provenance), params)?;
    let calibration = model.calibrate(held_out, &rules, observer)?;
    Ok(model.with_recipe(Recipe::new(calibration))?)
}

/// Trains adaptor and discriminator; gives their weights.
fn train(
    config: &SfadConfig,
    fit: &FitConfig,
    bank: FeatureBank<'_>,
    params: &Params,
    noise_sigma: f32,
    observer: &mut dyn Observer,
) -> Result<Params, FitError> {
    let net = training_net(config, bank.dim())?;
    let learner = SfadLearner::new(net, bank, fit, noise_sigma);
    let mut trained = Tape::new(learner.net(), params, &Policy::default(), TapeOptions::default())?;
    let adamw = |lr| AdamConfig::adamw().lr(lr).weight_decay(fit.weight_decay);
    let rates = Scoped::new(adamw(fit.lr_discriminator)).with(ADAPTOR, adamw(fit.lr_adaptor));
    let mut optimiser = Optimiser::new(&trained, rates)?;
    let trainer = Trainer {
        stage: "fit",
        seed: fit.seed,
        steps: fit.iterations,
        schedule: Schedule::steps([(fit.iterations * 4 / 5, 0.4), (fit.iterations * 9 / 10, 0.4 * 0.4)]),
        // Noise is drawn, and features are computed, by all threads already.
        workers: 0,
        ..Trainer::default()
    };
    trainer.run(&learner, &mut trained, &mut optimiser, observer)?;
    Ok(trained.export()?)
}

/// Spread of the adapted features: see [`Noise::Relative`].
fn spread(bank: &FeatureBank<'_>, params: &Params, seed: u64) -> Result<f32, FitError> {
    let dim = bank.dim();
    let images = bank.images().min(64);
    let each = SPREAD_ROWS.div_ceil(images).min(bank.locations());
    let chosen = Stream::new(seed, "sfad/spread", 0, 0).permutation(bank.images());
    let picks: Vec<Pick> = chosen[..images]
        .iter()
        .map(|&image| {
            let mut locations =
                Stream::new(seed, "sfad/spread", 1, image as u64).permutation(bank.locations());
            locations.truncate(each);
            Pick { image, locations }
        })
        .collect();
    let rows = bank.rows(&picks)?;
    let plan = Plan::new(&adaptor_net(dim)?, params)?;
    let mut workspace = plan.workspace();
    let outputs = plan.run(&[&rows], &mut workspace)?;
    let adapted = outputs.get("adapted").unwrap_or_default();
    let n = (adapted.len() / dim) as f64;
    let variance = |c: usize| {
        let component = || adapted.iter().skip(c).step_by(dim).map(|&v| f64::from(v));
        let mean = component().sum::<f64>() / n;
        component().map(|v| (v - mean).powi(2)).sum::<f64>() / n
    };
    Ok(((0..dim).map(variance).sum::<f64>() / dim as f64).sqrt() as f32)
}
