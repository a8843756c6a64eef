//! A fitted SFAD model.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use madenet_core::{
    AnomalyDetector, Error, Prediction, RawScores, Recipe, Recipes, Result, Threads, Timings,
    model_from_bytes, model_to_bytes, read_model, write_model,
};
use madenet_image::{ImageView, Rect};
use madenet_nets::{Memory, Params, Plan, PlanOptions, Shape, Workspace};
use serde::{Deserialize, Serialize};

use crate::config::{SfadConfig, SmoothAt};
use crate::network::deployed_net;
use crate::score::{self, Canvas, Inspected};

/// Kind of the model file.
const KIND: &str = "sfad";
/// Images that go through the network at once: enough work for every core.
pub(crate) const CHUNK: usize = 8;
/// Memory that a chunk may take, in bytes; a network that needs more for one image is refused. WideResNet-50-2 at
/// 1024x1024 takes a quarter of it.
const MAX_ARENA: usize = 4 << 30;
/// Pixels of a map at an image's own size and its bars, at most: 1 GiB.
const MAX_CANVAS: usize = 1 << 28;

/// A fitted SFAD model: loads, predicts, saves. Cloning is cheap, and one model serves many threads.
#[derive(Clone, Debug)]
pub struct Sfad {
    content: Arc<Content>,
    /// Whose recipe is followed; the default one where there is none.
    category: Option<String>,
    threads: Threads,
    params: Arc<Params>,
    network: Arc<Network>,
}

/// What a model file holds beside the weights.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    config: SfadConfig,
    recipes: Recipes,
    provenance: Option<Provenance>,
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
}

/// The deployed network and the memory of runs that are not under way.
#[derive(Debug)]
struct Network {
    plan: Plan,
    grid: Shape,
    /// Images that go through it at once.
    chunk: usize,
    idle: Mutex<Vec<Run>>,
}

/// The memory of one run.
#[derive(Debug, Default)]
struct Run {
    images: Vec<f32>,
    workspace: Workspace,
}

/// One image of a batch: the anomaly of its grid, the part of the network's input that it covers, and what it took.
struct Graded {
    grid: Vec<f32>,
    content: Rect,
    timings: Timings,
}

impl Sfad {
    /// A model from its parts; `params` may hold more than the network needs.
    ///
    /// # Errors
    /// [`Error::Config`] for a configuration out of range, [`Error::Net`] for weights that do not fit it.
    pub(crate) fn new(
        config: SfadConfig,
        recipes: Recipes,
        provenance: Option<Provenance>,
        params: &Params,
    ) -> Result<Self> {
        config.validate()?;
        recipes.validate()?;
        let params = params.select(&deployed_net(&config)?)?;
        let network = Network::new(&config, &params, Memory::default())?;
        Ok(Sfad {
            content: Arc::new(Content { config, recipes, provenance }),
            category: None,
            threads: Threads::default(),
            params: Arc::new(params),
            network: Arc::new(network),
        })
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// [`Error::Read`], or what [`from_bytes`](Self::from_bytes) gives.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let (content, params) = read_model(path, KIND)?;
        Self::from_content(content, &params).map_err(|e| unusable(e, &path.display().to_string()))
    }

    /// Reads the bytes of a model file; `name` is what errors call it.
    ///
    /// # Errors
    /// Those of [`model_from_bytes`]; [`Error::Model`] for a configuration or recipe out of range and for missing, unused,
    /// wrongly shaped and non-finite weights, which its source names.
    pub fn from_bytes(bytes: &[u8], name: &str) -> Result<Self> {
        let (content, params) = model_from_bytes(bytes, name, KIND)?;
        Self::from_content(content, &params).map_err(|e| unusable(e, name))
    }

    fn from_content(content: Content, params: &Params) -> Result<Self> {
        let Content { config, recipes, provenance } = content;
        config.validate()?;
        params.all_used_by(&deployed_net(&config)?)?;
        Self::new(config, recipes, provenance, params)
    }

    /// Writes the model file; a file that is there is replaced at once or not at all.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        write_model(path, KIND, &*self.content, &self.params)
    }

    /// The bytes of the model file.
    ///
    /// # Errors
    /// Only if the file cannot be made.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        model_to_bytes(KIND, &*self.content, &self.params)
    }

    /// Network and inference rules.
    #[must_use]
    pub fn config(&self) -> &SfadConfig {
        &self.content.config
    }

    /// What the line may change: the recipe that this model follows.
    #[must_use]
    pub fn recipe(&self) -> &Recipe {
        let recipes = &self.content.recipes;
        self.category.as_ref().and_then(|name| recipes.categories.get(name)).unwrap_or(&recipes.default)
    }

    /// All recipes: the default one and those of categories.
    #[must_use]
    pub fn recipes(&self) -> &Recipes {
        &self.content.recipes
    }

    /// The same model with other recipes, following the default one. The network is shared.
    ///
    /// # Errors
    /// As [`Recipe::validate`].
    pub fn with_recipes(&self, recipes: Recipes) -> Result<Self> {
        recipes.validate()?;
        let content = Content { recipes, ..Content::clone(&self.content) };
        Ok(Sfad { content: Arc::new(content), category: None, ..self.clone() })
    }

    /// The same model with another recipe, for instance another threshold, in place of the one that it follows. The
    /// network is shared.
    ///
    /// # Errors
    /// As [`Recipe::validate`].
    pub fn with_recipe(&self, recipe: Recipe) -> Result<Self> {
        let mut recipes = self.content.recipes.clone();
        match &self.category {
            Some(name) => recipes.categories.insert(name.clone(), recipe),
            None => Some(std::mem::replace(&mut recipes.default, recipe)),
        };
        Ok(Sfad { category: self.category.clone(), ..self.with_recipes(recipes)? })
    }

    /// The same model following the recipe of a category. The network is shared.
    ///
    /// # Errors
    /// [`Error::UnknownCategory`] if it has none of its own.
    pub fn for_category(&self, name: &str) -> Result<Self> {
        self.content.recipes.of(name)?;
        Ok(Sfad { category: Some(name.to_string()), ..self.clone() })
    }

    /// The same model on a budget of threads. The network is shared.
    #[must_use]
    pub fn with_threads(&self, threads: Threads) -> Self {
        Sfad { threads, ..self.clone() }
    }

    /// The same model with its network planned for another setting of memory against speed. Scores differ by rounding.
    ///
    /// # Errors
    /// Only if the network cannot be planned.
    pub fn with_memory(&self, memory: Memory) -> Result<Self> {
        let network = Network::new(&self.content.config, &self.params, memory)?;
        Ok(Sfad { network: Arc::new(network), ..self.clone() })
    }

    /// How the model came to be, where it is known.
    #[must_use]
    pub fn provenance(&self) -> Option<&Provenance> {
        self.content.provenance.as_ref()
    }

    /// The weights: `backbone.*`, `adaptor.*` and `discriminator.*`.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The graded grid of every image.
    fn grade(&self, images: &[ImageView<'_>]) -> Result<Vec<Graded>> {
        let idle = || self.network.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let mut run = idle().pop().unwrap_or_default();
        let mut graded = Vec::with_capacity(images.len());
        for chunk in images.chunks(self.network.chunk) {
            graded.extend(self.grade_chunk(chunk, &mut run)?);
        }
        idle().push(run);
        Ok(graded)
    }

    fn grade_chunk(&self, images: &[ImageView<'_>], run: &mut Run) -> Result<Vec<Graded>> {
        let preprocessing = &self.content.config.preprocessing;
        let len = preprocessing.shape().len();
        let started = Instant::now();
        run.images.resize(images.len() * len, 0.0);
        let tensors = images.iter().zip(run.images.chunks_exact_mut(len));
        let contents = tensors.map(|(image, tensor)| preprocessing.apply(image, tensor));
        let contents = contents.collect::<Result<Vec<_>>>()?;
        let preprocess = share(started, images.len());
        let started = Instant::now();
        let outputs = self.network.plan.run(&[&run.images], &mut run.workspace)?;
        let normality = outputs.get("normality").unwrap_or_default();
        let model = share(started, images.len());
        let timings = Timings { preprocess, model, postprocess: Duration::ZERO };
        let grids = normality.chunks_exact(self.network.grid.len()).map(score::anomaly);
        Ok(grids.zip(contents).map(|(grid, content)| Graded { grid, content, timings }).collect())
    }

    /// Score and map at the model's size, of the whole image.
    fn raw(&self, graded: &Graded) -> Result<RawScores> {
        let canvas = self.canvas(graded);
        let inspected = canvas.inspected(None)?;
        let grid = score::quiet_elsewhere(&graded.grid, inspected.as_ref());
        self.raw_of(&grid, &canvas, inspected.as_ref())
    }

    /// Score and map at the model's size, of what is inspected.
    fn raw_of(&self, grid: &[f32], canvas: &Canvas, inspected: Option<&Inspected>) -> Result<RawScores> {
        let config = &self.content.config;
        let map = score::map(grid, canvas.grid, canvas.size, config.smoothing)?;
        let score = score::image_score(config.image_score, grid, &map, inspected);
        let Rect { width, height, .. } = canvas.content;
        Ok(RawScores { score, height, width, map: canvas.crop(map) })
    }

    fn prediction(&self, image: &ImageView<'_>, graded: &Graded) -> Result<Prediction> {
        let started = Instant::now();
        let recipe = self.recipe();
        let size = (image.width(), image.height());
        let canvas = self.canvas(graded);
        let inspected = canvas.inspected(recipe.inspected.as_ref())?;
        let grid = score::quiet_elsewhere(&graded.grid, inspected.as_ref());
        let mut raw = self.raw_of(&grid, &canvas, inspected.as_ref())?;
        if self.content.config.smooth_at == SmoothAt::Original {
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
            let sigma = self.content.config.smoothing * scale;
            raw.map = canvas.crop(score::map(&grid, canvas.grid, canvas.size, sigma)?);
            (raw.width, raw.height) = size;
        }
        let mut prediction = recipe.prediction(KIND, &raw, size)?;
        prediction.timings = Timings { postprocess: started.elapsed(), ..graded.timings };
        Ok(prediction)
    }

    fn canvas(&self, graded: &Graded) -> Canvas {
        let preprocessing = &self.content.config.preprocessing;
        let size = (preprocessing.height, preprocessing.width);
        Canvas { grid: self.network.grid, size, content: graded.content }
    }
}

impl Network {
    fn new(config: &SfadConfig, params: &Params, memory: Memory) -> Result<Self> {
        let net = deployed_net(config)?;
        let plan = Plan::with_options(&net, params, PlanOptions { memory, ..PlanOptions::default() })?;
        let grid = net.output_shape("normality").unwrap_or(Shape::new(1, 0, 0));
        let bytes = plan.workspace_bytes(1).max(1);
        if bytes > MAX_ARENA {
            let got = format!("{bytes} bytes for an image of the model's size");
            return Err(Error::Config { field: "memory", got, expected: "at most 4 GiB" });
        }
        let chunk = (MAX_ARENA / bytes).min(CHUNK);
        Ok(Network { plan, grid, chunk, idle: Mutex::default() })
    }
}

/// What is wrong with the model file called `name`.
fn unusable(error: Error, name: &str) -> Error {
    Error::Model { name: name.to_string(), source: Box::new(error) }
}

/// The time since `started`, shared by `n`.
fn share(started: Instant, n: usize) -> Duration {
    started.elapsed() / u32::try_from(n.max(1)).unwrap_or(u32::MAX)
}

impl AnomalyDetector for Sfad {
    fn name(&self) -> &str {
        KIND
    }

    fn raw_scores(&self, images: &[ImageView<'_>]) -> Result<Vec<RawScores>> {
        self.threads.run(|| {
            let raw = self.grade(images)?.into_iter().map(|graded| {
                let raw = self.raw(&graded)?;
                raw.check(KIND)?;
                Ok(raw)
            });
            raw.collect()
        })
    }

    fn predict(&self, images: &[ImageView<'_>]) -> Result<Vec<Prediction>> {
        self.threads.run(|| {
            let graded = self.grade(images)?;
            images.iter().zip(graded).map(|(image, graded)| self.prediction(image, &graded)).collect()
        })
    }
}
