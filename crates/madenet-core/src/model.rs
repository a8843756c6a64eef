//! A network with all that deploys it: what every submodel is made of.

use std::fmt::Debug;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use madenet_image::{ImageView, Rect};
use madenet_nets::{Memory, Net, Params, Plan, PlanOptions, Shape, Workspace};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{
    Error, Preprocessing, Recipe, Recipes, Result, Threads, Timings, model_from_bytes, model_to_bytes,
    read_model, write_model,
};

/// Images that go through a network at once, at most: enough work for every core.
const CHUNK: usize = 8;
/// Memory that a chunk may take, in bytes; a network that needs more for one image is refused. WideResNet-50-2 at
/// 1024x1024 takes a quarter of it.
const MAX_ARENA: usize = 4 << 30;

/// What tells the models of a submodel from those of others.
pub trait Submodel {
    /// Kind of its model files, and the route of its predictions: `"sfad"`.
    const KIND: &'static str;
    /// The outputs of its network that it scores by.
    const OUTPUTS: &'static [&'static str];
    /// Network and inference rules, stored with the model.
    type Config: Clone + PartialEq + Debug + Serialize + DeserializeOwned;
    /// How a model came to be.
    type Provenance: Clone + PartialEq + Debug + Serialize + DeserializeOwned;

    /// Checks the ranges of the configuration's fields.
    ///
    /// # Errors
    /// [`Error::Config`].
    fn validate(config: &Self::Config) -> Result<()>;

    /// From pixels to the network's input.
    fn preprocessing(config: &Self::Config) -> &Preprocessing;

    /// The deployed network: one image in, [`OUTPUTS`](Self::OUTPUTS) out.
    ///
    /// # Errors
    /// Where a valid configuration makes no network.
    fn net(config: &Self::Config) -> Result<Net>;
}

/// A submodel's network with configuration, recipes and weights: loads, runs, saves. Cloning is cheap, and one serves many
/// threads. The submodels' own types wrap it.
#[derive(Debug)]
pub struct Model<S: Submodel> {
    content: Arc<Content<S>>,
    /// Whose recipe is followed; the default one where there is none.
    category: Option<String>,
    threads: Threads,
    params: Arc<Params>,
    network: Arc<Network>,
}

/// What a model file holds beside the weights.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
struct Content<S: Submodel> {
    config: S::Config,
    recipes: Recipes,
    provenance: Option<S::Provenance>,
}

/// The deployed network and the memory of runs that are not under way.
#[derive(Debug)]
struct Network {
    plan: Plan,
    /// Shapes of the outputs.
    outputs: Vec<Shape>,
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

/// What the network says of one image.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inferred {
    /// The outputs in the order of [`Submodel::OUTPUTS`], of [`Model::outputs`].
    pub outputs: Vec<Vec<f32>>,
    /// The part of the network's input that the image covers.
    pub content: Rect,
    /// What it took; nothing after the network yet.
    pub timings: Timings,
}

impl<S: Submodel> Clone for Model<S> {
    fn clone(&self) -> Self {
        Model {
            content: Arc::clone(&self.content),
            category: self.category.clone(),
            threads: self.threads.clone(),
            params: Arc::clone(&self.params),
            network: Arc::clone(&self.network),
        }
    }
}

impl<S: Submodel> Model<S> {
    /// A model from its parts; `params` may hold more than the network needs.
    ///
    /// # Errors
    /// [`Error::Config`] for a configuration out of range, [`Error::Net`] for weights that do not fit it.
    pub fn new(
        config: S::Config,
        recipes: Recipes,
        provenance: Option<S::Provenance>,
        params: &Params,
    ) -> Result<Self> {
        S::validate(&config)?;
        recipes.validate()?;
        let params = params.select(&S::net(&config)?)?;
        let network = Network::new::<S>(&config, &params, Memory::default())?;
        Ok(Model {
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
        let (content, params) = read_model(path, S::KIND)?;
        Self::from_content(content, &params).map_err(|e| unusable(e, &path.display().to_string()))
    }

    /// Reads the bytes of a model file; `name` is what errors call it.
    ///
    /// # Errors
    /// Those of [`model_from_bytes`]; [`Error::Model`] for a configuration or recipe out of range and for missing, unused,
    /// wrongly shaped and non-finite weights, which its source names.
    pub fn from_bytes(bytes: &[u8], name: &str) -> Result<Self> {
        let (content, params) = model_from_bytes(bytes, name, S::KIND)?;
        Self::from_content(content, &params).map_err(|e| unusable(e, name))
    }

    fn from_content(content: Content<S>, params: &Params) -> Result<Self> {
        let Content { config, recipes, provenance } = content;
        S::validate(&config)?;
        params.all_used_by(&S::net(&config)?)?;
        Self::new(config, recipes, provenance, params)
    }

    /// Writes the model file; a file that is there is replaced at once or not at all.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        write_model(path, S::KIND, &*self.content, &self.params)
    }

    /// The bytes of the model file.
    ///
    /// # Errors
    /// Only if the file cannot be made.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        model_to_bytes(S::KIND, &*self.content, &self.params)
    }

    /// Network and inference rules.
    #[must_use]
    pub fn config(&self) -> &S::Config {
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
        let Content { config, provenance, .. } = &*self.content;
        let content = Content { config: config.clone(), recipes, provenance: provenance.clone() };
        Ok(Model { content: Arc::new(content), category: None, ..self.clone() })
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
        Ok(Model { category: self.category.clone(), ..self.with_recipes(recipes)? })
    }

    /// The same model following the recipe of a category. The network is shared.
    ///
    /// # Errors
    /// [`Error::UnknownCategory`] if it has none of its own.
    pub fn for_category(&self, name: &str) -> Result<Self> {
        self.content.recipes.of(name)?;
        Ok(Model { category: Some(name.to_string()), ..self.clone() })
    }

    /// The same model on a budget of threads. The network is shared.
    #[must_use]
    pub fn with_threads(&self, threads: Threads) -> Self {
        Model { threads, ..self.clone() }
    }

    /// The same model with its network planned for another setting of memory against speed. Scores differ by rounding.
    ///
    /// # Errors
    /// Only if the network cannot be planned.
    pub fn with_memory(&self, memory: Memory) -> Result<Self> {
        let network = Network::new::<S>(&self.content.config, &self.params, memory)?;
        Ok(Model { network: Arc::new(network), ..self.clone() })
    }

    /// How the model came to be, where it is known.
    #[must_use]
    pub fn provenance(&self) -> Option<&S::Provenance> {
        self.content.provenance.as_ref()
    }

    /// The weights of the deployed network.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The budget of threads.
    #[must_use]
    pub fn threads(&self) -> &Threads {
        &self.threads
    }

    /// Shapes of the outputs in the order of [`Submodel::OUTPUTS`].
    #[must_use]
    pub fn outputs(&self) -> &[Shape] {
        &self.network.outputs
    }

    /// Runs the network on images of any size, on the caller's threads: [`Threads::run`] is up to the caller.
    ///
    /// # Errors
    /// Where an image cannot be brought to the network's input.
    pub fn infer(&self, images: &[ImageView<'_>]) -> Result<Vec<Inferred>> {
        let idle = || self.network.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let mut run = idle().pop().unwrap_or_default();
        let mut inferred = Vec::with_capacity(images.len());
        for chunk in images.chunks(self.network.chunk) {
            inferred.extend(self.infer_chunk(chunk, &mut run)?);
        }
        idle().push(run);
        Ok(inferred)
    }

    fn infer_chunk(&self, images: &[ImageView<'_>], run: &mut Run) -> Result<Vec<Inferred>> {
        let preprocessing = S::preprocessing(&self.content.config);
        let len = preprocessing.shape().len();
        let started = Instant::now();
        run.images.resize(images.len() * len, 0.0);
        let tensors = images.iter().zip(run.images.chunks_exact_mut(len));
        let contents = tensors.map(|(image, tensor)| preprocessing.apply(image, tensor));
        let contents = contents.collect::<Result<Vec<_>>>()?;
        let preprocess = share(started, images.len());
        let started = Instant::now();
        let outputs = self.network.plan.run(&[&run.images], &mut run.workspace)?;
        let model = share(started, images.len());
        let timings = Timings { preprocess, model, postprocess: Duration::ZERO };
        let of = |image: usize| {
            let of_image = |(name, shape): (&&str, &Shape)| {
                let values = outputs.get(name).unwrap_or_default();
                values.chunks_exact(shape.len().max(1)).nth(image).unwrap_or_default().to_vec()
            };
            S::OUTPUTS.iter().zip(&self.network.outputs).map(of_image).collect()
        };
        let inferred = contents.into_iter().enumerate();
        Ok(inferred.map(|(i, content)| Inferred { outputs: of(i), content, timings }).collect())
    }
}

impl Network {
    fn new<S: Submodel>(config: &S::Config, params: &Params, memory: Memory) -> Result<Self> {
        let net = S::net(config)?;
        let plan = Plan::with_options(&net, params, PlanOptions { memory, ..PlanOptions::default() })?;
        let shape = |name: &&str| net.output_shape(name).unwrap_or(Shape::new(0, 0, 0));
        let outputs = S::OUTPUTS.iter().map(shape).collect();
        let bytes = plan.workspace_bytes(1).max(1);
        if bytes > MAX_ARENA {
            let got = format!("{bytes} bytes for an image of the model's size");
            return Err(Error::Config { field: "memory", got, expected: "at most 4 GiB" });
        }
        let chunk = (MAX_ARENA / bytes).min(CHUNK);
        Ok(Network { plan, outputs, chunk, idle: Mutex::default() })
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
