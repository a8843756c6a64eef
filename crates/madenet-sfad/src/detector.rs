//! A fitted SFAD model.

use std::ops::Deref;
use std::path::Path;
use std::time::Instant;

use madenet_core::{
    AnomalyDetector, Canvas, Error, Inferred, Inspected, Model, Prediction, Preprocessing, RawScores, Recipe,
    Recipes, Result, Submodel, Threads, Timings,
};
use madenet_image::{ImageView, Rect};
#[cfg(feature = "train")]
use madenet_nets::Params;
use madenet_nets::{Memory, Net};
use serde::{Deserialize, Serialize};

use crate::config::{SfadConfig, SmoothAt};
use crate::network::deployed_net;
use crate::score;

/// Pixels of a map at an image's own size and its bars, at most: 1 GiB.
const MAX_CANVAS: usize = 1 << 28;

/// A fitted SFAD model: loads, predicts, saves. Cloning is cheap, and one model serves many threads. What it shares with the
/// other submodels' models (recipes, configuration, weights, saving) is in [`Model`], which it dereferences to.
#[derive(Clone, Debug)]
pub struct Sfad(Model<SfadModel>);

/// What tells SFAD's models from those of other submodels.
#[derive(Clone, Copy, Debug)]
pub enum SfadModel {}

impl Submodel for SfadModel {
    const KIND: &'static str = "sfad";
    const OUTPUTS: &'static [&'static str] = &["normality"];
    type Config = SfadConfig;
    type Provenance = Provenance;

    fn validate(config: &SfadConfig) -> Result<()> {
        config.validate()
    }

    fn preprocessing(config: &SfadConfig) -> &Preprocessing {
        &config.preprocessing
    }

    fn net(config: &SfadConfig) -> Result<Net> {
        Ok(deployed_net(config)?)
    }
}

impl Deref for Sfad {
    type Target = Model<SfadModel>;

    fn deref(&self) -> &Model<SfadModel> {
        &self.0
    }
}

/// How a model came to be.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Configuration of the fit.
    pub fit: crate::FitConfig,
    /// Images that the discriminator was trained on.
    pub training_images: usize,
    /// Images held out for the calibration.
    pub validation_images: usize,
    /// Deviation of the noise that was added to the features.
    pub noise_sigma: f32,
    /// Stage 2, if there was one.
    #[serde(default)]
    pub fine_tuned: Option<FineTuned>,
}

/// How a model was tuned.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FineTuned {
    /// Its configuration.
    pub config: crate::FineTuneConfig,
    /// Normal images.
    pub normal_images: usize,
    /// Images with real defects and masks.
    pub anomalous_images: usize,
}

impl Sfad {
    /// A model from its parts; `params` may hold more than the network needs.
    ///
    /// # Errors
    /// As [`Model::new`].
    #[cfg(feature = "train")]
    pub(crate) fn new(
        config: SfadConfig,
        recipes: Recipes,
        provenance: Option<Provenance>,
        params: &Params,
    ) -> Result<Self> {
        Model::new(config, recipes, provenance, params).map(Sfad)
    }

    /// Reads a model file: [`Model::load`].
    ///
    /// # Errors
    /// As there.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Model::load(path).map(Sfad)
    }

    /// Reads the bytes of a model file: [`Model::from_bytes`].
    ///
    /// # Errors
    /// As there.
    pub fn from_bytes(bytes: &[u8], name: &str) -> Result<Self> {
        Model::from_bytes(bytes, name).map(Sfad)
    }

    /// The same model with other recipes: [`Model::with_recipes`].
    ///
    /// # Errors
    /// As there.
    pub fn with_recipes(&self, recipes: Recipes) -> Result<Self> {
        self.0.with_recipes(recipes).map(Sfad)
    }

    /// The same model with another recipe in place of the one that it follows: [`Model::with_recipe`].
    ///
    /// # Errors
    /// As there.
    pub fn with_recipe(&self, recipe: Recipe) -> Result<Self> {
        self.0.with_recipe(recipe).map(Sfad)
    }

    /// The same model following the recipe of a category: [`Model::for_category`].
    ///
    /// # Errors
    /// As there.
    pub fn for_category(&self, name: &str) -> Result<Self> {
        self.0.for_category(name).map(Sfad)
    }

    /// The same model on a budget of threads: [`Model::with_threads`].
    #[must_use]
    pub fn with_threads(&self, threads: Threads) -> Self {
        Sfad(self.0.with_threads(threads))
    }

    /// The same model planned for another setting of memory against speed: [`Model::with_memory`].
    ///
    /// # Errors
    /// As there.
    pub fn with_memory(&self, memory: Memory) -> Result<Self> {
        self.0.with_memory(memory).map(Sfad)
    }

    /// Score and map at the model's size, of the whole image.
    fn raw(&self, inferred: &Inferred) -> Result<RawScores> {
        let canvas = self.canvas(inferred);
        let inspected = canvas.inspected(None)?;
        let grid = score::anomaly(&inferred.outputs[0]);
        let grid = score::quiet_elsewhere(&grid, inspected.as_ref());
        self.raw_of(&grid, &canvas, inspected.as_ref())
    }

    /// Score and map at the model's size, of what is inspected.
    fn raw_of(&self, grid: &[f32], canvas: &Canvas, inspected: Option<&Inspected>) -> Result<RawScores> {
        let config = self.config();
        let map = canvas.smooth_map(grid, config.smoothing)?;
        let score = score::image_score(config.image_score, grid, &map, inspected);
        let Rect { width, height, .. } = canvas.content;
        Ok(RawScores { score, height, width, map: canvas.crop(map) })
    }

    fn prediction(&self, image: &ImageView<'_>, inferred: &Inferred) -> Result<Prediction> {
        let started = Instant::now();
        let recipe = self.recipe();
        let size = (image.width(), image.height());
        let canvas = self.canvas(inferred);
        let inspected = canvas.inspected(recipe.inspected.as_ref())?;
        let grid = score::anomaly(&inferred.outputs[0]);
        let grid = score::quiet_elsewhere(&grid, inspected.as_ref());
        let mut raw = self.raw_of(&grid, &canvas, inspected.as_ref())?;
        if self.config().smooth_at == SmoothAt::Original {
            let canvas = canvas.scaled_to(size);
            // A letterbox of a long image is mostly bars.
            if canvas.size.0.saturating_mul(canvas.size.1) > MAX_CANVAS {
                let got = format!("Original, for a letterboxed image of {} x {}", size.0, size.1);
                return Err(Error::Config {
                    field: "smooth_at",
                    got,
                    expected: "at most 2^28 pixels with the bars",
                });
            }
            let scale = (size.0 as f32 * size.1 as f32 / (raw.height as f32 * raw.width as f32)).sqrt();
            let sigma = self.config().smoothing * scale;
            raw.map = canvas.crop(canvas.smooth_map(&grid, sigma)?);
            (raw.width, raw.height) = size;
        }
        let mut prediction = recipe.prediction(SfadModel::KIND, &raw, size)?;
        prediction.timings = Timings { postprocess: started.elapsed(), ..inferred.timings };
        Ok(prediction)
    }

    fn canvas(&self, inferred: &Inferred) -> Canvas {
        let preprocessing = &self.config().preprocessing;
        let size = (preprocessing.height, preprocessing.width);
        Canvas { grid: self.outputs()[0], size, content: inferred.content }
    }
}

impl AnomalyDetector for Sfad {
    fn name(&self) -> &str {
        SfadModel::KIND
    }

    fn raw_scores(&self, images: &[ImageView<'_>]) -> Result<Vec<RawScores>> {
        self.threads().run(|| {
            let raw = self.infer(images)?.into_iter().map(|inferred| {
                let raw = self.raw(&inferred)?;
                raw.check(SfadModel::KIND)?;
                Ok(raw)
            });
            raw.collect()
        })
    }

    fn predict(&self, images: &[ImageView<'_>]) -> Result<Vec<Prediction>> {
        self.threads().run(|| {
            let inferred = self.infer(images)?;
            images.iter().zip(inferred).map(|(image, inferred)| self.prediction(image, &inferred)).collect()
        })
    }
}
