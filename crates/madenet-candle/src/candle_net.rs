//! The interpreter: weights on a device, and what a run needs to know about its network.

use candle_core::{DType, Device, Tensor, Var};
use madenet_nets::{Net, ParamId, Params};

use crate::forward::{Pass, run};
use crate::policy::{self, Policy, Treatment};
use crate::{Error, Result};

/// Names the random numbers of one training step: dropout and drop-path draw from streams keyed by (seed, step, path of
/// the operation), so a step repeats itself exactly, and a resumed run continues as if it had not stopped.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct StepKey {
    /// The seed of the run.
    pub seed: u64,
    /// Number of the step.
    pub step: u64,
}

/// A recorded network on candle tensors: the reference of the other interpreters on a CPU, and the trainer on CUDA and
/// Metal. See the [crate docs](crate) for an example.
///
/// Weights are `f32`. Those that train are [`Var`]s, for candle's backward pass; all others are plain tensors, so that
/// nothing is recorded for a frozen part in front of the trained ones. It is an [`Engine`](crate::Engine), which an
/// [`Optimiser`](crate::Optimiser) updates.
#[derive(Debug)]
pub struct CandleNet {
    pub(crate) net: Net,
    pub(crate) device: Device,
    /// By [`ParamId`].
    pub(crate) weights: Vec<Weight>,
    /// The trained parameters in the order of their names.
    trained: Vec<ParamId>,
    /// Their summed gradients, for [`Engine`](crate::Engine).
    pub(crate) gradients: Vec<Vec<f32>>,
    /// By node: how it takes part in training.
    pub(crate) treatments: Vec<Treatment>,
    /// By node: the node that reads it last; its own place if none does, `usize::MAX` for outputs.
    pub(crate) last_uses: Vec<usize>,
}

#[derive(Debug)]
pub(crate) enum Weight {
    Trained(Var),
    Fixed(Tensor),
}

impl Weight {
    pub(crate) fn tensor(&self) -> &Tensor {
        match self {
            Weight::Trained(var) => var.as_tensor(),
            Weight::Fixed(tensor) => tensor,
        }
    }
}

impl CandleNet {
    /// `net` with the weights of `params` on `device`; `policy` says what trains.
    ///
    /// # Errors
    /// [`Error::Nets`] if a parameter is missing, has another shape or is not finite; [`Error::UnknownScope`] if a scope
    /// of the policy matches nothing.
    pub fn new(net: &Net, params: &Params, policy: &Policy, device: &Device) -> Result<Self> {
        policy::check_scopes(policy.scopes(), net)?;
        let mut weights = Vec::with_capacity(net.params().len());
        for (values, (name, spec)) in params.values_for(net)?.into_iter().zip(net.params()) {
            let is_trained = spec.role.is_trained() && *policy.get(name) != Treatment::Freeze;
            let shape = spec.shape.as_slice();
            weights.push(if is_trained {
                Weight::Trained(Var::from_slice(values, shape, device)?)
            } else {
                Weight::Fixed(Tensor::from_slice(values, shape, device)?)
            });
        }
        let mut trained: Vec<ParamId> =
            (0..weights.len()).filter(|&id| matches!(weights[id], Weight::Trained(_))).collect();
        trained.sort_by_key(|&id| &net.params()[id].0);
        Ok(CandleNet {
            treatments: net.nodes().iter().map(|node| *policy.get(&node.path)).collect(),
            last_uses: net.last_uses(),
            net: net.clone(),
            device: device.clone(),
            gradients: trained.iter().map(|&id| vec![0.0; net.params()[id].1.len()]).collect(),
            weights,
            trained,
        })
    }

    /// The recorded network.
    #[must_use]
    pub fn net(&self) -> &Net {
        &self.net
    }

    /// The device that the weights are on and inputs are expected on.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Runs the network in evaluation: the outputs in the network's order for inputs in its order, `f32 [n, c, h, w]`.
    ///
    /// Keeps no graph, not even of inputs that have one, and drops every value after its last use.
    ///
    /// # Errors
    /// [`Error::InputCount`] and [`Error::Input`] if the inputs do not fit; [`Error::Op`] if the device fails.
    pub fn eval(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
        let inputs: Vec<Tensor> = inputs.iter().map(Tensor::detach).collect();
        let weights = self.weights.iter().map(|w| w.tensor().detach()).collect();
        run(self, &inputs, &mut Pass { key: None, weights })
    }

    /// Runs the network in training: batch normalisation uses the batch's statistics and moves the running ones, dropout
    /// and drop-path are on, except where the policy says otherwise. The outputs carry the graph for candle's `backward`.
    ///
    /// Running statistics move when the run succeeds, and keep no graph. candle walks the graph by recursion: train deep
    /// networks on a thread with a large stack, 64 MiB say.
    ///
    /// # Errors
    /// As [`eval`](Self::eval), and [`Error::OneValue`] if batch normalisation gets one value per channel.
    pub fn train(&mut self, inputs: &[Tensor], key: StepKey) -> Result<Vec<Tensor>> {
        let weights = self.weights.iter().map(|w| w.tensor().clone()).collect();
        let mut pass = Pass { key: Some(key), weights };
        let outputs = run(self, inputs, &mut pass)?;
        for (weight, moved) in self.weights.iter_mut().zip(pass.weights) {
            if let Weight::Fixed(fixed) = weight {
                *fixed = moved;
            }
        }
        Ok(outputs)
    }

    /// The parameters that train, in the order of their names.
    pub fn vars(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.trained.iter().filter_map(|&id| match &self.weights[id] {
            Weight::Trained(var) => Some((self.net.params()[id].0.as_str(), var)),
            Weight::Fixed(_) => None,
        })
    }

    /// All parameters and running statistics as they are now.
    ///
    /// # Errors
    /// If they cannot be copied from the device.
    pub fn export(&self) -> Result<Params> {
        let mut params = Params::new();
        for (weight, (name, spec)) in self.weights.iter().zip(self.net.params()) {
            params.insert(name.as_str(), spec.shape.clone(), values_of(weight.tensor())?)?;
        }
        Ok(params)
    }
}

/// Refuses inputs that are not those of `net` on `device`, by name; gives the size of the batch.
pub(crate) fn check_inputs(net: &Net, device: &Device, inputs: &[Tensor]) -> Result<usize> {
    let expected = net.inputs();
    if inputs.len() != expected.len() {
        let names = expected.iter().map(|(name, _)| name.clone()).collect();
        return Err(Error::InputCount { names, got: inputs.len() });
    }
    let batch = inputs.first().and_then(|x| x.dims().first().copied()).unwrap_or(0);
    for (i, (x, (name, id))) in inputs.iter().zip(expected).enumerate() {
        let s = net.nodes()[*id].shape;
        let fits = batch > 0
            && x.dims() == [batch, s.c, s.h, s.w]
            && x.dtype() == DType::F32
            && x.device().same_device(device);
        if !fits {
            let n = if i == 0 || batch == 0 { "n".to_string() } else { batch.to_string() };
            let (c, h, w) = (s.c, s.h, s.w);
            return Err(Error::Input {
                name: name.clone(),
                expected: format!("f32 [{n}, {c}, {h}, {w}] with n above 0 on {}", place(device)),
                got: format!("{} {:?} on {}", x.dtype().as_str(), x.dims(), place(x.device())),
            });
        }
    }
    Ok(batch)
}

/// The values of a tensor in row-major order.
pub(crate) fn values_of(tensor: &Tensor) -> Result<Vec<f32>> {
    Ok(tensor.flatten_all()?.to_vec1()?)
}

fn place(device: &Device) -> &'static str {
    match device {
        Device::Cpu => "the CPU",
        Device::Cuda(_) => "a CUDA device",
        Device::Metal(_) => "a Metal device",
    }
}
