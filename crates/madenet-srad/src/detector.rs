//! A fitted SRAD model.

use std::ops::Deref;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use madenet_core::{
    AnomalyDetector, Canvas, Inferred, Inspected, Model, Prediction, Preprocessing, RawScores, Recipe,
    Recipes, Result, Submodel, Threads, Timings,
};
use madenet_image::{Image, ImageView, Rect};
use madenet_nets::{Memory, Net, Plan, Shape};
use serde::{Deserialize, Serialize};

use crate::config::SradConfig;
use crate::fit_config::{FineTuneConfig, SradFitConfig};
use crate::network::{LOGITS, RECONSTRUCTION, deployed_net, reconstruction_net};
use crate::score;

/// A fitted SRAD model: loads, predicts, saves, shows reconstructions. Cloning is cheap, and one model serves many threads.
/// What it shares with the other submodels' models (recipes, configuration, weights, saving) is in [`Model`], which it
/// dereferences to.
#[derive(Clone, Debug)]
pub struct Srad {
    model: Model<SradModel>,
    /// Made when it is first asked for.
    reconstruction: Arc<OnceLock<Plan>>,
}

/// What tells SRAD's models from those of other submodels.
#[derive(Clone, Copy, Debug)]
pub enum SradModel {}

impl Submodel for SradModel {
    const KIND: &'static str = "srad";
    const OUTPUTS: &'static [&'static str] = &[LOGITS];
    type Config = SradConfig;
    type Provenance = Provenance;

    fn validate(config: &SradConfig) -> Result<()> {
        config.validate()
    }

    fn preprocessing(config: &SradConfig) -> &Preprocessing {
        &config.preprocessing
    }

    fn net(config: &SradConfig) -> Result<Net> {
        Ok(deployed_net(config)?)
    }
}

impl Deref for Srad {
    type Target = Model<SradModel>;

    fn deref(&self) -> &Model<SradModel> {
        &self.model
    }
}

/// How a model came to be.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Stage 1: configuration of the fit.
    pub fit: SradFitConfig,
    /// How its anomalies were made: a `SynthesisConfig` of madenet-synth.
    pub synthesis: serde_json::Value,
    /// Normal images that stage 1 learnt from.
    pub training_images: usize,
    /// Images held out for the calibration.
    pub validation_images: usize,
    /// Stage 2, if there was one.
    pub fine_tuned: Option<FineTuned>,
}

/// How a model was tuned.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FineTuned {
    /// Its configuration.
    pub config: FineTuneConfig,
    /// Normal images.
    pub normal_images: usize,
    /// Images with real defects and masks.
    pub anomalous_images: usize,
}

impl From<Model<SradModel>> for Srad {
    fn from(model: Model<SradModel>) -> Self {
        Srad { model, reconstruction: Arc::default() }
    }
}

impl Srad {
    /// Reads a model file: [`Model::load`].
    ///
    /// # Errors
    /// As there.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Model::load(path).map(Srad::from)
    }

    /// Reads the bytes of a model file: [`Model::from_bytes`].
    ///
    /// # Errors
    /// As there.
    pub fn from_bytes(bytes: &[u8], name: &str) -> Result<Self> {
        Model::from_bytes(bytes, name).map(Srad::from)
    }

    /// The same model with other recipes: [`Model::with_recipes`].
    ///
    /// # Errors
    /// As there.
    pub fn with_recipes(&self, recipes: Recipes) -> Result<Self> {
        Ok(Srad { model: self.model.with_recipes(recipes)?, ..self.clone() })
    }

    /// The same model with another recipe in place of the one that it follows: [`Model::with_recipe`].
    ///
    /// # Errors
    /// As there.
    pub fn with_recipe(&self, recipe: Recipe) -> Result<Self> {
        Ok(Srad { model: self.model.with_recipe(recipe)?, ..self.clone() })
    }

    /// The same model following the recipe of a category: [`Model::for_category`].
    ///
    /// # Errors
    /// As there.
    pub fn for_category(&self, name: &str) -> Result<Self> {
        Ok(Srad { model: self.model.for_category(name)?, ..self.clone() })
    }

    /// The same model on a budget of threads: [`Model::with_threads`].
    #[must_use]
    pub fn with_threads(&self, threads: Threads) -> Self {
        Srad { model: self.model.with_threads(threads), ..self.clone() }
    }

    /// The same model planned for another setting of memory against speed: [`Model::with_memory`].
    ///
    /// # Errors
    /// As there.
    pub fn with_memory(&self, memory: Memory) -> Result<Self> {
        Ok(Srad { model: self.model.with_memory(memory)?, ..self.clone() })
    }

    /// What the model takes a good part in place of this one to look like, at the model's size: why it flags what it flags.
    ///
    /// # Errors
    /// Where the image cannot be brought to the network's input.
    pub fn reconstruct(&self, image: &ImageView<'_>) -> Result<Image> {
        self.threads().run(|| {
            let Preprocessing { height, width, .. } = self.config().preprocessing;
            let mut tensor = vec![0.0; self.config().preprocessing.shape().len()];
            self.config().preprocessing.apply(image, &mut tensor)?;
            let plan = self.reconstruction_plan()?;
            let mut workspace = plan.workspace();
            let outputs = plan.run(&[&tensor], &mut workspace)?;
            let planes = outputs.get(RECONSTRUCTION).unwrap_or_default();
            let pixel =
                |i: usize| (planes[i % 3 * height * width + i / 3] * 255.0).round().clamp(0.0, 255.0) as u8;
            Ok(Image::new(width, height, (0..planes.len()).map(pixel).collect())?)
        })
    }

    fn reconstruction_plan(&self) -> Result<&Plan> {
        if let Some(plan) = self.reconstruction.get() {
            return Ok(plan);
        }
        let net = reconstruction_net(self.config())?;
        let plan = Plan::new(&net, self.params())?;
        Ok(self.reconstruction.get_or_init(|| plan))
    }

    /// Score and map at the model's size, of what is inspected.
    fn raw(&self, inferred: &Inferred, recipe: Option<&Recipe>) -> Result<RawScores> {
        let config = self.config();
        let size = (config.preprocessing.height, config.preprocessing.width);
        let canvas = Canvas { grid: Shape::new(1, size.0, size.1), size, content: inferred.content };
        let inspected = canvas.inspected(recipe.and_then(|recipe| recipe.inspected.as_ref()))?;
        let mut map = score::probability(&inferred.outputs[0]);
        if let Some(mask) = inspected.as_ref().map(Inspected::pixels) {
            // What is not inspected gives no heat to windows that reach it.
            let quiet = map.iter_mut().zip(mask.data()).filter(|(p, counts)| !**counts && !p.is_nan());
            quiet.for_each(|(p, _)| *p = 0.0);
        }
        let score =
            score::image_score(&map, size, config.score_window, config.exclude_pad, inspected.as_ref())?;
        let Rect { width, height, .. } = inferred.content;
        let raw = RawScores { score, height, width, map: canvas.crop(map) };
        raw.check(SradModel::KIND)?;
        Ok(raw)
    }

    fn prediction(&self, image: &ImageView<'_>, inferred: &Inferred) -> Result<Prediction> {
        let started = Instant::now();
        let recipe = self.recipe();
        let raw = self.raw(inferred, Some(recipe))?;
        let mut prediction = recipe.prediction(SradModel::KIND, &raw, (image.width(), image.height()))?;
        prediction.timings = Timings { postprocess: started.elapsed(), ..inferred.timings };
        Ok(prediction)
    }
}

impl AnomalyDetector for Srad {
    fn name(&self) -> &str {
        SradModel::KIND
    }

    fn raw_scores(&self, images: &[ImageView<'_>]) -> Result<Vec<RawScores>> {
        self.threads().run(|| self.infer(images)?.iter().map(|inferred| self.raw(inferred, None)).collect())
    }

    fn predict(&self, images: &[ImageView<'_>]) -> Result<Vec<Prediction>> {
        self.threads().run(|| {
            let inferred = self.infer(images)?;
            images.iter().zip(&inferred).map(|(image, inferred)| self.prediction(image, inferred)).collect()
        })
    }
}
