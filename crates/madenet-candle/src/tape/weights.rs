//! The parameters of a tape, and their gradients.

use madenet_nets::{Net, ParamId, Params};

use super::graph::Graph;
use crate::Result;

/// Values in PyTorch's order, as [`Params`] has them, by parameter.
#[derive(Clone, Debug)]
pub(super) struct Weights {
    values: Vec<Vec<f32>>,
    /// Of those that train; empty for others.
    gradients: Vec<Vec<f32>>,
    /// The trained parameters in the order of their names.
    trained: Vec<ParamId>,
    /// By parameter: how often its values have changed, so that what is packed of them can tell.
    versions: Vec<u64>,
}

impl Weights {
    pub(super) fn new(net: &Net, graph: &Graph, params: &Params) -> Result<Self> {
        let values: Vec<Vec<f32>> = params.values_for(net)?.into_iter().map(<[f32]>::to_vec).collect();
        let trained = (0..values.len()).filter(|&id| graph.trained[id]);
        let mut trained: Vec<ParamId> = trained.collect();
        trained.sort_by_key(|&id| &net.params()[id].0);
        let gradient =
            |(id, values): (usize, &Vec<f32>)| vec![0.0; if graph.trained[id] { values.len() } else { 0 }];
        Ok(Weights {
            gradients: values.iter().enumerate().map(gradient).collect(),
            versions: vec![0; values.len()],
            values,
            trained,
        })
    }

    /// Replaces all values.
    pub(super) fn import(&mut self, net: &Net, params: &Params) -> Result<()> {
        for (own, values) in self.values.iter_mut().zip(params.values_for(net)?) {
            own.copy_from_slice(values);
        }
        self.versions.iter_mut().for_each(|version| *version += 1);
        Ok(())
    }

    pub(super) fn export(&self, net: &Net) -> Result<Params> {
        let mut params = Params::new();
        for (values, (name, spec)) in self.values.iter().zip(net.params()) {
            params.insert(name.as_str(), spec.shape.clone(), values.clone())?;
        }
        Ok(params)
    }

    pub(super) fn values(&self, id: ParamId) -> &[f32] {
        &self.values[id]
    }

    /// The parameter and the version of its values.
    pub(super) fn version(&self, id: ParamId) -> (ParamId, u64) {
        (id, self.versions[id])
    }

    /// The gradient of a parameter that trains.
    pub(super) fn gradient_mut(&mut self, id: ParamId) -> Option<&mut [f32]> {
        Some(&mut self.gradients[id][..]).filter(|gradient| !gradient.is_empty())
    }

    pub(super) fn take_gradient(&mut self, id: ParamId) -> Vec<f32> {
        std::mem::take(&mut self.gradients[id])
    }

    pub(super) fn put_gradient(&mut self, id: ParamId, gradient: Vec<f32>) {
        self.gradients[id] = gradient;
    }

    pub(super) fn clear_gradients(&mut self) {
        self.gradients.iter_mut().for_each(|gradient| gradient.fill(0.0));
    }

    /// The trained parameters in the order of their names, with values and gradient.
    pub(super) fn trained(&self) -> impl Iterator<Item = (ParamId, &[f32], &[f32])> {
        self.trained.iter().map(|&id| (id, &self.values[id][..], &self.gradients[id][..]))
    }

    /// The same, with values to change.
    pub(super) fn update<E>(
        &mut self,
        mut f: impl FnMut(ParamId, &mut [f32], &[f32]) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        for &id in &self.trained {
            self.versions[id] += 1;
            f(id, &mut self.values[id], &self.gradients[id])?;
        }
        Ok(())
    }

    /// Moves running statistics towards those of a batch of `count` values per channel: the variance there has the divisor
    /// `n`, the running one is an average of those with `n - 1`.
    pub(super) fn move_statistics(&mut self, norm: &super::norm::Norm) {
        let momentum = f64::from(norm.norm.momentum);
        let unbiased = norm.count as f64 / (norm.count as f64 - 1.0);
        let mut moved = |id: ParamId, batch: &[f64], factor: f64| {
            for (running, batch) in self.values[id].iter_mut().zip(batch) {
                *running = ((1.0 - momentum) * f64::from(*running) + momentum * factor * batch) as f32;
            }
            self.versions[id] += 1;
        };
        moved(norm.norm.mean, &norm.mean, 1.0);
        moved(norm.norm.var, &norm.var, unbiased);
    }

    /// Bytes of values and gradients.
    pub(super) fn bytes(&self) -> usize {
        let len = |all: &[Vec<f32>]| all.iter().map(Vec::len).sum::<usize>();
        (len(&self.values) + len(&self.gradients)) * size_of::<f32>()
    }
}
