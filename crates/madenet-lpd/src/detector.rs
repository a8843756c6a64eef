//! A fitted LPD model.

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use madenet_core::{
    AnomalyDetector, Canvas, Inferred, Inspected, Model, Prediction, Preprocessing, RawScores, Recipe,
    Recipes, Result, Submodel, Threads, Timings, counted,
};
use madenet_image::{ImageView, Rect};
use madenet_nets::{Memory, Net, Params};
use serde::{Deserialize, Serialize};

use crate::fit_config::{FineTuneConfig, LpdFitConfig};
use crate::grad_cam::GradCam;
use crate::lpd_config::{LpdConfig, LpdMap, LpdScore};
use crate::network::{
    BACKBONE, EMBEDDING, IMAGE_DENSITY, LOGITS, MAPS, WHITE_EMBEDDING, WHITE_LOCAL, deployed_net,
};
use crate::score;

/// A fitted LPD model: loads, predicts, saves. Cloning is cheap, and one model serves many threads. What it shares with the
/// other submodels' models (recipes, configuration, weights, saving) is in [`Model`], which it dereferences to.
#[derive(Clone, Debug)]
pub struct Lpd {
    model: Model<LpdModel>,
    cam: Arc<GradCam>,
    /// Of the layer that makes embeddings white.
    bias: Arc<[f32]>,
}

/// What tells LPD's models from those of other submodels.
#[derive(Clone, Copy, Debug)]
pub enum LpdModel {}

/// The places of the outputs.
const AT_EMBEDDING: usize = 0;
const AT_WHITE_EMBEDDING: usize = 1;
const AT_WHITE_LOCAL: usize = 2;
const AT_MAPS: usize = 3;
const AT_LOGITS: usize = 4;

impl Submodel for LpdModel {
    const KIND: &'static str = "lpd";
    const OUTPUTS: &'static [&'static str] = &[EMBEDDING, WHITE_EMBEDDING, WHITE_LOCAL, MAPS, LOGITS];
    type Config = LpdConfig;
    type Provenance = Provenance;

    fn validate(config: &LpdConfig) -> Result<()> {
        config.validate()
    }

    fn preprocessing(config: &LpdConfig) -> &Preprocessing {
        &config.preprocessing
    }

    fn net(config: &LpdConfig) -> Result<Net> {
        deployed_net(config)
    }
}

impl Deref for Lpd {
    type Target = Model<LpdModel>;

    fn deref(&self) -> &Model<LpdModel> {
        &self.model
    }
}

/// How a model came to be.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Stage 1: configuration of the fit.
    pub fit: LpdFitConfig,
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
    /// Images with real defects.
    pub anomalous_images: usize,
}

impl From<Model<LpdModel>> for Lpd {
    fn from(model: Model<LpdModel>) -> Self {
        let bias = model.params().get(&format!("{IMAGE_DENSITY}.bias"));
        let bias = bias.map(|bias| bias.values().to_vec()).unwrap_or_default();
        Lpd { cam: Arc::new(GradCam::new(model.params())), bias: bias.into(), model }
    }
}

impl Lpd {
    /// Reads a model file: [`Model::load`].
    ///
    /// # Errors
    /// As there.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Model::load(path).map(Lpd::from)
    }

    /// Reads the bytes of a model file: [`Model::from_bytes`].
    ///
    /// # Errors
    /// As there.
    pub fn from_bytes(bytes: &[u8], name: &str) -> Result<Self> {
        Model::from_bytes(bytes, name).map(Lpd::from)
    }

    /// The same model with other recipes: [`Model::with_recipes`].
    ///
    /// # Errors
    /// As there.
    pub fn with_recipes(&self, recipes: Recipes) -> Result<Self> {
        Ok(Lpd { model: self.model.with_recipes(recipes)?, ..self.clone() })
    }

    /// The same model with another recipe in place of the one that it follows: [`Model::with_recipe`].
    ///
    /// # Errors
    /// As there.
    pub fn with_recipe(&self, recipe: Recipe) -> Result<Self> {
        Ok(Lpd { model: self.model.with_recipe(recipe)?, ..self.clone() })
    }

    /// The same model following the recipe of a category: [`Model::for_category`].
    ///
    /// # Errors
    /// As there.
    pub fn for_category(&self, name: &str) -> Result<Self> {
        Ok(Lpd { model: self.model.for_category(name)?, ..self.clone() })
    }

    /// The same model on a budget of threads: [`Model::with_threads`].
    #[must_use]
    pub fn with_threads(&self, threads: Threads) -> Self {
        Lpd { model: self.model.with_threads(threads), ..self.clone() }
    }

    /// The same model planned for another setting of memory against speed: [`Model::with_memory`].
    ///
    /// # Errors
    /// As there.
    pub fn with_memory(&self, memory: Memory) -> Result<Self> {
        Ok(Lpd { model: self.model.with_memory(memory)?, ..self.clone() })
    }

    /// The weights of the backbone under torchvision's names, without a classifier: where a detector's or another model's
    /// training may start.
    #[must_use]
    pub fn backbone(&self) -> Params {
        self.params().clone().take_under(BACKBONE)
    }

    /// The embeddings of images: what the backbone makes of each, as many values as its last layer has channels.
    ///
    /// # Errors
    /// Where an image cannot be brought to the network's input.
    pub fn embeddings(&self, images: &[ImageView<'_>]) -> Result<Vec<Vec<f32>>> {
        self.threads().run(|| {
            let inferred = self.infer(images)?.into_iter();
            Ok(inferred.map(|mut i| i.outputs.swap_remove(AT_EMBEDDING)).collect())
        })
    }

    /// Score and map at the model's size, of what is inspected.
    fn raw(&self, inferred: &Inferred, recipe: Option<&Recipe>) -> Result<RawScores> {
        let config = self.config();
        let size = (config.preprocessing.height, config.preprocessing.width);
        let (at, mut grid) = match config.map {
            LpdMap::Dense => {
                let locations = self.outputs()[AT_WHITE_LOCAL].plane();
                (AT_WHITE_LOCAL, score::local_distances(&inferred.outputs[AT_WHITE_LOCAL], locations))
            }
            LpdMap::GradCam => {
                let (embedding, maps) = (&inferred.outputs[AT_EMBEDDING], &inferred.outputs[AT_MAPS]);
                (AT_MAPS, self.cam.map(embedding, maps))
            }
        };
        let canvas = Canvas { grid: self.outputs()[at], size, content: inferred.content };
        let inspected = canvas.inspected(recipe.and_then(|recipe| recipe.inspected.as_ref()))?;
        if let Some(mask) = inspected.as_ref().map(Inspected::grid) {
            // The least inspected value, so that smoothing carries no heat from there.
            let least = counted(&grid, Some(mask)).into_iter().fold(f32::INFINITY, f32::min);
            let elsewhere = grid.iter_mut().zip(mask.data()).filter(|(v, counts)| !**counts && !v.is_nan());
            elsewhere.for_each(|(v, _)| *v = least);
        }
        let score = match config.score {
            LpdScore::Density => {
                let [embedding, white] =
                    [AT_EMBEDDING, AT_WHITE_EMBEDDING].map(|at| &inferred.outputs[at][..]);
                score::embedding_distance(embedding, white, &self.bias)
            }
            LpdScore::Probability => score::probability(&inferred.outputs[AT_LOGITS]),
        };
        let map = canvas.smooth_map(&grid, config.smoothing)?;
        let Rect { width, height, .. } = inferred.content;
        let raw = RawScores { score, height, width, map: canvas.crop(map) };
        raw.check(LpdModel::KIND)?;
        Ok(raw)
    }

    fn prediction(&self, image: &ImageView<'_>, inferred: &Inferred) -> Result<Prediction> {
        let started = Instant::now();
        let recipe = self.recipe();
        let raw = self.raw(inferred, Some(recipe))?;
        let mut prediction = recipe.prediction(LpdModel::KIND, &raw, (image.width(), image.height()))?;
        prediction.timings = Timings { postprocess: started.elapsed(), ..inferred.timings };
        Ok(prediction)
    }
}

impl AnomalyDetector for Lpd {
    fn name(&self) -> &str {
        LpdModel::KIND
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
