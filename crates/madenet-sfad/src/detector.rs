//! A fitted SFAD model.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use madenet_core::{
    AnomalyDetector, Calibration, Error, Prediction, RawScores, Result, Timings, model_from_bytes,
    model_to_bytes, read_model, write_model,
};
use madenet_image::ImageView;
use madenet_nets::{Params, Plan, Shape, Workspace};
use serde::{Deserialize, Serialize};

use crate::config::{SfadConfig, SmoothAt};
use crate::network::deployed_net;
use crate::score;

/// Kind of the model file.
const KIND: &str = "sfad";
/// Images that go through the network at once: enough work for every core, with bounded memory.
pub(crate) const CHUNK: usize = 8;

/// A fitted SFAD model: loads, predicts, saves. Cloning is cheap, and one model serves many threads.
#[derive(Clone, Debug)]
pub struct Sfad {
    content: Content,
    params: Arc<Params>,
    network: Arc<Network>,
}

/// What a model file holds beside the weights.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    config: SfadConfig,
    calibration: Calibration,
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
    idle: Mutex<Vec<Run>>,
}

/// The memory of one run.
#[derive(Debug, Default)]
struct Run {
    images: Vec<f32>,
    workspace: Workspace,
}

/// One image of a batch: its normality grid and what it took.
struct Graded {
    normality: Vec<f32>,
    timings: Timings,
}

impl Sfad {
    /// A model from its parts; `params` may hold more than the network needs.
    ///
    /// # Errors
    /// [`Error::Config`] for a configuration out of range, [`Error::Net`] for weights that do not fit it.
    pub(crate) fn new(
        config: SfadConfig,
        calibration: Calibration,
        provenance: Option<Provenance>,
        params: &Params,
    ) -> Result<Self> {
        config.validate()?;
        calibration.validate()?;
        let net = deployed_net(&config)?;
        let params = params.select(&net)?;
        let plan = Plan::new(&net, &params)?;
        let grid = net.output_shape("normality").unwrap_or(Shape::new(1, 0, 0));
        let network = Network { plan, grid, idle: Mutex::default() };
        let content = Content { config, calibration, provenance };
        Ok(Sfad { content, params: Arc::new(params), network: Arc::new(network) })
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// [`Error::Read`], or what [`from_bytes`](Self::from_bytes) gives.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let (content, params) = read_model(path, KIND)?;
        Self::from_content(content, &params)
    }

    /// Reads the bytes of a model file; `name` is what errors call it.
    ///
    /// # Errors
    /// Those of [`model_from_bytes`]; [`Error::Config`] for a configuration out of range; [`Error::Net`] for missing,
    /// unused, wrongly shaped and non-finite weights.
    pub fn from_bytes(bytes: &[u8], name: &str) -> Result<Self> {
        let (content, params) = model_from_bytes(bytes, name, KIND)?;
        Self::from_content(content, &params)
    }

    fn from_content(content: Content, params: &Params) -> Result<Self> {
        let Content { config, calibration, provenance } = content;
        config.validate()?;
        params.all_used_by(&deployed_net(&config)?)?;
        Self::new(config, calibration, provenance, params)
    }

    /// Writes the model file; a file that is there is replaced at once or not at all.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        write_model(path, KIND, &self.content, &self.params)
    }

    /// The bytes of the model file.
    ///
    /// # Errors
    /// Only if the file cannot be made.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        model_to_bytes(KIND, &self.content, &self.params)
    }

    /// Network and inference rules.
    #[must_use]
    pub fn config(&self) -> &SfadConfig {
        &self.content.config
    }

    /// How raw scores read.
    #[must_use]
    pub fn calibration(&self) -> &Calibration {
        &self.content.calibration
    }

    /// The same model with another calibration, for instance another threshold. The network is shared.
    ///
    /// # Errors
    /// [`Error::Config`] if a number is not finite.
    pub fn with_calibration(&self, calibration: Calibration) -> Result<Self> {
        calibration.validate()?;
        let content = Content { calibration, ..self.content.clone() };
        Ok(Sfad { content, ..self.clone() })
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

    /// The normality grid of every image.
    fn grade(&self, images: &[ImageView<'_>]) -> Result<Vec<Graded>> {
        let idle = |run| self.network.idle.lock().unwrap_or_else(PoisonError::into_inner).push(run);
        let mut run =
            self.network.idle.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        let mut graded = Vec::with_capacity(images.len());
        for chunk in images.chunks(CHUNK) {
            graded.extend(self.grade_chunk(chunk, &mut run)?);
        }
        idle(run);
        Ok(graded)
    }

    fn grade_chunk(&self, images: &[ImageView<'_>], run: &mut Run) -> Result<Vec<Graded>> {
        let preprocessing = &self.content.config.preprocessing;
        let len = preprocessing.shape().len();
        let started = Instant::now();
        run.images.resize(images.len() * len, 0.0);
        for (image, tensor) in images.iter().zip(run.images.chunks_exact_mut(len)) {
            preprocessing.apply(image, tensor)?;
        }
        let preprocess = share(started, images.len());
        let started = Instant::now();
        let outputs = self.network.plan.run(&[&run.images], &mut run.workspace)?;
        let normality = outputs.get("normality").unwrap_or_default();
        let model = share(started, images.len());
        let timings = Timings { preprocess, model, postprocess: Duration::ZERO };
        let grids = normality.chunks_exact(self.network.grid.len());
        Ok(grids.map(|grid| Graded { normality: grid.to_vec(), timings }).collect())
    }

    /// Score and map of a grid at the model's size.
    fn raw(&self, grid: &[f32]) -> Result<RawScores> {
        let config = &self.content.config;
        let (height, width) = (config.preprocessing.height, config.preprocessing.width);
        let map = score::map(grid, self.network.grid, (height, width), config.smoothing)?;
        Ok(RawScores { score: score::image_score(config.image_score, grid, &map), height, width, map })
    }

    fn prediction(&self, image: &ImageView<'_>, graded: &Graded) -> Result<Prediction> {
        let started = Instant::now();
        let (height, width) = (image.height(), image.width());
        let grid = score::anomaly(&graded.normality);
        let mut raw = self.raw(&grid)?;
        if self.content.config.smooth_at == SmoothAt::Original {
            let scale = (height as f32 * width as f32 / (raw.height as f32 * raw.width as f32)).sqrt();
            let sigma = self.content.config.smoothing * scale;
            raw.map = score::map(&grid, self.network.grid, (height, width), sigma)?;
            (raw.height, raw.width) = (height, width);
        }
        let mut prediction = self.content.calibration.prediction(KIND, &raw, (height, width))?;
        prediction.timings = Timings { postprocess: started.elapsed(), ..graded.timings };
        Ok(prediction)
    }
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
        let scores = self.grade(images)?.into_iter().map(|graded| {
            let raw = self.raw(&score::anomaly(&graded.normality))?;
            match raw.map.iter().copied().chain([raw.score]).find(|s| !s.is_finite()) {
                Some(value) => Err(Error::NonFiniteScore { what: KIND.to_string(), value }),
                None => Ok(raw),
            }
        });
        scores.collect()
    }

    fn predict(&self, images: &[ImageView<'_>]) -> Result<Vec<Prediction>> {
        let graded = self.grade(images)?;
        images.iter().zip(graded).map(|(image, graded)| self.prediction(image, &graded)).collect()
    }
}
