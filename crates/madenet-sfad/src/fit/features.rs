//! Features of the training images: computed once where memory allows, else when a step needs them.

use std::sync::{Mutex, PoisonError};

use madenet_core::{Event, Label, Observer, Preprocessing};
use madenet_data::Dataset;
use madenet_nets::{Params, Plan, Shape, Workspace};
use rayon::prelude::*;

use super::FitError;
use crate::config::SfadConfig;
use crate::network::feature_net;

/// Images that go through the backbone at once: enough work for every core.
const CHUNK: usize = 8;

/// Locations of one image of the bank.
pub(crate) struct Pick {
    /// Which image of the data set.
    pub(crate) image: usize,
    /// Which of its locations, row by row.
    pub(crate) locations: Vec<usize>,
}

/// The feature vectors of a data set's images.
pub(crate) struct FeatureBank<'a> {
    data: &'a dyn Dataset,
    /// Whether anomalous images have features too.
    kinds: Kinds,
    preprocessing: Preprocessing,
    plan: Plan,
    /// Images run through the network one chunk at a time: it uses all threads.
    workspace: Mutex<Workspace>,
    shape: Shape,
    /// Rows of all images, location by location, where they fit in memory.
    cache: Option<Vec<f32>>,
}

/// Which images a bank takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kinds {
    /// Anomalous ones are an error.
    Normal,
    All,
}

impl<'a> FeatureBank<'a> {
    /// The bank of `data`, of which at most `cache_bytes` are kept.
    pub(crate) fn new(
        config: &SfadConfig,
        params: &Params,
        (data, kinds): (&'a dyn Dataset, Kinds),
        cache_bytes: usize,
        observer: &mut dyn Observer,
    ) -> Result<Self, FitError> {
        let net = feature_net(config)?;
        let shape = net.output_shape("features").unwrap_or(Shape::new(0, 0, 0));
        let plan = Plan::new(&net, params)?;
        let workspace = Mutex::new(plan.workspace());
        let preprocessing = config.preprocessing;
        let mut bank = FeatureBank { data, kinds, preprocessing, plan, workspace, shape, cache: None };
        let values = data.len().saturating_mul(shape.len());
        if values.saturating_mul(size_of::<f32>()) <= cache_bytes {
            bank.cache = Some(bank.compute_all(values, observer)?);
        }
        Ok(bank)
    }

    /// Length of a feature vector.
    pub(crate) fn dim(&self) -> usize {
        self.shape.c
    }

    /// Images in the bank.
    pub(crate) fn images(&self) -> usize {
        self.data.len()
    }

    /// Locations of an image.
    pub(crate) fn locations(&self) -> usize {
        self.shape.plane()
    }

    /// The feature vectors of the picked locations, one after another.
    pub(crate) fn rows(&self, picks: &[Pick]) -> Result<Vec<f32>, FitError> {
        let dim = self.dim();
        let mut rows = Vec::with_capacity(picks.iter().map(|p| p.locations.len()).sum::<usize>() * dim);
        let mut take = |features: &[f32], pick: &Pick| {
            for &location in &pick.locations {
                rows.extend_from_slice(&features[location * dim..(location + 1) * dim]);
            }
        };
        if let Some(cache) = &self.cache {
            let len = self.shape.len();
            picks.iter().for_each(|pick| take(&cache[pick.image * len..(pick.image + 1) * len], pick));
            return Ok(rows);
        }
        for chunk in picks.chunks(CHUNK) {
            let images: Vec<usize> = chunk.iter().map(|pick| pick.image).collect();
            let features = self.compute(&images)?;
            features.chunks_exact(self.shape.len()).zip(chunk).for_each(|(f, pick)| take(f, pick));
        }
        Ok(rows)
    }

    fn compute_all(&self, values: usize, observer: &mut dyn Observer) -> Result<Vec<f32>, FitError> {
        let of = self.images();
        let mut all = Vec::with_capacity(values);
        let order: Vec<usize> = (0..of).collect();
        for chunk in order.chunks(CHUNK) {
            all.extend(self.compute(chunk)?);
            let done = chunk.last().map_or(0, |last| last + 1);
            if observer.on_event(&Event::Image { stage: "features", done, of }).is_break() {
                return Err(FitError::Cancelled { stage: "features" });
            }
        }
        Ok(all)
    }

    /// Features of some images, location by location.
    fn compute(&self, images: &[usize]) -> Result<Vec<f32>, FitError> {
        let len = self.preprocessing.shape().len();
        let mut tensors = vec![0.0; images.len() * len];
        images.par_iter().zip(tensors.par_chunks_exact_mut(len)).try_for_each(
            |(&image, tensor)| -> Result<(), FitError> {
                let sample = self.data.get(image)?;
                if self.kinds == Kinds::Normal && sample.label == Label::Anomalous {
                    return Err(FitError::Anomalous { id: sample.id });
                }
                self.preprocessing.apply(&sample.image.as_view(), tensor)?;
                Ok(())
            },
        )?;
        // What is in it after a panic does not matter: a run begins by writing.
        let mut workspace = self.workspace.lock().unwrap_or_else(PoisonError::into_inner);
        let outputs = self.plan.run(&[&tensors], &mut workspace)?;
        let maps = outputs.get("features").unwrap_or_default();
        let (dim, plane) = (self.shape.c, self.shape.plane());
        let mut rows = vec![0.0; maps.len()];
        let pairs = rows.par_chunks_exact_mut(dim * plane).zip(maps.par_chunks_exact(dim * plane));
        pairs.for_each(|(rows, maps)| {
            for (location, row) in rows.chunks_exact_mut(dim).enumerate() {
                row.iter_mut().enumerate().for_each(|(c, value)| *value = maps[c * plane + location]);
            }
        });
        Ok(rows)
    }
}
